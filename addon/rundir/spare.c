/*
 * See rundir.h. To make a run's directory and to remove it takes the file system as long as all
 * mounts together, so a run that changed nothing leaves its directory for the next one.
 *
 * A spare lies in `spare` under one of a few names. The process that gets its lock takes it, writes
 * run.json while it is still there, and renames it into `runs`. On its way back, what the payload
 * could reach is made anew, even if it looks new: another process may have been handed a descriptor
 * of it, and no directory is ever in two overlays.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "layer.h"

/* The number of runs at a time that need not wait for the file system. */
#define SPARES_MAX 32

/* Spares with a layer for the home have names of their own, and those with a private root as well.
 */
static const char *name_of(const struct wb_rundir *run, int number, char name[sizeof "kept-0"]) {
  memcpy(name, run->private_root ? "live-0" : run->home ? "home-0" : "kept-0", sizeof "kept-0");
  name[sizeof "kept-" - 1] = (char)(number < 10 ? '0' + number : 'a' + number - 10);
  return name;
}

/* Locked, and still what the name leads to: only the process that holds the lock renames it. */
static int hold(struct wb_rundir *run, int spares, const char *name) {
  struct statx opened, named;
  run->directory = wb_open_beneath(spares, name, O_RDONLY | O_DIRECTORY, 0);
  if (run->directory < 0)
    return -1;
  run->lock = wb_rundir_lock_existing(run->directory);
  if (run->lock < 0 ||
      syscall(SYS_statx, run->directory, "", AT_EMPTY_PATH, STATX_INO, &opened) < 0 ||
      syscall(SYS_statx, spares, name, AT_SYMLINK_NOFOLLOW, STATX_INO, &named) < 0)
    return -1;
  return opened.stx_ino == named.stx_ino ? 0 : -1;
}

/* Rewrites it in place, so that the file system need not find another block: it is read only after
 * the rename. */
static int rewrite_record(const struct wb_rundir *run, const struct wb_rundir_request *request) {
  struct statx info;
  int fd = wb_open_beneath(run->directory, "run.json", O_WRONLY, 0);
  if (fd < 0)
    return -1;
  const long size = wb_write_record(run, request, fd);
  const int done = size >= 0 && syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, &info) == 0 &&
                   (info.stx_size == (uint64_t)size || syscall(SYS_ftruncate, fd, size) == 0);
  close(fd);
  return done ? 0 : -1;
}

static int take(struct wb_rundir *run, int spares, const char *name,
                const struct wb_rundir_request *request) {
  if (hold(run, spares, name) < 0 || wb_layers_adopt(run, request->trees) < 0)
    return -1;
  for (;;) {
    if (wb_choose_id(run->state, request->started_ms, run->id) < 0 ||
        rewrite_record(run, request) < 0)
      return -1;
    if (wb_rename_fresh(spares, name, run->parent, run->id) == 0)
      return 0;
    if (errno != EEXIST)
      return -1;
  }
}

static void let_go(struct wb_rundir *run) {
  if (run->lock >= 0)
    close(run->lock);
  if (run->directory >= 0)
    close(run->directory);
  run->lock = run->directory = -1;
}

int wb_rundir_take_spare(struct wb_rundir *run, const struct wb_rundir_request *request) {
  char name[sizeof "kept-0"];
  int taken = -1;
  const int spares = wb_state_open_in(run->state, "spare", 0);
  for (int i = 0; spares >= 0 && taken < 0 && i < SPARES_MAX; i++) {
    taken = take(run, spares, name_of(run, i, name), request);
    if (taken < 0)
      let_go(run);
  }
  if (spares >= 0)
    close(spares);
  return taken;
}

int wb_rundir_retire(struct wb_rundir *run) {
  char name[WB_RUN_ID + 1];
  const int spares = wb_state_open_in(run->state, "spare", 1);
  if (spares < 0)
    return -1;
  memcpy(name, run->id, sizeof name);
  while (wb_rename_fresh(run->parent, run->id, spares, name) < 0)
    /* Ids are unique among runs: one that is over may still have this one. */
    if (errno != EEXIST || wb_choose_id(run->state, 0, name) < 0) {
      close(spares);
      return -1;
    }
  memcpy(run->id, name, sizeof name);
  close(run->parent);
  run->parent = spares;
  return 0;
}

/* Makes the home's layer anew, with the mode that the next run is likely to need. */
static int renew_home(const struct wb_rundir *run) {
  return wb_home_remove(run) == 0 &&
                 syscall(SYS_mkdirat, run->directory, WB_HOME_UPPER, 0700) == 0 &&
                 syscall(SYS_fchmodat, run->directory, WB_HOME_UPPER, run->home_mode & 07777) == 0
             ? 0
             : -1;
}

static int renew(const struct wb_rundir *run) {
  /* A private root's layers are filled once the payload is gone: they are as they were made. */
  if (run->private_root)
    return wb_private_root_renew(run);
  if (run->home && renew_home(run) < 0)
    return -1;
  return wb_layer_remove(run->directory) == 0 &&
                 syscall(SYS_mkdirat, run->directory, WB_UPPER, 0700) == 0 &&
                 syscall(SYS_mkdirat, run->directory, WB_WORK, 0700) == 0 &&
                 syscall(SYS_fchmodat, run->directory, WB_UPPER, run->mode & 07777) == 0
             ? 0
             : -1;
}

/* Under sudo, the directories around `upper` are given to the user who called it. */
static int is_own(const struct wb_rundir *run) {
  struct statx layer, home;
  const uint32_t uid = (uint32_t)syscall(SYS_geteuid);
  return syscall(SYS_statx, run->directory, WB_LAYER, AT_SYMLINK_NOFOLLOW, STATX_UID, &layer) ==
             0 &&
         layer.stx_uid == uid &&
         (!run->home || (syscall(SYS_statx, run->directory, WB_HOME_LAYER, AT_SYMLINK_NOFOLLOW,
                                 STATX_UID, &home) == 0 &&
                         home.stx_uid == uid));
}

int wb_rundir_recycle(struct wb_rundir *run) {
  char name[sizeof "kept-0"];
  const int has_name = run->home || !run->private_root;
  if (has_name && is_own(run) && renew(run) == 0)
    for (int i = 0; i < SPARES_MAX; i++)
      if (wb_rename_fresh(run->parent, run->id, run->parent, name_of(run, i, name)) == 0)
        return 0;
  return wb_rundir_remove(run);
}
