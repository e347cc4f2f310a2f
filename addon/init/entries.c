/* Directories, symbolic links and small files, made where mount points are. Called by tree.c. */
#include <linux/errno.h>

#include "tree.h"

void op_directory(const struct wb_op *op) {
  const char *target = text(op->target), *name;
  long parent = scratch_parent(target, &name);
  long ret = sys3(__NR_mkdirat, parent, name, op->mode & MKDIR_BITS);
  if (ret != -EEXIST)
    check(ret, WB_STEP_ENTRY, target);
  if (ret == -EEXIST || (op->mode & ~MKDIR_BITS))
    check(sys3(__NR_fchmodat, parent, name, op->mode), WB_STEP_ENTRY, target);
}

void op_symlink(const struct wb_op *op) {
  const char *target = text(op->target), *name;
  long parent = scratch_parent(target, &name);
  const long ret = sys3(__NR_symlinkat, text(op->source), parent, name);
  if (ret != -EEXIST) /* in the home of a run that is continued: what is there now is that run's */
    check(ret, WB_STEP_ENTRY, target);
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

/* Covers a file that is there already: the new one is made beside the sandbox's root, and
 * mounted. */
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

void op_file(const struct wb_op *op) {
  if (op->flags & WB_OP_COVER) {
    cover_file(op);
    return;
  }
  const char *target = text(op->target), *name;
  long parent = scratch_parent(target, &name);
  write_file(op, parent, name);
}
