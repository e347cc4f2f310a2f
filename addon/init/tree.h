/*
 * Declares what the files that build the sandbox's file tree share. tree.c carries out the plan's
 * operations in order, each kind in a file of its own: views.c and overlay.c show what the host
 * has, entries.c makes small things, kernel_views.c mounts what the kernel makes up. They stand on
 * scratch.c, the private tmpfs, and points.c, which finds and makes the places that operations go
 * to.
 */
#ifndef WASBOX_INIT_TREE_H
#define WASBOX_INIT_TREE_H

#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include "../sys/openat2.h"
#include "init.h"

#define MNT_DETACH 2
#define AT_RECURSIVE_ 0x8000

#define HARDENED (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
/* The bits of a mode that mkdirat(2) takes. */
#define MKDIR_BITS 01777u

struct tree {
  const struct wb_plan *plan;
  const char *directory; /* path of the run's */
  int scratch;           /* the tmpfs, attached */
  int root;              /* the sandbox's root directory inside it, attached to itself */
  uint32_t layer_count;
  const int *handed_over;
  uint32_t handed_over_count, handed_over_next;
};

/* scratch.c */
extern struct tree tree;

static inline const char *text(uint32_t offset) {
  return wb_plan_at(tree.plan, offset);
}

static inline long open_strict(int dirfd, const char *path, uint64_t flags, uint64_t resolve) {
  struct open_how how = {.flags = flags | O_CLOEXEC,
                         .resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  return sys_openat2(dirfd, path, &how);
}

static inline uint64_t device_number(uint32_t major, uint32_t minor) {
  return (uint64_t)major << 32 | minor;
}

static inline long stat_fd(long fd, struct statx *info) {
  return sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, info);
}

/* scratch.c: the private tmpfs, and in it the root. */
void make_scratch(void);
/* A directory or file of it as a mount of its own, hardened like scratch itself. */
long scratch_mount(const char *name, uint32_t step, const char *path);
/* The path of what an operation writes to, on the host: good until the next call. */
const char *layer_path(const struct wb_op *op, const char *part);
/* Makes a directory in it; returns its name, which is good until the next call. */
const char *scratch_directory(const char *prefix, uint32_t number, uint32_t mode, uint32_t step,
                              const char *path);
void set_attributes(long mount, uint64_t attributes, int recursive, uint32_t step,
                    const char *path);

/* points.c: targets are looked up below `root`. Between these two calls. */
void begin_points(int root);
void end_points(void);
/* Points are made in this mount as well: a private place that is kept. There is at most one. */
void points_also_in(long mount);
/* An empty directory or file in scratch at the target, unless something is there. */
void make_point(const char *target, int directory);

/* The directory of an absolute target, made where it is missing, and the target's last name. Ends
 * the launch where it does not lie in scratch: nothing must be made anywhere else. */
long scratch_parent(const char *target, const char **name);

/* Attaches a detached mount, on a directory or an empty file that is made in scratch where it is
 * missing. */
void attach(long mount, const char *target, int directory, uint32_t step);

/* views.c: what the host has, read-only or as it is; and what is the sandbox's own or hidden. */
void op_bind(const struct wb_op *op);
/* The mount of such a view, still to be attached. */
long mount_bind(const struct wb_op *op);
void op_private(const struct wb_op *op, uint32_t number);
void op_hide(const struct wb_op *op);
/* The next of the mounts that a privileged supervisor handed over. */
long next_handed_over(uint32_t step, const char *path);
/* End the launch where a source is another file, or of another kind, than the plan says. */
void check_source(const struct wb_op *op, long fd, uint32_t step);
void check_lower(const struct wb_lower *lower, long fd, uint32_t step);

/* overlay.c: what the host has, copy-on-write. */
void op_overlay(const struct wb_op *op, uint32_t number);
/* Mounts it on a directory of scratch, and returns its root. `points`: one more directory, which
 * lies above all of the operation's but its layer, or -1. */
long mount_overlay(const struct wb_op *op, const char *name, long points);

/* entries.c: directories, links and files made in scratch. */
void op_directory(const struct wb_op *op);
void op_symlink(const struct wb_op *op);
void op_file(const struct wb_op *op);

/* kernel_views.c: what the kernel makes up, and devices. */
void op_proc(const struct wb_op *op);
void op_mqueue(const struct wb_op *op);
void op_devpts(const struct wb_op *op);
void op_device(const struct wb_op *op);

#endif
