/*
 * With a limit on its output the payload writes into pipes, and the supervisor on to where the
 * caller wants it (pump.h). Otherwise descriptors are passed on as they are, and what they carry is
 * not counted. So it is, without a limit, where stdout or stderr is a socket from which a shell
 * outside reads its commands: who holds it could read them. Called by launch.c and supervise.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pump.h"
#include "relay.h"
#include "supervisor.h"

/* How long the end of a run waits for a reader that takes nothing. */
#define PATIENCE_MS 10000

static int file_at(int fd, struct statx *info) {
  return (int)syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, info);
}

static int is_same_file(const struct statx *a, const struct statx *b) {
  return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
         a->stx_dev_minor == b->stx_dev_minor;
}

static int open_stream(struct wb_stream *stream, int *fd) {
  if (wb_caller_end(*fd, O_WRONLY, &stream->to) < 0)
    return errno;
  const int error = wb_pump_begin(0, &stream->from, fd, NULL);
  if (error) {
    close(stream->to.fd);
    stream->from = stream->to.fd = -1;
  }
  return error;
}

int wb_relay_open(struct wb_relay *relay, const struct wb_plan *plan, unsigned takes,
                  int stdio[3]) {
  struct statx info[3];
  int original[3];
  uint64_t limit = plan->output_bytes;
  if (!limit && (wb_shell_reads_socket(stdio[1]) || wb_shell_reads_socket(stdio[2])))
    limit = UINT64_MAX;
  if (!limit)
    return 0;
  relay->limit = limit;
  for (int i = 0; i < WB_RELAY_STREAMS; i++)
    relay->streams[i].from = relay->streams[i].to.fd = -1;
  memcpy(original, stdio, sizeof original);
  relay->through_terminal = takes != 0;
  for (int i = 1; i <= WB_RELAY_STREAMS; i++) {
    if (file_at(original[i], &info[i]) < 0)
      return errno;
    if (takes >> i & 1)
      continue;
    /* One pipe for both keeps the order between them. */
    if (i == 2 && stdio[1] != original[1] && is_same_file(&info[1], &info[2])) {
      stdio[2] = stdio[1];
      continue;
    }
    int error = open_stream(&relay->streams[i - 1], &stdio[i]);
    if (error) {
      wb_relay_started(original, stdio);
      wb_relay_close(relay);
      return error;
    }
  }
  return 0;
}

void wb_relay_started(const int original[3], const int stdio[3]) {
  if (stdio[0] != original[0])
    close(stdio[0]);
  if (stdio[1] != original[1])
    close(stdio[1]);
  if (stdio[2] != original[2] && stdio[2] != stdio[1])
    close(stdio[2]);
}

void wb_relay_wait(const struct wb_relay *relay, struct pollfd wait[2 * WB_RELAY_STREAMS]) {
  for (int i = 0; i < WB_RELAY_STREAMS; i++) {
    const struct wb_stream *stream = &relay->streams[i];
    const int full = relay->limit && stream->at != stream->end;
    const int open = relay->limit && stream->from >= 0;
    wait[2 * i] = (struct pollfd){open && !full ? stream->from : -1, POLLIN, 0};
    wait[2 * i + 1] = (struct pollfd){full ? stream->to.fd : -1, POLLOUT, 0};
  }
}

/* The reader is gone: the payload gets SIGPIPE, as it would have. */
static void close_stream(struct wb_stream *stream) {
  if (stream->from >= 0)
    close(stream->from);
  if (stream->to.fd >= 0)
    close(stream->to.fd);
  stream->from = stream->to.fd = -1;
  stream->at = stream->end = 0;
}

static void push(struct wb_stream *stream) {
  const unsigned char *bytes = stream->bytes + stream->at;
  const size_t size = stream->end - stream->at;
  ssize_t n = wb_end_write(&stream->to, bytes, size);
  if (n >= 0)
    stream->at += (uint32_t)n;
  else if (errno != EAGAIN && errno != EINTR)
    close_stream(stream);
}

/* Two streams share the tail: a word that one ends with is not one with what the other begins with.
 */
static void keep_tail(struct wb_relay *relay, int i) {
  const struct wb_stream *stream = &relay->streams[i];
  if (!relay->tail || stream->end == 0)
    return;
  if (relay->told != i)
    wb_tail_add(relay->tail, (const unsigned char *)"\n", 1);
  relay->told = i;
  wb_tail_add(relay->tail, stream->bytes, stream->end);
}

static int pull(struct wb_relay *relay, int i) {
  struct wb_stream *stream = &relay->streams[i];
  ssize_t n = recv(stream->from, stream->bytes, sizeof stream->bytes, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return 0;
  if (n <= 0) {
    close_stream(stream);
    return 0;
  }
  const uint64_t room = relay->limit > relay->bytes ? relay->limit - relay->bytes : 0;
  relay->bytes += (uint64_t)n;
  stream->at = 0;
  stream->end = (uint32_t)((uint64_t)n < room ? (uint64_t)n : room);
  keep_tail(relay, i);
  return relay->bytes > relay->limit;
}

int wb_relay_serve(struct wb_relay *relay, const struct pollfd wait[2 * WB_RELAY_STREAMS]) {
  int exceeded = 0;
  for (int i = 0; i < WB_RELAY_STREAMS; i++) {
    struct wb_stream *stream = &relay->streams[i];
    if (wait[2 * i].fd >= 0 && wait[2 * i].revents)
      exceeded |= pull(relay, i);
    if (stream->at != stream->end && stream->to.fd >= 0)
      push(stream);
  }
  return exceeded;
}

int wb_relay_count(struct wb_relay *relay, uint64_t bytes) {
  relay->bytes += bytes;
  return relay->limit && relay->bytes > relay->limit;
}

void wb_relay_finish(struct wb_relay *relay) {
  if (!relay->limit)
    return;
  for (;;) {
    struct pollfd wait[2 * WB_RELAY_STREAMS];
    int waiting = 0;
    wb_relay_wait(relay, wait);
    for (int i = 0; i < 2 * WB_RELAY_STREAMS; i++)
      waiting |= wait[i].fd >= 0;
    if (!waiting)
      return;
    int n = poll(wait, 2 * WB_RELAY_STREAMS, PATIENCE_MS);
    if (n == 0 || (n < 0 && errno != EINTR))
      return;
    if (n > 0 && relay->bytes > relay->limit) /* what came before the limit is all that is told */
      for (int i = 0; i < WB_RELAY_STREAMS; i++)
        wait[2 * i].revents = 0;
    if (n > 0)
      wb_relay_serve(relay, wait);
    if (relay->bytes > relay->limit && relay->streams[0].at == relay->streams[0].end &&
        relay->streams[1].at == relay->streams[1].end)
      return;
  }
}

void wb_relay_close(struct wb_relay *relay) {
  for (int i = 0; i < WB_RELAY_STREAMS; i++)
    if (relay->limit)
      close_stream(&relay->streams[i]);
}
