/*
 * The request of a search, and whether a name may be what a pattern means. A test is the last names
 * of a pattern, of each what is before its first special character and behind its last one: it
 * never leaves out what the pattern matches.
 *
 *     u32 depth, u32 size, the context · u32 count, u64 device and u64 inode of each state
 * directory u32 size, the skipped paths · u8 survey · the tests, up to the end: u8 exact, u8 count
 * of parts, the last name's first, of each u8 open, u8 and u8 the sizes of prefix and suffix, and
 * these
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

struct reader {
  const uint8_t *at, *end;
  int bad;
};

static const uint8_t *take(struct reader *from, size_t size) {
  static const uint8_t none[16];
  if (size > (size_t)(from->end - from->at)) {
    from->bad = 1;
    from->at = from->end;
    return size <= sizeof none ? none : NULL;
  }
  const uint8_t *got = from->at;
  from->at += size;
  return got;
}

static uint8_t take_byte(struct reader *from) {
  return *take(from, 1);
}

static uint32_t take_word(struct reader *from) {
  uint32_t word;
  memcpy(&word, take(from, sizeof word), sizeof word);
  return word;
}

/* Adds a test to the list of those that names with the same first or last byte may pass. */
static void file_test(struct search_request *request, uint16_t number) {
  struct search_test *test = &request->tests[number - 1];
  const struct search_part *part = test->count ? &request->parts[test->first] : NULL;
  uint16_t *list = &request->any;
  if (part && part->prefix_size)
    list = &request->by_first[part->prefix[0]];
  else if (part && part->suffix_size)
    list = &request->by_last[part->suffix[part->suffix_size - 1]];
  test->next = *list;
  *list = number;
}

/* Every test takes two bytes at least, every part three. */
static int read_tests(struct search_request *request, struct reader *from) {
  const size_t room = request->tests_size / 2 + 1;
  request->tests = calloc(room, sizeof *request->tests);
  request->parts = calloc(room, sizeof *request->parts);
  if (!request->tests || !request->parts) {
    errno = ENOMEM;
    return -1;
  }
  uint32_t parts = 0;
  while (from->at < from->end && request->test_count < UINT16_MAX) {
    struct search_test *test = &request->tests[request->test_count++];
    test->exact = take_byte(from);
    test->count = take_byte(from);
    test->first = parts;
    for (unsigned i = 0; i < test->count && !from->bad; i++) {
      struct search_part *part = &request->parts[parts++];
      part->open = take_byte(from);
      part->prefix_size = take_byte(from);
      part->suffix_size = take_byte(from);
      part->prefix = take(from, part->prefix_size);
      part->suffix = take(from, part->suffix_size);
    }
    if (from->bad)
      break;
    file_test(request, (uint16_t)request->test_count);
  }
  if (!from->bad && from->at == from->end)
    return 0;
  errno = EINVAL;
  return -1;
}

int search_request_read(struct search_request *request, const uint8_t *bytes, size_t size) {
  struct reader from = {bytes, bytes + size, 0};
  *request = (struct search_request){.depth = take_word(&from)};
  request->context_size = take_word(&from);
  request->context = (const char *)take(&from, request->context_size);
  request->state_count = take_word(&from);
  request->states = take(&from, (size_t)request->state_count * sizeof(struct search_identity));
  request->skipped_size = take_word(&from);
  request->skipped = (const char *)take(&from, request->skipped_size);
  const int ends =
      !request->skipped_size || (!from.bad && request->skipped[request->skipped_size - 1] == 0);
  if (from.bad || !ends) {
    errno = EINVAL;
    return -1;
  }
  request->tests_from = from.at;
  request->survey = take_byte(&from);
  request->tests_size = (size_t)(from.end - request->tests_from);
  return read_tests(request, &from);
}

void search_request_free(struct search_request *request) {
  free(request->tests);
  free(request->parts);
}

/* A name as case-insensitive and normalizing file systems compare it, as far as that takes no
 * table: src/changes/files/canonical-name.ts. Returns its size, or -1 where more would be needed.
 */
static int fold(const char *name, size_t size, char folded[NAME_MAX]) {
  if (size > NAME_MAX)
    return -1;
  for (size_t i = 0; i < size; i++) {
    const unsigned char c = (unsigned char)name[i];
    if (c >= 0x80 || c == '~' || c == ':')
      return -1;
    folded[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  }
  while (size > 0 && (folded[size - 1] == '.' || folded[size - 1] == ' '))
    size--;
  return (int)size;
}

static int fits(const struct search_part *part, const char *name, size_t size) {
  const size_t prefix = part->prefix_size, suffix = part->suffix_size;
  if (part->open ? size < prefix + suffix : size != prefix)
    return 0;
  return memcmp(name, part->prefix, prefix) == 0 &&
         memcmp(name + size - suffix, part->suffix, suffix) == 0;
}

/* One of the names that a name is in. */
static int parent_fits(const struct search_request *request, const struct search_part *part,
                       const char *name, size_t size) {
  char folded[NAME_MAX];
  if (!request->survey)
    return fits(part, name, size);
  const int folded_size = fold(name, size, folded);
  return folded_size < 0 || fits(part, folded, (size_t)folded_size);
}

static int passes(const struct search_request *request, const struct search_test *test,
                  const char *path, size_t left, const char *name, size_t name_size) {
  if (test->count && !fits(&request->parts[test->first], name, name_size))
    return 0;
  for (unsigned i = 1; i < test->count; i++) {
    size_t from = left;
    while (from > 0 && path[from - 1] != '/')
      from--;
    if (left == 0 ||
        !parent_fits(request, &request->parts[test->first + i], path + from, left - from))
      return 0;
    left = from > 0 ? from - 1 : 0;
  }
  return 1;
}

enum search_match search_match(const struct search_request *request, const char *path,
                               size_t path_size, const char *name, size_t name_size) {
  enum search_match best = SEARCH_NONE;
  char folded[NAME_MAX];
  if (request->survey) {
    const int size = fold(name, name_size, folded);
    if (size < 0)
      return SEARCH_MAYBE;
    name = folded;
    name_size = (size_t)size;
  }
  if (name_size == 0)
    return SEARCH_NONE;
  const uint16_t lists[] = {request->by_first[(uint8_t)name[0]],
                            request->by_last[(uint8_t)name[name_size - 1]], request->any};
  for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++)
    for (uint16_t number = lists[i]; number;) {
      const struct search_test *test = &request->tests[number - 1];
      number = test->next;
      if (!passes(request, test, path, path_size, name, name_size))
        continue;
      if (test->exact)
        return SEARCH_MATCHED;
      best = SEARCH_MAYBE;
    }
  return best;
}
