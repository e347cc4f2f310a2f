/*
 * A terminal of the payload's own. Called by main.c when the sandbox's devpts is there, and before
 * the caller's terminal is out of reach. The payload then has no descriptor of the caller's
 * terminal: nothing to push input into, to lock, or to leave in a strange state. The supervisor
 * relays between it and the caller's stdin and stdout.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "init.h"

struct window {
  unsigned short rows, columns, width, height;
};

/* Of a terminal that nobody sees. */
static const struct window usual_window = {24, 80, 0, 0};

/* Modes and size of the first of the caller's descriptors that is a terminal, or what is usual. */
static void set_up(long slave, const struct termios modes[3], const int terminal[3]) {
  struct window window = usual_window;
  int model = terminal[0] ? 0 : terminal[1] ? 1 : 2;
  if (terminal[model]) {
    check(sys3(__NR_ioctl, slave, TCSETS, &modes[model]), WB_STEP_TERMINAL, NULL);
    sys3(__NR_ioctl, model, TIOCGWINSZ, &window);
  }
  check(sys3(__NR_ioctl, slave, TIOCSWINSZ, &window), WB_STEP_TERMINAL, NULL);
}

/* Whether stderr leads where stdout does, as with 2>&1. */
static int joined(void) {
  struct statx out, err;
  return sys5(__NR_statx, 1, "", AT_EMPTY_PATH, STATX_INO, &out) >= 0 &&
         sys5(__NR_statx, 2, "", AT_EMPTY_PATH, STATX_INO, &err) >= 0 &&
         out.stx_ino == err.stx_ino && out.stx_dev_major == err.stx_dev_major &&
         out.stx_dev_minor == err.stx_dev_minor;
}

int wants_terminal(const struct wb_plan *plan) {
  struct termios modes;
  if (plan->terminal == WB_TERMINAL_ALWAYS)
    return 1;
  /* With one of them in a pipe, the terminal belongs to the other end as well (`| less`). */
  return plan->terminal == WB_TERMINAL_AUTO && sys3(__NR_ioctl, 0, TCGETS, &modes) >= 0 &&
         sys3(__NR_ioctl, 1, TCGETS, &modes) >= 0;
}

void open_terminal(const struct wb_plan *plan) {
  struct termios modes[3];
  int terminal[3];
  for (int fd = 0; fd <= 2; fd++)
    terminal[fd] = sys3(__NR_ioctl, fd, TCGETS, &modes[fd]) >= 0;
  const int always = plan->terminal == WB_TERMINAL_ALWAYS;
  const char *path = "/dev/pts/ptmx";
  long master = check(sys4(__NR_openat, AT_FDCWD, path, O_RDWR | O_NOCTTY | O_CLOEXEC, 0),
                      WB_STEP_TERMINAL, path);
  const int unlocked = 0;
  check(sys3(__NR_ioctl, master, TIOCSPTLCK, &unlocked), WB_STEP_TERMINAL, path);
  long slave = check(sys3(__NR_ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC),
                     WB_STEP_TERMINAL, path);
  set_up(slave, modes, terminal);
  const int replaced[3] = {1, 1, terminal[2] || (always && joined())};
  for (int fd = 0; fd <= 2; fd++)
    if (replaced[fd])
      check(sys3(__NR_dup3, slave, fd, 0), WB_STEP_TERMINAL, NULL);
  sys1(__NR_close, slave);
  send_descriptor(WB_EVENT_TERMINAL, master);
  sys1(__NR_close, master);
}
