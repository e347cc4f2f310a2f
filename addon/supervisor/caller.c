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

/* Not <sys/ioctl.h>, which comes with the structures of the C library. */
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
  if (type != S_IFREG && type != S_IFSOCK) /* somebody else's */
    end->most = type == S_IFIFO ? PIPE_CHUNK : TERMINAL_CHUNK;
  end->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return end->fd < 0 ? -1 : 0;
}

ssize_t wb_end_write(const struct wb_end *end, const void *bytes, size_t size) {
  if (end->socket)
    return send(end->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  return write(end->fd, bytes, size < end->most ? size : end->most);
}

int wb_caller_wants(uint32_t mode, const int stdio[2]) {
  struct termios unused;
  return mode == WB_TERMINAL_ALWAYS ||
         (mode == WB_TERMINAL_AUTO && ioctl(stdio[0], TCGETS, &unused) == 0 &&
          ioctl(stdio[1], TCGETS, &unused) == 0);
}

int wb_caller_open(struct wb_caller *caller, const int stdio[2]) {
  struct termios unused;
  struct wb_end in;
  memset(caller, 0, sizeof *caller);
  caller->in = caller->out.fd = -1;
  caller->keyboard = ioctl(stdio[0], TCGETS, caller->saved) == 0;
  caller->display = ioctl(stdio[1], TCGETS, &unused) == 0;
  if (wb_caller_end(stdio[0], caller->keyboard ? O_RDWR : O_RDONLY, &in) == 0) {
    caller->in = in.fd;
    if (wb_caller_end(stdio[1], caller->display ? O_RDWR : O_WRONLY, &caller->out) == 0)
      return 0;
  }
  int error = errno;
  wb_caller_close(caller);
  return error;
}

int wb_caller_window(const struct wb_caller *caller) {
  return caller->keyboard ? caller->in : caller->display ? caller->out.fd : -1;
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
  /* Where stdout leads elsewhere, others write to this terminal, and nothing comes from the
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
  /* As whoever had the terminal meanwhile left it for this program: what was found at the start may
   * have been the shell's own, with which it reads its line. */
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
  /* Whoever is in the foreground now has settings of its own; and what was found raw is another
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
  caller->in = caller->out.fd = -1;
  caller->keyboard = caller->display = 0;
}
