/*
 * Asks how the payload's terminal is set without waiting for the payload. Called by terminal.c.
 *
 * The kernel keeps the modes behind a lock of the terminal, which read(2) holds while it copies
 * more than 64 bytes to a program (iterate_tty_read in drivers/tty/tty_io.c). The payload can make
 * that copy last: huge pages, and another thread that holds the lock of its memory. A third one
 * that sets modes then keeps every reader of them waiting, and no signal ends such a wait. So a
 * thread of its own asks. Where it is late, the modes known before count, and keys are passed on
 * all the same.
 *
 * The last descriptor of a master hangs the terminal up, which waits for the same read(2).
 */
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pages.h"
#include "supervisor.h"
#include "thread.h"

/* <sys/ioctl.h> is left out: it comes with the structures of the C library. */
int ioctl(int fd, unsigned long request, ...);

/* How long a key waits for the answer, which usually takes some microseconds. */
#define PATIENCE_NS 20000000

enum { IDLE, ASKED, LEFT };

/* Lies in memory of its own: a thread that is late outlives the run. */
struct wb_modes {
  int state;                  /* a futex; ASKED: the thread has all that follows but `known` */
  int master;                 /* owned by the thread */
  int known;                  /* `answer` was given once */
  struct termios now, answer; /* the answer is copied while the thread is idle */
};

static void ask(void *argument) {
  struct wb_modes *modes = argument;
  if (ioctl(modes->master, TCGETS, &modes->now) < 0)
    modes->now.c_lflag = 0; /* the terminal is gone, and makes no signals of keys */
  close(modes->master);
  if (__atomic_exchange_n(&modes->state, IDLE, __ATOMIC_SEQ_CST) == LEFT)
    wb_pages_free(modes, sizeof *modes);
  else
    syscall(SYS_futex, &modes->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static int is_asked(const struct wb_modes *modes) {
  return __atomic_load_n(&modes->state, __ATOMIC_SEQ_CST) == ASKED;
}

static void begin(struct wb_modes *modes, int master) {
  if ((modes->master = fcntl(master, F_DUPFD_CLOEXEC, 3)) < 0)
    return;
  __atomic_store_n(&modes->state, ASKED, __ATOMIC_SEQ_CST);
  if (wb_thread_begin(ask, modes) != 0) {
    __atomic_store_n(&modes->state, IDLE, __ATOMIC_SEQ_CST);
    close(modes->master);
    return;
  }
  const uint64_t deadline = wb_now_ns() + PATIENCE_NS;
  for (uint64_t now; is_asked(modes) && (now = wb_now_ns()) < deadline;) {
    const struct timespec rest = {0, (long)(deadline - now)};
    syscall(SYS_futex, &modes->state, FUTEX_WAIT_PRIVATE, ASKED, &rest, NULL, 0);
  }
  if (is_asked(modes))
    return;
  modes->answer = modes->now;
  modes->known = 1;
}

const struct termios *wb_terminal_modes(struct wb_terminal *terminal) {
  if (!terminal->modes)
    terminal->modes = wb_pages_new(sizeof *terminal->modes);
  struct wb_modes *modes = terminal->modes;
  if (modes && !is_asked(modes))
    begin(modes, terminal->master);
  return modes && modes->known ? &modes->answer : NULL;
}

void wb_terminal_modes_close(struct wb_terminal *terminal) {
  struct wb_modes *modes = terminal->modes;
  terminal->modes = NULL;
  if (modes && __atomic_exchange_n(&modes->state, LEFT, __ATOMIC_SEQ_CST) != ASKED)
    wb_pages_free(modes, sizeof *modes);
}

static void close_master(void *master) {
  close((int)(intptr_t)master);
}

void wb_terminal_hang_up(struct wb_terminal *terminal) {
  if (wb_thread_begin(close_master, (void *)(intptr_t)terminal->master) != 0)
    close(terminal->master);
  terminal->master = -1;
}
