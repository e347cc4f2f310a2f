/* The few memory and text helpers of init; the compiler itself calls memcpy and memset. */
#include "init.h"

size_t str_len(const char *s) {
  size_t n = 0;
  while (s[n])
    n++;
  return n;
}

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

size_t format_number(char *out, uint64_t number) {
  char reverse[20];
  size_t n = 0;
  do {
    reverse[n++] = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  for (size_t i = 0; i < n; i++)
    out[i] = reverse[n - 1 - i];
  out[n] = 0;
  return n;
}
