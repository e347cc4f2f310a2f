/*
 * The caller's end of a relay: its descriptors, terminals or not. Called by terminal.c and relay.c.
 *
 * The caller's descriptors are never made non-blocking, which others would see who share them:
 * pipes and terminals are opened once more, sockets are sent to without waiting, and files do not
 * block.
 */
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor.h"

/* <sys/ioctl.h> is left out: it comes with the structures of the C library. */
int ioctl(int fd, unsigned long request, ...);

_Static_assert(sizeof(struct termios) <= sizeof((struct wb_caller){0}.saved), "room");

/* Writes of so many bytes do not wait where poll(2) says that there is room: pipe(7), n_tty. */
#define PIPE_CHUNK 4096
#define TERMINAL_CHUNK 128

int wb_caller_end(int fd, int flags, struct wb_end *end) {
  struct statx info;
  char path[40];
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) < 0)
    return -1;
  const unsigned type = info.stx_mode & S_IFMT;
  end->socket = type == S_IFSOCK;
  end->most = (size_t)-1;
  if (type == S_IFCHR || type == S_IFIFO) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    end->fd = open(path, flags | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (end->fd >= 0)
      return 0;
  }
  if (type != S_IFREG && type != S_IFSOCK) /* not the caller's alone */
    end->most = type == S_IFIFO ? PIPE_CHUNK : TERMINAL_CHUNK;
  end->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return end->fd < 0 ? -1 : 0;
}

ssize_t wb_end_write(const struct wb_end *end, const void *bytes, size_t size) {
  struct iovec vector = {(void *)(uintptr_t)bytes, size};
  const struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  if (end->socket)
    return sendmsg(end->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return write(end->fd, bytes, size < end->most ? size : end->most);
}

static int is_terminal(int fd) {
  struct termios unused;
  return ioctl(fd, TCGETS, &unused) == 0;
}

static int leads_to_others(int fd) {
  struct statx info;
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) < 0)
    return 0;
  return (info.stx_mode & S_IFMT) == S_IFIFO || (info.stx_mode & S_IFMT) == S_IFSOCK;
}

/* Returns whether both are one file, as after 2>&1. */
static int is_same_file(int one, int other) {
  struct statx a, b;
  return syscall(SYS_statx, one, "", AT_EMPTY_PATH, STATX_INO, &a) == 0 &&
         syscall(SYS_statx, other, "", AT_EMPTY_PATH, STATX_INO, &b) == 0 &&
         a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major &&
         a.stx_dev_minor == b.stx_dev_minor;
}

/* Opened once more, for one direction; -1 where that is not to be had, as of another user's. */
static int open_one_way(int fd, int flags) {
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return open(path, flags | O_NOCTTY | O_CLOEXEC);
}

/* Opens, of the terminals that output leads to, those that would be keyboards as well (su,
 * sudo). */
static unsigned open_both_ways(const int stdio[3]) {
  unsigned found = 0;
  for (unsigned i = 1; i < 3 && !is_terminal(stdio[0]); i++) {
    const int fd = is_terminal(stdio[i]) ? open_one_way(stdio[i], O_WRONLY) : -1;
    if (fd >= 0)
      close(fd);
    else if (is_terminal(stdio[i]))
      found |= 1u << i;
  }
  return found;
}

/*
 * Keys are relayed where the terminal is the run's alone. Where stdout or stderr is a pipe, the
 * other end may read keys as well (`| less`), and a relay would take them away: then stdin stays
 * the caller's terminal, which set-up makes readable only and terminal-guard.policy protects.
 *
 * Without a relay, too, nothing is typed into output: its terminal is relayed if it cannot be
 * opened for writing alone.
 */
unsigned wb_caller_takes(uint32_t mode, const int stdio[3]) {
  unsigned terminals = 0;
  for (unsigned i = 0; i < 3; i++)
    terminals |= (unsigned)is_terminal(stdio[i]) << i;
  if (mode == WB_TERMINAL_ALWAYS)
    return 3 | (terminals & 4) | (is_same_file(stdio[1], stdio[2]) ? 4 : 0);
  if (mode != WB_TERMINAL_AUTO)
    return open_both_ways(stdio);
  const int alone = (terminals & 2) || (!leads_to_others(stdio[1]) && !leads_to_others(stdio[2]));
  return alone ? terminals : terminals & 6;
}

void wb_caller_narrow(unsigned takes, int stdio[3]) {
  const int typed = is_terminal(stdio[0]);
  for (int i = 0; i < 3; i++) {
    if ((takes >> i & 1) || !is_terminal(stdio[i]) || (i && typed))
      continue;
    const int fd = open_one_way(stdio[i], i ? O_WRONLY : O_RDONLY);
    if (fd >= 0)
      stdio[i] = fd;
  }
}

static int open_relay(struct wb_caller *caller, unsigned takes, const int stdio[3]) {
  const int shown = takes & 2 ? stdio[1] : takes & 4 ? stdio[2] : stdio[0];
  struct wb_end in;
  caller->display = is_terminal(shown);
  if (takes & 1) {
    caller->keyboard = ioctl(stdio[0], TCGETS, caller->saved) == 0;
    if (wb_caller_end(stdio[0], caller->keyboard ? O_RDWR : O_RDONLY, &in) < 0)
      return errno;
    caller->in = in.fd;
  }
  return wb_caller_end(shown, caller->display ? O_RDWR : O_WRONLY, &caller->out) < 0 ? errno : 0;
}

