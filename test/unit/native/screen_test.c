/*
 * Tests what a program writes to a terminal, and what puts that right. Each row is written whole
 * and byte by byte; and again with the reset behind it, after which nothing is left to be put
 * right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../addon/supervisor/screen.h"

#define E "\033"
#define ST E "\\"

static const struct {
  const char *written, *reset;
} rows[] = {
    {"plain text, \303\251, \342\233\233 and 99% 4;5h", ""},
    {E "[?25l", E "[?25h"},
    {E "[?25l" E "[?25h", ""},
    {E "[?7l" E "[?8l", E "[?7h" E "[?8h"},
    {E "[?1000;1006;2004;1004h", E "[?1000l" E "[?1004l" E "[?1006l" E "[?2004l"},
    {E "[?2026h", E "[?2026l"},
    {E "[?2048h" E "[?9001h", E "[?2048l" E "[?9001l"},
    {E "[?69h", E "[?69l"},
    {E "[4h", E "[4l"},
    {E "[20h", E "[20l"},
    {E "[12l" E "[2h", E "[2l" E "[12h"},
    {E "[20h" E "[20l", ""},
    {E "[?1049h", E "[?1049l"},
    {E "[5 q", E "[0 q"},
    {E "[5 q" E "[0 q", ""},
    {E "[1\"q", E "[0\"q"},
    {E "[2;10r", E "7" E "[r" E "8"},
    {E "[?6h", E "[?6l"},
    {E "=", E ">"},
    {E "(0", E "(B"},
    {E "(0" E "(B", ""},
    {E ")0\016", "\017" E ")B"},
    {E "*0" E "n", "\017" E "*B"},
    {E "%@", E "%G"},
    {E " G", E " F"},
    {E "[31m", E "[0m"},
    {E "[31m" E "[0m", ""},
    {E "[>1u", E "[<1u"},
    {E "[>1u" E "[>5u" E "[<u", E "[<1u"},
    {E "[=5;1u", E "[=0u"},
    {E "[?1049h" E "[>1u", E "[<1u" E "[?1049l"},
    {E "[?1049h" E "[>1u" E "[?1049l", E "[?1049h" E "[<1u" E "[?1049l"},
    {E "[>4;2m", E "[>4m"},
    {E "[>4;2m" E "[>4m", ""},
    {E "[>1;3m" E "[>4;1f", E "[>1m" E "[>4f"},
    {E "]4;1;rgb:00/00/00" ST, E "]104" ST},
    {E "]4;1;?\a", ""},
    {E "]4;1;?;2;#fff\a", E "]104" ST},
    {E "]4;1;#fff\a" E "]104\a", ""},
    {E "]4;1;#fff\a" E "]104;1\a", E "]104" ST},
    {E "]5;0;red\a", E "]105" ST},
    {E "]10;red\a" E "]11;#000000" ST E "]12;blue\a", E "]110" ST E "]111" ST E "]112" ST},
    {E "]11;?\a", ""},
    {E "]11;red\a" E "]111\a", ""},
    {E "]0;a title\a" E "]2;4;1;red\a", ""},
    {E "]P0ff0000", ST E "]R" ST},
    {E "]P0ff0000" E "[?25l", E "[?25h" E "]R" ST},
    {E "]8;;https://example.org/\a", E "]8;;" ST},
    {E "]8;;https://example.org/\a" E "]8;;\a", ""},
    {E "]9;4;1;50\a", E "]9;4;0" ST},
    {E "]9;4;1;50\a" E "]9;4;0\a", ""},
    {E "]9;a note\a", ""},
    {E "[1'z", E "[0'z"},
    {E "[5i", E "[4i" E "[?4i"},
    {E "[?5i" E "[?4i", ""},
    {E "c", ""},
    {E "[?25l" E "]4;1;red\a" E "[20h" E "[3g" E "c", ""},
    /* Sequences that are not finished, or hidden in others. */
    {E "]0;never ended", ST},
    {E "Pq#0", ST},
    {E "[?25", "\030"},
    {E, "\030"},
    {E E "[?25l", E "[?25h"},
    {E "[?\01625l", E "[?25h\017"},
    {"\302\233?25l", E "[?25h"},
    {"\302\2354;1;red\a", E "]104" ST},
    {"\302\302\302\233?25l", E "[?25h"},
    {E "]0;x\030\016", "\017"},
    {E "]0;x" E "[?25l", E "[?25h"},
};

