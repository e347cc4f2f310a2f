/*
 * See rundir.h. A payload may have made what it left hard to remove: directories without rights,
 * chains deeper than PATH_MAX. src/changes/files/remove.ts does the same for what a person waits
 * for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../supervisor/directory.h"
#include "layer.h"

/* Directories that are open at a time; what lies deeper is moved up beside them first. */
#define DEPTH_MAX 48

struct removal {
  int root;
  unsigned moved;
};

/* Opens a directory to read and change it, whatever its mode. */
static int open_relaxed(int parent, const char *name) {
  char self[32];
  const int flags = O_RDONLY | O_DIRECTORY;
  const int handle = wb_open_beneath(parent, name, O_PATH | O_DIRECTORY, 0);
  if (handle < 0)
    return -1;
  snprintf(self, sizeof self, "/proc/self/fd/%d", handle);
  int fd = -1;
  if (syscall(SYS_fchmodat, AT_FDCWD, self, 0700) == 0)
    fd = wb_open_beneath(parent, name, flags, 0);
  const int error = errno;
  close(handle);
  errno = error;
  return fd;
}

/* The directory has the rights that a rename to another parent needs: open_relaxed gave them. */
static int move_up(struct removal *removal, int parent, const char *name) {
  char target[32];
  for (;;) {
    snprintf(target, sizeof target, ".moved-%u", removal->moved++);
    if (wb_rename_fresh(parent, name, removal->root, target) == 0)
      return 0;
    if (errno != EEXIST)
      return -1;
  }
}

static int remove_entry(struct removal *removal, int parent, const char *name, int depth);

static int is_kept(const char *name, const char *const *keep) {
  for (; keep && *keep; keep++)
    if (strcmp(name, *keep) == 0)
      return 1;
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* `keep` ends with NULL, or is NULL. Reads again from the start until there is nothing else: what
 * is removed or moved up meanwhile may change where the next name stands. */
static int empty(struct removal *removal, int fd, int depth, const char *const *keep) {
  char bytes[4096] __attribute__((aligned(8)));
  for (int found = 1; found;) {
    found = 0;
    if (syscall(SYS_lseek, fd, 0L, SEEK_SET) < 0)
      return -1;
    for (long n; (n = syscall(SYS_getdents64, fd, bytes, sizeof bytes)) != 0;) {
      if (n < 0)
        return -1;
      for (long at = 0; at < n;) {
        const struct wb_name *entry = (const void *)(bytes + at);
        at += entry->length;
        if (is_kept(entry->name, keep))
          continue;
        if (remove_entry(removal, fd, entry->name, depth) < 0)
          return -1;
        found = 1;
      }
    }
  }
  return 0;
}

static int remove_entry(struct removal *removal, int parent, const char *name, int depth) {
  if (syscall(SYS_unlinkat, parent, name, 0) == 0 || errno == ENOENT)
    return 0;
  if (errno != EISDIR && errno != EPERM)
    return -1;
  const int fd = open_relaxed(parent, name);
  if (fd < 0)
    return -1;
  int done;
  if (depth >= DEPTH_MAX) {
    done = move_up(removal, parent, name);
  } else {
    done = empty(removal, fd, depth + 1, NULL);
  }
  const int error = errno;
  close(fd);
  errno = error;
  if (depth >= DEPTH_MAX)
    return done;
  return done < 0 ? -1 : wb_remove_name(parent, name, AT_REMOVEDIR);
}

int wb_tree_empty(int directory, const char *const *keep) {
  struct removal removal = {.root = directory};
  return empty(&removal, directory, 0, keep);
}

int wb_tree_remove(int parent, const char *name) {
  const int fd = open_relaxed(parent, name);
  if (fd < 0)
    return errno == ENOENT ? 0 : -1;
  const int done = wb_tree_empty(fd, NULL);
  const int error = errno;
  close(fd);
  errno = error;
  return done < 0 ? -1 : wb_remove_name(parent, name, AT_REMOVEDIR);
}
