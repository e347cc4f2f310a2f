/*
 * Follows the control sequences that a program writes, as far as they change how the terminal goes
 * on behaving (ECMA-48, xterm's modes). Called by terminal.c. Nothing is changed or held back.
 */
#include "screen.h"

#include <string.h>

enum { GROUND, ESCAPE, CONTROL, STRING, STRING_END, DESIGNATE, HIGH };

/* Private modes, and whether they are on in a fresh terminal. Those of which
 * terminals think differently (1007, 1034 …) are left out. */
static const struct {
  uint16_t mode;
  unsigned char on;
} modes[] = {
    {1, 0},    {5, 0},    {6, 0},    {7, 1},    {8, 1},    {9, 0},    {12, 0},   {25, 1},
    {45, 0},   {47, 0},   {66, 0},   {67, 0},   {69, 0},   {1000, 0}, {1001, 0}, {1002, 0},
    {1003, 0}, {1004, 0}, {1005, 0}, {1006, 0}, {1015, 0}, {1016, 0}, {1047, 0}, {1049, 0},
    {2004, 0}, {2026, 0}, {2031, 0}, {2048, 0}, {5522, 0}, {9001, 0},
};
#define MODES (sizeof modes / sizeof *modes)

/* Keyboard locked, insert, local echo off, line feeds that return: ECMA-48's modes. */
static const struct {
  uint16_t mode;
  unsigned char on;
} plain[] = {{2, 0}, {4, 0}, {12, 1}, {20, 0}};
#define PLAIN (sizeof plain / sizeof *plain)

/* Every how many columns tabs stop, and for how many on a wide terminal. */
#define TAB_COLUMNS "8"
#define TABS 40

static int is_alternate(uint16_t mode) {
  return mode == 47 || mode == 1047 || mode == 1049;
}

static int on_alternate(const struct wb_screen *screen) {
  for (unsigned m = 0; m < MODES; m++)
    if ((screen->modes >> m & 1) && is_alternate(modes[m].mode))
      return 1;
  return 0;
}

static void set_mode(struct wb_screen *screen, uint16_t mode, int on) {
  for (unsigned m = 0; m < MODES; m++)
    if (modes[m].mode == mode)
      screen->modes = (screen->modes & ~(1ull << m)) | (uint64_t)(on != modes[m].on) << m;
}

static void set_plain(struct wb_screen *screen, uint16_t mode, int on) {
  for (unsigned m = 0; m < PLAIN; m++)
    if (plain[m].mode == mode)
      screen->plain =
          (unsigned char)((screen->plain & ~(1u << m)) | (unsigned)(on != plain[m].on) << m);
}

static void set_modes(struct wb_screen *screen, int on) {
  for (unsigned i = 0; i <= screen->count && i < WB_SCREEN_PARAMETERS; i++)
    if (screen->marker == '?')
      set_mode(screen, screen->parameters[i], on);
    else if (!screen->marker)
      set_plain(screen, screen->parameters[i], on);
}

/* Kitty's keyboard modes are a stack, one for each screen. */
static void set_keyboard(struct wb_screen *screen) {
  const unsigned number = screen->parameters[0];
  const int on = on_alternate(screen);
  unsigned char *depth = &screen->keyboard[on];
  if (screen->marker == '?')
    screen->queries++;
  else if (screen->marker == '=')
    screen->keyboard_set[on] = number != 0;
  else if (screen->marker == '>' && *depth < 255)
    (*depth)++;
  else if (screen->marker == '<')
    *depth -= (unsigned char)(number > *depth ? *depth : number > 0 ? number : *depth > 0);
}

