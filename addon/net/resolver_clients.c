/* Clients of the resolver that ask by TCP: one query at a time on each connection, answered before
 * the next is read. Called by resolver.c, which has the queries. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "resolver.h"

#define IDLE_NS 15000000000u

void resolver_drop_client(struct resolver *resolver, int index) {
  struct client *client = &resolver->clients[index];
  if (client->file < 0)
    return;
  close(client->file);
  free(client->out);
  memset(client, 0, sizeof *client);
  client->file = -1;
  for (int i = 0; i < QUERIES_MAX; i++)
    if (resolver->queries[i].client == index && resolver_is_used(&resolver->queries[i]))
      resolver->queries[i].client = -2; /* its answer is dropped */
}

static void write_client(struct net *net, int index) {
  struct client *client = &net->resolver->clients[index];
  while (client->out && client->written < client->size) {
    ssize_t n = send(client->file, client->out + client->written, client->size - client->written,
                     MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) {
      net_rewatch(net, client->file, EPOLLOUT, SOURCE_DNS_CLIENT, (uint32_t)index);
      return;
    }
    if (n <= 0) {
      resolver_drop_client(net->resolver, index);
      return;
    }
    client->written += (size_t)n;
  }
  free(client->out);
  client->out = NULL;
  client->read = 0; /* the next query */
  net_rewatch(net, client->file, EPOLLIN, SOURCE_DNS_CLIENT, (uint32_t)index);
}

void resolver_reply_client(struct net *net, int index, const unsigned char *message, size_t size) {
  struct resolver *resolver = net->resolver;
  struct client *client = &resolver->clients[index];
  client->out = malloc(size + 2);
  if (!client->out) {
    resolver_drop_client(resolver, index);
    return;
  }
  client->out[0] = (unsigned char)(size >> 8);
  client->out[1] = (unsigned char)size;
  memcpy(client->out + 2, message, size);
  client->size = size + 2;
  client->written = 0;
  client->last = wb_now_ns();
  write_client(net, index);
}

int resolver_client_ready(struct net *net, uint32_t index, size_t *size) {
  struct client *client = &net->resolver->clients[index];
  if (index >= CLIENTS_MAX || client->file < 0)
    return 0;
  if (client->out) {
    write_client(net, (int)index);
    return 0;
  }
  /* A query's length is read, then exactly that: what follows waits in the socket, as the second
   * query of getaddrinfo(3), which is sent with the first. */
  for (;;) {
    *size = (size_t)client->in[0] << 8 | client->in[1];
    const size_t wanted = client->read < 2 ? 2 : 2 + (*size <= QUERY_SIZE ? *size : QUERY_SIZE);
    if (client->read >= 2 && client->read >= wanted)
      break;
    ssize_t n = recv(client->file, client->in + client->read, wanted - client->read, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
      return 0;
    if (n <= 0) {
      resolver_drop_client(net->resolver, (int)index);
      return 0;
    }
    client->read += (size_t)n;
    client->last = wb_now_ns();
  }
  net_rewatch(net, client->file, 0, SOURCE_DNS_CLIENT, index);
  return 1;
}

/* Others have this loopback as well, so only expected ports are answered. */
static int is_expected(struct resolver *resolver, const struct sockaddr_in *from) {
  const uint16_t port = ntohs(from->sin_port);
  for (int i = 0; port && i < EXPECTED_PORTS; i++)
    if (resolver->expected[i] == port) {
      resolver->expected[i] = 0;
      return 1;
    }
  return 0;
}

int resolver_is_expected_datagram(const struct net *net, const struct sockaddr_in *from) {
  const uint16_t port = ntohs(from->sin_port);
  for (int i = 0; port && i < DATAGRAM_FLOWS_MAX; i++)
    if (net->datagram_ports[i] == port)
      return from->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
  return 0;
}

void resolver_accept(struct net *net) {
  struct resolver *resolver = net->resolver;
  struct sockaddr_in from = {0};
  socklen_t size = sizeof from;
  int file =
      accept4(resolver->listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (file < 0)
    return;
  if (resolver->port && !is_expected(resolver, &from)) {
    close(file);
    return;
  }
  for (uint32_t i = 0; i < CLIENTS_MAX; i++)
    if (resolver->clients[i].file < 0 && net_watch(net, file, EPOLLIN, SOURCE_DNS_CLIENT, i) == 0) {
      resolver->clients[i].file = file;
      resolver->clients[i].last = wb_now_ns();
      return;
    }
  close(file);
}

/* Returns whether a question is open about a client's query. */
static int is_asking(const struct resolver *resolver, int client) {
  for (int i = 0; i < QUERIES_MAX; i++)
    if (resolver->queries[i].asking && resolver->queries[i].client == client)
      return 1;
  return 0;
}

void resolver_expire_clients(struct resolver *resolver, uint64_t now, uint64_t *next) {
  for (int i = 0; i < CLIENTS_MAX; i++) {
    if (resolver->clients[i].file < 0)
      continue;
    if (resolver->clients[i].last + IDLE_NS <= now && !is_asking(resolver, i))
      resolver_drop_client(resolver, i);
    else
      sooner_of(next, resolver->clients[i].last + IDLE_NS);
  }
}
