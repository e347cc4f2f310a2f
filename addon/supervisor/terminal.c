/*
 * Relays between the caller's descriptors and the payload's terminal. Called by supervise.c.
 *
 *   stdin, raw if it is a terminal ─▶ master ─▶ payload's terminal, which makes signals of keys
 *   stdout ◀── master ◀── payload's terminal
 *
 * Where stdin is not relayed there is only the second line, from a terminal that cannot be read.
 *
 * The payload's terminal has the payload's job control: ^C and ^Z reach what is in its foreground.
 * Where ^Z stops the payload itself, init tells, and the whole run is suspended (signals.c).
 */
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "supervisor.h"

/* <sys/ioctl.h> is left out: it comes with the structures of the C library. */
int ioctl(int fd, unsigned long request, ...);

/* How long the end may wait for a display that takes no output; and for any stdout, if the payload
 * had to end. */
#define DISPLAY_MS 5000
#define KILLED_MS 1000
/* How often a run in the background looks whether it is in the foreground again. */
#define BACKGROUND_MS 250
/* The bytes that the payload's terminal itself writes for ^C: "^C". */
#define ECHO_BYTES 2
#define END_OF_FILE 4

/* The payload's terminal as a shell leaves one for a program: lines that are edited and echoed. */
static void make_usual(int master) {
  struct termios modes;
  if (ioctl(master, TCGETS, &modes) < 0)
    return;
  modes.c_iflag = (modes.c_iflag & (tcflag_t)IUTF8) | ICRNL | IXON;
  modes.c_oflag = OPOST | ONLCR;
  modes.c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
  ioctl(master, TCSETS, &modes);
}

void wb_terminal_open(struct wb_terminal *terminal, int master) {
  fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
  terminal->master = master;
  /* Init made it like the caller's. */
  if (wb_caller_modes_are_others(&terminal->caller))
    make_usual(master);
  terminal->ended = terminal->caller.in < 0; /* nothing is ever typed */
  wb_terminal_refresh(terminal);
  wb_terminal_resize(terminal);
  wb_keeper_open(terminal);
}

void wb_terminal_started(struct wb_terminal *terminal) {
  if (terminal->caller.passed >= 0)
    wb_keeper_open(terminal);
  if (terminal->master >= 0)
    ioctl(terminal->master, TIOCGPGRP, &terminal->payload_group);
}

int wb_terminal_wait(struct wb_terminal *terminal, struct pollfd wait[3]) {
  struct wb_caller *caller = &terminal->caller;
  wait[0] = wait[1] = wait[2] = (struct pollfd){-1, 0, 0};
  if (terminal->master < 0 || terminal->suspended)
    return -1;
  const int foreground = wb_caller_in_foreground(caller);
  const int reads = foreground || !caller->keyboard;
  if (foreground && caller->keyboard && !__atomic_load_n(&caller->raw, __ATOMIC_SEQ_CST))
    wb_terminal_refresh(terminal);
  if (reads && !terminal->ended && terminal->input.at == terminal->input.end)
    wait[0] = (struct pollfd){caller->in, POLLIN, 0};
  if (terminal->output.at != terminal->output.end)
    wait[1] = (struct pollfd){caller->out.fd, POLLOUT, 0};
  else if (terminal->needs_reader)
    wait[1] = (struct pollfd){caller->out.fd, 0, 0};
  if (terminal->output.at == terminal->output.end)
    wait[2].events |= POLLIN;
  if (terminal->input.at != terminal->input.end)
    wait[2].events |= POLLOUT;
  if (!terminal->hung && wait[2].events)
    wait[2].fd = terminal->master;
  return foreground && !terminal->hung ? -1 : BACKGROUND_MS;
}

/* The caller's terminal or the reader of its stdout is gone, and so is the payload's terminal: the
 * kernel sends SIGHUP to its foreground, and all who use it find it closed. */
static void hang_up(struct wb_run *run) {
  struct wb_terminal *terminal = &run->terminal;
  wb_terminal_hang_up(terminal);
  terminal->input.at = terminal->input.end = terminal->output.at = terminal->output.end = 0;
  wb_signal(run, SIGHUP);
}

int wb_terminal_interrupts(const struct wb_terminal *terminal) {
  return terminal->heard > ECHO_BYTES * (size_t)terminal->interrupts ? 0 : terminal->interrupts;
}

/* A program that reads keys by itself is left out, and so is a shell's job: there ^C is theirs. */
static void count_interrupt(struct wb_terminal *terminal, const struct termios *modes) {
  int group = 0;
  terminal->interrupts = wb_terminal_interrupts(terminal);
  if (terminal->interrupts == 0)
    terminal->heard = 0;
  if ((modes->c_lflag & ICANON) && ioctl(terminal->master, TIOCGPGRP, &group) == 0 &&
      group == terminal->payload_group)
    terminal->interrupts++;
  else
    terminal->interrupts = 0;
}

