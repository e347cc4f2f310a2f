/*
 * The walk of a search. A directory that is as the index has it is not read again: one statx(2)
 * instead of three calls and a look at every name.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../rundir/rundir.h"
#include "../sys/openat2_libc.h"
#include "../sys/utf8.h"
#include "parts.h"

#define WALK_PATH_MAX 4096
/* The limit of src/resolve/hide.ts. */
#define WALK_DEPTH_MAX 200
/* So many directories are read before it is worth writing the index again: some 0.5 ms of work. */
#define WALK_READ_MIN 100
#define WALK_PROGRESS 20000
/* A change in the tick of the last one is not seen in the time of a directory; ext3 counts seconds
 * (and so has no nanoseconds, index_may_hold). */
#define WALK_SETTLED_NS 2000000000ll

struct linux_dirent {
  uint64_t ino;
  int64_t offset;
  uint16_t size;
  uint8_t type;
  char name[];
};

struct walk {
  const struct wb_search *search;
  struct search_request request;
  struct wb_bytes *found;
  struct wb_bytes nodes; /* the new index */
  struct search_index index;
  int root;
  uint32_t uid;
  int64_t settled; /* what changed after this may have changed again */
  uint64_t names, said;
  uint32_t read; /* directories that the index did not have and could have */
  /* The last file system that was looked at. */
  uint64_t fs_dev;
  int fs_known, fs_good;
  /* The path of the directory below where the patterns begin; from `below` on below the root. */
  char path[WALK_PATH_MAX];
  size_t path_size, below;
};

/* A directory's names: those that tests pass, and the directories to look through. */
struct listing {
  struct wb_bytes found;  /* each a letter, the name, a 0 byte */
  struct wb_bytes inside; /* each the name, a 0 byte */
  const char **names;     /* of `inside`, sorted */
  uint32_t count;
  uint32_t seen;
};

static const char *below_root(struct walk *walk) {
  walk->path[walk->path_size] = 0;
  return walk->path_size > walk->below ? walk->path + walk->below : "";
}

/* Returns the path for calls with `root`. */
static const char *here(struct walk *walk) {
  const char *path = below_root(walk);
  return *path ? path : ".";
}

/* Goes into a directory; -1 where its path is too long for a call. `*back` is to be restored. */
static int enter(struct walk *walk, const char *name, size_t *back) {
  const size_t size = strlen(name);
  *back = walk->path_size;
  const size_t slash = walk->path_size > 0;
  if (walk->path_size + slash + size + 1 > sizeof walk->path)
    return -1;
  if (slash)
    walk->path[walk->path_size++] = '/';
  memcpy(walk->path + walk->path_size, name, size);
  walk->path_size += size;
  return 0;
}

static int report(struct walk *walk, char kind, const char *name) {
  const char *directory = below_root(walk);
  const size_t size = strlen(directory);
  return search_put(walk->found, &kind, 1) < 0 || search_put(walk->found, directory, size) < 0 ||
                 (size && *name && search_put(walk->found, "/", 1) < 0) ||
                 search_put(walk->found, name, strlen(name) + 1) < 0
             ? -1
             : 0;
}

/* Adds names that were seen. */
static int count(struct walk *walk, uint32_t names) {
  const struct wb_search *search = walk->search;
  walk->names += names;
  if (!search->progress || walk->names - walk->said < WALK_PROGRESS)
    return 0;
  walk->said = walk->names;
  if (search->progress(search->of, walk->names) == 0)
    return 0;
  errno = ECANCELED;
  return -1;
}

static int64_t time_of(struct statx_timestamp time) {
  return time.tv_sec * 1000000000 + time.tv_nsec;
}

static int look(int at, const char *path, int flags, struct statx *info) {
  return (int)syscall(SYS_statx, at, path, flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                      STATX_TYPE | STATX_MODE | STATX_UID | STATX_INO | STATX_MTIME | STATX_CTIME,
                      info);
}

