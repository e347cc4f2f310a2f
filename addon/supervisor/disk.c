/*
 * The layers that a run writes to lie on a file system of the host's, where an ordinary user has no
 * quota to set; so what is in them is counted. The tree belongs to the payload, which goes on
 * changing it: each directory is opened below its parent and never through a link, and the walk is
 * done in parts, between which the supervisor serves everything else. Called by meter.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "directory.h"
#include "disk.h"

#define DT_DIRECTORY 4

void wb_disk_begin(struct wb_disk *disk, int fd) {
  disk->bytes = disk->inodes = 0;
  disk->hidden = 0;
  disk->depth = -1;
  wb_disk_next(disk, fd);
}

void wb_disk_next(struct wb_disk *disk, int fd) {
  disk->depth = 0;
  disk->fds[0] = fd;
}

void wb_disk_end(struct wb_disk *disk) {
  for (; disk->depth >= 0; disk->depth--)
    close(disk->fds[disk->depth]);
}

static void take_entry(struct wb_disk *disk, int directory, const char *name) {
  struct statx info;
  disk->inodes++;
  if (syscall(SYS_statx, directory, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &info) < 0) {
    disk->hidden |= errno != ENOENT;
    return;
  }
  const uint64_t bytes = info.stx_blocks * 512;
  const int shared = info.stx_nlink > 1 && (info.stx_mode & S_IFMT) != S_IFDIR;
  disk->bytes += shared ? bytes / info.stx_nlink : bytes;
}

int wb_disk_step(struct wb_disk *disk, uint32_t entries) {
  struct wb_directory directory;
  while (disk->depth >= 0) {
    const int fd = disk->fds[disk->depth];
    const struct wb_name *entry;
    int64_t reached = -1;
    int below = -1;
    wb_directory_begin(&directory, fd);
    while (entries > 0 && below < 0 && (entry = wb_directory_next(&directory))) {
      entries--;
      reached = entry->next;
      take_entry(disk, fd, entry->name);
      if (entry->type != DT_DIRECTORY)
        continue;
      const int is_deep = disk->depth + 1 >= WB_DISK_DEPTH;
      if (!is_deep)
        below = (int)syscall(SYS_openat, fd, entry->name,
                             O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
      /* One that was removed or replaced meanwhile hides nothing. */
      disk->hidden |= is_deep || (below < 0 && errno != ENOENT && errno != ENOTDIR);
    }
    if (reached >= 0 && (below >= 0 || entries == 0))
      syscall(SYS_lseek, fd, reached, 0);
    if (below >= 0) {
      disk->fds[++disk->depth] = below;
    } else if (entries == 0) {
      return 0;
    } else {
      close(fd);
      disk->depth--;
    }
  }
  return 1;
}