/* Signals for keys, where the payload's terminal has no foreground any more that would get them;
 * and what ^C comes to. */
static void look_at_keys(struct wb_run *run, const unsigned char *bytes, size_t size) {
  struct wb_terminal *terminal = &run->terminal;
  const struct termios *modes = wb_terminal_modes(terminal);
  if (!modes || !(modes->c_lflag & ISIG))
    return;
  for (size_t i = 0; i < size; i++) {
    const unsigned char byte = bytes[i];
    const int interrupt = byte && byte == modes->c_cc[VINTR];
    terminal->typed_interrupt |= interrupt;
    if (interrupt)
      count_interrupt(terminal, modes);
    else
      terminal->interrupts = 0;
    if (terminal->hung && interrupt)
      wb_signal(run, SIGINT);
    else if (terminal->hung && byte && byte == modes->c_cc[VQUIT])
      wb_signal(run, SIGQUIT);
  }
}

/* Where stdin is no terminal, its end is typed: once at the start of a line, else twice. */
static void type_end(struct wb_terminal *terminal) {
  const struct termios *modes = wb_terminal_modes(terminal);
  struct wb_flow *input = &terminal->input;
  unsigned char key = END_OF_FILE;
  size_t times = 1;
  if (!modes || (modes->c_lflag & ICANON)) {
    key = modes && modes->c_cc[VEOF] ? modes->c_cc[VEOF] : key;
    times = terminal->last == 0 || terminal->last == '\n' ? 1 : 2;
  }
  terminal->ended = 1;
  memset(input->bytes, key, times);
  input->at = 0;
  input->end = times;
}

static void take_input(struct wb_run *run) {
  struct wb_terminal *terminal = &run->terminal;
  struct wb_caller *caller = &terminal->caller;
  struct wb_flow *input = &terminal->input;
  /* In the background a read is an error, which must not be taken for the terminal's end. */
  if (caller->keyboard && !wb_caller_in_foreground(caller))
    return;
  ssize_t n = read(caller->in, input->bytes, sizeof input->bytes);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0 && caller->keyboard) {
    if (wb_caller_in_foreground(caller))
      hang_up(run);
    return;
  }
  if (n <= 0) {
    type_end(terminal);
    return;
  }
  terminal->last = input->bytes[n - 1];
  input->at = 0;
  input->end = (size_t)n;
  if (caller->keyboard) {
    wb_tty_replies_note(terminal, input->bytes, input->end);
    look_at_keys(run, input->bytes, input->end);
  }
  if (terminal->hung)
    input->end = 0;
}

/* Returns 0 where the payload's terminal has nothing more, now or ever. */
static int take_output(struct wb_terminal *terminal) {
  struct wb_flow *output = &terminal->output;
  ssize_t n = read(terminal->master, output->bytes, sizeof output->bytes);
  if (n <= 0) {
    terminal->hung = n == 0 || (errno != EAGAIN && errno != EINTR);
    return 0;
  }
  terminal->hung = 0;
  output->at = 0;
  output->end = (size_t)n;
  terminal->written += (uint64_t)n;
  terminal->heard += (size_t)n;
  if (terminal->tail)
    wb_tail_add(terminal->tail, output->bytes, (size_t)n);
  if (terminal->caller.display) {
    wb_screen_output(&terminal->screen, output->bytes, (size_t)n);
    if (terminal->screen.queries)
      terminal->asked_ns = wb_now_ns();
    terminal->screen.queries = 0;
  }
  return 1;
}

/* Writes to the payload's terminal what was typed. */
static void push_input(struct wb_terminal *terminal) {
  struct wb_flow *input = &terminal->input;
  ssize_t n = write(terminal->master, input->bytes + input->at, input->end - input->at);
  if (n >= 0)
    input->at += (size_t)n;
  else if (errno != EAGAIN && errno != EINTR)
    input->at = input->end;
}

void wb_terminal_serve(struct wb_run *run, const struct pollfd wait[3]) {
  struct wb_terminal *terminal = &run->terminal;
  if (terminal->master < 0 || terminal->suspended)
    return;
  wb_terminal_resize(terminal); /* before what was typed since */
  /* A process may have opened it again. */
  if (terminal->hung || wait[2].revents & (POLLIN | POLLHUP | POLLERR))
    if (terminal->output.at == terminal->output.end)
      take_output(terminal);
  if (wait[2].revents & POLLOUT)
    push_input(terminal);
  if (wait[0].revents)
    take_input(run);
  /* A write of no bytes succeeds even without a reader: it would not show that he is gone. And what
   * was waited for may have been written since, as when the payload is stopped. */
  const int waits = terminal->output.at != terminal->output.end;
  const int unread = terminal->needs_reader && (wait[1].revents & (POLLERR | POLLHUP));
  if (wait[1].revents && terminal->master >= 0 &&
      (waits ? !wb_caller_push(&terminal->caller, &terminal->output) : unread))
    hang_up(run);
  wb_keeper_note(terminal);
}

