/*
 * The file tree, from the plan's operations. Called by main.c.
 *
 * One private tmpfs ("scratch") is stacked on the old root, where path look-ups that start at "/"
 * do not see it. In it, `root` becomes the sandbox's root, and numbered directories become the
 * private places (home, /tmp …), so that one size limit holds for all of them. Host sources are
 * opened in the old tree, targets in the new one, both with openat2(2) and by descriptor; mount
 * points are made in scratch only, so nothing ever appears on the host.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/stat.h>

#include "tree.h"

#define MNT_DETACH 2
#define AT_RECURSIVE_ 0x8000

#define HARDENED (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
/* What mkdirat(2) takes of a mode. */
#define MKDIR_BITS 01777u

struct tree {
  const struct wb_plan *plan;
  int scratch; /* the tmpfs, attached */
  int root;    /* the sandbox's root directory inside it, attached to itself */
  uint32_t layer_count;
  const int *handed_over;
  uint32_t handed_over_count, handed_over_next;
};

static struct tree tree;
/* /proc, once it is attached; 0 before. */
static int proc_mount;

static const char *text(uint32_t offset) {
  return wb_plan_at(tree.plan, offset);
}

static void set_attributes(long mount, uint64_t attributes, int recursive, uint32_t step,
                           const char *path) {
  struct mount_attr attr = {.attr_set = attributes};
  check(sys5(__NR_mount_setattr, mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE_ : 0), &attr,
             sizeof attr),
        step, path);
}

static long next_handed_over(uint32_t step, const char *path) {
  if (tree.handed_over_next >= tree.handed_over_count)
    die(step, EPROTO, path);
  return tree.handed_over[tree.handed_over_next++];
}

static void check_identity(const struct wb_op *op, long fd, uint32_t step) {
  struct statx info;
  const char *path = text(op->source);
  check(stat_fd(fd, &info), step, path);
  int is_directory = (info.stx_mode & S_IFMT) == S_IFDIR;
  if (is_directory != !!(op->flags & WB_OP_IS_DIRECTORY))
    die(step, is_directory ? EISDIR : ENOTDIR, path);
  if ((op->flags & WB_OP_CHECK_IDENTITY) &&
      (device_number(info.stx_dev_major, info.stx_dev_minor) != op->device ||
       info.stx_ino != op->inode))
    die(step, ESTALE, path);
}

/* The host's source as a detached mount: handed over by a privileged supervisor, or cloned here. */
static long source_mount(const struct wb_op *op, uint32_t step) {
  const char *path = text(op->source);
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
  check_identity(op, mount, step);
  return mount;
}

static void op_bind(const struct wb_op *op) {
  long mount = source_mount(op, WB_STEP_BIND);
  uint64_t attributes = HARDENED;
  if (op->flags & WB_OP_READ_ONLY)
    attributes |= MOUNT_ATTR_RDONLY;
  set_attributes(mount, attributes, 1, WB_STEP_BIND, text(op->source));
  attach(mount, text(op->target), !!(op->flags & WB_OP_IS_DIRECTORY), WB_STEP_BIND);
  sys1(__NR_close, mount);
}

/* A directory of scratch as a mount of its own, hardened like scratch itself. */
static long scratch_mount(const char *name, uint32_t step, const char *path) {
  return check(sys3(__NR_open_tree, tree.scratch, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), step,
               path);
}

static const char *scratch_directory(const char *prefix, uint32_t number, uint32_t mode,
                                     uint32_t step, const char *path) {
  static char name[24];
  name[0] = prefix[0];
  format_number(name + 1, number);
  check(sys3(__NR_mkdirat, tree.scratch, name, mode & MKDIR_BITS), step, path);
  if (mode & ~MKDIR_BITS)
    check(sys3(__NR_fchmodat, tree.scratch, name, mode), step, path);
  return name;
}

static void op_private(const struct wb_op *op, uint32_t number) {
  const char *target = text(op->target);
  const char *name = scratch_directory(WB_PRIVATE_NAME, number, op->mode, WB_STEP_PRIVATE, target);
  long mount = scratch_mount(name, WB_STEP_PRIVATE, target);
  attach(mount, target, 1, WB_STEP_PRIVATE);
  sys1(__NR_close, mount);
}

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

