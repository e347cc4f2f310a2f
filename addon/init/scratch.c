/*
 * The private tmpfs ("scratch"). It is stacked on the old root, where path look-ups that start at
 * "/" do not see it. In it, `root` becomes the sandbox's root, and numbered directories become the
 * private places (home, /tmp …), so that one size limit holds for all of them. Called by tree.c and
 * by the files of its operations.
 */
#include "tree.h"

struct tree tree = {.scratch = -1};

void set_attributes(long mount, uint64_t attributes, int recursive, uint32_t step,
                    const char *path) {
  struct mount_attr attr = {.attr_set = attributes};
  check(sys5(__NR_mount_setattr, mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE_ : 0), &attr,
             sizeof attr),
        step, path);
}

long scratch_mount(const char *name, uint32_t step, const char *path) {
  return check(sys3(__NR_open_tree, tree.scratch, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), step,
               path);
}

const char *scratch_directory(const char *prefix, uint32_t number, uint32_t mode, uint32_t step,
                              const char *path) {
  static char name[24];
  name[0] = prefix[0];
  format_number(name + 1, number);
  check(sys3(__NR_mkdirat, tree.scratch, name, mode & MKDIR_BITS), step, path);
  if (mode & ~MKDIR_BITS)
    check(sys3(__NR_fchmodat, tree.scratch, name, mode), step, path);
  return name;
}

const char *layer_path(const struct wb_op *op, const char *part) {
  static char path[2 * WB_PATH_MAX + 8];
  const char *const parts[] = {tree.directory, "/", text(op->layer), part};
  size_t at = 0;
  for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
    const size_t length = str_len(parts[i]);
    memcpy(path + at, parts[i], length + 1);
    at += length;
  }
  return path;
}

void make_scratch(void) {
  char size[24], inodes[24];
  format_number(size, tree.plan->private_bytes);
  format_number(inodes, tree.plan->private_inodes);
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
}
