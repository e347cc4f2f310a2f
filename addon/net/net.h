/*
 * The network of a sandbox with rules: what crosses from its namespace to the host's and back.
 *
 *   payload                         supervisor (here)                          host
 *   connect(2) ─ notification ──▶ tcp.c: judge, dial, put in place ──▶ a socket of the host's
 *   resolver's address ──────────▶ resolver.c, dns.c ────────────────▶ the host's resolvers
 *   other packets ─ veth pair ───▶ udp.c: a flow each ────────────────▶ connected UDP sockets
 *   a listener inside ◀─ relay ─── publish.c ◀──────────────────────── a listener of the host's
 *
 * rules.c decides for all of them, on the address that is then dialled and on the names that
 * names.c remembers for it. One thread; nothing here waits.
 */
#ifndef WASBOX_NET_H
#define WASBOX_NET_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "../plan_check.h"
#include "../supervisor/network.h"
#include "../supervisor/pin.h"
#include "../supervisor/supervisor.h"

/* IPv4 as ::ffff:a.b.c.d. */
struct address {
  unsigned char bytes[16];
};

/* The addresses that share their first bits with this one. */
struct block {
  unsigned char bytes[16];
  uint8_t prefix;
};

struct endpoint {
  struct address address;
  uint16_t port;
};

/* Returns whether an address is one of IPv4: ::ffff:0:0/96. */
static inline int net_is_ipv4(const struct address *address) {
  static const unsigned char mapped[12] = {[10] = 255, 255};
  return memcmp(address->bytes, mapped, sizeof mapped) == 0;
}

static inline int net_same(const struct endpoint *a, const struct endpoint *b) {
  return a->port == b->port && memcmp(a->address.bytes, b->address.bytes, 16) == 0;
}

/* The sources that epoll(7) tells of, in the upper half of its data; the lower one is an index. */
enum source {
  SOURCE_PENDING,
  SOURCE_DNS_UDP,
  SOURCE_DNS_LISTENER,
  SOURCE_DNS_CLIENT,
  SOURCE_DNS_QUERY,
  SOURCE_PACKETS,
  SOURCE_FLOW,
  SOURCE_PUBLISHED,
  SOURCE_RELAY_OUTER,
  SOURCE_RELAY_INNER,
  SOURCE_HANDED,
  SOURCE_DATAGRAM,
  SOURCE_DATAGRAM_FLOW,
};

#define PENDING_MAX 1024
#define LEARNED_MAX 2048
#define OWN_MAX 256
#define DATAGRAM_FLOWS_MAX 128
#define NAME_ROOM (WB_NET_NAME_MAX + 3)

/* A connect(2) whose caller waits for its end. */
struct pending {
  int used;
  uint64_t notification;
  uint64_t deadline; /* 0: the kernel's own */
  int file;          /* being connected; owned */
  int place;         /* where it is put in the payload; -1: it is there already */
  uint32_t pid;
  uint64_t inode; /* of the payload's file at that place */
};

struct learned {
  struct address address;
  uint64_t since, expires;
  char name[NAME_ROOM];
};

struct destination {
  struct wb_destination record;
  char name[NAME_ROOM];
  char process[WB_PROCESS_MAX];
};

struct wb_asker;
struct wb_held;
struct resolver;
struct tunnel;
struct publisher;
struct handed_sockets;
struct datagrams;

struct net {
  struct wb_network face; /* first */
  const struct wb_plan *plan;
  const struct wb_net_rule *rules;
  const struct wb_watch *watch;
  uint64_t host_cookie;
  uint64_t next; /* when something expires; 0: nothing does */
  int sandbox;   /* pidfd of init; borrowed */
  int changes;   /* netlink: tells when an address of the host changes */
  int udp_error; /* errno, where there is no way out for UDP; else 0 */
  int own_known;
  uint32_t own_count;
  struct block own[OWN_MAX]; /* each address, with its network */
  uint32_t learned_count;
  struct learned *learned;
  struct destination *destinations;
  uint32_t destination_count;
  uint64_t destinations_dropped;
  struct pending *pending;
  uint32_t pending_count;
  struct resolver *resolver;
  struct tunnel *tunnel;
  struct publisher *publisher;
  struct handed_sockets *handed; /* NULL: the sandbox has a network namespace */
  struct datagrams *datagrams;   /* the same */
  /* The ports of loopback, from which the payload's datagrams to the resolver come; 0: none. */
  uint16_t datagram_ports[DATAGRAM_FLOWS_MAX];
  int resolv_conf; /* a memfd, or -1 */
};

