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
#include <unistd.h>

#include "clock.h"

void wb_clock_open(struct wb_clock *clock) {
  struct perf_event_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_TASK_CLOCK; /* in the kernel as well, whatever is excluded */
  attr.inherit = attr.exclude_kernel = attr.exclude_hv = 1;
  /* It counts from init's execve(2) on: neither this thread nor one that it begins ever executes
   * anything. */
  attr.disabled = attr.enable_on_exec = 1;
  clock->fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

uint64_t wb_clock_us(const struct wb_clock *clock) {
  uint64_t all = 0;
  return clock->fd < 0 || read(clock->fd, &all, sizeof all) != sizeof all ? 0 : all / 1000;
}

void wb_clock_close(struct wb_clock *clock) {
  if (clock->fd >= 0)
    close(clock->fd);
  clock->fd = -1;
}
