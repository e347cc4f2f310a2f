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
#include "network.h"
#include "notify_burst.h"
#include "supervisor.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static void take_event(const struct wb_run *run, struct wb_result *result,
                       const struct wb_event *event, const char *path, size_t path_length) {
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
    break;
  default:
    break;
  }
}

#define DESCRIPTORS_MAX 2
/* Below everything else that runs, short of SCHED_IDLE. */
#define CALM_NICE 19

/* The descriptors that came with an event; -1 for each that did not. */
static void descriptors_of(struct msghdr *message, int fds[DESCRIPTORS_MAX]) {
  struct cmsghdr *control = CMSG_FIRSTHDR(message);
  for (unsigned i = 0; i < DESCRIPTORS_MAX; i++) {
    fds[i] = -1;
    if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS &&
        control->cmsg_len >= CMSG_LEN((i + 1) * sizeof *fds))
      memcpy(&fds[i], CMSG_DATA(control) + i * sizeof *fds, sizeof *fds);
  }
}

/* The listener, or the errno why there is none. */
static void take_listener(struct wb_run *run, struct wb_outcome *outcome, int error, int fd) {
  if (fd < 0) {
    outcome->watch_error = error ? error : EPROTO;
    return;
  }
  /* One that comes twice, or that cannot be served, is closed: the kernel then refuses by itself.
   */
  if (run->watch.listener >= 0 || (outcome->watch_error = wb_watch_open(&run->watch, fd)) != 0)
    close(fd);
  else
    outcome->watched = 1;
}

/* Without somebody to relay, the payload's terminal is closed, which hangs it up. */
static void take_terminal(struct wb_run *run, int fd) {
  if (fd >= 0 && run->terminal.master < 0 && run->terminal.caller.out.fd >= 0)
    wb_terminal_open(&run->terminal, fd);
  else if (fd >= 0)
    close(fd);
}

/* A limit that cannot be held is none: the run ends before it has used much. */
static void take_start(struct wb_run *run, struct wb_result *result, const struct wb_event *event,
                       const int fds[2]) {
  result->outcome.lacks = event->step;
  wb_terminal_started(&run->terminal);
  int error = run->meter.proc < 0 && run->meter.scratch < 0
                  ? wb_meter_start(&run->meter, fds[0], fds[1], wb_now_ns())
                  : EPROTO;
  if (!error && run->relay.through_terminal && run->terminal.master < 0)
    error = ENOTTY; /* nobody counts */
  if (!error)
    return;
  wb_fail(&result->failure, WB_STEP_LIMITS, error, NULL);
  wb_signal(run, SIGKILL);
}

static void take_network(struct wb_run *run, const struct wb_event *event, int fd) {
  struct wb_network *network = run->watch.network;
  if (network)
    network->receive(network, event->step, fd, event->error);
  else if (fd >= 0)
    close(fd);
}

