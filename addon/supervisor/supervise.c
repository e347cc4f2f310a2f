/* Staying with a run: events, the time limit, and the wait for the last process to be gone. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "message.h"
#include "network.h"
#include "stack.h"
#include "supervisor.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static void take_event(struct wb_run *run, struct wb_result *result, const struct wb_event *event,
                       const char *path, size_t path_length) {
  struct wb_outcome *outcome = &result->outcome;
  switch (event->kind) {
  case WB_EVENT_FAILED:
    outcome->kind = event->step == WB_STEP_EXEC ? WB_EXEC_FAILED : WB_SETUP_FAILED;
    result->failure.step = event->step;
    result->failure.error = event->error;
    memcpy(result->failure.path, path, path_length);
    result->failure.path[path_length] = 0;
    break;
  case WB_EVENT_ENDED:
    outcome->kind = WB_ENDED;
    outcome->exit_code = WIFEXITED(event->status) ? WEXITSTATUS(event->status) : -1;
    outcome->signal = WIFSIGNALED(event->status) ? (uint32_t)WTERMSIG(event->status) : 0;
    outcome->duration_ns = event->time_ns - run->started_ns;
    outcome->user_us = event->user_us;
    outcome->system_us = event->system_us;
    outcome->max_rss_kib = event->max_rss_kib;
    run->left = event->status ? event->step : 0;
    break;
  default:
    break;
  }
}

#define DESCRIPTORS_MAX 2
/* This niceness puts a run below everything else, short of SCHED_IDLE. */
#define DEPRIORITISED_NICE 19

/* The listener, or the errno why there is none. */
static void take_listener(struct wb_run *run, struct wb_outcome *outcome, int error, int fd) {
  if (fd < 0) {
    outcome->watch_error = error ? error : EPROTO;
    return;
  }
  /* One that comes twice, or that cannot be served, is closed: the kernel then refuses by itself.
   * Nothing is answered meanwhile, as for a published port: the thread reads where it is. */
  if (!wb_answering_end(run) || run->watch.listener >= 0 ||
      (outcome->watch_error = wb_watch_open(&run->watch, fd)) != 0)
    close(fd);
  else
    outcome->watched = 1;
}

/* Without an end to relay to, the payload's terminal is closed, which hangs it up. */
static void take_terminal(struct wb_run *run, int fd) {
  if (fd >= 0 && run->terminal.master < 0 && run->terminal.caller.out.fd >= 0)
    wb_terminal_open(&run->terminal, fd);
  else if (fd >= 0)
    close(fd);
}

/* A limit that cannot be held is none: the run ends before it has used much. */
static void refuse_limits(struct wb_run *run, struct wb_result *result, int error) {
  if (!error)
    return;
  wb_fail(&result->failure, WB_STEP_LIMITS, error, NULL);
  wb_signal(run, SIGKILL);
}

static void take_start(struct wb_run *run, struct wb_result *result, const struct wb_event *event,
                       const int fds[2]) {
  result->outcome.lacks = event->step;
  wb_terminal_started(&run->terminal);
  int error = run->meter.proc < 0 && run->meter.scratch < 0
                  ? wb_meter_start(&run->meter, fds[0], fds[1], wb_now_ns())
                  : EPROTO;
  if (!error && run->relay.through_terminal && run->terminal.master < 0)
    error = ENOTTY; /* output would not be counted */
  refuse_limits(run, result, error);
}

/* Takes it over before the payload starts: if the network is served already, for a published port,
 * that ends at once, and begins again. */
static void take_network(struct wb_run *run, const struct wb_event *event, int fd) {
  struct wb_network *network = run->watch.network;
  if (network && wb_answering_end(run))
    network->receive(network, event->step, fd, event->error);
  else if (fd >= 0)
    close(fd);
}

/* This process has reached its limit of descriptors: those that arrived are of no use. */
static void lose_descriptors(struct wb_run *run, struct wb_result *result,
                             const struct wb_event *event, const int fds[DESCRIPTORS_MAX]) {
  for (unsigned i = 0; i < DESCRIPTORS_MAX; i++)
    if (fds[i] >= 0)
      close(fds[i]);
  if (event->kind == WB_EVENT_NETWORK) {
    const struct wb_event lost = {.step = event->step, .error = EMFILE};
    take_network(run, &lost, -1);
    return;
  }
  wb_fail(&result->failure, WB_STEP_CONTROL, EMFILE, NULL);
  wb_signal(run, SIGKILL);
}

