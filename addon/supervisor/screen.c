/*
 * Follows the control sequences that a program writes, as far as they change how the terminal goes
 * on behaving (ECMA-48, xterm's modes). Called by terminal.c. Nothing is changed or held back.
 */
#include "screen.h"

#include <string.h>

enum { GROUND, ESCAPE, CONTROL, STRING, STRING_END, CHARSET };

/* Private modes, and whether they are on in a terminal that nobody has touched. */
static const struct {
  uint16_t mode;
  unsigned char on;
} modes[] = {
    {1, 0},    {5, 0},    {6, 0},    {7, 1},    {9, 0},    {25, 1},   {47, 0},   {66, 0},
    {1000, 0}, {1001, 0}, {1002, 0}, {1003, 0}, {1004, 0}, {1005, 0}, {1006, 0}, {1015, 0},
    {1016, 0}, {1047, 0}, {1049, 0}, {2004, 0}, {2026, 0}, {2031, 0},
};
#define MODES (sizeof modes / sizeof *modes)

static void set_modes(struct wb_screen *screen, int on) {
  for (unsigned i = 0; i <= screen->count && i < WB_SCREEN_PARAMETERS; i++)
    for (unsigned m = 0; m < MODES; m++)
      if (modes[m].mode == screen->parameters[i]) {
        if (on == modes[m].on)
          screen->modes &= ~(1u << m);
        else
          screen->modes |= 1u << m;
      }
}

/* Insert mode, where what is typed moves the rest of the line. */
static void set_insert(struct wb_screen *screen, int on) {
  for (unsigned i = 0; i <= screen->count && i < WB_SCREEN_PARAMETERS; i++)
    if (screen->parameters[i] == 4)
      screen->insert = (unsigned char)on;
}

/* Kitty's keyboard modes are a stack. */
static void set_keyboard(struct wb_screen *screen) {
  const unsigned number = screen->parameters[0];
  if (screen->marker == '?')
    screen->queries++;
  else if (screen->marker == '>' && screen->keyboard < 255)
    screen->keyboard++;
  else if (screen->marker == '<')
    screen->keyboard -= (unsigned char)(number > screen->keyboard ? screen->keyboard
                                        : number > 0              ? number
                                                                  : screen->keyboard > 0);
}

/* SGR: 38, 48 and 58 take a colour as further parameters. */
static void set_colour(struct wb_screen *screen) {
  for (unsigned i = 0; i <= screen->count && i < WB_SCREEN_PARAMETERS; i++) {
    unsigned value = screen->parameters[i];
    screen->colour = value != 0;
    if ((value == 38 || value == 48 || value == 58) && i + 1 < WB_SCREEN_PARAMETERS)
      i += screen->parameters[i + 1] == 5 ? 2 : 4;
  }
}

static void end_control(struct wb_screen *screen, unsigned char final) {
  const unsigned first = screen->parameters[0];
  switch (final) {
  case 'h':
  case 'l':
    if (screen->marker == '?')
      set_modes(screen, final == 'h');
    else if (!screen->marker)
      set_insert(screen, final == 'h');
    break;
  case 'm':
    if (!screen->marker)
      set_colour(screen);
    else if (screen->marker == '>' && (first == 4 || first == 0)) /* modifyOtherKeys */
      screen->other_keys = first == 4 && screen->count > 0 && screen->parameters[1] != 0;
    break;
  case 'r':
    if (!screen->marker)
      screen->region = first != 0 || screen->count > 0;
    break;
  case 'c': /* device attributes */
    screen->queries++;
    break;
  case 'n': /* status and cursor position */
    screen->queries++;
    if (!screen->marker && first == 5)
      screen->status_asked++;
    break;
  case 'p': /* DECRQM */
    if (screen->intermediate == '$')
      screen->queries++;
    break;
  case 'q': /* XTVERSION */
    if (screen->marker == '>')
      screen->queries++;
    break;
  case 'u': /* kitty's keyboard */
    set_keyboard(screen);
    break;
  case 't': /* the window's state, size and title */
    if (!screen->marker && first >= 11 && first <= 21)
      screen->queries++;
    break;
  case 'x': /* DECREQTPARM */
    if (!screen->intermediate)
      screen->queries++;
    break;
  case 'S': /* XTSMGRAPHICS */
    if (screen->marker == '?')
      screen->queries++;
    break;
  default:
    break;
  }
}

static void escape(struct wb_screen *screen, unsigned char byte) {
  screen->state = GROUND;
  switch (byte) {
  case '[':
    memset(screen->parameters, 0, sizeof screen->parameters);
    screen->marker = screen->intermediate = screen->count = 0;
    screen->state = CONTROL;
    break;
  case ']': /* OSC */
  case 'P': /* DCS */
  case 'X':
  case '^':
  case '_':
    screen->marker = byte;
    screen->state = STRING;
    break;
  case '(':
    screen->state = CHARSET;
    break;
  case '=':
    screen->keypad = 1;
    break;
  case '>':
    screen->keypad = 0;
    break;
  case 'Z': /* DECID */
    screen->queries++;
    break;
  case 'c': /* full reset */
    screen->modes = 0;
    screen->colour = screen->region = screen->keypad = screen->charset = 0;
    screen->shifted = screen->insert = 0;
    break;
  default:
    break;
  }
}

