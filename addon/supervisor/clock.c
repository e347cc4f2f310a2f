/*
 * A process that ends without being waited for, because its parent ignores SIGCHLD, takes its
 * processor time along: neither /proc nor getrusage(2) tells. A software event of perf, which
 * children inherit, keeps it. Called by launch.c and meter.c where --cpu is given and no cgroup
 * counts. perf_event_open(2)
 *
 * An ordinary user may have such an event unless kernel.perf_event_paranoid is above 2, as on
 * Debian and Ubuntu. Then meter.c estimates.
 */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

static uint64_t thread_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void wb_clock_open(struct wb_clock *clock) {
  struct perf_event_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_TASK_CLOCK; /* in the kernel as well, whatever is excluded */
  attr.inherit = attr.exclude_kernel = attr.exclude_hv = 1;
  clock->own_ns = thread_ns();
  clock->fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

uint64_t wb_clock_us(const struct wb_clock *clock) {
  uint64_t all = 0;
  if (clock->fd < 0 || read(clock->fd, &all, sizeof all) != sizeof all)
    return 0;
  const uint64_t own = thread_ns() - clock->own_ns;
  return all > own ? (all - own) / 1000 : 0;
}

void wb_clock_close(struct wb_clock *clock) {
  if (clock->fd >= 0)
    close(clock->fd);
  clock->fd = -1;
}