/* Reads one event. Returns 0 where there is none now or none will come any more. */
static int receive(struct wb_run *run, struct wb_result *result) {
  struct {
    struct wb_event event;
    char path[WB_EVENT_PATH_MAX];
  } packet;
  int fds[DESCRIPTORS_MAX], lost;
  const ssize_t n =
      wb_message_take(run->control, &packet, sizeof packet, fds, DESCRIPTORS_MAX, &lost);
  if (n < (ssize_t)sizeof packet.event)
    return 0;
  if (lost)
    lose_descriptors(run, result, &packet.event, fds);
  else if (packet.event.kind == WB_EVENT_LISTENER)
    take_listener(run, &result->outcome, packet.event.error, fds[0]);
  else if (packet.event.kind == WB_EVENT_TERMINAL)
    take_terminal(run, fds[0]);
  else if (packet.event.kind == WB_EVENT_STARTED)
    take_start(run, result, &packet.event, fds);
  else if (packet.event.kind == WB_EVENT_STOPPED)
    wb_stopped(run, packet.event.step);
  else if (packet.event.kind == WB_EVENT_SHARED || packet.event.kind == WB_EVENT_PROGRAM ||
           packet.event.kind == WB_EVENT_REAPED)
    refuse_limits(run, result, wb_sampling_event(run, &packet.event));
  else if (packet.event.kind == WB_EVENT_NETWORK)
    take_network(run, &packet.event, fds[0]);
  else
    take_event(run, result, &packet.event, packet.path, (size_t)n - sizeof packet.event);
  return 1;
}

/* Looks at what the run uses, and ends it where that is too much. */
static void meter(struct wb_run *run, struct wb_result *result, const struct pollfd *wait) {
  if (result->outcome.kind == WB_ENDED)
    return;
  int error;
  const int wanted = wb_sampling_serve(run, wait, &error);
  refuse_limits(run, result, error);
  if (wanted & WB_METER_DEPRIORITISE) {
    wb_command(run, WB_COMMAND_DEPRIORITISE, DEPRIORITISED_NICE);
    if (wanted & WB_METER_SPARE)
      wb_command(run, WB_COMMAND_SPARE, 0);
    wb_deprioritise(run->pidfd);
  }
  if (wanted & WB_METER_SHARED)
    wb_command(run, WB_COMMAND_SHARED, 0);
  if (wanted & WB_METER_PROGRAMS)
    wb_end_programs(run);
  if (!run->sampling.busy && run->meter.next_ns && run->meter.usage.limit) {
    run->meter.next_ns = 0;
    wb_signal(run, SIGKILL);
  }
}

/* Counts what the payload writes, and ends it where that is too much. */
static void relay(struct wb_run *run, const struct pollfd *wait) {
  int exceeded = wb_relay_serve(&run->relay, wait);
  exceeded |= wb_relay_count(&run->relay, run->terminal.written);
  run->terminal.written = 0;
  if (exceeded && !run->over_output) {
    run->over_output = 1;
    wb_signal(run, SIGKILL);
  }
}

static void drop_listener(struct wb_run *run) {
  if (run->watch.listener >= 0)
    close(run->watch.listener);
  run->watch.listener = -1;
  run->watch.over = 1;
}

/* Finds for an init that ended without a word: whether one of the two could not be heard, and
 * why. */
static void take_silence(const struct wb_run *run, struct wb_result *result,
                         const siginfo_t *info) {
  if (result->outcome.kind != WB_INIT_DIED || result->failure.step)
    return;
  if (run->unheard)
    wb_fail(&result->failure, WB_STEP_CONTROL, run->unheard, NULL);
  else if (info->si_code == CLD_EXITED && info->si_status > WB_EXIT_MUTE)
    wb_fail(&result->failure, WB_STEP_CONTROL, info->si_status - WB_EXIT_MUTE, NULL);
}

