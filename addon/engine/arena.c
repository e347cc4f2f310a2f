/*
 * The engine's memory: one stretch of addresses that is the same in every process, so that the
 * engine with its program loaded can be written to the end of the executable when it is built, and
 * mapped by each start instead of being made again. Called by main.c.
 *
 * Pieces have a few sizes, each with a list of those that were given back: so few pages are
 * touched, each of which costs a fault.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine.h"

#define ARENA ((char *)0x300000000000ul)
#define ARENA_SIZE ((size_t)512 << 20)
#define PAGE ((size_t)4096)
#define MAGIC 0x31656e69676e6577ul /* "wengine1" */

/* Up to SMALL bytes a size for each 16, above it four for each power of two. */
#define SMALL ((size_t)1024)
#define CLASSES (SMALL / 16 + 1 + 4 * 20)

/* In front of each piece, whose addresses are multiples of 16. */
struct piece {
  size_t size;
  struct piece *next; /* of those given back */
};

/* At the start of the arena, and so of the image. */
struct head {
  uint64_t magic;
  uint64_t used;
  JSRuntime *runtime;
  JSContext *context;
  JSValue start;
  struct piece *free[CLASSES];
};

/* The last bytes of the executable. */
struct trailer {
  uint64_t magic;
  uint64_t offset; /* of the image in the file, a multiple of PAGE */
  uint64_t size;
};

static struct head *const head = (struct head *)ARENA;

/* The class of a size, which is rounded up to that of the class. */
static size_t class_of(size_t *size) {
  if (*size <= SMALL) {
    *size = (*size + 15) & ~(size_t)15;
    return *size / 16;
  }
  const int shift = 61 - __builtin_clzl(*size - 1); /* a quarter of the power of two below */
  const size_t step = (size_t)1 << shift;
  *size = (*size + step - 1) & ~(step - 1);
  return SMALL / 16 + 4 * (size_t)(shift - 8) + ((*size - 1) >> shift) - 3;
}

static struct piece *piece_of(const void *memory) {
  return (struct piece *)(uintptr_t)memory - 1;
}

static void *take(JSMallocState *state, size_t size) {
  if (size > ARENA_SIZE / 2)
    return NULL;
  struct piece **list = &head->free[class_of(&size)], *piece = *list;
  if (piece) {
    *list = piece->next;
  } else {
    if (size + sizeof *piece > ARENA_SIZE - head->used)
      return NULL;
    piece = (struct piece *)(void *)(ARENA + head->used);
    piece->size = size;
    head->used += size + sizeof *piece;
  }
  state->malloc_count++;
  state->malloc_size += size + sizeof *piece;
  return piece + 1;
}

static void give_back(JSMallocState *state, void *memory) {
  if (!memory)
    return;
  struct piece *piece = piece_of(memory);
  state->malloc_count--;
  size_t size = piece->size;
  state->malloc_size -= size + sizeof *piece;
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
  return mmap(ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
              0) == (void *)ARENA
             ? 0
             : -1;
}

JSRuntime *arena_runtime(void) {
  static const JSMallocFunctions functions = {take, give_back, resize, usable};
  if (map_arena() < 0)
    return NULL;
  head->used = (sizeof *head + 15) & ~(size_t)15;
  return head->runtime = JS_NewRuntime2(&functions, NULL);
}

/* The runtime's limits of the stack are this process's: arena_restore sets them anew. Two builds
 * give the same bytes. */
static void forget_stack(void) {
  const uintptr_t here = (uintptr_t)__builtin_frame_address(0), far = 16 << 20;
  for (uintptr_t *word = (uintptr_t *)(void *)ARENA; (char *)word < ARENA + head->used; word++)
    if (*word - (here - far) < 2 * far)
      *word = 0;
}

int arena_save(JSContext *context, JSValue start, const char *file) {
  head->magic = MAGIC;
  head->context = context;
  head->start = start;
  forget_stack();
  int fd = open(file, O_WRONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) < 0)
    return -1;
  const struct trailer trailer = {MAGIC, ((uint64_t)info.st_size + PAGE - 1) & ~(PAGE - 1),
                                  (head->used + PAGE - 1) & ~(PAGE - 1)};
  size_t done = 0;
  while (done < trailer.size) {
    ssize_t n = pwrite(fd, ARENA + done, trailer.size - done, (off_t)(trailer.offset + done));
    if (n < 0 && errno != EINTR)
      return -1;
    done += n > 0 ? (size_t)n : 0;
  }
  const off_t end = (off_t)(trailer.offset + trailer.size);
  return pwrite(fd, &trailer, sizeof trailer, end) == sizeof trailer ? close(fd) : -1;
}

int arena_restore(JSContext **context, JSValue *start) {
  int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  struct stat info;
  struct trailer trailer;
  if (fd < 0 || fstat(fd, &info) < 0 || info.st_size < (off_t)sizeof trailer ||
      pread(fd, &trailer, sizeof trailer, info.st_size - (off_t)sizeof trailer) != sizeof trailer ||
      trailer.magic != MAGIC || trailer.offset % PAGE != 0 || trailer.size > ARENA_SIZE ||
      trailer.offset + trailer.size + sizeof trailer != (uint64_t)info.st_size || map_arena() < 0 ||
      mmap(ARENA, trailer.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
           (off_t)trailer.offset) != (void *)ARENA) {
    if (fd >= 0)
      close(fd);
    return -1;
  }
  close(fd);
  JS_UpdateStackTop(head->runtime);
  *context = head->context;
  *start = head->start;
  return head->magic == MAGIC ? 0 : -1;
}
