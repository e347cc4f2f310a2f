/*
 * The home's layer, which is mounted in the sandbox as it is: init makes mount points and links in
 * it. They are no changes of the payload's, and go with an untouched layer. The directories belong
 * to the payload: each is opened below its parent, never through a link. Called by end.c and
 * spare.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../supervisor/directory.h"
#include "layer.h"

#define PATH_ROOM 4096

/* Returns whether a path is one of those that were placed; `below`: whether another lies in it. */
static int is_placed(const struct wb_placed *placed, const char *path, size_t length, int *below) {
  const char *end = placed->paths + placed->size;
  int found = 0;
  for (const char *one = placed->paths; one < end; one += strlen(one) + 1) {
    if (strlen(one) < length || memcmp(one, path, length) != 0)
      continue;
    found |= one[length] == 0;
    *below |= one[length] == '/';
  }
  return found;
}

struct look {
  const struct wb_placed *placed;
  char path[PATH_ROOM];
  struct wb_directory directory;
};

/* Mount points themselves are covered: what lies in them is not the payload's. */
static int only_placed(struct look *look, int fd, size_t length) {
  wb_directory_begin(&look->directory, fd);
  for (;;) {
    errno = 0;
    const struct wb_name *entry = wb_directory_next(&look->directory);
    if (!entry)
      return errno == 0;
    const size_t size = strlen(entry->name);
    const int64_t next = entry->next;
    int below = 0;
    if (length + size + 2 > sizeof look->path)
      return 0;
    memcpy(look->path + length, entry->name, size + 1);
    if (!is_placed(look->placed, look->path, length + size, &below))
      return 0;
    if (!below)
      continue;
    const int child = wb_open_beneath(fd, entry->name, O_RDONLY | O_DIRECTORY, 0);
    if (child < 0)
      return 0;
    look->path[length + size] = '/';
    const int only = !wb_has_attributes(child, 0) && only_placed(look, child, length + size + 1);
    close(child);
    if (!only)
      return 0;
    syscall(SYS_lseek, fd, next, 0);
    wb_directory_begin(&look->directory, fd);
  }
}

int wb_home_untouched(const struct wb_rundir *run) {
  struct statx upper;
  struct look look = {.placed = &run->placed};
  const int fd = wb_open_beneath(run->directory, WB_HOME_UPPER, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0)
    return 0;
  const int untouched = syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &upper) == 0 &&
                        upper.stx_mode == run->home_mode &&
                        wb_is_owned(&upper, run->home_uid, run->home_gid) &&
                        !wb_has_attributes(fd, 0) && only_placed(&look, fd, 0);
  close(fd);
  return untouched;
}

/* The last name of a path; what comes before it is copied to `parent`, "." for nothing. */
static const char *split(const char *path, char parent[PATH_ROOM]) {
  size_t slash = 0;
  for (size_t i = 0; path[i] && i < PATH_ROOM - 1; i++)
    if (path[i] == '/')
      slash = i;
  memcpy(parent, slash ? path : ".", slash ? slash : 1);
  parent[slash ? slash : 1] = 0;
  return slash ? path + slash + 1 : path;
}

static int remove_one(int upper, const char *path) {
  char parent[PATH_ROOM];
  const char *name = split(path, parent);
  const int fd = wb_open_beneath(upper, parent, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0)
    return errno == ENOENT ? 0 : -1;
  int ret = wb_remove_name(fd, name, AT_REMOVEDIR);
  if (ret < 0 && errno == ENOTDIR)
    ret = wb_remove_name(fd, name, 0);
  close(fd);
  return ret;
}

/* Backwards: a path comes behind those that it is in. */
static int remove_placed(int upper, const struct wb_placed *placed) {
  for (const char *end = placed->paths + placed->size; end > placed->paths;) {
    const char *path = end - 1;
    while (path > placed->paths && path[-1] != 0)
      path--;
    if (remove_one(upper, path) < 0)
      return -1;
    end = path;
  }
  return 0;
}

int wb_home_remove(const struct wb_rundir *run) {
  const int upper = wb_open_beneath(run->directory, WB_HOME_UPPER, O_RDONLY | O_DIRECTORY, 0);
  if (upper < 0)
    return errno == ENOENT ? 0 : -1;
  const int removed = remove_placed(upper, &run->placed);
  close(upper);
  return removed < 0 ? -1 : wb_remove_name(run->directory, WB_HOME_UPPER, AT_REMOVEDIR);
}
