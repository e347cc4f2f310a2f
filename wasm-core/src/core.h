/*
 * Declares what the stages of the compiler hand to one another: sources, diagnostics, syntax tree,
 * resolved policy, decision graph, program. Each stage is one file with one function; the order is
 *
 *     lexer.c -> parser.c -> resolve.c -> normalize.c (tree.c, numbers.c) -> emit.c -> verify.c
 *
 * Everything lives in the arena and dies with the next wb_reset.
 */
#ifndef WASBOX_CORE_INTERNAL_H
#define WASBOX_CORE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wasbox_core.h"
#include "tables.h"

/* --- arena.c ------------------------------------------------------------------------------- */

/* Zeroed memory, aligned to 16. Never NULL: the limits of the stages keep a call far below what
 * a host gives a module. */
void *wb_alloc(size_t size);
void wb_arena_reset(void);

/* Adds an element to a growing array, which may move, and returns it. `array` is where the array is
 * kept. A call rather than a macro, since it is made in so many places. */
void *wb_push(void *array, uint32_t *count, uint32_t *capacity, size_t element_size);

/* Sorts elements of at most 64 bytes, without memory; what is in order takes one pass. */
void wb_sort(void *array, uint32_t count, size_t element_size,
             bool (*less)(const void *a, const void *b, const void *with), const void *with);

#define WB_PUSH(array, count, capacity)                                                            \
  ((__typeof__(array))wb_push((void *)&(array), &(count), &(capacity), sizeof *(array)))

/* --- sources and diagnostics: diag.c, files.c ------------------------------------------------ */

struct wb_text {
  const char *at;
  uint32_t size;
};

/* The text of a C string. */
struct wb_text wb_text_of(const char *string);

struct wb_source {
  struct wb_text name;
  struct wb_text text;
};

struct wb_diag {
  enum wb_code code;
  struct wb_place place;
  bool has_related;
  struct wb_place related;
  uint32_t number;
  struct wb_text detail;
  struct wb_text suggestion;
};

/* An argument that a rule compares, and how: bit 0 in the bits that some commands read, bit 1 in
 * all bits of wb_syscall_args. */
struct wb_width_use {
  int id;
  enum wb_arch arch;
  uint8_t arg;
  uint32_t readings;
};

/* One compilation. */
struct wb_context {
  struct wb_width_use *widths;
  uint32_t width_count, width_capacity;
  struct wb_source *files;
  uint32_t file_count, file_capacity;
  struct wb_diag *diags;
  uint32_t diag_count, diag_capacity;
  uint32_t error_count;
};

/* Reports something; the caller may fill in more of what comes back. Never NULL. */
struct wb_diag *wb_report(struct wb_context *cx, enum wb_code code, struct wb_place place);
/* Reads an include; 0, -1 where there is no such file, -2 where it is too large. */
int wb_read_file(struct wb_text name, struct wb_text *out);
#ifdef __wasm__
/* The address of something in the module's memory. */
static inline uint32_t wb_ref(const void *at) {
  return (uint32_t)(uintptr_t)at;
}
/* Text of a request. */
struct wb_text wb_text_at(uint32_t address, uint32_t size);
#endif

/* --- suggestions: diag.c --------------------------------------------------------------------- */

/* Collects the nearest candidate to a misspelled word. */
struct wb_suggest {
  struct wb_text word;
  struct wb_text best;
  uint32_t distance;
};
void wb_suggest_start(struct wb_suggest *s, struct wb_text word);
void wb_suggest_offer(struct wb_suggest *s, const char *candidate);
/* The nearest, or an empty text where none is near enough. */
struct wb_text wb_suggest_result(const struct wb_suggest *s);
bool wb_text_is(struct wb_text text, const char *word);

/* --- lexer.c --------------------------------------------------------------------------------- */

enum wb_token_kind {
  WB_TOKEN_END,
  WB_TOKEN_WORD,  /* allow, AF_UNIX */
  WB_TOKEN_GROUP, /* @file */
  WB_TOKEN_NUMBER,
  WB_TOKEN_VERSION, /* 5.10 */
  WB_TOKEN_STRING,  /* place without the quotes is place +1, -1 */
  WB_TOKEN_MARK     /* everything else; value: its characters, first in the lowest byte */
};

