/* See rundir.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../supervisor/directory.h"
#include "rundir.h"

static int closed(int fd, int error) {
  close(fd);
  errno = error;
  return -1;
}

static int try_lock_as(int fd, int how) {
  if (syscall(SYS_flock, fd, how | LOCK_NB) == 0)
    return 0;
  if (errno == EWOULDBLOCK)
    errno = EBUSY;
  return -1;
}

static int try_lock(int fd) {
  return try_lock_as(fd, LOCK_EX);
}

/* Locks an open lock file. If another process has removed the run meanwhile, it has removed this
 * file, too: the lock then protects nothing, and this fails with EBUSY. */
static int hold_as(int directory, int fd, int how) {
  struct statx opened, named;
  if (try_lock_as(fd, how) < 0)
    return -1;
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_INO, &opened) < 0 ||
      syscall(SYS_statx, directory, "lock", AT_SYMLINK_NOFOLLOW, STATX_INO, &named) < 0) {
    if (errno == ENOENT)
      errno = EBUSY;
    return -1;
  }
  if (opened.stx_ino == named.stx_ino)
    return 0;
  errno = EBUSY;
  return -1;
}

static int hold(int directory, int fd) {
  return hold_as(directory, fd, LOCK_EX);
}

/* Where a lock cannot be held before other processes see it (see wb_rename_noreplace), the process
 * that locks it first owns the directory. That need not be the process that made it. */
static int make_lock_in_place(int directory) {
  const int fd = wb_open_beneath(directory, "lock", O_RDWR | O_CREAT | O_EXCL, 0600);
  if (fd < 0 || hold(directory, fd) == 0)
    return fd;
  const int error = errno;
  if (error != EBUSY)
    syscall(SYS_unlinkat, directory, "lock", 0);
  return closed(fd, error);
}

/* The lock is held before another process can see it, so that a new run is never taken for an
 * interrupted one. */
int wb_rundir_make_lock(int directory) {
  int fd = wb_open_beneath(directory, "lock.new", O_RDWR | O_CREAT, 0600);
  if (fd < 0)
    return -1;
  if (try_lock(fd) < 0)
    return closed(fd, errno);
  if (wb_rename_noreplace(directory, "lock.new", directory, "lock") == 0)
    return fd;
  const int error = errno;
  /* The name is this process's as long as it holds the lock. */
  if (error != ENOENT)
    syscall(SYS_unlinkat, directory, "lock.new", 0);
  fd = closed(fd, error);
  if (error == EINVAL)
    fd = make_lock_in_place(directory);
  if (fd < 0 && (errno == EEXIST || errno == ENOENT))
    errno = EBUSY;
  return fd;
}

int wb_rundir_lock_existing(int directory) {
  int fd = wb_open_beneath(directory, "lock", O_RDWR, 0);
  return fd < 0 || try_lock(fd) == 0 ? fd : closed(fd, errno);
}

int wb_rundir_lock(int directory) {
  int fd = wb_open_beneath(directory, "lock", O_RDWR, 0);
  if (fd < 0 && errno == ENOENT)
    return wb_rundir_make_lock(directory);
  return fd < 0 || hold(directory, fd) == 0 ? fd : closed(fd, errno);
}

int wb_rundir_share(int directory) {
  int fd = wb_open_beneath(directory, "lock", O_RDWR, 0);
  return fd < 0 || hold_as(directory, fd, LOCK_SH) == 0 ? fd : closed(fd, errno);
}

/* Returns whether no process holds the lock of what lies in `runs`; the TypeScript side finds
 * out what it is. */
static int may_be_interrupted(int runs, const char *id) {
  int directory = wb_open_beneath(runs, id, O_RDONLY | O_DIRECTORY, 0);
  if (directory < 0)
    return 0; /* removed meanwhile, or no run */
  int lock = wb_rundir_lock_existing(directory);
  const int may_be = lock >= 0 || errno != EBUSY;
  if (lock >= 0)
    close(lock);
  close(directory);
  return may_be;
}

int wb_rundir_interrupted(int runs, const char *own) {
  struct wb_directory directory;
  const struct wb_name *one;
  if (syscall(SYS_lseek, runs, 0, 0) < 0)
    return 1;
  wb_directory_begin(&directory, runs);
  for (;;) {
    errno = 0;
    one = wb_directory_next(&directory);
    if (!one)
      return errno != 0;
    if (one->name[0] != '.' && (!own || strcmp(one->name, own) != 0) &&
        may_be_interrupted(runs, one->name))
      return 1;
  }
}
