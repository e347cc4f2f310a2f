/*
 * Modes, owners and times of files. Landlock knows no right to change them (ABI 7), so the filter
 * of Landlock isolation refuses these calls, and the supervisor makes them in the payload's place,
 * on what lies in the run's own directories. Called by notify.c.
 *
 * The file is opened once, and what is judged and changed is that inode. It is the run's if its
 * path is below the run's private root: nothing can be mounted there, and Landlock lets the payload
 * move and link nothing into it but what it may write, which is the run's own or shown for writing
 * (--rw): the user has given that away. LANDLOCK_ACCESS_FS_REFER. What other threads
 * change meanwhile decides which of the run's own files it is, as it would without a supervisor.
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../sys/openat2_libc.h"
#include "notify.h"
#include "pin.h"
#include "ptys.h"
#include "rights.h"

#define NONE -1
#define SET_ID_BITS 06000

enum change { MODE, OWNER, TIMESPEC, TIMEVAL, SECONDS };

/* Where the descriptor, the path, the new value and the flags of a call stand. */
struct form {
  int nr;
  enum change change;
  signed char fd, path, value, flags;
  unsigned char no_follow;
};

static const struct form forms[] = {
#ifdef __NR_chmod
    {__NR_chmod, MODE, NONE, 0, 1, NONE, 0},     {__NR_chown, OWNER, NONE, 0, 1, NONE, 0},
    {__NR_lchown, OWNER, NONE, 0, 1, NONE, 1},   {__NR_utime, SECONDS, NONE, 0, 1, NONE, 0},
    {__NR_utimes, TIMEVAL, NONE, 0, 1, NONE, 0}, {__NR_futimesat, TIMEVAL, 0, 1, 2, NONE, 0},
#endif
    {__NR_fchmod, MODE, 0, NONE, 1, NONE, 0},    {__NR_fchmodat, MODE, 0, 1, 2, NONE, 0},
    {452 /* fchmodat2 */, MODE, 0, 1, 2, 3, 0},  {__NR_fchown, OWNER, 0, NONE, 1, NONE, 0},
    {__NR_fchownat, OWNER, 0, 1, 2, 4, 0},       {__NR_utimensat, TIMESPEC, 0, 1, 2, 3, 0},
};

static const struct form *form_of(int nr) {
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
    if (forms[i].nr == nr)
      return &forms[i];
  return NULL;
}

/* Opens the file that a call is about. Returns a descriptor or a negative errno. */
static long open_target(const struct form *form, struct wb_pin *caller) {
  const __u64 *args = caller->call->data.args;
  char path[WB_PAYLOAD_PATH_MAX];
  const int flags = form->flags == NONE ? 0 : (int)args[form->flags];
  const int fd = form->fd == NONE ? AT_FDCWD : (int)args[form->fd];
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
    return -EINVAL;
  /* utimensat(2) without a path is about the descriptor. */
  const int by_descriptor =
      form->path == NONE || ((form->change == TIMESPEC || form->change == TIMEVAL) &&
                             form->fd != NONE && args[form->path] == 0);
  if (by_descriptor)
    return fd == AT_FDCWD ? -EBADF : wb_payload_descriptor(caller, fd);
  const size_t size = wb_pin_read(caller, args[form->path], path, sizeof path);
  if (size == 0 || !memchr(path, 0, size))
    return size == sizeof path ? -ENAMETOOLONG : -EFAULT;
  if (!path[0])
    return flags & AT_EMPTY_PATH ? wb_payload_descriptor(caller, fd) : -ENOENT;
  const int no_follow = form->no_follow || (flags & AT_SYMLINK_NOFOLLOW);
  return wb_payload_open(caller, fd, path, no_follow);
}

/* Returns whether a file lies in one of the directories in the private root; what lies in
 * that directory itself is wasbox's. */