static struct search_node node_of(const struct statx *info) {
  return (struct search_node){.dev = wb_device_number(info->stx_dev_major, info->stx_dev_minor),
                              .ino = info->stx_ino,
                              .ctime = time_of(info->stx_ctime),
                              .mtime = time_of(info->stx_mtime)};
}

static int is_state(const struct walk *walk, const struct search_node *node) {
  for (uint32_t i = 0; i < walk->request.state_count; i++) {
    struct search_identity state;
    memcpy(&state, walk->request.states + i * sizeof state, sizeof state);
    if (state.dev == node->dev && state.ino == node->ino)
      return 1;
  }
  return 0;
}

static int is_skipped(struct walk *walk) {
  const char *path = below_root(walk), *at = walk->request.skipped;
  for (const char *end = at + walk->request.skipped_size; at < end; at += strlen(at) + 1)
    if (strcmp(at, path) == 0)
      return 1;
  return 0;
}

/* File systems of which it is known that ctime changes with every name, in nanoseconds. */
static int fs_keeps_times(struct walk *walk, int fd, uint64_t dev) {
  static const uint32_t types[] = {0xef53 /* ext4 */,
                                   0x58465342 /* XFS */,
                                   0x9123683e /* btrfs */,
                                   0x01021994 /* tmpfs */,
                                   0xf2f52010 /* F2FS */,
                                   0x2fc12fc1 /* ZFS */,
                                   0xca451a4e /* bcachefs */};
  if (walk->fs_known && walk->fs_dev == dev)
    return walk->fs_good;
  struct statfs info;
  walk->fs_known = 1;
  walk->fs_dev = dev;
  walk->fs_good = 0;
  if (fstatfs(fd, &info) == 0)
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
      walk->fs_good |= (uint32_t)info.f_type == types[i];
  return walk->fs_good;
}

/* Another user's directory may be closed without a change of it: groups are this process's. */
static int is_readable(const struct walk *walk, const struct statx *info) {
  return info->stx_uid == walk->uid && (info->stx_mode & 0500) == 0500;
}

static int index_may_hold(struct walk *walk, int fd, const struct statx *info,
                          const struct search_node *node) {
  return walk->search->state && node->ino && is_readable(walk, info) &&
         node->ctime < walk->settled && info->stx_ctime.tv_nsec != 0 &&
         fs_keeps_times(walk, fd, node->dev);
}

static int is_as_kept(const struct walk *walk, const struct search_node *kept,
                      const struct statx *info, const struct search_node *node) {
  return kept->ino && kept->ino == node->ino && kept->dev == node->dev &&
         kept->ctime == node->ctime && kept->mtime == node->mtime && is_readable(walk, info);
}

static char letter_of(int fd, const struct linux_dirent *entry, int survey) {
  struct statx info;
  unsigned type = entry->type;
  if (type == DT_UNKNOWN && look(fd, entry->name, 0, &info) == 0)
    type = IFTODT(info.stx_mode);
  return type == DT_DIR ? 'd' : type == DT_LNK && survey ? 'l' : 'o';
}

/* A directory with a name that is not UTF-8 is reported: it cannot be hidden, and is refused. */
static int add_entry(struct walk *walk, int fd, const struct linux_dirent *entry,
                     struct listing *list) {
  const char *name = entry->name;
  const size_t size = strlen(name);
  if (size == 0 || (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]))))
    return 0;
  list->seen++;
  const char letter = letter_of(fd, entry, walk->request.survey);
  const int directory = letter == 'd';
  const enum search_match match =
      search_match(&walk->request, walk->path, walk->path_size, name, size);
  if (match != SEARCH_NONE || letter == 'l' ||
      (directory && wb_utf8_prefix((const uint8_t *)name, size) != size))
    if (search_put(&list->found, &letter, 1) < 0 || search_put(&list->found, name, size + 1) < 0)
      return -1;
  if (!directory || match == SEARCH_MATCHED)
    return 0;
  list->count++;
  return search_put(&list->inside, name, size + 1);
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int sort_inside(struct listing *list) {
  list->names = malloc((list->count + 1) * sizeof *list->names);
  if (!list->names)
    return -1;
  const char *at = (const char *)list->inside.at;
  for (uint32_t i = 0; i < list->count; i++, at += strlen(at) + 1)
    list->names[i] = at;
  qsort(list->names, list->count, sizeof *list->names, by_bytes);
  return 0;
}

