/*
 * --publish: a listener of the host's for a port inside. Called by engine.c. Each connection that
 * comes is met by one inside, made from a socket of the sandbox's network, and what arrives on
 * either is passed on to the other. The sandbox sees it come from its own loopback.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

#define RELAYS_MAX 256
#define BUFFER 65536
#define FAMILIES 2
/* How long the end of a run waits for clients that take nothing, and for those that read slowly. */
#define IDLE_MS 2000
#define DRAIN_MS 10000

/* The families in which a server inside is looked for. */
static const int families[FAMILIES] = {AF_INET, AF_INET6};

/* Bytes that came in on ends[i] and have not gone out on the other one. */
struct half {
  size_t from, to;
  int ended, told; /* nothing more comes; and the other side knows */
  unsigned char bytes[BUFFER];
};

struct relay {
  int ends[2];      /* outer, inner; owned; -1: free */
  int met;          /* a process inside has accepted the connection */
  unsigned attempt; /* of families[] */
  uint32_t inside_port;
  struct half *halves;
};

struct publisher {
  int listeners[WB_NET_PUBLISH_MAX];
  uint32_t count;
  struct relay relays[RELAYS_MAX];
};

static int listen_on(struct net *net, const struct wb_net_publish *entry, uint32_t index) {
  const uint32_t words[4] = {entry->word0, entry->word1, entry->word2, entry->word3};
  struct endpoint at = {.port = (uint16_t)entry->host_port};
  struct sockaddr_storage raw;
  const int one = 1;
  memcpy(at.address.bytes, words, 16);
  const int family = net_is_ipv4(&at.address) ? AF_INET : AF_INET6;
  const socklen_t size = net_to_sockaddr(&at, family, &raw);
  int file = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (file < 0)
    return -1;
  setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(file, (struct sockaddr *)&raw, size) < 0 || listen(file, 128) < 0 ||
      net_watch(net, file, EPOLLIN, SOURCE_PUBLISHED, index) < 0) {
    int error = errno;
    close(file);
    errno = error;
    return -1;
  }
  return file;
}

int publish_begin(struct net *net, char *what, size_t room) {
  const uint32_t count = net->plan->net_publish_count;
  const struct wb_net_publish *entries =
      (const struct wb_net_publish *)(const void *)wb_plan_at(net->plan, net->plan->net_publish);
  if (!count)
    return 0;
  struct publisher *publisher = calloc(1, sizeof *publisher);
  if (!publisher)
    return -1;
  net->publisher = publisher;
  for (int i = 0; i < RELAYS_MAX; i++)
    publisher->relays[i].ends[0] = publisher->relays[i].ends[1] = -1;
  for (uint32_t i = 0; i < count; i++) {
    int file = listen_on(net, &entries[i], i);
    if (file < 0) {
      int error = errno;
      snprintf(what, room, "%u", entries[i].host_port);
      errno = error;
      return -1;
    }
    publisher->listeners[publisher->count++] = file;
  }
  return 0;
}

static void end_relay(struct relay *relay) {
  for (int i = 0; i < 2; i++) {
    if (relay->ends[i] >= 0)
      close(relay->ends[i]);
    relay->ends[i] = -1;
  }
  free(relay->halves);
  relay->halves = NULL;
}

static void watch_ends(struct net *net, uint32_t index) {
  const struct relay *relay = &net->publisher->relays[index];
  for (int i = 0; i < 2; i++) {
    const struct half *in = &relay->halves[i], *out = &relay->halves[1 - i];
    const uint32_t events = (!in->ended && in->to == 0 ? EPOLLIN : 0u) | (out->to ? EPOLLOUT : 0u);
    const enum source source = i ? SOURCE_RELAY_INNER : SOURCE_RELAY_OUTER;
    /* Once both directions are shut epoll tells so for good, asked or not: while the other end
     * reads slowly, that would be heard again and again. */
    if (!events && out->told)
      net_unwatch(net, relay->ends[i]);
    else if (net_rewatch(net, relay->ends[i], events, source, index) < 0 && errno == ENOENT)
      net_watch(net, relay->ends[i], events, source, index);
  }
}

