/*
 * Root's part of a launch. Called by launch.c when wasbox itself runs as root: the payload gets a
 * range of ids that nothing else on the host uses, and sees root's files through mounts that are
 * mapped to it, so that it can use them without being root anywhere. mount_setattr(2), ID-mapped
 * mounts (Linux 5.12, as overlayfs layers 5.19).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../sys/openat2_libc.h"
#include "../plan_check.h"
#include "message.h"
#include "pin.h"
#include "supervisor.h"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static int open_proc(const struct wb_run *run, struct wb_failure *failure) {
  int fd = wb_process_open((uint32_t)run->pid); /* not reaped yet: the number is init's own */
  struct statfs info;
  if (fd < 0 || fstatfs(fd, &info) < 0)
    return wb_fail(failure, WB_STEP_ID_MAPS, errno, "/proc");
  if (info.f_type != PROC_SUPER_MAGIC) {
    close(fd);
    return wb_fail(failure, WB_STEP_ID_MAPS, EOPNOTSUPP, "/proc");
  }
  return fd;
}

static int write_file(int directory, const char *name, const char *text,
                      struct wb_failure *failure) {
  int fd = openat(directory, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  ssize_t length = (ssize_t)strlen(text);
  if (fd < 0 || write(fd, text, (size_t)length) != length) {
    int error = errno;
    if (fd >= 0)
      close(fd);
    return wb_fail(failure, WB_STEP_ID_MAPS, error, name);
  }
  close(fd);
  return 0;
}

#define MAP_LINE 36

/* The kernel takes a map in one write(2) of less than a page. */
static int write_map(int proc, const char *name, const struct wb_id_range *ranges, uint32_t count,
                     struct wb_failure *failure) {
  char map[WB_ID_RANGES_MAX * MAP_LINE];
  int length = 0;
  for (uint32_t i = 0; i < count; i++)
    length += snprintf(map + length, sizeof map - (size_t)length, "%u %u %u\n", ranges[i].inside,
                       ranges[i].outside, ranges[i].count);
  return write_file(proc, name, map, failure);
}

static int write_maps(int proc, const struct wb_plan *plan, struct wb_failure *failure) {
  if (write_file(proc, "setgroups", "deny", failure) < 0 ||
      write_map(proc, "uid_map", wb_plan_ids(plan, plan->uid_ranges), plan->uid_range_count,
                failure) < 0)
    return -1;
  return write_map(proc, "gid_map", wb_plan_ids(plan, plan->gid_ranges), plan->gid_range_count,
                   failure);
}

/* A detached mount of a host path, mapped to the user namespace unless that is -1. */
static int detached_mount(const char *path, int userns, struct wb_failure *failure) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                         .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  int fd = wb_openat2(AT_FDCWD, path, &how);
  if (fd < 0)
    return wb_fail(failure, WB_STEP_IDMAP_MOUNT, errno, path);
  int mount = (int)syscall(SYS_open_tree, fd, "",
                           AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
  int error = errno;
  close(fd);
  if (mount < 0)
    return wb_fail(failure, WB_STEP_IDMAP_MOUNT, error, path);
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
  if (userns >= 0) {
    attr.attr_set |= MOUNT_ATTR_IDMAP;
    attr.userns_fd = (uint64_t)userns;
  }
  if (syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) < 0) {
    error = errno;
    close(mount);
    return wb_fail(failure, WB_STEP_IDMAP_MOUNT, error, path);
  }
  return mount;
}

struct grant {
  const struct wb_plan *plan;
  const char *directory; /* the run's */
  int userns;
  int fds[WB_MOUNT_FDS_MAX];
  uint32_t count;
};

static int collect_path(struct grant *grant, const struct wb_op *op, const char *path,
                        struct wb_failure *failure) {
  if (grant->count == WB_MOUNT_FDS_MAX)
    return wb_fail(failure, WB_STEP_IDMAP_MOUNT, E2BIG, path);
  const int fd = detached_mount(path, (op->flags & WB_OP_IDMAP) ? grant->userns : -1, failure);
  if (fd < 0)
    return -1;
  grant->fds[grant->count++] = fd;
  return 0;
}

static int collect(struct grant *grant, const struct wb_op *op, uint32_t source,
                   struct wb_failure *failure) {
  return collect_path(grant, op, wb_plan_at(grant->plan, source), failure);
}

/* An overlay has the whole layer; a private place is the layer's `upper`. */
static int collect_layer(struct grant *grant, const struct wb_op *op, struct wb_failure *failure) {
  char path[2 * WB_PATH_MAX + 8];
  snprintf(path, sizeof path, "%s/%s%s", grant->directory, wb_plan_at(grant->plan, op->layer),
           op->kind == WB_OP_OVERLAY ? "" : "/upper");
  return collect_path(grant, op, path, failure);
}

/* The mounts that init expects, in the order in which its operations ask for them. */
static int collect_mounts(struct grant *grant, struct wb_failure *failure) {
  const struct wb_op *ops = wb_plan_ops(grant->plan);
  for (uint32_t i = 0; i < grant->plan->op_count; i++) {
    const struct wb_op *op = &ops[i];
    if (!(op->flags & WB_OP_HANDED_OVER))
      continue;
    if (op->source && collect(grant, op, op->source, failure) < 0)
      return -1;
    for (uint32_t l = 0; l < op->lower_count; l++)
      if (collect(grant, op, wb_plan_lowers(grant->plan, op)[l].path, failure) < 0)
        return -1;
    if (op->layer && collect_layer(grant, op, failure) < 0)
      return -1;
  }
  return 0;
}

static int send_go(const struct wb_run *run, const struct grant *grant,
                   struct wb_failure *failure) {
  const struct wb_command command = {.kind = WB_COMMAND_GO, .value = grant->count};
  const int error =
      wb_message_send(run->control, &command, sizeof command, grant->fds, grant->count, 0);
  if (error)
    return wb_fail(failure, WB_STEP_CONTROL, error, NULL);
  return 0;
}

int wb_grant(const struct wb_run *run, const struct wb_request *request,
             struct wb_failure *failure) {
  const struct wb_plan *plan = request->plan;
  const char *directory = request->directory ? request->directory : "";
  struct grant grant = {.plan = plan, .directory = directory, .userns = -1};
  int ret = -1;
  int proc = open_proc(run, failure);
  if (proc < 0)
    return -1;
  if (write_maps(proc, plan, failure) == 0) {
    grant.userns = openat(proc, "ns/user", O_RDONLY | O_CLOEXEC);
    if (grant.userns < 0)
      wb_fail(failure, WB_STEP_ID_MAPS, errno, "ns/user");
    else if (collect_mounts(&grant, failure) == 0)
      ret = send_go(run, &grant, failure);
  }
  for (uint32_t i = 0; i < grant.count; i++)
    close(grant.fds[i]);
  if (grant.userns >= 0)
    close(grant.userns);
  close(proc);
  return ret;
}

/* Returns whether uid 0 here is uid 0 of the whole machine: then no request may name a payload of
 * that id.
 */
int wb_is_real_root(void) {
  char map[128];
  int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 1;
  ssize_t n = read(fd, map, sizeof map - 1);
  close(fd);
  if (n <= 0)
    return 1;
  map[n] = 0;
  unsigned inside, outside;
  return sscanf(map, "%u %u", &inside, &outside) != 2 || (inside == 0 && outside == 0);
}
