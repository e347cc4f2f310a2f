/* layer.c: the directories of one layer, and the journal entry beside them. */
#ifndef WASBOX_RUNDIR_LAYER_H
#define WASBOX_RUNDIR_LAYER_H

#include <sys/stat.h>

#include "rundir.h"

/* The directories of a layer, relative to the run's own. */
#define WB_LAYER "layers/0"
#define WB_UPPER WB_LAYER "/upper"
#define WB_WORK WB_LAYER "/work"
#define WB_HOME_LAYER "trees/1/layers/0"
#define WB_HOME_UPPER WB_HOME_LAYER "/upper"

/* A directory of the host, and the mode and, as root, the owner that a layer's `upper` has for it.
 */
struct wb_adopted {
  uint64_t dev, ino; /* as st_dev has it */
  uint32_t mode, uid, gid;
};
/* Gives `upper` the mode of a tree on the host, and as root its owner. */
int wb_layer_adopt(const struct wb_rundir *run, const char *upper, const char *tree,
                   struct wb_adopted *adopted);
/* Adopts the layers of a working directory and, with run->home, of the home. */
int wb_layers_adopt(struct wb_rundir *run, const char *const *trees);
/* Writes run.json to an empty file, or over an earlier run's. Returns its size. */
long wb_write_record(const struct wb_rundir *run, const struct wb_rundir_request *request, int fd);
/* Returns whether extended attributes are set that a program can set. Those of overlayfs
 * count unless `overlay`: the directory was one's. */
int wb_has_attributes(int fd, int overlay);
/* Returns whether the owner is the one that root gave a layer's `upper`; other users give it
 * none. */
int wb_is_owned(const struct statx *upper, uint32_t uid, uint32_t gid);
/* Removes what the overlay of an untouched layer could have used. */
int wb_layer_remove(int directory);

/* private_root.c: where a run without namespaces writes, with a directory for its copy, its home,
 * /run and /tmp. It is `live` only from when the copy is whole until it was captured: what is left
 * of a killed run is compared only then. Before and after, its names are those that
 * src/changes/store/private-root.ts has, too. */
#define WB_PRIVATE_ROOT "live"
#define WB_PRIVATE_ROOT_NEW "live.new"
int wb_private_root_make(const struct wb_rundir *run);
/* Makes all anew that the payload could reach and has changed. */
int wb_private_root_renew(const struct wb_rundir *run);
int wb_private_root_remove(const struct wb_rundir *run);

/* home.c: whether nothing is in the home's layer but what the sandbox itself made there. */
int wb_home_untouched(const struct wb_rundir *run);
/* Removes the `upper` of such a layer, with that. */
int wb_home_remove(const struct wb_rundir *run);

/* tree.c: removes all in a directory but the names in `keep`, which ends with NULL, or is NULL. */
int wb_tree_empty(int directory, const char *const *keep);

int wb_begins_with(const char *name, const char *start);

/* Removes a name of an open directory; one that is missing counts as removed. */
int wb_remove_name(int directory, const char *name, int flags);

#endif
