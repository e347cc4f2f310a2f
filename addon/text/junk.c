/* Bytes that are no text. As src/changes/show/file-contents.ts counted them before. */
#include "text.h"

#include "../sys/utf8.h"

/* 0 to 8, 14 to 26, 28 to 31, 127: not tab, the ends of lines, form feed and escape. */
static int is_junk(uint8_t byte) {
  return byte < 32 ? byte < 9 || (byte > 13 && byte != 27) : byte == 127;
}

size_t wb_text_junk(const uint8_t *text, size_t size) {
  size_t junk = 0;
  unsigned skip;
  for (size_t at = 0; at < size;) {
    if (text[at] < 0x80) {
      junk += (size_t)is_junk(text[at++]);
      continue;
    }
    const unsigned length = wb_utf8_character(text + at, size - at, &skip);
    junk += length == 0;
    at += length ? length : 1;
  }
  return junk;
}