enum opened { OPENED, OPENED_STATE, OPENED_CLOSED, OPENED_ERROR };

/* Lists all of it, or says that it is closed. */
static enum opened list_directory(struct walk *walk, int fd, struct listing *list) {
  _Alignas(8) char buffer[32768];
  for (;;) {
    const long size = syscall(SYS_getdents64, fd, buffer, sizeof buffer);
    if (size < 0)
      return OPENED_CLOSED;
    if (size == 0)
      return sort_inside(list) < 0 ? OPENED_ERROR : OPENED;
    for (long at = 0; at < size;) {
      const struct linux_dirent *entry = (const struct linux_dirent *)(buffer + at);
      if (add_entry(walk, fd, entry, list) < 0)
        return OPENED_ERROR;
      at += entry->size;
    }
  }
}

static void listing_free(struct listing *list) {
  free(list->found.at);
  free(list->inside.at);
  free(list->names);
}

static int report_all(struct walk *walk, const char *at, size_t size) {
  for (const char *end = at + size; at < end; at += strlen(at) + 1)
    if (report(walk, *at, at + 1) < 0)
      return -1;
  return 0;
}

static int visit(struct walk *walk, const uint8_t *kept, const uint8_t *end, uint32_t depth);

/* A node of which nothing is known. */
static int put_unknown(struct walk *walk) {
  const struct search_node none = {.size = sizeof none};
  return search_put(&walk->nodes, &none, sizeof none);
}

/* Keeps what the index has of a directory that is not looked at this time. */
static int put_kept(struct walk *walk, const uint8_t *kept, const uint8_t *end) {
  struct search_node node;
  if (!kept || !search_node_read(&node, kept, end))
    return put_unknown(walk);
  return search_put(&walk->nodes, kept, node.size);
}

/* Directories full of files that are named by their hash. */
static int is_object_store(const struct walk *walk, const char *name) {
  static const char objects[] = "objects";
  const size_t size = sizeof objects - 1, all = walk->path_size;
  const int hash = strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2;
  return (hash || strcmp(name, "pack") == 0) && all >= size &&
         memcmp(walk->path + all - size, objects, size) == 0 &&
         (all == size || walk->path[all - size - 1] == '/');
}

static int visit_inside(struct walk *walk, const char *name, const uint8_t *kept,
                        const uint8_t *end, uint32_t depth) {
  size_t back;
  const int passed_over = walk->request.survey && is_object_store(walk, name);
  if (search_put(&walk->nodes, name, strlen(name) + 1) < 0)
    return -1;
  if (enter(walk, name, &back) < 0)
    return report(walk, 'c', name) < 0 ? -1 : put_unknown(walk);
  const int ret = passed_over || is_skipped(walk) ? put_kept(walk, kept, end)
                                                  : visit(walk, kept, end, depth + 1);
  walk->path_size = back;
  return ret;
}

/* The end of a string that lies before `end`; NULL where none does. */
static const uint8_t *behind(const uint8_t *at, const uint8_t *end) {
  const uint8_t *zero = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
  return zero ? zero + 1 : NULL;
}

/* Directories in one that the index has, in their order. */
struct kept_inside {
  const uint8_t *at, *end;
  uint32_t left;
  const char *name;
  const uint8_t *node;
};

