/*
 * UDP: what leaves the sandbox by its TUN device. Called by engine.c. Each pair of addresses and
 * ports is a flow, judged by the address that its packets really have, with a socket of the host's
 * that is connected to it; what does not come from there is not heard. Anything else that takes
 * this way, a TCP connection for one, is told that nobody is there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "packet.h"

#define FLOWS_MAX 256
#define IDLE_NS 120000000000u
/* Packets that are taken at a time, so that others have their turn. */
#define AT_A_TIME 64

struct flow {
  int file; /* -1: free */
  int family;
  struct endpoint inside, outside;
  uint64_t last;
  struct destination *noted; /* NULL: there was no room */
};

struct tunnel {
  int file;
  struct flow flows[FLOWS_MAX];
  unsigned char in[PACKET_MAX + 1], out[PACKET_MAX + 1];
};

int tunnel_receive(struct net *net, int file) {
  struct tunnel *tunnel = net->tunnel ? NULL : malloc(sizeof *tunnel);
  if (!tunnel)
    return -1;
  for (int i = 0; i < FLOWS_MAX; i++)
    tunnel->flows[i].file = -1;
  tunnel->file = file;
  if (net_watch(net, file, EPOLLIN, SOURCE_TUN, 0) < 0) {
    free(tunnel);
    return -1;
  }
  net->tunnel = tunnel;
  return 0;
}

static int same(const struct endpoint *a, const struct endpoint *b) {
  return a->port == b->port && memcmp(a->address.bytes, b->address.bytes, 16) == 0;
}

static void send_inside(const struct tunnel *tunnel, size_t size) {
  /* A device that is full loses packets, as any network. */
  if (size && write(tunnel->file, tunnel->out, size) < 0)
    return;
}

static void end_flow(struct flow *flow) {
  close(flow->file);
  flow->file = -1;
}

/* The flow of a packet, which it begins if need be; NULL where it is refused, or cannot be. */
static struct flow *flow_of(struct net *net, const struct packet *packet, enum unreachable *why) {
  struct tunnel *tunnel = net->tunnel;
  struct flow *place = &tunnel->flows[0];
  for (int i = 0; i < FLOWS_MAX; i++) {
    struct flow *flow = &tunnel->flows[i];
    if (flow->file >= 0 && same(&flow->inside, &packet->from) && same(&flow->outside, &packet->to))
      return flow;
    if (place->file >= 0 && (flow->file < 0 || flow->last < place->last))
      place = flow;
  }
  const char *name;
  const uint32_t verdict = net_is_inside(&packet->to.address)
                               ? WB_REFUSED
                               : net_judge(net, &packet->to, WB_NET_UDP, &name);
  if (net_is_inside(&packet->to.address))
    name = "";
  struct destination *noted = net_note(net, WB_NET_UDP, verdict, &packet->to, name, 0);
  *why = verdict == WB_ALLOWED ? BY_HOST : BY_RULE;
  if (verdict != WB_ALLOWED)
    return NULL;
  if (place->file >= 0)
    end_flow(place);
  struct sockaddr_storage raw;
  const socklen_t size = net_to_sockaddr(&packet->to, packet->family, &raw);
  int file = socket(packet->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (file < 0)
    return NULL;
  if (connect(file, (struct sockaddr *)&raw, size) < 0 ||
      net_watch(net, file, EPOLLIN, SOURCE_FLOW, (uint32_t)(place - tunnel->flows)) < 0) {
    close(file);
    return NULL;
  }
  *place = (struct flow){.file = file,
                         .family = packet->family,
                         .inside = packet->from,
                         .outside = packet->to,
                         .noted = noted};
  return place;
}

static void take_packet(struct net *net, size_t size) {
  struct tunnel *tunnel = net->tunnel;
  struct packet packet;
  enum unreachable why = BY_RULE;
  if (!packet_read(tunnel->in, size, &packet))
    return;
  struct flow *flow = packet.protocol == PACKET_UDP ? flow_of(net, &packet, &why) : NULL;
  if (!flow) {
    if (packet.protocol == PACKET_TCP)
      net_note(net, WB_NET_TCP, WB_REFUSED, &packet.to, "", 0);
    send_inside(tunnel, packet_write_unreachable(tunnel->in, size, why, tunnel->out));
    return;
  }
  flow->last = wb_now_ns();
  ssize_t sent = send(flow->file, packet.data, packet.size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0 && flow->noted)
    flow->noted->record.bytes += (uint64_t)sent;
  if (sent < 0 && errno != EAGAIN && errno != EMSGSIZE)
    send_inside(tunnel,
                packet_write_unreachable(tunnel->in, size,
                                         errno == ECONNREFUSED ? BY_PORT : BY_HOST, tunnel->out));
}

/* The other side is not there: the one inside is told by way of a packet like those it sent. */
static void tell_error(struct tunnel *tunnel, const struct flow *flow, int error) {
  const size_t size =
      packet_write_udp(flow->family, &flow->inside, &flow->outside, NULL, 0, tunnel->in);
  send_inside(tunnel,
              packet_write_unreachable(tunnel->in, size, error == ECONNREFUSED ? BY_PORT : BY_HOST,
                                       tunnel->out));
}

static void take_reply(struct net *net, struct flow *flow) {
  struct tunnel *tunnel = net->tunnel;
  for (int i = 0; i < AT_A_TIME; i++) {
    ssize_t n = recv(flow->file, tunnel->in, PACKET_MAX, MSG_DONTWAIT);
    if (n < 0) {
      if (errno != EAGAIN && errno != EINTR)
        tell_error(tunnel, flow, errno);
      return;
    }
    flow->last = wb_now_ns();
    if (flow->noted)
      flow->noted->record.bytes += (uint64_t)n;
    send_inside(tunnel, packet_write_udp(flow->family, &flow->outside, &flow->inside, tunnel->in,
                                         (size_t)n, tunnel->out));
  }
}

void tunnel_ready(struct net *net, enum source source, uint32_t index) {
  struct tunnel *tunnel = net->tunnel;
  if (source == SOURCE_FLOW) {
    if (index < FLOWS_MAX && tunnel->flows[index].file >= 0)
      take_reply(net, &tunnel->flows[index]);
    return;
  }
  for (int i = 0; i < AT_A_TIME; i++) {
    ssize_t n = read(tunnel->file, tunnel->in, PACKET_MAX);
    if (n <= 0)
      return;
    take_packet(net, (size_t)n);
  }
}

void tunnel_expire(struct net *net, uint64_t now, uint64_t *next) {
  struct tunnel *tunnel = net->tunnel;
  for (int i = 0; tunnel && i < FLOWS_MAX; i++) {
    struct flow *flow = &tunnel->flows[i];
    if (flow->file < 0)
      continue;
    if (flow->last + IDLE_NS <= now)
      end_flow(flow);
    else
      sooner_of(next, flow->last + IDLE_NS);
  }
}

void tunnel_close(struct net *net) {
  struct tunnel *tunnel = net->tunnel;
  if (!tunnel)
    return;
  for (int i = 0; i < FLOWS_MAX; i++)
    if (tunnel->flows[i].file >= 0)
      end_flow(&tunnel->flows[i]);
  close(tunnel->file);
  free(tunnel);
  net->tunnel = NULL;
}
