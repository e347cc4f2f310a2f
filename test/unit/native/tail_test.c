/* Unit test: the last bytes of a terminal, whatever the sizes of the pieces in which they came. */
#include "../../../addon/supervisor/tail.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TOTAL = 5 * WB_TAIL_MAX };

static unsigned char all[TOTAL];

/* Adds `size` bytes in pieces of at most `most`, and compares with the end of what was added. */
static void keeps_the_end(size_t size, size_t most) {
  struct wb_tail *tail = malloc(sizeof *tail); /* on the heap, where a byte beyond it is seen */
  memset(tail, 0xff, sizeof *tail);
  memset(tail, 0, offsetof(struct wb_tail, bytes));
  for (size_t at = 0; at < size;) {
    const size_t piece = most < size - at ? most : size - at;
    wb_tail_add(tail, all + at, piece);
    at += piece;
  }
  const size_t expected = size < WB_TAIL_MAX ? size : WB_TAIL_MAX;
  assert(wb_tail_order(tail) == expected);
  assert(memcmp(tail->bytes, all + size - expected, expected) == 0);
  free(tail);
}

int main(void) {
  for (size_t i = 0; i < TOTAL; i++)
    all[i] = (unsigned char)((i * 2654435761u) >> 13);
  static const size_t sizes[] = {0,
                                 1,
                                 100,
                                 WB_TAIL_MAX - 1,
                                 WB_TAIL_MAX,
                                 WB_TAIL_MAX + 1,
                                 2 * WB_TAIL_MAX,
                                 2 * WB_TAIL_MAX + 77,
                                 TOTAL};
  static const size_t pieces[] = {1,           7,     4095, 8192, WB_TAIL_MAX - 1,
                                  WB_TAIL_MAX, TOTAL, 333};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (size_t j = 0; j < sizeof pieces / sizeof *pieces; j++)
      keeps_the_end(sizes[i], pieces[j]);
  return 0;
}
