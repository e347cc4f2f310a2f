/*
 * Damages at random what comes from inside and from resolvers: addon/net/dns.c and packet.c read it
 * under the sanitizers. Built and run by addon/test.mjs; an argument is the number of rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../../../addon/net/dns.h"
#include "../../../addon/net/packet.h"

static int failures;

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      printf("line %d: %s\n", __LINE__, #condition);                                               \
      failures++;                                                                                  \
    }                                                                                              \
  } while (0)

static uint32_t state = 1;
static uint32_t below(uint32_t n) {
  state = state * 1664525u + 1013904223u;
  return (uint32_t)(((uint64_t)state * n) >> 32);
}

static size_t put_query(unsigned char *out, const char *labels, size_t length, unsigned type) {
  static const unsigned char head[12] = {0x12, 0x34, 1, 0, 0, 1};
  memcpy(out, head, 12);
  memcpy(out + 12, labels, length);
  const unsigned char tail[] = {0, (unsigned char)type, 0, 1};
  memcpy(out + 12 + length, tail, 4);
  return 16 + length;
}

static const char labels[] = "\3WWW\7Example\3com";

static int take_odd(void *context, const unsigned char *bytes, size_t size, uint32_t ttl) {
  (void)ttl;
  ++*(int *)context;
  return bytes[size - 1] & 1;
}

/* An answer with an alias, then `count` addresses, under compressed names. */
static size_t put_answer(unsigned char *out, size_t question, unsigned count) {
  static const unsigned char alias[] = {0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12};
  out[2] |= 0x80;
  out[6] = (unsigned char)((count + 1) >> 8);
  out[7] = (unsigned char)(count + 1);
  memcpy(out + question, alias, sizeof alias);
  size_t at = question + sizeof alias;
  for (unsigned i = 0; i < count; i++, at += 16) {
    const unsigned char record[16] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 93, 184, 216,
                                      (unsigned char)i};
    memcpy(out + at, record, sizeof record);
  }
  return at;
}

static void good(void) {
  static unsigned char query[512], answer[70000], out[70000];
  struct dns_question question;
  size_t size = put_query(query, labels, sizeof labels, 1);
  CHECK(dns_read_query(query, size, &question) == 0);
  CHECK(strcmp(question.name, "www.example.com") == 0);
  memcpy(answer, query, size);
  int seen = 0;
  size_t length = put_answer(answer, question.end, 9);
  CHECK(dns_is_answer(answer, length, query, &question, question.id));
  CHECK(!dns_is_answer(answer, length, query, &question, (uint16_t)(question.id + 1)));
  size_t passed = dns_pass_on(answer, length, query, &question, 512, take_odd, &seen, out);
  CHECK(seen == 9 && out[7] == 4 && passed == question.end + 4 * 16);
  /* More than is passed on, and more than there is room for. */
  length = put_answer(answer, question.end, 4000);
  seen = 0;
  passed = dns_pass_on(answer, length, query, &question, 65535, take_odd, &seen, out);
  CHECK(out[7] == DNS_ANSWERS_MAX && seen <= 2 * DNS_ANSWERS_MAX + 1);
  passed = dns_pass_on(answer, length, query, &question, 512, take_odd, &seen, out);
  CHECK(passed == question.end && (out[2] & 2));
  /* A count that the message does not have. */
  answer[6] = 255;
  CHECK(dns_pass_on(answer, question.end + 30, query, &question, 512, take_odd, &seen, out) == 0);
}

static int take_any(void *context, const unsigned char *bytes, size_t size, uint32_t ttl) {
  (void)ttl;
  *(int *)context |= 1 << bytes[size - 1];
  return 1;
}

static size_t put_record(unsigned char *out, const char *owner, size_t length, unsigned type,
                         const char *data, size_t size) {
  const unsigned char fixed[10] = {0, (unsigned char)type, 0, 1, 0, 0, 0, 60, 0, (unsigned char)size};
  memcpy(out, owner, length);
  memcpy(out + length, fixed, sizeof fixed);
  memcpy(out + length + sizeof fixed, data, size);
  return length + sizeof fixed + size;
}

#define ALIAS "\5Alias\3net"
#define OTHER "\5other\3net"

/* The answer has only what belongs to the name that was asked for, or to what it is an alias of. */
static void aliases(void) {
  static unsigned char query[512], answer[2048], out[2048];
  struct dns_question question;
  size_t size = put_query(query, labels, sizeof labels, 1);
  CHECK(dns_read_query(query, size, &question) == 0);
  memcpy(answer, query, size);
  answer[2] |= 0x80;
  answer[7] = 4;
  size = question.end;
  size += put_record(answer + size, ALIAS, sizeof ALIAS, 1, "\135\270\330\1", 4);
  size += put_record(answer + size, OTHER, sizeof OTHER, 1, "\135\270\330\2", 4);
  size += put_record(answer + size, "\300\14", 2, 5, ALIAS, sizeof ALIAS);
  size += put_record(answer + size, "\300\14", 2, 1, "\135\270\330\3", 4);
  int seen = 0;
  CHECK(dns_pass_on(answer, size, query, &question, 512, take_any, &seen, out) ==
        question.end + 16);
  CHECK(seen == 1 << 1 && out[7] == 1);
  /* Two that are aliases of each other end nowhere. */
  answer[7] = 2;
  size = question.end;
  size += put_record(answer + size, "\300\14", 2, 5, ALIAS, sizeof ALIAS);
  size += put_record(answer + size, ALIAS, sizeof ALIAS, 5, "\300\14", 2);
  CHECK(dns_pass_on(answer, size, query, &question, 512, take_any, &seen, out) == 0);
}

