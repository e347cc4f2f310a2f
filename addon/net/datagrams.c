/*
 * UDP for a run without a network namespace. A UDP socket could send to any address, and Landlock
 * (ABI 7) cannot restrict that, so the payload never has one. Its socket(2) returns one end of a
 * connected pair of UNIX sockets (SOCK_SEQPACKET), which reaches nothing but the supervisor's end:
 *
 *   payload ─ send(2) ─▶ pair ─▶ judged ─▶ flow: a UDP socket of ours, connected ─▶ host
 *           ◀─ recv(2) ─ pair ◀─────────── what comes back on it
 *
 * send, recv, read, write, poll and epoll are the kernel's on the pair. Calls that name an address
 * are answered by datagram_calls.c. Which descriptor names which socket only selects among the
 * payload's own; a call on any other is the kernel's. Called by engine.c and
 * datagram_calls.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../supervisor/reserve.h"
#include "datagrams.h"

/* Datagrams taken in one turn, so that other sockets get theirs. */
#define AT_A_TIME 64

int datagrams_begin(struct net *net) {
  net->datagrams = calloc(1, sizeof *net->datagrams);
  if (!net->datagrams)
    return -1;
  for (int i = 0; i < DATAGRAM_FLOWS_MAX; i++)
    net->datagrams->flows[i].file = -1;
  return 0;
}

struct datagram_socket *datagrams_find(const struct net *net, uint64_t inode) {
  for (int i = 0; inode && i < DATAGRAM_SOCKETS_MAX; i++)
    if (net->datagrams->sockets[i].inode == inode)
      return &net->datagrams->sockets[i];
  return NULL;
}

static uint32_t index_of(const struct net *net, const struct datagram_socket *socket) {
  return (uint32_t)(socket - net->datagrams->sockets);
}

static void end_flow(struct net *net, struct datagram_flow *flow) {
  if (flow->file >= 0)
    close(flow->file);
  flow->file = -1;
  net->datagram_ports[flow - net->datagrams->flows] = 0;
}

void datagrams_end_flows(struct net *net, const struct datagram_socket *socket) {
  for (int i = 0; i < DATAGRAM_FLOWS_MAX; i++)
    if (net->datagrams->flows[i].socket == index_of(net, socket))
      end_flow(net, &net->datagrams->flows[i]);
}

static void end_socket(struct net *net, struct datagram_socket *socket) {
  if (!socket->inode)
    return;
  datagrams_end_flows(net, socket);
  net_unwatch(net, socket->own);
  close(socket->own);
  close(socket->theirs);
  memset(socket, 0, sizeof *socket);
}

/* A free place, or that of the socket that has been silent for longest. Sockets that the payload
 * has closed stay silent. */
static struct datagram_socket *place_for_socket(struct net *net) {
  struct datagram_socket *place = &net->datagrams->sockets[0];
  for (int i = 0; i < DATAGRAM_SOCKETS_MAX && place->inode; i++) {
    struct datagram_socket *one = &net->datagrams->sockets[i];
    if (!one->inode || one->last < place->last)
      place = one;
  }
  end_socket(net, place);
  return place;
}

int datagrams_make(struct net *net, int family, int type) {
  int ends[2];
  struct stat info;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    return -1;
  struct datagram_socket *place = place_for_socket(net);
  const int given = fcntl(ends[1], F_DUPFD_CLOEXEC, 0);
  errno = EMFILE;
  if (given < 0 || wb_reserve_reached(ends[1]) || fstat(ends[1], &info) < 0 ||
      ((type & SOCK_NONBLOCK) && fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0) ||
      net_watch(net, ends[0], EPOLLIN, SOURCE_DATAGRAM, index_of(net, place)) < 0) {
    const int error = errno;
    close(ends[0]);
    close(ends[1]);
    if (given >= 0)
      close(given);
    errno = error;
    return -1;
  }
  *place = (struct datagram_socket){.inode = (uint64_t)info.st_ino,
                                    .own = ends[0],
                                    .theirs = ends[1],
                                    .family = family,
                                    .last = wb_now_ns()};
  return given;
}

