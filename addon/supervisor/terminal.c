/*
 * Relays between the caller's terminal and the payload's. Called by supervise.c.
 *
 *   keyboard ─▶ caller's terminal, raw ─▶ master ─▶ payload's terminal, which makes signals of keys
 *   screen ◀── caller's terminal ◀── master ◀── payload's terminal
 *
 * The payload's terminal has the payload's job control: ^C reaches what is in its foreground. Where
 * that is the payload itself, ^Z suspends the whole run, as if there were no sandbox: a program
 * without a shell of its own inside could not be continued by anybody else.
 */
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor.h"

/* Not <sys/ioctl.h>, which comes with the structures of the C library. */
int ioctl(int fd, unsigned long request, ...);

struct window {
  unsigned short rows, columns, width, height;
};
_Static_assert(sizeof(struct termios) <= sizeof((struct wb_terminal){0}.saved), "room");

/* A terminal that somebody else holds up must not hold up the end for longer. */
#define DRAIN_MS 1000
/* How long an answer of the caller's terminal may take, and the silence after the last one. */
#define ANSWER_MS 300
#define SILENCE_MS 60
/* How often a run in the background looks whether it is in the foreground again. */
#define BACKGROUND_MS 250
/* A write of so many bytes does not block where poll(2) says that there is room (n_tty). */
#define SMALL_CHUNK 128

/* Only the foreground may read the keyboard and change the terminal. A terminal that is not the
 * caller's controlling one has no job control. */
static int in_foreground(const struct wb_terminal *terminal) {
  int group = 0;
  if (ioctl(terminal->outer, TIOCGPGRP, &group) < 0)
    return 1;
  return group == (int)syscall(SYS_getpgid, 0);
}

static void make_raw(struct wb_terminal *terminal) {
  struct termios modes;
  memcpy(&modes, terminal->saved, sizeof modes);
  modes.c_iflag &=
      ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXOFF);
  modes.c_oflag &= ~(tcflag_t)OPOST;
  modes.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  modes.c_cflag = (modes.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
  modes.c_cc[VMIN] = 1;
  modes.c_cc[VTIME] = 0;
  ioctl(terminal->outer, TCSETS, &modes);
  __atomic_store_n(&terminal->raw, 1, __ATOMIC_SEQ_CST);
}

void wb_terminal_leave(struct wb_terminal *terminal) {
  /* Whoever is in the foreground now has settings of its own. */
  if (__atomic_exchange_n(&terminal->raw, 0, __ATOMIC_SEQ_CST) && in_foreground(terminal))
    ioctl(terminal->outer, TCSETSW, terminal->saved);
}

void wb_terminal_refresh(struct wb_terminal *terminal) {
  struct window window;
  if (terminal->master < 0)
    return;
  if (ioctl(terminal->outer, TIOCGWINSZ, &window) == 0)
    ioctl(terminal->master, TIOCSWINSZ, &window);
  if (in_foreground(terminal))
    make_raw(terminal);
}

int wb_terminal_open(struct wb_terminal *terminal, int master, const int stdio[3]) {
  char path[40];
  memset(terminal, 0, sizeof *terminal);
  terminal->master = terminal->outer = -1;
  terminal->chunk = sizeof terminal->output.bytes;
  if (ioctl(stdio[0], TCGETS, terminal->saved) < 0)
    return errno;
  /* The caller's own descriptor is shared with its shell: O_NONBLOCK would be seen there. */
  snprintf(path, sizeof path, "/proc/self/fd/%d", stdio[0]);
  terminal->outer = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (terminal->outer < 0) {
    terminal->outer = fcntl(stdio[0], F_DUPFD_CLOEXEC, 3);
    terminal->chunk = SMALL_CHUNK;
  }
  if (terminal->outer < 0)
    return errno;
  fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
  terminal->master = master;
  wb_terminal_refresh(terminal);
  return 0;
}

int wb_terminal_wait(struct wb_terminal *terminal, struct pollfd wait[2]) {
  wait[0] = wait[1] = (struct pollfd){-1, 0, 0};
  if (terminal->master < 0)
    return -1;
  const int foreground = in_foreground(terminal);
  if (foreground && !__atomic_load_n(&terminal->raw, __ATOMIC_SEQ_CST))
    wb_terminal_refresh(terminal);
  wait[0].fd = terminal->gone ? -1 : terminal->outer;
  if (foreground && terminal->input.at == terminal->input.end)
    wait[0].events |= POLLIN;
  if (terminal->output.at != terminal->output.end)
    wait[0].events |= POLLOUT;
  if (!wait[0].events)
    wait[0].fd = -1;
  wait[1].fd = terminal->hung ? -1 : terminal->master;
  if (terminal->output.at == terminal->output.end)
    wait[1].events |= POLLIN;
  if (terminal->input.at != terminal->input.end)
    wait[1].events |= POLLOUT;
  if (!wait[1].events)
    wait[1].fd = -1;
  return foreground && !terminal->hung ? -1 : BACKGROUND_MS;
}

/* Suspends the run and this program, as ^Z does, and returns when both go on. */
static void suspend(struct wb_run *run) {
  struct wb_terminal *terminal = &run->terminal;
  wb_terminal_leave(terminal);
  /* Its process group may be an orphan, which SIGTSTP does not stop. */
  wb_signal(run, SIGSTOP);
  syscall(SYS_kill, 0, SIGTSTP);
  /* Time to be stopped in; where nobody could continue this program, the kernel does not stop it.
   */
  poll(NULL, 0, 100);
  wb_signal(run, SIGCONT);
  wb_terminal_refresh(terminal);
}

