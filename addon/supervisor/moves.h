/*
 * Renaming directories in a copy-on-write tree. overlayfs renames one that the host has only where
 * it may leave a redirect behind, which it may not in a user namespace: rename(2) fails with EXDEV,
 * and programs that move within one directory (git, npm, build tools) do not fall back to copying.
 * So the supervisor has it done: a helper inside makes the new directory and renames what is in the
 * old one, file by file.
 */
#ifndef WASBOX_MOVES_H
#define WASBOX_MOVES_H

#include <poll.h>
#include <stdint.h>

#include "notify.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Moves that are under way at a time; a further one is the kernel's, and fails as ever. */
#define WB_MOVES_MAX 4

struct wb_move; /* moves.c */

struct wb_moves {
  int init;          /* borrowed: a pidfd of init, whose tree it is; -1: nothing is moved */
  uint32_t uid, gid; /* of the payload, as inside */
  unsigned begun;    /* so far */
  uint64_t spent_us; /* processor time of those that have ended */
  int pidfds[WB_MOVES_MAX];
  struct wb_move *moves[WB_MOVES_MAX]; /* owned; NULL: free */
};

void wb_moves_begin(struct wb_moves *moves, int init, uint32_t uid, uint32_t gid);

/* 1: the notification is of a directory that is to be renamed, and answered by wb_moves_serve; 0:
 * the kernel may go on with it. */
int wb_moves_take(struct wb_moves *moves, struct wb_pin *caller);

/* Fills WB_MOVES_MAX entries for poll(2). */
void wb_moves_wait(const struct wb_moves *moves, struct pollfd *wait);

/* Answers for helpers that have ended. Returns 0, or -1 where the listener is of no use any more.
 */
int wb_moves_serve(struct wb_moves *moves, const struct wb_watch *watch);

/* Processor time of all helpers so far, in microseconds: the payload has it spent. */
uint64_t wb_moves_spent_us(const struct wb_moves *moves);

/* Ends what is under way when the run is over. */
void wb_moves_end(struct wb_moves *moves);

#ifdef __cplusplus
}
#endif
#endif