static void names(void) {
  unsigned char query[512];
  struct dns_question question;
  static const struct {
    const char *labels;
    size_t size;
  } bad[] = {{"\4a\0bc", 6}, {"\4a.bc", 6}, {"\5a\r\nbc", 7}, {"\3a b", 5},
             {"\3a%b", 5},   {"\300\14", 3}, {"\100aa", 4},   {"\77aa", 4}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK(dns_read_query(query, put_query(query, bad[i].labels, bad[i].size, 1), &question) ==
          DNS_FORMERR);
  CHECK(dns_read_query(query, put_query(query, labels, sizeof labels, 255), &question) ==
        DNS_NOTIMP);
}

static void packets(void) {
  unsigned char bytes[2048], out[4096];
  struct packet packet;
  for (int family = 0; family < 2; family++) {
    struct endpoint from = {.port = 4000}, to = {.port = 53};
    if (family) {
      from.address.bytes[0] = 0x20, from.address.bytes[15] = 1;
      to.address.bytes[0] = 0x26, to.address.bytes[15] = 2;
    } else {
      memcpy(from.address.bytes + 10, "\377\377\306\22\0\2", 6);
      memcpy(to.address.bytes + 10, "\377\377\135\270\330\42", 6);
    }
    size_t size = packet_write_udp(family ? AF_INET6 : AF_INET, &from, &to,
                                   (const unsigned char *)"hello", 5, bytes);
    CHECK(packet_read(bytes, size, &packet) && packet.size == 5 && packet.protocol == PACKET_UDP);
    CHECK(memcmp(packet.data, "hello", 5) == 0 && packet.from.port == 4000 && packet.to.port == 53);
    CHECK(memcmp(packet.to.address.bytes, to.address.bytes, 16) == 0);
    CHECK(packet_write_unreachable(bytes, size, BY_RULE, out) > size);
    for (size_t cut = 0; cut < size; cut++)
      CHECK(!packet_read(bytes, cut, &packet));
  }
  CHECK(packet_write_udp(AF_INET, &packet.from, &packet.to, bytes, 65535, out) == 0);
}

/* Each input is in memory of just its size. */
static void damage(uint32_t rounds) {
  static unsigned char model[4096], query[512], out[70000];
  struct dns_question question;
  size_t asked = put_query(query, labels, sizeof labels, 1);
  dns_read_query(query, asked, &question);
  for (uint32_t round = 0; round < rounds; round++) {
    size_t size;
    const int what = (int)below(3);
    if (what == 2) {
      struct endpoint from = {.port = 1}, to = {.port = 2};
      size = packet_write_udp(below(2) ? AF_INET : AF_INET6, &from, &to, query, below(64), model);
    } else {
      memcpy(model, query, asked);
      size = what ? put_answer(model, question.end, below(20)) : asked;
    }
    unsigned char *bytes = malloc(size + 1);
    const size_t cut = below(4) ? size : below((uint32_t)size + 1);
    unsigned char *exact = bytes + (size + 1 - cut);
    memcpy(exact, model, cut);
    for (uint32_t n = below(8); n && cut; n--)
      exact[below((uint32_t)cut)] = (unsigned char)below(256);
    int seen = 0;
    struct dns_question other;
    struct packet packet;
    const int code = dns_read_query(exact, cut, &other);
    if (code >= 0)
      CHECK(dns_write_refusal(exact, &other, code, 0, out) <= cut);
    if (code == 0)
      CHECK(strlen(other.name) <= DNS_NAME_MAX && dns_write_query(exact, &other, 7, out) > 0);
    if (dns_is_answer(exact, cut, query, &question, 0x1234))
      CHECK(dns_pass_on(exact, cut, query, &question, 512, take_odd, &seen, out) <= 512);
    if (packet_read(exact, cut, &packet))
      CHECK(packet.size <= cut);
    packet_write_unreachable(exact, cut, BY_PORT, out);
    free(bytes);
  }
}

int main(int argc, char **argv) {
  good();
  aliases();
  names();
  packets();
  damage(argc > 1 ? (uint32_t)atol(argv[1]) : 200000);
  printf(failures ? "packets: %d failures\n" : "packets: ok\n", failures);
  return failures != 0;
}