struct wb_token {
  enum wb_token_kind kind;
  struct wb_place place;
  uint64_t value;
  uint32_t indent; /* columns before it, counted from its line's start */
  bool first_on_line;
};

/* Splits a file into tokens; the last one is WB_TOKEN_END. */
struct wb_token *wb_lex(struct wb_context *cx, uint32_t file, uint32_t *count);

/* --- parser.c: the syntax tree --------------------------------------------------------------- */

enum wb_expr_kind {
  WB_EXPR_NUMBER,
  WB_EXPR_NAME,
  WB_EXPR_OR,
  WB_EXPR_NOT,
  WB_EXPR_NEGATE,
  WB_EXPR_SHIFT
};

struct wb_expr {
  enum wb_expr_kind kind;
  struct wb_place place;
  uint64_t value;
  struct wb_expr *left, *right;
};

struct wb_range_node {
  struct wb_expr *low, *high; /* high is NULL for a single value */
};

enum wb_op { WB_OP_EQ, WB_OP_NE, WB_OP_LT, WB_OP_LE, WB_OP_GT, WB_OP_GE, WB_OP_IN, WB_OP_NOT_IN };

enum wb_cast { WB_CAST_NONE, WB_CAST_S32, WB_CAST_U32, WB_CAST_S64, WB_CAST_U64 };

struct wb_test_node {
  struct wb_place argument;
  struct wb_place place;
  enum wb_cast cast;
  struct wb_expr *mask; /* or NULL */
  enum wb_op op;        /* a mask alone is `!= 0` with one value of NULL */
  struct wb_range_node *values;
  uint32_t value_count, value_capacity;
};

struct wb_action_node {
  enum wb_action kind;
  struct wb_place place;
  struct wb_expr *value; /* or NULL: EPERM for deny */
};

enum wb_stmt_kind {
  WB_STMT_TARGET,
  WB_STMT_KERNEL,
  WB_STMT_DEFAULT,
  WB_STMT_UNKNOWN,
  WB_STMT_FOREIGN,
  WB_STMT_INCLUDE,
  WB_STMT_GROUP,
  WB_STMT_RULE
};

struct wb_stmt {
  enum wb_stmt_kind kind;
  struct wb_place place;
  struct wb_action_node action;
  struct wb_place *names; /* calls and groups; architectures of `target`; the file of `include` */
  uint32_t name_count, name_capacity;
  struct wb_place *archs; /* of `on` */
  uint32_t arch_count, arch_capacity;
  struct wb_test_node *tests;
  uint32_t test_count, test_capacity;
  struct wb_place group;              /* name being defined */
  uint32_t kernel;                    /* of `kernel >=` */
  uint32_t kernel_from, kernel_below; /* of `when`; 0: no bound */
};

struct wb_tree {
  struct wb_stmt *stmts;
  uint32_t stmt_count, stmt_capacity;
};

struct wb_tree *wb_parse(struct wb_context *cx, uint32_t file);

/* --- resolve.c: the policy that the filter must equal ------------------------------------------
 */

struct wb_range {
  uint64_t low, high; /* both included */
};

/* (argument & mask) op ranges, as a value of `width` bits; low bits of a narrower argument only. */
struct wb_cond {
  uint8_t arg;
  uint8_t width; /* 32 or 64 */
  bool is_signed;
  bool is_wide; /* all 64 bits, and no type said so: for lint.c */
  uint8_t op;   /* enum wb_op */
  uint64_t mask;
  /* One with high == low for all but IN and NOT_IN; sorted, and none touches the next. */
  struct wb_range *ranges;
  uint32_t range_count;
  /* The ranges as the rule has them: joined in 64 bits, a value may vanish that fewer bits tell
   * apart. */
  const struct wb_range *written;
  uint32_t written_count;
};

