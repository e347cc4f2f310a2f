/* The payload's start as init prepares it: payload.c, child.c. */
#ifndef WASBOX_INIT_CHILD_H
#define WASBOX_INIT_CHILD_H

#include "init.h"

#define SIGSET_BYTES 8

struct start {
  struct wb_plan *plan;
  char **argv, **envp;
  int terminal;
  long umask;
  long quotas; /* see open_quotas */
  long pid;
  int children;         /* signalfd(2) of SIGCHLD; of a session's SIGTERM, too */
  uint32_t failed_step; /* written by the child */
  long error;
  int tid;       /* the child's, until it has executed or is gone; a futex */
  int network;   /* a socket of the network namespace that the child made; a futex */
  int tree;      /* set by init: the file tree is there, and is "/"; a futex */
  int ready;     /* set by init: the old root is gone; a futex */
  int handed;    /* set by init: the filter's listener is sent */
  int serving;   /* set by the child of a session: it starts programs now; a futex */
  int filter;    /* FILTER_*, written by the child; a futex */
  long listener; /* descriptor in the shared table, with FILTER_LOADED; else a negative errno */
};

/*
 * Returns whether init leads the session, which it does where there is a terminal. A process group
 * none of whose members has a parent elsewhere in the session is an orphan: ^Z would not stop it.
 */
static inline int leads_session(const struct wb_plan *plan, int terminal) {
  return terminal && (plan->layers & WB_LAYER_SESSION);
}

/* child.c: what the signal does by default. */
void reset_signal(int signal);
/* child.c: starts the child on a stack of its own: its pid, or a negative errno. */
long start_child(struct start *start, unsigned char *stack, size_t stack_size);
/* The file tree must be in place; returns when the child has executed or failed. */
void finish_child(struct start *start);

#endif
