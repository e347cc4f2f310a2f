/*
 * The thread that answers the payload: refusals, questions, the network, moves. All that can touch
 * the payload's memory, its files or its locks happens on it, and the payload decides how long that
 * takes. The supervising thread keeps limits, time, signals and terminals meanwhile.
 */
#ifndef WASBOX_ANSWERING_H
#define WASBOX_ANSWERING_H

#include <poll.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wb_run;

/* Descriptors that have it begin: see wb_answering_wait. */
#define WB_ANSWERING_WAITS 11

struct wb_answering {
  int stop, told;     /* eventfds, owned: for the thread; from it. -1: none was needed so far */
  int busy;           /* the thread is at work, and has the run's services to itself */
  int lost;           /* it did not come back: what it uses must stay as it is */
  int failed;         /* errno of a listener that is of no use any more; of the thread */
  int wants_terminal; /* a question is on the terminal, or may be; atomic */
  uint64_t helped_us; /* processor time of the helpers of moves; atomic */
  uint64_t retry_ns, refused_ns; /* no thread could be had: when to try again; since when */
};

void wb_answering_init(struct wb_answering *answering);

/* Tells what the supervising thread waits for: while the thread is at work, only for its word;
 * else for what there is to answer. Fills WB_ANSWERING_WAITS entries; returns for how many
 * milliseconds, or -1. */
int wb_answering_wait(const struct wb_run *run, struct pollfd *wait);

/* Serves what a wait that began so has brought. `due`: the time is over. Begins the thread where
 * there is something to answer, and takes back what it is done with. Returns 0, or the errno of a
 * listener that fails while the payload may still ask; the caller then drops it. `*hung_up`: there
 * will be no question any more. */
int wb_answering_serve(struct wb_run *run, const struct pollfd *wait, int due, int *hung_up);

/* Has the thread end, and waits for that: some seconds at most. Returns whether it has; then the
 * services are the caller's. */
int wb_answering_end(struct wb_run *run);

void wb_answering_close(struct wb_answering *answering);

#ifdef __cplusplus
}
#endif
#endif
