/*
 * The cache key, and the installation that an entry belongs to. Called by main.c. Everything else
 * that a plan depends on is a recorded read: recorded_reads.c.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/utsname.h>

#include <string.h>

#include "fastpath.h"

#if defined(__x86_64__)
#define PLATFORM "linux-x64"
#elif defined(__aarch64__)
#define PLATFORM "linux-arm64"
#else
#error "a processor to run on: see the table in ARCHITECTURE.md"
#endif

/* Cuts the last name off a path; -1 where nothing would be left. */
static int to_parent(char *path) {
  size_t length = strlen(path);
  while (length > 0 && path[length - 1] != '/')
    length--;
  if (length <= 1)
    return -1;
  path[length - 1] = 0;
  return 0;
}

static int ends_with(const char *path, const char *end) {
  size_t a = strlen(path), b = strlen(end);
  return a >= b && same_text(path + a - b, end);
}

/* DIST/native/<platform>/wasbox. */
int find_installation(struct installation *out) {
  char self[WB_PATH_MAX];
  long n = sys4(__NR_readlinkat, AT_FDCWD, "/proc/self/exe", self, sizeof self - 1);
  if (n <= 0 || n >= (long)sizeof self - 1)
    return -1;
  self[n] = 0;
  if (to_parent(self) < 0 || !ends_with(self, "/native/" PLATFORM) || to_parent(self) < 0 ||
      to_parent(self) < 0)
    return -1;
  memcpy(out->dist, self, strlen(self) + 1);
  return join_path(out->init, self, "native/" PLATFORM "/wasbox-init");
}

/* A file that is replaced, or written to, is another one. */
static int hash_file(uint64_t *hash, const char *path) {
  struct statx info;
  if (sys5(__NR_statx, AT_FDCWD, path, 0, STATX_BASIC_STATS, &info) < 0)
    return -1;
  const uint64_t parts[] = {
      info.stx_ino,           (uint64_t)info.stx_dev_major << 32 | info.stx_dev_minor,
      info.stx_size,          (uint64_t)info.stx_ctime.tv_sec,
      info.stx_ctime.tv_nsec,
  };
  *hash = hash_bytes(*hash, parts, sizeof parts);
  return 0;
}

int stream_kind(int fd, uint32_t *kind) {
  struct statx info;
  if (sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_NLINK, &info) < 0)
    return -1;
  switch (info.stx_mode & S_IFMT) {
  case S_IFREG: {
    const int fixed =
        info.stx_nlink != 0 && (sys2(__NR_fcntl, fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
    *kind = fixed ? S_IFREG : S_IFREG | 1;
    break;
  }
  case S_IFCHR:
    *kind = info.stx_rdev_major == 1 ? S_IFCHR : S_IFCHR | 1;
    break;
  case S_IFIFO:
  case S_IFSOCK:
    *kind = info.stx_mode & S_IFMT;
    break;
  default:
    *kind = 0;
  }
  return 0;
}

int find_cache_key(const struct installation *installation, struct wb_cache_key *key) {
  memset(key, 0, sizeof *key);
  long uid = sys0(__NR_getuid), gid = sys0(__NR_getgid);
  /* Root's ids are drawn at random for each run, and its mounts take a supervisor with more rights.
   */
  if (uid == 0 || uid != sys0(__NR_geteuid) || gid != sys0(__NR_getegid))
    return -1;
  key->uid = (uint32_t)uid;
  key->gid = (uint32_t)gid;
  uint32_t kinds[3];
  for (int i = 0; i < 3; i++)
    if (stream_kind(i, kinds + i) < 0)
      return -1;

  struct new_utsname names;
  if (sys1(__NR_uname, &names) < 0)
    return -1;
  key->kernel = hash_bytes(HASH_START, names.release, strlen(names.release));
  key->kernel = hash_bytes(key->kernel, names.version, strlen(names.version));

  char bundle[WB_PATH_MAX], cwd[WB_PATH_MAX];
  key->build = HASH_START;
  if (join_path(bundle, installation->dist, "cli-main.cjs") < 0 ||
      hash_file(&key->build, bundle) < 0 || hash_file(&key->build, installation->init) < 0 ||
      hash_file(&key->build, "/proc/self/exe") < 0)
    return -1;

  /* There may be none. */
  if (join_path(bundle, installation->dist, "native/" PLATFORM "/wasbox-engine") == 0)
    hash_file(&key->build, bundle);

  long length = sys2(__NR_getcwd, cwd, sizeof cwd);
  if (length <= 0)
    return -1;
  uint64_t place = hash_bytes(HASH_START, cwd, (size_t)length);
  place = hash_bytes(place, installation->dist, strlen(installation->dist));
  /* An entry for each kind of streams: that they are the same is asked again, too. */
  key->place = hash_bytes(place, kinds, sizeof kinds);
  return 0;
}
