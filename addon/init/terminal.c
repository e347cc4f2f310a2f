/*
 * A terminal of the payload's own. Called by main.c when the sandbox's devpts is there, and before
 * the caller's terminal is out of reach. The payload then has no descriptor of the caller's
 * terminal: nothing to push input into, to lock, or to leave in a strange state. The supervisor
 * relays.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "init.h"

struct window {
  unsigned short rows, columns, width, height;
};

int open_terminal(const struct wb_plan *plan) {
  struct termios modes, unused;
  if (plan->terminal == WB_TERMINAL_NEVER)
    return 0;
  /* With one of them in a pipe, the terminal belongs to the other end as well (`| less`). */
  if (sys3(__NR_ioctl, 0, TCGETS, &modes) < 0 || sys3(__NR_ioctl, 1, TCGETS, &unused) < 0) {
    if (plan->terminal == WB_TERMINAL_ALWAYS)
      die(WB_STEP_TERMINAL, ENOTTY, NULL);
    return 0;
  }
  const char *path = "/dev/pts/ptmx";
  long master = check(sys4(__NR_openat, AT_FDCWD, path, O_RDWR | O_NOCTTY | O_CLOEXEC, 0),
                      WB_STEP_TERMINAL, path);
  const int unlocked = 0;
  check(sys3(__NR_ioctl, master, TIOCSPTLCK, &unlocked), WB_STEP_TERMINAL, path);
  long slave = check(sys3(__NR_ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC),
                     WB_STEP_TERMINAL, path);
  struct window window;
  check(sys3(__NR_ioctl, slave, TCSETS, &modes), WB_STEP_TERMINAL, NULL);
  if (sys3(__NR_ioctl, 0, TIOCGWINSZ, &window) >= 0)
    check(sys3(__NR_ioctl, slave, TIOCSWINSZ, &window), WB_STEP_TERMINAL, NULL);
  for (int fd = 0; fd <= 2; fd++)
    if (sys3(__NR_ioctl, fd, TCGETS, &unused) >= 0)
      check(sys3(__NR_dup3, slave, fd, 0), WB_STEP_TERMINAL, NULL);
  sys1(__NR_close, slave);
  send_descriptor(WB_EVENT_TERMINAL, master);
  sys1(__NR_close, master);
  return 1;
}
