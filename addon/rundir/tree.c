/*
 * See rundir.h. A payload may have made what it left hard to remove: directories without rights,
 * chains deeper than PATH_MAX, names of any bytes. No link is followed and no mount point entered.
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
  uint32_t removed, most; /* entries */
};

/* `most` entries are removed, and something of the tree is left. */
#define UNFINISHED 1

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

/* libfuse and NFS rename a file that is removed while it is open, each time it is removed. */
static int is_still_open(const char *name) {
  return wb_begins_with(name, ".fuse_hidden") || wb_begins_with(name, ".nfs");
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
        const int removed = remove_entry(removal, fd, entry->name, depth);
        if (removed != 0)
          return removed;
        found |= !is_still_open(entry->name);
      }
    }
  }
  return 0;
}

/* Another thread may remove the tree meanwhile. */
static int gone_or_failed(void) {
  return errno == ENOENT ? 0 : -1;
}

static int remove_directory(struct removal *removal, int parent, const char *name, int depth) {
  const int fd = open_relaxed(parent, name);
  if (fd < 0)
    return gone_or_failed();
  const int done =
      depth >= DEPTH_MAX ? move_up(removal, parent, name) : empty(removal, fd, depth + 1, NULL);
  const int error = errno;
  close(fd);
  errno = error;
  if (depth >= DEPTH_MAX || done != 0)
    return done;
  return wb_remove_name(parent, name, AT_REMOVEDIR);
}

static int remove_entry(struct removal *removal, int parent, const char *name, int depth) {
  if (removal->removed >= removal->most)
    return UNFINISHED;
  int done = 0;
  if (syscall(SYS_unlinkat, parent, name, 0) < 0 && errno != ENOENT)
    done = errno == EISDIR || errno == EPERM ? remove_directory(removal, parent, name, depth) : -1;
  if (done == 0)
    removal->removed++;
  return done;
}

int wb_tree_empty(int directory, const char *const *keep) {
  struct removal removal = {.root = directory, .most = UINT32_MAX};
  return empty(&removal, directory, 0, keep);
}

long wb_tree_remove_some(int parent, const char *name, uint32_t most) {
  struct removal removal = {.most = most};
  if (syscall(SYS_unlinkat, parent, name, 0) == 0)
    return 1;
  if (errno != EISDIR && errno != EPERM)
    return gone_or_failed();
  /* Deep directories are moved up into it. */
  removal.root = open_relaxed(parent, name);
  if (removal.root < 0)
    return gone_or_failed();
  const int done = empty(&removal, removal.root, 0, NULL);
  const int error = errno;
  close(removal.root);
  errno = error;
  if (done < 0 || (done == 0 && wb_remove_name(parent, name, AT_REMOVEDIR) < 0))
    return -1;
  return removal.removed;
}

int wb_tree_remove(int parent, const char *name) {
  return wb_tree_remove_some(parent, name, UINT32_MAX) < 0 ? -1 : 0;
}
