/*
 * SIGKILL leaves no time to tidy up, and the caller's terminal would stay raw, on another screen,
 * without a cursor. So a process of its own waits at a pipe whose other end closes with this
 * program, and puts the terminal right where that was not done before. Called by terminal.c and
 * supervise.c.
 *
 * It is a process of helper.c: of this program's memory, whatever that is (Node), and with none of
 * its descriptors but the terminal's and the pipe's. While this program lives, it makes raw system
 * calls only.
 */
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../sys/syscall.h"
#include "helper.h"
#include "pages.h"
#include "supervisor.h"

#define KEPT_SIZE 16384

/* Lies in memory of its own, which nothing frees at an exit; behind it is the keeper's stack. */
struct kept {
  int terminal, end; /* descriptors */
  int group;         /* process group of this program */
  int done;          /* atomic */
  int unfinished;    /* what was written last may stop in a sequence */
  int suspended;     /* the display shows something else: suspend_relay.c */
  struct wb_screen screen;
  struct wb_caller caller;
};

/* Returns whether the terminal is still this program's, or already that of the shell that
 * started it. */
static int may_touch(const struct kept *kept) {
  int foreground = 0, session = 0;
  if (sys3(__NR_ioctl, kept->terminal, TIOCGPGRP, &foreground) < 0)
    return 1; /* there is no job control on it */
  return foreground == kept->group ||
         (sys3(__NR_ioctl, kept->terminal, TIOCGSID, &session) >= 0 && foreground == session);
}

static void put_right(struct kept *kept) {
  char text[2 * WB_SCREEN_RESET_MAX + 8];
  size_t length = 0;
  int redraw;
  wb_caller_undo(&kept->caller);
  if (!kept->caller.display)
    return;
  if (kept->unfinished) {
    memcpy(text, "\030\033\\", 3);
    length = 3;
  }
  if (kept->suspended)
    length += wb_screen_return(&kept->screen, text + length, &redraw);
  length += wb_screen_reset(&kept->screen, text + length);
  if (length)
    sys3(__NR_write, kept->terminal, text, length);
}

static int keep(void *argument) {
  struct kept *kept = argument;
  char byte;
  wb_helper_settle("wasbox-keeper", kept->terminal, kept->end);
  sys3(__NR_read, kept->end, &byte, 1);
  if (!__atomic_load_n(&kept->done, __ATOMIC_SEQ_CST) && may_touch(kept))
    put_right(kept);
  return 0;
}

void wb_keeper_note(const struct wb_terminal *terminal) {
  struct kept *kept = terminal->keeper.kept;
  if (!kept)
    return;
  kept->caller = terminal->caller;
  /* It has one descriptor, which is of the same terminal as nearly always. */
  if (kept->caller.passed >= 0)
    kept->caller.passed = kept->terminal;
  kept->screen = terminal->screen;
  kept->suspended = terminal->suspended;
  kept->unfinished = terminal->output.at != terminal->output.end;
}

void wb_keeper_open(struct wb_terminal *terminal) {
  struct wb_keeper *keeper = &terminal->keeper;
  const int fd = wb_caller_window(&terminal->caller);
  int ends[2];
  if (fd < 0 || keeper->kept)
    return;
  struct kept *kept = wb_pages_new(KEPT_SIZE);
  if (!kept)
    return;
  if (syscall(SYS_pipe2, ends, O_CLOEXEC) < 0) {
    wb_pages_free(kept, KEPT_SIZE);
    return;
  }
  keeper->kept = kept;
  keeper->kept->terminal = fd;
  keeper->kept->end = ends[0];
  keeper->kept->group = (int)syscall(SYS_getpgid, 0);
  keeper->end = ends[1];
  wb_keeper_note(terminal);
  keeper->pid = wb_helper_begin(keep, kept, KEPT_SIZE);
  close(ends[0]);
  if (keeper->pid > 0)
    return;
  close(keeper->end);
  wb_pages_free(kept, KEPT_SIZE);
  *keeper = (struct wb_keeper){0, -1, NULL};
}

void wb_keeper_dismiss(const struct wb_keeper *keeper) {
  if (!keeper->kept)
    return;
  __atomic_store_n(&keeper->kept->done, 1, __ATOMIC_SEQ_CST);
  close(keeper->end);
}

void wb_keeper_await(struct wb_keeper *keeper, int options) {
  /* It stands on this memory until it is gone. */
  if (!keeper->kept || !wb_helper_await(keeper->pid, options))
    return;
  wb_pages_free(keeper->kept, KEPT_SIZE);
  *keeper = (struct wb_keeper){0, -1, NULL};
}
