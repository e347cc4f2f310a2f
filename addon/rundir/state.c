/*
 * See rundir.h. The state directory and those in it are the user's own: a planted one would let
 * another user choose what is applied.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../sys/openat2_libc.h"
#include "rundir.h"

#define RENAME_NOREPLACE_ 1

static int open_how(int directory, const char *name, int flags, unsigned mode, uint64_t resolve) {
  struct open_how how = {
      .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC), .mode = mode, .resolve = resolve};
  int fd;
  do
    fd = wb_openat2(directory, name, &how);
  while (fd < 0 && errno == EINTR);
  return fd;
}

/* A FIFO in place of a file must not hold it up until another process opens its other end. */
int wb_open_beneath(int directory, const char *name, int flags, unsigned mode) {
  const int waits = flags & O_PATH ? 0 : O_NONBLOCK;
  return open_how(directory, name, flags | O_NOFOLLOW | waits, mode,
                  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

/* A default ACL from above would be inherited by every file of a layer, as if a run had set it. */
static void drop_acls(int fd) {
  syscall(SYS_fremovexattr, fd, "system.posix_acl_access");
  syscall(SYS_fremovexattr, fd, "system.posix_acl_default");
}

/* The descriptor, or -1 where it is not this user's alone. */
static int own(int fd) {
  struct statx info;
  int error = EPERM;
  if (fd < 0)
    return -1;
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info) < 0)
    error = errno;
  else if (info.stx_uid == (uint32_t)syscall(SYS_geteuid) && (info.stx_mode & 077) == 0)
    return fd;
  close(fd);
  errno = error;
  return -1;
}

static int open_own(int directory, const char *name, uint64_t resolve, int create) {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  int fd = open_how(directory, name, flags, 0, resolve);
  if (fd >= 0 || errno != ENOENT || !create)
    return own(fd);
  const int made = syscall(SYS_mkdirat, directory, name, 0700) == 0;
  if (!made && errno != EEXIST)
    return -1;
  fd = open_how(directory, name, flags, 0, resolve);
  if (fd >= 0 && made)
    drop_acls(fd);
  return own(fd);
}

int wb_state_open(const char *path, int create) {
  return open_own(AT_FDCWD, path, 0, create);
}

int wb_state_open_in(int state, const char *name, int create) {
  return open_own(state, name,
                  RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
                  create);
}

int wb_rename_noreplace(int from, const char *old, int to, const char *name) {
  return (int)syscall(SYS_renameat2, from, old, to, name, RENAME_NOREPLACE_);
}

/* Without flags, rename(2) of a directory replaces nothing but an empty directory. An empty one
 * belongs to a process that is about to make a run. That process finds its directory gone or
 * locked, and makes another. */
int wb_rename_fresh(int from, const char *old, int to, const char *name) {
  if (wb_rename_noreplace(from, old, to, name) == 0)
    return 0;
  if (errno != EINVAL)
    return -1;
  if (syscall(SYS_renameat2, from, old, to, name, 0) == 0)
    return 0;
  if (errno == ENOTEMPTY || errno == ENOTDIR)
    errno = EEXIST;
  return -1;
}
