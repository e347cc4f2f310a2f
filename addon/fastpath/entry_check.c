/* Decides whether every offset of an entry lies inside it. Called by entry.c. */
#include "../plan_check.h"
#include "../reads_check.h"
#include "fastpath.h"

static int in_range(const struct wb_entry *entry, uint32_t offset, uint64_t count, uint64_t each,
                    uint32_t align) {
  return offset >= sizeof *entry && offset % align == 0 && offset <= entry->size &&
         count <= (entry->size - offset) / each;
}

/* The entry's last byte is 0, so each string inside ends inside. */
static int is_text(const struct wb_entry *entry, uint32_t offset) {
  return in_range(entry, offset, 1, 1, 1);
}

static int recorded_reads_fit(const struct wb_entry *entry) {
  return in_range(entry, entry->recorded_reads, 0, 1, 8) &&
         wb_reads_fit((const char *)entry, entry->size, sizeof *entry, entry->recorded_reads,
                      entry->recorded_read_count);
}

/* Each ends with a 0 byte, and none is empty. */
static int words_fit(const struct wb_entry *entry, uint32_t offset, uint32_t size) {
  if (size == 0)
    return 1;
  if (!in_range(entry, offset, size, 1, 1))
    return 0;
  const char *words = entry_at(entry, offset);
  for (uint32_t i = 0; i < size; i++)
    if (words[i] == 0 && (i == 0 || words[i - 1] == 0))
      return 0;
  return words[size - 1] == 0;
}

static int home_fits(const struct wb_entry *entry) {
  if (entry->home == 0)
    return entry->placed_size == 0;
  return is_text(entry, entry->home) && words_fit(entry, entry->placed, entry->placed_size);
}

/* Returns whether the renames are pairs of strings. */
static int renames_fit(const struct wb_entry *entry) {
  if (!words_fit(entry, entry->renames, entry->renames_size))
    return 0;
  unsigned count = 0;
  for (uint32_t i = 0; i < entry->renames_size; i++)
    count += entry_at(entry, entry->renames)[i] == 0;
  return count % 2 == 0;
}

static int private_root_fits(const struct wb_entry *entry) {
  if (!entry->private_root)
    return entry->left_out_size == 0 && entry->renames_size == 0;
  return entry->private_root == 1 && words_fit(entry, entry->left_out, entry->left_out_size) &&
         renames_fit(entry);
}

int entry_fits(const struct wb_entry *entry) {
  if (!in_range(entry, entry->cache_key, 1, sizeof(struct wb_cache_key), 8) ||
      !in_range(entry, entry->argv, entry->argv_size, 1, 1) ||
      !in_range(entry, entry->plan, entry->plan_size, 1, 8) ||
      !in_range(entry, entry->record, entry->record_size, 1, 1) ||
      !in_range(entry, entry->report_context, entry->report_context_size, 1, 1) ||
      !is_text(entry, entry->state) || !is_text(entry, entry->runs) ||
      !is_text(entry, entry->workdir))
    return 0;
  if (!private_root_fits(entry) || (entry->note && !is_text(entry, entry->note)) ||
      !words_fit(entry, entry->lacks, entry->lacks_size) || entry->open > 1 || entry->quiet > 1 ||
      !home_fits(entry))
    return 0;
  return recorded_reads_fit(entry) &&
         wb_plan_valid((const struct wb_plan *)(const void *)entry_at(entry, entry->plan),
                       entry->plan_size);
}
