/*
 * SIGKILL leaves no time to tidy up, and the caller's terminal would stay raw, on another screen,
 * without a cursor. So a process of its own waits at a pipe whose other end closes with this
 * program, and puts the terminal right where that was not done before. Called by terminal.c and
 * supervise.c.
 *
 * It shares this program's memory, whatever that is (Node), and none of its descriptors but the
 * terminal's; and is in a process group of its own, or what kills a shell's job would kill it too.
 * While this program lives, it makes raw system calls only: thread-local storage (errno) is that of
 * the thread which started it.
 */
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sys/syscall.h"
#include "supervisor.h"

#define KEPT_SIZE 16384
#define SIGSET_BYTES 8

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

/* Whether the terminal is still this program's, or already that of the shell that started it. */
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
  sys2(__NR_setpgid, 0, 0);
  sys2(__NR_prctl, PR_SET_NAME, "wasbox-keeper");
  const int low = kept->terminal < kept->end ? kept->terminal : kept->end;
  const int high = kept->terminal < kept->end ? kept->end : kept->terminal;
  if (low > 0)
    sys3(__NR_close_range, 0, low - 1, 0);
  if (high > low + 1)
    sys3(__NR_close_range, low + 1, high - 1, 0);
  sys3(__NR_close_range, high + 1, ~0u, 0);
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
  uint64_t mask = 0;
  const uint64_t all = ~(uint64_t)0;
  if (fd < 0 || keeper->kept)
    return;
  char *memory = mmap(NULL, KEPT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return;
  if (syscall(SYS_pipe2, ends, O_CLOEXEC) < 0) {
    munmap(memory, KEPT_SIZE);
    return;
  }
  keeper->kept = (struct kept *)(void *)memory;
  keeper->kept->terminal = fd;
  keeper->kept->end = ends[0];
  keeper->kept->group = (int)syscall(SYS_getpgid, 0);
  keeper->end = ends[1];
  wb_keeper_note(terminal);
  /* Handlers are this program's. */
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &mask, SIGSET_BYTES);
  /* No exit signal: the caller's own handling of children never hears of it. */
  keeper->pid = clone(keep, memory + KEPT_SIZE, CLONE_VM, keeper->kept);
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &mask, 0, SIGSET_BYTES);
  close(ends[0]);
  if (keeper->pid > 0)
    return;
  close(keeper->end);
  munmap(memory, KEPT_SIZE);
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
  if (!keeper->kept || sys4(__NR_wait4, keeper->pid, 0, __WALL | options, 0) != keeper->pid)
    return;
  munmap(keeper->kept, KEPT_SIZE);
  *keeper = (struct wb_keeper){0, -1, NULL};
}
