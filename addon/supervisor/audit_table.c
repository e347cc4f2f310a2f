/*
 * The tables of an audit: of fixed size, found by a hash. Called by audit.c. What finds no room is
 * counted as dropped. Entries that are only lookups get at most half of the room, so
 * that a search of a large tree leaves some for what was changed.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit.h"

#define LOOKUPS_MAX (WB_AUDIT_ENTRIES_MAX / 2)
#define LOOKUP_TEXTS_MAX (WB_AUDIT_TEXTS_MAX / 2)

struct wb_audit *wb_audit_new(void) {
  struct wb_audit *audit = calloc(1, sizeof *audit);
  if (audit == NULL)
    return NULL;
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  audit->started_ns = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
  audit->totals.started_ns = audit->started_ns;
  audit->root = -1;
  return audit;
}

/* FNV-1a. A payload that makes texts collide slows down its own calls, and no others. */
static uint32_t hash(uint32_t seed, const void *bytes, size_t size) {
  uint32_t value = 2166136261u ^ seed;
  for (size_t i = 0; i < size; i++)
    value = (value ^ ((const unsigned char *)bytes)[i]) * 16777619u;
  return value;
}

static int same(const struct wb_audit *audit, const struct wb_audit_entry *known,
                const struct wb_audit_entry *entry, const char *text) {
  return known->kind == entry->kind && known->error == entry->error &&
         known->flags == entry->flags && known->size == entry->size &&
         memcmp(audit->text + known->text, text, entry->size) == 0;
}

static int is_lookup(const struct wb_audit_entry *entry) {
  return entry->kind == WB_AUDIT_LOOK || (entry->kind == WB_AUDIT_READ && entry->error != 0);
}

/* How many places a search goes on for: with more that collide, the entry is dropped. */
#define PATIENCE 64

void wb_audit_add(struct wb_audit *audit, struct wb_audit_entry *entry, const char *text) {
  /* Each execution is one of its own. */
  const int single = entry->kind == WB_AUDIT_EXEC;
  uint32_t seed = entry->kind ^ ((uint32_t)entry->error << 8) ^ (entry->flags << 16);
  if (single)
    seed ^= audit->entries * 2654435761u;
  uint32_t at = hash(seed, text, entry->size) % WB_AUDIT_SLOTS;
  uint32_t patience = PATIENCE;
  for (; audit->slots[at] != 0 && patience > 0; at = (at + 1) % WB_AUDIT_SLOTS, patience--) {
    struct wb_audit_entry *known = &audit->entry[audit->slots[at] - 1];
    if (single || !same(audit, known, entry, text))
      continue;
    known->count++;
    known->last_ns = entry->last_ns;
    return;
  }
  const int lookup = is_lookup(entry);
  if (patience == 0 || audit->entries == WB_AUDIT_ENTRIES_MAX ||
      entry->size > WB_AUDIT_TEXTS_MAX - audit->texts ||
      (lookup &&
       (audit->lookups == LOOKUPS_MAX || audit->texts + entry->size > LOOKUP_TEXTS_MAX))) {
    audit->totals.dropped_entries++;
    return;
  }
  audit->lookups += (uint32_t)lookup;
  entry->count = 1;
  entry->text = audit->texts;
  memcpy(audit->text + audit->texts, text, entry->size);
  audit->texts += entry->size;
  audit->entry[audit->entries++] = *entry;
  audit->slots[at] = audit->entries;
}

void wb_audit_add_value(struct wb_audit *audit, uint32_t nr, uint32_t argument, uint64_t value) {
  const uint32_t slots = sizeof audit->value_slots / sizeof *audit->value_slots;
  uint32_t at = hash(nr * 8 + argument, &value, sizeof value) % slots;
  for (; audit->value_slots[at] != 0; at = (at + 1) % slots) {
    struct wb_audit_value *known = &audit->value[audit->value_slots[at] - 1];
    if (known->nr != nr || known->argument != argument || known->value != value)
      continue;
    known->count++;
    return;
  }
  if (audit->values == WB_AUDIT_VALUES_MAX) {
    audit->totals.dropped_values++;
    return;
  }
  audit->value[audit->values++] = (struct wb_audit_value){nr, argument, value, 1};
  audit->value_slots[at] = audit->values;
}
