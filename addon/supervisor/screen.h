/* Undoes what a program has done to the screen. */
#ifndef WASBOX_SCREEN_H
#define WASBOX_SCREEN_H

#include <stddef.h>
#include <stdint.h>

#define WB_SCREEN_PARAMETERS 16

struct wb_screen {
  /* Reading a control sequence. */
  unsigned char state, marker, intermediate, count;
  uint16_t parameters[WB_SCREEN_PARAMETERS];
  unsigned char fresh; /* in an OSC: nothing of its last field was seen yet */
  /* The differences from how terminals are found. */
  uint64_t modes;      /* bit n: the n-th of the modes in screen.c, */
  unsigned char plain; /* and of those without a question mark */
  unsigned char colour, region, keypad, shifted, cursor, tabs, link, progress, locator, printer;
  unsigned char protect, wide_controls, other_charset;
  unsigned char charsets;                     /* bit n: Gn */
  unsigned char key_modes, key_forms;         /* bit n: xterm's resource n of CSI > m, CSI > f */
  unsigned char keyboard[2], keyboard_set[2]; /* kitty's stack: on the main screen, on the other */
  uint16_t palette;      /* bit 0: OSC 4; 1: OSC 5; n + 2: OSC 1n; 12: the Linux console's */
  unsigned queries;      /* questions to the terminal that were not yet noted */
  unsigned status_asked; /* how many of all were for its status, with CSI 5 n */
};

/* Takes note of what is written to the terminal. */
void wb_screen_output(struct wb_screen *screen, const unsigned char *bytes, size_t size);

#define WB_SCREEN_RESET_MAX 1024
/* Writes what puts it right again; nothing after a program that did so itself. Returns the
 * length. */
size_t wb_screen_reset(struct wb_screen *screen, char out[WB_SCREEN_RESET_MAX]);

/* Makes room for something else to be shown, and ends that. What the program has shown comes back,
 * unless it is on the alternate screen itself and must draw it again: then `end` sets *redraw. The
 * state stays what it is. Return lengths. */
size_t wb_screen_leave(const struct wb_screen *screen, char out[WB_SCREEN_RESET_MAX]);
size_t wb_screen_return(const struct wb_screen *screen, char out[WB_SCREEN_RESET_MAX], int *redraw);

#endif