/* Says what one rule says about one call. */
struct wb_clause {
  uint32_t rule;
  uint32_t action; /* as the filter returns it */
  struct wb_cond *conds;
  uint32_t cond_count;
};

struct wb_call {
  uint32_t nr; /* with nr_base */
  int id;
  struct wb_clause *clauses; /* in the order of the rules; ends at the first without conditions */
  uint32_t clause_count, clause_capacity;
  uint64_t weight;
};

struct wb_target {
  enum wb_arch arch;
  struct wb_call *calls; /* every call of the table, by rising number */
  uint32_t call_count;
  uint32_t default_action, unknown_action;
};

struct wb_rule {
  struct wb_place place;
  uint32_t action; /* for the first target that has one of its calls */
  bool has_calls;  /* a target has one of its calls */
  bool lives;      /* normalize found a call that it decides */
  bool has_shadow;
  uint32_t shadow; /* the rule above that takes its calls */
};

/* A call named by a rule that lives, but decided by a rule above. */
struct wb_shadowed_name {
  uint32_t rule, shadow;
  struct wb_place place;
};

struct wb_policy {
  struct wb_target targets[WB_ARCH_COUNT];
  uint32_t target_count;
  uint32_t foreign_action; /* of other architectures, and of x32 on x86_64 or the other way round */
  uint32_t kernel;
  bool big_endian;
  struct wb_rule *rules;
  uint32_t rule_count, rule_capacity;
  struct wb_shadowed_name *shadowed;
  uint32_t shadowed_count, shadowed_capacity;
};

struct wb_options {
  struct wb_text name, text, weights;
  uint32_t targets, kernel;
};

/* NULL where there were errors. */
struct wb_policy *wb_resolve(struct wb_context *cx, const struct wb_options *options);

/* First kernel that keeps, for each number, whether every filter allows it whatever the arguments:
 * it runs no filter for those. */
#define WB_CACHING_KERNEL (5 << 8 | 11)
/* compile.c: returns whether kernels do so for an architecture: not for MIPS, nor for numbers with
 * x32's bit. */
bool wb_arch_is_cached(enum wb_arch arch);

/* --- lint.c ------------------------------------------------------------------------------------
 */

/* Warns about what is legal and yet not what the author wants. */
void wb_lint(struct wb_context *cx, const struct wb_policy *policy);
/* Warns about rules that normalize found dead. */
void wb_lint_shadowed(struct wb_context *cx, const struct wb_policy *policy);

/* --- normalize.c, tree.c, numbers.c: the decision graph
 * ----------------------------------------------------
 */

/* Words of seccomp_data. An argument's halves: WB_FIELD_ARG + 2 * i is the low one, + 1 the high.
 */
enum { WB_FIELD_NR, WB_FIELD_ARCH, WB_FIELD_ARG };

enum wb_node_kind { WB_NODE_LEAF, WB_NODE_EQ, WB_NODE_GE };

/* (field & mask) == k or >= k ? yes : no; a leaf returns k. Equal nodes are one node. */
struct wb_node {
  uint8_t kind, field;
  uint32_t mask, k, yes, no;
  uint32_t origin; /* a rule that the test is for, or WB_DECIDED_BY_* */
};

struct wb_graph {
  struct wb_node *nodes;
  uint32_t count, capacity;
  uint32_t *buckets;
  uint32_t bucket_count;
  uint32_t root;
  bool too_complex;
  uint32_t complex_rule; /* first rule of the call where it became so, or WB_DECIDED_BY_DEFAULT */
};

void wb_graph_init(struct wb_graph *graph);
/* Drops the nodes from `count` on: nothing may lead to them. */
void wb_graph_cut(struct wb_graph *graph, uint32_t count);
uint32_t wb_graph_leaf(struct wb_graph *graph, uint32_t action, uint32_t origin);
uint32_t wb_graph_test(struct wb_graph *graph, struct wb_node node);

/* Values from `start` up to the next segment's start lead to `child`. */
struct wb_segment {
  uint32_t start;
  uint32_t key; /* the value, where `single` */
  bool single;  /* holds exactly one value that can occur */
  uint32_t child;
  uint32_t origin;
  double weight;
};

