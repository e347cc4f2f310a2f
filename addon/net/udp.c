/*
 * UDP: what leaves the sandbox by its only device, whose other end is a packet socket here
 * (addon/init/network.c). Called by engine.c. Each pair of addresses and
 * ports is a flow, judged by the address that its packets really have, with a socket of the host's
 * that is connected to it; what does not come from there is not heard. Anything else that takes
 * this way, such as a TCP connection, learns that the port is closed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../supervisor/ask.h"
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

/* Packets that a question is open about; those that follow one to the same place are lost. */
#define WAITING_MAX 16
struct waiting {
  size_t size;          /* 0: free */
  unsigned char *bytes; /* owned */
};

struct tunnel {
  int file;
  struct sockaddr_ll inside; /* where the last packet came from */
  struct waiting waiting[WAITING_MAX];
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
  memset(&tunnel->inside, 0, sizeof tunnel->inside);
  memset(tunnel->waiting, 0, sizeof tunnel->waiting);
  /* Bursts of small packets, as many as the host lets a socket hold; and answers at once. */
  const int room = 4 << 20, one = 1;
  if (setsockopt(file, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) < 0 ||
      setsockopt(file, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one) < 0 ||
      net_watch(net, file, EPOLLIN, SOURCE_PACKETS, 0) < 0) {
    free(tunnel);
    return -1;
  }
  net->tunnel = tunnel;
  return 0;
}

/* Sends the packet in `out`. A device that is full loses packets, as any network. */
static void send_inside(const struct tunnel *tunnel, size_t size) {
  struct sockaddr_ll to = tunnel->inside;
  if (size == 0)
    return;
  to.sll_protocol = htons(tunnel->out[0] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6);
  if (sendto(tunnel->file, tunnel->out, size, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof to) < 0)
    return;
}

static void end_flow(struct flow *flow) {
  close(flow->file);
  flow->file = -1;
}

/* The flow of a packet, or the place for one: a free one, or the oldest. */
static struct flow *find_flow(struct tunnel *tunnel, const struct packet *packet, int *found) {
  struct flow *place = &tunnel->flows[0];
  for (int i = 0; i < FLOWS_MAX; i++) {
    struct flow *flow = &tunnel->flows[i];
    *found = flow->file >= 0 && net_same(&flow->inside, &packet->from) &&
             net_same(&flow->outside, &packet->to);
    if (*found)
      return flow;
    if (place->file >= 0 && (flow->file < 0 || flow->last < place->last))
      place = flow;
  }
  return place;
}

