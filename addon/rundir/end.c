/* See rundir.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "layer.h"

int wb_rundir_reopen(struct wb_rundir *run, int state, const char *id, int lock) {
  *run = (struct wb_rundir){.state = state, .directory = -1, .lock = lock};
  memcpy(run->id, id, WB_RUN_ID);
  run->parent = wb_state_open_in(state, "runs", 0);
  if (run->parent >= 0)
    run->directory = wb_open_beneath(run->parent, run->id, O_RDONLY | O_DIRECTORY, 0);
  return run->directory < 0 ? -1 : 0;
}

static int is_empty(int fd) {
  char names[512] __attribute__((aligned(8)));
  /* "." and ".." have 24 bytes each. */
  return syscall(SYS_getdents64, fd, names, sizeof names) == 48;
}

int wb_rundir_untouched(const struct wb_rundir *run, const char *workdir) {
  struct statx upper, host;
  /* A layer below this one is not seen here: src/changes/store/run-directory.ts. */
  if (syscall(SYS_statx, run->directory, "stacked", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &upper) == 0)
    return 0;
  const int fd = wb_open_beneath(run->directory, WB_UPPER, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0)
    return 0;
  const int untouched = syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &upper) == 0 &&
                        syscall(SYS_statx, AT_FDCWD, workdir, 0, STATX_BASIC_STATS, &host) == 0 &&
                        host.stx_ino == run->workdir_ino && upper.stx_mode == run->mode &&
                        wb_is_owned(&upper, host.stx_uid, host.stx_gid) && is_empty(fd) &&
                        !wb_has_attributes(fd, 1);
  close(fd);
  return untouched && (!run->home || wb_home_untouched(run));
}

/* Removes the layer of the home: nothing where there is none. */
static int remove_home(const struct wb_rundir *run) {
  static const char *const parts[] = {WB_HOME_LAYER "/work", WB_HOME_LAYER, "trees/1/layers",
                                      "trees/1", "trees"};
  if (!run->home)
    return 0;
  if (wb_home_remove(run) < 0)
    return -1;
  for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
    if (wb_remove_name(run->directory, parts[i], AT_REMOVEDIR) < 0)
      return -1;
  return 0;
}

/* Without its lock, another process that looks for interrupted runs may make one: then that one
 * removes the directory. */
static int remove_unlocked(const struct wb_rundir *run) {
  static const char *const locks[] = {"lock.new", "lock"};
  if (wb_remove_name(run->parent, run->id, AT_REMOVEDIR) == 0)
    return 0;
  if (errno != ENOTEMPTY)
    return -1;
  for (unsigned i = 0; i < sizeof locks / sizeof *locks; i++)
    if (syscall(SYS_faccessat, run->directory, locks[i], 0) == 0)
      return 0;
  return wb_remove_name(run->parent, run->id, AT_REMOVEDIR);
}

/* run.json goes first: without it there is no run any more, whatever else is left. The lock goes
 * last: until then no other process takes the run for an interrupted one. */
int wb_rundir_remove(const struct wb_rundir *run) {
  const int directory = run->directory;
  return wb_remove_name(directory, "run.json", 0) == 0 &&
                 wb_remove_name(directory, "run.json.new", 0) == 0 &&
                 (!run->private_root || wb_private_root_remove(run) == 0) &&
                 remove_home(run) == 0 && wb_layer_remove(directory) == 0 &&
                 wb_remove_name(directory, "layers/0", AT_REMOVEDIR) == 0 &&
                 wb_remove_name(directory, "layers", AT_REMOVEDIR) == 0 &&
                 wb_remove_name(directory, "lock.new", 0) == 0 &&
                 wb_remove_name(directory, "lock", 0) == 0 && remove_unlocked(run) == 0
             ? 0
             : -1;
}

void wb_rundir_abandon(struct wb_rundir *run) {
  if (wb_rundir_remove(run) == 0 || run->lock < 0)
    return;
  /* libfuse and NFS keep a removed file in the directory until it is closed. */
  close(run->lock);
  run->lock = -1;
  wb_remove_name(run->parent, run->id, AT_REMOVEDIR);
}

int wb_rundir_move(int state, const char *id, const char *from, const char *to) {
  const int source = wb_state_open_in(state, from, 0);
  if (source < 0)
    return -1;
  const int target = wb_state_open_in(state, to, 1);
  const int moved = target < 0 ? -1 : wb_rename_fresh(source, id, target, id);
  const int error = errno;
  close(source);
  if (target >= 0)
    close(target);
  errno = error;
  return moved;
}
