/* Where the resolver is to be reached without a network namespace: at ports of the host's loopback,
 * to which connections and datagrams to its known address lead. Called by engine.c, tcp.c and
 * datagrams.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "resolver.h"

/* Serves a port of the host's loopback. Returns its number; 0 with errno. */
static uint16_t serve_port(struct net *net, int type, uint32_t what) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  const int file = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (file < 0)
    return 0;
  if (bind(file, (struct sockaddr *)&at, size) < 0 ||
      (type == SOCK_STREAM && listen(file, EXPECTED_PORTS) < 0) ||
      getsockname(file, (struct sockaddr *)&at, &size) < 0 ||
      resolver_receive(net, what, file) < 0) {
    const int error = errno;
    close(file);
    errno = error;
    return 0;
  }
  return ntohs(at.sin_port);
}

int resolver_begin(struct net *net) {
  const uint16_t stream = serve_port(net, SOCK_STREAM, WB_NETWORK_DNS_TCP);
  const uint16_t datagrams = stream ? serve_port(net, SOCK_DGRAM, WB_NETWORK_DNS_UDP) : 0;
  if (!datagrams)
    return -1;
  net->resolver->port = stream;
  net->resolver->datagram_port = datagrams;
  return 0;
}

static int is_resolver(const struct net *net, const struct endpoint *to) {
  static const unsigned char known[16] = {[10] = 255, 255, 127, 0, 0, 53};
  return net->resolver && to->port == 53 && memcmp(to->address.bytes, known, sizeof known) == 0;
}

uint16_t resolver_port(const struct net *net, const struct endpoint *to) {
  return is_resolver(net, to) ? net->resolver->port : 0;
}

uint16_t resolver_datagram_port(const struct net *net, const struct endpoint *to) {
  return is_resolver(net, to) ? net->resolver->datagram_port : 0;
}

void resolver_expect(struct net *net, uint16_t port) {
  struct resolver *resolver = net->resolver;
  resolver->expected[resolver->next_expected++ % EXPECTED_PORTS] = port;
}
