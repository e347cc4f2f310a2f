/* See dns.h. Called by resolver.c; test/unit/native/packets_test.c damages its input at random. */
#include <string.h>

#include "dns.h"

#define FLAG_ANSWER 0x80
#define FLAG_TRUNCATED 0x02
#define FLAG_RECURSION_DESIRED 0x01
#define FLAG_RECURSION_AVAILABLE 0x80
#define CLASS_IN 1
#define TYPE_CNAME 5
#define TYPE_OPT 41
#define ALIASES_MAX 16
#define UDP_SIZE 1232

static uint16_t get16(const unsigned char *at) {
  return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const unsigned char *at) {
  return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(unsigned char *at, unsigned value) {
  at[0] = (unsigned char)(value >> 8);
  at[1] = (unsigned char)value;
}

/* Text of a name of a question, which is not compressed. Returns where it ends, or 0. */
static size_t read_name(const unsigned char *message, size_t size, size_t at, char *name) {
  size_t used = 0;
  for (;;) {
    if (at >= size)
      return 0;
    const size_t length = message[at++];
    if (length == 0)
      break;
    if (length > 63 || length > size - at || used + length + 1 > DNS_NAME_MAX + 1)
      return 0;
    for (size_t i = 0; i < length; i++) {
      unsigned char c = message[at + i];
      if (c >= 'A' && c <= 'Z')
        c = (unsigned char)(c + 'a' - 'A');
      /* No host is called so: a dot or NUL inside of a label, white space, quotes. */
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
        return 0;
      name[used++] = (char)c;
    }
    name[used++] = '.';
    at += length;
  }
  name[used ? used - 1 : 0] = 0;
  return at;
}

int dns_read_query(const unsigned char *message, size_t size, struct dns_question *question) {
  if (size < DNS_HEADER || size > DNS_MESSAGE_MAX || (message[2] & FLAG_ANSWER))
    return -1;
  question->id = get16(message);
  question->end = DNS_HEADER;
  question->type = question->class = 0;
  question->name[0] = 0;
  if ((message[2] & 0x78) != 0)
    return DNS_NOTIMP;
  if (get16(message + 4) != 1)
    return DNS_FORMERR;
  const size_t end = read_name(message, size, DNS_HEADER, question->name);
  if (end == 0 || size - end < 4)
    return DNS_FORMERR;
  question->type = get16(message + end);
  question->class = get16(message + end + 2);
  question->end = end + 4;
  if (question->class != CLASS_IN || question->type >= 249) /* transfers, ANY */
    return DNS_NOTIMP;
  return 0;
}

static void write_header(unsigned char *out, uint16_t id, unsigned flags, unsigned code,
                         unsigned questions) {
  memset(out, 0, DNS_HEADER);
  put16(out, id);
  out[2] = (unsigned char)flags;
  out[3] = (unsigned char)(FLAG_RECURSION_AVAILABLE | code);
  put16(out + 4, questions);
}

size_t dns_write_query(const unsigned char *query, const struct dns_question *question, uint16_t id,
                       unsigned char *out) {
  static const unsigned char opt[] = {0, 0, TYPE_OPT, UDP_SIZE >> 8, UDP_SIZE & 255, 0, 0, 0,
                                      0, 0, 0};
  write_header(out, id, FLAG_RECURSION_DESIRED, 0, 1);
  out[3] = 0;
  put16(out + 10, 1);
  memcpy(out + DNS_HEADER, query + DNS_HEADER, question->end - DNS_HEADER);
  memcpy(out + question->end, opt, sizeof opt);
  return question->end + sizeof opt;
}

int dns_is_answer(const unsigned char *message, size_t size, const unsigned char *query,
                  const struct dns_question *question, uint16_t id) {
  return size >= question->end && get16(message) == id && (message[2] & FLAG_ANSWER) &&
         get16(message + 4) == 1 &&
         memcmp(message + DNS_HEADER, query + DNS_HEADER, question->end - DNS_HEADER) == 0;
}

size_t dns_write_refusal(const unsigned char *query, const struct dns_question *question, int code,
                         int truncated, unsigned char *out) {
  const int asked = question->end > DNS_HEADER;
  write_header(out, question->id,
               FLAG_ANSWER | (query[2] & FLAG_RECURSION_DESIRED) | (truncated ? FLAG_TRUNCATED : 0),
               (unsigned)code, asked ? 1 : 0);
  memcpy(out + DNS_HEADER, query + DNS_HEADER, question->end - DNS_HEADER);
  return question->end;
}

size_t dns_add_address(unsigned char *out, size_t size, const unsigned char *bytes, size_t length) {
  const unsigned char fixed[12] = {0xc0, DNS_HEADER, 0, length == 4 ? DNS_TYPE_A : DNS_TYPE_AAAA,
                                   0,    CLASS_IN,   0, 0,
                                   0,    60,         0, (unsigned char)length};
  memcpy(out + size, fixed, sizeof fixed);
  memcpy(out + size + sizeof fixed, bytes, length);
  put16(out + 6, 1);
  return size + sizeof fixed + length;
}

/* Text of a name in an answer, compressed or not, in lower case: a pointer leads to what stands
 * before it. Returns where the name ends in its own place, or 0. */
static size_t expand_name(const unsigned char *message, size_t size, size_t at, char *name) {
  size_t end = 0, used = 0, before = at;
  for (;;) {
    if (at >= size)
      return 0;
    const size_t length = message[at++];
    if ((length & 0xc0) == 0xc0) {
      if (at >= size)
        return 0;
      const size_t target = (length & 0x3f) << 8 | message[at++];
      end = end ? end : at;
      if (target >= before)
        return 0;
      at = before = target;
      continue;
    }
    if (length == 0)
      break;
    if (length > 63 || length > size - at || used + length + 1 > DNS_NAME_MAX + 1)
      return 0;
    for (size_t i = 0; i < length; i++) {
      unsigned char c = message[at + i];
      if (c == '.' || c == 0) /* it would read like the end of a label */
        return 0;
      name[used++] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
    }
    name[used++] = '.';
    at += length;
  }
  name[used ? used - 1 : 0] = 0;
  return end ? end : at;
}

struct record {
  char owner[DNS_NAME_MAX + 2];
  unsigned type, class;
  const unsigned char *fixed; /* type, class, TTL, length, data */
  size_t length;              /* of the data */
};

/* Reads the record at `at`. Returns where the next one begins, or 0. */
static size_t read_record(const unsigned char *message, size_t size, size_t at,
                          struct record *out) {
  at = expand_name(message, size, at, out->owner);
  if (at == 0 || size - at < 10)
    return 0;
  out->fixed = message + at;
  out->type = get16(out->fixed);
  out->class = get16(out->fixed + 2);
  out->length = get16(out->fixed + 8);
  return size - at - 10 < out->length ? 0 : at + 10 + out->length;
}

/* Where the aliases of `name` end, which takes its place. Returns 0 where the message is broken. */
static int follow_aliases(const unsigned char *answer, size_t size, size_t at, char *name) {
  const unsigned records = get16(answer + 6);
  struct record record;
  for (unsigned step = 0; step < ALIASES_MAX; step++) {
    int found = 0;
    size_t next = at;
    for (unsigned i = 0; i < records && !found; i++) {
      next = read_record(answer, size, next, &record);
      if (next == 0)
        return 0;
      if (record.type != TYPE_CNAME || record.class != CLASS_IN || strcmp(record.owner, name) != 0)
        continue;
      char target[DNS_NAME_MAX + 2];
      if (expand_name(answer, size, (size_t)(record.fixed + 10 - answer), target) == 0)
        return 0;
      found = strcmp(target, name) != 0;
      strcpy(name, target);
    }
    if (!found)
      return 1;
  }
  return 0;
}

/* The addresses alone, each under the name that was asked for: aliases on the way are left out, and
 * so is what belongs to other names. */
static size_t pass_addresses(const unsigned char *answer, size_t size, const unsigned char *query,
                             const struct dns_question *question, size_t room, dns_address_ok *ok,
                             void *context, unsigned char *out) {
  const size_t length = question->type == DNS_TYPE_A ? 4 : 16;
  const unsigned records = get16(answer + 6);
  size_t at = question->end;
  size_t used = dns_write_refusal(query, question, answer[3] & 15, 0, out);
  unsigned passed = 0;
  char name[DNS_NAME_MAX + 2];
  strcpy(name, question->name);
  if (!follow_aliases(answer, size, at, name))
    return 0;
  for (unsigned i = 0; i < records && passed < DNS_ANSWERS_MAX; i++) {
    struct record record;
    at = read_record(answer, size, at, &record);
    if (at == 0)
      return 0;
    if (record.type != question->type || record.class != CLASS_IN || record.length != length ||
        strcmp(record.owner, name) != 0)
      continue;
    const uint32_t ttl = get32(record.fixed + 4);
    if (!ok(context, record.fixed + 10, length, ttl))
      continue;
    if (used + 12 + length > room)
      return dns_write_refusal(query, question, DNS_NOERROR, 1, out);
    put16(out + used, 0xc000 | DNS_HEADER);
    memcpy(out + used + 2, record.fixed, 10 + length);
    used += 12 + length;
    put16(out + 6, ++passed);
  }
  return used;
}

size_t dns_pass_on(const unsigned char *answer, size_t size, const unsigned char *query,
                   const struct dns_question *question, size_t room, dns_address_ok *ok,
                   void *context, unsigned char *out) {
  if (size < question->end || room < question->end)
    return 0;
  if (question->type == DNS_TYPE_A || question->type == DNS_TYPE_AAAA)
    return pass_addresses(answer, size, query, question, room, ok, context, out);
  if (size > room)
    return dns_write_refusal(query, question, DNS_NOERROR, 1, out);
  memcpy(out, answer, size);
  put16(out, question->id);
  return size;
}
