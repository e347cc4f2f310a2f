/*
 * The caller's terminal shows something else for a while: nothing is relayed, so that what is
 * shown there and what is typed is out of the payload's reach. Called by supervise.c, and by the
 * thread that shows a question.
 */
#define _GNU_SOURCE
#include <asm/ioctls.h>

#include "supervisor.h"

/* <sys/ioctl.h> is left out: it comes with the structures of the C library. */
int ioctl(int fd, unsigned long request, ...);

/* How long to wait for the caller's terminal to take what was begun being written. */
#define SUSPEND_MS 200

void wb_terminal_suspend(struct wb_terminal *terminal, int suspend) {
  if (terminal->master < 0 || terminal->suspended == suspend)
    return;
  if (suspend)
    wb_terminal_flush(terminal, SUSPEND_MS);
  __atomic_store_n(&terminal->suspended, suspend, __ATOMIC_SEQ_CST);
  wb_keeper_note(terminal);
}

size_t wb_terminal_suspension(const struct wb_terminal *terminal, int begin,
                              char out[WB_SCREEN_RESET_MAX], int *redraw) {
  *redraw = 0;
  if (!__atomic_load_n(&terminal->suspended, __ATOMIC_SEQ_CST))
    return 0;
  return begin ? wb_screen_leave(&terminal->screen, out)
               : wb_screen_return(&terminal->screen, out, redraw);
}

void wb_terminal_shrink(const struct wb_terminal *terminal) {
  struct {
    unsigned short rows, columns, width, height;
  } window;
  const int outer = wb_caller_window(&terminal->caller);
  if (terminal->master < 0 || outer < 0 || ioctl(outer, TIOCGWINSZ, &window) < 0 || window.rows < 2)
    return;
  window.rows--;
  ioctl(terminal->master, TIOCSWINSZ, &window);
}
