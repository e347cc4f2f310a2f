/*
 * See move_tree.h. In a process of its own that shares the supervisor's memory, has joined the
 * sandbox's user and mount namespaces, and has the payload's ids without a capability. It is in no
 * pid namespace of the payload's, which cannot see it.
 *
 * The new directory is filled in one beside its place, and takes the place at the end by one
 * rename(2), which overlayfs makes for what it has made itself. Where a file cannot be moved, those
 * that were go back. The one beside stays until the old directory is gone, too: a run in whose
 * layer it is found was ended amidst a move (src/changes/scan/cut-short.ts).
 *
 * Raw system calls alone, which return a negative errno: `errno` is the supervisor's thread's,
 * whose memory this process shares while that goes on.
 */
#define _GNU_SOURCE
#include "../sys/openat2.h"
#include "move_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/prctl.h>
#include <linux/stat.h>
#include <sched.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>

#include "../sys/syscall.h"

/* Two descriptors each. */
#define DEPTH_MAX 200
#define NAME_ROOM 256
#define NAMES_TRIED 100
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

/* A parent directory and the last name of a path in it. */
struct place {
  int parent;
  char name[NAME_ROOM];
};

/* This thread has no more than the payload's own rights from here on. */
static int join(const struct wb_move_tree *tree) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  if (sys2(__NR_setns, tree->init, CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
      sys3(__NR_setresgid, tree->gid, tree->gid, tree->gid) < 0 ||
      sys3(__NR_setresuid, tree->uid, tree->uid, tree->uid) < 0 ||
      sys5(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
      sys2(__NR_capset, &header, none) < 0 ||
      /* The signal comes after the ids, which would clear it. The supervisor may be gone by now. */
      sys5(__NR_prctl, PR_SET_PDEATHSIG, 9 /* SIGKILL */, 0, 0, 0) < 0 ||
      sys0(__NR_getppid) != tree->supervisor)
    return -1;
  return 0;
}

/* "a/b//" is b in a; "b" is b here. Neither "." nor "..", which no rename takes. */
static int find_place(struct place *place, int base, const char *path) {
  char parent[WB_MOVE_PATH_MAX];
  size_t end = strlen(path), start;
  while (end > 1 && path[end - 1] == '/')
    end--;
  for (start = end; start > 0 && path[start - 1] != '/';)
    start--;
  const size_t length = end - start;
  if (length == 0 || length >= sizeof place->name)
    return -1;
  memcpy(place->name, path + start, length);
  place->name[length] = 0;
  if (strcmp(place->name, ".") == 0 || strcmp(place->name, "..") == 0)
    return -1;
  memcpy(parent, path, start);
  parent[start] = 0;
  struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                         .resolve = RESOLVE_NO_MAGICLINKS};
  place->parent = (int)sys_openat2(path[0] == '/' ? AT_FDCWD : base, start ? parent : ".", &how);
  return place->parent < 0 ? -1 : 0;
}

static int look(int directory, const char *name, struct statx *info) {
  return (int)sys5(__NR_statx, directory, name, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH),
                   STATX_BASIC_STATS | STATX_MNT_ID, info);
}

static int is_directory(const struct statx *info) {
  return (info->stx_mode & S_IFMT) == S_IFDIR;
}

/* Returns whether both places lie in one mount of overlayfs. */
static int in_one_overlay(const struct place *old, const struct place *fresh) {
  struct statx a, b;
  struct statfs info;
  return sys2(__NR_fstatfs, old->parent, &info) == 0 && info.f_type == OVERLAYFS_SUPER_MAGIC &&
         look(old->parent, "", &a) == 0 && look(fresh->parent, "", &b) == 0 &&
         a.stx_mnt_id == b.stx_mnt_id;
}

static int open_directory(int parent, const char *name) {
  struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
  return (int)sys_openat2(parent, name, &how);
}

static int rename_at(int from, const char *old, int to, const char *fresh, uint32_t flags) {
  return (int)-sys5(__NR_renameat2, from, old, to, fresh, flags);
}

/* Mode and times as they were; what cannot be kept is no reason to fail. */
static void take_over(int fd, const struct statx *info) {
  const struct timespec times[2] = {{info->stx_atime.tv_sec, info->stx_atime.tv_nsec},
                                    {info->stx_mtime.tv_sec, info->stx_mtime.tv_nsec}};
  sys2(__NR_fchmod, fd, info->stx_mode & 07777);
  sys4(__NR_utimensat, fd, NULL, times, 0);
}

/* Returns whether a directory holds nothing but itself and its parent. */
static int only_dots(const char *entries, long end) {
  for (long at = 0; at < end;) {
    const struct wb_name *entry = (const void *)(entries + at);
    if (strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0)
      return 0;
    at += entry->length;
  }
  return 1;
}

static int move_entries(struct wb_move_tree *tree, int from, int to, unsigned depth);

/* A directory below the one that is moved: by itself where overlayfs can, else what is in it. One
 * that is there already, of a move that goes back, is joined. */
