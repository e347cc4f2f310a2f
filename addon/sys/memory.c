/*
 * What the compiler itself calls, for the executables without a libc: init and the front end.
 */
#include <stddef.h>

/* As in string.h, which a freestanding program need not have. */
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int byte, size_t n);

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  unsigned char *t = to;
  const unsigned char *f = from;
  while (n--)
    *t++ = *f++;
  return to;
}

void *memset(void *to, int byte, size_t n) {
  unsigned char *t = to;
  while (n--)
    *t++ = (unsigned char)byte;
  return to;
}
