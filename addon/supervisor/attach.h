/* The relay of `wasbox exec`: attach.c. */
#ifndef WASBOX_ATTACH_H
#define WASBOX_ATTACH_H

#ifdef __cplusplus
extern "C" {
#endif

struct wb_run;
struct wb_tail;

/* Relays between a terminal, whose master is taken over, and these descriptors, which are
 * terminals, until an answer can be read from the socket; signals go there as frames, and lines for
 * the user come from there. `run` and `tail` are all zeros; `tail` gets the last that the program
 * wrote. Blocks. Returns 0 or an errno; the caller's terminal is then as it was. */
int wb_attach(struct wb_run *run, int socket, int master, const int stdio[3], struct wb_tail *tail);

#ifdef __cplusplus
}
#endif
#endif
