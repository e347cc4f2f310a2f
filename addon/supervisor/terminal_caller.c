/*
 * Passes on what the payload's terminal takes from the caller's, and the caller's from it: the
 * size, the mode of the keyboard, and what waits to be shown. Called by terminal.c, signals.c and
 * what uses the caller's terminal for something else meanwhile.
 */
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <poll.h>

#include "supervisor.h"

/* <sys/ioctl.h> is left out: it comes with the structures of the C library. */
int ioctl(int fd, unsigned long request, ...);

struct window {
  unsigned short rows, columns, width, height;
};

void wb_terminal_refresh(struct wb_terminal *terminal) {
  struct window window;
  const int fd = wb_caller_window(&terminal->caller);
  if (terminal->master < 0 || fd < 0)
    return;
  if (ioctl(fd, TIOCGWINSZ, &window) == 0)
    ioctl(terminal->master, TIOCSWINSZ, &window);
  if (wb_caller_in_foreground(&terminal->caller))
    wb_caller_make_raw(&terminal->caller);
}

void wb_terminal_want(struct wb_terminal *terminal, uint32_t size) {
  __atomic_store_n(&terminal->wanted, size, __ATOMIC_SEQ_CST);
}

void wb_terminal_resize(struct wb_terminal *terminal) {
  if (terminal->master < 0)
    return; /* it has not come yet: kept until then */
  const uint32_t size = __atomic_exchange_n(&terminal->wanted, 0, __ATOMIC_SEQ_CST);
  const struct window window = {(unsigned short)(size >> 16), (unsigned short)size, 0, 0};
  if (size)
    ioctl(terminal->master, TIOCSWINSZ, &window);
}

void wb_terminal_flush(struct wb_terminal *terminal, uint64_t patience_ms) {
  struct wb_flow *output = &terminal->output;
  const uint64_t deadline = wb_now_ns() + patience_ms * 1000000;
  while (output->at != output->end && wb_now_ns() < deadline) {
    struct pollfd wait = {terminal->caller.out.fd, POLLOUT, 0};
    if (poll(&wait, 1, 50) > 0 && !wb_caller_push(&terminal->caller, output))
      output->at = output->end;
  }
}
