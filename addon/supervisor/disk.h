/* Counts what a directory tree takes on disk, a part at a time. */
#ifndef WASBOX_DISK_H
#define WASBOX_DISK_H

#include <stdint.h>

/* Directories that are kept open; of those further down, what it takes to find the way back. */
#define WB_DISK_DEPTH 48

struct wb_disk_place {
  uint64_t inode;
  int64_t next;
};

#define WB_DISK_OPEN 0xffffffffu

struct wb_disk {
  int depth; /* of the directory being read; -1: no walk is going on */
  int fds[WB_DISK_DEPTH];
  struct wb_disk_place *places; /* owned; of the last of `fds` and of those below it */
  uint64_t device;              /* on which that one lies */
  uint64_t bytes, inodes;       /* of the walk that is going on */
  /* True if directories that are closed to their owner are opened for the time of a step. Only
   * with Landlock isolation, where no other process changes modes meanwhile: the supervisor does.
   */
  int opens;
  uint32_t modes[WB_DISK_DEPTH]; /* of such directories, to be restored; WB_DISK_OPEN: none */
  int closed; /* it met a directory that takes rights to read: wb_disk_step is to have them */
  int lost;   /* it lost its way: a directory far down was moved meanwhile */
};

/* Begins a walk in a directory that is given away to it; `opens`: see above. */
void wb_disk_begin(struct wb_disk *disk, int fd, int opens);

/* Another tree of the same walk; only where no directory is being read. */
void wb_disk_next(struct wb_disk *disk, int fd);

/* Reads on, at most `entries` of them. Returns 1 where the tree is done. */
int wb_disk_step(struct wb_disk *disk, uint32_t entries);

/* Closes what a walk has open. */
void wb_disk_end(struct wb_disk *disk);

#endif
