/* Messages of the domain name system, RFC 1035: read with a bound on everything. No state. */
#ifndef WASBOX_DNS_H
#define WASBOX_DNS_H

#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER 12
#define DNS_MESSAGE_MAX 65535
#define DNS_NAME_MAX 253
/* Addresses that are passed on of one answer. */
#define DNS_ANSWERS_MAX 128

#define DNS_TYPE_A 1
#define DNS_TYPE_AAAA 28

#define DNS_NOERROR 0
#define DNS_FORMERR 1
#define DNS_SERVFAIL 2
#define DNS_NXDOMAIN 3
#define DNS_NOTIMP 4
#define DNS_REFUSED 5

struct dns_question {
  uint16_t id;
  uint16_t type, class;
  size_t end;                  /* of the question in the message */
  char name[DNS_NAME_MAX + 3]; /* lower case, without a final dot */
};

/* Reads a query. Returns 0, or the code of the answer that refuses it, or -1 where there is nothing
 * to answer. */
int dns_read_query(const unsigned char *message, size_t size, struct dns_question *question);

/* The query for a resolver: the question alone, with another id and room for long answers. Returns
 * its size. */
size_t dns_write_query(const unsigned char *query, const struct dns_question *question, uint16_t id,
                       unsigned char *out);

/* Returns whether a message is the answer to that query. */
int dns_is_answer(const unsigned char *message, size_t size, const unsigned char *query,
                  const struct dns_question *question, uint16_t id);

/* An answer without records. Returns its size. */
size_t dns_write_refusal(const unsigned char *query, const struct dns_question *question, int code,
                         int truncated, unsigned char *out);

/* Adds an address of 4 or 16 bytes to an answer without records that has `size` bytes. Returns its
 * new size. */
size_t dns_add_address(unsigned char *out, size_t size, const unsigned char *bytes, size_t length);

/* Decides about an address of 4 or 16 bytes: whether it is passed on. */
typedef int dns_address_ok(void *context, const unsigned char *bytes, size_t size, uint32_t ttl);

/* The answer to pass on to a client that takes `room` bytes: the addresses that are allowed, or,
 * for another type, the message as it is. Returns its size, or 0 for a bad answer. */
size_t dns_pass_on(const unsigned char *answer, size_t size, const unsigned char *query,
                   const struct dns_question *question, size_t room, dns_address_ok *ok,
                   void *context, unsigned char *out);

#endif