/* Begins the flow of a packet that is allowed; NULL where it cannot be. */
static struct flow *begin_flow(struct net *net, const struct packet *packet,
                               struct destination *noted) {
  int found;
  struct flow *place = find_flow(net->tunnel, packet, &found);
  if (found)
    return place;
  if (place->file >= 0)
    end_flow(place);
  struct sockaddr_storage raw;
  const socklen_t size = net_to_sockaddr(&packet->to, packet->family, &raw);
  int file = socket(packet->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (file < 0)
    return NULL;
  if (connect(file, (struct sockaddr *)&raw, size) < 0 ||
      net_watch(net, file, EPOLLIN, SOURCE_FLOW, (uint32_t)(place - net->tunnel->flows)) < 0) {
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

/* Tells the sender of a packet that it did not arrive. */
static void tell_unreachable(struct tunnel *tunnel, const unsigned char *bytes, size_t size,
                             enum unreachable why) {
  send_inside(tunnel, packet_write_unreachable(bytes, size, why, tunnel->out));
}

/* Sends what is allowed, which is noted. */
static void pass_on(struct net *net, const struct packet *packet, const unsigned char *bytes,
                    size_t size, struct destination *noted) {
  struct flow *flow = begin_flow(net, packet, noted);
  if (!flow) {
    tell_unreachable(net->tunnel, bytes, size, BY_HOST);
    return;
  }
  flow->last = wb_now_ns();
  ssize_t sent = send(flow->file, packet->data, packet->size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0 && flow->noted)
    flow->noted->record.bytes += (uint64_t)sent;
  if (sent < 0 && errno != EAGAIN && errno != EMSGSIZE)
    tell_unreachable(net->tunnel, bytes, size, errno == ECONNREFUSED ? BY_PORT : BY_HOST);
}

static void decide(struct wb_asker *asker, const struct wb_watch *watch, struct wb_held *held,
                   uint32_t decision) {
  struct net *net = held->context;
  struct waiting *waiting = net->tunnel ? &net->tunnel->waiting[held->flags] : NULL;
  struct packet packet;
  (void)asker;
  (void)watch;
  if (!waiting || !packet_read(waiting->bytes, waiting->size, &packet))
    return;
  const int allow = decision == WB_DECISION_ALLOW;
  struct destination *noted = net_note(net, WB_NET_UDP, allow ? WB_ALLOWED : WB_REFUSED, &packet.to,
                                       net_known_as(net, &packet.to.address), NULL);
  if (allow)
    pass_on(net, &packet, waiting->bytes, waiting->size, noted);
  else
    tell_unreachable(net->tunnel, waiting->bytes, waiting->size, BY_RULE);
  free(waiting->bytes);
  *waiting = (struct waiting){0};
}

/* Keeps a packet until its question is answered. Returns whether it is dealt with. */
static int ask_about(struct net *net, const struct packet *packet, size_t size, const char *name) {
  struct tunnel *tunnel = net->tunnel;
  uint32_t index = WAITING_MAX;
  for (uint32_t i = 0; i < WAITING_MAX; i++) {
    struct packet other;
    if (!tunnel->waiting[i].size)
      index = i;
    else if (packet_read(tunnel->waiting[i].bytes, tunnel->waiting[i].size, &other) &&
             net_same(&other.from, &packet->from) && net_same(&other.to, &packet->to))
      return 1;
  }
  unsigned char *copy = net_may_ask(net) && index < WAITING_MAX ? malloc(size) : NULL;
  if (!copy)
    return 0;
  memcpy(copy, tunnel->in, size);
  struct sockaddr_storage raw;
  const socklen_t length = net_to_sockaddr(&packet->to, packet->family, &raw);
  const struct net_target target = {&raw, length, name};
  struct wb_held *held = net_ask(net, WB_QUESTION_UDP, NULL, &target, -1, decide);
  if (!held) {
    free(copy);
    return 0;
  }
  held->flags = index;
  tunnel->waiting[index] = (struct waiting){size, copy};
  return 1;
}

static void take_udp(struct net *net, const struct packet *packet, size_t size) {
  struct tunnel *tunnel = net->tunnel;
  const int inside = net_is_inside(&packet->to.address);
  const char *name = "";
  int found;
  const struct flow *flow = find_flow(tunnel, packet, &found);
  struct destination *noted = found ? flow->noted : NULL;
  if (!found) {
    const uint32_t verdict = inside ? WB_REFUSED : net_judge(net, &packet->to, WB_NET_UDP, &name);
    if (verdict == WB_REFUSED && !inside) {
      name = net_known_as(net, &packet->to.address);
      if (ask_about(net, packet, size, name))
        return;
    }
    noted = net_note(net, WB_NET_UDP, verdict, &packet->to, name, NULL);
    if (verdict != WB_ALLOWED) {
      tell_unreachable(tunnel, tunnel->in, size, BY_RULE);
      return;
    }
  }
  pass_on(net, packet, tunnel->in, size, noted);
}

static void take_packet(struct net *net, size_t size) {
  struct tunnel *tunnel = net->tunnel;
  struct packet packet;
  if (!packet_read(tunnel->in, size, &packet))
    return;
  if (packet.protocol == PACKET_UDP) {
    take_udp(net, &packet, size);
    return;
  }
  if (packet.protocol == PACKET_TCP)
    net_note(net, WB_NET_TCP, WB_REFUSED, &packet.to, "", NULL);
  tell_unreachable(tunnel, tunnel->in, size, BY_RULE);
}

/* The other side is not there: the program learns that from a packet like those it sent. */
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
    struct sockaddr_ll from;
    socklen_t length = sizeof from;
    ssize_t n = recvfrom(tunnel->file, tunnel->in, PACKET_MAX, MSG_DONTWAIT,
                         (struct sockaddr *)&from, &length);
    if (n < 0)
      return;
    if (length < sizeof from || n == 0)
      continue;
    tunnel->inside = from;
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
  for (int i = 0; i < WAITING_MAX; i++)
    free(tunnel->waiting[i].bytes);
  close(tunnel->file);
  free(tunnel);
  net->tunnel = NULL;
}
