/*
 * The warden of a run without a pid namespace: so the end of the run depends on no single process.
 * The warden is the parent of init, in a Landlock domain around init's. Whatever ends init, the
 * warden sees it and kills the rest by one call (end.c). Init does the same if the warden ends, and
 * both see the end of the supervisor. The supervisor waits for them, and looks for what is left
 * (leftover.c). Called by main.c.
 *
 * A kill of many processes at once must not hit both. So the warden has a session of its own, which
 * keeps it out of the process group of init and wasbox, and its name does not contain "wasbox".
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/signal.h>
#include <linux/signalfd.h>
#include <linux/wait.h>

#include "child.h"

#define SFD_CLOEXEC_NONBLOCK (02000000 | 04000)

static long to_warden = -1;

long warden_descriptor(void) {
  return to_warden;
}

/* Returns whether the supervisor has asked for the end. */
static int is_told_to_end(long signals) {
  struct signalfd_siginfo info;
  int told = 0;
  while (sys3(__NR_read, signals, &info, sizeof info) == sizeof info)
    told |= info.ssi_signo == WB_WARDEN_SIGNAL;
  return told;
}

/* Ends with init's own status, which tells the supervisor why init ended. */
static _Noreturn void watch_over(long init, long signals) {
  for (;;) {
    struct pollfd wait[2] = {{.fd = WB_FD_CONTROL}, {.fd = (int)signals, .events = POLLIN}};
    int status = 0;
    sys5(__NR_ppoll, wait, 2, 0, 0, 0);
    if (wait[0].revents || (wait[1].revents && is_told_to_end(signals)))
      end_init(125);
    if (wait[1].revents && sys4(__NR_wait4, init, &status, WNOHANG | __WALL, 0) == init)
      end_init((status & 0x7f) == 0 ? status >> 8 & 0xff : 125);
  }
}

void leave_warden(const struct wb_plan *plan) {
  int ends[2];
  const uint64_t mask = (uint64_t)1 << (SIGCHLD - 1) | (uint64_t)1 << (WB_WARDEN_SIGNAL - 1);
  /* A caller that ignores SIGCHLD passes that on: the kernel would reap init without a signal. */
  reset_signal(SIGCHLD);
  check(sys2(__NR_pipe2, ends, O_CLOEXEC), WB_STEP_START, NULL);
  const long signals = check(sys4(__NR_signalfd4, -1, &mask, SIGSET_BYTES, SFD_CLOEXEC_NONBLOCK),
                             WB_STEP_START, NULL);
  const long init = check(sys5(__NR_clone, SIGCHLD, 0, 0, 0, 0), WB_STEP_START, NULL);
  if (init == 0) {
    sys1(__NR_close, signals);
    sys1(__NR_close, ends[1]);
    to_warden = ends[0];
    return;
  }
  /* These streams are the payload's: a pipe is to end as soon as the payload has closed it. */
  for (int fd = 0; fd < 3; fd++)
    sys1(__NR_close, fd);
  sys1(__NR_close, ends[0]);
  check(sys0(__NR_setsid), WB_STEP_START, NULL);
  sys5(__NR_prctl, PR_SET_NAME, "init-warden", 0, 0, 0);
  drop_capabilities(plan);
  close_memory(plan);
  watch_over(init, signals);
}
