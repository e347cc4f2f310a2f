/* What the files that build the sandbox's file tree share: mounts.c carries out the plan's
 * operations, points.c finds and makes the places that they go to. */
#ifndef WASBOX_INIT_TREE_H
#define WASBOX_INIT_TREE_H

#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include "init.h"

static inline long open_strict(int dirfd, const char *path, uint64_t flags, uint64_t resolve) {
  struct open_how how = {.flags = flags | O_CLOEXEC,
                         .resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  return sys4(__NR_openat2, dirfd, path, &how, sizeof how);
}

static inline uint64_t device_number(uint32_t major, uint32_t minor) {
  return (uint64_t)major << 32 | minor;
}

static inline long stat_fd(long fd, struct statx *info) {
  return sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, info);
}

/* points.c: targets are looked up below `root`, which lies in scratch. Between these two calls. */
void begin_points(int root);
void end_points(void);

/* The directory of an absolute target, made where it is missing, and the target's last name. Ends
 * the launch where it does not lie in scratch: nothing must be made anywhere else. */
long scratch_parent(const char *target, const char **name);

/* Attaches a detached mount, on a directory or an empty file that is made in scratch where it is
 * missing. */
void attach(long mount, const char *target, int directory, uint32_t step);

#endif
