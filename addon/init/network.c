/*
 * The network of a sandbox that reaches what rules allow. It stays a namespace of its own. What it
 * has beside its loopback is a resolver's address, and a way out that ends at the supervisor: one
 * end of a veth(4) pair, whose other end is in a second namespace that holds nothing else. A packet
 * socket there hears every packet and sends the answers. It needs no device file, and no process
 * is in that namespace: it ends with the socket. Called by main.c while init still has rights over
 * its namespaces.
 * netdevice(7), packet(7), rtnetlink(7)
 */
#include <linux/errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <linux/veth.h>

#include "init.h"

#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_PACKET 17
#define SOCK_STREAM_CLOEXEC (1 | 02000000 | 04000)
#define SOCK_DGRAM_CLOEXEC (2 | 02000000 | 04000)
#define SOCK_RAW_CLOEXEC (3 | 02000000)
#define SOL_SOCKET 1
#define SO_REUSEADDR 2
#define SOL_PACKET 263
#define IFF_UP 1
#define IFF_NOARP (1 << 7)
#define IN6_ADDR_GEN_MODE_NONE 1

#define LOOPBACK 1
/* The numbers of the ends, each in its namespace. Low ones may be those of tunnels that the kernel
 * puts into every namespace (net.core.fb_tunnels_only_for_init_net). They differ: a device whose
 * peer has its own number counts as down for up to a second (linkwatch_urgent_event). */
#define WAY_OUT 100
#define FAR_END 101

/* Network byte order; both platforms are little-endian. */
#define ADDRESS(a, b, c, d)                                                                        \
  ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define PORT(n) ((uint16_t)((n) << 8 | (n) >> 8))

/* Addresses in the range for benchmarks (RFC 2544), which no network has, and a private one (RFC
 * 4193). */
static const uint32_t own4 = ADDRESS(198, 18, 0, 2), gateway4 = ADDRESS(198, 18, 0, 1);
static const unsigned char own6[16] = {0xfd, 0x77, 0x61, 0x73, 0x62, 0x6f, 0x78, 0, [15] = 2};
static const unsigned char gateway6[16] = {0xfd, 0x77, 0x61, 0x73, 0x62, 0x6f, 0x78, 0, [15] = 1};

struct ipv4_address {
  uint16_t family, port;
  uint32_t address;
  unsigned char zero[8];
};

static long network(long ret, const char *what) {
  return check(ret, WB_STEP_NETWORK, what);
}

/* Where /etc/resolv.conf inside leads: 127.0.0.53, as on many a host. */
static long resolver_socket(long type) {
  const struct ipv4_address address = {AF_INET, PORT(53), ADDRESS(127, 0, 0, 53), {0}};
  const int one = 1;
  long fd = network(sys3(__NR_socket, AF_INET, type, 0), "resolver");
  network(sys5(__NR_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), "resolver");
  network(sys3(__NR_bind, fd, &address, sizeof address), "resolver");
  return fd;
}

/* Requests that are sent together; the kernel carries them out one by one, whatever the ones before
 * came to. `bytes` begin as zeros. */
struct requests {
  unsigned char bytes[512];
  size_t size;
};

/* Says of a request whether the network can do without it. The last one that is needed is
 * answered in any case, others only where they fail. */
enum need { OPTIONAL, NEEDED, LAST };

static size_t put(struct requests *all, const void *data, size_t size) {
  const size_t at = all->size;
  memcpy(all->bytes + at, data, size);
  all->size += NLMSG_ALIGN(size);
  return at;
}

static size_t begin_request(struct requests *all, uint16_t type, uint16_t flags, enum need need,
                            const void *body, size_t size) {
  const struct nlmsghdr header = {
      .nlmsg_type = type,
      .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags | (need == LAST ? NLM_F_ACK : 0)),
      .nlmsg_seq = need != OPTIONAL};
  const size_t at = put(all, &header, sizeof header);
  put(all, body, size);
  return at;
}

static void end_request(struct requests *all, size_t at) {
  const uint32_t length = (uint32_t)(all->size - at);
  memcpy(all->bytes + at, &length, sizeof length);
}

static size_t put_attribute(struct requests *all, uint16_t type, const void *data, size_t size) {
  const struct rtattr head = {(uint16_t)RTA_LENGTH(size), type};
  const size_t at = put(all, &head, sizeof head);
  put(all, data, size);
  return at;
}

