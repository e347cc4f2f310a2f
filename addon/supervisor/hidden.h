/* Counts what files take that nothing shows: hidden.c. */
#ifndef WASBOX_HIDDEN_H
#define WASBOX_HIDDEN_H

#include <stdint.h>

#include "files.h"

#define WB_HIDDEN_GROUPS 64

/* The hidden files of memory, or of disk. */
struct wb_hidden {
  uint32_t count; /* in `files` */
  int64_t others; /* what the machine lost, and these files do not explain */
  /* The least that it had lost so far, and the most that it lost from there on. */
  int64_t least_lost;
  uint64_t rise;
  uint64_t made_bytes, seen_bytes; /* of the last sample */
  uint64_t doubted; /* what was lost as files came, beyond what the run says it made */
  struct {
    uint64_t key;
    uint32_t group;
  } files[WB_UNLINKED_MAX]; /* those of the last sample */
  struct {
    uint64_t bytes, made; /* what the machine lost meanwhile; what the run made */
    uint32_t members;
  } groups[WB_HIDDEN_GROUPS];
};

/* The figures of one sample. */
struct wb_hidden_figures {
  int64_t lost_bytes;  /* of the machine, since the start; below 0 where others gave more back */
  uint64_t seen_bytes; /* of that, what is seen of the run */
  uint64_t made_bytes; /* wb_files.made_* */
  uint64_t limit_bytes;
};

/* Returns, after each sample, how many bytes the files take, at most. */
uint64_t wb_hidden_sample(struct wb_hidden *hidden, const struct wb_unlinked *unlinked,
                          const struct wb_hidden_figures *figures);

#endif
