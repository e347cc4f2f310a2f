/*
 * The payload's calls on its UDP sockets that pass an address or ask for one. They are done here
 * and in datagram_transfer.c, on what stands in for the socket (datagrams.c). Called by engine.c
 * for each such notification.
 *
 * Addresses, lengths and bytes are copied once from the payload's memory; what was judged is what
 * is sent. A call that need not be answered here, such as sendmsg(2) without an address, is the
 * kernel's on the payload's end of the pair.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "datagrams.h"

#define TYPE_MASK 0xf

static int connect_to(const struct datagram_call *call) {
  struct datagram_socket *socket = call->socket;
  const __u64 *args = call->caller->call->data.args;
  sa_family_t family = AF_UNSPEC;
  struct endpoint to;
  const int failed = datagram_read_endpoint(call, args[1], (uint32_t)args[2], &family, &to);
  if (failed)
    return failed;
  if (!wb_pin_stands(call->caller))
    return EINTR;
  socket->connected = 0;
  datagrams_end_flows(call->net, socket);
  if (family == AF_UNSPEC)
    return 0;
  /* This is not noted: getaddrinfo(3) connects to learn which source an address has, and sends
   * nothing. */
  if (!datagrams_flow(call->net, socket, &to, call->caller, 0))
    return errno;
  socket->peer = to;
  socket->connected = 1;
  return 0;
}

/* Any address and port, as sending has them by itself: nothing is to be heard there. */
static int bind_to(const struct datagram_call *call) {
  const __u64 *args = call->caller->call->data.args;
  sa_family_t family = AF_UNSPEC;
  struct endpoint at;
  const int failed = datagram_read_endpoint(call, args[1], (uint32_t)args[2], &family, &at);
  if (failed || family == AF_UNSPEC)
    return failed ? failed : EAFNOSUPPORT;
  if (at.port != 0) {
    net_note(call->net, WB_NET_UDP, WB_REFUSED, &at, "", call->caller);
    return EACCES;
  }
  call->socket->bound = 1;
  return 0;
}

static int own_name(const struct datagram_call *call) {
  struct datagram_socket *socket = call->socket;
  struct endpoint own = {.port = 0};
  if (socket->family == AF_INET)
    own.address.bytes[10] = own.address.bytes[11] = 255;
  const struct datagram_flow *flow =
      socket->connected ? datagrams_flow(call->net, socket, &socket->peer, NULL, 0) : NULL;
  struct sockaddr_storage raw;
  socklen_t size = sizeof raw;
  if (flow && getsockname(flow->file, (struct sockaddr *)&raw, &size) == 0)
    net_from_sockaddr(&raw, size, &own);
  else if (socket->bound) /* it has one, which leads to nothing */
    own.port = (uint16_t)(49152 + socket->inode % 16384);
  return datagram_write_endpoint(call, &own, call->caller->call->data.args[1],
                                 call->caller->call->data.args[2]);
}

static int peer_name(const struct datagram_call *call) {
  return call->socket->connected
             ? datagram_write_endpoint(call, &call->socket->peer, call->caller->call->data.args[1],
                                       call->caller->call->data.args[2])
             : ENOTCONN;
}

/* Options of ip(7) and ipv6(7) that change only how datagrams travel or how errors are reported.
 * They have no effect, because the supervisor makes the flows itself. */
static int set_option(const struct datagram_call *call) {
  static const uint8_t ipv4[] = {IP_TOS, IP_TTL, IP_MTU_DISCOVER, IP_RECVERR};
  static const uint8_t ipv6[] = {IPV6_UNICAST_HOPS, IPV6_MTU_DISCOVER, IPV6_RECVERR, IPV6_V6ONLY,
                                 IPV6_TCLASS};
  const int level = (int)call->caller->call->data.args[1],
            name = (int)call->caller->call->data.args[2];
  if (level != IPPROTO_IP && level != IPPROTO_IPV6)
    return DATAGRAM_LET;
  const uint8_t *known = level == IPPROTO_IP ? ipv4 : ipv6;
  const size_t count = level == IPPROTO_IP ? sizeof ipv4 : sizeof ipv6;
  for (size_t i = 0; i < count; i++)
    if (known[i] == name)
      return 0;
  return ENOPROTOOPT;
}

static int is_receive(int nr) {
  return nr == SYS_recvfrom || nr == SYS_recvmsg || nr == SYS_recvmmsg;
}

static int carry_out(struct datagram_call *call) {
  switch (call->caller->call->data.nr) {
  case SYS_connect:
    return connect_to(call);
  case SYS_bind:
    return bind_to(call);
  case SYS_listen:
    return EOPNOTSUPP;
  case SYS_getsockname:
    return own_name(call);
  case SYS_getpeername:
    return peer_name(call);
  case SYS_setsockopt:
    return set_option(call);
  default:
    return datagram_transfer(call);
  }
}

static int may_wait(const struct datagram_call *call) {
  const int nr = call->caller->call->data.nr;
  const __u64 flags = call->caller->call->data.args[nr == SYS_recvmsg ? 2 : 3];
  return !(flags & MSG_DONTWAIT) && !(fcntl(call->socket->theirs, F_GETFL) & O_NONBLOCK);
}

