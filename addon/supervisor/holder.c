/*
 * A listener that closes makes the kernel answer each call that waits at it, and each later one,
 * with ENOSYS. If this program is killed, its descriptors close before the kernel ends the sandbox,
 * and the payload would go on for that moment with calls that do not exist. So a process of its own
 * holds the listener until init is gone: a pidfd says that only when every process of its pid
 * namespace is, pid_namespaces(7). Called by supervise.c.
 *
 * As the keeper (keeper.c), it shares this program's memory and none of its other descriptors, is
 * in a process group of its own, and makes raw system calls only.
 */
#define _GNU_SOURCE
#include "holder.h"

#include <linux/poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sys/syscall.h"

#define HELD_SIZE 8192
#define SIGSET_BYTES 8

/* Lies in memory of its own; behind it is the process's stack. */
struct held {
  int listener, init; /* descriptors */
};

static int hold(void *argument) {
  const struct held *held = argument;
  const int low = held->listener < held->init ? held->listener : held->init;
  const int high = held->listener < held->init ? held->init : held->listener;
  sys2(__NR_setpgid, 0, 0);
  sys2(__NR_prctl, PR_SET_NAME, "wasbox-holder");
  if (low > 0)
    sys3(__NR_close_range, 0, low - 1, 0);
  if (high > low + 1)
    sys3(__NR_close_range, low + 1, high - 1, 0);
  sys3(__NR_close_range, high + 1, ~0u, 0);
  struct pollfd wait = {.fd = held->init, .events = POLLIN};
  while (sys5(__NR_ppoll, &wait, 1, 0, 0, 0) < 0)
    ;
  return 0;
}

void wb_holder_open(struct wb_holder *holder, int listener, int init) {
  const uint64_t all = ~(uint64_t)0;
  uint64_t mask = 0;
  char *memory = mmap(NULL, HELD_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return;
  holder->held = (struct held *)(void *)memory;
  *holder->held = (struct held){listener, init};
  /* Handlers are this program's. */
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &mask, SIGSET_BYTES);
  /* No exit signal: the caller's own handling of children never hears of it. */
  holder->pid = clone(hold, memory + HELD_SIZE, CLONE_VM, holder->held);
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &mask, 0, SIGSET_BYTES);
  if (holder->pid > 0)
    return;
  munmap(memory, HELD_SIZE);
  *holder = (struct wb_holder){0, NULL};
}

void wb_holder_await(struct wb_holder *holder, int options) {
  /* It stands on this memory until it is gone. */
  if (!holder->held || sys4(__NR_wait4, holder->pid, 0, __WALL | options, 0) != holder->pid)
    return;
  munmap(holder->held, HELD_SIZE);
  *holder = (struct wb_holder){0, NULL};
}