static int failures;

static void check(const char *written, size_t step, const char *wanted) {
  struct wb_screen screen;
  char out[WB_SCREEN_RESET_MAX + 1], again[WB_SCREEN_RESET_MAX];
  memset(&screen, 0, sizeof screen);
  const size_t size = strlen(written);
  for (size_t at = 0; at < size; at += step)
    wb_screen_output(&screen, (const unsigned char *)written + at,
                     size - at < step ? size - at : step);
  struct wb_screen both = screen;
  out[wb_screen_reset(&screen, out)] = 0;
  if (strcmp(out, wanted) != 0) {
    fprintf(stderr, "row %s: got %s\n", written + (*written == '\033'), out + (*out == '\033'));
    failures++;
  }
  wb_screen_output(&both, (const unsigned char *)out, strlen(out));
  if (wb_screen_reset(&both, again) != 0) {
    fprintf(stderr, "row %s: its reset is not enough\n", written + 1);
    failures++;
  }
}

/* Tab stops: cleared, and set again every eight columns. */
static void check_tabs(void) {
  static const char *const ways[] = {E "[3g", E "H", E "[g"};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    struct wb_screen screen;
    char out[WB_SCREEN_RESET_MAX + 1];
    memset(&screen, 0, sizeof screen);
    wb_screen_output(&screen, (const unsigned char *)ways[i], strlen(ways[i]));
    out[wb_screen_reset(&screen, out)] = 0;
    const char *begin = E "7\r" E "[3g" E "[8C" E "H" E "[8C" E "H";
    if (strncmp(out, begin, strlen(begin)) != 0 || strcmp(out + strlen(out) - 2, E "8") != 0) {
      fprintf(stderr, "tab stops: %s\n", out + 1);
      failures++;
    }
  }
}

/* Whatever is written, what puts it right fits. */
static void check_room(void) {
  static unsigned char noise[8192];
  static const char alphabet[] = "\033\033\033[[]?>=<;;;0123456789hlmfrcnpqutxSgWziPH()*+nB0 \"'%@G\a";
  struct wb_screen screen;
  char out[WB_SCREEN_RESET_MAX];
  size_t most = 0;
  srand(1);
  memset(&screen, 0, sizeof screen);
  for (int round = 0; round < 300; round++) {
    for (size_t n = 0; n < sizeof noise; n++)
      noise[n] = (unsigned char)alphabet[(size_t)rand() % (sizeof alphabet - 1)];
    if (round % 50 == 0) /* else it is reset by ESC c before much is set */
      memset(&screen, 0, sizeof screen);
    for (size_t n = 0; n + 1 < sizeof noise; n++)
      if (noise[n] == 033 && noise[n + 1] == 'c')
        noise[n + 1] = 'H';
    wb_screen_output(&screen, noise, sizeof noise);
    for (unsigned mode = 0; mode < 9100; mode++) {
      char text[16];
      const int length = snprintf(text, sizeof text, "\030" E "[?%u%c", mode, "hl"[rand() % 2]);
      wb_screen_output(&screen, (const unsigned char *)text, (size_t)length);
    }
    struct wb_screen copy = screen;
    const size_t length = wb_screen_reset(&copy, out);
    most = length > most ? length : most;
  }
  if (most > WB_SCREEN_RESET_MAX || most < 400)
    failures++;
  printf("screen: %zu rows, at most %zu bytes to put right\n", sizeof rows / sizeof *rows, most);
}

int main(void) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    check(rows[i].written, 1, rows[i].reset);
    check(rows[i].written, 1 << 20, rows[i].reset);
  }
  check_tabs();
  check_room();
  return failures != 0;
}