/* sources.c */
/* Returns -1 with errno, EMFILE where few descriptors are left. */
int net_watch(struct net *net, int file, uint32_t events, enum source source, uint32_t index);
int net_rewatch(struct net *net, int file, uint32_t events, enum source source, uint32_t index);
/* Stops watching a file that others have as well: closing it here would leave it watched. */
void net_unwatch(struct net *net, int file);

/* destinations.c: counts one more; NULL where there is no room. `to` may be NULL, and `caller`
 * where no call is behind it. */
struct destination *net_note(struct net *net, uint32_t protocol, uint32_t verdict,
                             const struct endpoint *to, const char *name, struct wb_pin *caller);

/* inside.c: a socket in the sandbox's network, or -1 with errno. */
int net_inside_socket(const struct net *net, int domain, int type);

/* rules.c */
int net_is_inside(const struct address *address);
/* Returns whether a rule names this very address and port of loopback: then it is the host's for
 * TCP. */
int net_is_service(struct net *net, const struct endpoint *to);
/* WB_ALLOWED, WB_REFUSED or WB_DENIED; `name` is set to the name that counted, or "". */
uint32_t net_judge(struct net *net, const struct endpoint *to, uint32_t protocol,
                   const char **name);
/* Judges a name alone: whether it may be looked up. */
uint32_t net_judge_name(const struct net *net, const char *name);
/* Returns whether a name may lead to the address: not to this host, its networks, or nowhere. */
int net_answer_allowed(struct net *net, const struct address *address);

/* names.c */
void net_learn(struct net *net, const struct address *address, const char *name, uint32_t ttl);
/* The name that led to the address last, or "". */
const char *net_known_as(const struct net *net, const struct address *address);

/* names.c: 0 if it is not an internet address. */
int net_from_sockaddr(const void *bytes, size_t size, struct endpoint *to);
socklen_t net_to_sockaddr(const struct endpoint *from, int family, struct sockaddr_storage *out);

/* ask.c */
struct net_target {
  const void *sockaddr;
  size_t size; /* 0: a name alone */
  const char *name;
};
typedef void net_decided(struct wb_asker *asker, const struct wb_watch *watch, struct wb_held *held,
                         uint32_t decision);
int net_may_ask(const struct net *net);
/* Puts a question (WB_QUESTION_*), where the run has an asker: see wb_ask. `held` has the
 * target's bytes and, as its context, `net`. */
struct wb_held *net_ask(struct net *net, uint32_t kind, struct wb_pin *caller,
                        const struct net_target *target, int file, net_decided *decided);
/* Returns what connect(2) says of a destination that is refused: where nothing is allowed at
 * all, what it says of a network that is not there. */
int net_refusal(const struct net *net);

/* tcp.c */
int tcp_take(struct net *net, struct wb_pin *caller);
void tcp_ready(struct net *net, uint32_t index);
void tcp_expire(struct net *net, uint64_t now, uint64_t *next);
void tcp_close(struct net *net);

/* handed.c: the sockets of a run without a network namespace. */
int handed_begin(struct net *net);
/* Answers socket(2), always. Returns 0 where the call is another one. */
int handed_take(struct net *net, struct wb_pin *caller);
/* A descriptor of the socket that the caller has at this number, or -1 with errno: EISCONN for one
 * that is connected or listens. */
