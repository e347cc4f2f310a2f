/*
 * Directories of runs: what is planted in the state directory, calls that fail, processes that are killed between two
 * calls, and processes that race for a spare. Calls of addon/rundir go through __wrap_syscall, which counts them and
 * fails or ends the process at the one that was asked for.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../../../addon/rundir/rundir.h"

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "rundir_test.c:%d: %s (errno %d, call %d of %d)\n", __LINE__, #condition, errno, calls, fail_at);         \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

#define KILLED (-1)

static int calls, fail_at, failure, locks_seen, exchange;
static int state;

static int is_failing(void) {
  if (++calls != fail_at)
    return 0;
  if (failure == KILLED)
    kill(getpid(), SIGKILL);
  errno = failure;
  return 1;
}

/* Set where it is as on NFS and some FUSE: renameat2(2) has no flags. */
static int plain_renames;

/* Another process does `meet` before the call `meet_at`, to each directory in `runs`. */
static int meet_at;
static void (*meet)(int runs, const char *name, int directory);
static void meet_all(void);

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; i++)
    a[i] = va_arg(list, long);
  va_end(list);
  if (number != SYS_geteuid && is_failing()) /* which cannot fail */
    return -1;
  if (calls == meet_at) {
    meet_at = 0;
    meet_all();
  }
  if (number == SYS_renameat2 && a[4] != 0 && plain_renames) {
    errno = EINVAL;
    return -1;
  }
  /* The lock of a new run is held before another process can see it. */
  if (number == SYS_renameat2 && strcmp((const char *)a[3], "lock") == 0) {
    const int other = openat((int)a[0], (const char *)a[1], O_RDWR);
    locks_seen += other >= 0 && flock(other, LOCK_EX | LOCK_NB) < 0;
    close(other);
  }
  /* Another process has taken the spare meanwhile, and one more has come back under its name. */
  if (number == SYS_flock && exchange) {
    exchange = 0;
    CHECK(renameat2(state, "spare/kept-0", state, "spare/kept-1", RENAME_EXCHANGE) == 0);
  }
  return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size) {
  return is_failing() ? -1 : __real_write(fd, bytes, size);
}

static char base[64], workdir[96], state_path[96], text[] = "\n\"argv\": [\"a\"", more[] = ", \"b\"";

static int in(const char *name, char path[256]) {
  return snprintf(path, 256, "%s/%s", state_path, name) < 256;
}

/* True if runs have a home, in which init has put something. */
static int with_home;
/* True if they have a private root, too. */
static int with_root;
static const char placed[] = "a\0a/b\0a/b/c\0file\0link";

static int create(struct wb_rundir *run, int reuse) {
  static const char *trees[] = {workdir, base};
  struct wb_rundir_request request = {.trees = trees,
                                      .tree_count = reuse && !with_home ? 1 : 2,
                                      .home = with_home,
                                      .private_root = with_root,
                                      .placed = {placed, with_home ? sizeof placed : 0},
                                      .record = text,
                                      .record_size = sizeof text - 1,
                                      .more_argv = more,
                                      .more_argv_size = sizeof more - 1,
                                      .started_ms = 1800000000000ull,
                                      .reuse = reuse};
  return wb_rundir_create(run, state, &request);
}

static int open_runs(void) {
  char path[256];
  in("runs", path);
  return open(path, O_RDONLY | O_DIRECTORY);
}

static int count(const char *name) {
  char path[256];
  in(name, path);
  DIR *directory = opendir(path);
  int found = -2;
  while (directory && readdir(directory))
    found++;
  if (directory)
    closedir(directory);
  return found < 0 ? 0 : found;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where) {
  (void)info, (void)type, (void)where;
  return remove(path);
}

