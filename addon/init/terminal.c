/*
 * A terminal of the payload's own. Called by main.c when the sandbox's devpts is there, and before
 * the caller's terminal is out of reach. The payload then has no descriptor of the caller's
 * terminal: nothing to push input into, to lock, or to leave in a strange state. The supervisor
 * relays between it and the caller's; which descriptors that is about, it has decided (caller.c).
 *
 * Where stdin is not one of them, nothing is ever typed there, and stdout and stderr can only be
 * written to. What they write is left as it is: the caller's terminal still adds its line ends.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "init.h"

struct window {
  unsigned short rows, columns, width, height;
};

/* The size of a terminal that is not on a screen. */
static const struct window usual_window = {24, 80, 0, 0};

/* Modes and size of the first of the caller's descriptors that is a terminal, or what is usual. */
static void set_up(long slave, int typed, uint32_t size) {
  struct window window = usual_window;
  struct termios modes;
  if (size)
    window = (struct window){(unsigned short)(size >> 16), (unsigned short)size, 0, 0};
  for (int fd = 0; fd <= 2; fd++) {
    if (sys3(__NR_ioctl, fd, TCGETS, &modes) < 0)
      continue;
    if (!typed)
      modes.c_oflag &= ~(tcflag_t)OPOST;
    check(sys3(__NR_ioctl, slave, TCSETS, &modes), WB_STEP_TERMINAL, NULL);
    if (!size)
      sys3(__NR_ioctl, fd, TIOCGWINSZ, &window);
    break;
  }
  check(sys3(__NR_ioctl, slave, TIOCSWINSZ, &window), WB_STEP_TERMINAL, NULL);
}

void open_terminal(const struct wb_plan *plan) {
  const int typed = types_into_terminal(plan);
  /* Without a file tree of its own the terminal is one of the host's, where this is the usual way.
   */
  const char *path = plan->private_root ? "/dev/ptmx" : "/dev/pts/ptmx";
  long master = check(sys4(__NR_openat, AT_FDCWD, path, O_RDWR | O_NOCTTY | O_CLOEXEC, 0),
                      WB_STEP_TERMINAL, path);
  const int unlocked = 0;
  check(sys3(__NR_ioctl, master, TIOCSPTLCK, &unlocked), WB_STEP_TERMINAL, path);
  const int mode = typed ? O_RDWR : O_WRONLY;
  long slave = check(sys3(__NR_ioctl, master, TIOCGPTPEER, mode | O_NOCTTY | O_CLOEXEC),
                     WB_STEP_TERMINAL, path);
  set_up(slave, typed, plan->terminal_size);
  for (int fd = 0; fd <= 2; fd++)
    if (plan->terminal >> fd & 1)
      check(sys3(__NR_dup3, slave, fd, 0), WB_STEP_TERMINAL, NULL);
  sys1(__NR_close, slave);
  send_descriptor(WB_EVENT_TERMINAL, master);
  sys1(__NR_close, master);
}

long open_program_terminal(uint32_t size, char path[TERMINAL_PATH_MAX]) {
  const struct window window = {(unsigned short)(size >> 16), (unsigned short)size, 0, 0};
  const int unlocked = 0;
  unsigned int number = 0;
  struct termios modes;
  long slave = -1;
  const long master =
      sys4(__NR_openat, AT_FDCWD, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
  if (master < 0)
    return master;
  long ret = sys3(__NR_ioctl, master, TIOCSPTLCK, &unlocked);
  if (ret >= 0)
    ret = sys3(__NR_ioctl, master, TIOCGPTN, &number);
  if (ret >= 0)
    ret = slave = sys3(__NR_ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (ret >= 0)
    ret = sys3(__NR_ioctl, slave, TCGETS, &modes);
  if (ret >= 0) {
    modes.c_iflag |= IUTF8; /* the kernel's own modes lack it */
    ret = sys3(__NR_ioctl, slave, TCSETS, &modes);
  }
  if (ret >= 0)
    ret = sys3(__NR_ioctl, slave, TIOCSWINSZ, &window);
  for (int fd = 0; fd <= 2 && ret >= 0; fd++)
    ret = sys3(__NR_dup3, slave, fd, 0);
  if (slave >= 0)
    sys1(__NR_close, slave);
  if (ret < 0) {
    sys1(__NR_close, master);
    return ret;
  }
  memcpy(path, "/dev/pts/", 9);
  format_number(path + 9, number);
  return master;
}
