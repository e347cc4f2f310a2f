/* See rundir.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "layer.h"

static int open_and_lock(struct wb_rundir *run) {
  run->directory = wb_open_beneath(run->parent, run->id, O_RDONLY | O_DIRECTORY, 0);
  if (run->directory >= 0)
    run->lock = wb_rundir_make_lock(run->directory);
  return run->lock;
}

/* A directory that has no lock. Another process may be removing it, too. */
static void give_up(struct wb_rundir *run) {
  if (run->directory >= 0) {
    syscall(SYS_unlinkat, run->directory, "lock.new", 0);
    close(run->directory);
    run->directory = -1;
  }
  syscall(SYS_unlinkat, run->parent, run->id, AT_REMOVEDIR);
}

/* A process that looks for interrupted runs takes a directory without a lock for one: where it was
 * faster, this process makes another. */
static int make_directory(struct wb_rundir *run, uint64_t started_ms) {
  for (;;) {
    if (wb_choose_id(run->state, started_ms, run->id) < 0)
      return -1;
    if (syscall(SYS_mkdirat, run->parent, run->id, 0700) < 0) {
      if (errno != EEXIST)
        return -1;
      continue;
    }
    if (open_and_lock(run) >= 0)
      return 0;
    const int error = errno;
    give_up(run);
    errno = error;
    if (error != EBUSY && error != ENOENT)
      return -1;
  }
}

/* The parts of each tree, in the order in which they are made: "" is trees/N/. */
static const char *const parts[] = {"", "layers", "layers/0", WB_UPPER, WB_WORK};
#define PARTS (sizeof parts / sizeof *parts)

static const char *path_of(char path[64], uint32_t tree, const char *part) {
  if (tree == 0)
    return part;
  snprintf(path, 64, "trees/%u/%s", tree, part);
  return path;
}

/* A home is not shown through an overlay, and needs no `work`. */
static int make_layer(const struct wb_rundir *run, uint32_t tree, int is_home) {
  char path[64];
  for (unsigned i = tree == 0; i < PARTS - (is_home ? 1 : 0); i++)
    if (syscall(SYS_mkdirat, run->directory, path_of(path, tree, parts[i]), 0700) < 0)
      return -1;
  return 0;
}

static int make_layers(struct wb_rundir *run, const struct wb_rundir_request *request) {
  char path[64];
  struct wb_adopted adopted;
  const uint32_t count = request->tree_count;
  if (count > 1 && syscall(SYS_mkdirat, run->directory, "trees", 0700) < 0)
    return -1;
  for (uint32_t tree = 0; tree < count; tree++)
    if (make_layer(run, tree, request->home && tree == count - 1) < 0)
      return -1;
  for (uint32_t tree = run->home ? 2 : 1; tree < count; tree++)
    if (wb_layer_adopt(run, path_of(path, tree, WB_UPPER), request->trees[tree], &adopted) < 0)
      return -1;
  return wb_layers_adopt(run, request->trees);
}

/* Put in place whole, and last: a directory without it was never a run. */
static int make_record(const struct wb_rundir *run, const struct wb_rundir_request *request) {
  int fd = wb_open_beneath(run->directory, "run.json.new", O_WRONLY | O_CREAT | O_EXCL, 0600);
  const long written = fd < 0 ? -1 : wb_write_record(run, request, fd);
  const int error = errno;
  if (fd >= 0)
    close(fd);
  errno = error;
  return written < 0 ? -1
                     : (int)syscall(SYS_renameat2, run->directory, "run.json.new", run->directory,
                                    "run.json", 0);
}

static int make_new(struct wb_rundir *run, const struct wb_rundir_request *request) {
  if (make_directory(run, request->started_ms) < 0 || make_layers(run, request) < 0 ||
      (run->private_root && wb_private_root_make(run) < 0))
    return -1;
  return make_record(run, request);
}

/* Removes what make_new has made by now: nothing was written to a layer yet. */
static void remove_half(struct wb_rundir *run, uint32_t tree_count) {
  char path[64];
  for (uint32_t tree = tree_count; tree-- > 1;)
    for (unsigned i = PARTS; i-- > 0;)
      wb_remove_name(run->directory, path_of(path, tree, parts[i]), AT_REMOVEDIR);
  wb_remove_name(run->directory, "trees", AT_REMOVEDIR);
  wb_rundir_remove(run);
}

void wb_rundir_close(struct wb_rundir *run) {
  int *const fds[] = {&run->lock, &run->directory, &run->parent};
  for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++) {
    if (*fds[i] >= 0)
      close(*fds[i]);
    *fds[i] = -1;
  }
}

int wb_rundir_create(struct wb_rundir *run, int state, const struct wb_rundir_request *request) {
  *run = (struct wb_rundir){.state = state, .directory = -1, .lock = -1};
  run->home = request->home && request->tree_count == 2;
  run->placed = request->placed;
  run->private_root = request->private_root;
  run->parent = wb_state_open_in(state, "runs", 1);
  if (run->parent < 0)
    return -1;
  if (request->reuse && request->tree_count == (run->home ? 2 : 1) &&
      (run->home || !run->private_root) && wb_rundir_take_spare(run, request) == 0)
    return 0;
  if (make_new(run, request) == 0)
    return 0;
  const int error = errno;
  if (run->directory >= 0)
    remove_half(run, request->tree_count);
  wb_rundir_close(run);
  errno = error;
  return -1;
}
