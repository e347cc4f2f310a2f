/*
 * Finds whether an open(2) of the payload fails because of the sandbox, and what the path is on the
 * host. Called by ask_calls.c.
 *
 * The payload's tree is reached through the caller's root (pin.h), and every path in it is resolved
 * there (RESOLVE_IN_ROOT): its symbolic links never lead the supervisor into the host.
 */
#define _GNU_SOURCE
#include "../sys/openat2_libc.h"
#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "pin.h"

static int open_beneath(int directory, const char *path, uint64_t flags, uint64_t resolve) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
  return wb_openat2(directory, path, &how);
}

/* Returns what access(2) is asked for an open(2). */
static int wanted_access(int flags) {
  switch (flags & O_ACCMODE) {
  case O_RDONLY:
    return R_OK;
  case O_WRONLY:
    return W_OK;
  default:
    return R_OK | W_OK;
  }
}

static int may(int fd, int mode) {
  return syscall(SYS_faccessat2, fd, "", mode, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

/* Returns whether the directory that a name counts from is what its path leads to inside: one
 * that was lent has a tree of its own. */
static int lies_inside(const struct wb_opening *opening, const char *path) {
  struct stat wanted, found;
  int root = wb_pin_open(opening->caller, "root", O_PATH | O_DIRECTORY);
  int fd = root < 0 ? -1 : open_beneath(root, path, O_PATH, RESOLVE_IN_ROOT);
  int base = wb_pin_open_base(opening->caller, opening->directory, O_PATH);
  const int same = fd >= 0 && base >= 0 && fstat(fd, &found) == 0 && fstat(base, &wanted) == 0 &&
                   found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino;
  const int opened[] = {root, fd, base};
  for (unsigned i = 0; i < 3; i++)
    if (opened[i] >= 0)
      close(opened[i]);
  return same;
}

int wb_inside_absolute(struct wb_opening *opening) {
  char base[WB_INSIDE_PATH_MAX], whole[WB_INSIDE_PATH_MAX];
  if (opening->path[0] == '/')
    return 0;
  const ssize_t n = wb_pin_link_base(opening->caller, opening->directory, base, sizeof base);
  if (n <= 0 || base[0] != '/')
    return ENOENT;
  if (!lies_inside(opening, base))
    return ENOENT;
  int length = snprintf(whole, sizeof whole, "%s/%s", n == 1 ? "" : base, opening->path);
  if (length < 0 || (size_t)length >= sizeof whole)
    return ENAMETOOLONG;
  memcpy(opening->path, whole, (size_t)length + 1);
  return 0;
}

/* Returns whether a file could be made: the directory above is there and may be written. */
static int can_create(int root, const char *path) {
  char parent[WB_INSIDE_PATH_MAX];
  const char *slash = strrchr(path, '/');
  if (!slash || !slash[1])
    return 0;
  size_t length = slash == path ? 1 : (size_t)(slash - path);
  memcpy(parent, path, length);
  parent[length] = 0;
  int fd =
      open_beneath(root, parent, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  const int good = fd >= 0 && may(fd, W_OK | X_OK);
  if (fd >= 0)
    close(fd);
  return good;
}

static int fails(int root, const struct wb_opening *opening) {
  const uint64_t flags = O_PATH | (uint64_t)(opening->flags & O_NOFOLLOW);
  int fd = open_beneath(root, opening->path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  if (fd >= 0) {
    const int good = may(fd, wanted_access(opening->flags));
    close(fd);
    return !good;
  }
  if (errno != ENOENT && errno != EACCES)
    return 0;
  return !(opening->flags & O_CREAT) || !can_create(root, opening->path);
}

int wb_inside_fails(const struct wb_opening *opening, struct wb_inside_user user) {
  int root = wb_pin_open(opening->caller, "root", O_PATH | O_DIRECTORY);
  if (root < 0)
    return 0;
  /* These are this thread's alone, and take root's own rights away with them. credentials(7) */
  if (user.uid) {
    syscall(SYS_setfsgid, user.gid);
    syscall(SYS_setfsuid, user.uid);
  }
  const int ret = fails(root, opening);
  if (user.uid) {
    syscall(SYS_setfsuid, geteuid());
    syscall(SYS_setfsgid, getegid());
  }
  close(root);
  return ret;
}

/* File systems whose files are the kernel's own controls. */
static int is_kernels(int fd) {
  static const long kinds[] = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,    CGROUP_SUPER_MAGIC,
                               CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC,  TRACEFS_MAGIC,
                               SECURITYFS_MAGIC,    BPF_FS_MAGIC,   DEVPTS_SUPER_MAGIC,
                               EFIVARFS_MAGIC,      SELINUX_MAGIC,  NSFS_MAGIC,
                               PSTOREFS_MAGIC,      BINFMTFS_MAGIC, 0x62656570 /* configfs */,
                               0x65735543 /* fusectl */};
  struct statfs info;
  if (fstatfs(fd, &info) < 0)
    return 1;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if ((long)info.f_type == kinds[i])
      return 1;
  return 0;
}

static int take_file(struct wb_host_file *file, const struct wb_opening *opening) {
  struct stat info;
  char link[64];
  if (fstat(file->fd, &info) < 0)
    return errno;
  file->directory = S_ISDIR(info.st_mode);
  const int writes = (opening->flags & O_ACCMODE) != O_RDONLY;
  if (!S_ISREG(info.st_mode) && !file->directory)
    return ENOTSUP;
  if (file->directory ? writes : (opening->flags & O_DIRECTORY) != 0)
    return ENOTSUP;
  if (is_kernels(file->fd) || info.st_nlink == 0)
    return ENOTSUP;
  if (!may(file->fd, wanted_access(opening->flags)))
    return EACCES;
  file->device = info.st_dev;
  file->inode = info.st_ino;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file->fd);
  ssize_t n = readlink(link, file->path, sizeof file->path - 1);
  if (n <= 0 || file->path[0] != '/')
    return ENOTSUP;
  file->path[n] = 0;
  return 0;
}

int wb_host_find(struct wb_host_file *file, const struct wb_opening *opening) {
  const uint64_t flags = O_PATH | (uint64_t)(opening->flags & O_NOFOLLOW);
  file->fd = open_beneath(AT_FDCWD, opening->path, flags, RESOLVE_NO_MAGICLINKS);
  if (file->fd < 0)
    return errno;
  const int error = take_file(file, opening);
  if (error)
    close(file->fd);
  return error;
}
