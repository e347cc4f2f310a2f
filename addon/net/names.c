/* Keeps which name led to which address: what the resolver answered, for as long as programs may go
 * on using it. Called by resolver.c; rules.c reads it. Also addresses as the kernel has them. */
#include <string.h>

#include "net.h"

/* Programs keep addresses longer than they should, and connect again. */
#define AT_LEAST_S 600
#define AT_MOST_S 86400

void net_learn(struct net *net, const struct address *address, const char *name, uint32_t ttl) {
  const uint64_t now = wb_now_ns();
  const uint64_t seconds = ttl < AT_LEAST_S ? AT_LEAST_S : ttl > AT_MOST_S ? AT_MOST_S : ttl;
  struct learned *place = NULL;
  for (uint32_t i = 0; i < net->learned_count; i++) {
    struct learned *one = &net->learned[i];
    if (memcmp(one->address.bytes, address->bytes, 16) == 0 && strcmp(one->name, name) == 0) {
      one->since = now;
      one->expires = now + seconds * 1000000000u;
      return;
    }
    if (!place || one->expires < place->expires)
      place = one;
  }
  /* Where it is full, what ends first gives way. */
  if (net->learned_count < LEARNED_MAX)
    place = &net->learned[net->learned_count++];
  place->address = *address;
  place->since = now;
  place->expires = now + seconds * 1000000000u;
  strncpy(place->name, name, NAME_ROOM - 1);
  place->name[NAME_ROOM - 1] = 0;
}

const char *net_known_as(const struct net *net, const struct address *address) {
  const uint64_t now = wb_now_ns();
  const struct learned *last = NULL;
  for (uint32_t i = 0; i < net->learned_count; i++) {
    const struct learned *one = &net->learned[i];
    if (memcmp(one->address.bytes, address->bytes, 16) == 0 && one->expires > now &&
        (!last || one->since > last->since))
      last = one;
  }
  return last ? last->name : "";
}

int net_from_sockaddr(const void *bytes, size_t size, struct endpoint *to) {
  sa_family_t family;
  if (size < sizeof family)
    return 0;
  memcpy(&family, bytes, sizeof family);
  if (family == AF_INET && size >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in in;
    memcpy(&in, bytes, sizeof in);
    memset(to->address.bytes, 0, 10);
    to->address.bytes[10] = to->address.bytes[11] = 255;
    memcpy(to->address.bytes + 12, &in.sin_addr, 4);
    to->port = ntohs(in.sin_port);
    return 1;
  }
  if (family == AF_INET6 && size >= 24) { /* SIN6_LEN_RFC2133: the kernel takes it as well */
    struct sockaddr_in6 in = {0};
    memcpy(&in, bytes, size < sizeof in ? size : sizeof in);
    memcpy(to->address.bytes, &in.sin6_addr, 16);
    to->port = ntohs(in.sin6_port);
    return 1;
  }
  return 0;
}

socklen_t net_to_sockaddr(const struct endpoint *from, int family, struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  if (family == AF_INET) {
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    in->sin_family = AF_INET;
    in->sin_port = htons(from->port);
    memcpy(&in->sin_addr, from->address.bytes + 12, 4);
    return sizeof *in;
  }
  struct sockaddr_in6 *in = (struct sockaddr_in6 *)out;
  in->sin6_family = AF_INET6;
  in->sin6_port = htons(from->port);
  memcpy(&in->sin6_addr, from->address.bytes, 16);
  return sizeof *in;
}
