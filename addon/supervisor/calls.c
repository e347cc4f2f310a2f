/*
 * Lists what distinguishes two uses of one system call in a report: the path or address that it
 * names, or the values of a few arguments. Called by notify.c and audit.c. A call that is not
 * listed has neither; its refusals are counted together.
 */
#include <asm/unistd.h>
#include <stddef.h>

#include "calls.h"
#include "notify.h"

#define A(n) (1u << (n))
#define PATH(name, arg) [__NR_##name] = {WB_TARGET_PATH, (arg), 0}
#define ADDRESS(name, arg) [__NR_##name] = {WB_TARGET_ADDRESS, (arg), 0}
#define VALUES(name, selectors) [__NR_##name] = {WB_TARGET_NONE, 0, (selectors)}

/* Shapes by number, since every notification reads it. Zeros where a call is not listed. */
static const struct wb_call_shape shapes[WB_CALL_SLOTS] = {
#include "calls.generated.h"
};

const struct wb_call_shape *wb_call_shape(uint32_t nr) {
  static const struct wb_call_shape plain = {WB_TARGET_NONE, 0, 0};
  return nr < WB_CALL_SLOTS ? &shapes[nr] : &plain;
}
