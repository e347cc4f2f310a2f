/* layer.c: the directories of one layer, and the journal entry beside them. */
#ifndef WASBOX_RUNDIR_LAYER_H
#define WASBOX_RUNDIR_LAYER_H

#include "rundir.h"

/* The directories of a layer, relative to the run's own. */
#define WB_UPPER "layers/0/upper"
#define WB_WORK "layers/0/work"

/* Gives `upper` the mode of a tree on the host, and as root its owner. */
int wb_layer_adopt(struct wb_rundir *run, const char *upper, const char *tree);
/* Writes run.json with the run's id to an empty file, or over an earlier run's. */
int wb_write_record(const struct wb_rundir *run, const struct wb_rundir_request *request, int fd);
/* Removes what the overlay of an untouched layer could have used. */
int wb_layer_remove(int directory);
/* Removes a name of an open directory; one that is missing counts as removed. */
int wb_remove_name(int directory, const char *name, int flags);

#endif
