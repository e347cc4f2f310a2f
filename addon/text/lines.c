/* How many lines differ: Myers, An O(ND) Difference Algorithm and Its Variations (1986). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "text.h"

struct text {
  const uint8_t *at, *end;
  uint32_t *lines; /* a number for each, the same for the same line */
  size_t count;
};

/* The file's author must not choose lines of the same hash. */
static uint64_t random_number(void) {
  uint64_t number = 0;
  if (syscall(SYS_getrandom, &number, sizeof number, 0) != sizeof number)
    number = (uintptr_t)&number;
  return number;
}

struct line {
  const uint8_t *at; /* NULL: a free place */
  size_t size;
  uint64_t hash;
};

struct numbers {
  struct line *table;
  size_t mask;
  uint64_t seed;
};

static size_t line_size(const uint8_t *at, const uint8_t *end) {
  const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
  return (size_t)((newline ? newline + 1 : end) - at);
}

static size_t count_lines(const uint8_t *at, const uint8_t *end) {
  size_t count = 0;
  for (; at < end; at += line_size(at, end))
    count++;
  return count;
}

static uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ const unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(uint64_t seed, const uint8_t *at, size_t size) {
  uint64_t hash = seed ^ size, word;
  for (; size >= sizeof word; at += sizeof word, size -= sizeof word) {
    memcpy(&word, at, sizeof word);
    hash = mix(hash ^ word, seed | 1);
  }
  word = 0;
  memcpy(&word, at, size);
  return mix(hash ^ word, 0x9e3779b97f4a7c15ull ^ seed);
}

/* The place of a line in the table is its number. */
static uint32_t number_of(struct numbers *numbers, const uint8_t *at, size_t size) {
  const uint64_t hash = hash_of(numbers->seed, at, size);
  size_t place = hash & numbers->mask;
  for (;; place = (place + 1) & numbers->mask) {
    struct line *line = &numbers->table[place];
    if (!line->at) {
      *line = (struct line){at, size, hash};
      return (uint32_t)place;
    }
    if (line->hash == hash && line->size == size && memcmp(line->at, at, size) == 0)
      return (uint32_t)place;
  }
}

static int number_lines(struct text *a, struct text *b) {
  struct numbers numbers = {.seed = random_number()};
  size_t room = 16;
  while (room < 2 * (a->count + b->count))
    room *= 2;
  numbers.mask = room - 1;
  numbers.table = calloc(room, sizeof *numbers.table);
  a->lines = malloc((a->count + b->count + 1) * sizeof *a->lines);
  if (!numbers.table || !a->lines) {
    free(numbers.table);
    return -1;
  }
  b->lines = a->lines + a->count;
  for (struct text *one = a; one; one = one == a ? b : NULL) {
    const uint8_t *at = one->at;
    for (size_t i = 0; i < one->count; i++) {
      const size_t size = line_size(at, one->end);
      one->lines[i] = number_of(&numbers, at, size);
      at += size;
    }
  }
  free(numbers.table);
  return 0;
}

/* The least number of lines to remove and add, at most `most`; more: `most` and one. SIZE_MAX: no
 * memory. */
static size_t distance(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count,
                       size_t most) {
  if (most > a_count + b_count)
    most = a_count + b_count;
  const long n = (long)a_count, m = (long)b_count, limit = (long)most;
  /* How far each diagonal has come, in lines of `a`. */
  long *reached = malloc((2 * most + 3) * sizeof *reached);
  if (!reached)
    return SIZE_MAX;
  long *at = reached + most + 1;
  at[1] = 0;
  size_t found = most + 1;
  for (long d = 0; d <= limit && found > most; d++)
    for (long k = d <= m ? -d : d - 2 * m; k <= (d <= n ? d : 2 * n - d); k += 2) {
      const int down = k == -d || (k != d && at[k - 1] < at[k + 1]);
      long x = down ? at[k + 1] : at[k - 1] + 1;
      while (x < n && x - k < m && a[x] == b[x - k])
        x++;
      at[k] = x;
      if (x >= n && x - k >= m) {
        found = (size_t)d;
        break;
      }
    }
  free(reached);
  return found;
}

static void drop_same_ends(struct text *a, struct text *b) {
  while (a->count && b->count && a->lines[0] == b->lines[0])
    a->lines++, b->lines++, a->count--, b->count--;
  while (a->count && b->count && a->lines[a->count - 1] == b->lines[b->count - 1])
    a->count--, b->count--;
}

int wb_text_line_changes(const uint8_t *before, size_t before_size, const uint8_t *after,
                         size_t after_size, size_t most, struct wb_line_changes *changes) {
  struct text a = {.at = before, .end = before + before_size};
  struct text b = {.at = after, .end = after + after_size};
  a.count = count_lines(a.at, a.end);
  b.count = count_lines(b.at, b.end);
  *changes = (struct wb_line_changes){.added = b.count, .removed = a.count};
  if (!a.count || !b.count)
    return 0;
  if (number_lines(&a, &b) < 0) {
    errno = ENOMEM;
    return -1;
  }
  uint32_t *lines = a.lines;
  drop_same_ends(&a, &b);
  const size_t least = distance(a.lines, a.count, b.lines, b.count, most);
  free(lines);
  if (least == SIZE_MAX) {
    errno = ENOMEM;
    return -1;
  }
  if (least <= most) {
    /* The other text has as many more lines as lines are added more than removed. */
    changes->added = (least + b.count - a.count) / 2;
    changes->removed = least - changes->added;
  }
  return 0;
}
