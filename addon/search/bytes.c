/* Bytes that grow. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

int search_put(struct wb_bytes *bytes, const void *more, size_t size) {
  if (size > bytes->room - bytes->size) {
    const size_t room = 2 * bytes->room + size + 4096;
    uint8_t *at = realloc(bytes->at, room);
    if (!at) {
      errno = ENOMEM;
      return -1;
    }
    bytes->at = at;
    bytes->room = room;
  }
  if (size)
    memcpy(bytes->at + bytes->size, more, size);
  bytes->size += size;
  return 0;
}