#define LOST_READER (-2)

/* Passes on what came in on one end. Returns -1 where that end is broken, LOST_READER where the
 * other one is. */
static int pump(struct relay *relay, int end) {
  struct half *half = &relay->halves[end];
  for (int turn = 0; turn < 16; turn++) {
    if (half->to == 0 && !half->ended) {
      ssize_t n = recv(relay->ends[end], half->bytes, BUFFER, MSG_DONTWAIT);
      if (n < 0)
        return errno == EAGAIN ? 0 : -1;
      half->ended = n == 0;
      half->to = (size_t)n;
      half->from = 0;
    }
    while (half->from < half->to) {
      ssize_t n = send(relay->ends[1 - end], half->bytes + half->from, half->to - half->from,
                       MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0)
        return errno == EAGAIN ? 0 : LOST_READER;
      half->from += (size_t)n;
    }
    half->from = half->to = 0;
    if (half->ended) {
      if (!half->told)
        shutdown(relay->ends[1 - end], SHUT_WR);
      half->told = 1;
      return 0;
    }
  }
  return 0;
}

/* A connection on its way to the port inside, or -1. Over loopback it is there at once, or refused;
 * either is told when it is looked at again. */
static int connect_inside(const struct net *net, uint32_t port, unsigned attempt) {
  struct endpoint to = {.port = (uint16_t)port};
  struct sockaddr_storage raw;
  if (families[attempt] == AF_INET)
    memcpy(to.address.bytes + 12, "\x7f\0\0\1", 4);
  else
    to.address.bytes[15] = 1;
  const socklen_t size = net_to_sockaddr(&to, families[attempt], &raw);
  int file = net_inside_socket(net, families[attempt], SOCK_STREAM | SOCK_NONBLOCK);
  if (file < 0 || connect(file, (struct sockaddr *)&raw, size) == 0 || errno == EINPROGRESS)
    return file;
  close(file);
  return -1;
}

/* Begins the connection inside, by the first family that can be tried. Returns -1 where none can.
 */
static int dial_inside(struct net *net, uint32_t index) {
  struct relay *relay = &net->publisher->relays[index];
  for (; relay->attempt < FAMILIES; relay->attempt++) {
    relay->ends[1] = connect_inside(net, relay->inside_port, relay->attempt);
    if (relay->ends[1] < 0)
      continue;
    if (net_watch(net, relay->ends[1], EPOLLOUT, SOURCE_RELAY_INNER, index) == 0)
      return 0;
    close(relay->ends[1]);
    relay->ends[1] = -1;
  }
  return -1;
}

