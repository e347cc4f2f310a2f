/*
 * The layers that a run writes to lie on a file system of the host's, where an ordinary user has no
 * quota to set; so what is in them is counted. The tree belongs to the payload, which goes on
 * changing it: each directory is opened below its parent and never through a link, and the walk is
 * done in parts, between which the supervisor serves everything else. Called by meter_disk.c.
 *
 * From a directory far down the way back leads through "..", which must be the directory from which
 * the walk came.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "directory.h"
#include "disk.h"

/* Where descriptors end; and how far down a walk goes: a million, no more than inodes by default.
 */
#define LAST (WB_DISK_DEPTH - 1)
#define PLACES_MAX (1 << 20)

void wb_disk_begin(struct wb_disk *disk, int fd, int opens) {
  disk->opens = opens;
  disk->bytes = disk->inodes = 0;
  disk->closed = disk->lost = 0;
  disk->depth = -1;
  wb_disk_next(disk, fd);
}

void wb_disk_next(struct wb_disk *disk, int fd) {
  disk->depth = 0;
  disk->fds[0] = fd;
  disk->modes[0] = WB_DISK_OPEN;
}

static int level_of(const struct wb_disk *disk) {
  return disk->depth < LAST ? disk->depth : LAST;
}

static int *current(struct wb_disk *disk) {
  return &disk->fds[level_of(disk)];
}

/* Opens the way into a directory that its owner may not read or search. Returns the
 * mode, which is changed; else WB_DISK_OPEN. `fd` may be one of O_PATH. */
static uint32_t let_in(const struct wb_disk *disk, int fd) {
  char link[40];
  struct statx info;
  if (!disk->opens || syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_MODE, &info) < 0 ||
      (info.stx_mode & 0500) == 0500)
    return WB_DISK_OPEN;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const uint32_t mode = info.stx_mode & 07777;
  return syscall(SYS_fchmodat, AT_FDCWD, link, mode | 0500) < 0 ? WB_DISK_OPEN : mode;
}

static void close_again(int fd, uint32_t mode) {
  if (mode != WB_DISK_OPEN)
    syscall(SYS_fchmod, fd, mode);
}

/* The directory at a level, as the payload left it. */
static void restore(struct wb_disk *disk, int level) {
  close_again(disk->fds[level], disk->modes[level]);
  disk->modes[level] = WB_DISK_OPEN;
}

/* Opens a directory to be read; `*mode` as from let_in. */
static int open_directory(struct wb_disk *disk, int fd, const char *name, uint32_t *mode) {
  const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int below = (int)syscall(SYS_openat, fd, name, O_RDONLY | flags, 0);
  *mode = WB_DISK_OPEN;
  if (below >= 0 || errno != EACCES || !disk->opens) {
    if (below >= 0)
      *mode = let_in(disk, below);
    return below;
  }
  const int handle = (int)syscall(SYS_openat, fd, name, O_PATH | flags, 0);
  if (handle < 0)
    return -1;
  *mode = let_in(disk, handle);
  below = (int)syscall(SYS_openat, handle, ".", O_RDONLY | flags, 0);
  close(handle);
  return below;
}

/* Closes the directory that is being read, and all that came by way of it. */
static void close_last(struct wb_disk *disk) {
  restore(disk, level_of(disk));
  close(*current(disk));
  disk->depth = level_of(disk) - 1;
}

void wb_disk_end(struct wb_disk *disk) {
  while (disk->depth >= 0)
    close_last(disk);
  if (disk->places)
    munmap(disk->places, PLACES_MAX * sizeof *disk->places);
  disk->places = NULL;
}

static void take_entry(struct wb_disk *disk, int directory, const char *name) {
  struct statx info;
  disk->inodes++;
  if (syscall(SYS_statx, directory, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &info) < 0) {
    disk->closed |= errno == EACCES;
    return;
  }
  const uint64_t bytes = info.stx_blocks * 512;
  const int shared = info.stx_nlink > 1 && (info.stx_mode & S_IFMT) != S_IFDIR;
  disk->bytes += shared ? bytes / info.stx_nlink : bytes;
}