static void clear(void) {
  static const char *const places[] = {"runs", "spare", "saved"};
  char path[256];
  for (unsigned i = 0; i < 3; i++)
    if (in(places[i], path) && access(path, F_OK) == 0)
      CHECK(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

static int exists(int directory, const char *name) {
  return faccessat(directory, name, F_OK, 0) == 0;
}

static void meet_all(void) {
  const int runs = open_runs();
  DIR *list = runs < 0 ? NULL : fdopendir(runs);
  for (struct dirent *one; list && (one = readdir(list));) {
    const int directory = one->d_name[0] == '.' ? -1 : openat(runs, one->d_name, O_RDONLY | O_DIRECTORY);
    if (directory < 0)
      continue;
    meet(runs, one->d_name, directory);
    close(directory);
  }
  if (list)
    closedir(list);
}

/* A run that is there must be whole; any other directory must be free to be removed. */
static void check_recoverable(const char *place) {
  char path[256];
  in(place, path);
  DIR *list = opendir(path);
  for (struct dirent *one; list && (one = readdir(list));) {
    if (one->d_name[0] == '.')
      continue;
    const int directory = openat(dirfd(list), one->d_name, O_RDONLY | O_DIRECTORY);
    CHECK(directory >= 0);
    const int is_kept =
        strncmp(one->d_name, "kept-", 5) == 0 || strncmp(one->d_name, "home-", 5) == 0 ||
        strncmp(one->d_name, "live-", 5) == 0;
    const int is_run = strcmp(place, "runs") == 0 && exists(directory, "run.json");
    if (is_kept || is_run)
      CHECK(exists(directory, "lock") && exists(directory, "layers/0/upper") &&
            exists(directory, "layers/0/work") && exists(directory, "run.json"));
    const int lock = wb_rundir_lock(directory);
    CHECK(lock >= 0);
    close(lock);
    close(directory);
  }
  if (list)
    closedir(list);
}

static void ids(void) {
  static const uint64_t after[] = {0, 100, 1000, 60000, 86400000, 946080000000};
  char before[WB_RUN_ID + 1] = "", id[WB_RUN_ID + 1];
  for (unsigned i = 0; i < sizeof after / sizeof *after; i++) {
    CHECK(wb_choose_id(state, 1795478400000 + after[i], id) == 0);
    CHECK(strlen(id) == WB_RUN_ID && strspn(id, "0123456789abcdefghjkmnpqrstvwxyz") == WB_RUN_ID);
    CHECK(strcmp(before, id) < 0);
    memcpy(before, id, sizeof id);
  }
}

/* A name that a saved run has is drawn again: with all but one taken, that one is found. */
static void saved_ids(void) {
  char id[WB_RUN_ID + 1], name[16];
  const int saved = wb_state_open_in(state, "saved", 1);
  static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  unlinkat(state, "clock", 0);
  CHECK(wb_choose_id(state, 1800000000000ull, id) == 0);
  for (int i = 1; i < 1024; i++) {
    snprintf(name, sizeof name, "%.7s%c%c", id, alphabet[i / 32], alphabet[i % 32]);
    CHECK(mkdirat(saved, name, 0700) == 0);
  }
  /* The ID is drawn as without the count that it would come after. */
  CHECK(unlinkat(state, "clock", 0) == 0);
  CHECK(wb_choose_id(state, 1800000000000ull, id) == 0 && strcmp(id + 7, "00") == 0);
  close(saved);
  clear();
}

/* An id comes after all before it, whatever the clock says; damage is no order. */
static void ordered_ids(void) {
  static const uint64_t times[] = {1800000000000ull, 1799999940000ull, 1ull, 1900000000000ull,
                                   1800000000000ull};
  char before[WB_RUN_ID + 1] = "", id[WB_RUN_ID + 1];
  for (unsigned i = 0; i < sizeof times / sizeof *times; i++) {
    CHECK(wb_choose_id(state, times[i], id) == 0 && strncmp(before, id, 7) < 0);
    memcpy(before, id, sizeof id);
  }
  const int clock = openat(state, "clock", O_WRONLY | O_TRUNC);
  CHECK(write(clock, "u/.....", 7) == 7 && close(clock) == 0);
  CHECK(wb_choose_id(state, 1800000000000ull, id) == 0 && strncmp(before, id, 7) > 0);
  CHECK(unlinkat(state, "clock", 0) == 0);
}

/* Processes that only read share the lock, and keep out who changes the run. */
static void shared_lock(void) {
  struct wb_rundir run;
  CHECK(create(&run, 0) == 0);
  CHECK(wb_rundir_share(run.directory) < 0 && errno == EBUSY);
  close(run.lock);
  const int one = wb_rundir_share(run.directory), other = wb_rundir_share(run.directory);
  CHECK(one >= 0 && other >= 0);
  CHECK(wb_rundir_lock(run.directory) < 0 && errno == EBUSY);
  CHECK(close(one) == 0 && close(other) == 0);
  run.lock = wb_rundir_lock(run.directory);
  CHECK(run.lock >= 0);
  wb_rundir_close(&run);
  clear();
}

static void planted(void) {
  char path[256], other[256];
  struct wb_rundir run;
  in("runs", path);
  snprintf(other, sizeof other, "%s/elsewhere", base);
  CHECK(mkdir(other, 0700) == 0 && symlink(other, path) == 0);
  CHECK(create(&run, 0) < 0 && (errno == ELOOP || errno == ENOTDIR));
  CHECK(rmdir(other) == 0); /* still empty */
  CHECK(unlink(path) == 0 && mkdir(path, 0700) == 0 && chmod(path, 0755) == 0);
  CHECK(create(&run, 0) < 0 && errno == EPERM);
  CHECK(chmod(path, 0700) == 0 && create(&run, 0) == 0); /* the control */
  CHECK(wb_rundir_lock_existing(run.directory) < 0 && errno == EBUSY);
  CHECK(unlinkat(run.directory, "lock", 0) == 0 && symlinkat("run.json", run.directory, "lock") == 0);
  CHECK(wb_rundir_lock(run.directory) < 0 && errno == ELOOP);
  CHECK(unlinkat(run.directory, "layers/0/upper", AT_REMOVEDIR) == 0);
  CHECK(symlinkat("work", run.directory, "layers/0/upper") == 0);
  CHECK(!wb_rundir_untouched(&run, workdir));
  wb_rundir_close(&run);
  snprintf(other, sizeof other, "%s/link", base);
  CHECK(symlink(state_path, other) == 0 && wb_state_open(other, 0) < 0 && errno != EPERM);
  CHECK(wb_state_open("/usr", 0) < 0 && errno == EPERM); /* root's */
  CHECK(unlink(other) == 0);
  clear();
}

static void layout(void) {
  static const char *const directories[] = {
      "layers/0/work", "trees/1/layers/0/upper", "trees/1/layers/0/work", "layers/0/upper", NULL};
  struct wb_rundir run;
  struct stat info;
  char written[256] = "", expected[256];
  locks_seen = 0;
  CHECK(create(&run, 0) == 0 && locks_seen == !plain_renames);
  for (const char *const *one = directories; *one; one++)
    CHECK(fstatat(run.directory, *one, &info, 0) == 0 && S_ISDIR(info.st_mode));
  CHECK((info.st_mode & 07777) == 0751); /* the working directory's */
  const int record = openat(run.directory, "run.json", O_RDONLY);
  snprintf(expected, sizeof expected,
           "{\n\"id\": \"%s\",\n\"started\": \"2027-01-15T08:00:00.000Z\",\n"
           "\"baselineNs\": \"1800000000001000000\",%s%s]\n}\n",
           run.id, text, more);
  CHECK(read(record, written, sizeof written) == (ssize_t)strlen(expected));
  CHECK(strcmp(written, expected) == 0 && fstat(record, &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  close(record);
  CHECK(wb_rundir_move(state, run.id, "runs", "saved") == 0 && count("saved") == 1);
  wb_rundir_close(&run);
  clear();
}

static void untouched(void) {
  struct wb_rundir run;
  CHECK(create(&run, 1) == 0 && wb_rundir_untouched(&run, workdir));
  const int upper = openat(run.directory, "layers/0/upper", O_RDONLY | O_DIRECTORY);
  CHECK(mkdirat(upper, "new", 0700) == 0 && !wb_rundir_untouched(&run, workdir));
  CHECK(unlinkat(upper, "new", AT_REMOVEDIR) == 0 && wb_rundir_untouched(&run, workdir));
  CHECK(fchmod(upper, 0700) == 0 && !wb_rundir_untouched(&run, workdir));
  CHECK(fchmod(upper, 0751) == 0 && wb_rundir_untouched(&run, workdir));
  if (fsetxattr(upper, "user.mark", "x", 1, 0) == 0) {
    CHECK(!wb_rundir_untouched(&run, workdir));
    CHECK(fremovexattr(upper, "user.mark") == 0);
  }
  CHECK(!wb_rundir_untouched(&run, base)); /* another directory at the path */
  close(upper);
  CHECK(wb_rundir_remove(&run) == 0 && count("runs") == 0);
  wb_rundir_close(&run);
}

static void end(struct wb_rundir *run) {
  CHECK(wb_rundir_retire(run) == 0 && wb_rundir_recycle(run) == 0);
  wb_rundir_close(run);
}

/* Root gives a layer the owner of the tree: another one is a change, and so is what only root can set. */
static void owned(void) {
  struct wb_rundir run;
  struct stat info;
  with_home = 1;
  CHECK(create(&run, 1) == 0 && wb_rundir_untouched(&run, workdir));
  static const char *const uppers[] = {"layers/0/upper", "trees/1/layers/0/upper"};
  for (unsigned i = 0; i < 2; i++) {
    const int upper = openat(run.directory, uppers[i], O_RDONLY | O_DIRECTORY);
    CHECK(fstat(upper, &info) == 0 && info.st_uid == 65534);
    CHECK(fchown(upper, 1, -1) == 0 && !wb_rundir_untouched(&run, workdir));
    CHECK(fchown(upper, 65534, 1) == 0 && !wb_rundir_untouched(&run, workdir));
    CHECK(fchown(upper, 65534, 65534) == 0 && wb_rundir_untouched(&run, workdir));
    if (fsetxattr(upper, "trusted.mark", "x", 1, 0) == 0) {
      CHECK(!wb_rundir_untouched(&run, workdir) && fremovexattr(upper, "trusted.mark") == 0);
    }
    if (i == 0 && fsetxattr(upper, "trusted.overlay.opaque", "y", 1, 0) == 0)
      CHECK(wb_rundir_untouched(&run, workdir));
    close(upper);
  }
  end(&run);
  CHECK(count("spare") == 1);
  /* The next run's tree may belong to another user. */
  CHECK(chown(workdir, 1, 1) == 0 && create(&run, 1) == 0 && count("spare") == 0);
  CHECK(fstatat(run.directory, "layers/0/upper", &info, 0) == 0 && info.st_uid == 1);
  CHECK(wb_rundir_untouched(&run, workdir) && chown(workdir, 65534, 65534) == 0);
  CHECK(!wb_rundir_untouched(&run, workdir));
  /* One whose directories were given away becomes no spare. */
  CHECK(fchownat(run.directory, "trees/1/layers/0", 1, 1, 0) == 0);
  end(&run);
  CHECK(count("spare") == 0 && count("runs") == 0);
  with_home = 0;
  CHECK(create(&run, 1) == 0 && fchownat(run.directory, "layers/0", 1, 1, 0) == 0);
  end(&run);
  CHECK(count("spare") == 0 && count("runs") == 0);
  clear();
}

/* Makes files as init does. */
static void place(const struct wb_rundir *run) {
  const int home = openat(run->directory, "trees/1/layers/0/upper", O_RDONLY | O_DIRECTORY);
  CHECK(home >= 0 && mkdirat(home, "a", 0755) == 0 && mkdirat(home, "a/b", 0755) == 0);
  CHECK(mkdirat(home, "a/b/c", 0755) == 0 && mknodat(home, "file", S_IFREG | 0444, 0) == 0);
  CHECK(symlinkat("/usr", home, "link") == 0);
  close(home);
}

/* Nothing of the home's layer counts but what the sandbox put there, and all of it goes with it. */
static void home(void) {
  struct wb_rundir run;
  struct stat was, is;
  with_home = 1;
  CHECK(create(&run, 1) == 0 && wb_rundir_untouched(&run, workdir));
  CHECK(!exists(run.directory, "trees/1/layers/0/work")); /* no overlay uses it */
  place(&run);
  CHECK(wb_rundir_untouched(&run, workdir));
  const int upper = openat(run.directory, "trees/1/layers/0/upper", O_RDONLY | O_DIRECTORY);
  static const char *const new[] = {"b", ".bashrc", "a/x", "a/b/x", "a/b/c-", "lin"};
  for (unsigned i = 0; i < sizeof new / sizeof *new; i++) {
    CHECK(mkdirat(upper, new[i], 0700) == 0 && !wb_rundir_untouched(&run, workdir));
    CHECK(unlinkat(upper, new[i], AT_REMOVEDIR) == 0 && wb_rundir_untouched(&run, workdir));
  }
  CHECK(renameat(upper, "a", upper, "z") == 0 && !wb_rundir_untouched(&run, workdir));
  CHECK(symlinkat("z", upper, "a") == 0 && !wb_rundir_untouched(&run, workdir));
  CHECK(unlinkat(upper, "a", 0) == 0 && renameat(upper, "z", upper, "a") == 0);
  CHECK(fchmod(upper, 0711) == 0 && !wb_rundir_untouched(&run, workdir));
  CHECK(fchmod(upper, 0700) == 0 && wb_rundir_untouched(&run, workdir));
  /* An attribute of overlayfs is the payload's, too: there was no overlay. */
  if (fsetxattr(upper, "user.overlay.opaque", "y", 1, 0) == 0) {
    CHECK(!wb_rundir_untouched(&run, workdir));
    CHECK(fremovexattr(upper, "user.overlay.opaque") == 0);
  }
  CHECK(fstat(upper, &was) == 0);
  end(&run);
  CHECK(count("runs") == 0 && count("spare") == 1);
  /* The next run gets another directory for its home, and nothing of what was in it. */
  CHECK(create(&run, 1) == 0 && count("spare") == 0 && wb_rundir_untouched(&run, workdir));
  CHECK(fstatat(run.directory, "trees/1/layers/0/upper", &is, 0) == 0 && is.st_ino != was.st_ino);
  CHECK(!exists(run.directory, "trees/1/layers/0/upper/a") && (is.st_mode & 07777) == 0700);
  close(upper);
  /* One with something more is not recycled, nor removed by halves: its record goes first. */
  place(&run);
  CHECK(mkdirat(run.directory, "trees/1/layers/0/upper/a/more", 0700) == 0);
  CHECK(wb_rundir_remove(&run) < 0 && !exists(run.directory, "run.json"));
  wb_rundir_close(&run);
  clear();
  /* A spare without a layer for the home is not taken for one with it, nor the other way. */
  with_home = 0;
  CHECK(create(&run, 1) == 0);
  end(&run);
  with_home = 1;
  CHECK(create(&run, 1) == 0 && count("spare") == 1 && exists(run.directory, "trees/1"));
  place(&run);
  CHECK(wb_rundir_remove(&run) == 0 && count("runs") == 0);
  wb_rundir_close(&run);
  with_home = 0;
  clear();
}

static void interrupted(void) {
  struct wb_rundir run, other;
  CHECK(create(&run, 0) == 0 && create(&other, 0) == 0);
  CHECK(!wb_rundir_interrupted(run.parent, NULL));
  close(other.lock);
  other.lock = -1;
  CHECK(wb_rundir_interrupted(run.parent, run.id) && !wb_rundir_interrupted(run.parent, other.id));
  wb_rundir_close(&run);
  wb_rundir_close(&other);
  clear();
}

/* A spare is taken, and another directory of it than before is seen. */
static void reuse(void) {
  struct wb_rundir run;
  struct stat was, is, upper_was, upper_is;
  CHECK(create(&run, 1) == 0 && fstat(run.directory, &was) == 0);
  const int held = openat(run.directory, "layers/0/upper", O_RDONLY);
  CHECK(fstat(held, &upper_was) == 0);
  end(&run);
  CHECK(count("runs") == 0 && count("spare") == 1 && create(&run, 1) == 0);
  CHECK(fstat(run.directory, &is) == 0 && is.st_ino == was.st_ino && count("spare") == 0);
  CHECK(fstatat(run.directory, "layers/0/upper", &upper_is, 0) == 0);
  /* Without namespaces, no payload reaches it. */
  CHECK((upper_is.st_ino == upper_was.st_ino) == with_root && (upper_is.st_mode & 07777) == 0751);
  close(held);
  wb_rundir_close(&run);
  clear();
  for (int i = 0; i < 3; i++) {
    struct wb_rundir runs[34];
    for (int n = 0; n < 34; n++)
      CHECK(create(&runs[n], 1) == 0);
    for (int n = 0; n < 34; n++)
      end(&runs[n]);
    CHECK(count("spare") == 32 && count("runs") == 0);
  }
  clear();
}

/* Makes what is hard to remove, as a payload can: more levels than descriptors or PATH_MAX
 * allow, directories without rights, a link out of the layer, names of every byte. */
static void spoil(const struct wb_rundir *run, const char *outside) {
  int at = openat(run->directory, "layers/0/upper", O_RDONLY);
  CHECK(at >= 0 && symlinkat(outside, at, "out") == 0 && mkdirat(at, "closed", 0700) == 0);
  const int closed = openat(at, "closed", O_RDONLY);
  for (int byte = 1; byte < 256; byte++)
    if (byte != '/' && byte != '.') {
      const char name[] = {(char)byte, 0};
      const int file = openat(closed, name, O_CREAT | O_WRONLY, 0);
      CHECK(file >= 0 && close(file) == 0);
    }
  CHECK(fchmod(closed, 0) == 0 && close(closed) == 0);
  for (int depth = 0; depth < 1200; depth++) {
    CHECK(mkdirat(at, "deep", 0700) == 0);
    const int next = openat(at, "deep", O_RDONLY);
    CHECK(next >= 0 && (depth % 500 || fchmod(at, 0500) == 0) && close(at) == 0);
    at = next;
  }
  close(at);
  for (const char *const *name = (const char *const[]){"base", "modes", NULL}; *name; name++)
    close(openat(run->directory, *name, O_CREAT | O_WRONLY, 0600));
}

/* Removing a tree piece by piece removes all of it, and each call only a few entries. */
static void piecewise(void) {
  const int at = open(base, O_RDONLY | O_DIRECTORY);
  long removed = 0, pieces = 0, now;
  CHECK(at >= 0 && wb_tree_remove_some(at, "tree", 3) == 0); /* missing */
  CHECK(mkdirat(at, "tree", 0700) == 0);
  int deep = openat(at, "tree", O_RDONLY | O_DIRECTORY);
  for (int depth = 0; depth < 100; depth++) {
    CHECK(mkdirat(deep, "deep", 0700) == 0 && mknodat(deep, "file", S_IFREG | 0600, 0) == 0);
    const int next = openat(deep, "deep", O_RDONLY | O_DIRECTORY);
    CHECK(next >= 0 && fchmod(deep, 0) == 0 && close(deep) == 0);
    deep = next;
  }
  close(deep);
  do {
    now = wb_tree_remove_some(at, "tree", 3);
    CHECK(now >= 0 && now < 3 + 50);
    removed += now;
    pieces++;
  } while (now >= 3);
  CHECK(!exists(at, "tree") && removed >= 200 && pieces > 4);
  CHECK(mknodat(at, "tree", S_IFREG, 0) == 0 && wb_tree_remove_some(at, "tree", 3) == 1);
  close(at);
}

static void discarded(int reuse) {
  struct wb_rundir run;
  char outside[256];
  snprintf(outside, sizeof outside, "%s/outside", base);
  CHECK(mkdir(outside, 0700) == 0 && create(&run, 1) == 0);
  const int kept = open(outside, O_RDONLY);
  CHECK(close(openat(kept, "file", O_CREAT | O_WRONLY, 0600)) == 0);
  spoil(&run, outside);
  /* The control: what removes an untouched layer does not remove this one. */
  CHECK(wb_rundir_retire(&run) == 0);
  if (!with_home) {
    CHECK(wb_rundir_remove(&run) < 0 && errno == ENOTEMPTY);
    CHECK(close(openat(run.directory, "run.json", O_CREAT | O_WRONLY, 0600)) == 0);
  }
  CHECK(wb_rundir_discard(&run, reuse) == 0 && count("runs") == 0 && count("spare") == reuse);
  wb_rundir_close(&run);
  CHECK(faccessat(kept, "file", F_OK, 0) == 0 && unlinkat(kept, "file", 0) == 0);
  close(kept);
  CHECK(rmdir(outside) == 0);
  if (reuse) {
    CHECK(create(&run, 1) == 0 && count("spare") == 0);
    CHECK(faccessat(run.directory, "modes", F_OK, 0) < 0);
    CHECK(faccessat(run.directory, "layers/0/upper/out", F_OK, AT_SYMLINK_NOFOLLOW) < 0);
    wb_rundir_close(&run);
  }
  clear();
}

/* A file that a payload left in the private root does not come to the next run, nor do its
 * directories. */
static void private_root(void) {
  static const char *const parts[] = {"live.new/copy0", "live.new/home", "live.new/run",
                                      "live.new/tmp"};
  struct wb_rundir run;
  struct stat before[4], after;
  int held[4];
  with_home = with_root = 1;
  CHECK(create(&run, 1) == 0 && wb_rundir_untouched(&run, workdir));
  for (int i = 0; i < 4; i++) {
    held[i] = openat(run.directory, parts[i], O_RDONLY | O_DIRECTORY); /* keeps its inode */
    CHECK(held[i] >= 0 && fstat(held[i], &before[i]) == 0 && (before[i].st_mode & 07777) == 0700);
    CHECK(mkdirat(held[i], "closed", 0) == 0 && mknodat(held[i], "file", S_IFREG | 0600, 0) == 0);
    CHECK(fchmod(held[i], 0) == 0);
  }
  /* The copy is whole; a spare is never taken for that. */
  CHECK(renameat(run.directory, "live.new", run.directory, "live") == 0);
  end(&run);
  /* One without a private root is not taken for it, nor the other way. */
  with_root = 0;
  CHECK(count("spare") == 1 && create(&run, 1) == 0 && count("spare") == 1);
  CHECK(!exists(run.directory, "live.new"));
  end(&run);
  with_root = 1;
  CHECK(count("spare") == 2 && create(&run, 1) == 0 && count("spare") == 1);
  CHECK(!exists(run.directory, "live"));
  for (int i = 0; i < 4; i++) {
    CHECK(fstatat(run.directory, parts[i], &after, AT_SYMLINK_NOFOLLOW) == 0);
    CHECK(after.st_ino != before[i].st_ino && (after.st_mode & 07777) == 0700);
    const int fd = openat(run.directory, parts[i], O_RDONLY | O_DIRECTORY);
    CHECK(!exists(fd, "closed") && !exists(fd, "file") && close(fd) == 0 && close(held[i]) == 0);
  }
  CHECK(wb_rundir_remove(&run) == 0 && count("runs") == 0);
  wb_rundir_close(&run);
  with_home = with_root = 0;
  clear();
}

/* The directory that is locked becomes the run. */
static void exchanged(void) {
  struct wb_rundir one, other;
  struct stat opened, named;
  CHECK(create(&one, 1) == 0 && create(&other, 1) == 0);
  end(&one);
  end(&other);
  exchange = 1;
  CHECK(create(&one, 1) == 0 && !exchange && count("spare") == 1);
  CHECK(fstat(one.directory, &opened) == 0 && fstatat(one.parent, one.id, &named, 0) == 0);
  CHECK(opened.st_ino == named.st_ino);
  wb_rundir_close(&one);
  check_recoverable("spare");
  clear();
}

/* Each call of a start fails once: either it is done without, or nothing is left. */
static void failing(int reuse, int error) {
  struct wb_rundir run;
  for (fail_at = 1;; fail_at++) {
    if (reuse) {
      failure = 0;
      const int at = fail_at;
      fail_at = 0;
      CHECK(create(&run, 1) == 0);
      end(&run);
      fail_at = at;
    }
    calls = 0;
    failure = error;
    const int made = create(&run, reuse);
    const int seen = errno, done = calls < fail_at;
    const int at = fail_at;
    fail_at = 0;
    CHECK(made == 0 || (count("runs") == 0 && seen == error));
    if (made == 0) {
      CHECK(count("runs") == 1);
      wb_rundir_close(&run);
      check_recoverable("runs");
    }
    check_recoverable("spare");
    clear();
    if (done)
      return;
    fail_at = at;
  }
}

/* A process is killed before each call of a run's start and end. */
static void killed(int reuse) {
  for (int at = 1;; at++) {
    struct wb_rundir run;
    int status;
    if (reuse) {
      CHECK(create(&run, 1) == 0);
      end(&run);
    }
    const pid_t child = fork();
    if (child == 0) {
      calls = 0;
      fail_at = at;
      failure = KILLED;
      CHECK(create(&run, 1) == 0);
      if (reuse)
        end(&run);
      else
        CHECK(wb_rundir_remove(&run) == 0);
      _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    check_recoverable("runs");
    check_recoverable("spare");
    CHECK(create(&run, 1) == 0 && wb_rundir_untouched(&run, workdir)); /* the next run is none the worse */
    wb_rundir_close(&run);
    clear();
    if (WIFEXITED(status)) {
      CHECK(WEXITSTATUS(status) == 0 && at > 20);
      return;
    }
    CHECK(WTERMSIG(status) == SIGKILL);
  }
}

static int met, met_lock;

static void sweep(int runs, const char *name, int directory) {
  const int lock = wb_rundir_lock(directory);
  CHECK(lock >= 0 || errno == EBUSY);
  if (lock < 0)
    return;
  met++;
  CHECK(!exists(directory, "run.json")); /* it is no run yet */
  CHECK(unlinkat(directory, "lock", 0) == 0);
  CHECK(unlinkat(directory, "lock.new", 0) == 0 || errno == ENOENT);
  CHECK(unlinkat(runs, name, AT_REMOVEDIR) == 0 && close(lock) == 0);
}

static void take_over(int runs, const char *name, int directory) {
  (void)runs, (void)name;
  const int lock = wb_rundir_lock(directory);
  if (lock < 0)
    return;
  met++;
  met_lock = lock;
}

/* Before each call of a start, another process looks for what was interrupted: it takes nothing but
 * a directory without a lock, and the start makes another run then. */
static void swept(void (*how)(int, const char *, int)) {
  struct wb_rundir run;
  int taken = 0;
  meet = how;
  for (int at = 1;; at++) {
    met = 0;
    met_lock = -1;
    calls = 0;
    meet_at = at;
    CHECK(create(&run, 0) == 0);
    const int done = meet_at != 0;
    meet_at = 0;
    taken += met;
    CHECK(wb_rundir_lock(run.directory) < 0 && errno == EBUSY && exists(run.directory, "run.json"));
    CHECK(count("runs") == 1 + (met_lock >= 0));
    close(met_lock);
    wb_rundir_close(&run);
    check_recoverable("runs");
    clear();
    if (done)
      break;
  }
  CHECK(taken >= 2); /* the control: there are such moments */
}

/* Sweeps while a run is removed. */
static void swept_at_end(void (*how)(int, const char *, int)) {
  struct wb_rundir run;
  int taken = 0;
  meet = how;
  for (int at = 1;; at++) {
    met = 0;
    met_lock = -1;
    CHECK(create(&run, 1) == 0);
    calls = 0;
    meet_at = at;
    CHECK(wb_rundir_remove(&run) == 0);
    const int done = meet_at != 0;
    meet_at = 0;
    taken += met;
    CHECK(count("runs") == (met_lock >= 0));
    close(met_lock);
    wb_rundir_close(&run);
    check_recoverable("runs");
    clear();
    if (done)
      break;
  }
  CHECK(taken == 1); /* between the lock and the directory */
}

/* Tries without descriptors to be had, from the first to the last that a start needs. */
static void without_descriptors(void) {
  struct rlimit before;
  CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int first = dup(0);
  close(first);
  int failed = 0;
  for (int more = 0; more < 12; more++) {
    struct wb_rundir run;
    const struct rlimit few = {(rlim_t)(first + more), before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    const int made = create(&run, 1), seen = errno;
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(made == 0 || (seen == EMFILE && count("runs") == 0));
    failed += made != 0;
    if (made == 0)
      wb_rundir_close(&run);
    clear();
  }
  CHECK(failed >= 3 && failed < 12);
}

/* Four processes start and end runs; no two have the same layer at a time. */
static void race(void) {
  pid_t children[4];
  for (int n = 0; n < 4; n++) {
    children[n] = fork();
    if (children[n] != 0)
      continue;
    for (int i = 0; i < 150; i++) {
      struct wb_rundir run;
      CHECK(create(&run, 1) == 0);
      CHECK(mkdirat(run.directory, "layers/0/upper/mine", 0700) == 0);
      CHECK(unlinkat(run.directory, "layers/0/upper/mine", AT_REMOVEDIR) == 0);
      end(&run);
    }
    _exit(0);
  }
  for (int n = 0; n < 4; n++) {
    int status;
    CHECK(waitpid(children[n], &status, 0) == children[n] && status == 0);
  }
  CHECK(count("runs") == 0 && count("spare") >= 1 && count("spare") <= 32);
  check_recoverable("spare");
  clear();
}

/* Tries in a state directory of root's, in place of the one that the rest uses. */
static void as_root(void) {
  char aside[128];
  snprintf(aside, sizeof aside, "%s/aside", base);
  CHECK(rename(state_path, aside) == 0);
  state = wb_state_open(state_path, 1);
  CHECK(state >= 0);
  untouched();
  owned();
  home();
  for (with_home = 0; with_home < 2; with_home++) {
    reuse();
    discarded(0);
    discarded(1);
  }
  with_home = 0;
  close(state);
  CHECK(nftw(state_path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0 && rename(aside, state_path) == 0);
}

/* A rename replaces nothing, except an empty directory where renameat2(2) has no flags. */
static void renamed(void) {
  char path[256];
  struct stat was, is;
  CHECK(mkdir(in("runs", path) ? path : "", 0700) == 0);
  const int at = open_runs();
  CHECK(mkdirat(at, "old", 0700) == 0 && mkdirat(at, "full", 0700) == 0 && mkdirat(at, "empty", 0700) == 0);
  CHECK(mkdirat(at, "old/in", 0700) == 0 && mkdirat(at, "full/in", 0700) == 0);
  CHECK(mknodat(at, "file", S_IFREG | 0600, 0) == 0 && symlinkat("empty", at, "link") == 0);
  static const char *const taken[] = {"full", "file", "link"};
  for (unsigned i = 0; i < sizeof taken / sizeof *taken; i++) {
    CHECK(fstatat(at, taken[i], &was, AT_SYMLINK_NOFOLLOW) == 0);
    CHECK(wb_rename_fresh(at, "old", at, taken[i]) < 0 && errno == EEXIST);
    CHECK(fstatat(at, taken[i], &is, AT_SYMLINK_NOFOLLOW) == 0 && is.st_ino == was.st_ino);
  }
  CHECK(wb_rename_fresh(at, "gone", at, "new") < 0 && errno == ENOENT);
  CHECK(wb_rename_fresh(at, "old", at, "new") == 0 && exists(at, "new/in") && !exists(at, "old"));
  CHECK((wb_rename_fresh(at, "new", at, "empty") == 0) == plain_renames);
  CHECK(exists(at, plain_renames ? "empty/in" : "new/in"));
  close(at);
  clear();
}

/* The tests that depend on how a lock is made and a directory gets its name. */
static void named(void) {
  renamed();
  layout();
  interrupted();
  exchanged();
  if (!plain_renames) {
    reuse();
    discarded(0);
  }
  discarded(1);
  for (int with = 0; with < 2; with++) {
    failing(with, plain_renames ? EACCES : ENOSPC);
    killed(with);
  }
  without_descriptors();
  swept(sweep);
  swept(take_over);
  swept_at_end(sweep);
  swept_at_end(take_over);
  race();
}

int main(void) {
  /* In memory, if there is a place: 30,000 directories are made and removed. */
  const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(base, sizeof base, "%s/wasbox-rundir-XXXXXX", place);
  CHECK(mkdtemp(base));
  snprintf(workdir, sizeof workdir, "%s/work", base);
  snprintf(state_path, sizeof state_path, "%s/state", base);
  umask(0);
  CHECK(mkdir(workdir, 0700) == 0 && chmod(workdir, 0751) == 0);
  if (geteuid() == 0) {
    CHECK(mkdir(state_path, 0700) == 0 && chown(state_path, 65534, 65534) == 0);
    CHECK(wb_state_open(state_path, 0) < 0 && errno == EPERM); /* another user's */
    CHECK(chown(base, 65534, 65534) == 0 && chown(workdir, 65534, 65534) == 0);
    as_root();
    CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
  }
  state = wb_state_open(state_path, 1);
  CHECK(state >= 0);
  ids();
  saved_ids();
  ordered_ids();
  shared_lock();
  planted();
  untouched();
  home();
  private_root();
  piecewise();
  for (int kind = 1; kind < 3; kind++) {
    with_home = 1;
    with_root = kind > 1;
    reuse();
    for (int again = 0; again < 2 && !with_root; again++)
      discarded(again);
    for (int with = 0; with < 2; with++) {
      failing(with, ENOSPC);
      failing(with, EACCES);
      killed(with);
    }
  }
  with_home = with_root = 0;
  for (plain_renames = 0; plain_renames < 2; plain_renames++)
    named();
  CHECK(nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
  return 0;
}