int wb_caller_open(struct wb_caller *caller, unsigned takes, const int stdio[3]) {
  struct wb_end end;
  memset(caller, 0, sizeof *caller);
  caller->in = caller->out.fd = caller->passed = -1;
  for (unsigned i = 0; i < 3 && caller->passed < 0 && !(takes & 1); i++)
    if (!(takes >> i & 1) && ioctl(stdio[i], TCGETS, caller->saved) == 0 &&
        wb_caller_end(stdio[i], O_RDWR, &end) == 0)
      caller->passed = end.fd;
  const int error = takes ? open_relay(caller, takes, stdio) : 0;
  if (error)
    wb_caller_close(caller);
  return error;
}

int wb_caller_window(const struct wb_caller *caller) {
  return caller->keyboard ? caller->in : caller->display ? caller->out.fd : caller->passed;
}

int wb_caller_in_foreground(const struct wb_caller *caller) {
  int group = 0;
  const int fd = wb_caller_window(caller);
  /* A terminal that is not the caller's controlling one has no job control. */
  if (fd < 0 || ioctl(fd, TIOCGPGRP, &group) < 0)
    return 1;
  return group == (int)syscall(SYS_getpgid, 0);
}

/* How the keyboard's terminal is while it is relayed. */
static struct termios as_raw(const struct wb_caller *caller, const struct termios *found) {
  struct termios modes = *found;
  modes.c_iflag &=
      ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXOFF);
  /* Where what is shown leads elsewhere, others write to this terminal, and nothing comes from the
   * payload's that has its line ends already. */
  if (caller->display)
    modes.c_oflag &= ~(tcflag_t)OPOST;
  modes.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
  modes.c_cflag = (modes.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
  modes.c_cc[VMIN] = 1;
  modes.c_cc[VTIME] = 0;
  return modes;
}

static int is_raw(const struct wb_caller *caller, const struct termios *found) {
  const struct termios raw = as_raw(caller, found);
  return memcmp(&raw, found, sizeof raw) == 0;
}

int wb_caller_modes_are_others(const struct wb_caller *caller) {
  struct termios saved;
  memcpy(&saved, caller->saved, sizeof saved);
  return caller->keyboard && (!wb_caller_in_foreground(caller) || is_raw(caller, &saved));
}

void wb_caller_make_raw(struct wb_caller *caller) {
  struct termios modes;
  if (!caller->keyboard)
    return;
  /* The modes are those that the program that had the terminal meanwhile left: what was found at
   * the start may have been the shell's own, with which it reads its line. */
  if (!__atomic_load_n(&caller->raw, __ATOMIC_SEQ_CST) && ioctl(caller->in, TCGETS, &modes) == 0 &&
      !is_raw(caller, &modes))
    memcpy(caller->saved, &modes, sizeof modes);
  memcpy(&modes, caller->saved, sizeof modes);
  modes = as_raw(caller, &modes);
  ioctl(caller->in, TCSETS, &modes);
  __atomic_store_n(&caller->raw, 1, __ATOMIC_SEQ_CST);
}

void wb_caller_leave(struct wb_caller *caller) {
  struct termios saved;
  memcpy(&saved, caller->saved, sizeof saved);
  /* The program in the foreground now has settings of its own; and what was found raw is another
   * run's, which puts it right or has done so. */
  if (__atomic_exchange_n(&caller->raw, 0, __ATOMIC_SEQ_CST) && wb_caller_in_foreground(caller) &&
      !is_raw(caller, &saved))
    ioctl(caller->in, TCSETSW, &saved);
}

void wb_caller_undo(const struct wb_caller *caller) {
  struct termios saved, found;
  memcpy(&saved, caller->saved, sizeof saved);
  const struct termios raw = as_raw(caller, &saved);
  if (caller->keyboard && !is_raw(caller, &saved) && ioctl(caller->in, TCGETS, &found) == 0 &&
      memcmp(&found, &raw, sizeof raw) == 0)
    ioctl(caller->in, TCSETS, &saved);
  if (caller->passed >= 0)
    ioctl(caller->passed, TCSETS, &saved);
}

void wb_caller_restore(const struct wb_caller *caller) {
  struct termios saved, found;
  memcpy(&saved, caller->saved, sizeof saved);
  if (caller->passed >= 0 && wb_caller_in_foreground(caller) &&
      ioctl(caller->passed, TCGETS, &found) == 0 && memcmp(&found, &saved, sizeof saved) != 0)
    ioctl(caller->passed, TCSETS, &saved);
}

int wb_caller_push(const struct wb_caller *caller, struct wb_flow *flow) {
  ssize_t n = wb_end_write(&caller->out, flow->bytes + flow->at, flow->end - flow->at);
  if (n < 0)
    return errno == EAGAIN || errno == EINTR;
  flow->at += (size_t)n;
  return 1;
}

void wb_caller_close(struct wb_caller *caller) {
  if (caller->in >= 0)
    close(caller->in);
  if (caller->out.fd >= 0)
    close(caller->out.fd);
  if (caller->passed >= 0)
    close(caller->passed);
  caller->in = caller->out.fd = caller->passed = -1;
  caller->keyboard = caller->display = 0;
}
