/*
 * malloc(3) for the native command, which allocates little: each piece is a mapping of its own.
 * Also qsort(3) and bsearch(3). Called by addon/rundir.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "syscall.h"

/* The piece stands in front of what is given out, whose alignment it keeps. */
struct piece {
  size_t size;
  size_t reserved;
};

void *malloc(size_t size) {
  if (size > SIZE_MAX / 2) {
    errno = ENOMEM;
    return NULL;
  }
  struct piece *piece =
      mmap(NULL, size + sizeof *piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (piece == MAP_FAILED)
    return NULL;
  piece->size = size + sizeof *piece;
  return piece + 1;
}

void *calloc(size_t count, size_t size) {
  if (size && count > SIZE_MAX / 2 / size) {
    errno = ENOMEM;
    return NULL;
  }
  return malloc(count * size); /* a fresh mapping holds zeros */
}

void *realloc(void *before, size_t size) {
  if (!before)
    return malloc(size);
  struct piece *piece = (struct piece *)before - 1;
  if (size > SIZE_MAX / 2) {
    errno = ENOMEM;
    return NULL;
  }
  const long moved = sys4(__NR_mremap, (long)piece, (long)piece->size, (long)(size + sizeof *piece),
                          MREMAP_MAYMOVE);
  if (moved < 0 && moved >= -4095) {
    errno = (int)-moved;
    return NULL;
  }
  piece = (struct piece *)moved;
  piece->size = size + sizeof *piece;
  return piece + 1;
}

void free(void *given) {
  struct piece *piece = (struct piece *)given - 1;
  if (given)
    munmap(piece, piece->size);
}

static void swap(char *a, char *b, size_t size) {
  for (; size; size--, a++, b++) {
    const char byte = *a;
    *a = *b;
    *b = byte;
  }
}

/* Heapsort: a payload decides how long the list is, and sorting must not need more memory. */
static void sink(char *base, size_t at, size_t count, size_t size,
                 int (*compare)(const void *, const void *)) {
  for (size_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0)
      child++;
    if (compare(base + at * size, base + child * size) >= 0)
      return;
    swap(base + at * size, base + child * size, size);
  }
}

void qsort(void *array, size_t count, size_t size, int (*compare)(const void *, const void *)) {
  char *base = array;
  for (size_t at = count / 2; at-- > 0;)
    sink(base, at, count, size, compare);
  for (size_t end = count; end-- > 1;) {
    swap(base, base + end * size, size);
    sink(base, 0, end, size, compare);
  }
}

void *bsearch(const void *key, const void *array, size_t count, size_t size,
              int (*compare)(const void *, const void *)) {
  const char *base = array;
  while (count > 0) {
    const char *middle = base + count / 2 * size;
    const int order = compare(key, middle);
    if (order == 0)
      return (void *)(uintptr_t)middle;
    if (order > 0)
      base = middle + size;
    count = order > 0 ? count - count / 2 - 1 : count / 2;
  }
  return NULL;
}
