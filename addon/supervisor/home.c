/*
 * See home.h. The private tmpfs is seen here without the mounts on it, so that whatever is found
 * lies in it. Its directories belong to the payload: each is opened below its parent, never through
 * a link. Called by supervise.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../plan_check.h"
#include "directory.h"
#include "home.h"

#define DEPTH_MAX 24
#define PATH_ROOM 1024
/* Names that are read at the most, directories included. */
#define NAMES_MAX 20000

struct walk {
  const struct wb_plan *plan;
  const struct wb_op *op; /* the home's */
  struct wb_home *home;
  uint32_t names;
  struct wb_directory directory; /* the one that is being read: threads have small stacks */
  char path[PATH_ROOM];          /* relative to the home */
};

/* Returns whether the plan itself puts something there: a mount point, a file. */
static int is_planned(const struct walk *walk) {
  const char *home = wb_plan_at(walk->plan, walk->op->target);
  const size_t length = strlen(home);
  for (uint32_t i = 0; i < walk->plan->op_count; i++) {
    const char *target = wb_plan_at(walk->plan, wb_plan_ops(walk->plan)[i].target);
    if (strlen(target) > length && memcmp(target, home, length) == 0 && target[length] == '/' &&
        strcmp(target + length + 1, walk->path) == 0)
      return 1;
  }
  return 0;
}

static void take_file(struct walk *walk) {
  struct wb_home *home = walk->home;
  const size_t size = strlen(walk->path) + 1;
  if (is_planned(walk))
    return;
  home->files++;
  if (size > sizeof home->text - home->used)
    return;
  memcpy(home->text + home->used, walk->path, size);
  home->used += (uint32_t)size;
}

static void walk_directory(struct walk *walk, int fd, size_t length, unsigned depth) {
  const struct wb_name *entry;
  wb_directory_begin(&walk->directory, fd);
  while (walk->home->files < WB_HOME_FILES_MAX && walk->names < NAMES_MAX &&
         (entry = wb_directory_next(&walk->directory))) {
    const size_t size = strlen(entry->name);
    const int64_t next = entry->next;
    walk->names++;
    if (length + size + 2 > sizeof walk->path)
      continue;
    memcpy(walk->path + length, entry->name, size + 1);
    int below = -1;
    if (entry->type == DT_DIRECTORY && depth + 1 < DEPTH_MAX)
      below = (int)syscall(SYS_openat, fd, entry->name,
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (below < 0) {
      take_file(walk); /* a directory that cannot be looked into counts as one */
      continue;
    }
    memcpy(walk->path + length + size, "/", 2);
    walk_directory(walk, below, length + size + 1, depth + 1);
    close(below);
    syscall(SYS_lseek, fd, next, 0);
    wb_directory_begin(&walk->directory, fd);
  }
}

void wb_home_list(int scratch, const struct wb_plan *plan, struct wb_home *home) {
  struct walk walk = {.plan = plan, .home = home};
  char name[24];
  home->files = home->used = 0;
  for (uint32_t i = 0; scratch >= 0 && i < plan->op_count && !walk.op; i++) {
    if (!(wb_plan_ops(plan)[i].flags & WB_OP_HOME) || wb_plan_ops(plan)[i].layer)
      continue;
    walk.op = wb_plan_ops(plan) + i;
    snprintf(name, sizeof name, WB_PRIVATE_NAME "%d", (int)i);
  }
  if (!walk.op)
    return;
  int fd =
      (int)syscall(SYS_openat, scratch, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0)
    return;
  walk_directory(&walk, fd, 0, 0);
  close(fd);
}
