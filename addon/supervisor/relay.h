/* The payload's stdout and stderr, where what it writes has to be counted. */
#ifndef WASBOX_RELAY_H
#define WASBOX_RELAY_H

#include <poll.h>
#include <stdint.h>

#include "../wire.h"
#include "end.h"
#include "tail.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WB_RELAY_STREAMS 2
/* The bytes that a pipe takes at once or not at all. */
#define WB_RELAY_CHUNK 4096

struct wb_stream {
  int from; /* owned; -1: done */
  struct wb_end to;
  uint32_t at, end;
  unsigned char bytes[WB_RELAY_CHUNK];
};

struct wb_relay {
  uint64_t limit;       /* 0: nothing is relayed */
  uint64_t bytes;       /* that the payload wrote */
  int through_terminal; /* some of it comes from the payload's own terminal */
  struct wb_tail *tail; /* keeps the last that was passed on, where it is not NULL */
  int told;             /* the stream whose bytes came last */
  struct wb_stream streams[WB_RELAY_STREAMS];
};

/*
 * Opens a relay that is all zeros. Where the plan limits the output, or the payload must not hold
 * what it leads to: makes pipes for the payload in place of `stdio`[1] and [2], which are the
 * caller's, but for those that the payload's own terminal takes the place of (wb_caller_takes).
 * wb_relay_started closes the pipes. Returns 0 or an errno.
 */
int wb_relay_open(struct wb_relay *relay, const struct wb_plan *plan, unsigned takes, int stdio[3]);

/* Closes the payload's ends; `stdio` is what wb_relay_open made of `original`. */
void wb_relay_started(const int original[3], const int stdio[3]);

/* Fills in what to wait for: two entries a stream. */
void wb_relay_wait(const struct wb_relay *relay, struct pollfd wait[2 * WB_RELAY_STREAMS]);

/* Relays what can be relayed now. Returns 1 where the payload wrote more than the limit. */
int wb_relay_serve(struct wb_relay *relay, const struct pollfd wait[2 * WB_RELAY_STREAMS]);

/* Counts what came through the terminal. Returns 1 where that is more than the limit. */
int wb_relay_count(struct wb_relay *relay, uint64_t bytes);

/* All writers are gone: relays the rest, for as long as it is read. */
void wb_relay_finish(struct wb_relay *relay);

void wb_relay_close(struct wb_relay *relay);

#ifdef __cplusplus
}
#endif
#endif