static void drain_wake(const struct wb_run *run) {
  uint64_t count;
  while (read(run->wake, &count, sizeof count) > 0)
    ;
}

/* Places in what poll(2) waits for. */
enum {
  WAIT_PIDFD,
  WAIT_CONTROL,
  WAIT_WAKE,
  WAIT_TERMINAL,
  WAIT_RELAYS = WAIT_TERMINAL + 3,
  WAIT_SAMPLING = WAIT_RELAYS + 2 * WB_RELAY_STREAMS,
  WAIT_ANSWERING,
  WAITS = WAIT_ANSWERING + WB_ANSWERING_WAITS
};

/* Idle sandboxes are counted in pages: what each of them writes is to fit one or two. */
_Static_assert(offsetof(struct wb_run, meter.hidden_memory.files) -
                       offsetof(struct wb_run, terminal.takes) <=
                   4096,
               "what every run writes lies together");

/* A run while it is supervised. */
struct supervision {
  struct wb_run *run;
  struct wb_result *result;
  uint64_t deadline; /* of the wall time, then of SIGTERM; 0: none */
  int has_control;   /* init has not closed its end */
  int watch_lost;    /* errno of a listener that failed while the payload ran */
};

static void begin(struct supervision *now) {
  struct wb_run *run = now->run;
  /* The bytes of the tail count only as far as they were written, so they are not cleared. */
  memset(now->result, 0, offsetof(struct wb_result, tail.bytes));
  run->terminal.tail = &now->result->tail;
  if (run->relay.limit)
    run->relay.tail = &now->result->tail;
  now->result->outcome.kind = WB_INIT_DIED;
  now->result->outcome.exit_code = -1;
  now->deadline = run->timeout_ns ? run->started_ns + run->timeout_ns : 0;
  run->reader_deadline_ns = now->deadline;
  now->has_control = 1;
  if (run->watch.isolated) {
    wb_lookups_begin(&run->lookups, run->pidfd);
    run->watch.lookups = &run->lookups;
  }
  wb_moves_begin(&run->moves, run->pidfd, run->meter.plan->uid, run->meter.plan->gid);
  run->watch.moves = &run->moves;
  if (run->watch.private_root)
    run->watch.ptys = &run->ptys;
}

/* Fills in what to wait for; returns for how many milliseconds, or -1. `*answer_ms`: the same, for
 * what there is to answer alone. */
static int prepare(const struct supervision *now, uint64_t kill_at, struct pollfd wait[WAITS],
                   int *answer_ms) {
  struct wb_run *run = now->run;
  wait[WAIT_PIDFD] = (struct pollfd){run->pidfd, POLLIN, 0};
  const int listens = now->has_control && wb_sampling_listens(&run->sampling);
  wait[WAIT_CONTROL] = (struct pollfd){listens ? run->control : -1, POLLIN, 0};
  wait[WAIT_WAKE] = (struct pollfd){run->wake, POLLIN, 0};
  int patience =
      wb_sooner(wb_terminal_wait(&run->terminal, wait + WAIT_TERMINAL), wb_until_ms(now->deadline));
  patience = wb_sooner(wb_sooner(patience, wb_until_ms(kill_at)),
                       wb_sampling_wait(run, wait + WAIT_SAMPLING));
  wb_relay_wait(&run->relay, wait + WAIT_RELAYS);
  *answer_ms = wb_answering_wait(run, wait + WAIT_ANSWERING);
  return wb_sooner(patience, *answer_ms);
}

/* A payload whose calls are not judged any more must not go on. */
static void lose_watch(struct supervision *now, int error) {
  if (now->watch_lost)
    return;
  now->watch_lost = now->result->outcome.watch_error = error;
  wb_signal(now->run, SIGKILL);
}

