/* A second holder of a run's listener, which outlives this program: holder.c. */
#ifndef WASBOX_HOLDER_H
#define WASBOX_HOLDER_H

struct held;

struct wb_holder {
  int pid;           /* 0: there is none */
  struct held *held; /* owned */
};

/* Begins a process that takes a listener and holds it until `init`, a pidfd, says that the sandbox
 * is gone. Returns the socket that it takes the listener from, which the caller passes to init and
 * closes. Where none can be begun, -1: a payload whose supervisor is killed may see ENOSYS before
 * it ends. */
int wb_holder_open(struct wb_holder *holder, int init);

/* Waits for its end, once init is gone. `options` of waitpid(2): WNOHANG, or 0. */
void wb_holder_await(struct wb_holder *holder, int options);

#endif
