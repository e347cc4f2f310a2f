/*
 * The resolver that a sandbox with rules has: it answers for names that are allowed, by asking the
 * host's resolvers, and remembers what it answered. Called by engine.c.
 *
 *   client inside ─ 127.0.0.53 ─▶ dns_read_query ─▶ allowed? ─▶ a socket and an id for this query
 *   alone ─▶ resolver of the host ─▶ dns_pass_on, net_learn ─▶ client
 *
 * Who asks by TCP is answered by TCP on both ways (resolver_clients.c). A resolver that is silent
 * gives way to the next.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "../supervisor/ask.h"
#include "dns.h"
#include "net.h"
#include "resolver.h"

#define TRY_NS 2500000000u /* until the next resolver is asked */
#define TRIES 4

static struct resolver *resolver_of(struct net *net) {
  if (net->resolver)
    return net->resolver;
  struct resolver *resolver = calloc(1, sizeof *resolver);
  if (!resolver)
    return NULL;
  resolver->udp = resolver->listener = -1;
  for (int i = 0; i < QUERIES_MAX; i++)
    resolver->queries[i].file = -1;
  for (int i = 0; i < CLIENTS_MAX; i++)
    resolver->clients[i].file = -1;
  return net->resolver = resolver;
}

int resolver_receive(struct net *net, uint32_t what, int file) {
  struct resolver *resolver = resolver_of(net);
  int *place = !resolver                    ? NULL
               : what == WB_NETWORK_DNS_UDP ? &resolver->udp
               : what == WB_NETWORK_DNS_TCP ? &resolver->listener
                                            : NULL;
  const enum source source = what == WB_NETWORK_DNS_UDP ? SOURCE_DNS_UDP : SOURCE_DNS_LISTENER;
  if (!place || *place >= 0 || net_watch(net, file, EPOLLIN, source, 0) < 0)
    return -1;
  *place = file;
  return 0;
}

static void end_query(struct query *query) {
  if (query->file >= 0)
    close(query->file);
  free(query->buffer);
  memset(query, 0, sizeof *query);
  query->file = -1;
}

static void reply(struct net *net, const struct query *query, const unsigned char *message,
                  size_t size) {
  struct resolver *resolver = net->resolver;
  if (query->client == -1) {
    sendto(resolver->udp, message, size, MSG_NOSIGNAL | MSG_DONTWAIT,
           (const struct sockaddr *)&query->from, sizeof query->from);
    return;
  }
  if (query->client >= 0)
    resolver_reply_client(net, query->client, message, size);
}

static void refuse(struct net *net, const struct query *query, int code) {
  struct resolver *resolver = net->resolver;
  reply(net, query, resolver->answer,
        dns_write_refusal(query->message, &query->question, code, 0, resolver->answer));
}

/* localhost and what is below it (RFC 6761), and what gethostname(2) says inside: the sandbox
 * itself, whatever the rules are. */
static int is_own_name(const struct net *net, const char *name) {
  static const char tail[] = "localhost";
  const size_t length = strlen(name), size = sizeof tail - 1;
  const uint32_t own = net->plan->hostname;
  if (own && strcmp(name, wb_plan_at(net->plan, own)) == 0)
    return 1;
  return length >= size && strcmp(name + length - size, tail) == 0 &&
         (length == size || name[length - size - 1] == '.');
}

static void answer_loopback(struct net *net, const struct query *query) {
  static const unsigned char ipv4[4] = {127, 0, 0, 1}, ipv6[16] = {[15] = 1};
  unsigned char *out = net->resolver->answer;
  const uint16_t type = query->question.type;
  size_t size = dns_write_refusal(query->message, &query->question, DNS_NOERROR, 0, out);
  if (type == DNS_TYPE_A)
    size = dns_add_address(out, size, ipv4, sizeof ipv4);
  else if (type == DNS_TYPE_AAAA)
    size = dns_add_address(out, size, ipv6, sizeof ipv6);
  reply(net, query, out, size);
}