static void next_kept(struct kept_inside *kept) {
  struct search_node node;
  const uint8_t *behind_name = kept->left ? behind(kept->at, kept->end) : NULL;
  kept->name = NULL;
  if (!behind_name || !search_node_read(&node, behind_name, kept->end)) {
    kept->left = 0;
    return;
  }
  kept->name = (const char *)kept->at;
  kept->node = behind_name;
  kept->at = behind_name + node.size;
  kept->left--;
}

static struct kept_inside kept_inside_of(const struct search_node *node, const uint8_t *at) {
  struct kept_inside kept = {0};
  if (at) {
    kept.left = node->children;
    kept.at = at + sizeof *node + node->names_size;
    kept.end = at + node->size;
  }
  next_kept(&kept);
  return kept;
}

static void end_node(struct walk *walk, size_t begin, struct search_node node) {
  node.size = (uint32_t)(walk->nodes.size - begin);
  memcpy(walk->nodes.at + begin, &node, sizeof node);
}

/* A directory that is as it was. */
static int visit_kept(struct walk *walk, const struct search_node *node, const uint8_t *at,
                      uint32_t depth) {
  const size_t begin = walk->nodes.size;
  const char *names = (const char *)at + sizeof *node;
  if (search_put(&walk->nodes, at, sizeof *node + node->names_size) < 0 ||
      report_all(walk, names, node->names_size) < 0 || count(walk, node->names) < 0)
    return -1;
  int ret = 0;
  for (struct kept_inside kept = kept_inside_of(node, at); kept.name && ret == 0; next_kept(&kept))
    ret = visit_inside(walk, kept.name, kept.node, at + node->size, depth);
  end_node(walk, begin, *node);
  return ret;
}

/* A directory whose names were read: what the index has of those in it still counts. */
static int visit_listed(struct walk *walk, struct search_node node, const struct listing *list,
                        const struct search_node *before, const uint8_t *at, uint32_t depth) {
  const size_t begin = walk->nodes.size;
  node.names_size = (uint32_t)list->found.size;
  node.children = list->count;
  node.names = list->seen;
  if (search_put(&walk->nodes, &node, sizeof node) < 0 ||
      search_put(&walk->nodes, list->found.at, list->found.size) < 0 ||
      report_all(walk, (const char *)list->found.at, list->found.size) < 0 ||
      count(walk, list->seen) < 0)
    return -1;
  struct kept_inside kept = kept_inside_of(before, at);
  int ret = 0;
  for (uint32_t i = 0; i < list->count && ret == 0; i++) {
    const char *name = list->names[i];
    while (kept.name && strcmp(kept.name, name) < 0)
      next_kept(&kept);
    const int same = kept.name && strcmp(kept.name, name) == 0;
    ret = visit_inside(walk, name, same ? kept.node : NULL, kept.end, depth);
  }
  end_node(walk, begin, node);
  return ret;
}

/* Lists an open directory. */
static enum opened list_open(struct walk *walk, int fd, struct search_node *node,
                             struct listing *list) {
  struct statx info;
  if (look(fd, "", AT_EMPTY_PATH, &info) < 0)
    return OPENED_CLOSED;
  *node = node_of(&info);
  if (is_state(walk, node))
    return OPENED_STATE;
  const int holds = index_may_hold(walk, fd, &info, node);
  walk->read += holds != 0;
  if (!holds)
    node->ino = 0;
  return list_directory(walk, fd, list);
}

