/* Calls on files, as libc.c has others: what addon/rundir does to a copy. Their structures are the
 * kernel's on both processors. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "syscall.h"

int openat(int directory, const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const int mode = flags & O_CREAT ? va_arg(list, int) : 0;
  va_end(list);
  return (int)syscall(__NR_openat, directory, path, flags, mode);
}

int fstatat(int directory, const char *restrict path, struct stat *restrict info, int flags) {
  return (int)syscall(__NR_newfstatat, directory, path, info, flags);
}

int fstat(int fd, struct stat *info) {
  return (int)syscall(__NR_fstat, fd, info);
}

ssize_t pread(int fd, void *bytes, size_t size, off_t at) {
  return syscall(__NR_pread64, fd, bytes, size, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
  return syscall(__NR_pwrite64, fd, bytes, size, at);
}

int ftruncate(int fd, off_t size) {
  return (int)syscall(__NR_ftruncate, fd, size);
}

off_t lseek(int fd, off_t offset, int whence) {
  return syscall(__NR_lseek, fd, offset, whence);
}

int mkdirat(int directory, const char *path, mode_t mode) {
  return (int)syscall(__NR_mkdirat, directory, path, mode);
}

int mknodat(int directory, const char *path, mode_t mode, dev_t device) {
  return (int)syscall(__NR_mknodat, directory, path, mode, device);
}

int renameat(int from, const char *old, int to, const char *name) {
  return (int)syscall(__NR_renameat2, from, old, to, name, 0);
}

int symlinkat(const char *target, int directory, const char *path) {
  return (int)syscall(__NR_symlinkat, target, directory, path);
}

int linkat(int from, const char *old, int to, const char *name, int flags) {
  return (int)syscall(__NR_linkat, from, old, to, name, flags);
}

ssize_t readlinkat(int directory, const char *restrict path, char *restrict target, size_t size) {
  return syscall(__NR_readlinkat, directory, path, target, size);
}

int fchownat(int directory, const char *path, uid_t uid, gid_t gid, int flags) {
  return (int)syscall(__NR_fchownat, directory, path, uid, gid, flags);
}

int chmod(const char *path, mode_t mode) {
  return (int)syscall(__NR_fchmodat, AT_FDCWD, path, mode);
}

/* Tells without flags, which only faccessat2(2) has, whether a name is there, a link itself too. */
int faccessat(int directory, const char *path, int mode, int flags) {
  struct stat info;
  if (mode == F_OK)
    return fstatat(directory, path, &info, flags & AT_SYMLINK_NOFOLLOW);
  errno = EINVAL;
  return -1;
}

int utimensat(int directory, const char *path, const struct timespec times[2], int flags) {
  return (int)syscall(__NR_utimensat, directory, path, times, flags);
}

int futimens(int fd, const struct timespec times[2]) {
  return (int)syscall(__NR_utimensat, fd, NULL, times, 0);
}

int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags) {
  return (int)syscall(__NR_fsetxattr, fd, name, value, size, flags);
}

ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t size,
                        unsigned flags) {
  return syscall(__NR_copy_file_range, from, from_at, to, to_at, size, flags);
}
