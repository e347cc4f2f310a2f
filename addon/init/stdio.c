/*
 * The payload's descriptors 0, 1 and 2 are files of the host, and a descriptor is enough to change
 * a file's mode, times and attributes, whatever it was opened for. Called by main.c in the old
 * tree.
 *
 * A regular file that was opened for reading, and a terminal, are opened once more through a
 * read-only mount of their own: contents and terminal work as before, fchmod(2) and the like give
 * EROFS. A file that was opened for writing stays as it is: it was given away.
 *
 * A socket belongs to the network that it was made in, and what is not connected for good can be
 * connected anew from inside: without the host's network only connected UNIX streams may pass.
 *
 * Anything else is a handle on the kernel rather than text: a pidfd signals a process of the host,
 * /proc/PID/mem is its memory, a device obeys ioctl(2). Only kinds known to be harmless pass.
 */
#include <asm/ioctls.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/stat.h>

#include "../sys/openat2.h"
#include "init.h"

#define SEEK_SET 0
#define SEEK_CUR 1

/* socket(7); glibc's headers are not for a freestanding program. */
#define SOL_SOCKET 1
#define SO_TYPE 3
#define SO_DOMAIN 39
#define AF_UNIX 1
#define SOCK_STREAM 1
#define SOCK_SEQPACKET 5

/* The <linux/magic.h> of an older system lacks these. */
#define RAMFS 0x858458f6
#define FUSE 0x65735546
#define EFIVARFS 0xde5e81e4
#define MEM_MAJOR 1

static const char *fd_link(char out[40], long fd) {
  static const char prefix[] = "/proc/self/fd/";
  memcpy(out, prefix, sizeof prefix - 1);
  format_number(out + sizeof prefix - 1, (uint64_t)fd);
  return out;
}

/* A read-only mount of the very file behind the descriptor, found by its path in this namespace:
 * open_tree(2) takes no descriptor of another namespace's mount. Negative errno where there is
 * none. */
static long read_only_mount(const struct statx *wanted, const char *path) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                         .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  long file = sys_openat2(AT_FDCWD, path, &how);
  if (file < 0)
    return file;
  struct statx found;
  long ret = sys5(__NR_statx, file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &found);
  if (ret >= 0 &&
      (found.stx_ino != wanted->stx_ino || found.stx_dev_major != wanted->stx_dev_major ||
       found.stx_dev_minor != wanted->stx_dev_minor))
    ret = -ESTALE;
  if (ret >= 0)
    ret = sys3(__NR_open_tree, file, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  sys1(__NR_close, file);
  if (ret < 0)
    return ret;
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
  check(sys5(__NR_mount_setattr, ret, "", AT_EMPTY_PATH, &attr, sizeof attr), WB_STEP_STDIO, path);
  return ret;
}

/* Opens the file once more; where that cannot be, it ends the launch or, unless `required`, lets
 * the descriptor be. */
static void reopen(int fd, const struct statx *info, long flags, int required) {
  static char path[WB_PATH_MAX];
  char link[40];
  long n = check(sys4(__NR_readlinkat, AT_FDCWD, fd_link(link, fd), path, sizeof path - 1),
                 WB_STEP_STDIO, NULL);
  path[n] = 0;
  long mount = read_only_mount(info, path);
  long fresh = mount;
  if (mount >= 0)
    fresh = sys4(__NR_openat, AT_FDCWD, fd_link(link, mount),
                 (flags & O_ACCMODE) | O_NOCTTY | O_CLOEXEC, 0);
  if (fresh < 0) {
    if (required)
      die(WB_STEP_STDIO, -fresh, path);
    if (mount >= 0)
      sys1(__NR_close, mount);
    return;
  }
  long offset = sys3(__NR_lseek, fd, 0, SEEK_CUR);
  if (offset > 0)
    check(sys3(__NR_lseek, fresh, offset, SEEK_SET), WB_STEP_STDIO, path);
  check(sys3(__NR_dup3, fresh, fd, 0), WB_STEP_STDIO, path);
  sys1(__NR_close, fresh);
  sys1(__NR_close, mount);
}

static int socket_option(int fd, int option) {
  int value = -1, size = sizeof value;
  check(sys5(__NR_getsockopt, fd, SOL_SOCKET, option, &value, &size), WB_STEP_STDIO, NULL);
  return value;
}

/* connect(2) on a connected UNIX stream gives EISCONN; a datagram socket goes where it is told, and
 * a TCP connection can be dissolved and made again to another host. */
