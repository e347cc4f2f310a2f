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
#include "supervisor.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static void take_event(const struct wb_run *run, struct wb_outcome *outcome,
                       const struct wb_event *event, const char *path, size_t path_length) {
  switch (event->kind) {
  case WB_EVENT_FAILED:
    outcome->kind = event->step == WB_STEP_EXEC ? WB_EXEC_FAILED : WB_SETUP_FAILED;
    outcome->failure.step = event->step;
    outcome->failure.error = event->error;
    memcpy(outcome->failure.path, path, path_length);
    outcome->failure.path[path_length] = 0;
    break;
  case WB_EVENT_ENDED:
    outcome->kind = WB_ENDED;
    outcome->exit_code = WIFEXITED(event->status) ? WEXITSTATUS(event->status) : -1;
    outcome->signal = WIFSIGNALED(event->status) ? WTERMSIG(event->status) : 0;
    outcome->duration_ns = event->time_ns - run->started_ns;
    outcome->user_us = event->user_us;
    outcome->system_us = event->system_us;
    outcome->max_rss_kib = event->max_rss_kib;
    break;
  default:
    break;
  }
}

/* The descriptor that came with an event, or -1. */
static int descriptor_of(struct msghdr *message) {
  int fd = -1;
  struct cmsghdr *control = CMSG_FIRSTHDR(message);
  if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS &&
      control->cmsg_len == CMSG_LEN(sizeof fd))
    memcpy(&fd, CMSG_DATA(control), sizeof fd);
  return fd;
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
  if (fd >= 0 &&
      (run->terminal.master >= 0 || wb_terminal_open(&run->terminal, fd, run->stdio) != 0))
    close(fd);
}

/* Reads one event. Returns 0 where there is none now or none will come any more. */
static int receive(struct wb_run *run, struct wb_outcome *outcome) {
  struct {
    struct wb_event event;
    char path[WB_EVENT_PATH_MAX];
  } packet;
  union {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec vector = {&packet, sizeof packet};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  ssize_t n = recvmsg(run->control, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (n < (ssize_t)sizeof packet.event)
    return 0;
  if (packet.event.kind == WB_EVENT_LISTENER)
    take_listener(run, outcome, packet.event.error, descriptor_of(&message));
  else if (packet.event.kind == WB_EVENT_TERMINAL)
    take_terminal(run, descriptor_of(&message));
  else
    take_event(run, outcome, &packet.event, packet.path, (size_t)n - sizeof packet.event);
  return 1;
}

int wb_signal(struct wb_run *run, int signal) {
  if ((signal == SIGWINCH || signal == SIGCONT) && run->terminal.master >= 0)
    wb_terminal_refresh(&run->terminal);
  if (signal == SIGWINCH && run->terminal.master >= 0)
    return 0; /* the payload's terminal tells its foreground */
  if (signal == SIGTSTP) {
    /* The payload's process group is an orphan, which SIGTSTP would not stop. */
    if (run->terminal.master >= 0)
      wb_terminal_leave(&run->terminal);
    signal = SIGSTOP;
  }
  if (signal == SIGKILL) {
    __atomic_store_n(&run->killed, 1, __ATOMIC_SEQ_CST);
    return syscall(SYS_pidfd_send_signal, run->pidfd, SIGKILL, NULL, 0) < 0 ? errno : 0;
  }
  struct wb_command command = {WB_COMMAND_SIGNAL, (uint32_t)signal};
  ssize_t n = send(run->control, &command, sizeof command, MSG_NOSIGNAL | MSG_DONTWAIT);
  return n < 0 ? errno : 0;
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

static void drop_listener(struct wb_run *run) {
  if (run->watch.listener >= 0)
    close(run->watch.listener);
  run->watch.listener = -1;
}

/* Returns 0 where the listener has had its last question. */
static int serve(const struct wb_run *run, short events) {
  return (events & POLLIN) ? wb_watch_answer(&run->watch) == 0 : 0;
}

void wb_supervise(struct wb_run *run, struct wb_outcome *outcome) {
  memset(outcome, 0, sizeof *outcome);
  outcome->kind = WB_INIT_DIED;
  outcome->exit_code = -1;
  uint64_t deadline = run->timeout_ns ? run->started_ns + run->timeout_ns : 0;
  int control_open = 1;
  for (;;) {
    struct wb_asker *asker = run->watch.asker;
    struct pollfd wait[6] = {{run->pidfd, POLLIN, 0},
                             {control_open ? run->control : -1, POLLIN, 0},
                             {run->watch.listener, POLLIN, 0}};
    wait[5] = (struct pollfd){asker ? asker->fd : -1, POLLIN, 0};
    int patience = sooner(wb_terminal_wait(&run->terminal, wait + 3), wait_ms(deadline));
    int n = poll(wait, 6, asker ? sooner(patience, asker->wait_ms(asker)) : patience);
    if (n < 0 && errno != EINTR)
      break;
    if (n > 0 && wait[1].revents && !receive(run, outcome))
      control_open = 0; /* init closed its end: only its death is still to come */
    if (n > 0 && wait[0].revents)
      break;
    if (n >= 0)
      wb_terminal_serve(run, wait + 3);
    if (n > 0 && wait[2].revents && !serve(run, wait[2].revents))
      drop_listener(run); /* nobody is left who could ask */
    if (n >= 0 && asker)
      asker->serve(asker, &run->watch);
    if (deadline && wb_now_ns() >= deadline && outcome->kind != WB_ENDED) {
      if (!outcome->timed_out) {
        outcome->timed_out = 1;
        wb_signal(run, SIGTERM);
        deadline = wb_now_ns() + run->grace_ns;
      } else {
        wb_signal(run, SIGKILL);
        deadline = 0;
      }
    } else if (outcome->kind == WB_ENDED) {
      deadline = 0;
    }
  }
  while (receive(run, outcome))
    ;
  if (run->watch.asker) /* nobody waits any more */
    run->watch.asker->serve(run->watch.asker, &run->watch);
  wb_terminal_close(&run->terminal);
  siginfo_t info;
  memset(&info, 0, sizeof info);
  while (waitid((idtype_t)P_PIDFD, (id_t)run->pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR)
    ;
  if (outcome->kind == WB_INIT_DIED &&
      (outcome->timed_out || __atomic_load_n(&run->killed, __ATOMIC_SEQ_CST))) {
    outcome->kind = WB_ENDED;
    outcome->signal = SIGKILL;
  }
  if (!outcome->duration_ns)
    outcome->duration_ns = wb_now_ns() - run->started_ns;
}

void wb_release(struct wb_run *run) {
  if (run->mounts >= 0)
    close(run->mounts);
  run->mounts = -1;
}

void wb_close(struct wb_run *run) {
  close(run->pidfd);
  close(run->control);
  drop_listener(run);
  run->pidfd = run->control = -1;
}
