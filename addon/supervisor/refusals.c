/* The table of refusals. Called by notify.c and lookups.c; read by addon/src/launch.cc. */
#define _GNU_SOURCE
#include <string.h>

#include "notify.h"
#include "pages.h"
#include "supervisor.h"

static int same(const struct wb_refusal_entry *entry, const struct wb_refusal *record,
                const unsigned char *text) {
  const struct wb_refusal *known = &entry->record;
  if (known->nr != record->nr || known->error != record->error || known->target != record->target ||
      known->target_size != record->target_size)
    return 0;
  const uint64_t *a = &known->arg0, *b = &record->arg0;
  for (unsigned i = 0; i < 6; i++)
    if ((record->selectors >> i & 1) && a[i] != b[i])
      return 0;
  return memcmp(entry->text, text, record->target_size) == 0;
}

void wb_refusals_count(struct wb_refusals *refusals, const struct wb_refusal *record,
                       const unsigned char *text) {
  refusals->total++;
  for (uint32_t i = 0; i < refusals->used; i++)
    if (same(&refusals->entries[i], record, text)) {
      refusals->entries[i].record.count++;
      refusals->entries[i].record.last_ns = wb_now_ns();
      return;
    }
  if (refusals->used == WB_REFUSALS_MAX) {
    refusals->dropped++;
    return;
  }
  struct wb_refusal_entry *entry = &refusals->entries[refusals->used];
  entry->record = *record;
  entry->record.count = 1;
  entry->record.last_ns = wb_now_ns();
  memcpy(entry->text, text, record->target_size);
  __atomic_store_n(&refusals->used, refusals->used + 1, __ATOMIC_RELEASE);
}

size_t wb_refusals_so_far(const struct wb_refusals *refusals, const void **entries) {
  *entries = refusals->entries;
  return __atomic_load_n(&refusals->used, __ATOMIC_ACQUIRE) * sizeof *refusals->entries;
}

struct wb_refusals *wb_refusals_new(void) {
  return wb_pages_new(sizeof(struct wb_refusals));
}

void wb_refusals_free(struct wb_refusals *refusals) {
  wb_pages_free(refusals, sizeof *refusals);
}
