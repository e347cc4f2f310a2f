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

static int make_parts(const struct wb_rundir *run, int anew) {
  const int root = wb_open_beneath(run->directory, WB_PRIVATE_ROOT, O_RDONLY | O_DIRECTORY, 0);
  if (root < 0)
    return -1;
  int ret = 0;
  for (unsigned i = 0; ret == 0 && i < sizeof parts / sizeof *parts; i++) {
    if (anew)
      ret = wb_tree_remove(root, parts[i]);
    if (ret == 0)
      ret = (int)syscall(SYS_mkdirat, root, parts[i], 0700);
  }
  const int error = errno;
  close(root);
  errno = error;
  return ret;
}

int wb_private_root_make(const struct wb_rundir *run) {
  return syscall(SYS_mkdirat, run->directory, WB_PRIVATE_ROOT, 0700) < 0 ? -1 : make_parts(run, 0);
}

int wb_private_root_renew(const struct wb_rundir *run) {
  return make_parts(run, 1);
}
