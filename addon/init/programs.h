/* A program of a session on its way to its execution: session.c, programs.c. */
#ifndef WASBOX_INIT_PROGRAMS_H
#define WASBOX_INIT_PROGRAMS_H

#include "init.h"

struct program {
  char **paths; /* tried one after the other */
  uint32_t path_count;
  char **argv, **envp;
  const char *cwd;      /* or NULL */
  const char *terminal; /* path of its own, at descriptors 0, 1 and 2; or NULL */
  uint32_t kind;        /* WB_EXEC_* */
  uint32_t step;        /* WB_STEP_* that failed */
  long error;           /* its errno */
  int pid;              /* once there is one */
  int done;             /* executed or failed; a futex */
  /* Limits of its own, or NULL. It waits with `marked` until it has them: 1, or -1 where it has
   * not; futexes. */
  const struct wb_exec *limits;
  int waits, marked;
  uint32_t number; /* of its mark, or 0 */
};

/* programs.c: has init's thread start it, with init's descriptors 0, 1 and 2. Returns when it has
 * executed or failed. */
void start_program(struct program *program);

/* marks.c: gives a process that waits for it the limits of its program, and a mark where the
 * supervisor has to hold it to them, which is told before. Returns 0 or a negative errno. */
long mark_program(struct program *program);

/* session_files.c: in a process of its own, in place of a program: its exit status. */
int serve_file(const struct program *program);

#endif
