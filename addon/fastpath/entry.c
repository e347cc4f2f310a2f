/*
 * An entry from the state directory, checked whole before a field of it is used: whose it is, that
 * it was not cut or damaged, that every offset lies inside. Called by main.c.
 *
 * Who can write there can already decide what is kept and applied; the directory is never shown to
 * a sandbox. So this is against damage and other users, not against the user.
 */
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>

#include <string.h>

#include "../plan_check.h"
#include "fastpath.h"

static int own_file(int fd, uint64_t *size) {
  struct statx info;
  if (sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info) < 0)
    return 0;
  *size = info.stx_size;
  return (info.stx_mode & S_IFMT) == S_IFREG && info.stx_uid == (uint32_t)sys0(__NR_getuid) &&
         (info.stx_mode & 077) == 0;
}

/*
 * Finds the state directory as src/host/state-directory.ts does, except where $HOME is missing or
 * another user's: those starts are left to Node. Returns a descriptor, or -1.
 */
int open_state(const struct command *command, char state_path[WB_PATH_MAX]) {
  const char *base = variable(command->envp, "XDG_STATE_HOME");
  if (base && base[0] == '/') {
    if (join_path(state_path, base, "wasbox") < 0)
      return -1;
  } else {
    struct statx info;
    base = variable(command->envp, "HOME");
    if (!base || base[0] != '/' ||
        sys5(__NR_statx, AT_FDCWD, base, 0, STATX_BASIC_STATS, &info) < 0 ||
        info.stx_uid != (uint32_t)sys0(__NR_geteuid) ||
        join_path(state_path, base, ".local/state/wasbox") < 0)
      return -1;
  }
  return wb_state_open(state_path, 0);
}

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

static uint32_t check_of(const struct wb_entry *entry) {
  const uint32_t *word = &entry->check + 1;
  const uint32_t *end = (const uint32_t *)(const void *)entry_at(entry, entry->size);
  uint32_t hash = 0x811c9dc5u;
  while (word < end)
    hash = (hash ^ *word++) * 0x01000193u;
  return hash;
}

static int entry_valid(const struct wb_entry *entry, uint64_t size) {
  if (size < sizeof *entry + 8 || size > WB_ENTRY_MAX || size % 8 != 0)
    return 0;
  if (entry->magic != WB_ENTRY_MAGIC || entry->version != WB_ENTRY_VERSION || entry->size != size)
    return 0;
  if (((const char *)entry)[size - 1] != 0 || entry->check != check_of(entry))
    return 0;
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
      !within(entry->record_size, entry->record_baseline, 19))
    return 0;
  return recorded_reads_fit(entry) &&
         wb_plan_valid((const struct wb_plan *)(const void *)entry_at(entry, entry->plan),
                       entry->plan_size);
}

struct wb_entry *read_entry(int state, const struct wb_cache_key *key) {
  int plans = wb_state_open_in(state, "plans", 0);
  if (plans < 0)
    return NULL;
  char name[17];
  wb_put_digits(name, key->name, 16, 16);
  name[16] = 0;
  int fd = wb_open_beneath(plans, name, O_RDONLY | O_NONBLOCK, 0);
  sys1(__NR_close, plans);
  if (fd < 0)
    return NULL;
  uint64_t size = 0;
  struct wb_entry *entry = NULL;
  if (own_file(fd, &size) && size >= sizeof *entry && size <= WB_ENTRY_MAX) {
    /* Read, not mapped: what was checked must not change afterwards. */
    long memory = sys6(__NR_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory >= 0 || memory < -4095) {
      entry = (struct wb_entry *)memory;
      if (sys3(__NR_read, fd, entry, size) != (long)size || !entry_valid(entry, size))
        entry = NULL;
    }
  }
  sys1(__NR_close, fd);
  return entry;
}