/* xterm's: CSI > resource ; value m, without a value as it was, without both all as they were. */
static void set_keys(const struct wb_screen *screen, unsigned char *changed) {
  const unsigned resource = screen->parameters[0];
  if (resource > 7)
    return;
  if (screen->count > 0 && screen->parameters[1] != 0)
    *changed |= (unsigned char)(1u << resource);
  else
    *changed &= resource || screen->count ? (unsigned char)~(1u << resource) : 0;
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
    if (!screen->intermediate)
      set_modes(screen, final == 'h');
    break;
  case 'm':
    if (!screen->marker)
      set_colour(screen);
    else if (screen->marker == '>')
      set_keys(screen, &screen->key_modes);
    break;
  case 'f':
    if (screen->marker == '>')
      set_keys(screen, &screen->key_forms);
    break;
  case 'r':
    if (!screen->marker && !screen->intermediate)
      screen->region = first != 0 || screen->count > 0;
    break;
  case 'c': /* device attributes */
    screen->queries++;
    break;
  case 'n': /* status and cursor position; or a resource of keys is switched off */
    if (screen->marker == '>') {
      screen->key_modes |= first < 8 ? (unsigned char)(1u << first) : 0;
      break;
    }
    screen->queries++;
    if (!screen->marker && first == 5)
      screen->status_asked++;
    break;
  case 'p': /* DECRQM */
    if (screen->intermediate == '$')
      screen->queries++;
    break;
  case 'q': /* XTVERSION, DECSCUSR, DECSCA */
    if (screen->marker == '>')
      screen->queries++;
    else if (screen->intermediate == ' ')
      screen->cursor = first != 0;
    else if (screen->intermediate == '"')
      screen->protect = first == 1;
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
  case 'g': /* TBC */
    screen->tabs = 1;
    break;
  case 'W': /* DECST8C */
    if (screen->marker == '?' && first == 5)
      screen->tabs = 0;
    break;
  case 'z': /* DECELR: where the mouse is, typed */
    if (screen->intermediate == '\'')
      screen->locator = first != 0;
    break;
  case 'i': /* what is written goes to a printer instead */
    if (first == 4 || first == 5)
      screen->printer = first == 5;
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
    memset(screen->parameters, 0, sizeof screen->parameters);
    screen->marker = byte;
    screen->count = 0;
    screen->fresh = 1;
    screen->state = STRING;
    break;
  case '=':
    screen->keypad = 1;
    break;
  case '>':
    screen->keypad = 0;
    break;
  case 'H': /* HTS */
    screen->tabs = 1;
    break;
  case 'n': /* LS2, LS3 */
  case 'o':
    screen->shifted = 1;
    break;
  case 'Z': /* DECID */
    screen->queries++;
    break;
  case 'c': { /* full reset */
    const struct wb_screen before = *screen;
    memset(screen, 0, sizeof *screen);
    screen->queries = before.queries;
    screen->status_asked = before.status_asked;
    break;
  }
  default:
    if (byte >= 0x20 && byte <= 0x2f) {
      screen->intermediate = byte;
      screen->state = DESIGNATE;
    }
    break;
  }
}

/* The end of an escape sequence with an intermediate byte. */
static void designate(struct wb_screen *screen, unsigned char byte) {
  static const char sets[] = "()*+";
  if (byte >= 0x20 && byte <= 0x2f)
    return;
  screen->state = GROUND;
  for (unsigned n = 0; n < 4; n++)
    if (screen->intermediate == (unsigned char)sets[n])
      screen->charsets =
          (unsigned char)((screen->charsets & ~(1u << n)) | (unsigned)(byte != 'B') << n);
  if (screen->intermediate == '%')
    screen->other_charset = byte == '@';
  if (screen->intermediate == ' ' && (byte == 'F' || byte == 'G'))
    screen->wide_controls = byte == 'G';
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
  } else if (byte == 0x0e || byte == 0x0f) { /* carried out where it stands */
    screen->shifted = byte == 0x0e;
  }
}

/* The first byte of a field of an OSC, but for its number; 0 where the field is empty. */
static void begin_field(struct wb_screen *screen, unsigned char byte) {
  const unsigned number = screen->parameters[0];
  const int is_question = byte == '?';
  if ((number == 4 || number == 5) && screen->count == 2 && !is_question)
    screen->palette |= (uint16_t)(1u << (number - 4));
  else if (number >= 10 && number <= 19 && !is_question)
    screen->palette |= (uint16_t)(1u << (number - 8));
  else if (number == 8 && screen->count == 2)
    screen->link = byte != 0;
  else if (number == 9 && screen->count == 1)
    screen->intermediate = byte;
  else if (number == 9 && screen->count == 2 && screen->intermediate == '4')
    screen->progress = byte != '0';
}

static void end_string(struct wb_screen *screen) {
  const unsigned number = screen->parameters[0];
  if (screen->marker != ']')
    return;
  if (screen->fresh && screen->count)
    begin_field(screen, 0);
  if ((number == 104 || number == 105) && !screen->count)
    screen->palette &= (uint16_t)~(1u << (number - 104));
  else if (number >= 110 && number <= 119)
    screen->palette &= (uint16_t)~(1u << (number - 108));
}