static void check_socket(int fd) {
  unsigned char peer[128];
  int size = sizeof peer, type = socket_option(fd, SO_TYPE);
  if (socket_option(fd, SO_DOMAIN) != AF_UNIX || (type != SOCK_STREAM && type != SOCK_SEQPACKET))
    die(WB_STEP_STDIO, EPROTOTYPE, NULL);
  if (sys3(__NR_getpeername, fd, peer, &size) < 0)
    die(WB_STEP_STDIO, EPROTOTYPE, NULL);
  /* Without a name it could be given one from inside, as a service of the host has it. One that the
   * kernel chooses stays. unix(7), "Autobind feature" */
  const unsigned short family = AF_UNIX;
  check(sys3(__NR_bind, fd, &family, sizeof family), WB_STEP_STDIO, NULL);
}

static void refuse(int fd) {
  static char what[WB_PATH_MAX];
  char link[40];
  long n = sys4(__NR_readlinkat, AT_FDCWD, fd_link(link, fd), what, sizeof what - 1);
  what[n < 0 ? 0 : n] = 0;
  die(WB_STEP_STDIO, EMEDIUMTYPE, what);
}

/* A device of mem(4) without access to memory (null, zero, full, random, urandom), or a terminal.
 * Not the master of one, through which the code could type into another terminal. tty_ioctl(4),
 * mem(4) */
static int is_plain_device(int fd, const struct statx *info) {
  char modes[64];
  int number;
  if (info->stx_rdev_major == MEM_MAJOR) {
    const uint32_t minor = info->stx_rdev_minor;
    return minor == 3 || minor == 5 || (minor >= 7 && minor <= 9);
  }
  return sys3(__NR_ioctl, fd, TCGETS, modes) >= 0 && sys3(__NR_ioctl, fd, TIOCGPTN, &number) < 0;
}

/* Returns whether a regular file holds stored bytes. What the kernel generates (procfs, nsfs,
 * pidfs, ...) lies on file systems that say of themselves that they have no room at all; so do
 * tmpfs without a limit, ramfs, and some by FUSE. statfs(2) */
static int is_stored(int fd) {
  uint64_t words[16] = {0}; /* struct statfs: type, block size, blocks, ... on both architectures */
  check(sys2(__NR_fstatfs, fd, words), WB_STEP_STDIO, NULL);
  const uint64_t type = words[0];
  return type != EFIVARFS && type != ANON_INODE_FS_MAGIC &&
         (words[2] != 0 || type == TMPFS_MAGIC || type == RAMFS || type == FUSE ||
          type == HUGETLBFS_MAGIC);
}

static void check_kind(int fd, const struct statx *info) {
  switch (info->stx_mode & S_IFMT) {
  case S_IFREG:
    if (!is_stored(fd))
      refuse(fd);
    return;
  case S_IFCHR:
    if (!is_plain_device(fd, info))
      refuse(fd);
    return;
  case S_IFIFO:
  case S_IFSOCK:
    return;
  default: /* of no type: what an anon_inode is (epoll, pidfd, bpf, io_uring, ...) */
    refuse(fd);
  }
}

void protect_stdio(const struct wb_plan *plan) {
  for (int fd = 0; fd <= 2; fd++) {
    struct statx info;
    if (sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info) < 0)
      continue;
    int type = info.stx_mode & S_IFMT;
    long flags = check(sys2(__NR_fcntl, fd, F_GETFL), WB_STEP_STDIO, NULL);
    /* A directory leads to everything else. */
    if (type == S_IFDIR || (flags & O_PATH))
      die(WB_STEP_STDIO, EISDIR, NULL);
    check_kind(fd, &info);
    /* With Landlock isolation, all sockets but these are closed by its filter. */
    if (type == S_IFSOCK && ((plan->namespaces & CLONE_NEWNET) || plan->private_root))
      check_socket(fd);
    /* No other process can name a file without a name; without a mount namespace there is no
     * mount to make. */
    if (info.stx_nlink == 0 || !(plan->namespaces & CLONE_NEWNS))
      continue;
    /* A terminal may come from where this namespace cannot see, as in lxc-attach(1). */
    if (type == S_IFCHR && info.stx_uid == plan->uid)
      reopen(fd, &info, flags, 0);
    /* The owner can change all of it; others, where the file lets them write, its times. */
    if (type == S_IFREG && (flags & O_ACCMODE) == O_RDONLY)
      reopen(fd, &info, flags, info.stx_uid == plan->uid);
  }
}