static int move_directory(struct wb_move_tree *tree, int from, int to, const char *name,
                          unsigned depth) {
  struct statx info;
  int error = rename_at(from, name, to, name, RENAME_NOREPLACE);
  if (error != EXDEV && error != EEXIST)
    return error;
  if (depth >= DEPTH_MAX)
    return EXDEV;
  long ret = look(from, name, &info);
  if (ret < 0)
    return (int)-ret;
  ret = sys3(__NR_mkdirat, to, name, 0700);
  if (ret < 0 && ret != -EEXIST)
    return (int)-ret;
  int old = open_directory(from, name), fresh = open_directory(to, name);
  error = old < 0 || fresh < 0 ? EXDEV : move_entries(tree, old, fresh, depth + 1);
  if (!error) {
    take_over(fresh, &info);
    error = (int)-sys3(__NR_unlinkat, from, name, AT_REMOVEDIR);
  }
  if (old >= 0)
    sys1(__NR_close, old);
  if (fresh >= 0)
    sys1(__NR_close, fresh);
  return error;
}

/* All entries, until there are none: what is moved is gone from where it is read. */
static int move_entries(struct wb_move_tree *tree, int from, int to, unsigned depth) {
  for (;;) {
    sys3(__NR_lseek, from, 0, 0 /* SEEK_SET */);
    const long end = sys3(__NR_getdents64, from, tree->entries, sizeof tree->entries);
    if (end < 0)
      return (int)-end;
    int moved = 0, error = 0;
    for (long at = 0; at < end && !error && !moved;) {
      const struct wb_name *entry = (const void *)(tree->entries + at);
      at += entry->length;
      char name[NAME_ROOM];
      const size_t length = strlen(entry->name);
      if (length >= sizeof name)
        return ENAMETOOLONG;
      memcpy(name, entry->name, length + 1);
      if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        continue;
      if (entry->type == DT_DIRECTORY) {
        error = move_directory(tree, from, to, name, depth);
        moved = 1; /* the buffer was another directory's meanwhile */
      } else {
        error = rename_at(from, name, to, name, RENAME_NOREPLACE);
      }
    }
    if (error)
      return error;
    if (!moved && only_dots(tree->entries, end))
      return 0;
  }
}

/* The directory in the one beside the new place that is filled. */
static const char filled[] = "tree";

/* A directory beside the new place, under a name that nothing has. */
static int make_beside(const struct place *fresh, char name[NAME_ROOM]) {
  static const char stem[] = ".wasbox-move-";
  const size_t end = sizeof stem - 1;
  memcpy(name, stem, end);
  name[end + 2] = 0;
  for (int i = 0; i < NAMES_TRIED; i++) {
    name[end] = (char)('0' + i / 10);
    name[end + 1] = (char)('0' + i % 10);
    const long ret = sys3(__NR_mkdirat, fresh->parent, name, 0700);
    if (ret != -EEXIST)
      return (int)-ret;
  }
  return EEXIST;
}

static int move_whole(struct wb_move_tree *tree, const struct place *old, const struct place *fresh,
                      const struct statx *info) {
  char beside[NAME_ROOM];
  struct statx target;
  if (look(fresh->parent, fresh->name, &target) == 0) {
    /* The kernel finds at the end whether what is in the way is empty, before it removes it.
     */
    if (tree->flags & RENAME_NOREPLACE)
      return EEXIST;
    if (!is_directory(&target))
      return ENOTDIR;
  }
  int error = make_beside(fresh, beside);
  if (error)
    return error;
  const int from = open_directory(old->parent, old->name);
  const int mark = open_directory(fresh->parent, beside);
  if (mark >= 0)
    sys3(__NR_mkdirat, mark, filled, 0700);
  const int to = mark < 0 ? -1 : open_directory(mark, filled);
  error = from < 0 || to < 0 ? EXDEV : move_entries(tree, from, to, 0);
  if (!error) {
    take_over(to, info);
    error = rename_at(mark, filled, fresh->parent, fresh->name, tree->flags);
  }
  if (error && from >= 0 && to >= 0)
    move_entries(tree, to, from, 0);
  if (error)
    sys3(__NR_unlinkat, mark, filled, AT_REMOVEDIR);
  else
    error = (int)-sys3(__NR_unlinkat, old->parent, old->name, AT_REMOVEDIR);
  sys3(__NR_unlinkat, fresh->parent, beside, AT_REMOVEDIR);
  for (const int *fd = (const int[]){from, mark, to, -2}; *fd != -2; fd++)
    if (*fd >= 0)
      sys1(__NR_close, *fd);
  return error;
}

void wb_move_tree(struct wb_move_tree *tree) {
  struct place old = {.parent = -1}, fresh = {.parent = -1};
  struct statx info;
  if (join(tree) < 0 || find_place(&old, tree->old_base, tree->old_path) < 0 ||
      find_place(&fresh, tree->new_base, tree->new_path) < 0 ||
      look(old.parent, old.name, &info) < 0 || !is_directory(&info) ||
      !in_one_overlay(&old, &fresh))
    return;
  /* Whatever else the kernel says of it, it says to the program. */
  const int error = rename_at(old.parent, old.name, fresh.parent, fresh.name, tree->flags);
  if (error == 0)
    tree->outcome = 0;
  else if (error == EXDEV)
    tree->outcome = move_whole(tree, &old, &fresh, &info);
}
