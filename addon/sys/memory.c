/*
 * The functions that the compiler itself calls, for the executables without a libc: init and the
 * native command.
 */
#include <stddef.h>

/* Declarations as in string.h, which a freestanding program need not have. */
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int byte, size_t n);

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
#ifdef __x86_64__ /* many bytes at a time */
  void *t = to;
  __asm__ volatile("rep movsb" : "+D"(t), "+S"(from), "+c"(n) : : "memory");
#else
  unsigned char *t = to;
  const unsigned char *f = from;
  while (n--)
    *t++ = *f++;
#endif
  return to;
}

void *memset(void *to, int byte, size_t n) {
#ifdef __x86_64__
  void *t = to;
  __asm__ volatile("rep stosb" : "+D"(t), "+c"(n) : "a"(byte) : "memory");
#else
  unsigned char *t = to;
  while (n--)
    *t++ = (unsigned char)byte;
#endif
  return to;
}
