/* Whether every offset of an entry lies inside it. Called by entry.c and arguments.c. */
#include "../plan_check.h"
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

static int within(uint32_t whole, uint32_t at, uint32_t size) {
  return at <= whole && size <= whole - at;
}

static int recorded_reads_fit(const struct wb_entry *entry) {
  if (entry->recorded_read_count > WB_RECORDED_READS_MAX ||
      !in_range(entry, entry->recorded_reads, entry->recorded_read_count,
                sizeof(struct wb_recorded_read), 8))
    return 0;
  const struct wb_recorded_read *recorded =
      (const struct wb_recorded_read *)(const void *)entry_at(entry, entry->recorded_reads);
  for (uint32_t i = 0; i < entry->recorded_read_count; i++, recorded++)
    if (!is_text(entry, recorded->subject) ||
        (recorded->answer != 0 &&
         !in_range(entry, recorded->answer, recorded->answer_size, 1, 1)) ||
        (recorded->answer == 0 && recorded->answer_size != 0))
      return 0;
  return 1;
}

/* Each of what is placed ends with a 0 byte, and none is empty. */
static int home_fits(const struct wb_entry *entry) {
  if (entry->home == 0)
    return entry->placed_size == 0;
  if (!is_text(entry, entry->home) || !within(entry->plan_size, entry->home_id, WB_RUN_ID))
    return 0;
  if (entry->placed_size == 0)
    return 1;
  if (!in_range(entry, entry->placed, entry->placed_size, 1, 1))
    return 0;
  const char *placed = entry_at(entry, entry->placed);
  for (uint32_t i = 0; i < entry->placed_size; i++)
    if (placed[i] == 0 && (i == 0 || placed[i - 1] == 0))
      return 0;
  return placed[entry->placed_size - 1] == 0;
}

int entry_fits(const struct wb_entry *entry) {
  if (!in_range(entry, entry->cache_key, 1, sizeof(struct wb_cache_key), 8) ||
      !in_range(entry, entry->argv, entry->argv_size, 1, 1) ||
      !in_range(entry, entry->plan, entry->plan_size, 1, 8) ||
      !in_range(entry, entry->record, entry->record_size, 1, 1) ||
      !in_range(entry, entry->report_context, entry->report_context_size, 1, 1) ||
      !is_text(entry, entry->state) || !is_text(entry, entry->workdir))
    return 0;
  if (!within(entry->plan_size, entry->plan_id, WB_RUN_ID) ||
      !within(entry->record_size, entry->record_id, WB_RUN_ID) ||
      !within(entry->record_size, entry->record_started, TIME_LENGTH) ||
      !within(entry->record_size, entry->record_baseline, 19) ||
      !within(entry->record_size, entry->record_arguments, 0) ||
      !within(entry->report_context_size, entry->report_context_arguments, 0))
    return 0;
  if (!home_fits(entry))
    return 0;
  return recorded_reads_fit(entry) &&
         wb_plan_valid((const struct wb_plan *)(const void *)entry_at(entry, entry->plan),
                       entry->plan_size);
}
