/* Called by addon/engine/text.c, addon/fastpath/arguments.c, addon/search/walk.c and addon/text. */
#include "utf8.h"

unsigned wb_utf8_character(const uint8_t *at, size_t left, unsigned *skip) {
  *skip = 1;
  if (*at < 0x80)
    return 1;
  const unsigned more = *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : 1;
  if (*at < 0xc2 || *at > 0xf4)
    return 0;
  for (unsigned i = 1; i <= more; i++) {
    const uint8_t low = i > 1 ? 0x80 : *at == 0xe0 ? 0xa0 : *at == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = i > 1 ? 0xbf : *at == 0xed ? 0x9f : *at == 0xf4 ? 0x8f : 0xbf;
    if (i >= left || at[i] < low || at[i] > high) {
      *skip = i;
      return 0;
    }
  }
  return more + 1;
}

size_t wb_utf8_prefix(const uint8_t *bytes, size_t size) {
  size_t good = 0;
  unsigned skip, length;
  while (good < size && (length = wb_utf8_character(bytes + good, size - good, &skip)) > 0)
    good += length;
  return good;
}
