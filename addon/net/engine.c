/* The parts of a run's network together: made before the start, served on the supervisor's thread
 * by one epoll(7), taken apart after the end. See net.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static int watch_addresses(struct net *net) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
  net->changes = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  return net->changes < 0 ? -1
                          : bind(net->changes, (const struct sockaddr *)&address, sizeof address);
}

static int know_host(struct net *net) {
  socklen_t size = sizeof net->host_cookie;
  int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0)
    return -1;
  int ret = getsockopt(probe, SOL_SOCKET, SO_NETNS_COOKIE, &net->host_cookie, &size);
  close(probe);
  return ret;
}

static int begin(struct wb_network *network, const struct wb_plan *plan, uint32_t *step, char *what,
                 size_t room) {
  struct net *net = (struct net *)network;
  net->plan = plan;
  net->rules = (const struct wb_net_rule *)(const void *)wb_plan_at(plan, plan->net_rules);
  *step = WB_STEP_NETWORK;
  if (know_host(net) < 0 || watch_addresses(net) < 0)
    return errno;
  if (plan->private_root && (handed_begin(net) < 0 || datagrams_begin(net) < 0 ||
                             resolv_conf_begin(net) < 0 || resolver_begin(net) < 0))
    return errno;
  *step = WB_STEP_PUBLISH;
  return publish_begin(net, what, room) < 0 ? errno : 0;
}

static void started(struct wb_network *network, int pidfd) {
  ((struct net *)network)->sandbox = pidfd;
}

static void receive(struct wb_network *network, uint32_t what, int file, int error) {
  struct net *net = (struct net *)network;
  if (file < 0) {
    net->udp_error = error; /* the report says so */
    return;
  }
  int taken =
      what == WB_NETWORK_PACKETS ? tunnel_receive(net, file) : resolver_receive(net, what, file);
  if (taken < 0 && what == WB_NETWORK_PACKETS)
    net->udp_error = errno;
  if (taken < 0)
    close(file);
}

static int take(struct wb_network *network, const struct wb_watch *watch, struct wb_pin *caller) {
  struct net *net = (struct net *)network;
  net->watch = watch;
  if (net->handed && (datagram_calls_take(net, caller) || handed_take(net, caller) ||
                      resolv_conf_take(net, caller)))
    return 1;
  return tcp_take(net, caller);
}

static uint64_t expire(struct net *net) {
  uint64_t next = 0, now = wb_now_ns();
  if (net->watch)
    tcp_expire(net, now, &next);
  resolver_expire(net, now, &next);
  tunnel_expire(net, now, &next);
  if (net->watch)
    datagram_calls_expire(net, now, &next);
  return next;
}

static void receive_datagrams(struct net *net, enum source source, uint32_t index) {
  int error;
  const int socket = datagrams_ready(net, source, index, &error);
  if (socket >= 0)
    datagram_calls_wake(net, (uint32_t)socket, error);
}

static void serve(struct wb_network *network, const struct wb_watch *watch) {
  struct net *net = (struct net *)network;
  struct epoll_event events[64];
  net->watch = watch;
  int n = epoll_wait(net->face.fd, events, 64, 0);
  for (int i = 0; i < n; i++) {
    const enum source source = (enum source)(events[i].data.u64 >> 32);
    const uint32_t index = (uint32_t)events[i].data.u64;
    switch (source) {
    case SOURCE_PENDING:
      tcp_ready(net, index);
      break;
    case SOURCE_DNS_UDP:
    case SOURCE_DNS_LISTENER:
    case SOURCE_DNS_CLIENT:
    case SOURCE_DNS_QUERY:
      resolver_ready(net, source, index);
      break;
    case SOURCE_HANDED:
      handed_ready(net, index);
      break;
    case SOURCE_DATAGRAM:
    case SOURCE_DATAGRAM_FLOW:
      receive_datagrams(net, source, index);
      break;
    case SOURCE_PACKETS:
    case SOURCE_FLOW:
      tunnel_ready(net, source, index);
      break;
    default:
      publish_ready(net, source, index, events[i].events);
      break;
    }
  }
  net->next = expire(net);
}

static int wait_ms(const struct wb_network *network) {
  const struct net *net = (const struct net *)network;
  if (!net->next)
    return -1;
  const uint64_t now = wb_now_ns();
  return net->next <= now ? 0 : (int)((net->next - now + 999999) / 1000000);
}

static size_t destinations(const struct wb_network *network, const unsigned char **bytes,
                           uint64_t *dropped) {
  const struct net *net = (const struct net *)network;
  *bytes = (const unsigned char *)net->destinations;
  *dropped = net->destinations_dropped;
  return net->destination_count * sizeof *net->destinations;
}

static int udp_error(const struct wb_network *network) {
  return ((const struct net *)network)->udp_error;
}

struct wb_network *wb_network_new(void) {
  struct net *net = calloc(1, sizeof *net);
  if (!net)
    return NULL;
  net->face = (struct wb_network){-1,    begin,   receive,      started,  take,
                                  serve, wait_ms, destinations, udp_error};
  net->changes = net->sandbox = net->resolv_conf = -1;
  net->learned = calloc(LEARNED_MAX, sizeof *net->learned);
  net->destinations = calloc(WB_DESTINATIONS_MAX, sizeof *net->destinations);
  net->pending = calloc(PENDING_MAX, sizeof *net->pending);
  net->face.fd = epoll_create1(EPOLL_CLOEXEC);
  if (net->learned && net->destinations && net->pending && net->face.fd >= 0)
    return &net->face;
  wb_network_free(&net->face);
  return NULL;
}

void wb_network_close(struct wb_network *network) {
  struct net *net = (struct net *)network;
  tcp_close(net);
  resolver_close(net);
  tunnel_close(net);
  publish_close(net);
  handed_close(net);
  datagrams_close(net);
  if (net->resolv_conf >= 0)
    close(net->resolv_conf);
  if (net->changes >= 0)
    close(net->changes);
  if (net->face.fd >= 0)
    close(net->face.fd);
  net->changes = net->face.fd = net->resolv_conf = -1;
}

void wb_network_free(struct wb_network *network) {
  struct net *net = (struct net *)network;
  int error = errno;
  if (!net)
    return;
  wb_network_close(network);
  free(net->learned);
  free(net->destinations);
  free(net->pending);
  free(net);
  errno = error;
}
