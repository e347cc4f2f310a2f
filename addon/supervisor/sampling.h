/*
 * The thread that looks at what a busy run uses. Memory maps, page tables and the lists of
 * descriptors take as long as the payload has made them long, and wait for locks that it can hold.
 * The supervising thread keeps time, signals, terminals and streams meanwhile.
 */
#ifndef WASBOX_SAMPLING_H
#define WASBOX_SAMPLING_H

#include <poll.h>
#include <stdint.h>

#include "../records.h"
#include "../wire.h"

#ifdef __cplusplus
extern "C" {
#endif

struct wb_run;

/* The most events of init that are kept while the run is looked at. */
#define WB_SAMPLING_EVENTS 32

struct wb_sampling {
  int told;                /* eventfd, owned: the thread is done. -1: none was needed so far */
  int busy;                /* the thread is at work, and has the meter to itself */
  int lost;                /* it did not come back: what it uses must stay as it is */
  int wanted;              /* WB_METER_*, of the sample */
  uint32_t kept;           /* events */
  struct wb_event *events; /* owned, WB_SAMPLING_EVENTS; NULL until the first */
  struct wb_usage before;  /* what is told of the run where the thread is lost */
};

void wb_sampling_init(struct wb_sampling *sampling);

/* Fills in what to wait for while the thread is at work. Returns milliseconds until the run is
 * to be looked at, or -1. */
int wb_sampling_wait(const struct wb_run *run, struct pollfd *wait);

/* Returns whether init's events may be read: there is room for one more. */
int wb_sampling_listens(const struct wb_sampling *sampling);

/* Called after a wait: looks at the run where that is due, or takes over what the thread has seen.
 * Returns WB_METER_*. `*error`: an errno where limits of a program can not be held. */
int wb_sampling_serve(struct wb_run *run, const struct pollfd *wait, int *error);

/* SHARED, PROGRAM and REAPED. Returns 0, or an errno where limits can not be held. */
int wb_sampling_event(struct wb_run *run, const struct wb_event *event);

/* Waits for the thread, some moments at most: `lost` where it does not come back. Else the meter is
 * the caller's. */
void wb_sampling_end(struct wb_run *run);

void wb_sampling_close(struct wb_sampling *sampling);

#ifdef __cplusplus
}
#endif
#endif
