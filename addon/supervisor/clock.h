/* Processor time of a whole run, as the kernel counts it: clock.c. */
#ifndef WASBOX_CLOCK_H
#define WASBOX_CLOCK_H

#include <stdint.h>

struct wb_clock {
  int fd; /* owned; -1: there is none */
};

/* Begins to count for the calling thread and for all processes that come from it from now on. */
void wb_clock_open(struct wb_clock *clock);

/* Microseconds that those processes used, whether they live, were waited for or neither; without
 * the calling thread, which must be the one that opened it. 0 without a clock. */
uint64_t wb_clock_us(const struct wb_clock *clock);

void wb_clock_close(struct wb_clock *clock);

#endif
