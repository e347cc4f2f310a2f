/*
 * A file of the host as the payload may have it. Called by ask_calls.c for what was allowed.
 *
 * A descriptor is more than what it was opened for: fchmod(2) works on one for reading, and from a
 * directory one walks to everything above it. So the file is opened through a mount of its own,
 * whose root it is and which is read-only unless it is to be written. Such a mount takes a mount
 * namespace, and without root's rights a user namespace, of a child that ends at once; the mount
 * lives as long as the descriptor. The child also gives it, from a table of its own: this process
 * may have locks on the file, which closing it here would take away (pin.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../sys/openat2_libc.h"
#include "inside.h"
#include "supervisor.h"
#include "run_in_namespaces.h"

struct loan {
  const char *path;
  dev_t device;
  ino_t inode;
  int flags;
  wb_host_give *give;
  void *context;
  int error; /* written by the child */
};

static void fd_link(char out[40], int fd) {
  static const char prefix[] = "/proc/self/fd/";
  char digits[12];
  size_t at = sizeof prefix - 1, n = 0;
  memcpy(out, prefix, at);
  do
    digits[n++] = (char)('0' + fd % 10);
  while ((fd /= 10) > 0);
  while (n)
    out[at++] = digits[--n];
  out[at] = 0;
}

/* The very file that was asked about, or -1: another may have taken its place. */
static int find_again(const struct loan *loan) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                         .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  struct stat info;
  int fd = wb_openat2(AT_FDCWD, loan->path, &how);
  if (fd < 0)
    return -1;
  if (fstat(fd, &info) == 0 && info.st_dev == loan->device && info.st_ino == loan->inode)
    return fd;
  close(fd);
  errno = ESTALE;
  return -1;
}

static int own_mount(const struct loan *loan, int file) {
  const unsigned int recursive = loan->flags & O_DIRECTORY ? AT_RECURSIVE : 0;
  int tree = (int)syscall(SYS_open_tree, file, "",
                          AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
  if ((loan->flags & O_ACCMODE) == O_RDONLY)
    attr.attr_set |= MOUNT_ATTR_RDONLY;
  if (tree >= 0 &&
      syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | recursive, &attr, sizeof attr) < 0) {
    int error = errno;
    close(tree);
    errno = error;
    return -1;
  }
  return tree;
}

/* Shares memory with the caller, which waits. */
static int run_child(void *argument) {
  struct loan *loan = argument;
  char link[40];
  int file = find_again(loan), tree = file < 0 ? -1 : own_mount(loan, file), lent = -1;
  if (tree >= 0) {
    fd_link(link, tree);
    /* O_NONBLOCK keeps this from waiting for the holder of a lease on it. */
    lent = open(link, loan->flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  }
  if (lent >= 0 && !(loan->flags & O_NONBLOCK))
    fcntl(lent, F_SETFL, loan->flags & (O_APPEND | O_DIRECT));
  loan->error = lent < 0 ? errno : loan->give(lent, loan->context);
  _exit(0);
}

int wb_host_lend(const char *path, dev_t device, ino_t inode, int flags, wb_host_give *give,
                 void *context) {
  struct loan loan = {path, device, inode, flags, give, context, ENOMEM};
  const int user = geteuid() == 0 && wb_is_real_root() ? 0 : CLONE_NEWUSER;
  const int error = wb_run_in_namespaces(run_child, &loan, CLONE_NEWNS | user);
  return error ? error : loan.error;
}
