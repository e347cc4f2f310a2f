/*
 * The network of a sandbox that reaches what rules allow. It stays a namespace of its own; what it
 * has beside its loopback is a resolver's address and a TUN device as the way out, both of which
 * end at the supervisor. Called by main.c while init still has rights over the namespace.
 * netdevice(7), Documentation/networking/tuntap.rst
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/sockios.h>

#include "init.h"

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM_CLOEXEC (1 | 02000000 | 04000)
#define SOCK_DGRAM_CLOEXEC (2 | 02000000 | 04000)
#define SOL_SOCKET 1
#define SO_REUSEADDR 2
#define IFF_UP 1
#define TUNSETIFF 0x400454caul
#define IFF_TUN 1
#define IFF_NO_PI 0x1000
#define RTF_UP 1

/* Network byte order; both platforms are little-endian. */
#define ADDRESS(a, b, c, d)                                                                        \
  ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define PORT(n) ((uint16_t)((n) << 8 | (n) >> 8))

struct ipv4_address {
  uint16_t family, port;
  uint32_t address;
  unsigned char zero[8];
};

/* struct ifreq, whose header would pull in a libc. */
struct interface_request {
  char name[16];
  union {
    struct ipv4_address address;
    short flags;
    int number;
    unsigned char room[24];
  };
};

struct ipv6_interface_address { /* struct in6_ifreq */
  unsigned char address[16];
  uint32_t prefix;
  int interface;
};

struct ipv4_route { /* struct rtentry */
  unsigned long pad1;
  struct ipv4_address destination, gateway, mask;
  unsigned short flags;
  short pad2;
  unsigned long pad3;
  void *pad4;
  short metric;
  char *device;
  unsigned long mtu, window;
  unsigned short irtt;
};

struct ipv6_route { /* struct in6_rtmsg */
  unsigned char destination[16], source[16], gateway[16];
  uint32_t type;
  uint16_t destination_bits, source_bits;
  uint32_t metric;
  unsigned long info;
  uint32_t flags;
  int interface;
};

long open_tun_device(void) {
  return sys4(__NR_openat, AT_FDCWD, "/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK, 0);
}

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

/* A host without IPv6 has no such socket: then the sandbox is without it, too. */
static void add_ipv6(int interface) {
  long fd = sys3(__NR_socket, AF_INET6, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0)
    return;
  struct ipv6_interface_address address = {
      .address = {0xfd, 0x77, 0x61, 0x73, 0x62, 0x6f, 0x78, 0, [15] = 2},
      .prefix = 64,
      .interface = interface};
  struct ipv6_route route = {.metric = 1, .flags = RTF_UP, .interface = interface};
  if (sys3(__NR_ioctl, fd, SIOCSIFADDR, &address) >= 0)
    sys3(__NR_ioctl, fd, SIOCADDRT, &route);
  sys1(__NR_close, fd);
}

/* The device, an address from the range for benchmarks (RFC 2544), which no network has, and every
 * route. */
static void configure_tun(long tun) {
  struct interface_request request = {.name = "out", .flags = IFF_TUN | IFF_NO_PI};
  network(sys3(__NR_ioctl, tun, TUNSETIFF, &request), "tun");
  long fd = network(sys3(__NR_socket, AF_INET, SOCK_DGRAM_CLOEXEC, 0), "tun");
  request.address = (struct ipv4_address){AF_INET, 0, ADDRESS(198, 18, 0, 2), {0}};
  network(sys3(__NR_ioctl, fd, SIOCSIFADDR, &request), "tun");
  request.address.address = ADDRESS(255, 255, 255, 252);
  network(sys3(__NR_ioctl, fd, SIOCSIFNETMASK, &request), "tun");
  request.number = 65520; /* no fragments to put together; the host makes its own */
  network(sys3(__NR_ioctl, fd, SIOCSIFMTU, &request), "tun");
  request.flags = IFF_UP;
  network(sys3(__NR_ioctl, fd, SIOCSIFFLAGS, &request), "tun");
  struct ipv4_route route = {.destination = {.family = AF_INET},
                             .gateway = {.family = AF_INET},
                             .mask = {.family = AF_INET},
                             .flags = RTF_UP,
                             .device = request.name};
  network(sys3(__NR_ioctl, fd, SIOCADDRT, &route), "tun");
  network(sys3(__NR_ioctl, fd, SIOCGIFINDEX, &request), "tun");
  add_ipv6(request.number);
  sys1(__NR_close, fd);
}

static void hand_over(uint32_t what, long fd) {
  send_network(what, fd);
  if (fd >= 0)
    sys1(__NR_close, fd);
}

void set_up_network(long tun) {
  if (tun >= 0)
    configure_tun(tun);
  hand_over(WB_NETWORK_TUN, tun);
  hand_over(WB_NETWORK_DNS_UDP, resolver_socket(SOCK_DGRAM_CLOEXEC));
  long stream = resolver_socket(SOCK_STREAM_CLOEXEC);
  network(sys2(__NR_listen, stream, 64), "resolver");
  hand_over(WB_NETWORK_DNS_TCP, stream);
}
