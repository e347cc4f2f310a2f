/*
 * Views of single places: what the host has, as it is or read-only, what is the sandbox's own, and
 * what is hidden. Called by tree.c. A host source is opened in the old tree with openat2(2), so
 * that no link leads elsewhere, and compared with what the plan says of it.
 */
#include <linux/errno.h>

#include "tree.h"

long next_handed_over(uint32_t step, const char *path) {
  if (tree.handed_over_next >= tree.handed_over_count)
    die(step, EPROTO, path);
  return tree.handed_over[tree.handed_over_next++];
}

struct identity {
  uint32_t flags; /* WB_OP_IS_DIRECTORY, WB_OP_CHECK_IDENTITY */
  uint64_t device, inode;
};

static void check_identity(struct identity wanted, long fd, const char *path, uint32_t step) {
  struct statx info;
  check(stat_fd(fd, &info), step, path);
  int is_directory = (info.stx_mode & S_IFMT) == S_IFDIR;
  if (is_directory != !!(wanted.flags & WB_OP_IS_DIRECTORY))
    die(step, is_directory ? EISDIR : ENOTDIR, path);
  if ((wanted.flags & WB_OP_CHECK_IDENTITY) &&
      (device_number(info.stx_dev_major, info.stx_dev_minor) != wanted.device ||
       info.stx_ino != wanted.inode))
    die(step, ESTALE, path);
}

void check_source(const struct wb_op *op, long fd, uint32_t step) {
  check_identity((struct identity){op->flags, op->device, op->inode}, fd, text(op->source), step);
}

void check_lower(const struct wb_lower *lower, long fd, uint32_t step) {
  const struct identity wanted = {lower->flags | WB_OP_IS_DIRECTORY, lower->device, lower->inode};
  check_identity(wanted, fd, text(lower->path), step);
}

/* The host's source as a detached mount: handed over by a privileged supervisor, or cloned here. */
static long source_mount(const struct wb_op *op, const char *path, uint32_t step) {
  long mount;
  if (op->flags & WB_OP_HANDED_OVER) {
    mount = next_handed_over(step, path);
  } else {
    long fd = check(open_strict(AT_FDCWD, path, O_PATH, 0), step, path);
    mount = check(sys3(__NR_open_tree, fd, "",
                       AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE_),
                  step, path);
    sys1(__NR_close, fd);
  }
  return mount;
}

long mount_bind(const struct wb_op *op) {
  long mount = source_mount(op, text(op->source), WB_STEP_BIND);
  check_source(op, mount, WB_STEP_BIND);
  uint64_t attributes = HARDENED;
  if (op->flags & WB_OP_READ_ONLY)
    attributes |= MOUNT_ATTR_RDONLY;
  set_attributes(mount, attributes, 1, WB_STEP_BIND, text(op->source));
  return mount;
}

void op_bind(const struct wb_op *op) {
  long mount = mount_bind(op);
  attach(mount, text(op->target), !!(op->flags & WB_OP_IS_DIRECTORY), WB_STEP_BIND);
  sys1(__NR_close, mount);
}

/* Mounts a directory of the host that belongs to this run alone: what is written to it is kept. */
static long layer_mount(const struct wb_op *op) {
  const char *path = layer_path(op, "/upper");
  const long mount = source_mount(op, path, WB_STEP_PRIVATE);
  set_attributes(mount, HARDENED, 0, WB_STEP_PRIVATE, path);
  return mount;
}

void op_private(const struct wb_op *op, uint32_t number) {
  const char *target = text(op->target);
  long mount;
  if (op->layer)
    mount = layer_mount(op);
  else
    mount =
        scratch_mount(scratch_directory(WB_PRIVATE_NAME, number, op->mode, WB_STEP_PRIVATE, target),
                      WB_STEP_PRIVATE, target);
  attach(mount, target, 1, WB_STEP_PRIVATE);
  if (op->layer)
    points_also_in(mount);
  sys1(__NR_close, mount);
}

void op_hide(const struct wb_op *op) {
  static int made[2];
  const char *target = text(op->target);
  int directory = !!(op->flags & WB_OP_IS_DIRECTORY);
  const char *name = directory ? "hidden-directory" : "hidden-file";
  if (!made[directory]) {
    check(directory ? sys3(__NR_mkdirat, tree.scratch, name, 0)
                    : sys4(__NR_mknodat, tree.scratch, name, S_IFREG, 0),
          WB_STEP_HIDE, target);
    made[directory] = 1;
  }
  long mount = scratch_mount(name, WB_STEP_HIDE, target);
  set_attributes(mount, HARDENED | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, 0, WB_STEP_HIDE, target);
  attach(mount, target, directory, WB_STEP_HIDE);
  sys1(__NR_close, mount);
}