/* Ends what is over in time: SIGTERM, then SIGKILL, unless the payload has ended. */
static void keep_deadlines(struct supervision *now, uint64_t kill_at) {
  struct wb_run *run = now->run;
  struct wb_outcome *outcome = &now->result->outcome;
  if (outcome->kind == WB_ENDED) {
    now->deadline = 0;
  } else if (now->deadline && wb_now_ns() >= now->deadline && !outcome->timed_out) {
    outcome->timed_out = 1;
    wb_signal(run, SIGTERM);
    wb_signal(run, SIGCONT); /* what is stopped could not hear of it */
    now->deadline = wb_now_ns() + run->grace_ns;
  } else if (now->deadline && wb_now_ns() >= now->deadline) {
    wb_signal(run, SIGKILL);
    now->deadline = 0;
  }
  if (kill_at && wb_now_ns() >= kill_at && wb_kill_at(run) == kill_at) {
    outcome->interrupted = outcome->kind != WB_ENDED;
    wb_signal(run, SIGKILL);
  }
}

#define LONG_WAIT_MS 500

/* Has what there is to answer answered. */
static void answer(struct supervision *now, const struct pollfd *wait, int due) {
  struct wb_run *run = now->run;
  int hung_up;
  const int failed = wb_answering_serve(run, wait, due, &hung_up);
  if (failed || hung_up)
    drop_listener(run);
  if (failed)
    lose_watch(now, failed);
  if (run->watch.asker)
    wb_terminal_suspend(&run->terminal,
                        __atomic_load_n(&run->answering.wants_terminal, __ATOMIC_SEQ_CST));
}

/* Waits once, and serves what is ready. Returns 0 when init is gone. */
static int step(struct supervision *now) {
  struct wb_run *run = now->run;
  struct pollfd wait[WAITS];
  const uint64_t kill_at = wb_kill_at(run);
  int answer_ms;
  const int patience = prepare(now, kill_at, wait, &answer_ms);
  if (patience < 0 || patience >= LONG_WAIT_MS)
    wb_rest_stack();
  const int n = poll(wait, WAITS, patience);
  /* Something else may be ready each time, as with output without end. */
  const int is_due = answer_ms == 0 || (n == 0 && answer_ms > 0 && answer_ms <= patience);
  if (n < 0 && errno != EINTR) {
    refuse_limits(run, now->result, errno); /* nothing would hold the run to them */
    return 0;
  }
  if (n > 0 && wait[WAIT_CONTROL].revents && !receive(run, now->result))
    now->has_control = 0; /* only its death is still to come */
  if (n > 0 && wait[WAIT_PIDFD].revents)
    return 0;
  if (n >= 0)
    wb_terminal_serve(run, wait + WAIT_TERMINAL);
  if (n >= 0)
    answer(now, wait + WAIT_ANSWERING, is_due);
  if (n > 0)
    relay(run, wait + WAIT_RELAYS);
  meter(run, now->result, wait + WAIT_SAMPLING);
  keep_deadlines(now, kill_at);
  if (n > 0 && wait[WAIT_WAKE].revents)
    drain_wake(run);
  return 1;
}

/* Serves what came last, and lets go of all that served the run. */
static void finish_services(struct wb_run *run) {
  if (wb_answering_end(run)) {
    if (run->watch.asker) { /* no caller waits any more */
      drop_listener(run);
      run->watch.asker->serve(run->watch.asker, &run->watch);
    }
    wb_moves_end(&run->moves);
    wb_ptys_close(&run->ptys);
    wb_lookups_serve(&run->lookups, run->watch.refusals);
    wb_lookups_close(&run->lookups);
  }
  wb_relay_finish(&run->relay);
  wb_relay_close(&run->relay);
}

/* Adds up what the run used; a limit that the payload ended before is only one that was reached. */
static void account(struct wb_run *run, struct wb_result *result) {
  struct wb_outcome *outcome = &result->outcome;
  struct wb_usage *usage = &result->usage;
  if (!run->sampling.lost) {
    wb_meter_ended(&run->meter, run->left);
    wb_meter_finish(&run->meter);
  }
  *usage = run->sampling.lost ? run->sampling.before : run->meter.usage;
  wb_home_list(run->meter.scratch, run->meter.plan, &result->home);
  usage->output_bytes = run->relay.bytes;
  /* A run that is at its limit may need no more, and no counter but a cgroup's tells that the
   * kernel refused a process. A program that succeeded did not lack any. */
  const int failed = outcome->kind != WB_ENDED || outcome->exit_code != 0;
  if (!failed)
    usage->reached &= ~(1u << WB_LIMIT_PROCESSES);
  wb_cgroup_finish(&run->cgroup, run->meter.plan, failed, usage);
  if (run->over_output && !usage->limit)
    usage->limit = WB_LIMIT_OUTPUT;
  outcome->stdin_withheld = run->stdin_withheld != 0;
  outcome->typed_interrupt = run->terminal.typed_interrupt != 0;
  if (outcome->kind != WB_ENDED)
    return;
  if (usage->limit != WB_LIMIT_OUTPUT) {
    if (usage->limit)
      usage->reached |= 1u << usage->limit;
    usage->limit = WB_LIMIT_NONE;
  }
  outcome->interrupted = 0;
  if (run->relay.limit && run->relay.bytes > run->relay.limit)
    usage->limit = WB_LIMIT_OUTPUT;
}

