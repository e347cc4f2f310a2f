/*
 * The engine's memory: one stretch of addresses that is the same in every process, so that the
 * engine with its program loaded can be written to the end of the executable when it is built, and
 * mapped by each start instead of being made again. Called by main.c and program.c.
 *
 * Pieces have a few sizes, each with a list of those that were given back: so few pages are
 * touched, each of which costs a fault.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine.h"

#ifdef __aarch64__
#define ARENA ((char *)0x3000000000ul) /* there are kernels with 39 bits of addresses */
#else
#define ARENA ((char *)0x300000000000ul)
#endif
/* The arena gets as much of this as can be had: the caller may limit its mappings (RLIMIT_AS). */
#define ARENA_MOST ((size_t)4 << 30)
#define ARENA_LEAST ((size_t)32 << 20)
#define PAGE ((size_t)4096)
#define MAGIC 0x31656e69676e6577ul /* "wengine1" */

/* A piece of at least this size is a mapping of its own, which goes back to the kernel: what the
 * command reads is as long as files are. While the image is made, none is. */
#define LARGE ((size_t)1 << 20)

/* Sizes come in classes: up to SMALL bytes, one for each 8; above it, four for each power of
 * two. */
#define SMALL ((size_t)1024)
#define CLASSES (SMALL / 8 + 1 + 4 * 20)

/* A piece's memory begins behind its size, at a multiple of 8: nothing in QuickJS needs more. */
struct piece {
  size_t size;
  struct piece *next; /* while it is given back */
};
#define HEADER offsetof(struct piece, next)

/* The start of the arena, and so of the image. */
struct head {
  uint64_t magic;
  uint64_t used;
  JSRuntime *runtime;
  JSContext *context;
  JSValue start;
  struct piece *free[CLASSES];
};

static size_t arena_size;
static struct head *const head = (struct head *)ARENA;

/* The class of a size, which is rounded up to that of the class. */
static size_t class_of(size_t *size) {
  if (*size <= SMALL) {
    *size = *size ? (*size + 7) & ~(size_t)7 : 8;
    return *size / 8;
  }
  const int shift = 61 - __builtin_clzl(*size - 1); /* a quarter of the power of two below */
  const size_t step = (size_t)1 << shift;
  *size = (*size + step - 1) & ~(step - 1);
  return SMALL / 8 + 4 * (size_t)(shift - 8) + ((*size - 1) >> shift) - 3;
}

static struct piece *piece_of(const void *memory) {
  return (struct piece *)(void *)((char *)(uintptr_t)memory - HEADER);
}

static int maps_large;

void arena_map_large(void) {
  maps_large = 1;
}

static int is_mapped(const void *memory) {
  return (const char *)memory < ARENA || (const char *)memory >= ARENA + arena_size;
}

static size_t mapping_of(size_t size) {
  return (size + HEADER + PAGE - 1) & ~(PAGE - 1);
}

static void count_piece(JSMallocState *state, const struct piece *piece, int sign) {
  const size_t whole = piece->size + HEADER;
  state->malloc_count += (size_t)sign;
  state->malloc_size += sign > 0 ? whole : -whole;
}

static void *take_large(JSMallocState *state, size_t size) {
  struct piece *piece =
      mmap(NULL, mapping_of(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (piece == MAP_FAILED)
    return NULL;
  piece->size = mapping_of(size) - HEADER;
  count_piece(state, piece, 1);
  return &piece->next;
}

static void *take(JSMallocState *state, size_t size) {
  if (size > state->malloc_limit || state->malloc_size > state->malloc_limit - size)
    return NULL;
  if (maps_large && size >= LARGE)
    return take_large(state, size);
  if (size > arena_size / 2)
    return NULL;
  struct piece **list = &head->free[class_of(&size)], *piece = *list;
  if (piece) {
    *list = piece->next;
  } else {
    if (size + HEADER > arena_size - head->used)
      return NULL;
    piece = (struct piece *)(void *)(ARENA + head->used);
    piece->size = size;
    head->used += size + HEADER;
  }
  count_piece(state, piece, 1);
  return &piece->next;
}

static void give_back(JSMallocState *state, void *memory) {
  if (!memory)
    return;
  struct piece *piece = piece_of(memory);
  size_t size = piece->size;
  count_piece(state, piece, -1);
  if (is_mapped(memory)) {
    munmap(piece, size + HEADER);
    return;
  }
  struct piece **list = &head->free[class_of(&size)];
  piece->next = *list;
  *list = piece;
}

static void *resize(JSMallocState *state, void *memory, size_t size) {
  if (!memory)
    return size ? take(state, size) : NULL;
  if (!size) {
    give_back(state, memory);
    return NULL;
  }
  struct piece *piece = piece_of(memory);
  if (size <= piece->size)
    return memory;
  void *copy = take(state, size);
  if (copy) {
    memcpy(copy, memory, piece->size);
    give_back(state, memory);
  }
  return copy;
}

static size_t usable(const void *memory) {
  return memory ? piece_of(memory)->size : 0;
}

static int map_arena(void) {
  for (arena_size = ARENA_MOST; arena_size >= ARENA_LEAST; arena_size /= 2)
    if (mmap(ARENA, arena_size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
             0) == (void *)ARENA)
      return 0;
  return -1;
}

JSRuntime *arena_runtime(void) {
  static const JSMallocFunctions functions = {take, give_back, resize, usable};
  if (map_arena() < 0)
    return NULL;
  head->used = (sizeof *head + 15) & ~(size_t)15;
  return head->runtime = JS_NewRuntime2(&functions, NULL);
}

/* The runtime's limits of the stack are this process's: arena_restore sets them anew. Without them,
 * two builds give the same bytes. */
static void forget_stack(void) {
  const uintptr_t here = (uintptr_t)__builtin_frame_address(0), far = 16 << 20;
  for (uintptr_t *word = (uintptr_t *)(void *)ARENA; (char *)word < ARENA + head->used; word++)
    if (*word - (here - far) < 2 * far)
      *word = 0;
}

/* Where the image's bytes are, for program.c to write. */
const void *arena_image(JSContext *context, JSValue start, size_t *size) {
  head->magic = MAGIC;
  head->context = context;
  head->start = start;
  /* Memory that was given back lies all over the image: to take it would copy a page for each
   * piece. */
  memset(head->free, 0, sizeof head->free);
  forget_stack();
  *size = (head->used + PAGE - 1) & ~(PAGE - 1);
  return ARENA;
}

int arena_restore(JSContext **context, JSValue *start, int fd, uint64_t offset, uint64_t size) {
  if (offset % PAGE != 0 || size < PAGE || map_arena() < 0 || size > arena_size ||
      mmap(ARENA, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, (off_t)offset) !=
          (void *)ARENA ||
      head->magic != MAGIC)
    return -1;
  JS_UpdateStackTop(head->runtime);
  *context = head->context;
  *start = head->start;
  return 0;
}
