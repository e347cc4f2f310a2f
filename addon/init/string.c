/* The few text helpers of init. */
#include "init.h"

size_t str_len(const char *s) {
  size_t n = 0;
  while (s[n])
    n++;
  return n;
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
