/* Paths, numbers and times. Used by all of the native command. */
#include "fastpath.h"

#include <string.h>

const char *variable(char *const *envp, const char *name) {
  size_t length = strlen(name);
  for (; *envp; envp++)
    if (same_bytes(*envp, name, length) && (*envp)[length] == '=')
      return *envp + length + 1;
  return NULL;
}

int join_path(char *out, const char *first, const char *second) {
  size_t a = strlen(first), b = strlen(second);
  if (a + 1 + b >= WB_PATH_MAX)
    return -1;
  memcpy(out, first, a);
  out[a] = '/';
  memcpy(out + a + 1, second, b + 1);
  return 0;
}

/* Stops at the first difference, so that a shorter string ends the comparison at its 0 byte. */
int same_bytes(const void *a, const void *b, size_t n) {
  const unsigned char *x = a, *y = b;
  for (size_t i = 0; i < n; i++)
    if (x[i] != y[i])
      return 0;
  return 1;
}

int same_text(const char *a, const char *b) {
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

/* Returns an FNV-1a hash, which only names an entry: its contents are compared byte by byte. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n) {
  const unsigned char *b = bytes;
  for (size_t i = 0; i < n; i++)
    hash = (hash ^ b[i]) * 0x100000001b3u;
  return hash;
}

char *put_decimal(char *out, uint64_t number) {
  int count = 1;
  for (uint64_t rest = number; rest >= 10; rest /= 10)
    count++;
  wb_put_digits(out, number, 10, count);
  return out + count;
}

void put_cache_key(char *out, const struct wb_cache_key *key) {
  const unsigned char *byte = (const unsigned char *)key;
  for (size_t i = 0; i < sizeof *key; i++, out += 2)
    wb_put_digits(out, byte[i], 16, 2);
  *out = 0;
}