/* Keeps the caller waiting for a datagram. */
static int wait_for_one(const struct datagram_call *call) {
  struct datagrams *all = call->net->datagrams;
  struct timeval limit = {0, 0};
  socklen_t size = sizeof limit;
  getsockopt(call->socket->theirs, SOL_SOCKET, SO_RCVTIMEO, &limit, &size);
  const uint64_t patience = (uint64_t)limit.tv_sec * 1000000000u + (uint64_t)limit.tv_usec * 1000u;
  for (int i = 0; i < DATAGRAM_WAITING_MAX; i++) {
    if (all->waiting[i].inode)
      continue;
    all->waiting[i] = (struct datagram_waiting){
        .inode = call->socket->inode,
        .deadline = patience ? wb_now_ns() + patience : 0,
        .notif = *call->caller->call,
    };
    return DATAGRAM_LATER;
  }
  return ENOBUFS;
}

static void do_call(struct datagram_call *call) {
  const uint64_t notification = call->caller->call->id;
  int error = wb_pin_stands(call->caller) ? carry_out(call) : EINTR;
  if (error == EAGAIN && is_receive(call->caller->call->data.nr) && may_wait(call))
    error = wait_for_one(call);
  if (error != DATAGRAM_LATER)
    wb_watch_respond(call->net->watch, notification, error == DATAGRAM_LET ? 0 : error, call->value,
                     error == DATAGRAM_LET);
}

/* socket(2): what stands for one of UDP. */
static void make(struct net *net, const struct seccomp_notif *notif) {
  const int file = datagrams_make(net, (int)notif->data.args[0], (int)notif->data.args[1]);
  const int given = file < 0 ? -errno
                             : wb_watch_give(net->watch, notif->id, file,
                                             (int)notif->data.args[1] & SOCK_CLOEXEC);
  if (given < 0)
    wb_watch_respond(net->watch, notif->id, -given, 0, 0);
  if (file >= 0)
    close(file);
}

static int is_udp(const struct seccomp_data *data) {
  const int domain = (int)data->args[0], protocol = (int)data->args[2];
  return (domain == AF_INET || domain == AF_INET6) && (data->args[1] & TYPE_MASK) == SOCK_DGRAM &&
         (protocol == 0 || protocol == IPPROTO_UDP);
}

/* Calls that are about a socket, which is their first argument. */
static int is_on_socket(int nr) {
  return nr == SYS_connect || nr == SYS_bind || nr == SYS_listen || nr == SYS_getsockname ||
         nr == SYS_getpeername || nr == SYS_setsockopt || nr == SYS_sendto || nr == SYS_sendmsg ||
         nr == SYS_sendmmsg || is_receive(nr);
}

int datagram_calls_take(struct net *net, struct wb_pin *caller) {
  const struct seccomp_notif *notif = caller->call;
  if (notif->data.nr == SYS_socket && is_udp(&notif->data)) {
    make(net, notif);
    return 1;
  }
  if (!is_on_socket(notif->data.nr))
    return 0;
  struct datagram_call call = {
      .net = net,
      .caller = caller,
      .socket = datagrams_find(net, handed_inode(caller, (int)notif->data.args[0]))};
  if (!call.socket)
    return 0;
  do_call(&call);
  return 1;
}

void datagram_calls_wake(struct net *net, uint32_t socket, int error) {
  struct datagrams *all = net->datagrams;
  for (int i = 0; i < DATAGRAM_WAITING_MAX; i++) {
    struct datagram_waiting *one = &all->waiting[i];
    if (!one->inode || one->inode != all->sockets[socket].inode)
      continue;
    const struct seccomp_notif notif = one->notif;
    one->inode = 0;
    struct wb_pin caller;
    struct datagram_call call = {.net = net, .caller = &caller, .socket = &all->sockets[socket]};
    wb_pin_begin(&caller, net->watch, &notif);
    if (error) {
      wb_watch_respond(net->watch, notif.id, error, 0, 0);
    } else if (wb_watch_assume(net->watch) == 0) {
      do_call(&call);
      wb_watch_resume(net->watch);
    }
    wb_pin_end(&caller);
    if (one->inode)
      return; /* there is none any more */
  }
}

void datagram_calls_expire(struct net *net, uint64_t now, uint64_t *next) {
  for (int i = 0; net->datagrams && i < DATAGRAM_WAITING_MAX; i++) {
    struct datagram_waiting *one = &net->datagrams->waiting[i];
    if (!one->inode)
      continue;
    const int gone = !datagrams_find(net, one->inode); /* its place was needed */
    const int over = one->deadline && one->deadline <= now;
    if (gone || over)
      wb_watch_respond(net->watch, one->notif.id, gone ? EBADF : EAGAIN, 0, 0);
    if (gone || over || !wb_watch_valid(net->watch, one->notif.id)) {
      one->inode = 0; /* killed, or interrupted */
      continue;
    }
    sooner_of(next, one->deadline);
    sooner_of(next, now + 1000000000u);
  }
}
