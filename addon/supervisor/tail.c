/* The last bytes of a payload's output. Called by terminal.c, relay.c, outcome.c and attach.c. */
#include "tail.h"

#include <string.h>

void wb_tail_add(struct wb_tail *tail, const unsigned char *bytes, size_t size) {
  if (size > sizeof tail->bytes) {
    bytes += size - sizeof tail->bytes;
    size = sizeof tail->bytes;
  }
  const size_t room = sizeof tail->bytes - tail->next;
  const size_t first = size < room ? size : room;
  memcpy(tail->bytes + tail->next, bytes, first);
  memcpy(tail->bytes, bytes + first, size - first);
  tail->full |= size >= room;
  tail->next = (tail->next + size) % sizeof tail->bytes;
}

/* Turns a range around. */
static void reverse(unsigned char *bytes, size_t size) {
  for (size_t i = 0; i < size / 2; i++) {
    const unsigned char byte = bytes[i];
    bytes[i] = bytes[size - 1 - i];
    bytes[size - 1 - i] = byte;
  }
}

size_t wb_tail_order(struct wb_tail *tail) {
  if (!tail->full)
    return tail->next;
  /* Each part turned around, then the whole, is a rotation without memory of its own. */
  reverse(tail->bytes, tail->next);
  reverse(tail->bytes + tail->next, sizeof tail->bytes - tail->next);
  reverse(tail->bytes, sizeof tail->bytes);
  tail->next = 0;
  return sizeof tail->bytes;
}