/* Twice what the kernel keeps of a terminal's output (TTYB_DEFAULT_MEM_LIMIT in
 * drivers/tty/tty_buffer.c): a program that never stops writing is not waited for. */
#define HELD_MAX ((size_t)128 << 10)

/* Makes room for all of that in a pipe that is not being read: its reader may come later, as with a
 * pipe that the payload itself writes to. Twice the size, because a write that does not fit into
 * the last page takes new ones. The kernel refuses it if the user has too many pages in pipes:
 * pipe(7). */
static void widen(const struct wb_terminal *terminal) {
  const int size = fcntl(terminal->caller.out.fd, F_GETPIPE_SZ);
  if (size > 0)
    fcntl(terminal->caller.out.fd, F_SETPIPE_SZ,
          size + 2 * (int)(HELD_MAX + sizeof terminal->output.bytes));
}

/* Returns whether a reader that takes nothing is given up. Without a terminal, the end of a
 * payload that had to end would not wait for a reader either. */
static int is_late(const struct wb_run *run) {
  return __atomic_load_n(&run->killed, __ATOMIC_SEQ_CST) ||
         (run->reader_deadline_ns && wb_now_ns() >= run->reader_deadline_ns);
}

/* Writes what waits, however long that takes, unless the reader takes nothing any more, or the
 * caller asks for the end again. Returns 0 if it gave up. */
static int drain(const struct wb_run *run, struct wb_terminal *terminal, int asked, int *widened) {
  struct wb_flow *output = &terminal->output;
  uint64_t since = wb_now_ns();
  for (size_t at = output->at; output->at != output->end;) {
    wb_terminal_flush(terminal, 100);
    if (output->at != at)
      since = wb_now_ns();
    else if (!*widened)
      widen(terminal);
    *widened |= output->at == at;
    at = output->at;
    const uint64_t waited = (wb_now_ns() - since) / 1000000;
    if (__atomic_load_n(&run->asked_to_end, __ATOMIC_SEQ_CST) != asked ||
        (terminal->caller.display && waited > DISPLAY_MS) || (waited > KILLED_MS && is_late(run)))
      return 0;
  }
  return 1;
}

void wb_terminal_settle(struct wb_run *run, int asked) {
  struct wb_terminal *terminal = &run->terminal;
  int widened = 0;
  for (size_t taken = 0; drain(run, terminal, asked, &widened) && taken < HELD_MAX &&
                         terminal->master >= 0 && take_output(terminal);
       taken += terminal->output.end)
    ;
}

/* Where nothing was relayed to the payload: what it asked the terminal is answered to the shell. */
static void hear_answers(struct wb_terminal *terminal) {
  struct wb_caller *caller = &terminal->caller;
  if (caller->in >= 0 || caller->passed >= 0 || !caller->display || !terminal->asked_ns ||
      !wb_caller_in_foreground(caller) || ioctl(caller->out.fd, TCGETS, caller->saved) < 0)
    return;
  caller->in = fcntl(caller->out.fd, F_DUPFD_CLOEXEC, 3);
  caller->keyboard = caller->in >= 0;
  wb_caller_make_raw(caller);
  wb_keeper_note(terminal);
}

void wb_terminal_close(struct wb_run *run) {
  struct wb_terminal *terminal = &run->terminal;
  struct wb_caller *caller = &terminal->caller;
  if (caller->out.fd < 0 && caller->passed < 0)
    return;
  wb_terminal_suspend(terminal, 0);
  if (terminal->master >= 0) {
    wb_terminal_settle(run, run->asked_before_end);
    close(terminal->master);
    terminal->master = -1;
  }
  if (caller->display) {
    terminal->output.at = 0;
    terminal->output.end =
        wb_screen_reset(&terminal->screen, (char *)(void *)terminal->output.bytes);
    wb_terminal_flush(terminal, KILLED_MS);
  }
  hear_answers(terminal);
  wb_tty_replies_await(terminal, 0);
  wb_caller_leave(caller);
  wb_caller_restore(caller);
  wb_terminal_modes_close(terminal);
  wb_keeper_dismiss(&terminal->keeper);
  wb_caller_close(caller);
}
