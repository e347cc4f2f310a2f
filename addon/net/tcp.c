/*
 * connect(2) and bind(2) of TCP sockets, and listen(2), done here. Called by engine.c for each such
 * notification.
 *
 *   take the payload's socket (pidfd_getfd) ─▶ copy the address, once ─▶ judge ─▶
 *     inside:  connect the payload's own socket
 *     outside, or a port of the host's loopback that a rule names: dial with a socket of the host's
 * network, which then takes the other one's place
 *
 * What was checked is what is dialled: the payload has no part in it after the copy. It could not
 * dial a socket of the host's by itself: its Landlock domain forbids every connect and bind of TCP,
 * which only this process, outside of the domain, can do; the guard (net-guard.policy) forbids what
 * connects by other calls. Landlock has no say in listen(2), which would bind by itself: so that is
 * done here for every socket, of whatever kind, and never for one of the host's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../supervisor/ask.h"
#include "net.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct call {
  struct net *net;
  struct wb_pin *caller;
  int place; /* the descriptor that the payload named */
  int file;  /* the payload's socket; owned */
  int domain;
  int status; /* F_GETFL of the socket */
};

/* The result of a call: answer with `error` (0: done), or later. */
#define LATER (-1)

static int answer(const struct net *net, uint64_t notification, int error) {
  wb_watch_respond(net->watch, notification, error, 0, 0);
  return 1;
}

static int number_option(int file, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(file, SOL_SOCKET, name, &value, &size) < 0 ? -1 : value;
}