/* Returns whether the time limit or a signal of the caller's ended the payload. It did not if
 * the payload ended in time, however late its output is read, or had survived that signal.
 * SIGKILL is wb_run.killed. */
static int had_to_end(const struct wb_run *run, const struct wb_outcome *outcome) {
  const uint64_t signals = __atomic_load_n(&run->signals, __ATOMIC_SEQ_CST);
  return outcome->timed_out ||
         (run->terminal.needs_reader && (signals & wb_signal_bit(outcome->signal)));
}

/* Reaps init, and says what kind of an end it was. */
static void conclude(const struct supervision *now) {
  struct wb_run *run = now->run;
  struct wb_outcome *outcome = &now->result->outcome;
  siginfo_t info;
  memset(&info, 0, sizeof info);
  while (waitid((idtype_t)P_PIDFD, (id_t)run->pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR)
    ;
  take_silence(run, now->result, &info);
  wb_keeper_await(&run->terminal.keeper, WNOHANG); /* not to wait for it on a busy machine */
  wb_cgroup_close(&run->cgroup);
  const int was_killed = outcome->timed_out || now->result->usage.limit ||
                         __atomic_load_n(&run->killed, __ATOMIC_SEQ_CST);
  if (now->watch_lost) {
    outcome->kind = WB_WATCH_LOST;
    now->result->failure.error = now->watch_lost;
  } else if (outcome->kind == WB_INIT_DIED && now->result->failure.step) {
    outcome->kind = WB_SETUP_FAILED;
  } else if (outcome->kind == WB_INIT_DIED && was_killed) {
    outcome->kind = WB_ENDED;
    outcome->signal = SIGKILL;
  }
  if (!outcome->duration_ns)
    outcome->duration_ns = wb_now_ns() - run->started_ns;
}

void wb_supervise(struct wb_run *run, struct wb_result *result) {
  struct supervision now = {.run = run, .result = result};
  begin(&now);
  while (step(&now))
    ;
  run->asked_before_end = __atomic_load_n(&run->asked_to_end, __ATOMIC_SEQ_CST);
  wb_sampling_end(run);
  const int gone = wb_leftover_end(run);
  while (receive(run, result))
    ;
  if (!gone)
    result->outcome.kind = WB_SOME_LEFT; /* whatever init had told */
  run->reader_deadline_ns = had_to_end(run, &result->outcome) ? run->started_ns : 0;
  finish_services(run);
  /* The listener failed, and the payload ended before this thread heard of it. */
  if (run->answering.failed)
    lose_watch(&now, run->answering.failed);
  account(run, result);
  wb_terminal_close(run);
  conclude(&now);
}

void wb_release(struct wb_run *run) {
  /* First: Node may exit while the mounts go, and who is not waited for may stay for good. */
  wb_keeper_await(&run->terminal.keeper, 0);
  if (run->sampling.lost)
    return;
  if (run->mounts >= 0)
    close(run->mounts);
  run->mounts = -1;
  wb_meter_close(&run->meter);
}

void wb_close(struct wb_run *run) {
  close(run->control);
  if (!run->answering.lost) { /* else the thread has it still, and the pidfd by other names */
    close(run->pidfd);
    drop_listener(run);
  }
  wb_answering_close(&run->answering);
  wb_sampling_close(&run->sampling);
  if (run->wake >= 0)
    close(run->wake);
  run->pidfd = run->control = run->wake = -1;
  wb_image_unlock(run); /* every process of the sandbox is gone */
}