/* Takes a byte within an OSC: its number, and then fields between semicolons. */
static void command(struct wb_screen *screen, unsigned char byte) {
  uint16_t *number = &screen->parameters[0];
  if (byte == ';') {
    if (screen->fresh && screen->count)
      begin_field(screen, 0);
    /* Pairs of an index and a colour. */
    screen->count = (unsigned char)(screen->count == 2 && *number <= 5 ? 1 : screen->count + 1);
    screen->fresh = 1;
    if (screen->count == 0)
      screen->count = 255;
  } else if (screen->count) {
    if (screen->fresh)
      begin_field(screen, byte);
    screen->fresh = 0;
  } else if (byte >= '0' && byte <= '9' && *number != UINT16_MAX) {
    *number = *number < 6000 ? (uint16_t)(*number * 10 + (byte - '0')) : 60000;
    screen->fresh = 0;
  } else {
    /* The Linux console's palette, where the sequence ends by itself. */
    if (screen->fresh && (byte == 'P' || byte == 'R'))
      screen->palette = (uint16_t)((screen->palette & ~(1u << 12)) | (unsigned)(byte == 'P') << 12);
    *number = UINT16_MAX;
    screen->fresh = 0;
  }
}

static void string(struct wb_screen *screen, unsigned char byte) {
  /* A question mark in OSC, `$q` or `+q` in DCS, and images in APC ask for an answer. */
  if ((screen->marker == ']' && byte == '?') || (screen->marker == 'P' && byte == 'q') ||
      (screen->marker == '_' && byte == 'G'))
    screen->queries++;
  if (byte == 0x07 || byte == 0x1b) {
    end_string(screen);
    screen->state = byte == 0x07 ? GROUND : STRING_END;
  } else if (byte == 0x18 || byte == 0x1a) {
    screen->state = GROUND;
  } else if (screen->marker == ']') {
    command(screen, byte);
  }
}

static void ground(struct wb_screen *screen, unsigned char byte) {
  screen->state = GROUND;
  if (byte == 0x1b)
    screen->state = ESCAPE;
  else if (byte == 0xc2)
    screen->state = HIGH;
  else if (byte == 0x0e || byte == 0x0f)
    screen->shifted = byte == 0x0e;
  else if (byte == 0x05) /* ENQ */
    screen->queries++;
}

void wb_screen_output(struct wb_screen *screen, const unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    const unsigned char byte = bytes[i];
    switch (screen->state) {
    case ESCAPE:
      if (byte == 0x0e || byte == 0x0f)
        screen->shifted = byte == 0x0e;
      else if (byte != 0x1b)
        escape(screen, byte);
      break;
    case CONTROL:
      control(screen, byte);
      break;
    case STRING:
      string(screen, byte);
      break;
    case STRING_END:
      screen->state = GROUND;
      if (byte == 0x1b)
        screen->state = ESCAPE;
      else if (byte != '\\')
        escape(screen, byte);
      break;
    case DESIGNATE:
      if (byte == 0x1b)
        screen->state = ESCAPE;
      else
        designate(screen, byte);
      break;
    case HIGH: /* a control of eight bits, in UTF-8 */
      if (byte >= 0x80 && byte <= 0x9f)
        escape(screen, byte - 0x40);
      else
        ground(screen, byte);
      break;
    default:
      ground(screen, byte);
      break;
    }
  }
}

static size_t add_number(char *out, size_t at, unsigned value) {
  char digits[8];
  size_t n = 0;
  do
    digits[n++] = (char)('0' + value % 10);
  while (value /= 10);
  while (n)
    out[at++] = digits[--n];
  return at;
}

static size_t add(char *out, size_t at, const char *text) {
  size_t length = strlen(text);
  memcpy(out + at, text, length);
  return at + length;
}

/* ESC [, a marker, a number, and what ends it. */
static size_t add_sequence(char *out, size_t at, const char *begin, unsigned value, char final) {
  at = add(out, at, begin);
  at = add_number(out, at, value);
  out[at++] = final;
  return at;
}

/* The modes that the program has changed, but for which screen is shown: as they were, or as it has
 * them. */
static size_t add_modes(const struct wb_screen *screen, char *out, size_t at, int undo) {
  for (unsigned m = 0; m < MODES; m++)
    if ((screen->modes >> m & 1) && !is_alternate(modes[m].mode))
      at = add_sequence(out, at, "\033[?", modes[m].mode, modes[m].on == undo ? 'h' : 'l');
  for (unsigned m = 0; m < PLAIN; m++)
    if (screen->plain >> m & 1)
      at = add_sequence(out, at, "\033[", plain[m].mode, plain[m].on == undo ? 'h' : 'l');
  return at;
}

/* Adds the keyboard of kitty's stack on one of the screens, while that is shown. */
static size_t add_keyboard(const struct wb_screen *screen, char *out, size_t at, int on) {
  if (screen->keyboard[on])
    at = add_sequence(out, at, "\033[<", screen->keyboard[on], 'u');
  if (screen->keyboard_set[on])
    at = add(out, at, "\033[=0u");
  return at;
}

