/*
 * The private root of a run without namespaces, as src/launch/private-root.ts makes it for an
 * ordinary user. The payload reaches what is in its directories, but not the one that holds them.
 * Called by create.c and spare.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "layer.h"

static const char *const parts[] = {"copy0", "home", "run", "tmp"};

/* Returns whether a directory is as it was made: like `model`, which no payload can reach.
 * Making a new one takes the file system a tenth of the time of a start. */
static int is_new(int root, const char *name, const struct statx *model) {
  struct statx info;
  char names[512] __attribute__((aligned(8)));
  const int fd = wb_open_beneath(root, name, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0)
    return 0;
  const int is = syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info) == 0 &&
                 (info.stx_mode & 07777) == 0700 && info.stx_uid == model->stx_uid &&
                 info.stx_gid == model->stx_gid && info.stx_size == model->stx_size &&
                 info.stx_attributes == model->stx_attributes &&
                 syscall(SYS_getdents64, fd, names, sizeof names) == 48 && /* "." and ".." */
                 !wb_has_attributes(fd, 0) && syscall(SYS_utimensat, fd, NULL, NULL, 0) == 0;
  close(fd);
  return is;
}

static int make_part(int root, const char *name, const struct statx *model) {
  if (model && is_new(root, name, model))
    return 0;
  if (model && wb_tree_remove(root, name) < 0)
    return -1;
  return (int)syscall(SYS_mkdirat, root, name, 0700);
}

static int make_parts(const struct wb_rundir *run, const struct statx *model) {
  const int root = wb_open_beneath(run->directory, WB_PRIVATE_ROOT_NEW, O_RDONLY | O_DIRECTORY, 0);
  if (root < 0)
    return -1;
  int ret = 0;
  for (unsigned i = 0; ret == 0 && i < sizeof parts / sizeof *parts; i++)
    ret = make_part(root, parts[i], model);
  const int error = errno;
  close(root);
  errno = error;
  return ret;
}

int wb_private_root_make(const struct wb_rundir *run) {
  return syscall(SYS_mkdirat, run->directory, WB_PRIVATE_ROOT_NEW, 0700) < 0
             ? -1
             : make_parts(run, NULL);
}

/* First of all it is no copy any more. */
int wb_private_root_renew(const struct wb_rundir *run) {
  struct statx model;
  if (wb_rename_fresh(run->directory, WB_PRIVATE_ROOT, run->directory, WB_PRIVATE_ROOT_NEW) < 0 &&
      errno != ENOENT)
    return -1;
  return syscall(SYS_statx, run->directory, WB_WORK, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS,
                 &model) < 0
             ? -1
             : make_parts(run, &model);
}

int wb_private_root_remove(const struct wb_rundir *run) {
  return wb_tree_remove(run->directory, WB_PRIVATE_ROOT_NEW) < 0
             ? -1
             : wb_tree_remove(run->directory, WB_PRIVATE_ROOT);
}