/* Encloses in the attribute what was put since. */
static void end_nest(struct requests *all, size_t at) {
  const uint16_t length = (uint16_t)(all->size - at);
  memcpy(all->bytes + at, &length, sizeof length);
}

/* Sends them. Returns 0, or the error of the first that is needed and failed. */
static long carry_out(long fd, const struct requests *all) {
  struct {
    struct nlmsghdr header;
    struct nlmsgerr status;
  } answer;
  long ret = sys3(__NR_write, fd, all->bytes, all->size);
  do {
    if (ret >= 0)
      ret = sys6(__NR_recvfrom, fd, (long)&answer, sizeof answer, 0, 0, 0);
    if (ret < 0)
      return ret;
    if (ret < (long)sizeof answer || answer.header.nlmsg_type != NLMSG_ERROR)
      return -EPROTO;
  } while (answer.header.nlmsg_seq == 0);
  return answer.status.error;
}

/*
 * The pair, asked for from the far namespace; `home` is the sandbox's. No packet of the payload's
 * is taken apart or left for a device to cut: the supervisor gets each datagram as it was sent.
 */
static long make_pair(long far, long home) {
  const uint32_t mtu = 65535, segments = 1, home_number = (uint32_t)home;
  struct requests all = {.size = 0};
  const struct ifinfomsg link = {.ifi_index = FAR_END}, peer_link = {.ifi_index = WAY_OUT};
  size_t at =
      begin_request(&all, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, NEEDED, &link, sizeof link);
  put_attribute(&all, IFLA_MTU, &mtu, sizeof mtu);
  const size_t info = put_attribute(&all, IFLA_LINKINFO, NULL, 0);
  put_attribute(&all, IFLA_INFO_KIND, "veth", 5);
  const size_t data = put_attribute(&all, IFLA_INFO_DATA, NULL, 0);
  const size_t peer = put_attribute(&all, VETH_INFO_PEER, &peer_link, sizeof peer_link);
  put_attribute(&all, IFLA_IFNAME, "out", 4);
  put_attribute(&all, IFLA_MTU, &mtu, sizeof mtu);
  put_attribute(&all, IFLA_GSO_MAX_SEGS, &segments, sizeof segments);
  put_attribute(&all, IFLA_NET_NS_FD, &home_number, sizeof home_number);
  end_nest(&all, peer);
  end_nest(&all, data);
  end_nest(&all, info);
  end_request(&all, at);
  const struct ifinfomsg up = {.ifi_index = FAR_END, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  end_request(&all, begin_request(&all, RTM_NEWLINK, 0, LAST, &up, sizeof up));
  return carry_out(far, &all);
}

static void put_address(struct requests *all, int device, uint8_t family, const void *own,
                        size_t size, uint8_t prefix, enum need need) {
  const struct ifaddrmsg body = {.ifa_family = family,
                                 .ifa_prefixlen = prefix,
                                 .ifa_flags = IFA_F_NODAD,
                                 .ifa_index = (uint32_t)device};
  const size_t at = begin_request(all, RTM_NEWADDR, NLM_F_CREATE, need, &body, sizeof body);
  put_attribute(all, IFA_LOCAL, own, size);
  end_request(all, at);
}

/* Every route leads to a gateway, so that there is one neighbour, whatever the payload sends to:
 * the kernel's table of them is one for all namespaces. */
static void put_route(struct requests *all, uint8_t family, const void *gateway, size_t size,
                      enum need need) {
  const struct rtmsg body = {.rtm_family = family,
                             .rtm_table = RT_TABLE_MAIN,
                             .rtm_protocol = RTPROT_STATIC,
                             .rtm_type = RTN_UNICAST};
  const int device = WAY_OUT;
  const size_t at = begin_request(all, RTM_NEWROUTE, NLM_F_CREATE, need, &body, sizeof body);
  put_attribute(all, RTA_GATEWAY, gateway, size);
  put_attribute(all, RTA_OIF, &device, sizeof device);
  end_request(all, at);
}

/* No address of the link's own, for which the kernel would ask around. */
static void put_quiet(struct requests *all) {
  const uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
  const struct ifinfomsg body = {.ifi_index = WAY_OUT};
  const size_t at = begin_request(all, RTM_NEWLINK, 0, OPTIONAL, &body, sizeof body);
  const size_t families = put_attribute(all, IFLA_AF_SPEC, NULL, 0);
  const size_t family = put_attribute(all, AF_INET6, NULL, 0);
  put_attribute(all, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof mode);
  end_nest(all, family);
  end_nest(all, families);
  end_request(all, at);
}

/* Where the kernel has no IPv6, the sandbox is without it, too. */
static long configure_pair(long near) {
  struct requests all = {.size = 0};
  const uint32_t flags = IFF_UP | IFF_NOARP;
  const struct ifinfomsg up = {.ifi_index = WAY_OUT, .ifi_flags = flags, .ifi_change = flags};
  put_quiet(&all);
  end_request(&all, begin_request(&all, RTM_NEWLINK, 0, NEEDED, &up, sizeof up));
  put_address(&all, WAY_OUT, AF_INET, &own4, sizeof own4, 30, NEEDED);
  put_address(&all, WAY_OUT, AF_INET6, own6, sizeof own6, 64, OPTIONAL);
  put_route(&all, AF_INET6, gateway6, sizeof gateway6, OPTIONAL);
  put_route(&all, AF_INET, &gateway4, sizeof gateway4, LAST);
  return carry_out(near, &all);
}

/* The loopback has addresses without a way out: programs look up only names of a family that they
 * have an address of (AI_ADDRCONFIG of getaddrinfo(3)). */
static void configure_loopback(long near) {
  struct requests all = {.size = 0};
  put_address(&all, LOOPBACK, AF_INET6, own6, sizeof own6, 128, OPTIONAL);
  put_address(&all, LOOPBACK, AF_INET, &own4, sizeof own4, 32, LAST);
  network(carry_out(near, &all), "loopback");
}

static void close_all(const long *files, int count) {
  for (int i = 0; i < count; i++)
    if (files[i] >= 0)
      sys1(__NR_close, files[i]);
}

/* Hears what comes out of the sandbox, and not what is sent into it. */
static long listen_at(long packets) {
  const int one = 1;
  const struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = PORT(ETH_P_ALL), .sll_ifindex = FAR_END};
  long ret = sys5(__NR_setsockopt, packets, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
  return ret < 0 ? ret : sys3(__NR_bind, packets, &address, sizeof address);
}

/* The far namespace, with a socket for requests and one for packets, which keep it; init itself
 * comes back. */
static long make_far(long home, long *requests, long *packets) {
  long ret = sys1(__NR_unshare, CLONE_NEWNET);
  if (ret < 0)
    return ret;
  *requests = sys3(__NR_socket, AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE);
  *packets = sys3(__NR_socket, AF_PACKET, SOCK_DGRAM_CLOEXEC, 0);
  network(sys2(__NR_setns, home, CLONE_NEWNET), "namespace");
  return *requests < 0 ? *requests : *packets < 0 ? *packets : 0;
}

/* The packet socket at the far end, or a negative errno. */
static long make_way_out(long near) {
  const long home = sys3(__NR_ioctl, near, SIOCGSKNS, 0);
  if (home < 0)
    return home;
  long far = -1, packets = -1;
  long ret = make_far(home, &far, &packets);
  if (ret >= 0)
    ret = make_pair(far, home);
  if (ret >= 0)
    ret = listen_at(packets);
  if (ret >= 0)
    ret = configure_pair(near);
  const long files[] = {home, far, ret < 0 ? packets : -1};
  close_all(files, 3);
  return ret < 0 ? ret : packets;
}

static int allows_udp(const struct wb_plan *plan) {
  const struct wb_net_rule *rules =
      (const struct wb_net_rule *)(const void *)wb_plan_at(plan, plan->net_rules);
  for (uint32_t i = 0; i < plan->net_rule_count; i++)
    if (!rules[i].deny && rules[i].protocol == WB_NET_UDP)
      return 1;
  return 0;
}

static void hand_over(uint32_t what, long fd) {
  send_network(what, fd);
  if (fd >= 0)
    sys1(__NR_close, fd);
}

void set_up_network(const struct wb_plan *plan) {
  const long near =
      network(sys3(__NR_socket, AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE), "netlink");
  const long packets = make_way_out(near);
  if (packets < 0) {
    if (allows_udp(plan))
      network(packets, "udp");
    configure_loopback(near);
  }
  sys1(__NR_close, near);
  hand_over(WB_NETWORK_PACKETS, packets);
  hand_over(WB_NETWORK_DNS_UDP, resolver_socket(SOCK_DGRAM_CLOEXEC));
  long stream = resolver_socket(SOCK_STREAM_CLOEXEC);
  network(sys2(__NR_listen, stream, 64), "resolver");
  hand_over(WB_NETWORK_DNS_TCP, stream);
}
