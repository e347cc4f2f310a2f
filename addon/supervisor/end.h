/* A descriptor of the caller's that is relayed to or from. */
#ifndef WASBOX_END_H
#define WASBOX_END_H

#include <stddef.h>
#include <sys/types.h>

struct wb_end {
  int fd;      /* owned; -1: there is none, or none any more */
  int socket;  /* cannot be opened again: is sent to without waiting */
  size_t most; /* bytes that one write may have, so that it does not wait */
};

/* caller.c: the same file once more, opened with `flags` where that keeps it from blocking, or a
 * duplicate. 0, or -1 with errno and nothing left behind. */
int wb_caller_end(int fd, int flags, struct wb_end *end);

/* Writes like write(2), so much that it does not block where poll(2) says that there is room. */
ssize_t wb_end_write(const struct wb_end *end, const void *bytes, size_t size);

#endif
