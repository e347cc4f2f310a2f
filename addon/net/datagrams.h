/* Declares what datagrams.c, which has the sockets, datagram_calls.c and datagram_transfer.c,
 * which answer the payload's calls on them, share. Only these include it: net.h has what
 * engine.c calls. */
#ifndef WB_NET_DATAGRAMS_H
#define WB_NET_DATAGRAMS_H

#include <linux/seccomp.h>

#include "net.h"

#define DATAGRAM_SOCKETS_MAX 128
#define DATAGRAM_WAITING_MAX 64
#define DATAGRAM_SOURCES_MAX 32
#define DATAGRAM_MAX 65535

/* A datagram that waits in a pair, from where. */
struct arrived {
  struct endpoint from;
  size_t size;
};

struct datagram_socket {
  uint64_t inode;  /* of the payload's end; 0: free */
  int own, theirs; /* the pair: our end, and a copy of the payload's; owned */
  int family;
  int bound, connected;
  struct endpoint peer;
  uint64_t last;
  uint32_t first, count; /* of the ring `arrived` */
  struct arrived arrived[DATAGRAM_SOURCES_MAX];
};

struct datagram_flow {
  int file; /* connected to where it leads, owned; -1: free */
  uint32_t socket;
  struct endpoint to;
  uint64_t last;
  struct destination *noted; /* NULL: there was no room, or it leads to the resolver */
};

/* A call that waits for a datagram. */
struct datagram_waiting {
  uint64_t inode;    /* of the payload's socket; 0: free */
  uint64_t deadline; /* 0: none */
  struct seccomp_notif notif;
};

struct datagrams {
  struct datagram_socket sockets[DATAGRAM_SOCKETS_MAX];
  struct datagram_flow flows[DATAGRAM_FLOWS_MAX];
  struct datagram_waiting waiting[DATAGRAM_WAITING_MAX];
  unsigned char bytes[DATAGRAM_MAX + 1];
};

struct datagram_call {
  struct net *net;
  struct wb_pin *caller;
  struct datagram_socket *socket;
  int64_t value; /* that the call returns */
};

/* Results of a call besides an errno and 0: it is answered later, or the kernel goes on with it. */
#define DATAGRAM_LATER (-1)
#define DATAGRAM_LET (-2)

/* datagram_transfer.c: 0 with `value` set, an errno, or DATAGRAM_LET. EAGAIN: no datagram is there.
 */
int datagram_transfer(struct datagram_call *call);
/* An address of the payload's. Returns 0 with `to` filled in, or an errno. */
int datagram_read_endpoint(const struct datagram_call *call, uint64_t address, uint64_t size,
                           sa_family_t *family, struct endpoint *to);
/* Writes as much of an address as there is room for, and its length, like accept(2). Returns 0 or
 * an errno. */
int datagram_write_endpoint(const struct datagram_call *call, const struct endpoint *from,
                            uint64_t address, uint64_t length_at);

/* datagrams.c */
/* Makes what stands for a UDP socket: the payload's descriptor, owned by the caller; -1 with
 * errno. */
int datagrams_make(struct net *net, int family, int type);
struct datagram_socket *datagrams_find(const struct net *net, uint64_t inode);
/* The flow from a socket to an endpoint, made if there is none: judged, and noted where `note` says
 * so, for the caller or NULL. NULL with errno. */
struct datagram_flow *datagrams_flow(struct net *net, struct datagram_socket *socket,
                                     const struct endpoint *to, struct wb_pin *caller, int note);
/* Sends. Returns 0 or an errno. */
int datagrams_send(struct datagram_flow *flow, const void *bytes, size_t size);
void datagrams_end_flows(struct net *net, const struct datagram_socket *socket);
/* Takes the oldest datagram of a socket into `bytes`, or with MSG_PEEK leaves it there. Returns its
 * size, or -1 with errno: EAGAIN where there is none. */
ssize_t datagrams_receive(struct net *net, struct datagram_socket *socket, int flags,
                          struct endpoint *from);

#endif
