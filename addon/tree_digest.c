/* See tree_digest.h. */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "supervisor/directory.h"
#include "sys/syscall.h"
#include "tree_digest.h"

/* Each directory on the way down holds a descriptor and a buffer. */
#define DEPTH_MAX 64

/* FNV-1a. */
static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t size) {
  const unsigned char *at = bytes;
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ at[i]) * 0x100000001b3u;
  return hash;
}

/* The finalizer of SplitMix64: without it, sums of similar hashes would be similar. */
static uint64_t mix(uint64_t hash) {
  hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
  return hash ^ hash >> 31;
}

static int add_directory(int fd, uint64_t parent, int depth, uint64_t *sum);

static int add_entry(int fd, const char *name, uint64_t parent, int depth, uint64_t *sum) {
  struct statx info;
  const long ret = sys5(__NR_statx, fd, name, AT_SYMLINK_NOFOLLOW,
                        STATX_TYPE | STATX_MODE | STATX_SIZE | STATX_MTIME, &info);
  if (ret < 0)
    return (int)ret;
  const int is_directory = (info.stx_mode & S_IFMT) == S_IFDIR;
  const uint64_t path = add_bytes(parent, name, strlen(name) + 1);
  /* A directory's size and time depend on its file system and on names that came and went. */
  const uint64_t facts[] = {info.stx_mode, is_directory ? 0 : info.stx_size,
                            is_directory ? 0 : (uint64_t)info.stx_mtime.tv_sec,
                            is_directory ? 0 : info.stx_mtime.tv_nsec};
  *sum += mix(add_bytes(path, facts, sizeof facts)); /* in whatever order names are listed */
  if (!is_directory)
    return 0;
  if (depth == DEPTH_MAX)
    return -ELOOP;
  const long below =
      sys4(__NR_openat, fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (below < 0)
    return (int)below;
  const int error = add_directory((int)below, path, depth + 1, sum);
  sys1(__NR_close, below);
  return error;
}

static int is_dots(const char *name) {
  return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

static int add_directory(int fd, uint64_t parent, int depth, uint64_t *sum) {
  char room[4096] __attribute__((aligned(8)));
  for (;;) {
    const long n = sys3(__NR_getdents64, fd, room, sizeof room);
    if (n <= 0)
      return (int)n;
    for (long at = 0; at < n;) {
      const struct wb_name *one = (const void *)(room + at);
      at += one->length;
      const int error = is_dots(one->name) ? 0 : add_entry(fd, one->name, parent, depth, sum);
      if (error < 0)
        return error;
    }
  }
}

int wb_tree_digest(const char *path, char digest[WB_TREE_DIGEST_LENGTH]) {
  const long fd =
      sys4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0)
    return (int)fd;
  uint64_t sum = 0;
  const int error = add_directory((int)fd, 0xcbf29ce484222325u, 0, &sum);
  sys1(__NR_close, fd);
  for (int i = 0; i < WB_TREE_DIGEST_LENGTH; i++)
    digest[i] = "0123456789abcdef"[sum >> (60 - 4 * i) & 15];
  return error;
}
