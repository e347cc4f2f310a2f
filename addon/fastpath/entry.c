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
#include <time.h>

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
  return entry_fits(entry);
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

static int is_recent(const struct wb_entry *entry) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  uint64_t seconds = (uint64_t)now.tv_sec;
  return entry->made_s <= seconds && seconds - entry->made_s < WB_ENTRY_LIFETIME_S;
}

/* NULL where the entry's are others, or where it has no place for more. */
char *const *arguments_of(const struct wb_entry *entry, const struct command *command) {
  const char *expected = entry_at(entry, entry->argv), *end = expected + entry->argv_size;
  char **word = command->argv + 1;
  for (; *word && expected < end; word++) {
    size_t size = strlen(*word) + 1;
    if ((size_t)(end - expected) < size || memcmp(expected, *word, size) != 0)
      return NULL;
    expected += size;
  }
  return expected == end && (!*word || entry->open) ? word : NULL;
}

/* The entry for this command line, if it is one. */
static struct wb_entry *fit(struct wb_entry *entry, const struct wanted *wanted) {
  char *const *words;
  if (!entry || memcmp(entry_at(entry, entry->cache_key), wanted->key, sizeof *wanted->key) != 0 ||
      !same_text(entry_at(entry, entry->state), wanted->state_path) ||
      !(words = arguments_of(entry, wanted->command)))
    return NULL;
  return arguments_fit(entry, words) ? entry : NULL;
}

/* A file that has seals has no name, and was made by a process that runs as this one. */
struct wb_entry *take_entry(int fd, const struct wanted *wanted) {
  const long seals = F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
  struct statx info;
  if (sys2(__NR_fcntl, fd, F_GET_SEALS) != seals ||
      sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, &info) < 0)
    return NULL;
  sys3(__NR_fcntl, fd, F_SETFD, FD_CLOEXEC);
  return fit(load(fd, info.stx_size), wanted);
}

#define NAME_LENGTH 16

static void put_name(char name[NAME_LENGTH + 1], uint64_t hash) {
  wb_put_digits(name, hash, 16, NAME_LENGTH);
  name[NAME_LENGTH] = 0;
}

static struct wb_entry *read_named(int plans, uint64_t hash, const struct wanted *wanted) {
  char name[NAME_LENGTH + 1];
  put_name(name, hash);
  int fd = wb_open_beneath(plans, name, O_RDONLY | O_NONBLOCK, 0);
  if (fd < 0)
    return NULL;
  uint64_t size = 0;
  struct wb_entry *entry = own_file(fd, &size) ? load(fd, size) : NULL;
  sys1(__NR_close, fd);
  if (!entry || !is_recent(entry) || !recorded_variables_agree(entry, wanted->command->envp))
    return NULL;
  return fit(entry, wanted);
}

/* An entry's words may be up to so many first words, or all of them. */
#define FIRST_WORDS 24

/* An entry is named after the words that count: all, or those up to the program, whose arguments
 * are others'. Which word is the program, only the command line knows. */
struct wb_entry *read_entry(int state, const struct wanted *wanted) {
  const struct command *command = wanted->command;
  uint64_t hashes[FIRST_WORDS], hash = wanted->key->place;
  struct wb_entry *entry = NULL;
  int plans = wb_state_open_in(state, "plans", 0);
  if (plans < 0)
    return NULL;
  for (int i = 1; i < command->argc; i++) {
    hash = hash_bytes(hash, command->argv[i], strlen(command->argv[i]) + 1);
    if (i <= FIRST_WORDS)
      hashes[i - 1] = hash;
  }
  int first = command->argc - 1;
  if (first > FIRST_WORDS) {
    entry = read_named(plans, hash, wanted);
    first = FIRST_WORDS;
  }
  while (!entry && first > 0)
    entry = read_named(plans, hashes[--first], wanted);
  sys1(__NR_close, plans);
  return entry;
}

/* The limits are those of src/fastpath/save.ts. */
#define ENTRIES_MAX 256
#define ENTRIES_BYTES_MAX (8 << 20)

struct directory_entry {
  uint64_t ino;
  int64_t offset;
  uint16_t size;
  uint8_t type;
  char name[];
};

struct entries {
  int64_t time; /* of their last changes: the sum, then the mean; in seconds */
  uint64_t bytes;
};

/* Calls `visit` with each entry's name, time of its last change and size. */
static unsigned each_entry(int plans,
                           void (*visit)(int plans, const char *name, const struct statx *info,
                                         struct entries *entries),
                           struct entries *entries) {
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
          sys5(__NR_statx, plans, name, AT_SYMLINK_NOFOLLOW, STATX_MTIME | STATX_SIZE, &info) < 0)
        continue;
      visit(plans, name, &info, entries);
      count++;
    }
  return count;
}

static void add(int plans, const char *name, const struct statx *info, struct entries *sum) {
  (void)plans, (void)name;
  sum->time += info->stx_mtime.tv_sec;
  sum->bytes += info->stx_size;
}

static void remove_older(int plans, const char *name, const struct statx *info,
                         struct entries *mean) {
  if (info->stx_mtime.tv_sec <= mean->time)
    sys3(__NR_unlinkat, plans, name, 0);
}

/* Room for one more: what is older than the mean goes when there are too many, or all take too
 * much: about a half. */
static void make_room(int plans) {
  struct entries entries = {0, 0};
  const unsigned count = each_entry(plans, add, &entries);
  if (count < ENTRIES_MAX && entries.bytes < ENTRIES_BYTES_MAX)
    return;
  entries.time /= count;
  each_entry(plans, remove_older, &entries);
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
  char name[NAME_LENGTH + 1], temporary[1 + NAME_LENGTH + 1 + 10 + 1] = ".";
  put_name(name, hash_bytes(key->place, entry_at(entry, entry->argv), entry->argv_size));
  memcpy(temporary + 1, name, NAME_LENGTH);
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
