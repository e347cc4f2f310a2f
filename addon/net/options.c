/*
 * Carries what a program has set on a socket, before that connects, over to the one that takes its
 * place. Called by tcp.c. An option that has its default on `from` is left alone on `to`: setting a
 * buffer's size, for one, would turn its growing off.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "net.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif
#define SEND_LOCKED 1
#define RECEIVE_LOCKED 2

struct option {
  int level, name;
};

static const struct option common[] = {
    {SOL_SOCKET, SO_KEEPALIVE},       {SOL_SOCKET, SO_OOBINLINE},  {SOL_SOCKET, SO_RCVLOWAT},
    {SOL_SOCKET, SO_PRIORITY},        {SOL_SOCKET, SO_REUSEADDR},  {SOL_SOCKET, SO_LINGER},
    {SOL_SOCKET, SO_RCVTIMEO},        {SOL_SOCKET, SO_SNDTIMEO},   {IPPROTO_TCP, TCP_NODELAY},
    {IPPROTO_TCP, TCP_CORK},          {IPPROTO_TCP, TCP_KEEPIDLE}, {IPPROTO_TCP, TCP_KEEPINTVL},
    {IPPROTO_TCP, TCP_KEEPCNT},       {IPPROTO_TCP, TCP_SYNCNT},   {IPPROTO_TCP, TCP_USER_TIMEOUT},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT}, {IPPROTO_IP, IP_TOS},        {IPPROTO_IP, IP_TTL},
    {IPPROTO_IP, IP_MTU_DISCOVER},    {IPPROTO_IP, IP_RECVERR},
};

static const struct option ipv6[] = {
    {IPPROTO_IPV6, IPV6_V6ONLY},       {IPPROTO_IPV6, IPV6_TCLASS},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS}, {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
    {IPPROTO_IPV6, IPV6_RECVERR},
};

static void copy(int from, int to, const struct option *option) {
  unsigned char wanted[32], has[32];
  socklen_t size = sizeof wanted, other = sizeof has;
  if (getsockopt(from, option->level, option->name, wanted, &size) < 0 ||
      getsockopt(to, option->level, option->name, has, &other) < 0)
    return;
  if (size != other || memcmp(wanted, has, size) != 0)
    setsockopt(to, option->level, option->name, wanted, size);
}

/* The kernel tells twice what was set. */
static void copy_buffer(int from, int to, int name) {
  int size;
  socklen_t length = sizeof size;
  if (getsockopt(from, SOL_SOCKET, name, &size, &length) < 0)
    return;
  size /= 2;
  setsockopt(to, SOL_SOCKET, name, &size, sizeof size);
}

void net_copy_options(int from, int to, int domain) {
  for (size_t i = 0; i < sizeof common / sizeof *common; i++)
    copy(from, to, &common[i]);
  if (domain == AF_INET6)
    for (size_t i = 0; i < sizeof ipv6 / sizeof *ipv6; i++)
      copy(from, to, &ipv6[i]);
  int locked = 0;
  socklen_t length = sizeof locked;
  getsockopt(from, SOL_SOCKET, SO_BUF_LOCK, &locked, &length);
  if (locked & SEND_LOCKED)
    copy_buffer(from, to, SO_SNDBUF);
  if (locked & RECEIVE_LOCKED)
    copy_buffer(from, to, SO_RCVBUF);
}