static void op_overlay(const struct wb_op *op) {
  const char *source = text(op->source);
  char lower[40], upper[40], work[40];
  long lower_fd = layer_directory(op, source, 1);
  long layer_fd = layer_directory(op, text(op->layer), 0);
  fd_path(lower, "", lower_fd);
  fd_path(upper, "/upper", layer_fd);
  fd_path(work, "/work", layer_fd);
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

static void op_directory(const struct wb_op *op) {
  const char *target = text(op->target), *name;
  long parent = scratch_parent(target, &name);
  long ret = sys3(__NR_mkdirat, parent, name, op->mode & MKDIR_BITS);
  if (ret != -EEXIST)
    check(ret, WB_STEP_ENTRY, target);
  if (ret == -EEXIST || (op->mode & ~MKDIR_BITS))
    check(sys3(__NR_fchmodat, parent, name, op->mode), WB_STEP_ENTRY, target);
}

static void op_symlink(const struct wb_op *op) {
  const char *target = text(op->target), *name;
  long parent = scratch_parent(target, &name);
  check(sys3(__NR_symlinkat, text(op->source), parent, name), WB_STEP_ENTRY, target);
}

static void write_file(const struct wb_op *op, long parent, const char *name) {
  const char *target = text(op->target);
  long fd =
      check(sys4(__NR_openat, parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, op->mode),
            WB_STEP_ENTRY, target);
  const char *bytes = text(op->data);
  for (uint32_t done = 0; done < op->data_size;) {
    long n = check(sys3(__NR_write, fd, bytes + done, op->data_size - done), WB_STEP_ENTRY, target);
    done += (uint32_t)n;
  }
  sys1(__NR_close, fd);
}

/* In place of a file that is there already: made beside the sandbox's root, and mounted. */
static void cover_file(const struct wb_op *op) {
  static uint32_t covers;
  const char *target = text(op->target);
  char name[32] = "cover-";
  format_number(name + 6, covers++);
  write_file(op, tree.scratch, name);
  long mount = scratch_mount(name, WB_STEP_ENTRY, target);
  set_attributes(mount, HARDENED | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, 0, WB_STEP_ENTRY, target);
  attach(mount, target, 0, WB_STEP_ENTRY);
  sys1(__NR_close, mount);
}

static void op_file(const struct wb_op *op) {
  if (op->flags & WB_OP_COVER) {
    cover_file(op);
    return;
  }
  const char *target = text(op->target), *name;
  long parent = scratch_parent(target, &name);
  write_file(op, parent, name);
}

static void op_hide(const struct wb_op *op) {
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

static void op_proc(const struct wb_op *op) {
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
  announce(&proc_mount, (int)mount);
}

/* mq_overview(7). The kernel has made this file system with the namespace: it is found, not made.
 */
static void op_mqueue(const struct wb_op *op) {
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
  const struct wb_op *op = (const struct wb_op *)(const void *)wb_plan_at(plan, plan->ops);
  for (uint32_t left = plan->op_count; left > 0; left--, op++) {
    if (op->kind != WB_OP_PROC || op->data_size == 0)
      continue;
    await(&proc_mount);
    const char *names = wb_plan_at(plan, op->data);
    for (uint32_t at = 0; at < op->data_size; at += (uint32_t)str_len(names + at) + 1)
      seal(names + at);
  }
}

static void op_devpts(const struct wb_op *op) {
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
static void op_device(const struct wb_op *op) {
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

static void make_scratch(const struct wb_plan *plan) {
  char size[24], inodes[24];
  format_number(size, plan->scratch_bytes);
  format_number(inodes, plan->scratch_inodes);
  long context = check(sys2(__NR_fsopen, "tmpfs", FSOPEN_CLOEXEC), WB_STEP_SCRATCH, NULL);
  check(sys5(__NR_fsconfig, context, FSCONFIG_SET_STRING, "source", "wasbox", 0), WB_STEP_SCRATCH,
        NULL);
  check(sys5(__NR_fsconfig, context, FSCONFIG_SET_STRING, "size", size, 0), WB_STEP_SCRATCH, NULL);
  check(sys5(__NR_fsconfig, context, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0), WB_STEP_SCRATCH,
        NULL);
  check(sys5(__NR_fsconfig, context, FSCONFIG_SET_STRING, "mode", "0755", 0), WB_STEP_SCRATCH,
        NULL);
  check(sys5(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0), WB_STEP_SCRATCH, NULL);
  long mount = check(sys3(__NR_fsmount, context, FSMOUNT_CLOEXEC, HARDENED), WB_STEP_SCRATCH, NULL);
  sys1(__NR_close, context);
  check(sys5(__NR_move_mount, mount, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH), WB_STEP_SCRATCH,
        NULL);
  tree.scratch = (int)mount;
  check(sys3(__NR_mkdirat, mount, "root", 0755), WB_STEP_SCRATCH, NULL);
  long root = scratch_mount("root", WB_STEP_SCRATCH, NULL);
  check(sys5(__NR_move_mount, root, "", mount, "root", MOVE_MOUNT_F_EMPTY_PATH), WB_STEP_SCRATCH,
        NULL);
  tree.root = (int)root;
  begin_points(tree.root);
}

void build_tree(const struct wb_plan *plan, const int *handed_over, uint32_t handed_over_count) {
  tree.plan = plan;
  tree.handed_over = handed_over;
  tree.handed_over_count = handed_over_count;
  check(sys5(__NR_mount, 0, "/", 0, MS_REC | MS_PRIVATE, 0), WB_STEP_MOUNT_PROPAGATION, "/");
  make_scratch(plan);

  const struct wb_op *ops = (const struct wb_op *)(const void *)wb_plan_at(plan, plan->ops);
  for (uint32_t i = 0; i < plan->op_count; i++) {
    const struct wb_op *op = &ops[i];
    switch (op->kind) {
    case WB_OP_BIND:
      op_bind(op);
      break;
    case WB_OP_OVERLAY:
      op_overlay(op);
      break;
    case WB_OP_PRIVATE:
      op_private(op, i);
      break;
    case WB_OP_DIRECTORY:
      op_directory(op);
      break;
    case WB_OP_SYMLINK:
      op_symlink(op);
      break;
    case WB_OP_FILE:
      op_file(op);
      break;
    case WB_OP_HIDE:
      op_hide(op);
      break;
    case WB_OP_PROC:
      op_proc(op);
      break;
    case WB_OP_DEVPTS:
      op_devpts(op);
      break;
    case WB_OP_DEVICE:
      op_device(op);
      break;
    case WB_OP_MQUEUE:
      op_mqueue(op);
      break;
    default:
      die(WB_STEP_PLAN, EINVAL, text(op->target));
    }
  }
  end_points();
}

/*
 * pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one, where look-ups
 * that start at "/" do not see it, until leave_old_tree. Scratch, which was on top of the old root,
 * is moved below it before, so that it goes with it.
 */
void enter_tree(const struct wb_plan *plan) {
  if (plan->layers & WB_LAYER_READ_ONLY_ROOT)
    set_attributes(tree.root, HARDENED | MOUNT_ATTR_RDONLY, 0, WB_STEP_PIVOT_ROOT, "/");
  long below =
      check(open_strict(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY, 0), WB_STEP_PIVOT_ROOT, "/proc");
  check(sys5(__NR_move_mount, tree.scratch, "", below, "",
             MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
        WB_STEP_PIVOT_ROOT, "/proc");
  sys1(__NR_close, below);
  check(sys1(__NR_fchdir, tree.root), WB_STEP_PIVOT_ROOT, "/");
  check(sys2(__NR_pivot_root, ".", "."), WB_STEP_PIVOT_ROOT, "/");
  check(sys1(__NR_chdir, "/"), WB_STEP_PIVOT_ROOT, "/");
  sys1(__NR_close, tree.root);

  /* Opened strictly, entered by descriptor, and looked at from inside: a current directory that
   * getcwd(2) cannot name lies outside the tree (CVE-2024-21626). */
  const char *cwd = text(plan->cwd);
  long fd = check(open_strict(AT_FDCWD, cwd, O_PATH | O_DIRECTORY, 0), WB_STEP_WORKDIR, cwd);
  check(sys1(__NR_fchdir, fd), WB_STEP_WORKDIR, cwd);
  sys1(__NR_close, fd);
  static char seen[WB_PATH_MAX];
  check(sys2(__NR_getcwd, seen, sizeof seen), WB_STEP_WORKDIR, cwd);
  if (seen[0] != '/')
    die(WB_STEP_WORKDIR, EXDEV, cwd);
}

/* Left in place, the old root would show in /proc/self/mountinfo, and be in reach. umount2(2) waits
 * until every processor has noticed (an RCU grace period), which takes longer than building the
 * tree: once, and while the payload's process gets ready. "/" is here what is mounted on top. */
void leave_old_tree(void) {
  check(sys2(__NR_umount2, "/", MNT_DETACH), WB_STEP_PIVOT_ROOT, "/");
}

long scratch_descriptor(void) {
  return tree.scratch;
}