/* Goes back to the main screen; the keyboard modes of the other are reached from there alone. */
static size_t add_main_screen(const struct wb_screen *screen, char *out, size_t at) {
  const int there = on_alternate(screen);
  if (!there && (screen->keyboard[1] || screen->keyboard_set[1])) {
    at = add_keyboard(screen, out, add(out, at, "\033[?1049h"), 1);
    return add(out, at, "\033[?1049l");
  }
  at = add_keyboard(screen, out, at, 1);
  for (unsigned m = 0; m < MODES; m++)
    if ((screen->modes >> m & 1) && is_alternate(modes[m].mode))
      at = add_sequence(out, at, "\033[?", modes[m].mode, 'l');
  return at;
}

static size_t add_palette(const struct wb_screen *screen, char *out, size_t at) {
  static const unsigned reset[] = {104, 105, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119};
  for (unsigned n = 0; n < sizeof reset / sizeof *reset; n++)
    if (screen->palette >> n & 1)
      at = add(out, add_sequence(out, at, "\033]", reset[n], '\033'), "\\");
  return screen->palette >> 12 & 1 ? add(out, at, "\033]R\033\\") : at;
}

/* Sets stops from column 9 on; a sequence for them (DECST8C) is not known to all. */
static size_t add_tabs(char *out, size_t at) {
  at = add(out, at, "\0337\r\033[3g");
  for (unsigned n = 0; n < TABS; n++)
    at = add(out, at, "\033[" TAB_COLUMNS "C\033H");
  return add(out, at, "\0338");
}

size_t wb_screen_leave(const struct wb_screen *screen, char out[WB_SCREEN_RESET_MAX]) {
  /* Whatever sequence is unfinished ends here; cursor and colours are kept with the screen. */
  size_t at = add(out, 0, "\030\033\\");
  at = add(out, at, on_alternate(screen) ? "\0337" : "\033[?1049h");
  at = add_modes(screen, out, at, 1);
  if (screen->keyboard[0] || screen->keyboard[1])
    at = add(out, at, "\033[>0u");
  return add(out, at, "\033[r\017\033(B\033[0m\033[H\033[2J");
}

size_t wb_screen_return(const struct wb_screen *screen, char out[WB_SCREEN_RESET_MAX],
                        int *redraw) {
  size_t at = add(out, 0, "\033[0m\033[H\033[2J");
  /* The region that it has is not known. */
  *redraw = on_alternate(screen) || screen->region;
  if (screen->keyboard[0] || screen->keyboard[1])
    at = add(out, at, "\033[<u");
  at = add_modes(screen, out, at, 0);
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
  if (screen->printer)
    at = add(out, at, "\033[4i\033[?4i");
  at = add_modes(screen, out, at, 1);
  at = add_main_screen(screen, out, at);
  at = add_keyboard(screen, out, at, 0);
  if (screen->region)
    at = add(out, at, "\0337\033[r\0338");
  for (unsigned n = 0; n < 8; n++) {
    if (screen->key_modes >> n & 1)
      at = add_sequence(out, at, "\033[>", n, 'm');
    if (screen->key_forms >> n & 1)
      at = add_sequence(out, at, "\033[>", n, 'f');
  }
  if (screen->other_charset)
    at = add(out, at, "\033%G");
  if (screen->shifted)
    at = add(out, at, "\017");
  for (unsigned n = 0; n < 4; n++)
    if (screen->charsets >> n & 1) {
      const char text[] = {'\033', "()*+"[n], 'B', 0};
      at = add(out, at, text);
    }
  static const struct {
    size_t at;
    const char *text;
  } rest[] = {
      {offsetof(struct wb_screen, keypad), "\033>"},
      {offsetof(struct wb_screen, wide_controls), "\033 F"},
      {offsetof(struct wb_screen, colour), "\033[0m"},
      {offsetof(struct wb_screen, protect), "\033[0\"q"},
      {offsetof(struct wb_screen, cursor), "\033[0 q"},
      {offsetof(struct wb_screen, locator), "\033[0'z"},
      {offsetof(struct wb_screen, link), "\033]8;;\033\\"},
      {offsetof(struct wb_screen, progress), "\033]9;4;0\033\\"},
  };
  for (unsigned n = 0; n < sizeof rest / sizeof *rest; n++)
    if (((const unsigned char *)screen)[rest[n].at])
      at = add(out, at, rest[n].text);
  at = add_palette(screen, out, at);
  if (screen->tabs)
    at = add_tabs(out, at);
  memset(screen, 0, offsetof(struct wb_screen, queries));
  return at;
}