static int is_own(const char *private_root, int fd) {
  char link[40], path[WB_PAYLOAD_PATH_MAX];
  const size_t length = strlen(private_root);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const long n = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (n <= (long)length + 1)
    return 0;
  path[n] = 0;
  if (memcmp(path, private_root, length) != 0 || path[length] != '/')
    return 0;
  struct statx info;
  if (memchr(path + length + 1, '/', (size_t)n - length - 1))
    return 1;
  return syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) == 0 &&
         (info.stx_mode & S_IFMT) == S_IFDIR;
}

/* The times of a call in the newest form. Returns 1 with `times` filled in, 0 for the present, or a
 * negative errno. */
static int read_times(const struct form *form, struct wb_pin *caller,
                      struct __kernel_timespec times[2]) {
  const uint64_t address = caller->call->data.args[form->value];
  int64_t words[4];
  const size_t size = form->change == SECONDS ? sizeof *words * 2 : sizeof words;
  if (address == 0)
    return 0;
  if (wb_pin_copy(caller, address, words, size) != size)
    return -EFAULT;
  for (int i = 0; i < 2; i++) {
    if (form->change == SECONDS) {
      times[i] = (struct __kernel_timespec){words[i], 0};
      continue;
    }
    times[i] = (struct __kernel_timespec){words[2 * i], words[2 * i + 1]};
    if (form->change != TIMEVAL)
      continue;
    if (times[i].tv_nsec < 0 || times[i].tv_nsec >= 1000000)
      return -EINVAL;
    times[i].tv_nsec *= 1000;
  }
  return 1;
}

/* An owner that the payload may name: its own, or none. Nothing changes then but set-id bits, which
 * it has none of. */
static int is_same_owner(const struct wb_watch *watch, const __u64 *ids) {
  const uint32_t uid = watch->ids.host_uid ? watch->ids.host_uid : (uint32_t)syscall(SYS_getuid);
  const uint32_t gid = watch->ids.host_uid ? watch->ids.host_gid : (uint32_t)syscall(SYS_getgid);
  return ((uint32_t)ids[0] == UINT32_MAX || (uint32_t)ids[0] == uid) &&
         ((uint32_t)ids[1] == UINT32_MAX || (uint32_t)ids[1] == gid);
}

static int change(const struct wb_watch *watch, const struct form *form, struct wb_pin *caller,
                  int fd) {
  const __u64 *args = caller->call->data.args;
  char link[40];
  struct __kernel_timespec times[2];
  long ret;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (form->change == MODE) {
    if (args[form->value] & SET_ID_BITS)
      return EPERM;
    ret = syscall(SYS_fchmodat, AT_FDCWD, link, (uint32_t)args[form->value] & 07777);
  } else if (form->change == OWNER) {
    return is_same_owner(watch, args + form->value) ? 0 : EPERM;
  } else {
    const int given = read_times(form, caller, times);
    if (given < 0)
      return -given;
    if (!wb_pin_stands(caller))
      return EINTR;
    ret = syscall(SYS_utimensat, AT_FDCWD, link, given ? times : NULL, 0);
  }
  return ret < 0 ? errno : 0;
}

/* A terminal that the run has made: no mode beyond the one that it was made with, and the owner
 * that it has. grantpt(3), mesg(1) */
static int change_terminal(const struct wb_watch *watch, const struct form *form,
                           const struct wb_pin *caller, int fd) {
  const __u64 *args = caller->call->data.args;
  struct statx info;
  const struct wb_pty *pty = watch->ptys ? wb_ptys_find(watch->ptys, fd, &info) : NULL;
  if (!pty)
    return EPERM;
  if (form->change == OWNER) {
    const uint32_t uid = (uint32_t)args[form->value], gid = (uint32_t)args[form->value + 1];
    return (uid == UINT32_MAX || uid == info.stx_uid) && (gid == UINT32_MAX || gid == info.stx_gid)
               ? 0
               : EPERM;
  }
  if (form->change != MODE || (args[form->value] & 07777 & ~(uint64_t)pty->mode))
    return EPERM;
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", pty->terminal);
  return syscall(SYS_fchmodat, AT_FDCWD, link, (uint32_t)args[form->value] & 07777) < 0 ? errno : 0;
}

