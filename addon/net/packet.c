/* See packet.h. Called by udp.c; test/unit/native/packets_test.c damages its input. RFC 791, 768,
 * 792, 8200, 4443
 */
#include <string.h>

#include "packet.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8
#define ICMP_HEADER 8
#define ICMP 1
#define ICMPV6 58

static unsigned get16(const unsigned char *at) {
  return (unsigned)at[0] << 8 | at[1];
}

static void put16(unsigned char *at, size_t value) {
  at[0] = (unsigned char)(value >> 8);
  at[1] = (unsigned char)value;
}

static uint32_t sum(uint32_t start, const unsigned char *bytes, size_t size) {
  for (size_t i = 0; i + 1 < size; i += 2)
    start += get16(bytes + i);
  if (size & 1)
    start += (uint32_t)bytes[size - 1] << 8;
  return start;
}

static unsigned folded(uint32_t total) {
  while (total >> 16)
    total = (total & 0xffff) + (total >> 16);
  return ~total & 0xffff;
}

static void mapped(struct address *address, const unsigned char bytes[4]) {
  memset(address->bytes, 0, 10);
  address->bytes[10] = address->bytes[11] = 255;
  memcpy(address->bytes + 12, bytes, 4);
}

int packet_read(const unsigned char *bytes, size_t size, struct packet *packet) {
  size_t header, end;
  if (size >= IPV4_HEADER && bytes[0] >> 4 == 4) {
    header = (bytes[0] & 15u) * 4;
    end = get16(bytes + 2);
    if (header < IPV4_HEADER || end < header || end > size || (get16(bytes + 6) & 0x3fff) != 0)
      return 0;
    packet->family = AF_INET;
    packet->protocol = bytes[9];
    mapped(&packet->from.address, bytes + 12);
    mapped(&packet->to.address, bytes + 16);
  } else if (size >= IPV6_HEADER && bytes[0] >> 4 == 6) {
    header = IPV6_HEADER;
    end = header + get16(bytes + 4);
    if (end > size)
      return 0;
    packet->family = AF_INET6;
    packet->protocol = bytes[6];
    memcpy(packet->from.address.bytes, bytes + 8, 16);
    memcpy(packet->to.address.bytes, bytes + 24, 16);
  } else {
    return 0;
  }
  packet->from.port = packet->to.port = 0;
  packet->data = bytes + end;
  packet->size = 0;
  if (packet->protocol != PACKET_UDP && packet->protocol != PACKET_TCP)
    return 1;
  if (end - header < UDP_HEADER)
    return 0;
  packet->from.port = (uint16_t)get16(bytes + header);
  packet->to.port = (uint16_t)get16(bytes + header + 2);
  if (packet->protocol == PACKET_UDP) {
    const size_t length = get16(bytes + header + 4);
    if (length < UDP_HEADER || length > end - header)
      return 0;
    packet->data = bytes + header + UDP_HEADER;
    packet->size = length - UDP_HEADER;
  }
  return 1;
}

/* The header for `size` bytes behind it; returns its own size. */
static size_t write_ip(int family, const unsigned char *from, const unsigned char *to,
                       unsigned protocol, size_t size, unsigned char *out) {
  if (family == AF_INET) {
    memset(out, 0, IPV4_HEADER);
    out[0] = 0x45;
    put16(out + 2, IPV4_HEADER + size);
    out[6] = 0x40; /* not to be taken apart */
    out[8] = 64;
    out[9] = (unsigned char)protocol;
    memcpy(out + 12, from + 12, 4);
    memcpy(out + 16, to + 12, 4);
    put16(out + 10, folded(sum(0, out, IPV4_HEADER)));
    return IPV4_HEADER;
  }
  memset(out, 0, IPV6_HEADER);
  out[0] = 0x60;
  put16(out + 4, size);
  out[6] = (unsigned char)protocol;
  out[7] = 64;
  memcpy(out + 8, from, 16);
  memcpy(out + 24, to, 16);
  return IPV6_HEADER;
}

/* Returns the sum of what checksums of UDP and ICMPv6 cover beside their packet. */
static uint32_t pseudo(int family, const unsigned char *from, const unsigned char *to,
                       unsigned protocol, size_t size) {
  uint32_t total =
      family == AF_INET ? sum(sum(0, from + 12, 4), to + 12, 4) : sum(sum(0, from, 16), to, 16);
  return total + protocol + (uint32_t)size;
}

size_t packet_write_udp(int family, const struct endpoint *from, const struct endpoint *to,
                        const unsigned char *data, size_t size, unsigned char *out) {
  const size_t header = family == AF_INET ? IPV4_HEADER : IPV6_HEADER;
  const size_t length = UDP_HEADER + size;
  if (header + length > PACKET_MAX)
    return 0;
  write_ip(family, from->address.bytes, to->address.bytes, PACKET_UDP, length, out);
  unsigned char *udp = out + header;
  put16(udp, from->port);
  put16(udp + 2, to->port);
  put16(udp + 4, length);
  put16(udp + 6, 0);
  if (size)
    memcpy(udp + UDP_HEADER, data, size);
  unsigned check = folded(
      sum(pseudo(family, from->address.bytes, to->address.bytes, PACKET_UDP, length), udp, length));
  put16(udp + 6, check ? check : 0xffff);
  return header + length;
}

static int is_group(const struct packet *packet) {
  const unsigned char *to = packet->to.address.bytes;
  return packet->family == AF_INET ? to[12] >= 224 : to[0] == 255;
}

size_t packet_write_unreachable(const unsigned char *bytes, size_t size, enum unreachable why,
                                unsigned char *out) {
  /* Ours are numbers that a gateway would have: ICMP types 3 and 1 with their codes. */
  static const unsigned char codes4[] = {13, 3, 1}, codes6[] = {1, 4, 3};
  struct packet packet;
  if (!packet_read(bytes, size, &packet) || is_group(&packet) || packet.protocol == ICMP ||
      packet.protocol == ICMPV6)
    return 0;
  const int v4 = packet.family == AF_INET;
  const size_t header = v4 ? IPV4_HEADER : IPV6_HEADER;
  const size_t most = v4 ? (bytes[0] & 15u) * 4 + 8 : 1232 - ICMP_HEADER;
  const size_t quoted = size < most ? size : most;
  const unsigned protocol = v4 ? ICMP : ICMPV6;
  const unsigned char *from = packet.to.address.bytes, *to = packet.from.address.bytes;
  write_ip(packet.family, from, to, protocol, ICMP_HEADER + quoted, out);
  unsigned char *icmp = out + header;
  memset(icmp, 0, ICMP_HEADER);
  icmp[0] = v4 ? 3 : 1;
  icmp[1] = v4 ? codes4[why] : codes6[why];
  memcpy(icmp + ICMP_HEADER, bytes, quoted);
  const uint32_t start = v4 ? 0 : pseudo(AF_INET6, from, to, ICMPV6, ICMP_HEADER + quoted);
  put16(icmp + 2, folded(sum(start, icmp, ICMP_HEADER + quoted)));
  return header + ICMP_HEADER + quoted;
}
