/*
 * See answering.h. Called by supervise.c.
 *
 *   supervising thread                          answering thread
 *   waits for all descriptors
 *   something to answer: begins the thread ──▶  has listener, asker, network, lookups, moves
 *   waits for limits, time, signals …           answers until nothing came for a while
 *   takes the services back               ◀──  told (the last word is DONE)
 *
 * One of the two has the services at a time, so that nothing needs a lock. The thread goes when it
 * has been idle, and an idle sandbox costs no more than before its first question.
 *
 * A page of the payload's memory can take long to come: huge pages, a file on a network, a lock
 * that another of its threads holds. A path can lead to such a file system. Nothing in the kernel
 * bounds that, and only the end of the process does: so the end of a run does not wait for longer
 * than PATIENCE_MS, and what a stuck thread uses is left to it (`lost`).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "answering.h"
#include "ask.h"
#include "event.h"
#include "network.h"
#include "stack.h"
#include "supervisor.h"
#include "thread.h"

/* The thread ends after so long without a question. */
#define IDLE_MS 1000
/* How long the end of a run waits for it. */
#define PATIENCE_MS 500
/* Helpers of moves spend the run's time: how often that is looked at. */
#define MOVES_MS 100
/* Where no thread can be had, as with a user who has as many as allowed: tried again after RETRY,
 * and given up after GIVE_UP. */
#define RETRY_NS 10000000ull
#define GIVE_UP_NS 5000000000ull

/* The thread's last word to the supervising thread; any other only has it look. */
#define DONE (1ull << 32)
#define LOOK 1ull

enum {
  LISTENER,
  ASKER,
  NETWORK,
  LOOKUPS,
  MOVES = LOOKUPS + WB_LOOKUP_SERVERS,
  OTHER = MOVES + WB_MOVES_MAX
};
_Static_assert(OTHER + 1 == WB_ANSWERING_WAITS, "as many as the services have, and one");

void wb_answering_init(struct wb_answering *answering) {
  answering->stop = answering->told = -1;
}

/* Fills in what there is to answer; returns for how many milliseconds to wait, or -1. */
static int gather(const struct wb_run *run, struct pollfd *wait) {
  const struct wb_asker *asker = run->watch.asker;
  const struct wb_network *network = run->watch.network;
  wait[LISTENER] = (struct pollfd){run->watch.listener, POLLIN, 0};
  wait[ASKER] = (struct pollfd){asker ? asker->fd : -1, POLLIN, 0};
  wait[NETWORK] = (struct pollfd){network ? network->fd : -1, POLLIN, 0};
  wb_lookups_wait(&run->lookups, wait + LOOKUPS);
  wb_moves_wait(&run->moves, wait + MOVES);
  const int patience = network ? network->wait_ms(network) : -1;
  return asker ? wb_sooner(patience, asker->wait_ms(asker)) : patience;
}

/* --- on the thread ---------------------------------------------------------------------------- */

/* The descriptors that are there, for poll(2): most runs have two. */
static unsigned pack(const struct pollfd *all, struct pollfd *packed) {
  unsigned count = 0;
  for (unsigned i = 0; i < WB_ANSWERING_WAITS; i++)
    if (all[i].fd >= 0)
      packed[count++] = all[i];
  return count;
}

static int are_moves_under_way(const struct wb_run *run) {
  for (unsigned i = 0; i < WB_MOVES_MAX; i++)
    if (run->moves.moves[i])
      return 1;
  return 0;
}

static void serve_asker(struct wb_run *run) {
  struct wb_asker *asker = run->watch.asker;
  if (!asker)
    return;
  asker->serve(asker, &run->watch);
  const int wants = asker->wants_terminal(asker);
  if (__atomic_exchange_n(&run->answering.wants_terminal, wants, __ATOMIC_SEQ_CST) != wants)
    wb_event_tell(run->answering.told, LOOK);
}

static void serve_moves(struct wb_run *run) {
  wb_moves_serve(&run->moves, &run->watch);
  __atomic_store_n(&run->answering.helped_us, wb_moves_spent_us(&run->moves), __ATOMIC_RELAXED);
}

/* Returns whether the supervising thread waits for this one, or has given it up. */
static int must_stop(const struct wb_answering *answering) {
  struct pollfd stop = {answering->stop, POLLIN, 0};
  return __atomic_load_n(&answering->lost, __ATOMIC_RELAXED) || poll(&stop, 1, 0) > 0;
}

