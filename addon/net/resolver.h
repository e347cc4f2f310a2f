/* Declares what resolver.c, which has the queries, resolver_clients.c, which has the
 * connections of clients by TCP, and resolver_ports.c share. Only these include it: net.h has
 * what engine.c calls. */
#ifndef WB_NET_RESOLVER_H
#define WB_NET_RESOLVER_H

#include "dns.h"
#include "net.h"

#define QUERIES_MAX 128
#define CLIENTS_MAX 32
#define QUERY_SIZE 512
#define EXPECTED_PORTS 64

struct client { /* by TCP */
  int file;     /* -1: free */
  uint64_t last;
  size_t read, written, size;
  unsigned char in[2 + QUERY_SIZE];
  unsigned char *out; /* what is still to be written, owned; NULL: nothing */
};

struct query {
  int file;        /* to the host's resolver, owned; -1: free, or waiting */
  uint64_t asking; /* the question that it waits for; 0: none */
  int client;      /* -1: came by UDP, from `from` */
  int tries;
  struct sockaddr_in from;
  uint16_t id;
  uint64_t deadline;
  struct dns_question question;
  size_t size;
  unsigned char message[QUERY_SIZE];
  size_t room; /* that the client has */
  /* The bytes that went by TCP: the query with its length ahead, then the answer. */
  size_t done;
  unsigned char *buffer;
};

struct resolver {
  int udp, listener;
  uint16_t port, datagram_port;      /* where the host's network is shared; else 0 */
  uint16_t expected[EXPECTED_PORTS]; /* of the payload's connections to it; 0: free */
  uint32_t next_expected;
  struct query queries[QUERIES_MAX];
  struct client clients[CLIENTS_MAX];
  unsigned char scratch[DNS_MESSAGE_MAX + 2], answer[DNS_MESSAGE_MAX + 2];
};

static inline int resolver_is_used(const struct query *query) {
  return query->file >= 0 || query->asking;
}

/* resolver_clients.c */
/* Returns, for a datagram on a loopback that others have as well, whether the payload sent it. */
int resolver_is_expected_datagram(const struct net *net, const struct sockaddr_in *from);
void resolver_accept(struct net *net);
/* 1 where a query has come whole: `size` bytes at in + 2 of the client, unless they are more than
 * QUERY_SIZE. */
int resolver_client_ready(struct net *net, uint32_t index, size_t *size);
/* Copies the message. The client is dropped where there is no memory for it, or it is gone. */
void resolver_reply_client(struct net *net, int index, const unsigned char *message, size_t size);
/* Answers to the client's queries are dropped from now on. */
void resolver_drop_client(struct resolver *resolver, int index);
/* Drops those that are silent; `*next` becomes no later than the next one's time. */
void resolver_expire_clients(struct resolver *resolver, uint64_t now, uint64_t *next);

#endif
