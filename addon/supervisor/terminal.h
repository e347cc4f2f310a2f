/* The caller's terminal and the payload's own, and the relay between them. */
#ifndef WASBOX_TERMINAL_H
#define WASBOX_TERMINAL_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "end.h"
#include "screen.h"
#include "tail.h"

#ifdef __cplusplus
extern "C" {
#endif

struct wb_run;

struct wb_flow {
  size_t at, end; /* bytes that wait */
  unsigned char bytes[8192];
};

/* The caller's end: what is typed, and where it is shown. */
struct wb_caller {
  int in; /* owned; -1: nothing is typed, or nothing any more */
  struct wb_end out;
  int keyboard, display;   /* whether they are terminals */
  int raw;                 /* the keyboard's terminal is switched to raw; atomic */
  int passed;              /* owned: a terminal that the payload has a descriptor of, or -1 */
  unsigned char saved[64]; /* struct termios of the kernel: of the keyboard, or of `passed` */
};

/* The process that puts the caller's terminal right where this program is killed. */
struct wb_keeper {
  int pid;           /* 0: there is none */
  int end;           /* owned: the end of a pipe that closes with this program */
  struct kept *kept; /* what it knows */
};

struct wb_terminal {
  struct wb_flow input, output; /* keyboard to payload, payload to screen */
  unsigned takes;               /* wb_caller_takes */
  int master; /* owned; -1: the payload has no terminal of its own, or none any more */
  struct wb_caller caller;
  struct wb_modes *modes; /* wb_terminal_modes */
  int ended;              /* stdin, where it is no terminal, is at its end */
  unsigned char last;     /* the byte before that */
  int hung;               /* nothing has the payload's terminal open */
  int suspended;          /* nothing is relayed: the display shows something else; atomic */
  int needs_reader;       /* hangs up when the reader of what is shown is gone, at once */
  uint32_t wanted;        /* wb_terminal_want; atomic */
  struct wb_tail *tail;   /* keeps the last that was written, where it is not NULL */
  uint64_t written;       /* bytes of the payload's since they were last counted */
  struct wb_screen screen;
  struct wb_keeper keeper;
  uint64_t asked_ns;          /* when the payload last asked the caller's terminal something */
  unsigned reports;           /* status reports that came from the caller's terminal */
  unsigned char report_state; /* how much of the next one was seen */
  int payload_group;          /* process group of the payload itself */
  int typed_interrupt;        /* ^C was typed, and was no key of the payload's */
  int interrupts;             /* ^C in a row, */
  size_t heard;               /* and what the payload's terminal wrote since the first of them */
};

/* caller.c: which of the caller's descriptors a terminal of the payload's own takes the place of,
 * with this mode of the plan; bit n for each. With bit 0 it is typed into. */
unsigned wb_caller_takes(uint32_t mode, const int stdio[3]);
/* Reads keys of the others from stdin alone: those that are terminals are opened once more, one
 * way. The caller closes them. */
void wb_caller_narrow(unsigned takes, int stdio[3]);
/* Prepares to relay those, and to put right what the payload is given of a terminal. 0 or an
 * errno. */
int wb_caller_open(struct wb_caller *caller, unsigned takes, const int stdio[3]);
/* The descriptor of the terminal whose size counts, or -1. */
int wb_caller_window(const struct wb_caller *caller);
/* Only the foreground may read the keyboard and change the terminal. */
int wb_caller_in_foreground(const struct wb_caller *caller);
/* Returns whether its terminal was found with modes that are not meant for this program: the
 * shell's while it reads a line, with this program in the background, or those of another run. */
int wb_caller_modes_are_others(const struct wb_caller *caller);
/* Signal-safe: keys come as they are typed; or as they did before. */
void wb_caller_make_raw(struct wb_caller *caller);
void wb_caller_leave(struct wb_caller *caller);
/* Modes of a terminal that the payload could change, as they were. */
void wb_caller_restore(const struct wb_caller *caller);
/* Restores, for keeper.c, what was before, unless the modes were changed since. */
void wb_caller_undo(const struct wb_caller *caller);
/* Writes what waits; returns 0 where it can never be written. */
int wb_caller_push(const struct wb_caller *caller, struct wb_flow *flow);
void wb_caller_close(struct wb_caller *caller);

/* tty_replies.c. Takes note of what the caller's terminal sends by itself. */
void wb_tty_replies_note(struct wb_terminal *terminal, const unsigned char *bytes, size_t size);
/* Waits until the caller's terminal has answered what the payload asked it, so that no other
 * program gets the answers; they become input where it is kept. */
void wb_tty_replies_await(struct wb_terminal *terminal, int keep);

/* keeper.c. Without one (no terminal, no process to be had) the others do nothing. */
void wb_keeper_open(struct wb_terminal *terminal);
/* Tells it how the screen is. */
void wb_keeper_note(const struct wb_terminal *terminal);
/* The terminal is as it was: the keeper goes, which wb_keeper_await waits for; `options` as for
 * wait4(2). */
void wb_keeper_dismiss(const struct wb_keeper *keeper);
void wb_keeper_await(struct wb_keeper *keeper, int options);

/* terminal_modes.c. Modes of the payload's terminal: those of now, or, where the payload holds the
 * answer up, the last ones known; NULL where there are none. */
struct termios;
const struct termios *wb_terminal_modes(struct wb_terminal *terminal);
void wb_terminal_modes_close(struct wb_terminal *terminal);
/* Closes the master; the payload, which the kernel may wait for, holds nothing up. */
void wb_terminal_hang_up(struct wb_terminal *terminal);

/* Relays between the master, which is taken over, and the caller's descriptors. */
void wb_terminal_open(struct wb_terminal *terminal, int master);

/* The payload runs, and is in the foreground of its terminal. */
void wb_terminal_started(struct wb_terminal *terminal);

/* How many ^C in a row the payload took no notice of: it went on, and wrote nothing. */
int wb_terminal_interrupts(const struct wb_terminal *terminal);

/* Fills in what to wait for: stdin, stdout, the payload's terminal. Returns how many
 * milliseconds to wait at most, or -1. */
int wb_terminal_wait(struct wb_terminal *terminal, struct pollfd wait[3]);

/* suspend_relay.c. Stops relaying, what was begun being written, or goes on. */
void wb_terminal_suspend(struct wb_terminal *terminal, int suspend);

/* Any thread, while the relay is suspended: what to write before it is used for something else, and
 * afterwards (see wb_screen_leave). Return lengths; 0 where it is not suspended. */
size_t wb_terminal_suspension(const struct wb_terminal *terminal, int begin,
                              char out[WB_SCREEN_RESET_MAX], int *redraw);

/* Any thread: has the program draw its screen again, by the sight of a smaller one; after a while
 * wb_terminal_refresh must follow. */
void wb_terminal_shrink(const struct wb_terminal *terminal);

/* Relays what can be relayed now. */
void wb_terminal_serve(struct wb_run *run, const struct pollfd wait[3]);

/* The caller's terminal has another size, or came back to the foreground. Signal-safe. */
void wb_terminal_refresh(struct wb_terminal *terminal);

/* Any thread: the size that a caller without a terminal wants, rows << 16 | columns. The relay sets
 * it once it is woken, before it passes on what is written to stdin from then on. */
void wb_terminal_want(struct wb_terminal *terminal, uint32_t size);
void wb_terminal_resize(struct wb_terminal *terminal);

/* Writes all that waits, for as long as the caller takes it. */
void wb_terminal_flush(struct wb_terminal *terminal, uint64_t patience_ms);

/* Relays what the payload has written so far, whatever time its reader takes, until
 * wb_run.asked_to_end is not `asked` any more. */
void wb_terminal_settle(struct wb_run *run, int asked);

/* Writes what is left, and puts the caller's terminal as it was. */
void wb_terminal_close(struct wb_run *run);

#ifdef __cplusplus
}
#endif
#endif
