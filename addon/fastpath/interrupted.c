/*
 * Whether another run was interrupted, which is put in order after a run: Node does it. What has
 * ended is not in `runs`, so only what runs now is looked at. Called by start.c.
 */
#include "layer.h"

#include <string.h>

struct directory_entry {
  uint64_t ino;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

/* Whether nobody holds the lock of what lies in `runs`: Node then looks what it is. */
static int maybe_interrupted(int runs, const char *id) {
  long directory = open_in(runs, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
  if (directory < 0)
    return 0; /* removed meanwhile */
  int maybe = 1;
  long lock = open_in((int)directory, "lock", O_RDWR | O_NOFOLLOW, 0);
  if (lock >= 0) {
    maybe = sys2(__NR_flock, lock, LOCK_EX | LOCK_NB) == 0;
    sys1(__NR_close, lock);
  }
  sys1(__NR_close, directory);
  return maybe;
}

int has_interrupted_runs(const struct layer *layer) {
  static char buffer[16384] __attribute__((aligned(8)));
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
      if (maybe_interrupted(layer->runs, one->name))
        return 1;
    }
  }
}
