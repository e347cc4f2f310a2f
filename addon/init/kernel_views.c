/*
 * Shows what the kernel makes up: /proc, message queues, terminals; and devices of the host.
 * Called by tree.c, and by child.c, which makes parts of /proc read-only.
 */
#include <linux/errno.h>

#include "tree.h"

/* /proc, once it is attached; 0 before. */
static int proc_mount;

/* A file system of the kernel's own, ready to be mounted: fsopen(2). `options` are keys, each with
 * its value behind it, up to a NULL. */
static long file_system(const char *type, const char *const *options, uint32_t step,
                        const char *path) {
  long context = check(sys2(__NR_fsopen, type, FSOPEN_CLOEXEC), step, path);
  check(sys5(__NR_fsconfig, context, FSCONFIG_SET_STRING, "source", "wasbox", 0), step, path);
  for (; *options; options += 2)
    check(sys5(__NR_fsconfig, context, FSCONFIG_SET_STRING, options[0], options[1], 0), step, path);
  check(sys5(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0), step, path);
  return context;
}

static void attach_new(long context, long mount, const char *target, uint32_t step) {
  sys1(__NR_close, context);
  attach(check(mount, step, target), target, 1, step);
  sys1(__NR_close, mount);
}

/* Covers a file of /proc with an unreadable one of the private tmpfs. */
static void hide(long proc, const char *name) {
  static const char cover[] = "hidden-proc";
  const long made = sys4(__NR_mknodat, tree.scratch, cover, S_IFREG, 0);
  if (made != -EEXIST)
    check(made, WB_STEP_SEAL, name);
  const long mount = scratch_mount(cover, WB_STEP_SEAL, name);
  set_attributes(mount, HARDENED | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY, 0, WB_STEP_SEAL, name);
  const long ret = sys5(__NR_move_mount, mount, "", proc, name, MOVE_MOUNT_F_EMPTY_PATH);
  if (ret != -ENOENT) /* a kernel without it */
    check(ret, WB_STEP_SEAL, name);
  sys1(__NR_close, mount);
}

void op_proc(const struct wb_op *op) {
  const char *target = text(op->target);
  const uint64_t attributes = HARDENED | MOUNT_ATTR_NOEXEC;
  const char *const options[] = {NULL};
  long context = file_system("proc", options, WB_STEP_PROC, target);
  /* Processes write to files of their own there; what else can be written to is sealed (seal_proc).
   * In a container whose /proc is read-only the kernel makes no other: mount_too_revealing(). */
  long mount = sys3(__NR_fsmount, context, FSMOUNT_CLOEXEC, attributes);
  if (mount == -EPERM)
    mount = sys3(__NR_fsmount, context, FSMOUNT_CLOEXEC, attributes | MOUNT_ATTR_RDONLY);
  sys1(__NR_close, context);
  attach(check(mount, WB_STEP_PROC, target), target, 1, WB_STEP_PROC);
  /* Here, and not in seal_proc: the private tmpfs goes with the old root, without waiting. */
  const char *names = text(op->data);
  for (uint32_t at = 0; at < op->data_size; at += (uint32_t)str_len(names + at) + 1)
    if (names[at] == WB_PROC_HIDDEN)
      hide(mount, names + at + 1);
  announce(&proc_mount, (int)mount);
}

/* mq_overview(7). The kernel has made this file system with the namespace: it is found, not made.
 */
void op_mqueue(const struct wb_op *op) {
  const char *target = text(op->target), *name;
  long context = sys2(__NR_fsopen, "mqueue", FSOPEN_CLOEXEC);
  if (context == -ENODEV) {
    long parent = scratch_parent(target, &name);
    check(sys3(__NR_mkdirat, parent, name, 0755), WB_STEP_MQUEUE, target);
    return;
  }
  check(context, WB_STEP_MQUEUE, target);
  check(sys5(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0), WB_STEP_MQUEUE, target);
  long mount = sys3(__NR_fsmount, context, FSMOUNT_CLOEXEC, HARDENED | MOUNT_ATTR_NOEXEC);
  attach_new(context, mount, target, WB_STEP_MQUEUE);
}

static void seal(const char *name) {
  long mount = sys3(__NR_open_tree, proc_mount, name,
                    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
  if (mount == -ENOENT)
    return;
  check(mount, WB_STEP_SEAL, name);
  set_attributes(mount, HARDENED | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY, 0, WB_STEP_SEAL, name);
  check(sys5(__NR_move_mount, mount, "", proc_mount, name, MOVE_MOUNT_F_EMPTY_PATH), WB_STEP_SEAL,
        name);
  sys1(__NR_close, mount);
}

/* The payload's process does this while init builds the rest of the tree: a mount for each takes as
 * long as some of that. */
void seal_proc(const struct wb_plan *plan) {
  const struct wb_op *op = wb_plan_ops(plan);
  for (uint32_t left = plan->op_count; left > 0; left--, op++) {
    if (op->kind != WB_OP_PROC || op->data_size == 0)
      continue;
    await(&proc_mount);
    const char *names = wb_plan_at(plan, op->data);
    for (uint32_t at = 0; at < op->data_size; at += (uint32_t)str_len(names + at) + 1)
      if (names[at] != WB_PROC_HIDDEN)
        seal(names + at);
  }
}

void op_devpts(const struct wb_op *op) {
  const char *target = text(op->target);
  /* Terminals are counted for the whole machine, 3072 for all but the first devpts. pty_limit of
   * fs/devpts/inode.c */
  const char *const options[] = {"ptmxmode", "0666", "max", "256", NULL};
  long context = file_system("devpts", options, WB_STEP_DEVPTS, target);
  long mount = sys3(__NR_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  attach_new(context, mount, target, WB_STEP_DEVPTS);
  /* /dev/ptmx must be this instance's; the kernel finds it by the name beside "pts". */
  const char *name;
  long parent = scratch_parent(target, &name);
  check(sys3(__NR_symlinkat, "pts/ptmx", parent, "ptmx"), WB_STEP_DEVPTS, target);
}

/* A host device counts only if it is that character device (CVE-2025-31133). */
void op_device(const struct wb_op *op) {
  const char *source = text(op->source);
  long fd = check(open_strict(AT_FDCWD, source, O_PATH, 0), WB_STEP_DEVICE, source);
  struct statx info;
  check(stat_fd(fd, &info), WB_STEP_DEVICE, source);
  if ((info.stx_mode & S_IFMT) != S_IFCHR ||
      device_number(info.stx_rdev_major, info.stx_rdev_minor) != op->device)
    die(WB_STEP_DEVICE, ENODEV, source);
  long mount =
      check(sys3(__NR_open_tree, fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
            WB_STEP_DEVICE, source);
  set_attributes(mount, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, WB_STEP_DEVICE, source);
  attach(mount, text(op->target), 0, WB_STEP_DEVICE);
  sys1(__NR_close, mount);
  sys1(__NR_close, fd);
}
