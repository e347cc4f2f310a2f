/*
 * The terminal of a program in another process's session: `wasbox exec` relays between it and its
 * own terminal, as the supervisor does for a run. Called by the addon (session.cc), which has the
 * master from the session's owner.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach.h"
#include "supervisor.h"

/* Any thread of the caller may get the signal; the relay waits for all of it at once. */
static const int forwarded[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2};
enum { FORWARDED = sizeof forwarded / sizeof *forwarded, HANDLED = FORWARDED + 2 };

/* The size of a frame of src/owner/frames.ts, and of the longest line of one. */
enum { HEAD = 5, NOTE_MAX = 512 };

static int woken = -1;             /* an eventfd */
static unsigned long long arrived; /* bit n: signal n; atomic */

static void note(int signal) {
  const int saved = errno;
  const uint64_t one = 1;
  __atomic_or_fetch(&arrived, 1ull << signal, __ATOMIC_SEQ_CST);
  if (write(woken, &one, sizeof one) < 0)
    errno = saved; /* it is awake already */
  errno = saved;
}

static int handled(int i) {
  return i < FORWARDED ? forwarded[i] : i == FORWARDED ? SIGWINCH : SIGCONT;
}

/* A frame of src/owner/frames.ts. */
static void forward(int socket, int signal) {
  const unsigned char frame[] = {'S', 1, 0, 0, 0, (unsigned char)signal};
  if (send(socket, frame, sizeof frame, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
    return; /* the owner is gone, which poll(2) says */
}

static void obey(struct wb_run *run, int socket) {
  uint64_t count;
  if (read(woken, &count, sizeof count) < 0)
    return;
  const unsigned long long signals = __atomic_exchange_n(&arrived, 0, __ATOMIC_SEQ_CST);
  if (signals & (1ull << SIGWINCH | 1ull << SIGCONT))
    wb_terminal_refresh(&run->terminal);
  for (int i = 0; i < FORWARDED; i++)
    if (signals >> forwarded[i] & 1)
      forward(socket, forwarded[i]);
}

/* A frame of the owner's with a line for the user. Returns whether one was there; 0: what can be
 * read is the answer. */
static int show_note(int socket, int out) {
  unsigned char frame[HEAD + NOTE_MAX + 2];
  const ssize_t n = recv(socket, frame, HEAD + NOTE_MAX, MSG_PEEK | MSG_DONTWAIT);
  if (n < HEAD || frame[0] != 'N' || frame[3] || frame[4])
    return 0;
  const size_t size = (size_t)(frame[1] | frame[2] << 8);
  if (size > NOTE_MAX || recv(socket, frame, HEAD + size, MSG_WAITALL) != (ssize_t)(HEAD + size))
    return 0;
  /* The terminal is raw: a line needs its carriage return. */
  memcpy(frame + HEAD + size, "\r\n", 2);
  (void)!write(out, frame + HEAD, size + 2);
  return 1;
}

static void relay(struct wb_run *run, int socket, int out) {
  for (;;) {
    struct pollfd wait[5];
    const int patience = wb_terminal_wait(&run->terminal, wait);
    wait[3] = (struct pollfd){socket, POLLIN, 0};
    wait[4] = (struct pollfd){woken, POLLIN, 0};
    if (poll(wait, 5, patience) < 0 && errno != EINTR)
      return;
    if (wait[4].revents)
      obey(run, socket);
    wb_terminal_serve(run, wait);
    if (wait[3].revents && !show_note(socket, out))
      return;
  }
}

int wb_attach(struct wb_run *run, int socket, int master, const int stdio[3],
              struct wb_tail *tail) {
  struct sigaction before[HANDLED];
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
  run->wake = run->control = run->pidfd = run->mounts = run->image_lock = -1;
  run->terminal.takes = 7;
  run->terminal.master = -1;
  const int error = wb_caller_open(&run->terminal.caller, run->terminal.takes, stdio);
  if (error || (woken = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0) {
    if (!error)
      wb_caller_close(&run->terminal.caller);
    close(master);
    return error ? error : errno;
  }
  for (int i = 0; i < HANDLED; i++)
    sigaction(handled(i), &action, &before[i]);
  run->terminal.tail = tail;
  wb_terminal_open(&run->terminal, master);
  wb_terminal_started(&run->terminal);
  relay(run, socket, stdio[2]);
  wb_terminal_close(run);
  wb_keeper_await(&run->terminal.keeper, 0);
  run->terminal.tail = NULL;
  for (int i = 0; i < HANDLED; i++)
    sigaction(handled(i), &before[i], NULL);
  close(woken);
  return 0;
}
