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

/* Says what became of an entry, or -1. UNFINISHED: `most` were removed, and something is left
 * of the tree. GONE also stands for what libfuse and NFS keep under another name until it is
 * closed: the directory that it is in cannot be removed, and says so. */
enum { GONE, REMOVED, UNFINISHED };

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

/* Another thread may remove the tree meanwhile. */
static int gone_or_failed(void) {
  return errno == ENOENT ? GONE : -1;
}

/* Opens what unlinkat(2) did not remove, with its `error`. */
static int open_directory(int parent, const char *name, int error) {
  if (error != EISDIR && error != EPERM)
    return -1;
  const int fd = open_relaxed(parent, name);
  if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
    errno = error;
  return fd;
}

/* The directory has the rights that a rename to another parent needs: open_relaxed gave them. */
static int move_up(struct removal *removal, int parent, const char *name) {
  char target[32];
  for (;;) {
    snprintf(target, sizeof target, ".moved-%u", removal->moved++);
    if (wb_rename_fresh(parent, name, removal->root, target) == 0)
      return REMOVED;
    if (errno != EEXIST)
      return gone_or_failed();
  }
}

static int remove_entry(struct removal *removal, int parent, const char *name, int depth);

static int is_kept(const char *name, const char *const *keep) {
  for (; keep && *keep; keep++)
    if (strcmp(name, *keep) == 0)
      return 1;
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int is_still_open(const char *name) {
  return wb_begins_with(name, ".fuse_hidden") || wb_begins_with(name, ".nfs") ||
         wb_begins_with(name, ".smb");
}

/* `keep` ends with NULL, or is NULL. Reads again from the start until nothing more was removed or
 * moved up, which may change where the next name stands. */
static int empty(struct removal *removal, int fd, int depth, const char *const *keep) {
  char bytes[4096] __attribute__((aligned(8)));
  for (int found = 1; found;) {
    found = 0;
    if (syscall(SYS_lseek, fd, 0L, SEEK_SET) < 0)
      return -1;
    for (long n; (n = syscall(SYS_getdents64, fd, bytes, sizeof bytes)) != 0;) {
      if (n < 0)
        return gone_or_failed();
      for (long at = 0; at < n;) {
        const struct wb_name *entry = (const void *)(bytes + at);
        at += entry->length;
        if (is_kept(entry->name, keep))
          continue;
        const int became = remove_entry(removal, fd, entry->name, depth);
        if (became < 0 || became == UNFINISHED)
          return became;
        found |= became == REMOVED;
      }
    }
  }
  return 0;
}

static int remove_directory(struct removal *removal, int parent, const char *name, int depth) {
  const int fd = open_directory(parent, name, errno);
  if (fd < 0)
    return gone_or_failed();
  const int is_deep = depth >= DEPTH_MAX;
  const int done = is_deep ? move_up(removal, parent, name) : empty(removal, fd, depth + 1, NULL);
  const int error = errno;
  close(fd);
  errno = error;
  if (is_deep || done != 0)
    return done;
  return syscall(SYS_unlinkat, parent, name, AT_REMOVEDIR) == 0 ? REMOVED : gone_or_failed();
}

static int remove_entry(struct removal *removal, int parent, const char *name, int depth) {
  if (removal->removed >= removal->most)
    return UNFINISHED;
  int became;
  if (syscall(SYS_unlinkat, parent, name, 0) == 0)
    became = is_still_open(name) ? GONE : REMOVED;
  else if (errno == EBUSY && is_still_open(name))
    became = GONE;
  else
    became = remove_directory(removal, parent, name, depth);
  if (became == REMOVED)
    removal->removed++;
  return became;
}

int wb_tree_empty(int directory, const char *const *keep) {
  struct removal removal = {.root = directory, .most = UINT32_MAX};
  return empty(&removal, directory, 0, keep);
}

long wb_tree_remove_some(int parent, const char *name, uint32_t most) {
  struct removal removal = {.most = most};
  if (syscall(SYS_unlinkat, parent, name, 0) == 0)
    return 1;
  /* Deep directories are moved up into it. */
  removal.root = open_directory(parent, name, errno);
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
