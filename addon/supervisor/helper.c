/* See helper.h. Called by keeper.c. */
#define _GNU_SOURCE
#include "helper.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../sys/syscall.h"

#define SIGSET_BYTES 8

int wb_helper_begin(int (*work)(void *), void *memory, size_t size) {
  const uint64_t all = ~(uint64_t)0;
  uint64_t mask = 0;
  /* The signal handlers are this program's: they must not run in the helper. */
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &mask, SIGSET_BYTES);
  /* No exit signal: the caller's own handling of children never hears of it. */
  const int pid = clone(work, (char *)memory + size, CLONE_VM, memory);
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &mask, 0, SIGSET_BYTES);
  return pid;
}

void wb_helper_settle(const char *name, int one, int other) {
  const int low = one < other ? one : other;
  const int high = one < other ? other : one;
  sys2(__NR_setpgid, 0, 0);
  sys2(__NR_prctl, PR_SET_NAME, name);
  if (low > 0)
    sys3(__NR_close_range, 0, low - 1, 0);
  if (high > low + 1)
    sys3(__NR_close_range, low + 1, high - 1, 0);
  sys3(__NR_close_range, high + 1, ~0u, 0);
}

int wb_helper_await(int pid, int options) {
  return sys4(__NR_wait4, pid, 0, __WALL | options, 0) == pid;
}
