/*
 * The payload's arguments, which an entry does not have where nothing that was resolved depends on
 * them: those of this command line are put into the plan, into the journal entry, and into what the
 * report is made of. Called by main.c.
 *
 * The entry is copied to fresh memory, with the three of them behind the rest; what is not used any
 * more stays where it was.
 */
#include <string.h>
#include <sys/mman.h>

#include "../plan_check.h"
#include "../sys/utf8.h"
#include "fastpath.h"

/* Grows at its end; without memory it only counts. */
struct sink {
  char *at; /* NULL while it is counted */
  uint64_t size;
};

static void put(struct sink *sink, const void *bytes, size_t size) {
  if (sink->at)
    memcpy(sink->at + sink->size, bytes, size);
  sink->size += size;
}

static void align(struct sink *sink) {
  static const char zeros[8];
  put(sink, zeros, -sink->size & 7);
}

/* What is not UTF-8 is none of JSON's strings; the engine says what becomes of it. */
static int is_utf8(const char *word) {
  const size_t size = strlen(word);
  return wb_utf8_prefix((const uint8_t *)word, size) == size;
}

/* A word as JSON, behind another element of an array. */
static void put_json(struct sink *sink, const char *word) {
  put(sink, ", \"", 3);
  for (; *word; word++) {
    char escaped[] = "\\u0000";
    if ((unsigned char)*word < 0x20) {
      wb_put_digits(escaped + 2, (unsigned char)*word, 16, 4);
      put(sink, escaped, sizeof escaped - 1);
    } else {
      if (*word == '"' || *word == '\\')
        put(sink, "\\", 1);
      put(sink, word, 1);
    }
  }
  put(sink, "\"", 1);
}

static void put_text(struct sink *sink, const char *text, uint32_t size, uint32_t place,
                     char *const *words) {
  put(sink, text, place);
  for (; *words; words++)
    put_json(sink, *words);
  put(sink, text + place, size - place);
}

/* What a word is executed as: `first`, then `rest`. A path into what the run has a copy of leads to
 * the copy. */
struct renamed {
  const char *first, *rest;
  int has_id; /* the run's id stands in `first` */
};

static struct renamed renamed(const struct wb_entry *entry, const char *word) {
  const char *at = entry_at(entry, entry->renames), *end = at + entry->renames_size;
  while (at < end) {
    const size_t length = strlen(at);
    const char *to = at + length + 1;
    if (strlen(word) >= length && memcmp(word, at, length) == 0 &&
        (word[length] == 0 || word[length] == '/'))
      return (struct renamed){to, word + length, 1};
    at = to + strlen(to) + 1;
  }
  return (struct renamed){word, "", 0};
}

/* Returns where the words stand in it. */
static uint32_t put_plan(struct sink *sink, const struct wb_entry *entry,
                         const struct wb_plan *plan, char *const *words) {
  const uint64_t begin = sink->size;
  put(sink, plan, plan->size);
  align(sink);
  const uint32_t argv = (uint32_t)(sink->size - begin);
  put(sink, wb_plan_at(plan, plan->argv), plan->argc * sizeof(uint64_t));
  uint32_t argc = plan->argc;
  for (; words[argc - plan->argc]; argc++)
    continue;
  uint64_t place = argv + (argc + 1) * sizeof place;
  const uint32_t strings = (uint32_t)place;
  const uint64_t none = 0;
  for (char *const *word = words; *word; word++) {
    const struct renamed as = renamed(entry, *word);
    put(sink, &place, sizeof place);
    place += strlen(as.first) + strlen(as.rest) + 1;
  }
  put(sink, &none, sizeof none);
  for (char *const *word = words; *word; word++) {
    const struct renamed as = renamed(entry, *word);
    put(sink, as.first, strlen(as.first));
    put(sink, as.rest, strlen(as.rest) + 1);
  }
  put(sink, "", 1); /* a plan's last byte is 0, behind its last string */
  if (!sink->at)
    return strings;
  struct wb_plan *made = (struct wb_plan *)(void *)(sink->at + begin);
  made->argv = argv;
  made->argc = argc;
  made->size = (uint32_t)(sink->size - begin);
  return strings;
}

/* Where the run's id stands in the plan that was made: also in words that were renamed. `strings`:
 * where the words begin. */
static uint32_t put_ids(struct sink *sink, const struct wb_entry *entry, uint32_t strings,
                        char *const *words) {
  uint32_t count = entry->plan_id_count, at = strings;
  put(sink, entry_at(entry, entry->plan_ids), count * sizeof at);
  for (; *words; words++) {
    const struct renamed as = renamed(entry, *words);
    const uint32_t place = at + entry->renames_id;
    if (as.has_id) {
      put(sink, &place, sizeof place);
      count++;
    }
    at += (uint32_t)(strlen(as.first) + strlen(as.rest) + 1);
  }
  return count;
}

/* Behind the place of the arguments everything moves. */
static uint32_t moved(uint32_t at, uint32_t place, uint32_t by) {
  return at < place ? at : at + by;
}

static void put_entry(struct sink *sink, const struct wb_entry *entry, char *const *words) {
  struct wb_entry made = *entry;
  const struct wb_plan *plan = (const struct wb_plan *)(const void *)entry_at(entry, entry->plan);
  put(sink, entry, entry->size);
  made.plan = (uint32_t)sink->size; /* the size of an entry is a multiple of 8 */
  const uint32_t strings = put_plan(sink, entry, plan, words);
  made.plan_size = (uint32_t)sink->size - made.plan;
  align(sink);
  made.plan_ids = (uint32_t)sink->size;
  made.plan_id_count = put_ids(sink, entry, strings, words);
  made.record = (uint32_t)sink->size;
  put_text(sink, entry_at(entry, entry->record), entry->record_size, entry->record_arguments,
           words);
  made.record_size = (uint32_t)sink->size - made.record;
  const uint32_t more = made.record_size - entry->record_size;
  made.record_id = moved(entry->record_id, entry->record_arguments, more);
  made.record_started = moved(entry->record_started, entry->record_arguments, more);
  made.record_baseline = moved(entry->record_baseline, entry->record_arguments, more);
  made.report_context = (uint32_t)sink->size;
  put_text(sink, entry_at(entry, entry->report_context), entry->report_context_size,
           entry->report_context_arguments, words);
  made.report_context_size = (uint32_t)sink->size - made.report_context;
  put(sink, "", 1); /* its last byte is 0 */
  align(sink);
  made.size = (uint32_t)sink->size;
  if (sink->at)
    memcpy(sink->at, &made, sizeof made);
}

struct wb_entry *with_arguments(const struct wb_entry *entry, char *const *words) {
  struct sink sink = {NULL, 0};
  for (char *const *word = words; *word; word++)
    if (!is_utf8(*word))
      return NULL;
  put_entry(&sink, entry, words);
  if (sink.size > WB_PLAN_MAX)
    return NULL;
  void *memory = mmap(NULL, sink.size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED)
    return NULL;
  sink = (struct sink){memory, 0};
  put_entry(&sink, entry, words);
  return entry_fits(memory) ? memory : NULL;
}
