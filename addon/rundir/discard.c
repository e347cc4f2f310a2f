/* See rundir.h: a run whose changes are dropped, whatever they are. Called by the addon. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <unistd.h>

#include "layer.h"

/* All of a layer's, so that its directory can be the next run's. */
static int empty_layers(const struct wb_rundir *run) {
  static const char *const own[] = {"lock", "run.json", "layers", "trees", NULL};
  static const char *const trees[] = {"1", NULL}, *const layers[] = {"layers", NULL};
  static const char *const without[] = {"lock", "run.json", "layers", NULL};
  if (wb_tree_empty(run->directory, run->home ? own : without) < 0 ||
      wb_tree_remove(run->directory, WB_UPPER) < 0 || wb_tree_remove(run->directory, WB_WORK) < 0)
    return -1;
  if (!run->home)
    return 0;
  const int list = wb_open_beneath(run->directory, "trees", O_RDONLY | O_DIRECTORY, 0);
  const int tree = list < 0 ? -1 : wb_open_beneath(list, "1", O_RDONLY | O_DIRECTORY, 0);
  const int done = tree >= 0 && wb_tree_empty(list, trees) == 0 &&
                           wb_tree_empty(tree, layers) == 0 &&
                           wb_tree_remove(run->directory, WB_HOME_UPPER) == 0
                       ? 0
                       : -1;
  if (list >= 0)
    close(list);
  if (tree >= 0)
    close(tree);
  return done;
}

int wb_rundir_discard(struct wb_rundir *run, int reuse) {
  /* Until the lock goes, no other process sweeps the rest away. */
  static const char *const last[] = {"lock", NULL};
  if (reuse && empty_layers(run) == 0 && wb_rundir_recycle(run) == 0)
    return 0;
  if (wb_remove_name(run->directory, "run.json", 0) < 0 || wb_tree_empty(run->directory, last) < 0)
    return -1;
  return wb_tree_remove(run->parent, run->id);
}