static int open_here(struct walk *walk, int flags) {
  const int waits = flags & O_PATH ? 0 : O_NONBLOCK;
  const int all = flags | waits | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const struct open_how how = {.flags = (uint64_t)all,
                               .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
  return walk->request.survey ? wb_openat2(walk->root, here(walk), &how)
                              : openat(walk->root, here(walk), all);
}

/* Looks at a directory that the index has. A survey asks no other mount, which may not answer. */
static int look_here(struct walk *walk, struct statx *info) {
  if (!walk->request.survey)
    return look(walk->root, here(walk), 0, info);
  const int fd = open_here(walk, O_PATH);
  const int ret = fd < 0 ? -1 : look(fd, "", AT_EMPTY_PATH, info);
  if (fd >= 0)
    close(fd);
  return ret;
}

static enum opened open_and_list(struct walk *walk, struct search_node *node,
                                 struct listing *list) {
  const int fd = open_here(walk, O_RDONLY);
  if (fd < 0)
    return OPENED_CLOSED;
  const enum opened opened = list_open(walk, fd, node, list);
  const int error = errno;
  close(fd);
  errno = error;
  return opened;
}

static int put_closed(struct walk *walk) {
  return report(walk, 'c', "") < 0 ? -1 : put_unknown(walk);
}

/* `kept`: what the index has of the directory, NULL where it has nothing. */
static int visit(struct walk *walk, const uint8_t *kept, const uint8_t *end, uint32_t depth) {
  struct search_node node, before = {0};
  struct statx info;
  if (walk->request.depth + depth > WALK_DEPTH_MAX)
    return put_closed(walk);
  const int known = kept && search_node_read(&before, kept, end);
  if (known && look_here(walk, &info) == 0) {
    node = node_of(&info);
    if (is_state(walk, &node))
      return put_unknown(walk);
    if (is_as_kept(walk, &before, &info, &node))
      return visit_kept(walk, &before, kept, depth);
  }
  struct listing list = {0};
  int ret = -1;
  switch (open_and_list(walk, &node, &list)) {
  case OPENED:
    ret = visit_listed(walk, node, &list, &before, known ? kept : NULL, depth);
    break;
  case OPENED_STATE:
    ret = put_unknown(walk);
    break;
  case OPENED_CLOSED:
    ret = put_closed(walk);
    break;
  case OPENED_ERROR:
    break;
  }
  listing_free(&list);
  return ret;
}

/* The root's path below where the patterns begin. */
static int begin_path(struct walk *walk) {
  const struct search_request *request = &walk->request;
  if (request->context_size + 2 > sizeof walk->path) {
    errno = EINVAL;
    return -1;
  }
  memcpy(walk->path, request->context, request->context_size);
  walk->path_size = request->context_size;
  walk->below = request->context_size ? request->context_size + 1 : 0;
  return 0;
}

static int run(struct walk *walk) {
  const struct wb_search *search = walk->search;
  struct statx info;
  struct search_node root = {0};
  if (begin_path(walk) < 0)
    return -1;
  walk->root = open(search->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (walk->root < 0)
    return report(walk, 'c', "");
  if (look(walk->root, "", AT_EMPTY_PATH, &info) == 0)
    root = node_of(&info);
  if (search->state && root.ino)
    search_index_load(&walk->index, search->state, &root, &walk->request);
  const uint8_t *end = walk->index.bytes.at ? walk->index.bytes.at + walk->index.bytes.size : NULL;
  const int ret = visit(walk, walk->index.root, end, 0);
  const int error = errno;
  if (ret == 0 && search->state && root.ino && walk->read >= WALK_READ_MIN)
    search_index_save(search->state, &root, &walk->request, &walk->nodes);
  close(walk->root);
  errno = error;
  return ret;
}

int wb_search(const struct wb_search *search, struct wb_bytes *found, uint64_t *names) {
  struct timespec now = {0};
  clock_gettime(CLOCK_REALTIME, &now);
  struct walk *walk = calloc(1, sizeof *walk);
  int ret = -1, error = ENOMEM;
  if (walk) {
    walk->search = search;
    walk->found = found;
    walk->uid = (uint32_t)syscall(SYS_geteuid);
    walk->settled = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - WALK_SETTLED_NS;
    if (search_request_read(&walk->request, search->request, search->request_size) == 0)
      ret = run(walk);
    error = errno;
    *names = walk->names;
    free(walk->nodes.at);
    free(walk->index.bytes.at);
    search_request_free(&walk->request);
    free(walk);
  }
  errno = error;
  return ret;
}
