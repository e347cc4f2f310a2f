/*
 * The copy that a run without namespaces works on, in the private root that addon/rundir has made.
 * The program sees and changes nothing else; where it changed nothing, there is nothing to save.
 * Called by start.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>

#include "../rundir/layer.h"
#include "../rundir/working_copy.h"
#include "fastpath.h"

#define COPY "copy0"
#define HOME "home"

static int open_root(const struct wb_rundir *run, const char *name) {
  return wb_open_beneath(run->directory, name, O_RDONLY | O_DIRECTORY, 0);
}

int make_working_copy(const struct wb_rundir *run, const struct wb_entry *entry) {
  struct wb_copy_failure failure;
  const struct wb_copy_request copy = {
      .source = entry_at(entry, entry->workdir),
      .place = open_root(run, WB_PRIVATE_ROOT_NEW),
      .name = COPY,
      .left_out = entry_at(entry, entry->left_out),
      .left_out_size = entry->left_out_size,
      .uid = (uid_t)-1,
      .gid = (gid_t)-1,
      .max_bytes = entry->max_bytes,
      .max_files = entry->max_files,
      .made = 1,
  };
  if (copy.place < 0)
    return -1;
  const int ret = wb_copy_make(&copy, &failure);
  sys1(__NR_close, copy.place);
  return ret < 0 ? -1
                 : wb_rename_fresh(run->directory, WB_PRIVATE_ROOT_NEW, run->directory,
                                   WB_PRIVATE_ROOT);
}

int working_copy_unchanged(const struct wb_rundir *run, const char *workdir) {
  const int place = open_root(run, WB_PRIVATE_ROOT);
  if (place < 0)
    return 0;
  const struct wb_copy_request copy = {.source = workdir, .place = place, .name = COPY};
  const struct wb_copy_request home = {.place = place, .name = HOME};
  const int unchanged = wb_copy_unchanged(&copy) && (!run->home || wb_copy_unchanged(&home));
  sys1(__NR_close, place);
  return unchanged;
}
