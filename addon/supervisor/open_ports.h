/*
 * Ports on which a program inside listens and that nothing outside leads to: the user is told of
 * each, once and at once, since a server says that it is ready, and no browser reaches it. A
 * program that uses the library gets the numbers instead.
 */
#ifndef WASBOX_OPEN_PORTS_H
#define WASBOX_OPEN_PORTS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wb_pin;
struct wb_plan;

/* More ports than these are told of by the first ones. */
#define WB_OPEN_PORTS_MAX 8

struct wb_open_ports {
  const struct wb_plan *plan; /* borrowed; NULL: nothing is told */
  int numbers; /* borrowed: a pipe that takes a line with each number; 0: stderr takes sentences */
  uint32_t count;
  uint16_t told[WB_OPEN_PORTS_MAX];
};

/* Begins to tell of ports, if the run's plan asks for it (WB_WATCH_PORTS). `numbers` as in the
 * struct. */
void wb_open_ports_begin(struct wb_open_ports *ports, const struct wb_plan *plan, int numbers);

/* The caller is about to listen(2), which the policy allows. Writes a line, unless that would
 * wait. */
void wb_open_ports_take(struct wb_open_ports *ports, struct wb_pin *caller);

#ifdef __cplusplus
}
#endif
#endif
