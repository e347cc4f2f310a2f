/*
 * Memory of one call. In the module: a bump allocator above the static data. In native programs,
 * which are tests: one malloc for each piece, so that AddressSanitizer detects every access out of
 * bounds.
 */
#include "core.h"

#include <string.h>

#ifdef __wasm__

extern unsigned char __heap_base;
static uintptr_t top;

void wb_arena_reset(void) {
  top = 0;
}

void *wb_alloc(size_t size) {
  if (top == 0)
    top = ((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15;
  uintptr_t at = top;
  uintptr_t end = at + ((size + 15) & ~(size_t)15);
  uintptr_t have = (uintptr_t)__builtin_wasm_memory_size(0) << 16;
  if (end < at)
    __builtin_trap();
  if (end > have) {
    uintptr_t want = (end - have + 0xffff) >> 16;
    if (__builtin_wasm_memory_grow(0, want) == (size_t)-1)
      __builtin_trap();
  }
  top = end;
  return memset((void *)at, 0, size);
}

#else

#include <stdlib.h>

struct piece {
  struct piece *next;
  _Alignas(16) unsigned char bytes[];
};
static struct piece *pieces;

void wb_arena_reset(void) {
  while (pieces != NULL) {
    struct piece *next = pieces->next;
    free(pieces);
    pieces = next;
  }
}

void *wb_alloc(size_t size) {
  struct piece *piece = calloc(1, sizeof *piece + size);
  if (piece == NULL)
    abort();
  piece->next = pieces;
  pieces = piece;
  return piece->bytes;
}

#endif

void *wb_push(void *array, uint32_t *count, uint32_t *capacity, size_t element_size) {
  char *elements;
  memcpy(&elements, array, sizeof elements); /* a pointer of another type */
  if (*count >= *capacity) {
    *capacity = *capacity == 0 ? 4 : *capacity * 2;
    char *moved = wb_alloc(*capacity * element_size);
    if (*count > 0)
      memcpy(moved, elements, *count * element_size);
    elements = moved;
    memcpy(array, &elements, sizeof elements);
  }
  return elements + element_size * (*count)++;
}

void wb_sort(void *array, uint32_t count, size_t element_size,
             bool (*less)(const void *a, const void *b, const void *with), const void *with) {
  char *at = array, element[64];
  bool sorted = true;
  for (uint32_t i = 1; i < count; i++)
    sorted = sorted && !less(at + i * element_size, at + (i - 1) * element_size, with);
  for (uint32_t gap = sorted ? 0 : count / 2; gap > 0; gap /= 2) /* Shell's */
    for (uint32_t i = gap; i < count; i++) {
      memcpy(element, at + i * element_size, element_size);
      uint32_t j = i;
      for (; j >= gap && less(element, at + (j - gap) * element_size, with); j -= gap)
        memcpy(at + j * element_size, at + (j - gap) * element_size, element_size);
      memcpy(at + j * element_size, element, element_size);
    }
}
