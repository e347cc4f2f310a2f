/* What a directory tree takes on disk, counted a part at a time. */
#ifndef WASBOX_DISK_H
#define WASBOX_DISK_H

#include <stdint.h>

/* Below that, and where a directory cannot be read, what the file system lost since the start
 * counts instead. */
#define WB_DISK_DEPTH 48

struct wb_disk {
  int depth; /* of the directory being read; -1: no walk is going on */
  int fds[WB_DISK_DEPTH];
  uint64_t bytes, inodes; /* of the walk that is going on */
  int hidden;             /* it met a directory that it could not read */
};

/* Begins a walk in a directory that is given away to it. */
void wb_disk_begin(struct wb_disk *disk, int fd);

/* Another tree of the same walk; only where no directory is being read. */
void wb_disk_next(struct wb_disk *disk, int fd);

/* Reads on, at most `entries` of them. Returns 1 where the tree is done. */
int wb_disk_step(struct wb_disk *disk, uint32_t entries);

/* Closes what a walk has open. */
void wb_disk_end(struct wb_disk *disk);

#endif
