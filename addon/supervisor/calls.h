/* Says which argument of a system call tells what it is about. */
#ifndef WASBOX_CALLS_H
#define WASBOX_CALLS_H

#include <stdint.h>

#include "../records.h"

struct wb_call_shape {
  uint32_t target;    /* WB_TARGET_NONE, _PATH or _ADDRESS */
  uint32_t argument;  /* that holds its address; a socket address has its length in the next one */
  uint32_t selectors; /* bit n: the value of argument n matters */
};

/* Returns the shape on the machine's own architecture; never NULL. */
const struct wb_call_shape *wb_call_shape(uint32_t nr);

#endif
