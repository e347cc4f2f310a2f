/*
 * The payload's arguments, which an entry does not have where nothing that was resolved depends on
 * them: those of this command line go beside the plan, behind the journal entry's words, and to
 * what makes the report. Called by entry.c, start.c and node.c.
 */
#include <string.h>
#include <sys/mman.h>

#include "../sys/utf8.h"
#include "fastpath.h"

/* Returns whether the words are UTF-8, as strings in JSON must be, and not too many; the engine
 * says what becomes of others. */
int arguments_fit(const struct wb_entry *entry, char *const *words) {
  const struct wb_plan *plan = (const struct wb_plan *)(const void *)entry_at(entry, entry->plan);
  uint32_t count = plan->argc;
  for (; *words; words++, count++) {
    const size_t size = strlen(*words);
    if (count >= WB_ARGS_MAX - 1 || wb_utf8_prefix((const uint8_t *)*words, size) != size)
      return 0;
  }
  return 1;
}

static char *room(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static char *put(char *out, const char *text) {
  const size_t size = strlen(text);
  memcpy(out, text, size);
  return out + size;
}

static char *put_json(char *out, const char *word) {
  out = put(out, ", \"");
  for (; *word; word++) {
    if ((unsigned char)*word < 0x20) {
      out = put(out, "\\u");
      wb_put_digits(out, (unsigned char)*word, 16, 4);
      out += 4;
      continue;
    }
    if (*word == '"' || *word == '\\')
      *out++ = '\\';
    *out++ = *word;
  }
  return put(out, "\"");
}

char *arguments_as_json(char *const *words, uint32_t *size) {
  size_t most = 1;
  for (char *const *word = words; *word; word++)
    most += 6 * strlen(*word) + 4;
  char *text = room(most), *out = text;
  for (; text && *words; words++)
    out = put_json(out, *words);
  *size = (uint32_t)(out - text);
  return text;
}

/* Writes a word: a path into what the run has a copy of leads to the copy. */
static char *put_word(char *out, const struct wb_entry *entry, const char *directory,
                      const char *word) {
  const char *at = entry_at(entry, entry->renames), *end = at + entry->renames_size;
  while (directory && at < end) {
    const size_t length = strlen(at);
    const char *to = at + length + 1;
    if (strlen(word) >= length && memcmp(word, at, length) == 0 &&
        (word[length] == 0 || word[length] == '/')) {
      out = put(put(put(out, directory), "/"), to);
      word += length;
      break;
    }
    at = to + strlen(to) + 1;
  }
  return put(out, word) + 1;
}

char *arguments_joined(char *const *words, const struct wb_entry *entry, const char *directory,
                       uint32_t *size) {
  const size_t longer = directory ? strlen(directory) + 1 + entry->renames_size : 0;
  size_t most = 1;
  for (char *const *word = words; *word; word++)
    most += strlen(*word) + 1 + longer;
  char *text = room(most), *out = text;
  for (; text && *words; words++)
    out = put_word(out, entry, directory, *words);
  *size = (uint32_t)(out - text);
  return text;
}