/* Reads one event. Returns 0 where there is none now or none will come any more. */
static int receive(struct wb_run *run, struct wb_result *result) {
  struct {
    struct wb_event event;
    char path[WB_EVENT_PATH_MAX];
  } packet;
  union {
    struct cmsghdr align;
    char room[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
  } control;
  struct iovec vector = {&packet, sizeof packet};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  ssize_t n = recvmsg(run->control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < (ssize_t)sizeof packet.event)
    return 0;
  int fds[DESCRIPTORS_MAX];
  descriptors_of(&message, fds);
  if (packet.event.kind == WB_EVENT_LISTENER)
    take_listener(run, &result->outcome, packet.event.error, fds[0]);
  else if (packet.event.kind == WB_EVENT_TERMINAL)
    take_terminal(run, fds[0]);
  else if (packet.event.kind == WB_EVENT_STARTED)
    take_start(run, result, &packet.event, fds);
  else if (packet.event.kind == WB_EVENT_STOPPED)
    wb_stopped(run, packet.event.step);
  else if (packet.event.kind == WB_EVENT_SHARED)
    wb_meter_shared(&run->meter, &packet.event);
  else if (packet.event.kind == WB_EVENT_NETWORK)
    take_network(run, &packet.event, fds[0]);
  else
    take_event(run, result, &packet.event, packet.path, (size_t)n - sizeof packet.event);
  return 1;
}

/* Milliseconds until a deadline, rounded up, for poll(2); -1 without one. */
static int wait_ms(uint64_t deadline) {
  if (!deadline)
    return -1;
  uint64_t now = wb_now_ns();
  if (now >= deadline)
    return 0;
  uint64_t ms = (deadline - now + 999999) / 1000000;
  return ms > 0x7fffffff ? 0x7fffffff : (int)ms;
}

/* The shorter of two times for poll(2), where -1 is for ever. */
static int sooner(int a, int b) {
  return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Looks at what the run uses, and ends it where that is too much. */
static void meter(struct wb_run *run, const struct wb_outcome *outcome) {
  uint64_t now = wb_now_ns();
  if (!run->meter.next_ns || now < run->meter.next_ns || outcome->kind == WB_ENDED)
    return;
  run->meter.helped_us = wb_moves_spent_us(&run->moves);
  int wanted = wb_meter_look(&run->meter, now);
  if (wanted & WB_METER_CALM) {
    wb_command(run, WB_COMMAND_CALM, CALM_NICE);
    wb_calm(run->pidfd, (wanted & WB_METER_SPARE) != 0);
  }
  if (wanted & WB_METER_SHARED)
    wb_command(run, WB_COMMAND_SHARED, 0);
  if (run->meter.usage.limit) {
    run->meter.next_ns = 0;
    wb_signal(run, SIGKILL);
  }
}

/* Counts what the payload writes, and ends it where that is too much. */
static void relay(struct wb_run *run, const struct pollfd *wait) {
  int exceeded = wb_relay_serve(&run->relay, wait);
  exceeded |= wb_relay_count(&run->relay, run->terminal.written);
  run->terminal.written = 0;
  if (exceeded && !run->meter.usage.limit) {
    run->meter.usage.limit = WB_LIMIT_OUTPUT;
    run->meter.next_ns = 0;
    wb_signal(run, SIGKILL);
  }
}

static void drop_listener(struct wb_run *run) {
  if (run->watch.listener >= 0)
    close(run->watch.listener);
  run->watch.listener = -1;
  run->watch.over = 1;
}

/*
 * Returns 0, or the errno of a listener that fails while somebody may still ask. It is let go of
 * then, and where it has had its last question: the kernel answers ENOSYS from here on.
 */
static int serve(struct wb_run *run, short events) {
  int error = 0;
  if (events & POLLIN)
    error = wb_watch_answer(&run->watch) == 0 ? 0 : errno;
  else if (events & POLLNVAL)
    error = EBADF;
  if (error || !(events & POLLIN))
    drop_listener(run);
  return error;
}

/* Of an init that ended without a word: whether one of the two could not be heard, and why. */
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

void wb_supervise(struct wb_run *run, struct wb_result *result) {
  memset(result, 0, sizeof *result);
  struct wb_outcome *outcome = &result->outcome;
  outcome->kind = WB_INIT_DIED;
  outcome->exit_code = -1;
  uint64_t deadline = run->timeout_ns ? run->started_ns + run->timeout_ns : 0;
  int control_open = 1;
  int watch_lost = 0; /* errno of a listener that failed while the payload ran */
  if (run->watch.isolated) {
    wb_lookups_begin(&run->lookups, run->pidfd);
    run->watch.lookups = &run->lookups;
  }
  struct wb_series series = {0};
  const unsigned relays = 9, servers = relays + 2 * WB_RELAY_STREAMS,
                 moves = servers + WB_LOOKUP_SERVERS;
  wb_moves_begin(&run->moves, run->pidfd, run->meter.plan->uid, run->meter.plan->gid);
  run->watch.moves = &run->moves;
  for (;;) {
    struct wb_asker *asker = run->watch.asker;
    struct wb_network *network = run->watch.network;
    struct pollfd wait[9 + 2 * WB_RELAY_STREAMS + WB_LOOKUP_SERVERS + WB_MOVES_MAX] = {
        {run->pidfd, POLLIN, 0},
        {control_open ? run->control : -1, POLLIN, 0},
        {run->watch.listener, POLLIN, 0},
        {run->wake, POLLIN, 0},
        {asker ? asker->fd : -1, POLLIN, 0}};
    const uint64_t kill_at = wb_kill_at(run);
    int patience = sooner(wb_terminal_wait(&run->terminal, wait + 5), wait_ms(deadline));
    patience = sooner(sooner(patience, wait_ms(kill_at)), wait_ms(run->meter.next_ns));
    wb_relay_wait(&run->relay, wait + relays);
    wb_lookups_wait(&run->lookups, wait + servers);
    wb_moves_wait(&run->moves, wait + moves);
    wait[8] = (struct pollfd){network ? network->fd : -1, POLLIN, 0};
    if (network)
      patience = sooner(patience, network->wait_ms(network));
    if (asker)
      patience = sooner(patience, asker->wait_ms(asker));
    const unsigned all = sizeof wait / sizeof *wait;
    int failed = wb_series(&series, &run->watch, wait, all, patience);
    if (failed) {
      drop_listener(run);
      wait[2].fd = -1;
    }
    int n = poll(wait, all, failed ? 0 : patience);
    if (n < 0 && errno != EINTR)
      break;
    if (n > 0 && wait[1].revents && !receive(run, result))
      control_open = 0; /* init closed its end: only its death is still to come */
    if (n > 0 && wait[0].revents)
      break;
    if (n >= 0)
      wb_terminal_serve(run, wait + 5);
    if (!failed && n > 0 && wait[2].revents)
      failed = serve(run, wait[2].revents);
    wb_series_count(&series, n == 1 && wait[2].revents == POLLIN);
    if (failed && !watch_lost) {
      /* Not to go on with a payload whose calls nobody judges. */
      watch_lost = outcome->watch_error = failed;
      wb_signal(run, SIGKILL);
    }
    if (n >= 0 && asker) {
      asker->serve(asker, &run->watch);
      wb_terminal_hold(&run->terminal, asker->wants_terminal(asker));
    }
    if (n > 0) {
      relay(run, wait + relays);
      wb_lookups_serve(&run->lookups, run->watch.refusals);
      wb_moves_serve(&run->moves, &run->watch);
    }
    meter(run, outcome);
    if (n >= 0 && network)
      network->serve(network, &run->watch);
    if (deadline && wb_now_ns() >= deadline && outcome->kind != WB_ENDED) {
      if (!outcome->timed_out) {
        outcome->timed_out = 1;
        wb_signal(run, SIGTERM);
        wb_signal(run, SIGCONT); /* what is stopped could not hear of it */
        deadline = wb_now_ns() + run->grace_ns;
      } else {
        wb_signal(run, SIGKILL);
        deadline = 0;
      }
    } else if (outcome->kind == WB_ENDED) {
      deadline = 0;
    }
    if (kill_at && wb_now_ns() >= kill_at && wb_kill_at(run) == kill_at) {
      outcome->interrupted = outcome->kind != WB_ENDED;
      wb_signal(run, SIGKILL);
    }
    if (n > 0 && wait[3].revents)
      drain_wake(run);
  }
  while (receive(run, result))
    ;
  if (run->watch.asker) { /* nobody waits any more */
    drop_listener(run);
    run->watch.asker->serve(run->watch.asker, &run->watch);
  }
  wb_moves_end(&run->moves);
  wb_lookups_serve(&run->lookups, run->watch.refusals);
  wb_lookups_close(&run->lookups);
  wb_relay_finish(&run->relay);
  wb_relay_close(&run->relay);
  wb_meter_finish(&run->meter);
  wb_home_look(run->meter.scratch, run->meter.plan, &result->home);
  run->meter.usage.output_bytes = run->relay.bytes;
  wb_cgroup_finish(&run->cgroup, run->meter.plan, &run->meter.usage);
  result->usage = run->meter.usage;
  outcome->stdin_withheld = run->stdin_withheld != 0;
  outcome->typed_interrupt = run->terminal.typed_interrupt != 0;
  if (outcome->kind == WB_ENDED && result->usage.limit != WB_LIMIT_OUTPUT) {
    if (result->usage.limit) /* the payload was faster */
      result->usage.reached |= 1u << result->usage.limit;
    result->usage.limit = WB_LIMIT_NONE;
  }
  if (outcome->kind == WB_ENDED) /* the payload was faster */
    outcome->interrupted = 0;
  if (outcome->kind == WB_ENDED && run->relay.limit && run->relay.bytes > run->relay.limit)
    result->usage.limit = WB_LIMIT_OUTPUT;
  wb_terminal_close(run);
  siginfo_t info;
  memset(&info, 0, sizeof info);
  while (waitid((idtype_t)P_PIDFD, (id_t)run->pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR)
    ;
  take_silence(run, result, &info);
  wb_keeper_await(&run->terminal.keeper, WNOHANG); /* nobody waits for it on a busy machine */
  wb_cgroup_close(&run->cgroup);
  if (watch_lost) {
    outcome->kind = WB_WATCH_LOST;
    result->failure.error = watch_lost;
  } else if (outcome->kind == WB_INIT_DIED && result->failure.step) {
    outcome->kind = WB_SETUP_FAILED;
  } else if (outcome->kind == WB_INIT_DIED && (outcome->timed_out || result->usage.limit ||
                                               __atomic_load_n(&run->killed, __ATOMIC_SEQ_CST))) {
    outcome->kind = WB_ENDED;
    outcome->signal = SIGKILL;
  }
  if (!outcome->duration_ns)
    outcome->duration_ns = wb_now_ns() - run->started_ns;
}

void wb_release(struct wb_run *run) {
  /* First: Node may exit while the mounts go, and who is not waited for may stay for good. */
  wb_keeper_await(&run->terminal.keeper, 0);
  if (run->mounts >= 0)
    close(run->mounts);
  run->mounts = -1;
  wb_meter_close(&run->meter);
}

void wb_close(struct wb_run *run) {
  close(run->pidfd);
  close(run->control);
  drop_listener(run);
  if (run->wake >= 0)
    close(run->wake);
  run->pidfd = run->control = run->wake = -1;
}
