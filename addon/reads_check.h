/*
 * Asks the host again what resolving asked it about files, and compares the answers. Used by the
 * native command for its entries and by the addon for the runs that a program repeats; free of any
 * libc.
 */
#ifndef WASBOX_READS_CHECK_H
#define WASBOX_READS_CHECK_H

#include <linux/stat.h>

#include "recorded_reads.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The state for asking once more. */
struct wb_reads {
  const char *base; /* what offsets count from */
  /* The last path that lstat(2) found something under that is no link: stat(2) finds the same. */
  const char *plain;
  struct statx plain_info;
  char room[16384] __attribute__((aligned(8)));
};

static inline const struct wb_recorded_read *wb_reads_at(const char *base, uint32_t offset) {
  return (const struct wb_recorded_read *)(const void *)(base + offset);
}

/* Returns whether `count` reads at an offset, and all that they name, lie within `size`
 * bytes; what they name not before `least`. */
int wb_reads_fit(const char *base, uint32_t size, uint32_t least, uint32_t at, uint32_t count);

/* Returns whether the host answers a question as it did; 0 for one that is not about files. */
int wb_read_agrees(struct wb_reads *reads, const struct wb_recorded_read *recorded);

#ifdef __cplusplus
}
#endif

#endif
