/* Tries whether the kernel, or a filter around wasbox, refuses user namespaces at once, as most
 * containers do. Called by addon/fastpath and addon/engine for each start; what fails only later,
 * probe.c finds out. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor.h"

static int end_at_once(void *unused) {
  (void)unused;
  _exit(0);
}

int wb_user_namespace_error(void) {
  static char stack[4096] __attribute__((aligned(16)));
  siginfo_t info;
  /* No exit signal: the caller's own handling of children never hears of it. */
  const int pid =
      clone(end_at_once, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_NEWUSER, NULL);
  if (pid < 0)
    return errno;
  waitid(P_PID, (id_t)pid, &info, WEXITED | __WALL);
  return 0;
}
