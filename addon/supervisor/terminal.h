/* The caller's terminal and the payload's own, and the relay between them. */
#ifndef WASBOX_TERMINAL_H
#define WASBOX_TERMINAL_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "screen.h"

#ifdef __cplusplus
extern "C" {
#endif

struct wb_run;

struct wb_flow {
  size_t at, end; /* bytes that wait */
  unsigned char bytes[8192];
};

struct wb_terminal {
  int master;                   /* owned; -1: the payload has no terminal of its own */
  int outer;                    /* owned: the caller's, opened once more so as not to block */
  size_t chunk;                 /* bytes that one write may have */
  int raw;                      /* the caller's is switched to raw; atomic */
  int hung;                     /* nothing has the payload's terminal open */
  int gone;                     /* the caller's has hung up */
  uint64_t written;             /* bytes of the payload's since they were last counted */
  unsigned char saved[64];      /* struct termios of the kernel */
  struct wb_flow input, output; /* keyboard to payload, payload to screen */
  struct wb_screen screen;
};

/* Takes the master over; the caller's terminal is found among its three descriptors. Returns 0, or
 * an errno where there is none to relay to. */
int wb_terminal_open(struct wb_terminal *terminal, int master, const int stdio[3]);

/* What to wait for: the caller's terminal, then the payload's. Returns how many milliseconds to
 * wait at most, or -1. */
int wb_terminal_wait(struct wb_terminal *terminal, struct pollfd wait[2]);

/* Relays what can be relayed now. */
void wb_terminal_serve(struct wb_run *run, const struct pollfd wait[2]);

/* The caller's terminal has another size, or came back to the foreground. Signal-safe. */
void wb_terminal_refresh(struct wb_terminal *terminal);

/* Puts the caller's terminal as it was, for as long as this program is stopped. Signal-safe. */
void wb_terminal_leave(struct wb_terminal *terminal);

/* Writes what is left, and puts the caller's terminal as it was. */
void wb_terminal_close(struct wb_terminal *terminal);

#ifdef __cplusplus
}
#endif
#endif
