/*
 * Whether a run of somebody else's was interrupted, which is put in order after a run: Node does
 * it. Called by start.c.
 */
#include "layer.h"

#include <string.h>

/* With more runs kept aside, Node looks whether one was interrupted. */
#define LOOKS_MAX 64

struct directory_entry {
  uint64_t ino;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

static int contains(const char *text, size_t size, const char *part) {
  size_t length = strlen(part);
  for (size_t i = 0; i + length <= size; i++)
    if (same_bytes(text + i, part, length))
      return 1;
  return 0;
}

/* Whether a run's journal entry may say "running" while nobody holds its lock. */
static int maybe_interrupted(int runs, const char *id) {
  static char text[16384];
  long directory = open_in(runs, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
  if (directory < 0)
    return 0; /* removed meanwhile */
  int maybe = 1;
  long record = open_in((int)directory, "run.json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
  if (record >= 0) {
    long n = sys3(__NR_read, record, text, sizeof text);
    sys1(__NR_close, record);
    maybe = n < 0 || n == sizeof text || contains(text, (size_t)n, "\"status\": \"running\"");
  }
  if (maybe) {
    long lock = open_in((int)directory, "lock", O_RDWR | O_NOFOLLOW, 0);
    if (lock >= 0) {
      maybe = sys2(__NR_flock, lock, LOCK_EX | LOCK_NB) == 0;
      sys1(__NR_close, lock);
    }
  }
  sys1(__NR_close, directory);
  return maybe;
}

int has_interrupted_runs(const struct layer *layer) {
  static char buffer[16384] __attribute__((aligned(8)));
  int looks = 0;
  if (sys3(__NR_lseek, layer->runs, 0, 0) < 0)
    return 1;
  for (;;) {
    long n = sys3(__NR_getdents64, layer->runs, buffer, sizeof buffer);
    if (n <= 0)
      return n < 0;
    for (long at = 0; at < n;) {
      const struct directory_entry *one = (const struct directory_entry *)(void *)(buffer + at);
      at += one->length;
      if (one->name[0] == '.' || same_text(one->name, layer->id))
        continue;
      if (++looks > LOOKS_MAX || maybe_interrupted(layer->runs, one->name))
        return 1;
    }
  }
}