/* The flow to an endpoint, or the place for one: a free one, or the oldest. */
static struct datagram_flow *find_flow(struct net *net, uint32_t socket, const struct endpoint *to,
                                       int *found) {
  struct datagram_flow *place = &net->datagrams->flows[0];
  for (int i = 0; i < DATAGRAM_FLOWS_MAX; i++) {
    struct datagram_flow *flow = &net->datagrams->flows[i];
    *found = flow->file >= 0 && flow->socket == socket && net_same(&flow->to, to);
    if (*found)
      return flow;
    if (place->file >= 0 && (flow->file < 0 || flow->last < place->last))
      place = flow;
  }
  return place;
}

/* A socket of the host's that is connected; -1 with errno. `*port` is its own. */
static int dial(const struct endpoint *to, uint16_t *port) {
  struct sockaddr_storage raw;
  struct endpoint own = {.port = 0};
  const int family = net_is_ipv4(&to->address) ? AF_INET : AF_INET6;
  socklen_t size = net_to_sockaddr(to, family, &raw);
  const int file = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (file < 0)
    return -1;
  if (connect(file, (struct sockaddr *)&raw, size) < 0) {
    const int error = errno;
    close(file);
    errno = error;
    return -1;
  }
  size = sizeof raw;
  if (getsockname(file, (struct sockaddr *)&raw, &size) == 0)
    net_from_sockaddr(&raw, size, &own);
  *port = own.port;
  return file;
}

struct datagram_flow *datagrams_flow(struct net *net, struct datagram_socket *socket,
                                     const struct endpoint *to, struct wb_pin *caller, int note) {
  const uint32_t index = index_of(net, socket);
  int found;
  struct datagram_flow *place = find_flow(net, index, to, &found);
  const uint16_t resolver = resolver_datagram_port(net, to);
  const struct endpoint inner = {{{[10] = 255, 255, 127, 0, 0, 1}}, resolver};
  struct destination *noted = found ? place->noted : NULL;
  /* A flow that connect(2) began is noted when something is sent. */
  if (!resolver && (!found || (note && !noted))) {
    const char *name = "";
    /* A port of the host's loopback is opened for TCP alone, as where the sandbox has its own. */
    const int inside = net_is_inside(&to->address);
    const uint32_t verdict = inside ? WB_REFUSED : net_judge(net, to, WB_NET_UDP, &name);
    if (verdict == WB_REFUSED)
      name = net_known_as(net, &to->address);
    if (note)
      noted = net_note(net, WB_NET_UDP, verdict, to, name, caller);
    if (verdict != WB_ALLOWED) {
      errno = verdict == WB_REFUSED ? net_refusal(net) : EACCES;
      return NULL;
    }
  }
  if (!found) {
    uint16_t port;
    const int file = dial(resolver ? &inner : to, &port);
    if (file < 0)
      return NULL;
    end_flow(net, place);
    const uint32_t number = (uint32_t)(place - net->datagrams->flows);
    if (net_watch(net, file, EPOLLIN, SOURCE_DATAGRAM_FLOW, number) < 0) {
      close(file);
      errno = ENOBUFS;
      return NULL;
    }
    *place = (struct datagram_flow){.file = file, .socket = index, .to = *to};
    net->datagram_ports[number] = resolver ? port : 0;
  }
  place->noted = noted;
  place->last = socket->last = wb_now_ns();
  return place;
}