/* The inode of a directory; `device` is where it lies. 0: not known. */
static uint64_t inode_of(int fd, uint64_t *device) {
  struct statx info;
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_INO, &info) < 0)
    return 0;
  *device = (uint64_t)info.stx_dev_major << 32 | info.stx_dev_minor;
  return info.stx_ino;
}

/* Goes from the directory that is being read, `next` being where it goes on, into one below. */
static void descend(struct wb_disk *disk, int below, uint32_t mode, int64_t next) {
  const int fd = *current(disk);
  if (disk->depth < LAST) {
    syscall(SYS_lseek, fd, next, 0);
    disk->fds[++disk->depth] = below;
    disk->modes[disk->depth] = mode;
    return;
  }
  if (!disk->places) {
    void *room = mmap(NULL, PLACES_MAX * sizeof *disk->places, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    disk->places = room == MAP_FAILED ? NULL : room;
  }
  const int at = disk->depth - LAST;
  const uint64_t inode = inode_of(fd, &disk->device);
  if (!disk->places || at >= PLACES_MAX || !inode) {
    syscall(SYS_lseek, fd, next, 0);
    close_again(below, mode);
    close(below);
    disk->lost = 1;
    return;
  }
  disk->places[at] = (struct wb_disk_place){inode, next};
  restore(disk, LAST);
  close(fd);
  disk->fds[LAST] = below;
  disk->modes[LAST] = mode;
  disk->depth++;
}

/* Goes back from a directory that is read. */
static void ascend(struct wb_disk *disk) {
  if (disk->depth <= LAST) {
    close_last(disk);
    return;
  }
  const struct wb_disk_place *place = &disk->places[disk->depth - 1 - LAST];
  uint64_t device = 0;
  uint32_t mode;
  const int up = open_directory(disk, disk->fds[LAST], "..", &mode);
  if (up < 0 || inode_of(up, &device) != place->inode || device != disk->device) {
    if (up >= 0) {
      close_again(up, mode);
      close(up);
    }
    disk->lost = 1;
    close_last(disk); /* and on from the last that is open */
    return;
  }
  syscall(SYS_lseek, up, place->next, 0);
  restore(disk, LAST);
  close(disk->fds[LAST]);
  disk->fds[LAST] = up;
  disk->modes[LAST] = mode;
  disk->depth--;
}

static int step(struct wb_disk *disk, uint32_t entries) {
  struct wb_directory directory;
  while (disk->depth >= 0) {
    const int fd = *current(disk);
    const struct wb_name *entry;
    int64_t reached = -1;
    int below = -1;
    uint32_t mode = WB_DISK_OPEN;
    wb_directory_begin(&directory, fd);
    while (entries > 0 && below < 0 && (entry = wb_directory_next(&directory))) {
      entries--;
      reached = entry->next;
      take_entry(disk, fd, entry->name);
      if (entry->type != DT_DIRECTORY)
        continue;
      below = open_directory(disk, fd, entry->name, &mode);
      disk->closed |= below < 0 && errno == EACCES;
    }
    if (below >= 0) {
      descend(disk, below, mode, reached);
    } else if (entries == 0) {
      if (reached >= 0)
        syscall(SYS_lseek, fd, reached, 0);
      return 0;
    } else {
      ascend(disk);
    }
  }
  return 1;
}

int wb_disk_step(struct wb_disk *disk, uint32_t entries) {
  for (int level = 0; disk->opens && disk->depth >= 0 && level <= level_of(disk); level++)
    disk->modes[level] = let_in(disk, disk->fds[level]);
  const int done = step(disk, entries);
  for (int level = 0; disk->opens && disk->depth >= 0 && level <= level_of(disk); level++)
    restore(disk, level);
  return done;
}