/* The control character that a byte is for the payload's terminal: an index into c_cc, or -1. */
static int key_of(const struct wb_terminal *terminal, unsigned char byte) {
  struct termios modes;
  if (ioctl(terminal->master, TCGETS, &modes) < 0 || !(modes.c_lflag & ISIG))
    return -1;
  if (byte != 0 && byte == modes.c_cc[VSUSP])
    return VSUSP;
  if (byte != 0 && byte == modes.c_cc[VINTR])
    return VINTR;
  return byte != 0 && byte == modes.c_cc[VQUIT] ? VQUIT : -1;
}

/* Whether the payload itself, and no job of a shell inside, is in the foreground of its terminal.
 */
static int payload_in_front(const struct wb_terminal *terminal) {
  int group = 0, session = 0;
  return ioctl(terminal->master, TIOCGPGRP, &group) == 0 &&
         ioctl(terminal->master, TIOCGSID, &session) == 0 && group == session;
}

static void take_input(struct wb_run *run) {
  struct wb_terminal *terminal = &run->terminal;
  struct wb_flow *input = &terminal->input;
  ssize_t n = read(terminal->outer, input->bytes, sizeof input->bytes);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0) {
    /* The caller's terminal is gone, and so is the payload's: its session gets SIGHUP. */
    terminal->gone = 1;
    wb_signal(run, SIGHUP);
    return;
  }
  if (input->bytes[0] == 0x1b)
    terminal->screen.queries = 0;
  input->at = 0;
  input->end = (size_t)n;
  for (ssize_t i = 0; i < n; i++) {
    int key = key_of(terminal, input->bytes[i]);
    if (key < 0)
      continue;
    if (terminal->hung) {
      /* Nobody is behind the terminal any more who would make a signal of it. */
      wb_signal(run, key == VINTR ? SIGINT : key == VQUIT ? SIGQUIT : SIGTSTP);
    } else if (key == VSUSP && payload_in_front(terminal)) {
      for (ssize_t rest = i + 1; rest < n; rest++)
        input->bytes[rest - 1] = input->bytes[rest];
      input->end--;
      suspend(run);
      return;
    }
  }
  if (terminal->hung)
    input->end = 0;
}

/* Writes what waits; returns 0 where it can never be written. */
static int push(int fd, struct wb_flow *flow, size_t chunk) {
  size_t size = flow->end - flow->at;
  ssize_t n = write(fd, flow->bytes + flow->at, size < chunk ? size : chunk);
  if (n < 0)
    return errno == EAGAIN || errno == EINTR;
  flow->at += (size_t)n;
  return 1;
}

/* Returns 0 where the payload's terminal has nothing more, now or ever. */
static int take_output(struct wb_terminal *terminal) {
  struct wb_flow *output = &terminal->output;
  ssize_t n = read(terminal->master, output->bytes, sizeof output->bytes);
  if (n <= 0) {
    terminal->hung = n == 0 || (errno != EAGAIN && errno != EINTR);
    return 0;
  }
  output->at = 0;
  output->end = (size_t)n;
  terminal->written += (uint64_t)n;
  wb_screen_output(&terminal->screen, output->bytes, (size_t)n);
  return 1;
}

void wb_terminal_serve(struct wb_run *run, const struct pollfd wait[2]) {
  struct wb_terminal *terminal = &run->terminal;
  if (terminal->master < 0)
    return;
  /* Somebody may have opened it again. */
  if (terminal->hung)
    take_output(terminal);
  if (wait[1].revents & (POLLIN | POLLHUP | POLLERR))
    take_output(terminal);
  if (wait[0].revents & POLLOUT && !push(terminal->outer, &terminal->output, terminal->chunk))
    terminal->output.at = terminal->output.end;
  if (wait[0].revents & (POLLIN | POLLHUP | POLLERR) && (wait[0].events & POLLIN))
    take_input(run);
  if (wait[1].revents & POLLOUT &&
      !push(terminal->master, &terminal->input, sizeof terminal->input.bytes))
    terminal->input.at = terminal->input.end;
}

/* Writes all that waits, for as long as the caller's terminal takes it. */
static void flush(struct wb_terminal *terminal, uint64_t deadline) {
  while (terminal->output.at != terminal->output.end && wb_now_ns() < deadline) {
    struct pollfd wait = {terminal->outer, POLLOUT, 0};
    if (poll(&wait, 1, 50) > 0 && !push(terminal->outer, &terminal->output, terminal->chunk))
      return;
  }
}

/* Answers to what the payload asked the caller's terminal would be typed into the shell. */
static void swallow_answers(struct wb_terminal *terminal) {
  if (!terminal->screen.queries || !terminal->raw || terminal->gone)
    return;
  struct pollfd wait = {terminal->outer, POLLIN, 0};
  uint64_t deadline = wb_now_ns() + ANSWER_MS * 1000000ull;
  int patience = ANSWER_MS;
  while (wb_now_ns() < deadline && poll(&wait, 1, patience) > 0) {
    if (read(terminal->outer, terminal->input.bytes, sizeof terminal->input.bytes) <= 0)
      return;
    patience = SILENCE_MS;
  }
}

void wb_terminal_close(struct wb_terminal *terminal) {
  if (terminal->master < 0)
    return;
  const uint64_t deadline = wb_now_ns() + DRAIN_MS * 1000000ull;
  do
    flush(terminal, deadline);
  while (wb_now_ns() < deadline && take_output(terminal));
  terminal->output.at = 0;
  terminal->output.end = wb_screen_reset(&terminal->screen, (char *)(void *)terminal->output.bytes);
  flush(terminal, deadline + DRAIN_MS * 1000000ull);
  swallow_answers(terminal);
  wb_terminal_leave(terminal);
  close(terminal->outer);
  close(terminal->master);
  terminal->master = terminal->outer = -1;
}
