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
 * another user's: those starts are left to Node, and state_path stays empty. Returns a descriptor,
 * or -1.
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
  if (!home_fits(entry))
    return 0;
  return recorded_reads_fit(entry) &&
         wb_plan_valid((const struct wb_plan *)(const void *)entry_at(entry, entry->plan),
                       entry->plan_size);
}

/* Read, not mapped: what was checked must not change afterwards. */
static struct wb_entry *load(int fd, uint64_t size) {
  if (size < sizeof(struct wb_entry) || size > WB_ENTRY_MAX)
    return NULL;
  long memory = sys6(__NR_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory < 0 && memory >= -4095)
    return NULL;
  struct wb_entry *entry = (struct wb_entry *)memory;
  const int whole = sys4(__NR_pread64, fd, entry, size, 0) == (long)size;
  return whole && entry_valid(entry, size) ? entry : NULL;
}

/* A file that has seals has no name, and was made by a process that runs as this one. */
struct wb_entry *take_entry(int fd) {
  const long seals = F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
  struct statx info;
  if (sys2(__NR_fcntl, fd, F_GET_SEALS) != seals ||
      sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, &info) < 0)
    return NULL;
  sys3(__NR_fcntl, fd, F_SETFD, FD_CLOEXEC);
  return load(fd, info.stx_size);
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
  if (own_file(fd, &size))
    entry = load(fd, size);
  sys1(__NR_close, fd);
  return entry;
}

/* As src/fastpath/save.ts. */
#define ENTRIES_MAX 256

struct directory_entry {
  uint64_t ino;
  int64_t offset;
  uint16_t size;
  uint8_t type;
  char name[];
};

/* Calls `visit` with each entry's name and time of its last change, in seconds. */
static unsigned each_entry(int plans,
                           void (*visit)(int plans, const char *name, int64_t time, int64_t *value),
                           int64_t *value) {
  static char buffer[16384] __attribute__((aligned(8)));
  unsigned count = 0;
  sys3(__NR_lseek, plans, 0, 0 /* SEEK_SET */);
  for (long size; (size = sys3(__NR_getdents64, plans, buffer, sizeof buffer)) > 0;)
    for (long at = 0; at < size;) {
      const struct directory_entry *one = (const void *)(buffer + at);
      struct statx info;
      at += one->size;
      const char *name = one->name; /* also what a killed process left half written */
      if (same_text(name, ".") || same_text(name, "..") ||
          sys5(__NR_statx, plans, name, AT_SYMLINK_NOFOLLOW, STATX_MTIME, &info) < 0)
        continue;
      visit(plans, name, info.stx_mtime.tv_sec, value);
      count++;
    }
  return count;
}

static void add_time(int plans, const char *name, int64_t time, int64_t *sum) {
  (void)plans, (void)name;
  *sum += time;
}

static void remove_older(int plans, const char *name, int64_t time, int64_t *limit) {
  if (time <= *limit)
    sys3(__NR_unlinkat, plans, name, 0);
}

/* Room for one more: what is older than the mean goes when there are too many, about a half. */
static void make_room(int plans) {
  int64_t time = 0;
  const unsigned count = each_entry(plans, add_time, &time);
  if (count < ENTRIES_MAX)
    return;
  time /= count;
  each_entry(plans, remove_older, &time);
}

void save_entry(int state, int fd) {
  struct statx info;
  if (fd < 0 || sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info) < 0)
    return;
  uint64_t size = info.stx_size;
  struct wb_entry *entry = load(fd, size);
  int plans = entry ? wb_state_open_in(state, "plans", 1) : -1;
  if (plans < 0)
    return;
  make_room(plans);
  const struct wb_cache_key *key = (const void *)entry_at(entry, entry->cache_key);
  char name[17], temporary[1 + 16 + 1 + 10 + 1] = ".";
  wb_put_digits(name, key->name, 16, 16);
  name[16] = 0;
  memcpy(temporary + 1, name, 16);
  temporary[17] = '.';
  wb_put_digits(temporary + 18, (uint64_t)sys0(__NR_getpid), 10, 10);
  temporary[28] = 0;
  int out = wb_open_beneath(plans, temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (out < 0)
    return;
  if (sys3(__NR_write, out, entry, size) != (long)size ||
      sys4(__NR_renameat, plans, temporary, plans, name) < 0)
    sys3(__NR_unlinkat, plans, temporary, 0);
}
