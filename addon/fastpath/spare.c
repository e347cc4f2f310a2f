/*
 * A run's directory is used again: to make one and to remove it takes the file system as long as
 * all mounts together. Called by layer.c before a run, and by start.c and leave.c after one that
 * changed nothing.
 *
 * A spare stands in the state directory's `spare` under one of a few names. Whoever holds its lock
 * takes it; it gets the run's journal entry while it is still there, and comes into `runs` by a
 * rename, whole. On its way back, what the payload could reach is made anew, so that no file of it
 * is ever in two overlays. src/changes/store/spare.ts does the same for the runs of one process;
 * those have ids for names.
 */
#include "layer.h"

#include <string.h>

/* As many as may be on their way back at a time, and as many as wait for it: leave.c. */
#define SPARES_MAX 8
#define RENAME_NOREPLACE 1

static const char *name_of(int number) {
  static char name[] = "kept-0";
  name[sizeof name - 2] = (char)('0' + number);
  return name;
}

static void let_go(struct layer *layer) {
  int *fds[] = {&layer->upper, &layer->lock, &layer->directory};
  for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++) {
    if (*fds[i] >= 0)
      sys1(__NR_close, *fds[i]);
    *fds[i] = -1;
  }
}

/* Locked, and still what the name leads to: only who holds the lock renames it. */
static int hold(struct layer *layer, int spares, const char *name) {
  struct statx opened, named;
  layer->directory = (int)open_in(spares, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
  if (layer->directory < 0)
    return -1;
  layer->lock = (int)open_in(layer->directory, "lock", O_RDWR | O_NOFOLLOW, 0);
  if (layer->lock < 0 || sys2(__NR_flock, layer->lock, LOCK_EX | LOCK_NB) < 0)
    return -1;
  if (stat_fd(layer->directory, &opened) < 0 ||
      sys5(__NR_statx, spares, name, AT_SYMLINK_NOFOLLOW, STATX_INO, &named) < 0)
    return -1;
  return opened.stx_ino == named.stx_ino ? 0 : -1;
}

/* In place: nobody reads it before the rename. */
static int write_record(const struct layer *layer, struct wb_entry *entry) {
  struct statx info;
  fill_record(layer, entry);
  long fd = open_in(layer->directory, "run.json", O_WRONLY | O_NOFOLLOW, 0);
  if (fd < 0)
    return -1;
  const long size = entry->record_size;
  int done = sys3(__NR_write, fd, entry_at(entry, entry->record), size) == size &&
             stat_fd((int)fd, &info) == 0 &&
             (info.stx_size == (uint64_t)size || sys2(__NR_ftruncate, fd, size) == 0);
  sys1(__NR_close, fd);
  return done ? 0 : -1;
}

static int begin(struct layer *layer, int state, int spares, const char *name,
                 struct wb_entry *entry) {
  if (hold(layer, spares, name) < 0 || open_upper(layer, entry_at(entry, entry->workdir)) < 0)
    return -1;
  for (;;) {
    if (choose_id(layer, state) < 0 || write_record(layer, entry) < 0)
      return -1;
    long ret = sys5(__NR_renameat2, spares, name, layer->runs, layer->id, RENAME_NOREPLACE);
    if (ret != -EEXIST)
      return ret < 0 ? -1 : 0;
  }
}

int take_spare(struct layer *layer, int state, struct wb_entry *entry) {
  int spares = open_private(state, "spare"), taken = -1;
  for (int i = 0; spares >= 0 && taken < 0 && i < SPARES_MAX; i++) {
    taken = begin(layer, state, spares, name_of(i), entry);
    if (taken < 0)
      let_go(layer);
  }
  if (spares >= 0)
    sys1(__NR_close, spares);
  return taken;
}

/* The run is over with the rename. */
static int keep(const struct layer *layer, int state) {
  int spares = open_private(state, "spare"), kept = -1;
  if (spares < 0 && sys3(__NR_mkdirat, state, "spare", 0700) == 0)
    spares = open_private(state, "spare");
  if (spares < 0)
    return -1;
  /* With the mode that the next run is likely to need. */
  if (remove_trees(layer) == 0 && make_trees(layer) == 0 &&
      sys3(__NR_fchmodat, layer->directory, "layers/0/upper", layer->mode) == 0)
    for (int i = 0; kept < 0 && i < SPARES_MAX; i++)
      kept = sys5(__NR_renameat2, layer->runs, layer->id, spares, name_of(i), RENAME_NOREPLACE) < 0
                 ? -1
                 : 0;
  sys1(__NR_close, spares);
  return kept;
}

int end_layer(const struct layer *layer, int state) {
  return keep(layer, state) == 0 ? 0 : remove_layer(layer);
}
