/* Validation of a session's program (wire.h), before init uses a single field of it. */
#ifndef WASBOX_EXEC_CHECK_H
#define WASBOX_EXEC_CHECK_H

#include "wire.h"

/* 1 if it is whole and in bounds, 0 otherwise. `size` is that of the memory in bytes. */
int wb_exec_valid(const struct wb_exec *exec, uint64_t size);

#endif
