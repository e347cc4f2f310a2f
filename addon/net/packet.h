/* IP packets, of version 4 and 6: read with a bound on everything, and written. */
#ifndef WASBOX_PACKET_H
#define WASBOX_PACKET_H

#include "net.h"

#define PACKET_MAX 65535
#define PACKET_UDP 17
#define PACKET_TCP 6

struct packet {
  int family;        /* AF_INET or AF_INET6 */
  unsigned protocol; /* PACKET_UDP …, whatever the packet says */
  struct endpoint from, to;
  const unsigned char *data; /* of UDP */
  size_t size;
};

/* Returns 0 if it is not a whole packet, or a fragment. Ports and data are UDP's and TCP's. */
int packet_read(const unsigned char *bytes, size_t size, struct packet *packet);

/* A UDP packet; `out` has PACKET_MAX bytes. Returns its size, or 0 where the data is too long. */
size_t packet_write_udp(int family, const struct endpoint *from, const struct endpoint *to,
                        const unsigned char *data, size_t size, unsigned char *out);

enum unreachable { BY_RULE, BY_PORT, BY_HOST };

/* The ICMP message that the packet did not arrive. Returns its size, or 0 where none is due. */
size_t packet_write_unreachable(const unsigned char *bytes, size_t size, enum unreachable why,
                                unsigned char *out);

#endif
