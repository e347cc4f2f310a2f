/* What the files share that make, keep and remove a run's directory: layer.c, spare.c,
 * interrupted.c. */
#ifndef WASBOX_FRONT_LAYER_H
#define WASBOX_FRONT_LAYER_H

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include "fastpath.h"

#define LOCK_EX 2
#define LOCK_NB 4
#define AT_REMOVEDIR 0x200

static inline long open_in(int directory, const char *name, uint64_t flags, uint64_t mode) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = STRICT};
  return sys4(__NR_openat2, directory, name, &how, sizeof how);
}

static inline int stat_fd(int fd, struct statx *info) {
  return (int)sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, info);
}

/* What is not there any more counts as removed. */
static inline int remove_one(int directory, const char *name, int flags) {
  long ret = sys3(__NR_unlinkat, directory, name, flags);
  return ret < 0 && ret != -ENOENT ? -1 : 0;
}

/* layer.c. All return 0, or -1. */

/* A directory of the state directory's that nobody else may enter: its descriptor. */
int open_private(int state, const char *name);
/* An id for the run, by the time and at random, that no saved run has. */
int choose_id(struct layer *layer, int state);
/* The overlay's two directories, empty. */
int make_trees(const struct layer *layer);
int remove_trees(const struct layer *layer);
/* Opens `upper` and gives it the working directory's mode. */
int open_upper(struct layer *layer, const char *workdir);
/* The run's own values in the text of its journal entry. */
void fill_record(const struct layer *layer, struct wb_entry *entry);

/* spare.c: a run's directory that another run has left. -1 where there is none of use. */
int take_spare(struct layer *layer, int state, struct wb_entry *entry);

#endif
