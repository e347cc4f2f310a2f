/*
 * A run's directory in the user's state directory: made, taken over, ended. The native command and
 * the addon share it.
 *
 *     STATE/runs/<id>/    run.json, lock, layers/0/{upper,work}     a run in use
 *                  …/trees/<n>/layers/0/{upper,work}                of the nth `--cow` tree
 *                  …/trees/<last>/layers/0/upper                    of the home, which is mounted
 * as it is STATE/saved/<id>/   a run that has ended and left changes STATE/spare/kept-N  an empty
 * layer, for the next run STATE/spare/home-N  the same with one for the home STATE/spare/live-N the
 * same with a private root, of a run without namespaces STATE/spare/<id>    an empty layer whose
 * mount is still being taken apart
 *
 * The process that uses a run holds flock(2) on its `lock`. Every name is looked up below an open
 * directory, and no symbolic link or mount point is followed. Only renames make a run visible or
 * end it, so that a process may be killed at any moment: what lies in `runs` with a free lock, or
 * with none, was interrupted, what has no run.json was never a run, and what lies in `spare` under
 * an id and with a free lock is rubbish.
 *
 * Functions return 0 or a descriptor, or -1 with errno set.
 */
#ifndef WASBOX_RUNDIR_H
#define WASBOX_RUNDIR_H

#include <stddef.h>
#include <stdint.h>

#include "../wire.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Returns whether a name is a run's ID, as src/changes/store/id.ts has it. */
int wb_is_run_id(const char *name);

/* Lists what the sandbox itself made in the home, borrowed: paths relative to it, a 0 byte
 * after each, each behind those that it is in. */
struct wb_placed {
  const char *paths;
  uint32_t size;
};

/* A run whose lock is held. Its descriptors are closed by wb_rundir_close. */
struct wb_rundir {
  int state;     /* borrowed: the state directory */
  int parent;    /* `runs`, or `spare` once the run is over */
  int directory; /* its own */
  int lock;
  char id[WB_RUN_ID + 1]; /* its name in `parent` */
  /* The state in which the run was made: the working directory, and the mode of its `upper`. */
  uint64_t workdir_dev; /* as st_dev has it */
  uint64_t workdir_ino;
  uint32_t mode;
  /* Set for a run with a working directory and a home, and nothing else: */
  int home;
  uint32_t home_mode;          /* of the home's `upper` */
  uint32_t home_uid, home_gid; /* its owner, where root made the run */
  struct wb_placed placed;
  int private_root; /* whether the directory has one: private_root.c */
};

struct wb_rundir_request {
  const char *const *trees; /* shown copy-on-write, the working directory first */
  uint32_t tree_count;
  /* run.json from behind the run's id and times to the end of `argv`, its last field; and further
   * elements of that, `, "WORD"` each. */
  const char *record, *more_argv;
  uint32_t record_size, more_argv_size;
  uint64_t started_ms; /* since the epoch: ids sort by it */
  int reuse;           /* a spare will do */
  int home;            /* the last tree is the home, which no overlay shows */
  int private_root;    /* of a run without namespaces: its directories, all empty */
  struct wb_placed placed;
};

/* Returns the number that makedev(3) makes. */
static inline uint64_t wb_device_number(uint32_t major, uint32_t minor) {
  return (uint64_t)(major & 0xfffu) << 8 | (uint64_t)(major & ~0xfffu) << 32 | (minor & 0xffu) |
         (uint64_t)(minor & ~0xffu) << 12;
}

/* state.c: opens the state directory, and a directory in it, made where it is missing if `create`.
 * EPERM: it belongs to another user or is open to others. ENOTDIR or ELOOP: it is no directory. */
int wb_state_open(const char *path, int create);
int wb_state_open_in(int state, const char *name, int create);
/* Opens or makes a file or directory below a directory, openat2(2) without links and mounts. */
int wb_open_beneath(int directory, const char *name, int flags, unsigned mode);
/* Renames to a name that must be free. EEXIST: it is not. EINVAL: the file system cannot do it
 * (NFS, some FUSE). */
int wb_rename_noreplace(int from, const char *old, int to, const char *name);
/* Does so for a directory, on every file system; it may replace an empty directory. */
int wb_rename_fresh(int from, const char *old, int to, const char *name);

/* id.c: `count` digits of `number` in `base`, most significant first, no 0 byte. */
void wb_put_digits(char *out, uint64_t number, unsigned base, int count);
/* Nine characters that sort by time and that no saved run has for its id. */
int wb_choose_id(int state, uint64_t started_ms, char id[WB_RUN_ID + 1]);

/* create.c: makes a run, or takes a spare, and holds its lock. Nothing is left of a failure. */
int wb_rundir_create(struct wb_rundir *run, int state, const struct wb_rundir_request *request);
void wb_rundir_close(struct wb_rundir *run);

/* lock.c: opens and locks what is there. EBUSY: another process has it. */
int wb_rundir_lock_existing(int directory);
/* Takes the lock of an open run's directory, and makes it where there is none: the process that
 * makes the lock owns the directory, also in place of the one that made that. EBUSY: another
 * process has it. ENOENT: the directory was removed. */
int wb_rundir_lock(int directory);
/* Takes the same lock for a process that only reads, beside others that do. ENOENT: there is
 * none. */
int wb_rundir_share(int directory);
/* Makes the lock of a new directory. EBUSY, ENOENT: another process was first, or has removed it.
 */
int wb_rundir_make_lock(int directory);
/* Returns whether `runs` holds a run other than `own` whose lock is free. */
int wb_rundir_interrupted(int runs, const char *own);

/* spare.c: takes a spare, with run.json written, into run->parent. */
int wb_rundir_take_spare(struct wb_rundir *run, const struct wb_rundir_request *request);
/* Ends a run of an untouched layer: it lies in `spare` under its id from here on. */
int wb_rundir_retire(struct wb_rundir *run);
/* Empties it for the next run, or removes it where there are enough of them, or where it was given
 * to another user. Not before its mount is gone: two overlays must not share a work directory. */
int wb_rundir_recycle(struct wb_rundir *run);

/* end.c: fills in `run` from what another part of this process holds the lock of. */
int wb_rundir_reopen(struct wb_rundir *run, int state, const char *id, int lock);
/* Returns whether the payload left the layers as they were made: empty but for run->placed, of
 * the same mode and owner, without attributes; and the working directory is the same. Takes
 * what `run` says of the layers. */
int wb_rundir_untouched(const struct wb_rundir *run, const char *workdir);
/* Removes an untouched layer and the run with it, wherever it lies. */
int wb_rundir_remove(const struct wb_rundir *run);
/* Removes a run whose payload never ran, also where the open lock is in the way; then it is let
 * go. What cannot be removed has no run.json: the next look at the runs removes it. */
void wb_rundir_abandon(struct wb_rundir *run);
/* tree.c: removes a directory that a payload could change, with all below it. ENOENT counts as
 * done. */
int wb_tree_remove(int parent, const char *name);
/* Removes `most` entries of it, or a few more. Returns how many; fewer than `most`: all is gone. */
long wb_tree_remove_some(int parent, const char *name, uint32_t most);
/* discard.c: removes a run that lies in `spare` under its id, whatever was written to its layers.
 * With `reuse` its emptied only layer becomes a spare, as wb_rundir_recycle does. */
int wb_rundir_discard(struct wb_rundir *run, int reuse);
/* end.c: moves a run whose lock is held to another directory, made where it is missing. */
int wb_rundir_move(int state, const char *id, const char *from, const char *to);

#ifdef __cplusplus
}
#endif
#endif