int datagrams_send(struct datagram_flow *flow, const void *bytes, size_t size) {
  ssize_t sent = send(flow->file, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  /* An error about the datagram before this one, which is reported once. udp(7) */
  if (sent < 0 && errno == ECONNREFUSED)
    sent = send(flow->file, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0 && flow->noted)
    flow->noted->record.bytes += (uint64_t)sent;
  /* A full queue loses datagrams, as any network. */
  return sent >= 0 || errno == EAGAIN ? 0 : errno;
}

ssize_t datagrams_receive(struct net *net, struct datagram_socket *socket, int flags,
                          struct endpoint *from) {
  const ssize_t n =
      recv(socket->theirs, net->datagrams->bytes, DATAGRAM_MAX, (flags & MSG_PEEK) | MSG_DONTWAIT);
  *from = socket->peer;
  if (n < 0)
    return -1;
  /* Datagrams before it were received without a question where they came from. */
  while (socket->count && socket->arrived[socket->first].size != (size_t)n) {
    socket->first = (socket->first + 1) % DATAGRAM_SOURCES_MAX;
    socket->count--;
  }
  if (!socket->count)
    return n;
  *from = socket->arrived[socket->first].from;
  if (!(flags & MSG_PEEK)) {
    socket->first = (socket->first + 1) % DATAGRAM_SOURCES_MAX;
    socket->count--;
  }
  return n;
}

/* Returns whether the payload sends no more, by shutdown(2): reading then returns 0 for
 * ever. An empty datagram also returns 0, but only once. */
static int is_shut(const struct datagram_socket *socket) {
  struct pollfd state = {socket->own, POLLRDHUP, 0};
  return poll(&state, 1, 0) == 1 && (state.revents & POLLRDHUP);
}

/* Takes what the payload sent without naming an address. */
static void take_sent(struct net *net, struct datagram_socket *socket) {
  for (int i = 0; i < AT_A_TIME; i++) {
    const ssize_t n = recv(socket->own, net->datagrams->bytes, DATAGRAM_MAX, MSG_DONTWAIT);
    if (n < 0)
      return;
    if (n == 0 && is_shut(socket)) {
      net_unwatch(net, socket->own);
      return;
    }
    struct datagram_flow *flow =
        socket->connected ? datagrams_flow(net, socket, &socket->peer, NULL, 1) : NULL;
    if (flow)
      datagrams_send(flow, net->datagrams->bytes, (size_t)n);
  }
}

/* Returns how many it has put into the pair. */
static int deliver(struct net *net, struct datagram_flow *flow, int *error) {
  struct datagram_socket *socket = &net->datagrams->sockets[flow->socket];
  int delivered = 0;
  for (int i = 0; i < AT_A_TIME; i++) {
    const ssize_t n = recv(flow->file, net->datagrams->bytes, DATAGRAM_MAX, MSG_DONTWAIT);
    if (n < 0 && errno == ECONNREFUSED && !delivered)
      *error = ECONNREFUSED;
    if (n < 0)
      break;
    flow->last = socket->last = wb_now_ns();
    if (flow->noted)
      flow->noted->record.bytes += (uint64_t)n;
    /* A payload that does not receive loses them. */
    if (send(socket->own, net->datagrams->bytes, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
      continue;
    if (socket->count == DATAGRAM_SOURCES_MAX) {
      socket->first = (socket->first + 1) % DATAGRAM_SOURCES_MAX;
      socket->count--;
    }
    socket->arrived[(socket->first + socket->count++) % DATAGRAM_SOURCES_MAX] =
        (struct arrived){flow->to, (size_t)n};
    delivered++;
  }
  return delivered;
}

int datagrams_ready(struct net *net, enum source source, uint32_t index, int *error) {
  struct datagrams *all = net->datagrams;
  if (source == SOURCE_DATAGRAM && index < DATAGRAM_SOCKETS_MAX && all->sockets[index].inode)
    take_sent(net, &all->sockets[index]);
  *error = 0;
  if (source == SOURCE_DATAGRAM_FLOW && index < DATAGRAM_FLOWS_MAX && all->flows[index].file >= 0 &&
      (deliver(net, &all->flows[index], error) || *error))
    return (int)all->flows[index].socket;
  return -1;
}

void datagrams_close(struct net *net) {
  for (int i = 0; net->datagrams && i < DATAGRAM_SOCKETS_MAX; i++)
    end_socket(net, &net->datagrams->sockets[i]);
  free(net->datagrams);
  net->datagrams = NULL;
}
