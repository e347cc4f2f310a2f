/*
 * The last bytes of what a payload writes to its own terminal, or to pipes where its output is
 * counted: from these the reader of the outcome tells what the program lacked. Called by terminal.c
 * and relay.c for each piece, and by outcome.c and attach.c at the end.
 */
#ifndef WASBOX_TAIL_H
#define WASBOX_TAIL_H

#include <stddef.h>

#include "../records.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zeros are an empty one. */
struct wb_tail {
  size_t next; /* where the next byte goes */
  int full;    /* all of `bytes` was written; the oldest of them is at `next` */
  unsigned char bytes[WB_TAIL_MAX];
};

void wb_tail_add(struct wb_tail *tail, const unsigned char *bytes, size_t size);

/* Puts the bytes in the order in which they came, and returns how many there are. */
size_t wb_tail_order(struct wb_tail *tail);

#ifdef __cplusplus
}
#endif
#endif
