/*
 * The file tree, from the plan's operations. Called by main.c.
 *
 * Host sources are opened in the old tree, targets in the new one, both with openat2(2) and by
 * descriptor; mount points are made in scratch only, so nothing ever appears on the host.
 */
#include <linux/errno.h>
#include <linux/sched.h>

#include "tree.h"

/* Returns whether the operation shows a directory; if not, a file. Entries are made where they
 * go. */
static int needs_point(const struct wb_op *op, int *directory) {
  *directory = op->kind != WB_OP_DEVICE && op->kind != WB_OP_FILE;
  if (op->kind == WB_OP_BIND || op->kind == WB_OP_HIDE)
    *directory = !!(op->flags & WB_OP_IS_DIRECTORY);
  return op->kind == WB_OP_FILE ? op->flags & WB_OP_COVER
                                : op->kind != WB_OP_DIRECTORY && op->kind != WB_OP_SYMLINK;
}

/* Returns whether an earlier operation shows a private place at or around the target: its mount
 * points are made there. */
static int in_private_place(const struct wb_plan *plan, uint32_t index) {
  const char *target = text(wb_plan_ops(plan)[index].target);
  for (uint32_t i = 1; i < index; i++) {
    const struct wb_op *op = &wb_plan_ops(plan)[i];
    if (op->kind != WB_OP_PRIVATE || op->layer)
      continue;
    const char *place = text(op->target);
    const size_t length = str_len(place);
    size_t same = 0;
    while (same < length && place[same] == target[same])
      same++;
    if (same == length && target[length] == '/')
      return 1;
  }
  return 0;
}

/* Mount points for all that lies below the root: a directory of scratch that becomes the topmost of
 * the root's. So each is there whatever the root's own directories hold or hide at that place, and
 * no link of theirs is on the way to it. */
static long make_points(const struct wb_plan *plan) {
  check(sys3(__NR_mkdirat, tree.scratch, "points", 0755), WB_STEP_SCRATCH, NULL);
  const long points =
      check(open_strict(tree.scratch, "points", O_PATH | O_DIRECTORY, 0), WB_STEP_SCRATCH, NULL);
  begin_points((int)points);
  for (uint32_t i = 1; i < plan->op_count; i++) {
    int directory;
    if (needs_point(&wb_plan_ops(plan)[i], &directory) && !in_private_place(plan, i))
      make_point(text(wb_plan_ops(plan)[i].target), directory);
  }
  end_points();
  return points;
}

/* Makes the sandbox's root, and attaches it in scratch: an empty directory there, or the plan's
 * first operation. Returns how many operations that was. */
static uint32_t make_root(const struct wb_plan *plan) {
  const struct wb_op *op = wb_plan_ops(plan);
  const uint32_t viewed = plan->op_count > 0 && wb_op_is_root(plan, op);
  check(sys3(__NR_mkdirat, tree.scratch, "root", 0755), WB_STEP_SCRATCH, NULL);
  if (viewed && op->kind == WB_OP_OVERLAY) {
    const long points = make_points(plan);
    tree.root = (int)mount_overlay(op, "root", points);
    sys1(__NR_close, points);
  } else {
    tree.root = (int)(viewed ? mount_bind(op) : scratch_mount("root", WB_STEP_SCRATCH, NULL));
    check(sys5(__NR_move_mount, tree.root, "", tree.scratch, "root", MOVE_MOUNT_F_EMPTY_PATH),
          WB_STEP_SCRATCH, NULL);
  }
  begin_points(tree.root);
  return viewed;
}

void build_tree(const struct wb_plan *plan, const char *directory, const int *handed_over,
                uint32_t handed_over_count) {
  tree.plan = plan;
  tree.directory = directory;
  tree.handed_over = handed_over;
  tree.handed_over_count = handed_over_count;
  check(sys5(__NR_mount, 0, "/", 0, MS_REC | MS_PRIVATE, 0), WB_STEP_MOUNT_PROPAGATION, "/");
  make_scratch();
  const struct wb_op *ops = wb_plan_ops(plan);
  for (uint32_t i = make_root(plan); i < plan->op_count; i++) {
    const struct wb_op *op = &ops[i];
    switch (op->kind) {
    case WB_OP_BIND:
      op_bind(op);
      break;
    case WB_OP_OVERLAY:
      op_overlay(op, i);
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
static void pivot(const struct wb_plan *plan) {
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
}

void enter_tree(const struct wb_plan *plan) {
  if (plan->namespaces & CLONE_NEWNS)
    pivot(plan);
  /* Opened strictly, entered by descriptor, and looked at from inside: a current directory that
   * getcwd(2) cannot name lies outside the tree (CVE-2024-21626). */
  const char *cwd = wb_plan_at(plan, plan->cwd);
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
void leave_old_tree(const struct wb_plan *plan) {
  if (plan->namespaces & CLONE_NEWNS)
    check(sys2(__NR_umount2, "/", MNT_DETACH), WB_STEP_PIVOT_ROOT, "/");
}

long scratch_descriptor(void) {
  return tree.scratch;
}
