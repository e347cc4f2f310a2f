/* The relay of a session's program whose caller has pipes: program_terminal.c. */
#ifndef WASBOX_PROGRAM_TERMINAL_H
#define WASBOX_PROGRAM_TERMINAL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wb_run;

/* Opens a relay between a terminal's master, what is typed (`in`) and what is shown (`out`), all of
 * which are borrowed until this returns. `run` is all zeros. Returns 0 or an errno, with nothing
 * left open. */
int wb_program_terminal_open(struct wb_run *run, int master, int in, int out);

/* Relays until the program has ended and all that it wrote was read, or until it is to hang up.
 * Blocks. */
void wb_program_terminal_serve(struct wb_run *run);

/* Closes what the others need. */
void wb_program_terminal_close(struct wb_run *run);

/* Any thread, until it is closed: the terminal gets another size, rows << 16 | columns; the program
 * has ended; nothing is to be relayed any more. */
void wb_program_terminal_resize(struct wb_run *run, uint32_t size);
void wb_program_terminal_ended(struct wb_run *run);
void wb_program_terminal_hang_up(struct wb_run *run);

#ifdef __cplusplus
}
#endif
#endif
