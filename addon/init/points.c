/*
 * Where mounts and entries go in the new tree. Called by tree.c, scratch.c and the files of the
 * operations. Targets are looked up strictly and by descriptor; what is missing is made, in scratch
 * and in a private place that is kept, and nowhere else. No other process is in the tree yet, so a
 * name leads to what was just made there.
 *
 * A plan's targets come in the order of the tree, so the last one's directory stays open for the
 * next.
 */
#include <linux/errno.h>
#include <linux/mount.h>

#include "tree.h"

static struct {
  int root;
  uint64_t scratch_dev;
  uint64_t also; /* id of another mount in which points are made, or 0 */
  size_t length; /* of open_path */
  long fd;       /* -1: none */
  int in_scratch;
} points = {.fd = -1};
/* The path of the open directory, without the leading slash; "" is the root. */
static char open_path[WB_PATH_MAX];

static long stat_mount(long fd, struct statx *info) {
  return sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, info);
}

static int in_scratch(long fd, const char *target) {
  struct statx info;
  check(stat_mount(fd, &info), WB_STEP_MOUNT_POINT, target);
  return device_number(info.stx_dev_major, info.stx_dev_minor) == points.scratch_dev ||
         (points.also && info.stx_mnt_id == points.also);
}

void points_also_in(long mount) {
  struct statx info;
  check(stat_mount(mount, &info), WB_STEP_MOUNT_POINT, NULL);
  points.also = info.stx_mnt_id;
}

static void forget_parent(void) {
  if (points.fd >= 0 && points.fd != points.root)
    sys1(__NR_close, points.fd);
  points.fd = -1;
}

void begin_points(int root) {
  struct statx info;
  check(stat_fd(tree.scratch, &info), WB_STEP_SCRATCH, NULL);
  points.root = root;
  points.scratch_dev = device_number(info.stx_dev_major, info.stx_dev_minor);
}

void end_points(void) {
  forget_parent();
}

static int starts_with(const char *path, size_t length, const char *start, size_t start_length) {
  if (length < start_length)
    return 0;
  for (size_t i = 0; i < start_length; i++)
    if (path[i] != start[i])
      return 0;
  return 1;
}

/* Walks part by part and makes what is missing. Sets points.in_scratch. */
static long make_path(char *path, const char *target) {
  long fd = points.root;
  int fresh = 0;
  for (char *part = path;;) {
    char *end = part;
    while (*end && *end != '/')
      end++;
    char separator = *end;
    *end = 0;
    /* Nothing is in a directory that was just made. */
    long next = fresh ? -ENOENT : open_strict((int)fd, part, O_PATH | O_DIRECTORY, RESOLVE_BENEATH);
    if (next == -ENOENT) {
      if (!fresh && !in_scratch(fd, target))
        die(WB_STEP_MOUNT_POINT, ENOENT, target);
      fresh = 1;
      check(sys3(__NR_mkdirat, fd, part, 0755), WB_STEP_MOUNT_POINT, target);
      next = open_strict((int)fd, part, O_PATH | O_DIRECTORY, RESOLVE_BENEATH);
    }
    check(next, WB_STEP_MOUNT_POINT, target);
    if (fd != points.root)
      sys1(__NR_close, fd);
    fd = next;
    *end = separator;
    if (!separator)
      break;
    part = end + 1;
  }
  points.in_scratch = fresh || in_scratch(fd, target);
  return fd;
}

static long open_parent(const char *target, const char **name) {
  size_t length = str_len(target), slash = 0;
  if (length >= WB_PATH_MAX)
    die(WB_STEP_MOUNT_POINT, ENAMETOOLONG, target);
  for (size_t i = 0; i < length; i++)
    if (target[i] == '/')
      slash = i;
  *name = target + slash + 1;
  const size_t parent = slash > 0 ? slash - 1 : 0;
  if (points.fd >= 0 && points.length == parent &&
      starts_with(target + 1, parent, open_path, parent))
    return points.fd;
  forget_parent();
  memcpy(open_path, target + 1, parent);
  open_path[parent] = 0;
  points.length = parent;
  long fd = points.root;
  if (parent > 0)
    fd = open_strict(points.root, open_path, O_PATH | O_DIRECTORY, RESOLVE_BENEATH);
  if (fd == -ENOENT) {
    fd = make_path(open_path, target);
  } else {
    check(fd, WB_STEP_MOUNT_POINT, target);
    points.in_scratch = in_scratch(fd, target);
  }
  points.fd = fd;
  return fd;
}

long scratch_parent(const char *target, const char **name) {
  long fd = open_parent(target, name);
  if (!points.in_scratch)
    die(WB_STEP_MOUNT_POINT, ENOENT, target);
  return fd;
}

static long make(long parent, const char *name, int directory) {
  return directory ? sys3(__NR_mkdirat, parent, name, 0755)
                   : sys4(__NR_mknodat, parent, name, S_IFREG | 0444, 0);
}

void make_point(const char *target, int directory) {
  const char *name;
  const long parent = scratch_parent(target, &name);
  const long made = make(parent, name, directory);
  if (made != -EEXIST)
    check(made, WB_STEP_MOUNT_POINT, target);
}

void attach(long mount, const char *target, int directory, uint32_t step) {
  const char *name;
  long parent = open_parent(target, &name);
  long made = points.in_scratch ? make(parent, name, directory) : -EEXIST;
  if (made != -EEXIST) {
    check(made, WB_STEP_MOUNT_POINT, target);
    check(sys5(__NR_move_mount, mount, "", parent, name, MOVE_MOUNT_F_EMPTY_PATH), step, target);
  } else {
    long point =
        check(open_strict((int)parent, name, O_PATH, RESOLVE_BENEATH), WB_STEP_MOUNT_POINT, target);
    check(sys5(__NR_move_mount, mount, "", point, "",
               MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
          step, target);
    sys1(__NR_close, point);
  }
  /* The open directory may be covered now. */
  const size_t length = str_len(target) - 1;
  if (starts_with(open_path, points.length, target + 1, length) &&
      (points.length == length || open_path[length] == '/'))
    forget_parent();
}