static int is_of_host(const struct net *net, int file) {
  uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  return getsockopt(file, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0 ||
         cookie == net->host_cookie;
}

static uint64_t inode_of(int file) {
  struct stat info;
  return fstat(file, &info) < 0 ? 0 : (uint64_t)info.st_ino;
}

/* Returns whether the descriptor closes at execve(2), which only /proc tells. */
static int closes_at_exec(struct wb_pin *caller, int number) {
  char path[24], text[256];
  snprintf(path, sizeof path, "fdinfo/%d", number);
  if (wb_pin_text(caller, path, text, sizeof text) <= 0)
    return 0;
  const char *line = strstr(text, "flags:");
  unsigned flags;
  return line && sscanf(line, "flags:%o", &flags) == 1 && (flags & O_CLOEXEC);
}

/* The inode of a socket of the caller's, which its /proc tells, unless that is closed; 0: none. */
static uint64_t inode_at(struct wb_pin *caller, int number) {
  const uint64_t shown = handed_inode(caller, number);
  const int file = shown ? -1 : wb_pin_take(caller, number);
  const uint64_t inode = file < 0 ? shown : inode_of(file);
  if (file >= 0)
    close(file);
  return inode;
}

static int put_at(const struct net *net, struct wb_pin *caller, const struct pending *one,
                  int number) {
  if (inode_at(caller, number) != one->inode) /* closed meanwhile, and used for something else */
    return EBADF;
  return wb_watch_replace(net->watch, one->notification, one->file, number,
                          closes_at_exec(caller, number));
}

/* Puts a socket in the place of the payload's, wherever it is. Returns 0 or an errno. */
static int put_by(const struct net *net, struct wb_pin *caller, const struct pending *one) {
  struct carried others;
  net_carry_find(&others, caller, one->inode, one->place);
  const int failed = put_at(net, caller, one, one->place);
  if (failed)
    return failed;
  for (uint32_t i = 0; i < others.number_count; i++)
    put_at(net, caller, one, others.numbers[i]);
  net_carry_over(&others, caller, one->file);
  return 0;
}

static int put_in_place(const struct net *net, const struct pending *one) {
  const struct seccomp_notif call = {.id = one->notification, .pid = one->pid};
  struct wb_pin caller;
  wb_pin_begin(&caller, net->watch, &call);
  const int failed = put_by(net, &caller, one);
  wb_pin_end(&caller);
  return failed;
}

static void set_blocking(int file, int status) {
  if (!(status & O_NONBLOCK))
    fcntl(file, F_SETFL, status);
}

/* Keeps the caller waiting for the end of a connect. Takes `file` over. */
static int wait_for(struct call *call, int file, int place) {
  struct net *net = call->net;
  uint32_t index = 0;
  while (index < PENDING_MAX && net->pending[index].used)
    index++;
  if (index == PENDING_MAX || net_watch(net, file, EPOLLOUT, SOURCE_PENDING, index) < 0) {
    close(file);
    return ENOBUFS;
  }
  struct timeval limit = {0, 0};
  socklen_t size = sizeof limit;
  getsockopt(call->file, SOL_SOCKET, SO_SNDTIMEO, &limit, &size);
  const uint64_t patience = (uint64_t)limit.tv_sec * 1000000000u + (uint64_t)limit.tv_usec * 1000u;
  net->pending[index] = (struct pending){.used = 1,
                                         .notification = call->caller->call->id,
                                         .deadline = patience ? wb_now_ns() + patience : 0,
                                         .file = file,
                                         .place = place,
                                         .pid = call->caller->call->pid,
                                         .inode = inode_of(call->file)};
  net->pending_count++;
  return LATER;
}

/* Settles a socket that was made here: what is left to do on it is the payload's alone. */
static int settle(const struct call *call, int error) {
  if (call->net->handed && error == 0)
    handed_settled(call->net, inode_of(call->file));
  else if (call->net->handed && error == EINPROGRESS)
    handed_connecting(call->net, inode_of(call->file));
  return error;
}

/* Begins to connect a socket that does not block. If the caller waits, the end is looked for at
 * once: on the loopback, connect(2) has ended by the time it returns EINPROGRESS. Returns 0 or an
 * errno; EINPROGRESS where it goes on. */
static int begin_connect(int file, const struct sockaddr *to, socklen_t size, int waits) {
  struct pollfd end = {.fd = file, .events = POLLOUT};
  const int error = connect(file, to, size) < 0 ? errno : 0;
  const int has_ended = waits && error == EINPROGRESS && poll(&end, 1, 0) == 1;
  return has_ended ? number_option(file, SO_ERROR) : error;
}

/* Connects a socket that the payload has, whose destination is judged, as the kernel would. */
static int connect_own(struct call *call, const struct sockaddr *to, socklen_t size) {
  const int blocking = !(call->status & O_NONBLOCK);
  if (blocking)
    fcntl(call->file, F_SETFL, call->status | O_NONBLOCK);
  const int error = begin_connect(call->file, to, size, blocking);
  if (blocking)
    fcntl(call->file, F_SETFL, call->status);
  if (!blocking || (error != EINPROGRESS && error != EALREADY))
    return to->sa_family == AF_UNSPEC ? error : settle(call, error);
  const int copy = fcntl(call->file, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? ENOBUFS : wait_for(call, copy, -1);
}

/* Dials with a socket of the host's, which takes the place of the payload's. */
static int connect_outside(struct call *call, const struct sockaddr *to, socklen_t size) {
  const int file = socket(call->domain, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (file < 0)
    return errno;
  net_copy_options(call->file, file, call->domain);
  const int blocking = !(call->status & O_NONBLOCK);
  const int error = begin_connect(file, to, size, blocking);
  if (error == EINPROGRESS && blocking)
    return wait_for(call, file, call->place);
  if (error && error != EINPROGRESS) {
    close(file);
    return error;
  }
  set_blocking(file, call->status);
  const struct pending one = {.notification = call->caller->call->id,
                              .file = file,
                              .place = call->place,
                              .pid = call->caller->call->pid,
                              .inode = inode_of(call->file)};
  const int failed = put_by(call->net, call->caller, &one);
  close(file);
  return failed ? failed : error;
}

/* Carries out the answer about a destination that the rules do not allow. */
static int carry_out(struct call *call, const struct wb_held *held, int allowed) {
  struct endpoint to;
  const int known = net_from_sockaddr(held->bytes, held->size, &to);
  if (known)
    net_note(call->net, WB_NET_TCP, allowed ? WB_ALLOWED : WB_REFUSED, &to,
             net_known_as(call->net, &to.address), call->caller);
  if (!allowed || !known)
    return net_refusal(call->net);
  call->domain = number_option(call->file, SO_DOMAIN);
  call->status = fcntl(call->file, F_GETFL);
  const struct sockaddr *raw = (const struct sockaddr *)(const void *)held->bytes;
  return is_of_host(call->net, call->file) ? connect_own(call, raw, held->size)
                                           : connect_outside(call, raw, held->size);
}

static void decide(struct wb_asker *asker, const struct wb_watch *watch, struct wb_held *held,
                   uint32_t decision) {
  (void)asker;
  const struct seccomp_notif notif = {
      .id = held->notification, .pid = held->pid, .data = held->data};
  struct wb_pin caller;
  struct call call = {.net = held->context,
                      .caller = &caller,
                      .place = (int)held->data.args[0],
                      .file = held->file};
  wb_pin_begin(&caller, watch, &notif);
  const int error = carry_out(&call, held, decision == WB_DECISION_ALLOW);
  if (error != LATER)
    answer(call.net, held->notification, error);
  wb_pin_end(&caller);
}

/* Puts the question, where the run has an asker: with the address as it was copied, and
 * the payload's own socket, whatever becomes of its place. */
static int ask_about(struct call *call, const unsigned char *bytes, size_t size, const char *name) {
  const int file = net_may_ask(call->net) ? fcntl(call->file, F_DUPFD_CLOEXEC, 0) : -1;
  if (file < 0)
    return 0;
  const struct net_target target = {bytes, size, name};
  if (net_ask(call->net, WB_QUESTION_NETWORK, call->caller, &target, file, decide))
    return 1;
  close(file);
  return 0;
}

/* The resolver of a run that has no network namespace: at another address than programs know. */
static int connect_resolver(struct call *call, uint16_t port) {
  struct endpoint to = {{{[10] = 255, 255, 127, 0, 0, 1}}, port};
  struct sockaddr_storage raw;
  const socklen_t size = net_to_sockaddr(&to, call->domain, &raw);
  socklen_t room = sizeof raw;
  /* It is known before the connection is accepted, which this thread does. */
  const int copy = fcntl(call->file, F_DUPFD_CLOEXEC, 0);
  const int error = connect_own(call, (const struct sockaddr *)&raw, size);
  if (copy >= 0 && getsockname(copy, (struct sockaddr *)&raw, &room) == 0 &&
      net_from_sockaddr(&raw, room, &to))
    resolver_expect(call->net, to.port);
  if (copy >= 0)
    close(copy);
  return error;
}

static int dial(struct call *call, const unsigned char *bytes, size_t size) {
  struct net *net = call->net;
  sa_family_t family;
  memcpy(&family, bytes, sizeof family);
  struct endpoint to;
  const struct sockaddr *raw = (const struct sockaddr *)(const void *)bytes;
  if (family == AF_UNSPEC || !net_from_sockaddr(bytes, size, &to))
    /* The call ends a connection, or the address is of another family: the kernel answers it. */
    return family == AF_UNSPEC                       ? connect_own(call, raw, (socklen_t)size)
           : family == AF_INET || family == AF_INET6 ? EINVAL
                                                     : EAFNOSUPPORT;
  const uint16_t resolver = resolver_port(net, &to);
  if (resolver)
    return connect_resolver(call, resolver);
  const int host = is_of_host(net, call->file);
  if (net_is_inside(&to.address) && !net_is_service(net, &to))
    return host ? ENETUNREACH : connect_own(call, raw, (socklen_t)size);
  const char *name;
  const uint32_t verdict = net_judge(net, &to, WB_NET_TCP, &name);
  if (verdict == WB_REFUSED)
    name = net_known_as(net, &to.address);
  const int other_family = call->domain == AF_INET && family != AF_INET;
  if (verdict == WB_REFUSED && !other_family && ask_about(call, bytes, size, name))
    return LATER;
  net_note(net, WB_NET_TCP, verdict, &to, name, call->caller);
  if (verdict != WB_ALLOWED)
    return verdict == WB_REFUSED ? net_refusal(net) : EACCES;
  if (other_family)
    return EAFNOSUPPORT;
  return host ? connect_own(call, raw, (socklen_t)size)
              : connect_outside(call, raw, (socklen_t)size);
}

/* Returns whether a rule names this very address and port, or any port of it: then it is
 * the run's to listen at, where it has the host's network. */
static int may_serve(struct net *net, const struct endpoint *at) {
  return net_is_service(net, at);
}

static int bind_shared(struct call *call, const unsigned char *bytes, size_t size) {
  static const unsigned char none[16] = {0};
  struct endpoint at;
  if (!net_from_sockaddr(bytes, size, &at))
    return EAFNOSUPPORT;
  const int any = memcmp(at.address.bytes, none, 16) == 0 ||
                  (net_is_inside(&at.address) && memcmp(at.address.bytes + 12, none, 4) == 0);
  /* Any port of any address: what connect(2) and listen(2) have by themselves. */
  if (!(any && at.port == 0) && !may_serve(call->net, &at)) {
    net_note(call->net, WB_NET_TCP, WB_REFUSED, &at, "", call->caller);
    return EACCES;
  }
  const struct sockaddr *to = (const struct sockaddr *)(const void *)bytes;
  if (bind(call->file, to, (socklen_t)size) == 0)
    return 0;
  if (errno != EADDRINUSE)
    return errno;
  handed_release_closed(call->net, call->caller);
  return bind(call->file, to, (socklen_t)size) < 0 ? errno : 0;
}

static int listen_shared(const struct call *call, int backlog) {
  struct sockaddr_storage own;
  struct endpoint at;
  socklen_t size = sizeof own;
  if (getsockname(call->file, (struct sockaddr *)&own, &size) < 0 ||
      !net_from_sockaddr(&own, size, &at))
    return EINVAL;
  if (!may_serve(call->net, &at)) {
    net_note(call->net, WB_NET_TCP, WB_REFUSED, &at, "", call->caller);
    return EACCES;
  }
  return settle(call, listen(call->file, backlog) < 0 ? errno : 0);
}

/* Inside, any port may be bound: who could be kept from one is in there as well. */
static int bind_inside(struct call *call, const unsigned char *bytes, size_t size) {
  if (call->net->handed)
    return bind_shared(call, bytes, size);
  if (is_of_host(call->net, call->file))
    return EINVAL;
  return bind(call->file, (const struct sockaddr *)(const void *)bytes, (socklen_t)size) < 0 ? errno
                                                                                             : 0;
}

static int listen_inside(struct call *call, int backlog) {
  if (call->net->handed)
    return listen_shared(call, backlog);
  if (is_of_host(call->net, call->file) && number_option(call->file, SO_DOMAIN) != AF_UNIX)
    return EINVAL;
  return listen(call->file, backlog) < 0 ? errno : 0;
}

int tcp_take(struct net *net, struct wb_pin *caller) {
  const struct seccomp_notif *notif = caller->call;
  const int is_connect = notif->data.nr == SYS_connect;
  if (!is_connect && notif->data.nr != SYS_bind && notif->data.nr != SYS_listen)
    return 0;
  struct call call = {.net = net, .caller = caller, .place = (int)notif->data.args[0]};
  call.file = net->handed ? handed_file(net, caller, call.place) : wb_pin_take(caller, call.place);
  if (call.file < 0)
    return answer(net, notif->id,
                  net->handed || errno == EBADF || errno == ENOTSOCK ? errno : EACCES);
  if (notif->data.nr == SYS_listen) {
    const int failed =
        wb_pin_stands(caller) ? listen_inside(&call, (int)notif->data.args[1]) : EINTR;
    close(call.file);
    return answer(net, notif->id, failed);
  }
  call.domain = number_option(call.file, SO_DOMAIN);
  const int protocol = number_option(call.file, SO_PROTOCOL);
  int error;
  if ((call.domain != AF_INET && call.domain != AF_INET6) ||
      (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)) {
    /* Sockets of the sandbox's own network, or of none: harmless wherever they are led, and should
     * another take the descriptor's place in time, Landlock stands before TCP. */
    close(call.file);
    return 0;
  }
  unsigned char bytes[sizeof(struct sockaddr_storage)] __attribute__((aligned(8)));
  const int size = (int)notif->data.args[2];
  if (size < (int)sizeof(sa_family_t) || (size_t)size > sizeof bytes)
    error = EINVAL;
  else if (wb_pin_copy(caller, notif->data.args[1], bytes, (size_t)size) != (size_t)size)
    error = EFAULT;
  else if (!wb_pin_stands(caller))
    error = EINTR;
  else {
    call.status = fcntl(call.file, F_GETFL);
    error = is_connect ? dial(&call, bytes, (size_t)size) : bind_inside(&call, bytes, (size_t)size);
  }
  close(call.file);
  return error == LATER ? 1 : answer(net, notif->id, error);
}

/* Lets go of a connect that is not watched any more. */
static void drop(struct net *net, struct pending *one) {
  close(one->file);
  one->used = 0;
  net->pending_count--;
}

static void forget(struct net *net, struct pending *one) {
  net_unwatch(net, one->file);
  drop(net, one);
}

void tcp_ready(struct net *net, uint32_t index) {
  struct pending *one = &net->pending[index];
  if (index >= PENDING_MAX || !one->used)
    return;
  net_unwatch(net, one->file); /* before the payload has it: it would wake us for good */
  int error = number_option(one->file, SO_ERROR);
  if (error == 0 && one->place >= 0) {
    fcntl(one->file, F_SETFL, fcntl(one->file, F_GETFL) & ~O_NONBLOCK);
    error = put_in_place(net, one);
  }
  if (error == 0 && net->handed)
    handed_settled(net, one->inode);
  answer(net, one->notification, error);
  drop(net, one);
}

void tcp_expire(struct net *net, uint64_t now, uint64_t *next) {
  for (uint32_t i = 0; net->pending_count && i < PENDING_MAX; i++) {
    struct pending *one = &net->pending[i];
    if (!one->used)
      continue;
    if (one->deadline && one->deadline <= now) {
      /* The connection goes on behind the caller's back, as with SO_SNDTIMEO. socket(7) */
      int error = EINPROGRESS;
      if (one->place >= 0) {
        fcntl(one->file, F_SETFL, fcntl(one->file, F_GETFL) & ~O_NONBLOCK);
        int failed = put_in_place(net, one);
        error = failed ? failed : error;
      }
      if (net->handed)
        handed_connecting(net, one->inode);
      answer(net, one->notification, error);
      forget(net, one);
    } else if (!wb_watch_valid(net->watch, one->notification)) {
      forget(net, one); /* killed, or interrupted */
    } else {
      sooner_of(next, one->deadline);
      sooner_of(next, now + 1000000000u);
    }
  }
}

void tcp_close(struct net *net) {
  for (uint32_t i = 0; net->pending && i < PENDING_MAX; i++)
    if (net->pending[i].used)
      forget(net, &net->pending[i]);
}
