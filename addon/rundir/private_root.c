/*
 * The private root of a run without namespaces, as src/launch/private-root.ts makes it for an
 * ordinary user. The payload reaches what is in its directories, but not the one that holds them.
 * Called by create.c and spare.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "layer.h"

static const char *const parts[] = {"copy0", "home", "run", "tmp"};

static int make_part(int root, const char *name, const struct wb_model *model) {
  if (model && wb_is_new(root, name, model, 0700, 0))
    return 0;
  if (model && wb_tree_remove(root, name) < 0)
    return -1;
  return (int)syscall(SYS_mkdirat, root, name, 0700);
}

static int make_parts(const struct wb_rundir *run, const struct wb_model *model) {
  const int root = wb_open_beneath(run->directory, WB_PRIVATE_ROOT, O_RDONLY | O_DIRECTORY, 0);
  if (root < 0)
    return -1;
  int ret = 0;
  for (unsigned i = 0; ret == 0 && i < sizeof parts / sizeof *parts; i++)
    ret = make_part(root, parts[i], model);
  const int error = errno;
  close(root);
  errno = error;
  return ret;
}

int wb_private_root_make(const struct wb_rundir *run) {
  return syscall(SYS_mkdirat, run->directory, WB_PRIVATE_ROOT, 0700) < 0 ? -1
                                                                         : make_parts(run, NULL);
}

int wb_private_root_renew(const struct wb_rundir *run) {
  struct wb_model model;
  return wb_model_of(run->directory, WB_WORK, &model) < 0 ? -1 : make_parts(run, &model);
}
