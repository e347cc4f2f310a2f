/*
 * See lookups.h. Called by notify.c (expect) and supervise.c (the rest). Packets are the payload's:
 * of each only the header and the first question's name are read, and the answer repeats these.
 * RFC 1035, 4.1; netdevice(7), rtnetlink(7)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lookups.h"
#include "run_in_namespaces.h"

#define DNS_PORT 53
#define HEADER 12
#define PACKET_MAX 512
/* Packets that are answered at a time, so that everything else is served as well. */
#define PACKETS_AT_A_TIME 16
/* The first interface of each network namespace. */
#define LOOPBACK 1

/* One address as this file compares and binds it. */
struct server {
  sa_family_t family;
  union {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address;
  uint32_t size;
};

void wb_lookups_begin(struct wb_lookups *lookups, int init) {
  lookups->init = init;
  lookups->count = 0;
}

static uint16_t big_endian(uint16_t number) {
  return (uint16_t)(number << 8 | number >> 8);
}

/* Returns whether it is a server for names, at an address that a socket can have. */
static int read_server(struct server *server, const void *address, uint32_t size) {
  memset(server, 0, sizeof *server);
  if (size < sizeof server->family)
    return 0;
  memcpy(&server->family, address, sizeof server->family);
  if (server->family == AF_INET && size >= sizeof server->address.v4) {
    memcpy(&server->address.v4, address, sizeof server->address.v4);
    server->size = sizeof server->address.v4;
    memset(server->address.v4.sin_zero, 0, sizeof server->address.v4.sin_zero);
    return server->address.v4.sin_port == big_endian(DNS_PORT) &&
           server->address.v4.sin_addr.s_addr != INADDR_ANY;
  }
  if (server->family == AF_INET6 && size >= 24) {
    memcpy(&server->address.v6, address,
           size < sizeof server->address.v6 ? size : sizeof server->address.v6);
    server->size = sizeof server->address.v6;
    server->address.v6.sin6_flowinfo = server->address.v6.sin6_scope_id = 0;
    return server->address.v6.sin6_port == big_endian(DNS_PORT) &&
           !IN6_IS_ADDR_V4MAPPED(&server->address.v6.sin6_addr) &&
           !IN6_IS_ADDR_UNSPECIFIED(&server->address.v6.sin6_addr);
  }
  return 0;
}

static int is_loopback(const struct server *server) {
  return server->family == AF_INET ? (server->address.v4.sin_addr.s_addr & 0xff) == IN_LOOPBACKNET
                                   : IN6_IS_ADDR_LOOPBACK(&server->address.v6.sin6_addr);
}

/* Gives the loopback interface the server's address. Inside; returns 0 or -1. */
static int add_address(const struct server *server) {
  struct {
    struct nlmsghdr header;
    struct ifaddrmsg message;
    struct rtattr attribute;
    unsigned char address[16];
  } request = {.header = {.nlmsg_type = RTM_NEWADDR,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK},
               .message = {.ifa_family = (unsigned char)server->family,
                           .ifa_flags = IFA_F_NODAD,
                           .ifa_scope = RT_SCOPE_HOST,
                           .ifa_index = LOOPBACK},
               .attribute = {.rta_type = IFA_LOCAL}};
  const size_t bytes = server->family == AF_INET ? 4 : 16;
  const void *from = server->family == AF_INET ? (const void *)&server->address.v4.sin_addr
                                               : (const void *)&server->address.v6.sin6_addr;
  memcpy(request.address, from, bytes);
  request.message.ifa_prefixlen = (unsigned char)(bytes * 8);
  request.attribute.rta_len = (unsigned short)RTA_LENGTH(bytes);
  request.header.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof request.message) + RTA_LENGTH(bytes));
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    char room[256];
  } answer;
  int fd = (int)syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0)
    return -1;
  const int asked =
      write(fd, &request, request.header.nlmsg_len) == (ssize_t)request.header.nlmsg_len &&
      recv(fd, &answer, sizeof answer, 0) >= (ssize_t)(sizeof answer.header + sizeof answer.error);
  close(fd);
  return asked && answer.header.nlmsg_type == NLMSG_ERROR &&
                 (answer.error.error == 0 || answer.error.error == -EEXIST)
             ? 0
             : -1;
}

struct visit {
  const struct server *server;
  int init, fd;
};

/* Runs in a child that shares memory and descriptors, but has one thread, and so may join
 * namespaces. */