/* Builds the cheapest test tree it finds over segments that cover all values. */
uint32_t wb_tree_build(struct wb_graph *graph, uint8_t field, uint32_t mask,
                       struct wb_segment *segments, uint32_t count, double cost_of_size);

/* Marks living rules in the policy on the way. */
struct wb_graph *wb_normalize(struct wb_policy *policy);

/* --- emit.c ------------------------------------------------------------------------------------
 */

struct wb_insn_raw {
  uint16_t code;
  uint8_t jt, jf;
  uint32_t k;
};

struct wb_program {
  struct wb_insn_raw *insns;
  uint32_t *origins;
  uint32_t count;
};

/* `count` may exceed WB_MAX_INSTRUCTIONS: then there are no instructions. */
struct wb_program *wb_emit(const struct wb_graph *graph, bool big_endian);

/* --- verify.c, satisfy.c -----------------------------------------------------------------------
 */

enum wb_verdict { WB_VERDICT_EQUAL, WB_VERDICT_DIFFERENT, WB_VERDICT_TOO_COMPLEX };

struct wb_recorded_read {
  uint32_t arch, nr;
  uint64_t args[6];
  uint32_t got, wanted;
};

/* Walks every path of the program and holds it against the policy. Where that takes too long,
 * witness->got is the first rule of the call it was at, or WB_DECIDED_BY_DEFAULT. */
enum wb_verdict wb_verify(const struct wb_policy *policy, const struct wb_program *program,
                          struct wb_recorded_read *witness);

/* Numbers that a program and another policy judge differently. */
struct wb_difference_found {
  struct wb_recorded_read witness;
  uint32_t high; /* the numbers from witness.nr to here */
  bool by_arguments;
};

/* Does what wb_verify does, but goes on: one difference for every call and every gap that has one.
 * `policy` may be another one than the program was made from, for the same targets. NULL where the
 * conditions are too entangled. */
struct wb_difference_found *wb_find_differences(const struct wb_policy *policy,
                                                const struct wb_program *program, uint32_t *count);

/* One condition on one 64-bit value: (value & mask) op constant. */
struct wb_atom {
  uint8_t arg;
  uint8_t width;
  bool is_signed;
  uint8_t op; /* not IN, NOT_IN */
  uint64_t mask, constant;
};

/* Is there a value for which all atoms hold? 1 with it, 0, or -1 where it took too long. Adds what
 * it did to `work`. */
int wb_satisfy(const struct wb_atom *const *atoms, uint32_t count, uint64_t *value, uint64_t *work);

/* --- evaluate.c, simulate.c ---------------------------------------------------------------------
 */

struct wb_data {
  uint32_t nr, arch;
  uint64_t args[6];
};

bool wb_cond_holds(const struct wb_cond *cond, const uint64_t args[6]);
/* Returns what the policy says, straight from its rules. */
uint32_t wb_evaluate(const struct wb_policy *policy, const struct wb_data *data, uint32_t *rule);

/* Runs a program; path may be NULL, else has room for `count`. -1, or the illegal instruction. */
int wb_interpret(const struct wb_insn_raw *insns, uint32_t count, bool big_endian,
                 const struct wb_data *data, uint32_t *action, uint32_t *executed, uint32_t *path);
/* First instruction that the kernel would not load, or -1. */
int wb_check_program(const struct wb_insn_raw *insns, uint32_t count);
/* How an instruction reads. */
struct wb_insn wb_decode_one(struct wb_insn_raw raw, uint32_t at, uint32_t count);

/* --- compile.c ----------------------------------------------------------------------------------
 */

struct wb_figures {
  uint32_t mean_milli, weighted_milli, filtered_milli, worst, cacheable, known;
};

struct wb_compiled {
  struct wb_context cx;
  struct wb_policy *policy;   /* NULL where the text has errors */
  struct wb_program *program; /* NULL where there were errors */
  struct wb_figures figures;
  struct wb_recorded_read witness;
};

/* Text to proved program. */
struct wb_compiled *wb_compile_policy(const struct wb_options *options);

#endif
