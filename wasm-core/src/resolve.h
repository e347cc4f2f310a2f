/* Declares what resolve.c and conds.c, the two halves of one stage, share; evaluate.c uses
 * wb_find_call. */
#ifndef WASBOX_CORE_RESOLVE_H
#define WASBOX_CORE_RESOLVE_H

#include "core.h"

/* Conditions of one rule; they are counted in the bits of a uint32_t. */
#define WB_MAX_CONDS 16

struct wb_text wb_place_text(const struct wb_context *cx, struct wb_place place);
/* -1 and a diagnostic where there is no such architecture. */
int wb_resolve_arch(struct wb_context *cx, struct wb_place place);
/* Value of an expression; `set` is where its names are looked up first. False: reported. */
bool wb_resolve_value(struct wb_context *cx, const struct wb_expr *expr, enum wb_arch arch, int set,
                      uint64_t *value);
/* Clauses that a rule can become for one call: its arguments may be read in two widths each. */
enum { WB_MAX_READINGS = 16 };

/* The conditions of a rule on one call of one architecture, as clauses of `rule` and `action`. An
 * argument whose width depends on a command gives two: one for the commands that read it narrow,
 * and one for the others. Returns how many there are, 0 where something was reported. */
uint32_t wb_resolve_clauses(struct wb_context *cx, const struct wb_stmt *stmt, int id,
                            enum wb_arch arch, struct wb_clause clause,
                            struct wb_clause out[WB_MAX_READINGS]);
/* The call of a number (with nr_base), or NULL. */
struct wb_call *wb_find_call(const struct wb_target *target, uint32_t nr);

#endif
