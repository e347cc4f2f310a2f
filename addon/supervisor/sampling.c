/*
 * See sampling.h. Called by supervise.c. A run that is idle and small is looked at by the
 * supervising thread itself, which takes less than to begin another (meter.c decides).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "event.h"
#include "pages.h"
#include "stack.h"
#include "supervisor.h"
#include "thread.h"

/* How long the end of a run waits for the thread: its processes are gone by then, and only a file
 * system can hold it. */
#define PATIENCE_MS 500

void wb_sampling_init(struct wb_sampling *sampling) {
  sampling->told = -1;
}

int wb_sampling_wait(const struct wb_run *run, struct pollfd *wait) {
  const struct wb_sampling *sampling = &run->sampling;
  *wait = (struct pollfd){sampling->busy ? sampling->told : -1, POLLIN, 0};
  return sampling->busy ? -1 : wb_until_ms(run->meter.next_ns);
}

int wb_sampling_listens(const struct wb_sampling *sampling) {
  return !sampling->busy || sampling->kept < WB_SAMPLING_EVENTS;
}

static void work(void *argument) {
  struct wb_run *run = argument;
  run->sampling.wanted = wb_meter_sample(&run->meter, wb_now_ns(), 1);
  wb_rest_stack();
  wb_event_tell(run->sampling.told, 1); /* from here on the meter is not this thread's */
}

/* Returns whether the thread has begun. */
static int begin(struct wb_run *run) {
  struct wb_sampling *sampling = &run->sampling;
  if (sampling->told < 0)
    sampling->told = wb_event_new();
  if (sampling->told < 0)
    return 0;
  sampling->busy = 1;
  sampling->before = run->meter.usage;
  if (wb_thread_begin(work, run) != 0)
    sampling->busy = 0;
  return sampling->busy;
}

static int apply(struct wb_run *run, const struct wb_event *event) {
  if (event->kind != WB_EVENT_SHARED)
    return wb_meter_program(&run->meter, event, wb_now_ns());
  wb_meter_shared(&run->meter, event);
  return 0;
}

int wb_sampling_event(struct wb_run *run, const struct wb_event *event) {
  struct wb_sampling *sampling = &run->sampling;
  if (sampling->lost)
    return 0; /* nothing is held to limits any more */
  if (!sampling->busy)
    return apply(run, event);
  if (!sampling->events)
    sampling->events = wb_pages_new(sizeof *event * WB_SAMPLING_EVENTS);
  if (!sampling->events)
    return errno;
  if (!wb_sampling_listens(sampling))
    return ENOBUFS;
  sampling->events[sampling->kept++] = *event;
  return 0;
}

/* The meter is this thread's again. */
static int take_back(struct wb_run *run) {
  struct wb_sampling *sampling = &run->sampling;
  int error = 0;
  sampling->busy = 0;
  for (uint32_t i = 0; i < sampling->kept; i++) {
    const int one = apply(run, &sampling->events[i]);
    error = error ? error : one;
  }
  sampling->kept = 0;
  return error;
}

int wb_sampling_serve(struct wb_run *run, const struct pollfd *wait, int *error) {
  struct wb_sampling *sampling = &run->sampling;
  *error = 0;
  if (sampling->busy) {
    if (!wait->revents || !wb_event_hear(sampling->told))
      return 0;
    *error = take_back(run);
    *error = *error ? *error : run->meter.error;
    return sampling->wanted;
  }
  const uint64_t now = wb_now_ns();
  if (!run->meter.next_ns || now < run->meter.next_ns)
    return 0;
  run->meter.helped_us = __atomic_load_n(&run->answering.helped_us, __ATOMIC_RELAXED);
  int wanted = wb_meter_sample(&run->meter, now, 0);
  if (wanted & WB_METER_THREAD && begin(run))
    return 0;
  /* Where no thread can be had, as with a user who has as many as allowed, this one looks. */
  if (wanted & WB_METER_THREAD)
    wanted = wb_meter_sample(&run->meter, now, 1);
  *error = run->meter.error;
  return wanted;
}

void wb_sampling_end(struct wb_run *run) {
  struct wb_sampling *sampling = &run->sampling;
  const uint64_t deadline = wb_now_ns() + PATIENCE_MS * 1000000ull;
  while (sampling->busy && !sampling->lost) {
    struct pollfd wait = {sampling->told, POLLIN, 0};
    if (wb_event_hear(sampling->told))
      take_back(run);
    else if (wb_now_ns() >= deadline)
      sampling->lost = 1;
    else
      poll(&wait, 1, wb_until_ms(deadline));
  }
}

void wb_sampling_close(struct wb_sampling *sampling) {
  if (sampling->lost)
    return;
  if (sampling->told >= 0)
    close(sampling->told);
  if (sampling->events)
    wb_pages_free(sampling->events, sizeof *sampling->events * WB_SAMPLING_EVENTS);
  sampling->events = NULL;
  wb_sampling_init(sampling);
}
