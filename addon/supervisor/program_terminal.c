/*
 * The terminal of a program of a session, for a caller that has pipes in place of one: relays
 * between its master and these, as the supervisor does for a run. Called by the addon
 * (session.cc) on a thread of its own for each.
 *
 * When the program has ended, what it wrote is still read, and then the terminal hangs up: what the
 * program left running has none any more, as after `wasbox exec`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "program_terminal.h"
#include "supervisor.h"

int wb_program_terminal_open(struct wb_run *run, int master, int in, int out) {
  const int stdio[] = {in, out, out};
  run->control = run->pidfd = run->mounts = run->image_lock = -1;
  run->terminal.takes = 7;
  run->terminal.needs_reader = 1;
  const int own = fcntl(master, F_DUPFD_CLOEXEC, 3);
  int error = own < 0 ? errno : 0;
  if (!error && (run->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
    error = errno;
  if (!error && (error = wb_caller_open(&run->terminal.caller, run->terminal.takes, stdio)) != 0)
    close(run->wake);
  if (!error)
    wb_terminal_open(&run->terminal, own);
  else if (own >= 0)
    close(own);
  return error;
}

static int is_over(const struct wb_run *run) {
  return __atomic_load_n(&run->asked_to_end, __ATOMIC_SEQ_CST) != 0;
}

void wb_program_terminal_serve(struct wb_run *run) {
  struct wb_terminal *terminal = &run->terminal;
  uint64_t count;
  while (!is_over(run)) {
    struct pollfd wait[4];
    const int patience = wb_terminal_wait(terminal, wait);
    wait[3] = (struct pollfd){run->wake, POLLIN, 0};
    if (poll(wait, 4, patience) < 0 && errno != EINTR)
      break;
    if (wait[3].revents && read(run->wake, &count, sizeof count) < 0 && errno != EAGAIN)
      break;
    wb_terminal_serve(run, wait);
  }
  run->asked_before_end = __atomic_load_n(&run->asked_to_end, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&run->killed, __ATOMIC_SEQ_CST) && terminal->master >= 0) {
    close(terminal->master); /* nothing more is read */
    terminal->master = -1;
  }
  wb_terminal_close(run);
}

void wb_program_terminal_close(struct wb_run *run) {
  close(run->wake);
  run->wake = -1;
}

void wb_program_terminal_resize(struct wb_run *run, uint32_t size) {
  wb_terminal_want(&run->terminal, size);
  wb_wake(run);
}

void wb_program_terminal_ended(struct wb_run *run) {
  __atomic_store_n(&run->asked_to_end, 1, __ATOMIC_SEQ_CST);
  wb_wake(run);
}

void wb_program_terminal_hang_up(struct wb_run *run) {
  __atomic_store_n(&run->killed, 1, __ATOMIC_SEQ_CST);
  /* The request counts also where a reader that takes its time is waited for: terminal.c, drain. */
  __atomic_add_fetch(&run->asked_to_end, 1, __ATOMIC_SEQ_CST);
  wb_wake(run);
}
