/*
 * The caller's end of the relay: stdin and stdout, terminals or not. Called by terminal.c.
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

/* A write of so many bytes does not block where poll(2) says that there is room (n_tty, pipe(7)).
 */
#define SMALL_CHUNK 128

static int type_of(int fd) {
  struct statx info;
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) < 0)
    return 0;
  return info.stx_mode & S_IFMT;
}

/* The same file without blocking; the caller's own description is shared with others, where
 * O_NONBLOCK would be seen. -1 where it cannot be opened again: sockets, pipes of somebody else;
 * regular files never block, and have a position. */
static int open_again(int fd, int type, int terminal, int flags) {
  char path[40];
  if (type != S_IFCHR && type != S_IFIFO)
    return -1;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return open(path, (terminal ? O_RDWR : flags) | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

int wb_caller_wants(uint32_t mode, const int stdio[2]) {
  struct termios unused;
  return mode == WB_TERMINAL_ALWAYS ||
         (mode == WB_TERMINAL_AUTO && ioctl(stdio[0], TCGETS, &unused) == 0 &&
          ioctl(stdio[1], TCGETS, &unused) == 0);
}

int wb_caller_open(struct wb_caller *caller, const int stdio[2]) {
  struct termios unused;
  memset(caller, 0, sizeof *caller);
  caller->chunk = sizeof((struct wb_flow *)0)->bytes;
  caller->keyboard = ioctl(stdio[0], TCGETS, caller->saved) == 0;
  caller->display = ioctl(stdio[1], TCGETS, &unused) == 0;
  const int types[2] = {type_of(stdio[0]), type_of(stdio[1])};
  caller->socket = types[1] == S_IFSOCK;
  caller->in = open_again(stdio[0], types[0], caller->keyboard, O_RDONLY);
  caller->out = open_again(stdio[1], types[1], caller->display, O_WRONLY);
  if (caller->in < 0)
    caller->in = fcntl(stdio[0], F_DUPFD_CLOEXEC, 3);
  if (caller->out < 0) {
    caller->out = fcntl(stdio[1], F_DUPFD_CLOEXEC, 3);
    if (types[1] != S_IFREG && types[1] != S_IFSOCK)
      caller->chunk = SMALL_CHUNK;
  }
  if (caller->in >= 0 && caller->out >= 0)
    return 0;
  int error = errno;
  wb_caller_close(caller);
  return error;
}

int wb_caller_window(const struct wb_caller *caller) {
  return caller->keyboard ? caller->in : caller->display ? caller->out : -1;
}

int wb_caller_in_foreground(const struct wb_caller *caller) {
  int group = 0;
  const int fd = wb_caller_window(caller);
  /* A terminal that is not the caller's controlling one has no job control. */
  if (fd < 0 || ioctl(fd, TIOCGPGRP, &group) < 0)
    return 1;
  return group == (int)syscall(SYS_getpgid, 0);
}

void wb_caller_make_raw(struct wb_caller *caller) {
  struct termios modes;
  if (!caller->keyboard)
    return;
  memcpy(&modes, caller->saved, sizeof modes);
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
  ioctl(caller->in, TCSETS, &modes);
  __atomic_store_n(&caller->raw, 1, __ATOMIC_SEQ_CST);
}

void wb_caller_leave(struct wb_caller *caller) {
  /* Whoever is in the foreground now has settings of its own. */
  if (__atomic_exchange_n(&caller->raw, 0, __ATOMIC_SEQ_CST) && wb_caller_in_foreground(caller))
    ioctl(caller->in, TCSETSW, caller->saved);
}

int wb_caller_push(const struct wb_caller *caller, struct wb_flow *flow) {
  size_t size = flow->end - flow->at;
  if (size > caller->chunk)
    size = caller->chunk;
  const unsigned char *bytes = flow->bytes + flow->at;
  ssize_t n = caller->socket ? send(caller->out, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                             : write(caller->out, bytes, size);
  if (n < 0)
    return errno == EAGAIN || errno == EINTR;
  flow->at += (size_t)n;
  return 1;
}

void wb_caller_close(struct wb_caller *caller) {
  if (caller->in >= 0)
    close(caller->in);
  if (caller->out >= 0)
    close(caller->out);
  caller->in = caller->out = -1;
  caller->keyboard = caller->display = 0;
}