/* Ends a connection as if no process listened. */
static void turn_away(int file) {
  const struct linger none = {1, 0};
  setsockopt(file, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close(file);
}

static void refuse_relay(struct relay *relay) {
  turn_away(relay->ends[0]);
  relay->ends[0] = -1;
  end_relay(relay);
}

/* Returns whether a process inside has accepted the connection: 1, 0 for not yet, -1 for never. */
static int meet(struct net *net, uint32_t index) {
  struct relay *relay = &net->publisher->relays[index];
  struct sockaddr_storage peer;
  socklen_t size = sizeof peer;
  if (relay->met || getpeername(relay->ends[1], (struct sockaddr *)&peer, &size) == 0)
    return relay->met = 1;
  int error = 0;
  size = sizeof error;
  if (getsockopt(relay->ends[1], SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
    return 0;
  close(relay->ends[1]);
  relay->ends[1] = -1;
  relay->attempt++;
  return dial_inside(net, index);
}

static void serve_relay(struct net *net, uint32_t index, uint32_t events, int end) {
  struct relay *relay = &net->publisher->relays[index];
  if (index >= RELAYS_MAX || relay->ends[0] < 0)
    return;
  const int met = meet(net, index);
  if (met < 0)
    refuse_relay(relay);
  else if (!met && (end || !(events & EPOLLERR)))
    return; /* on its way */
  else if (!met || (!end && (events & EPOLLERR)))
    end_relay(relay);
  else {
    struct half *said = &relay->halves[0];
    const int ret = pump(relay, 0);
    if (ret == LOST_READER) {
      /* It has nowhere to go; what the server sent before it went still has. */
      said->to = said->from = 0;
      said->ended = said->told = 1;
    }
    if (ret == -1 || pump(relay, 1) < 0 || (said->told && relay->halves[1].told))
      end_relay(relay);
    else
      watch_ends(net, index);
  }
}

static void accept_one(struct net *net, uint32_t listener) {
  struct publisher *publisher = net->publisher;
  const struct wb_net_publish *entries =
      (const struct wb_net_publish *)(const void *)wb_plan_at(net->plan, net->plan->net_publish);
  int outer = accept4(publisher->listeners[listener], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (outer < 0)
    return;
  uint32_t index = 0;
  while (index < RELAYS_MAX && publisher->relays[index].ends[0] >= 0)
    index++;
  struct half *halves = index < RELAYS_MAX ? calloc(2, sizeof *halves) : NULL;
  if (!halves) {
    turn_away(outer);
    return;
  }
  struct relay *relay = &publisher->relays[index];
  *relay = (struct relay){
      .ends = {outer, -1}, .inside_port = entries[listener].inside_port, .halves = halves};
  /* Nothing is read before a process inside can take it. */
  if (net_watch(net, outer, 0, SOURCE_RELAY_OUTER, index) < 0 || dial_inside(net, index) < 0)
    refuse_relay(relay);
}

void publish_ready(struct net *net, enum source source, uint32_t index, uint32_t events) {
  if (source == SOURCE_PUBLISHED)
    accept_one(net, index);
  else
    serve_relay(net, index, events, source == SOURCE_RELAY_INNER);
}

static int64_t now_ms(void) {
  struct timespec now = {0};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Passes on what the payload sent; returns what to wait for, with the descriptor -1 for nothing. */
static struct pollfd drain_relay(struct relay *relay) {
  const struct half *half = &relay->halves[1];
  if (relay->ends[1] < 0 || pump(relay, 1) < 0 || half->told)
    return (struct pollfd){.fd = -1};
  if (half->to)
    return (struct pollfd){.fd = relay->ends[0], .events = POLLOUT};
  return (struct pollfd){.fd = relay->ends[1], .events = POLLIN};
}

/* The payload has ended. What it had sent by then goes out all the same, as that of a process
 * outside would: the last answer of a server that exits after it. */
static void drain(struct publisher *publisher) {
  struct pollfd waits[RELAYS_MAX];
  for (const int64_t end = now_ms() + DRAIN_MS;;) {
    nfds_t count = 0;
    for (int i = 0; i < RELAYS_MAX; i++) {
      if (publisher->relays[i].ends[0] < 0)
        continue;
      waits[count] = drain_relay(&publisher->relays[i]);
      if (waits[count].fd < 0)
        end_relay(&publisher->relays[i]);
      else
        count++;
    }
    const int64_t left = end - now_ms();
    if (!count || left <= 0 || poll(waits, count, (int)(left < IDLE_MS ? left : IDLE_MS)) <= 0)
      return;
  }
}

void publish_close(struct net *net) {
  struct publisher *publisher = net->publisher;
  if (!publisher)
    return;
  for (uint32_t i = 0; i < publisher->count; i++)
    close(publisher->listeners[i]);
  drain(publisher);
  for (int i = 0; i < RELAYS_MAX; i++)
    end_relay(&publisher->relays[i]);
  free(publisher);
  net->publisher = NULL;
}
