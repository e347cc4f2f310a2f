/*
 * Views that are copy-on-write, or show several directories as one: overlayfs. Called by tree.c.
 *
 * mount(2), because a value of fsconfig(2) has room for some fifteen lower directories, and a key
 * that adds one at a time is there since Linux 6.5 only. Directories are named by descriptor, which
 * also keeps host paths out of the payload's mountinfo.
 */
#include <linux/errno.h>
#include <linux/mount.h>

#include "tree.h"

/* The kernel reads a page of options. A directory takes 20 bytes: "/proc/self/fd/", a number of a
 * descriptor, a colon. */
#define OPTIONS_MAX 4096
_Static_assert((WB_LOWERS_MAX + 4) * 30 < OPTIONS_MAX, "the options of an overlay fit a page");

static size_t put(char *out, size_t at, const char *string) {
  const size_t length = str_len(string);
  memcpy(out + at, string, length + 1);
  return at + length;
}

static size_t put_fd(char *out, size_t at, long fd) {
  at = put(out, at, "/proc/self/fd/");
  return at + format_number(out + at, (uint64_t)fd);
}

/* overlayfs takes directories by path, which must belong to this mount namespace: a handed-over
 * mount is attached in scratch for as long as that takes. */
static long open_directory(const struct wb_op *op, const char *path) {
  if (!(op->flags & WB_OP_HANDED_OVER))
    return check(open_strict(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0), WB_STEP_OVERLAY, path);
  const long fd = next_handed_over(WB_STEP_OVERLAY, path);
  const char *name = scratch_directory("l", tree.layer_count++, 0700, WB_STEP_OVERLAY, path);
  check(sys5(__NR_move_mount, fd, "", tree.scratch, name, MOVE_MOUNT_F_EMPTY_PATH), WB_STEP_OVERLAY,
        path);
  return fd;
}

/* Where the upper layer cannot have the attributes of `userxattr`, overlayfs is mounted all the
 * same, and no directory of the lower layer can be removed: EIO. Such is tmpfs before Linux 6.6. */
static void require_attributes(long layer, const char *path) {
  char upper[48];
  put(upper, put_fd(upper, 0, layer), "/upper");
  const long ret = sys4(__NR_getxattr, upper, "user.overlay.opaque", 0, 0);
  if (ret != -ENODATA)
    check(ret, WB_STEP_OVERLAY, path);
}

/* The overlay holds clones of its own; those handed over would only be in the way. */
static void let_go(const struct wb_op *op, long fd, const char *path) {
  char name[40];
  if (op->flags & WB_OP_HANDED_OVER) {
    put_fd(name, 0, fd);
    check(sys2(__NR_umount2, name, MNT_DETACH), WB_STEP_OVERLAY, path);
  }
  sys1(__NR_close, fd);
}

/* Makes `upper` and `work` in scratch. overlayfs shows the mode of `upper` as the mode of the whole
 * tree, so it gets the mode of `topmost` (-1: none), as in a layer on disk. */
static long memory_layer(const struct wb_op *op, long topmost) {
  const char *path = text(op->source);
  const char prefix[] = {WB_MEMORY_NAME, 0};
  const uint32_t number = (uint32_t)(op - wb_plan_ops(tree.plan));
  const char *name = scratch_directory(prefix, number, 0700, WB_STEP_OVERLAY, path);
  const long layer =
      check(open_strict(tree.scratch, name, O_PATH | O_DIRECTORY, 0), WB_STEP_OVERLAY, path);
  struct statx info;
  check(sys3(__NR_mkdirat, layer, "upper", 0755), WB_STEP_OVERLAY, path);
  check(sys3(__NR_mkdirat, layer, "work", 0700), WB_STEP_OVERLAY, path);
  if (topmost >= 0) {
    check(stat_fd(topmost, &info), WB_STEP_OVERLAY, path);
    check(sys3(__NR_fchmodat, layer, "upper", info.stx_mode & 07777), WB_STEP_OVERLAY, path);
  }
  return layer;
}

long mount_overlay(const struct wb_op *op, const char *name, long points) {
  static char options[OPTIONS_MAX];
  static int lowers[WB_LOWERS_MAX];
  const char *source = text(op->source);
  const struct wb_lower *below = wb_plan_lowers(tree.plan, op);
  const long topmost = open_directory(op, source);
  check_source(op, topmost, WB_STEP_OVERLAY);
  size_t at = put(options, 0, "userxattr,lowerdir=");
  if (points >= 0)
    at = put(options, put_fd(options, at, points), ":");
  at = put_fd(options, at, topmost);
  for (uint32_t i = 0; i < op->lower_count; i++) {
    lowers[i] = (int)open_directory(op, text(below[i].path));
    check_lower(&below[i], lowers[i], WB_STEP_OVERLAY);
    at = put_fd(options, put(options, at, ":"), lowers[i]);
  }
  const int in_memory = !!(op->flags & WB_OP_IN_MEMORY);
  long layer = -1;
  if (op->layer || in_memory) {
    const char *path = in_memory ? source : layer_path(op, "");
    layer = in_memory ? memory_layer(op, op->layer ? topmost : -1) : open_directory(op, path);
    require_attributes(layer, path);
    at = put_fd(options, put(options, at, ",upperdir="), layer);
    at = put_fd(options, put(options, put(options, at, "/upper"), ",workdir="), layer);
    put(options, at, "/work");
  }
  char target[64];
  put(target, put(target, put_fd(target, 0, tree.scratch), "/"), name);
  const long flags = MS_NOSUID | MS_NODEV | (layer >= 0 ? 0 : MS_RDONLY);
  check(sys5(__NR_mount, "wasbox", target, "overlay", flags, options), WB_STEP_OVERLAY, source);
  const long mount =
      check(open_strict(tree.scratch, name, O_PATH | O_DIRECTORY, 0), WB_STEP_OVERLAY, source);
  let_go(op, topmost, source);
  for (uint32_t i = 0; i < op->lower_count; i++)
    let_go(op, lowers[i], source);
  if (in_memory)
    sys1(__NR_close, layer);
  else if (layer >= 0)
    let_go(op, layer, source);
  return mount;
}

void op_overlay(const struct wb_op *op, uint32_t number) {
  const char *target = text(op->target);
  char name[24];
  put(name, 0, scratch_directory("o", number, 0700, WB_STEP_OVERLAY, target));
  const long mount = mount_overlay(op, name, -1);
  attach(mount, target, 1, WB_STEP_OVERLAY);
  if (op->flags & WB_OP_HOME) /* of a session that has frozen what was in it */
    points_also_in(mount);
  sys1(__NR_close, mount);
}
