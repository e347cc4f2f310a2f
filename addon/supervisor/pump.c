/* See pump.h. Called by relay.c, and by the addon for the streams of its programs. */
#define _GNU_SOURCE
#include "pump.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "pages.h"
#include "stack.h"
#include "thread.h"

#define ROOM 16384
/* How long a question waits for its answer, which usually takes some microseconds. */
#define PATIENCE_NS 2000000

struct wb_pump {
  int pipe, socket; /* owned by the thread; -1: closed */
  int is_input;
  int users;       /* atomic: the thread, and the holder */
  int asked;       /* the holder's: a question is open */
  int answered;    /* a futex: the thread has told `written` */
  int64_t taken;   /* from the pipe, so far */
  int64_t written; /* the answer */
  size_t at, end;  /* of what waits to go on */
  unsigned char bytes[ROOM];
};

void wb_pump_release(struct wb_pump *pump) {
  if (__atomic_sub_fetch(&pump->users, 1, __ATOMIC_SEQ_CST) == 0)
    wb_pages_free(pump, sizeof *pump);
}

static void close_end(int *file) {
  if (*file >= 0)
    close(*file);
  *file = -1;
}

static int is_passing(ssize_t n) {
  return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Takes what there is at one end. Returns 0 where nothing comes any more. */
static int take(struct wb_pump *pump) {
  const ssize_t n = pump->is_input ? recv(pump->socket, pump->bytes, ROOM, MSG_DONTWAIT)
                                   : read(pump->pipe, pump->bytes, ROOM);
  if (n <= 0)
    return is_passing(n);
  pump->at = 0;
  pump->end = (size_t)n;
  pump->taken += n;
  return 1;
}

/* Passes it on to the other. Returns 0 where it is not wanted any more. */
static int pass(struct wb_pump *pump) {
  const unsigned char *bytes = pump->bytes + pump->at;
  const size_t size = pump->end - pump->at;
  const ssize_t n = pump->is_input ? write(pump->pipe, bytes, size)
                                   : send(pump->socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0)
    return is_passing(n);
  pump->at += (size_t)n;
  return 1;
}

/* Answers a question. Returns 0 where the holder has closed the socket. */
static int answer(struct wb_pump *pump) {
  char byte;
  int left = 0;
  struct pollfd writers = {pump->pipe, 0, 0};
  const ssize_t n = recv(pump->socket, &byte, 1, MSG_DONTWAIT);
  if (n <= 0)
    return is_passing(n);
  if (pump->pipe < 0 || (poll(&writers, 1, 0) > 0 && writers.revents & POLLHUP))
    pump->written = WB_PUMP_ALL;
  else
    pump->written = ioctl(pump->pipe, FIONREAD, &left) < 0 ? 0 : pump->taken + left;
  __atomic_store_n(&pump->answered, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &pump->answered, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  return 1;
}

/* Waits once, for what can go on. Returns 0 at the end. */
static int step_input(struct wb_pump *pump) {
  const int full = pump->at != pump->end;
  struct pollfd wait[2] = {{pump->pipe, full ? POLLOUT : 0, 0},
                           {full ? -1 : pump->socket, POLLIN, 0}};
  if (poll(wait, 2, -1) < 0)
    return errno == EINTR;
  if (wait[0].revents & POLLERR) /* no process reads it any more */
    return 0;
  if (wait[1].revents && !take(pump))
    return 0;
  return pump->at == pump->end || pass(pump);
}

static int step_output(struct wb_pump *pump) {
  const int full = pump->at != pump->end;
  struct pollfd wait[2] = {{full ? -1 : pump->pipe, POLLIN, 0},
                           {pump->socket, full ? POLLIN | POLLOUT : POLLIN, 0}};
  if (poll(wait, 2, -1) < 0)
    return errno == EINTR;
  if (wait[0].revents && !take(pump)) {
    close_end(&pump->pipe);
    shutdown(pump->socket, SHUT_WR); /* the holder closes it when it has read the rest */
  }
  if (pump->at != pump->end && !pass(pump))
    return 0;
  return !wait[1].revents || !(wait[1].revents & ~POLLOUT) || answer(pump);
}

static void work(void *argument) {
  struct wb_pump *pump = argument;
  while (pump->is_input ? step_input(pump) : step_output(pump))
    ;
  close_end(&pump->pipe);
  close_end(&pump->socket);
  wb_pump_release(pump);
  wb_rest_stack();
}

static int open_ends(struct wb_pump *pump, int is_input, int *own, int *given) {
  int ends[2], sockets[2];
  if (syscall(SYS_pipe2, ends, O_CLOEXEC) < 0)
    return errno;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0) {
    const int error = errno;
    close(ends[0]);
    close(ends[1]);
    return error;
  }
  pump->is_input = is_input;
  pump->pipe = ends[is_input];
  *given = ends[!is_input];
  pump->socket = sockets[0];
  *own = sockets[1];
  fcntl(pump->pipe, F_SETFL, (is_input ? O_WRONLY : O_RDONLY) | O_NONBLOCK);
  return 0;
}

int wb_pump_begin(int is_input, int *own, int *given, struct wb_pump **held) {
  struct wb_pump *pump = wb_pages_new(sizeof *pump);
  if (!pump)
    return errno;
  int error = open_ends(pump, is_input, own, given);
  if (!error) {
    pump->users = held ? 2 : 1;
    error = wb_thread_begin(work, pump);
    if (error) {
      close(pump->pipe);
      close(pump->socket);
      close(*own);
      close(*given);
    }
  }
  if (error)
    wb_pages_free(pump, sizeof *pump);
  else if (held)
    *held = pump;
  return error;
}

int64_t wb_pump_written(struct wb_pump *pump, int own) {
  if (!pump->asked) {
    pump->answered = 0;
    if (send(own, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
      return errno == EAGAIN || errno == EINTR ? -1 : WB_PUMP_ALL; /* the thread is done */
    pump->asked = 1;
    const struct timespec patience = {0, PATIENCE_NS};
    syscall(SYS_futex, &pump->answered, FUTEX_WAIT_PRIVATE, 0, &patience, NULL, 0);
  }
  if (!__atomic_load_n(&pump->answered, __ATOMIC_SEQ_CST))
    return -1;
  pump->asked = 0;
  return pump->written;
}
