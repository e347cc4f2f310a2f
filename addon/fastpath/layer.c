/*
 * A run's directory, as src/changes/store/create.ts makes it and src/changes/lifecycle/finish.ts
 * removes it: journal entry, lock, an empty layer. Called by start.c. Everything by descriptor,
 * from the state directory on.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include <string.h>
#include <time.h>

#include "layer.h"

/* 2026-01-01T00:00:00Z, and how long a tick of an id is: src/changes/store/id.ts. */
#define ID_EPOCH_MS 1767225600000ull
#define TICKS_A_SECOND 16
static int rename_in(int directory, const char *from, const char *to) {
  return sys5(__NR_renameat2, directory, from, directory, to, 0) < 0 ? -1 : 0;
}

int open_private(int state, const char *name) {
  struct statx info;
  long fd = open_in(state, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
  if (fd < 0)
    return -1;
  if (stat_fd((int)fd, &info) == 0 && info.stx_uid == (uint32_t)sys0(__NR_geteuid) &&
      (info.stx_mode & 077) == 0)
    return (int)fd;
  sys1(__NR_close, fd);
  return -1;
}

static uint64_t realtime_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int choose_id(struct layer *layer, int state) {
  uint64_t since = layer->started_ms > ID_EPOCH_MS ? layer->started_ms - ID_EPOCH_MS : 0;
  char saved[] = "saved/.........";
  uint16_t random;
  put_digits(layer->id, since * TICKS_A_SECOND / 1000, 32, 7);
  layer->id[ID_LENGTH] = 0;
  do {
    if (sys3(__NR_getrandom, &random, sizeof random, 0) != sizeof random)
      return -1;
    put_digits(layer->id + 7, random % 1024, 32, 2);
    memcpy(saved + sizeof "saved/" - 1, layer->id, ID_LENGTH);
  } while (sys3(__NR_faccessat, state, saved, 0) == 0);
  return 0;
}

static int make_directory(struct layer *layer, int state) {
  for (;;) {
    if (choose_id(layer, state) < 0)
      return -1;
    long ret = sys3(__NR_mkdirat, layer->runs, layer->id, 0700);
    if (ret == 0)
      break;
    if (ret != -EEXIST)
      return -1;
  }
  layer->directory = (int)open_in(layer->runs, layer->id, O_RDONLY | O_DIRECTORY, 0);
  return layer->directory < 0 ? -1 : 0;
}

/* The lock first: who finds a directory without one takes it for abandoned after a while. It is
 * held before anybody sees it, so that nobody takes the run for one whose process has died. */
static int make_lock(struct layer *layer) {
  layer->lock = (int)open_in(layer->directory, "lock.new", O_RDWR | O_CREAT | O_EXCL, 0600);
  if (layer->lock < 0 || sys2(__NR_flock, layer->lock, LOCK_EX | LOCK_NB) < 0)
    return -1;
  return rename_in(layer->directory, "lock.new", "lock");
}

int make_trees(const struct layer *layer) {
  return sys3(__NR_mkdirat, layer->directory, "layers/0/upper", 0700) < 0 ||
                 sys3(__NR_mkdirat, layer->directory, "layers/0/work", 0700) < 0
             ? -1
             : 0;
}

/* As makedev(3) makes it. */
static uint64_t device_number(uint32_t major, uint32_t minor) {
  return (uint64_t)(major & 0xfffu) << 8 | (uint64_t)(major & ~0xfffu) << 32 | (minor & 0xffu) |
         (uint64_t)(minor & ~0xffu) << 12;
}

/* overlayfs shows the upper root's mode as the merged root's. */
int open_upper(struct layer *layer, const char *workdir) {
  struct statx host, upper;
  layer->upper = (int)open_in(layer->directory, "layers/0/upper", O_RDONLY | O_DIRECTORY, 0);
  if (layer->upper < 0 || stat_fd(layer->upper, &upper) < 0 ||
      sys5(__NR_statx, AT_FDCWD, workdir, 0, STATX_BASIC_STATS, &host) < 0)
    return -1;
  if (upper.stx_mode != host.stx_mode && sys2(__NR_fchmod, layer->upper, host.stx_mode & 07777) < 0)
    return -1;
  layer->workdir = workdir;
  layer->workdir_dev = device_number(host.stx_dev_major, host.stx_dev_minor);
  layer->workdir_ino = host.stx_ino;
  layer->mode = host.stx_mode & 07777;
  return 0;
}

void fill_record(const struct layer *layer, struct wb_entry *entry) {
  char *text = entry_at(entry, entry->record);
  memcpy(text + entry->record_id, layer->id, ID_LENGTH);
  put_time(text + entry->record_started, layer->started_ms);
  /* The kernel's file time, rounded up: nothing that is older can have been changed since. */
  put_digits(text + entry->record_baseline, (realtime_ms() + 1) * 1000000, 10, 19);
}

/* Put in place whole: a run without a journal entry was never one. */
static int write_record(struct layer *layer, struct wb_entry *entry) {
  fill_record(layer, entry);
  long fd = open_in(layer->directory, "run.json.new", O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (fd < 0)
    return -1;
  long n = sys3(__NR_write, fd, entry_at(entry, entry->record), entry->record_size);
  sys1(__NR_close, fd);
  if (n != (long)entry->record_size)
    return -1;
  return rename_in(layer->directory, "run.json.new", "run.json");
}

static int make_fresh(struct layer *layer, int state, struct wb_entry *entry) {
  return make_directory(layer, state) == 0 && make_lock(layer) == 0 &&
                 sys3(__NR_mkdirat, layer->directory, "layers", 0700) == 0 &&
                 sys3(__NR_mkdirat, layer->directory, "layers/0", 0700) == 0 &&
                 make_trees(layer) == 0 &&
                 open_upper(layer, entry_at(entry, entry->workdir)) == 0 &&
                 write_record(layer, entry) == 0
             ? 0
             : -1;
}

static void close_all(const struct layer *layer) {
  const int fds[] = {layer->upper, layer->directory, layer->runs, layer->lock};
  for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
    if (fds[i] >= 0)
      sys1(__NR_close, fds[i]);
}

int make_layer(struct layer *layer, int state, struct wb_entry *entry) {
  *layer = (struct layer){.directory = -1, .lock = -1, .upper = -1, .started_ms = realtime_ms()};
  layer->runs = open_private(state, "runs");
  if (layer->runs < 0)
    return -1;
  if (take_spare(layer, state, entry) == 0 || make_fresh(layer, state, entry) == 0) {
    memcpy(entry_at(entry, entry->plan) + entry->plan_id, layer->id, ID_LENGTH);
    return 0;
  }
  if (layer->directory >= 0)
    remove_layer(layer);
  close_all(layer);
  return -1;
}

static char *put_decimal(char *out, uint64_t number) {
  int count = 1;
  for (uint64_t rest = number; rest >= 10; rest /= 10)
    count++;
  put_digits(out, number, 10, count);
  return out + count;
}

/* src/changes/store/last-shown.ts reads the time. There is nothing to do about a failure: mostly no
 * run of the directory was ever kept. */
void note_quiet(const struct layer *layer, int state) {
  char path[sizeof "places/-/quiet" + 2 * 20] = "places/";
  char *end = put_decimal(path + sizeof "places/" - 1, layer->workdir_dev);
  *end++ = '-';
  end = put_decimal(end, layer->workdir_ino);
  memcpy(end, "/quiet", sizeof "/quiet");
  sys4(__NR_utimensat, state, path, 0, AT_SYMLINK_NOFOLLOW);
}

static int is_empty(int directory) {
  char buffer[512] __attribute__((aligned(8)));
  if (sys3(__NR_lseek, directory, 0, 0) < 0)
    return 0;
  long n = sys3(__NR_getdents64, directory, buffer, sizeof buffer);
  /* "." and ".." have 24 bytes each. */
  return n == 48;
}

/* Extended attributes that a program can set: src/changes/files/attributes.ts tells whether they
 * are the host's. overlayfs has its own among them, and the system its labels. */
static int has_attributes(int directory) {
  static const char user[] = "user.", overlay[] = "user.overlay.", lists[] = "system.posix_acl_";
  char names[1024];
  const long n = sys3(__NR_flistxattr, directory, names, sizeof names);
  if (n < 0)
    return n != -EOPNOTSUPP;
  for (const char *name = names; name < names + n; name += strlen(name) + 1)
    if (same_bytes(name, lists, sizeof lists - 1) ||
        (same_bytes(name, user, sizeof user - 1) && !same_bytes(name, overlay, sizeof overlay - 1)))
      return 1;
  return 0;
}

int layer_untouched(const struct layer *layer) {
  struct statx upper, host;
  return stat_fd(layer->upper, &upper) == 0 &&
         sys5(__NR_statx, AT_FDCWD, layer->workdir, 0, STATX_BASIC_STATS, &host) == 0 &&
         host.stx_ino == layer->workdir_ino && host.stx_mode == upper.stx_mode &&
         is_empty(layer->upper) && !has_attributes(layer->upper);
}

int remove_trees(const struct layer *layer) {
  static const char *const directories[] = {"layers/0/work/work", "layers/0/work",
                                            "layers/0/upper"};
  int failed = 0;
  for (unsigned i = 0; i < sizeof directories / sizeof *directories; i++)
    failed |= remove_one(layer->directory, directories[i], AT_REMOVEDIR);
  return failed;
}

/* The lock goes last: until then nobody else takes the run for one that was interrupted. */
int remove_layer(const struct layer *layer) {
  int failed = remove_trees(layer);
  failed |= remove_one(layer->directory, "layers/0", AT_REMOVEDIR);
  failed |= remove_one(layer->directory, "layers", AT_REMOVEDIR);
  failed |= remove_one(layer->directory, "lock.new", 0);
  failed |= remove_one(layer->directory, "run.json.new", 0);
  failed |= remove_one(layer->directory, "run.json", 0);
  if (failed)
    return -1;
  if (remove_one(layer->directory, "lock", 0) < 0)
    return -1;
  return remove_one(layer->runs, layer->id, AT_REMOVEDIR);
}