int handed_file(const struct net *net, struct wb_pin *caller, int number);
/* It is connected, or listens: nothing more is to be done on it, and only the payload keeps it. */
void handed_settled(struct net *net, uint64_t inode);
/* Notes that it connects: the same holds once it is connected. */
void handed_connecting(struct net *net, uint64_t inode);
void handed_ready(struct net *net, uint32_t index);
/* Lets go of what the caller's process has closed: their ports are free again. */
void handed_release_closed(struct net *net, struct wb_pin *caller);
void handed_close(struct net *net);

/* The inode of a socket that the caller has at this number; 0: none. */
uint64_t handed_inode(struct wb_pin *caller, int number);

/* datagrams.c: UDP of such a run. */
int datagrams_begin(struct net *net);
/* Returns the number of a socket that a datagram, or an errno in `*error`, has arrived for; -1:
 * none. */
int datagrams_ready(struct net *net, enum source source, uint32_t index, int *error);
void datagrams_close(struct net *net);

/* datagram_calls.c: answers the making of such a socket, and a call on one, always. Returns 0 where
 * the call is another one. */
int datagram_calls_take(struct net *net, struct wb_pin *caller);
/* Answers those that wait for a datagram of a socket, as long as there is one; with an error, all.
 */
void datagram_calls_wake(struct net *net, uint32_t socket, int error);
void datagram_calls_expire(struct net *net, uint64_t now, uint64_t *next);

/* resolv_conf.c: opens of /etc/resolv.conf. */
int resolv_conf_begin(struct net *net);
/* 1: answered; 0: the kernel may go on with the call. */
int resolv_conf_take(const struct net *net, struct wb_pin *caller);

/* carry.c: what leads to a socket that another one replaces, besides the number `place`. */
#define CARRIED_MAX 16
struct carried_epoll {
  int number; /* of the epoll */
  int target; /* the socket's number in it */
  uint32_t events;
  uint64_t data;
};
struct carried {
  uint32_t number_count;
  uint32_t epoll_count;
  int numbers[CARRIED_MAX];
  struct carried_epoll epolls[CARRIED_MAX];
};
/* Finds the registrations before the exchange: they go with the old socket's last descriptor. */
void net_carry_find(struct carried *all, struct wb_pin *caller, uint64_t inode, int place);
/* Registers `file` in the epolls after the exchange. */
void net_carry_over(const struct carried *all, struct wb_pin *caller, int file);

/* options.c: what was set on `from` is set on `to`. */
void net_copy_options(int from, int to, int domain);

/* resolver_ports.c */
/* Serves, without a network namespace, two ports of the host's loopback. Returns -1 with errno. */
int resolver_begin(struct net *net);
/* Where connections to the resolver's address lead then; 0: to no resolver. */
uint16_t resolver_port(const struct net *net, const struct endpoint *to);
/* Returns where datagrams to the resolver's address lead. */
uint16_t resolver_datagram_port(const struct net *net, const struct endpoint *to);
/* A connection from this port of loopback is the payload's; all others are closed. */
void resolver_expect(struct net *net, uint16_t port);
/* resolver.c */
int resolver_receive(struct net *net, uint32_t what, int file);
void resolver_ready(struct net *net, enum source source, uint32_t index);
void resolver_expire(struct net *net, uint64_t now, uint64_t *next);
void resolver_close(struct net *net);

/* udp.c */
int tunnel_receive(struct net *net, int file);
void tunnel_ready(struct net *net, enum source source, uint32_t index);
void tunnel_expire(struct net *net, uint64_t now, uint64_t *next);
void tunnel_close(struct net *net);

/* publish.c */
/* Returns -1 with errno; `what` then names the port. */
int publish_begin(struct net *net, char *what, size_t room);
void publish_ready(struct net *net, enum source source, uint32_t index, uint32_t events);
void publish_close(struct net *net);

static inline void sooner_of(uint64_t *next, uint64_t time) {
  if (time && (!*next || time < *next))
    *next = time;
}

#endif
