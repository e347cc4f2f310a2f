/*
 * Counts what files take that nothing shows. Called by meter_memory.c and meter_disk.c.
 *
 * A file that is only mapped, or in a message, grows by what is mapped of it at most. So its size
 * is found once, when it goes out of sight: no more than the machine lost between the two samples,
 * and no more than the run's processes made in that time. Files that went out of sight between the
 * same two samples share one figure. What the machine loses before and afterwards is other
 * processes' and is not charged. Where others gave something back in between, the machine lost less
 * than the files take: then they count with what the run made, as far as the machine ever lost as
 * much.
 *
 * /proc tells what the processes made, but not of one that ended between two samples, nor of space
 * that was reserved (fallocate(2)). So that bound holds only until the losses that it left out,
 * each while new files went out of sight, add up to the run's limit.
 */
#include "hidden.h"

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static int has(const struct wb_unlinked *unlinked, uint64_t key) {
  for (uint32_t i = 0; i < unlinked->count; i++)
    if (unlinked->files[i].key == key)
      return 1;
  return 0;
}

/* Lets go of files that are gone. Returns what groups had made that ended with them. */
static uint64_t release(struct wb_hidden *hidden, const struct wb_unlinked *unlinked) {
  uint64_t made = 0;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < hidden->count; i++) {
    const uint32_t group = hidden->files[i].group;
    if (has(unlinked, hidden->files[i].key)) {
      hidden->files[kept++] = hidden->files[i];
    } else if (--hidden->groups[group].members == 0) {
      made += hidden->groups[group].made;
      hidden->groups[group].bytes = hidden->groups[group].made = 0;
    }
  }
  hidden->count = kept;
  return made;
}

/* Returns an empty group; where all are in use, the first one, which keeps its members. */
static uint32_t find_group(const struct wb_hidden *hidden) {
  for (uint32_t i = 1; i < WB_HIDDEN_GROUPS; i++)
    if (hidden->groups[i].members == 0)
      return i;
  return 0;
}

struct fresh {
  uint32_t files;   /* those that were not there before */
  uint32_t certain; /* of them, those that cannot change */
};

/* Takes the files that were not there before into a group. */
static struct fresh admit(struct wb_hidden *hidden, const struct wb_unlinked *unlinked,
                          uint32_t group) {
  const uint32_t known = hidden->count;
  struct fresh fresh = {0, 0};
  for (uint32_t i = 0; i < unlinked->count; i++) {
    uint32_t at = 0;
    while (at < known && hidden->files[at].key != unlinked->files[i].key)
      at++;
    if (at < known)
      continue;
    fresh.files++;
    fresh.certain += !(unlinked->files[i].key & WB_UNLINKED_CHANGES);
    hidden->files[hidden->count].key = unlinked->files[i].key;
    hidden->files[hidden->count++].group = group;
    hidden->groups[group].members++;
  }
  return fresh;
}

struct sum {
  uint64_t bytes, made;
};

static struct sum sum_of(const struct wb_hidden *hidden) {
  struct sum sum = {0, 0};
  for (uint32_t i = 0; i < WB_HIDDEN_GROUPS; i++) {
    sum.bytes += hidden->groups[i].bytes;
    sum.made += hidden->groups[i].made;
  }
  return sum;
}

static uint64_t more(uint64_t now, uint64_t before) {
  return now > before ? now - before : 0;
}

static void take_rise(struct wb_hidden *hidden, int64_t lost) {
  if (lost < hidden->least_lost)
    hidden->least_lost = lost;
  const uint64_t rise = (uint64_t)(lost - hidden->least_lost);
  if (rise > hidden->rise)
    hidden->rise = rise;
}

uint64_t wb_hidden_sample(struct wb_hidden *hidden, const struct wb_unlinked *unlinked,
                          const struct wb_hidden_figures *figures) {
  const int64_t lost = figures->lost_bytes - (int64_t)figures->seen_bytes;
  const uint64_t released = release(hidden, unlinked);
  const uint32_t group = find_group(hidden);
  const struct fresh fresh = admit(hidden, unlinked, group);
  int64_t others = lost - (int64_t)sum_of(hidden).bytes;
  take_rise(hidden, lost);
  if (fresh.files) {
    const uint64_t grown = others > hidden->others ? (uint64_t)(others - hidden->others) : 0;
    /* The part that is seen of it is not hidden. */
    const uint64_t made = released + more(more(figures->made_bytes, hidden->made_bytes),
                                          more(figures->seen_bytes, hidden->seen_bytes));
    const int doubtful = hidden->doubted > figures->limit_bytes;
    const uint64_t bytes = doubtful ? grown : least(grown, made);
    if (fresh.certain)
      hidden->doubted += grown - bytes;
    hidden->groups[group].bytes += bytes;
    hidden->groups[group].made += fresh.certain ? made : bytes;
    others -= (int64_t)bytes;
  }
  hidden->others = others;
  hidden->made_bytes = figures->made_bytes;
  hidden->seen_bytes = figures->seen_bytes;
  uint64_t mapped = 0;
  for (uint32_t i = 0; i < unlinked->count; i++)
    mapped += unlinked->files[i].last - unlinked->files[i].first;
  const struct sum sum = sum_of(hidden);
  const uint64_t possible = unlinked->count ? least(sum.made + mapped, hidden->rise) : 0;
  return sum.bytes > possible ? sum.bytes : possible;
}