/* Asks the resolver whose turn it is. Returns -1 where none can be asked. */
static int ask(struct net *net, uint32_t index) {
  struct query *query = &net->resolver->queries[index];
  const uint32_t count = net->plan->net_resolver_count;
  const struct wb_net_address *addresses =
      (const struct wb_net_address *)(const void *)wb_plan_at(net->plan, net->plan->net_resolvers);
  for (; count && query->tries < TRIES; query->tries++) {
    if (query->file >= 0)
      close(query->file);
    struct endpoint to = {.port = 53};
    memcpy(to.address.bytes, &addresses[(uint32_t)query->tries % count], 16);
    const int family = net_is_ipv4(&to.address) ? AF_INET : AF_INET6;
    struct sockaddr_storage raw;
    const socklen_t length = net_to_sockaddr(&to, family, &raw);
    const int stream = query->client >= 0;
    query->file =
        socket(family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (query->file < 0 || getrandom(&query->id, sizeof query->id, 0) != sizeof query->id)
      return -1;
    if (connect(query->file, (struct sockaddr *)&raw, length) < 0 && errno != EINPROGRESS)
      continue;
    unsigned char *packet = net->resolver->scratch;
    query->size = dns_write_query(query->message, &query->question, query->id, packet + 2);
    packet[0] = (unsigned char)(query->size >> 8);
    packet[1] = (unsigned char)query->size;
    query->deadline = wb_now_ns() + TRY_NS;
    query->done = 0;
    if (stream) {
      if (!query->buffer && !(query->buffer = malloc(DNS_MESSAGE_MAX + 2)))
        return -1;
      memcpy(query->buffer, packet, query->size + 2);
    } else if (send(query->file, packet + 2, query->size, MSG_NOSIGNAL) < 0) {
      continue;
    }
    query->tries++;
    return net_watch(net, query->file, stream ? EPOLLOUT : EPOLLIN, SOURCE_DNS_QUERY, index);
  }
  return -1;
}

/* Acts on what was decided about the name of a query: asks on, or refuses. */
static void go_on(struct net *net, uint32_t index, uint32_t verdict) {
  struct query *query = &net->resolver->queries[index];
  /* SVCB and HTTPS have addresses as hints. */
  const int hints = query->question.type == 64 || query->question.type == 65;
  const char *name = query->question.name;
  query->asking = 0;
  if (verdict == WB_ALLOWED && !hints && ask(net, index) == 0)
    return;
  if (verdict != WB_ALLOWED)
    net_note(net, WB_NET_LOOKUP, verdict, NULL, name, NULL);
  else if (!hints)
    net_note(net, WB_NET_LOOKUP, WB_RESOLVER_SILENT, NULL, name, NULL);
  refuse(net, query, verdict != WB_ALLOWED ? DNS_NXDOMAIN : hints ? DNS_NOERROR : DNS_SERVFAIL);
  end_query(query);
}

static void decide(struct wb_asker *asker, const struct wb_watch *watch, struct wb_held *held,
                   uint32_t decision) {
  struct net *net = held->context;
  (void)asker;
  (void)watch;
  for (uint32_t i = 0; net->resolver && i < QUERIES_MAX; i++)
    if (net->resolver->queries[i].asking == held->id)
      go_on(net, i, decision == WB_DECISION_ALLOW ? WB_ALLOWED : WB_REFUSED);
}

/* Asks about a name, once for all that look it up meanwhile: for either kind of address, or again.
 */
static int ask_about(struct net *net, struct query *query) {
  for (uint32_t i = 0; i < QUERIES_MAX; i++) {
    const struct query *other = &net->resolver->queries[i];
    if (other->asking && strcmp(other->question.name, query->question.name) == 0) {
      query->asking = other->asking;
      return 1;
    }
  }
  const struct net_target target = {NULL, 0, query->question.name};
  const struct wb_held *held = net_ask(net, WB_QUESTION_NAME, NULL, &target, -1, decide);
  query->asking = held ? held->id : 0;
  return held != NULL;
}

/* A query from inside; `from` where it came by UDP, else the client. */
static void take_query(struct net *net, const unsigned char *message, size_t size,
                       const struct sockaddr_in *from, int client) {
  struct resolver *resolver = net->resolver;
  uint32_t index = 0;
  while (index < QUERIES_MAX && resolver_is_used(&resolver->queries[index]))
    index++;
  if (size > QUERY_SIZE || size < DNS_HEADER || index == QUERIES_MAX) {
    if (client >= 0)
      resolver_drop_client(resolver, client);
    return; /* by UDP it asks again */
  }
  struct query *query = &resolver->queries[index];
  memset(query, 0, sizeof *query);
  query->file = -1;
  query->client = client;
  if (from)
    query->from = *from;
  memcpy(query->message, message, size);
  query->room = client >= 0 ? DNS_MESSAGE_MAX : 512;
  const int code = dns_read_query(query->message, size, &query->question);
  if (code < 0)
    return;
  /* A client that has room says so (EDNS). */
  if (client < 0 && message[11] == 1 && size >= query->question.end + 11)
    query->room = 1232;
  if (code > 0) {
    refuse(net, query, code);
    return;
  }
  if (is_own_name(net, query->question.name)) {
    answer_loopback(net, query);
    return;
  }
  const uint32_t verdict = net_judge_name(net, query->question.name);
  if (verdict != WB_REFUSED || !ask_about(net, query))
    go_on(net, index, verdict);
}

struct judging {
  struct net *net;
  const char *name;
  int refused, passed;
};

static int address_ok(void *context, const unsigned char *bytes, size_t size, uint32_t ttl) {
  struct judging *judging = context;
  struct endpoint to = {.port = 0};
  if (size == 4) {
    to.address.bytes[10] = to.address.bytes[11] = 255;
    memcpy(to.address.bytes + 12, bytes, 4);
  } else {
    memcpy(to.address.bytes, bytes, 16);
  }
  if (net_answer_allowed(judging->net, &to.address)) {
    net_learn(judging->net, &to.address, judging->name, ttl);
    return judging->passed = 1;
  }
  judging->refused = 1;
  net_note(judging->net, WB_NET_LOOKUP, WB_REFUSED_ADDRESS, &to, judging->name, NULL);
  return 0;
}

static void take_answer(struct net *net, struct query *query, const unsigned char *message,
                        size_t size) {
  struct resolver *resolver = net->resolver;
  struct judging judging = {net, query->question.name, 0, 0};
  size_t length = dns_pass_on(message, size, query->message, &query->question, query->room,
                              address_ok, &judging, resolver->answer);
  /* Cut off: the client asks by TCP, as it would the resolver itself. */
  if ((message[2] & 2) && query->client == -1)
    length = dns_write_refusal(query->message, &query->question, DNS_NOERROR, 1, resolver->answer);
  const int code = message[3] & 15;
  const uint32_t verdict = !length                ? WB_RESOLVER_WRONG
                           : code == DNS_NXDOMAIN ? WB_NAME_UNKNOWN
                           : code != DNS_NOERROR  ? WB_RESOLVER_FAILED
                                                  : WB_ALLOWED;
  /* Where nothing was left of the answer, each of its addresses has been told of. */
  if (verdict != WB_ALLOWED || judging.passed || !judging.refused)
    net_note(net, WB_NET_LOOKUP, verdict, NULL, query->question.name, NULL);
  if (length)
    reply(net, query, resolver->answer, length);
  else
    refuse(net, query, DNS_SERVFAIL);
  end_query(query);
}

static void next_resolver(struct net *net, uint32_t index) {
  struct query *query = &net->resolver->queries[index];
  if (ask(net, index) == 0)
    return;
  refuse(net, query, DNS_SERVFAIL);
  end_query(query);
}

static void stream_ready(struct net *net, uint32_t index) {
  struct query *query = &net->resolver->queries[index];
  if (query->size) { /* still to be sent */
    ssize_t n = send(query->file, query->buffer + query->done, query->size + 2 - query->done,
                     MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN) {
      next_resolver(net, index);
      return;
    }
    query->done += n > 0 ? (size_t)n : 0;
    if (query->done < query->size + 2)
      return;
    query->size = query->done = 0;
    net_rewatch(net, query->file, EPOLLIN, SOURCE_DNS_QUERY, index);
    return;
  }
  ssize_t n = recv(query->file, query->buffer + query->done, DNS_MESSAGE_MAX + 2 - query->done,
                   MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN)
    return;
  if (n <= 0) {
    next_resolver(net, index);
    return;
  }
  query->done += (size_t)n;
  const size_t size = (size_t)query->buffer[0] << 8 | query->buffer[1];
  if (query->done < 2 || query->done < size + 2)
    return;
  if (dns_is_answer(query->buffer + 2, size, query->message, &query->question, query->id))
    take_answer(net, query, query->buffer + 2, size);
  else
    next_resolver(net, index);
}

static void query_ready(struct net *net, uint32_t index) {
  struct resolver *resolver = net->resolver;
  struct query *query = &resolver->queries[index];
  if (index >= QUERIES_MAX || query->file < 0)
    return;
  if (query->buffer) {
    stream_ready(net, index);
    return;
  }
  ssize_t n = recv(query->file, resolver->scratch, DNS_MESSAGE_MAX, MSG_DONTWAIT);
  if (n < 0 && errno != EAGAIN) {
    next_resolver(net, index);
    return;
  }
  /* Ignore what does not answer this query: the real answer may still come. */
  if (n > 0 &&
      dns_is_answer(resolver->scratch, (size_t)n, query->message, &query->question, query->id))
    take_answer(net, query, resolver->scratch, (size_t)n);
}

static void take_client(struct net *net, uint32_t index) {
  size_t size = 0;
  if (resolver_client_ready(net, index, &size))
    take_query(net, net->resolver->clients[index].in + 2, size, NULL, (int)index);
}

void resolver_ready(struct net *net, enum source source, uint32_t index) {
  struct resolver *resolver = net->resolver;
  if (source == SOURCE_DNS_QUERY) {
    query_ready(net, index);
  } else if (source == SOURCE_DNS_CLIENT) {
    take_client(net, index);
  } else if (source == SOURCE_DNS_LISTENER) {
    resolver_accept(net);
  } else {
    unsigned char message[QUERY_SIZE + 1];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    for (int i = 0; i < 16; i++) {
      ssize_t n = recvfrom(resolver->udp, message, sizeof message, MSG_DONTWAIT,
                           (struct sockaddr *)&from, &length);
      if (n < 0)
        break;
      /* Others have this loopback as well. */
      if (resolver->datagram_port && !resolver_is_expected_datagram(net, &from))
        continue;
      take_query(net, message, (size_t)n, &from, -1);
    }
  }
}

void resolver_expire(struct net *net, uint64_t now, uint64_t *next) {
  struct resolver *resolver = net->resolver;
  if (!resolver)
    return;
  for (uint32_t i = 0; i < QUERIES_MAX; i++) {
    struct query *query = &resolver->queries[i];
    if (query->file >= 0 && query->deadline <= now) {
      /* Report it at once: the program may give up before the last resolver is asked. */
      if (query->tries == 1)
        net_note(net, WB_NET_LOOKUP, WB_RESOLVER_SILENT, NULL, query->question.name, NULL);
      next_resolver(net, i);
    }
    if (resolver->queries[i].file >= 0)
      sooner_of(next, resolver->queries[i].deadline);
  }
  resolver_expire_clients(resolver, now, next);
}

void resolver_close(struct net *net) {
  struct resolver *resolver = net->resolver;
  if (!resolver)
    return;
  for (int i = 0; i < QUERIES_MAX; i++)
    if (resolver->queries[i].file >= 0)
      end_query(&resolver->queries[i]);
  for (int i = 0; i < CLIENTS_MAX; i++)
    resolver_drop_client(resolver, i);
  if (resolver->udp >= 0)
    close(resolver->udp);
  if (resolver->listener >= 0)
    close(resolver->listener);
  free(resolver);
  net->resolver = NULL;
}
