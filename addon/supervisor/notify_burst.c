/*
 * Questions of the listener, one after the other. Called by supervise.c where for a while nothing
 * but questions came: a program asks thousands in a row, and a poll(2) of all that a run waits for,
 * its time limits among it, would take as long as the answer. All of that is put into one epoll
 * instance, and poll(2) waits for two descriptors.
 *
 * Not the listener as well: the kernel hands the processor straight to the thread that waits in
 * poll(2) for it (SYNC_WAKE_UP), but not through an epoll instance.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/time_types.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "notify_burst.h"
#include "supervisor.h"

/* So many in a row that more will come, and the epoll instance is worth its calls. */
#define MANY 32

static int add(int set, int fd, short events) {
  struct epoll_event event = {.events = events & POLLOUT ? EPOLLOUT : 0};
  if (events & POLLIN)
    event.events |= EPOLLIN;
  return (int)syscall(SYS_epoll_ctl, set, EPOLL_CTL_ADD, fd, &event);
}

/* A descriptor that becomes readable after so many milliseconds. */
static int timer(int set, int milliseconds) {
  int fd = (int)syscall(SYS_timerfd_create, CLOCK_MONOTONIC, O_CLOEXEC);
  struct __kernel_itimerspec at = {
      .it_value = {milliseconds / 1000, milliseconds % 1000 * 1000000ll}};
  if (fd >= 0 && syscall(SYS_timerfd_settime, fd, 0, &at, NULL) == 0 && add(set, fd, POLLIN) == 0)
    return fd;
  if (fd >= 0)
    close(fd);
  return -1;
}

/* Everything else in one instance; -1 where something cannot be waited for so. */
static int gather(const struct pollfd *wait, unsigned count, int listener) {
  int set = (int)syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
  for (unsigned i = 0; set >= 0 && i < count; i++) {
    if (wait[i].fd < 0 || wait[i].fd == listener || add(set, wait[i].fd, wait[i].events) == 0)
      continue;
    close(set);
    set = -1;
  }
  return set;
}

/* Grows where answering a question has brought something more to wait for. */
static unsigned begun(const struct wb_watch *watch) {
  return (watch->lookups ? watch->lookups->count : 0) + (watch->moves ? watch->moves->begun : 0);
}

int wb_burst_answer(struct wb_burst *burst, const struct wb_watch *watch, const struct pollfd *wait,
                    unsigned count, int patience_ms) {
  /* A run that asks, or serves a network, has work of its own after each question. */
  if (burst->questions < MANY || watch->asker || watch->network || patience_ms == 0)
    return 0;
  burst->questions = 0;
  int set = gather(wait, count, watch->listener), clock = -1, error = 0;
  if (set >= 0 && (patience_ms < 0 || (clock = timer(set, patience_ms)) >= 0)) {
    struct pollfd pair[2] = {{watch->listener, POLLIN, 0}, {set, POLLIN, 0}};
    const unsigned before = begun(watch);
    while (!error && begun(watch) == before && poll(pair, 2, -1) == 1 && pair[0].revents == POLLIN)
      error = wb_watch_answer(watch) == 0 ? 0 : errno;
  }
  if (clock >= 0)
    close(clock);
  if (set >= 0)
    close(set);
  return error;
}

void wb_burst_count(struct wb_burst *burst, int alone) {
  burst->questions = alone ? burst->questions + 1 : 0;
}
