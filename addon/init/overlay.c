/*
 * Views that are copy-on-write: overlayfs. Called by tree.c.
 */
#include <linux/errno.h>

#include "tree.h"

/* "/proc/self/fd/N": names a directory by descriptor to mount(8)-style options, and keeps host
 * paths out of the payload's mountinfo. */
static void fd_path(char out[40], const char *suffix, long fd) {
  static const char prefix[] = "/proc/self/fd/";
  memcpy(out, prefix, sizeof prefix - 1);
  size_t n = sizeof prefix - 1;
  n += format_number(out + n, (uint64_t)fd);
  memcpy(out + n, suffix, str_len(suffix) + 1);
}

/* overlayfs takes layers by path, which must belong to this mount namespace: a handed-over mount
 * is attached in scratch for as long as that takes. */
static long layer_directory(const struct wb_op *op, const char *path, int check_source) {
  long fd;
  if (op->flags & WB_OP_HANDED_OVER) {
    fd = next_handed_over(WB_STEP_OVERLAY, path);
    const char *name = scratch_directory("l", tree.layer_count++, 0700, WB_STEP_OVERLAY, path);
    check(sys5(__NR_move_mount, fd, "", tree.scratch, name, MOVE_MOUNT_F_EMPTY_PATH),
          WB_STEP_OVERLAY, path);
  } else {
    fd = check(open_strict(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0), WB_STEP_OVERLAY, path);
  }
  if (check_source)
    check_identity(op, fd, WB_STEP_OVERLAY);
  return fd;
}

static void set_option(long context, const char *key, const char *value, const char *path) {
  check(
      sys5(__NR_fsconfig, context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0),
      WB_STEP_OVERLAY, path);
}

/* Where the upper layer cannot have the attributes of `userxattr`, overlayfs is mounted all the
 * same, and no directory of the lower layer can be removed: EIO. Such is tmpfs before Linux 6.6. */
static void require_attributes(const char *upper, const char *layer) {
  long ret = sys4(__NR_getxattr, upper, "user.overlay.opaque", 0, 0);
  if (ret != -ENODATA)
    check(ret, WB_STEP_OVERLAY, layer);
}

void op_overlay(const struct wb_op *op) {
  const char *source = text(op->source);
  char lower[40], upper[40], work[40];
  long lower_fd = layer_directory(op, source, 1);
  long layer_fd = layer_directory(op, text(op->layer), 0);
  fd_path(lower, "", lower_fd);
  fd_path(upper, "/upper", layer_fd);
  fd_path(work, "/work", layer_fd);
  require_attributes(upper, text(op->layer));
  long context = check(sys2(__NR_fsopen, "overlay", FSOPEN_CLOEXEC), WB_STEP_OVERLAY, source);
  set_option(context, "source", "wasbox", source);
  set_option(context, "lowerdir", lower, source);
  set_option(context, "upperdir", upper, source);
  set_option(context, "workdir", work, source);
  set_option(context, "userxattr", NULL, source);
  check(sys5(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0), WB_STEP_OVERLAY, source);
  long mount =
      check(sys3(__NR_fsmount, context, FSMOUNT_CLOEXEC, HARDENED), WB_STEP_OVERLAY, source);
  attach(mount, text(op->target), 1, WB_STEP_OVERLAY);
  sys1(__NR_close, mount);
  sys1(__NR_close, context);
  if (op->flags & WB_OP_HANDED_OVER) {
    /* The overlay holds clones of its own; these would only be in the way. */
    check(sys2(__NR_umount2, lower, MNT_DETACH), WB_STEP_OVERLAY, source);
    fd_path(upper, "", layer_fd);
    check(sys2(__NR_umount2, upper, MNT_DETACH), WB_STEP_OVERLAY, source);
  }
  sys1(__NR_close, lower_fd);
  sys1(__NR_close, layer_fd);
}