static int visit(void *argument) {
  struct visit *visit = argument;
  const struct server *server = visit->server;
  if (syscall(SYS_setns, visit->init, CLONE_NEWUSER | CLONE_NEWNET) < 0)
    _exit(0);
  if (!is_loopback(server) && add_address(server) < 0)
    _exit(0);
  int fd = (int)syscall(SYS_socket, server->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && syscall(SYS_bind, fd, &server->address, server->size) < 0)
    close(fd);
  else
    visit->fd = fd;
  _exit(0);
}

void wb_lookups_expect(struct wb_lookups *lookups, const void *address, uint32_t size) {
  struct server server;
  if (lookups->init < 0 || !read_server(&server, address, size))
    return;
  for (unsigned i = 0; i < lookups->count; i++)
    if (memcmp(lookups->addresses[i], &server.address, server.size) == 0)
      return;
  if (lookups->count == WB_LOOKUP_SERVERS)
    return;
  struct visit request = {&server, lookups->init, -1};
  wb_run_in_namespaces(visit, &request, CLONE_FILES);
  /* Once is enough to know that it cannot be: an entry without a descriptor is not tried again. */
  memset(lookups->addresses[lookups->count], 0, sizeof lookups->addresses[0]);
  memcpy(lookups->addresses[lookups->count], &server.address, server.size);
  lookups->fds[lookups->count++] = request.fd;
}

void wb_lookups_wait(const struct wb_lookups *lookups, struct pollfd *wait) {
  for (unsigned i = 0; i < WB_LOOKUP_SERVERS; i++)
    wait[i] = (struct pollfd){i < lookups->count ? lookups->fds[i] : -1, POLLIN, 0};
}

/* The name of the first question, in lower case; its length with what follows it (type and class),
 * or 0 where there is none. */
static size_t read_question(const unsigned char *packet, size_t size, char *name, size_t room) {
  size_t at = HEADER, used = 0;
  while (at < size && packet[at] != 0) {
    const size_t label = packet[at++];
    if (label > 63 || at + label >= size || used + label + 2 > room)
      return 0;
    for (size_t i = 0; i < label; i++, at++) {
      const unsigned char byte = packet[at];
      name[used++] = (char)(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
    }
    name[used++] = '.';
  }
  if (at + 5 > size || used == 0)
    return 0;
  name[used - 1] = 0;
  return at + 5 - HEADER;
}

static void note(struct wb_refusals *refusals, const char *name) {
  const struct wb_refusal record = {
      .nr = SYS_connect, .target = WB_TARGET_NAME, .target_size = (uint32_t)strlen(name)};
  wb_refusals_count(refusals, &record, (const unsigned char *)name);
}

/* Answers one packet. Returns 0 where no packet waits. */
static int answer(int fd, struct wb_refusals *refusals) {
  unsigned char packet[PACKET_MAX], from[28];
  uint32_t from_size = sizeof from;
  char name[WB_REFUSAL_TEXT_MAX];
  const long n = syscall(SYS_recvfrom, fd, packet, sizeof packet, MSG_DONTWAIT, from, &from_size);
  if (n < 0)
    return 0;
  const size_t size = (size_t)n;
  /* A question (not an answer, which could be sent round in a circle), and only one. */
  if (size < HEADER || (packet[2] & 0x80) || packet[4] != 0 || packet[5] != 1)
    return 1;
  const size_t question = read_question(packet, size, name, sizeof name);
  if (!question)
    return 1;
  if (refusals)
    note(refusals, name);
  packet[2] |= 0x80;                     /* an answer */
  packet[3] = (unsigned char)(0x80 | 2); /* recursion is there; SERVFAIL */
  memset(packet + 6, 0, 6);              /* no records */
  syscall(SYS_sendto, fd, packet, HEADER + question, MSG_DONTWAIT | MSG_NOSIGNAL, from, from_size);
  return 1;
}

void wb_lookups_serve(struct wb_lookups *lookups, struct wb_refusals *refusals) {
  for (unsigned i = 0; i < lookups->count; i++)
    for (unsigned n = 0; n < PACKETS_AT_A_TIME; n++)
      if (lookups->fds[i] < 0 || !answer(lookups->fds[i], refusals))
        break;
}

void wb_lookups_close(struct wb_lookups *lookups) {
  for (unsigned i = 0; i < lookups->count; i++)
    if (lookups->fds[i] >= 0)
      close(lookups->fds[i]);
  lookups->count = 0;
  lookups->init = -1;
}