/* Waits once, and answers what is there. Returns 0 when the thread is to end. */
static int step(struct wb_run *run) {
  struct wb_answering *answering = &run->answering;
  struct wb_network *network = run->watch.network;
  struct pollfd wait[WB_ANSWERING_WAITS], packed[WB_ANSWERING_WAITS];
  const int moving = are_moves_under_way(run);
  int patience = wb_sooner(gather(run, wait), moving ? MOVES_MS : IDLE_MS);
  const int is_idle = patience == IDLE_MS;
  wait[OTHER] = (struct pollfd){answering->stop, POLLIN, 0};
  const unsigned count = pack(wait, packed);
  const int n = poll(packed, count, patience);
  if ((n < 0 && errno != EINTR) || packed[count - 1].revents || (n == 0 && is_idle && !moving))
    return 0;
  if (n > 0 && wait[LISTENER].fd >= 0 && packed[0].revents) {
    if (!(packed[0].revents & POLLIN))
      return 0; /* hung up: the supervising thread sees it as well */
    if (wb_watch_answer(&run->watch) < 0) {
      answering->failed = errno;
      return 0;
    }
    if ((n == 1 && patience != 0 && !moving && !run->watch.asker) || must_stop(answering))
      return 1; /* nothing else is there to be served, or it is not this thread's any more */
  }
  serve_asker(run);
  wb_lookups_serve(&run->lookups, run->watch.refusals);
  if (moving || are_moves_under_way(run))
    serve_moves(run);
  if (network)
    network->serve(network, &run->watch);
  return 1;
}

static void work(void *argument) {
  struct wb_run *run = argument;
  /* The supervising thread has given up its groups, too: each thread has its own. */
  if (run->watch.private_root && run->watch.ids.host_uid)
    syscall(SYS_setgroups, 0, NULL);
  while (step(run))
    ;
  wb_rest_stack();
  wb_event_tell(run->answering.told, DONE); /* from here on the run is not this thread's */
}

/* --- on the supervising thread ---------------------------------------------------------------- */

int wb_answering_wait(const struct wb_run *run, struct pollfd *wait) {
  const struct wb_answering *answering = &run->answering;
  for (unsigned i = 0; i < WB_ANSWERING_WAITS; i++)
    wait[i] = (struct pollfd){-1, POLLIN, 0};
  if (answering->busy) {
    wait[OTHER].fd = answering->told;
    return -1;
  }
  if (answering->retry_ns)
    return wb_until_ms(answering->retry_ns);
  return gather(run, wait);
}

static int make_events(struct wb_answering *answering) {
  if (answering->stop < 0)
    answering->stop = wb_event_new();
  if (answering->told < 0)
    answering->told = wb_event_new();
  return answering->stop < 0 || answering->told < 0 ? errno : 0;
}

/* Returns 0, or an errno where it is given up. */
static int begin(struct wb_run *run) {
  struct wb_answering *answering = &run->answering;
  int error = make_events(answering);
  answering->busy = 1;
  error = error ? error : wb_thread_begin(work, run);
  if (!error) {
    answering->retry_ns = answering->refused_ns = 0;
    return 0;
  }
  answering->busy = 0;
  const uint64_t now = wb_now_ns();
  answering->retry_ns = now + RETRY_NS;
  if (!answering->refused_ns)
    answering->refused_ns = now;
  return now - answering->refused_ns > GIVE_UP_NS ? error : 0;
}

int wb_answering_serve(struct wb_run *run, const struct pollfd *wait, int due, int *hung_up) {
  struct wb_answering *answering = &run->answering;
  *hung_up = 0;
  if (answering->busy) {
    if (!wait[OTHER].revents || wb_event_hear(answering->told) < DONE)
      return 0;
    answering->busy = 0;
    const int failed = answering->failed;
    answering->failed = 0;
    return failed;
  }
  int wanted = due || answering->retry_ns;
  for (unsigned i = ASKER; i < OTHER; i++)
    wanted |= wait[i].revents;
  const short asked = wait[LISTENER].revents;
  if (asked & POLLNVAL)
    return EBADF;
  *hung_up = asked && !(asked & POLLIN);
  return !*hung_up && (wanted || (asked & POLLIN)) ? begin(run) : 0;
}

int wb_answering_end(struct wb_run *run) {
  struct wb_answering *answering = &run->answering;
  const uint64_t deadline = wb_now_ns() + PATIENCE_MS * 1000000ull;
  if (!answering->busy)
    return !answering->lost;
  wb_event_tell(answering->stop, 1);
  while (answering->busy && wb_now_ns() < deadline) {
    struct pollfd wait = {answering->told, POLLIN, 0};
    if (poll(&wait, 1, PATIENCE_MS) > 0 && wb_event_hear(answering->told) >= DONE)
      answering->busy = 0;
  }
  answering->lost = answering->busy;
  if (!answering->lost) /* else it is still to hear of it */
    wb_event_hear(answering->stop);
  return !answering->lost;
}

void wb_answering_close(struct wb_answering *answering) {
  if (answering->lost)
    return;
  if (answering->stop >= 0)
    close(answering->stop);
  if (answering->told >= 0)
    close(answering->told);
  wb_answering_init(answering);
}