static void control(struct wb_screen *screen, unsigned char byte) {
  if (byte >= '0' && byte <= '9') {
    if (screen->count < WB_SCREEN_PARAMETERS) {
      uint16_t *value = &screen->parameters[screen->count];
      *value = *value < 6000 ? (uint16_t)(*value * 10 + (byte - '0')) : 60000;
    }
  } else if (byte == ';' || byte == ':') {
    if (screen->count < WB_SCREEN_PARAMETERS)
      screen->count++;
  } else if (byte >= 0x3c && byte <= 0x3f) {
    screen->marker = byte;
  } else if (byte >= 0x20 && byte <= 0x2f) {
    screen->intermediate = byte;
  } else if (byte >= 0x40 && byte <= 0x7e) {
    screen->state = GROUND;
    end_control(screen, byte);
  } else if (byte == 0x1b) {
    screen->state = ESCAPE;
  } else if (byte == 0x18 || byte == 0x1a) {
    screen->state = GROUND;
  }
}

void wb_screen_output(struct wb_screen *screen, const unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    const unsigned char byte = bytes[i];
    switch (screen->state) {
    case GROUND:
      if (byte == 0x1b)
        screen->state = ESCAPE;
      else if (byte == 0x0e || byte == 0x0f)
        screen->shifted = byte == 0x0e;
      else if (byte == 0x05) /* ENQ */
        screen->queries++;
      break;
    case ESCAPE:
      escape(screen, byte);
      break;
    case CONTROL:
      control(screen, byte);
      break;
    case STRING:
      /* A question mark in OSC, `$q` or `+q` in DCS, and images in APC ask for an answer. */
      if ((screen->marker == ']' && byte == '?') || (screen->marker == 'P' && byte == 'q') ||
          (screen->marker == '_' && byte == 'G'))
        screen->queries++;
      if (byte == 0x07)
        screen->state = GROUND;
      else if (byte == 0x1b)
        screen->state = STRING_END;
      break;
    case STRING_END:
      screen->state = GROUND;
      if (byte != '\\')
        escape(screen, byte);
      break;
    case CHARSET:
      screen->charset = byte != 'B';
      screen->state = GROUND;
      break;
    default:
      screen->state = GROUND;
      break;
    }
  }
}

static size_t add_number(char *out, size_t at, unsigned value) {
  char digits[8];
  size_t n = 0;
  for (; value; value /= 10)
    digits[n++] = (char)('0' + value % 10);
  while (n)
    out[at++] = digits[--n];
  return at;
}

static size_t add(char *out, size_t at, const char *text) {
  size_t length = strlen(text);
  memcpy(out + at, text, length);
  return at + length;
}

static int is_alternate(uint16_t mode) {
  return mode == 47 || mode == 1047 || mode == 1049;
}

static int on_alternate(const struct wb_screen *screen) {
  for (unsigned m = 0; m < MODES; m++)
    if ((screen->modes >> m & 1) && is_alternate(modes[m].mode))
      return 1;
  return 0;
}

/* The modes that the program has changed, but for which screen is shown: as they were, or as it has
 * them. */
static size_t add_modes(const struct wb_screen *screen, char *out, size_t at, int undo) {
  for (unsigned m = 0; m < MODES; m++) {
    if (!(screen->modes >> m & 1) || is_alternate(modes[m].mode))
      continue;
    at = add(out, at, "\033[?");
    at = add_number(out, at, modes[m].mode);
    out[at++] = modes[m].on == undo ? 'h' : 'l';
  }
  return at;
}

size_t wb_screen_aside_begin(const struct wb_screen *screen, char out[WB_SCREEN_RESET_MAX]) {
  /* Whatever sequence is unfinished ends here; cursor and colours are kept with the screen. */
  size_t at = add(out, 0, "\030\033\\");
  at = add(out, at, on_alternate(screen) ? "\0337" : "\033[?1049h");
  at = add_modes(screen, out, at, 1);
  if (screen->keyboard)
    at = add(out, at, "\033[>0u");
  if (screen->insert)
    at = add(out, at, "\033[4l");
  return add(out, at, "\033[r\017\033(B\033[0m\033[H\033[2J");
}

size_t wb_screen_aside_end(const struct wb_screen *screen, char out[WB_SCREEN_RESET_MAX],
                           int *redraw) {
  size_t at = add(out, 0, "\033[0m\033[H\033[2J");
  /* What region it has is not known. */
  *redraw = on_alternate(screen) || screen->region;
  if (screen->keyboard)
    at = add(out, at, "\033[<u");
  at = add_modes(screen, out, at, 0);
  if (screen->insert)
    at = add(out, at, "\033[4h");
  if (screen->shifted)
    at = add(out, at, "\016");
  return add(out, at, on_alternate(screen) ? "\0338" : "\033[?1049l");
}

size_t wb_screen_reset(struct wb_screen *screen, char out[WB_SCREEN_RESET_MAX]) {
  size_t at = 0;
  if (screen->state == STRING || screen->state == STRING_END)
    at = add(out, at, "\033\\");
  else if (screen->state != GROUND)
    at = add(out, at, "\030");
  for (unsigned m = 0; m < MODES; m++) {
    if (!(screen->modes >> m & 1))
      continue;
    at = add(out, at, "\033[?");
    at = add_number(out, at, modes[m].mode);
    out[at++] = modes[m].on ? 'h' : 'l';
  }
  if (screen->region)
    at = add(out, at, "\0337\033[r\0338");
  if (screen->keyboard) {
    at = add(out, at, "\033[<");
    at = add_number(out, at, screen->keyboard);
    out[at++] = 'u';
  }
  if (screen->other_keys)
    at = add(out, at, "\033[>4m");
  if (screen->insert)
    at = add(out, at, "\033[4l");
  if (screen->shifted)
    at = add(out, at, "\017");
  if (screen->keypad)
    at = add(out, at, "\033>");
  if (screen->charset)
    at = add(out, at, "\033(B");
  if (screen->colour)
    at = add(out, at, "\033[0m");
  memset(screen, 0, offsetof(struct wb_screen, queries));
  return at;
}
