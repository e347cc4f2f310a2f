/*
 * A listener that closes makes the kernel answer each call that waits at it, and each later one,
 * with ENOSYS. If this program is killed, its descriptors close before the kernel ends the sandbox,
 * and the payload would go on for that moment with calls that do not exist. So a process of its own
 * holds the listener until init is gone: a pidfd says that only when every process of its pid
 * namespace is, pid_namespaces(7). Called by supervise.c.
 *
 * As the keeper (keeper.c), it is a process of helper.c.
 */
#define _GNU_SOURCE
#include "holder.h"

#include <linux/poll.h>
#include <sys/syscall.h>

#include "../sys/syscall.h"
#include "helper.h"
#include "pages.h"

#define HELD_SIZE 8192

/* Lies in memory of its own; behind it is the process's stack. */
struct held {
  int listener, init; /* descriptors */
};

static int hold(void *argument) {
  const struct held *held = argument;
  wb_helper_settle("wasbox-holder", held->listener, held->init);
  struct pollfd wait = {.fd = held->init, .events = POLLIN};
  while (sys5(__NR_ppoll, &wait, 1, 0, 0, 0) < 0)
    ;
  return 0;
}

void wb_holder_open(struct wb_holder *holder, int listener, int init) {
  struct held *held = wb_pages_new(HELD_SIZE);
  if (!held)
    return;
  *held = (struct held){listener, init};
  const int pid = wb_helper_begin(hold, held, HELD_SIZE);
  if (pid > 0)
    *holder = (struct wb_holder){pid, held};
  else
    wb_pages_free(held, HELD_SIZE);
}

void wb_holder_await(struct wb_holder *holder, int options) {
  /* It stands on this memory until it is gone. */
  if (!holder->held || !wb_helper_await(holder->pid, options))
    return;
  wb_pages_free(holder->held, HELD_SIZE);
  *holder = (struct wb_holder){0, NULL};
}