int wb_metadata(const struct wb_watch *watch, struct wb_pin *caller, int *error) {
  const struct form *form = watch->private_root ? form_of(caller->call->data.nr) : NULL;
  if (!form)
    return 0;
  const long fd = open_target(form, caller);
  if (fd < 0) {
    *error = (int)-fd;
    return 1;
  }
  /* Bytes that were read of the caller are the caller's only while it waits. */
  if (!wb_pin_stands(caller))
    *error = EPERM;
  else if (is_own(watch->private_root, (int)fd))
    *error = change(watch, form, caller, (int)fd);
  else
    *error = change_terminal(watch, form, caller, (int)fd);
  close((int)fd);
  return 1;
}

/* A directory whose group its entries are to have. */
struct shared {
  const char *path; /* inside, absolute; NULL: `fd` is the directory */
  int root, fd, no_follow, error;
  uint32_t mode;
};

static void share(void *argument) {
  struct shared *one = argument;
  struct open_how how = {.flags = O_PATH | O_CLOEXEC | (one->no_follow ? O_NOFOLLOW : 0),
                         .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  struct statx info;
  char link[40];
  const int fd = one->path ? wb_openat2(one->root, one->path, &how) : one->fd;
  one->error = EPERM;
  if (fd < 0)
    return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) == 0 &&
      (info.stx_mode & S_IFMT) == S_IFDIR)
    one->error = syscall(SYS_fchmodat, AT_FDCWD, link, one->mode) < 0 ? errno : 0;
  if (fd != one->fd)
    close(fd);
}

/* Reads which directory a call of a sandbox with a root of its own names. Returns 0 or an errno. */
static int read_shared(struct shared *one, const struct form *form, struct wb_pin *caller,
                       char path[WB_PAYLOAD_PATH_MAX]) {
  const __u64 *args = caller->call->data.args;
  const int directory = form->fd == NONE ? AT_FDCWD : (int)args[form->fd];
  if (form->path == NONE) {
    const long fd = wb_payload_descriptor(caller, directory);
    one->fd = (int)fd;
    return fd < 0 ? (int)-fd : 0;
  }
  const size_t size = wb_pin_read(caller, args[form->path], path, WB_PAYLOAD_PATH_MAX);
  if (size == 0 || !memchr(path, 0, size) || !path[0])
    return EPERM;
  const int error = wb_payload_absolute(caller, directory, path);
  one->path = path;
  one->no_follow = form->flags != NONE && ((int)args[form->flags] & AT_SYMLINK_NOFOLLOW);
  one->root = error ? -1 : wb_pin_open(caller, "root", O_PATH | O_DIRECTORY);
  return error ? error : one->root < 0 ? EPERM : 0;
}

int wb_mode_argument(int nr) {
  const struct form *form = form_of(nr);
  return form && form->change == MODE ? form->value : -1;
}

int wb_share_directory(const struct wb_watch *watch, struct wb_pin *caller) {
  const struct form *form = form_of(caller->call->data.nr);
  if (!form || form->change != MODE)
    return EPERM;
  const uint32_t mode = (uint32_t)caller->call->data.args[form->value] & 07777;
  if ((mode & SET_ID_BITS) != WB_SET_GID)
    return EPERM;
  char path[WB_PAYLOAD_PATH_MAX];
  struct shared one = {NULL, -1, -1, 0, EPERM, mode};
  if (watch->private_root) {
    const long fd = open_target(form, caller);
    if (fd < 0)
      return EPERM;
    one.fd = (int)fd;
    if (is_own(watch->private_root, one.fd) && wb_pin_stands(caller))
      share(&one);
  } else if (read_shared(&one, form, caller, path) == 0 && wb_pin_stands(caller)) {
    /* Root looks and changes with the payload's rights. */
    if (syscall(SYS_geteuid) != 0)
      share(&one);
    else if (wb_without_rights(watch->ids.host_uid, watch->ids.host_gid, share, &one) != 0)
      one.error = EPERM;
  }
  if (one.root >= 0)
    close(one.root);
  if (one.fd >= 0)
    close(one.fd);
  return one.error;
}
