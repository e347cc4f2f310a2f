/* Describes what a helper of moves.c does: one rename of a directory, in the sandbox. */
#ifndef WASBOX_MOVE_TREE_H
#define WASBOX_MOVE_TREE_H

#include <stdint.h>

#include "directory.h"

/* PATH_MAX. */
#define WB_MOVE_PATH_MAX 4096

/* The kernel is to go on with the call, and decide it. */
#define WB_MOVE_LET (-1)

struct wb_move_tree {
  int init;       /* borrowed: a pidfd, whose namespaces are joined */
  int supervisor; /* its pid: without it no answer comes, and the helper ends */
  uint32_t uid, gid;
  int old_base, new_base; /* O_PATH: what relative names count from */
  uint32_t flags;         /* 0 or RENAME_NOREPLACE */
  int outcome;            /* out: 0, an errno for the program, or WB_MOVE_LET */
  char old_path[WB_MOVE_PATH_MAX], new_path[WB_MOVE_PATH_MAX];
  char entries[8192] __attribute__((aligned(8))); /* of the directory that is being read */
};

/* Joins the sandbox and does it; `outcome` says how it went. For a process of its own. */
void wb_move_tree(struct wb_move_tree *tree);

#endif
