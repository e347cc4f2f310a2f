/*
 * Names that a program looks up although the network is off. Its resolver asks a server that
 * nothing leads to, and the report could only say that something was looked up. So where a program
 * is about to ask a server, the supervisor stands in for it inside: it takes the question, notes
 * the name, and answers that there is no answer (SERVFAIL), which programs take like a server out
 * of reach.
 */
#ifndef WASBOX_LOOKUPS_H
#define WASBOX_LOOKUPS_H

#include <poll.h>
#include <stdint.h>

#include "notify.h"

#ifdef __cplusplus
extern "C" {
#endif

/* resolv.conf(5) takes as many servers. */
#define WB_LOOKUP_SERVERS 3

struct wb_lookups {
  int init; /* borrowed: a pidfd of init, whose network it is; -1: names are not asked for */
  unsigned count;
  int fds[WB_LOOKUP_SERVERS]; /* owned */
  unsigned char addresses[WB_LOOKUP_SERVERS][28];
};

void wb_lookups_begin(struct wb_lookups *lookups, int init);

/* A program is about to talk to this address (struct sockaddr_in or sockaddr_in6, as the program
 * wrote it). Where it is that of a server for names, questions to it arrive here from now on. What
 * cannot be set up changes nothing: the kernel refuses as ever. */
void wb_lookups_expect(struct wb_lookups *lookups, const void *address, uint32_t size);

/* Fills WB_LOOKUP_SERVERS entries for poll(2). */
void wb_lookups_wait(const struct wb_lookups *lookups, struct pollfd *wait);

/* Answers what has come, and notes the names. */
void wb_lookups_serve(struct wb_lookups *lookups, struct wb_refusals *refusals);

void wb_lookups_close(struct wb_lookups *lookups);

#ifdef __cplusplus
}
#endif
#endif
