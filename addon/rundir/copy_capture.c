/*
 * See working_copy.h: the layer. A file of the copy is unchanged if its inode is the one that was
 * made for its path and has not changed since the copy was whole (no program can set ctime). All
 * others are compared with the source, byte by byte. A path is deleted if it was copied, the copy
 * has it no more, and the source still has what was copied. Called by the addon.
 *
 * A capture that was cut short goes on where it was: what was moved is in the layer already.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "copy_parts.h"
#include "layer.h"

struct capture {
  struct wb_copy_failure *failure;
  struct copy_path path;
  struct copy_index index;
  int looks; /* whether anything differs is all that is asked */
  int place; /* borrowed, with the name of the copy */
  const char *name;
  uint64_t device; /* of the source */
  uid_t uid;       /* owner in the layer; -1: as it is */
  gid_t gid;
  int layer;           /* borrowed: its root */
  struct copy_job job; /* of what is copied to another file system */
};

/* A directory of the copy, its counterparts, and the one above. */
struct level {
  struct level *above;
  const char *name;
  int copy, source; /* source: -1 where there is none */
  int upper;        /* -1 until something is kept in it; the root's is borrowed */
  int known;        /* the source is the directory that was copied */
  uid_t uid;        /* owner in the layer, where the capture gives one */
  gid_t gid;
  struct stat info; /* of the copy */
};

static int fail(struct capture *capture) {
  return copy_fail(capture->failure, errno, &capture->path);
}

static int is_before(const struct timespec *a, const struct timespec *b) {
  return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static char *opened_name(const struct capture *capture, char name[64]) {
  snprintf(name, 64, "%s.opened", capture->name);
  return name;
}

/* Once a directory has another mode than the program gave it, a capture that goes on later cannot
 * tell. */
static int note_opened(const struct capture *capture) {
  char name[64];
  const int fd = openat(capture->place, opened_name(capture, name),
                        O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  return fd < 0 ? -1 : close(fd);
}

/* Opens a directory of the copy to read and change it, whatever its mode. */
static int open_relaxed(const struct capture *capture, int directory, const char *name,
                        const struct stat *seen) {
  if ((seen->st_mode & 0700) == 0700)
    return copy_open_directory(directory, name);
  if (note_opened(capture) < 0)
    return -1;
  int fd = copy_open_directory(directory, name);
  if (fd >= 0)
    fchmod(fd, (seen->st_mode & COPY_MODE_BITS) | 0700); /* what then fails says so */
  if (fd >= 0 || errno != EACCES)
    return fd;
  /* Should a program of the run still live, it must not lead this to another file. */
  char link[40];
  const int handle = openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (handle < 0)
    return -1;
  snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
  fd = chmod(link, 0700) < 0 ? -1 : copy_open_directory(directory, name);
  const int error = errno;
  close(handle);
  errno = error;
  return fd;
}

/* Makes the layer's directory for a level, and those above it. If only asked whether something
 * changed, the comparison ends here: something is to be kept. */
static int ensure_upper(struct capture *capture, struct level *level) {
  if (capture->looks)
    return -1;
  if (level->upper >= 0)
    return 0;
  if (ensure_upper(capture, level->above) < 0)
    return -1;
  const int parent = level->above->upper;
  const struct timespec times[2] = {level->info.st_atim, level->info.st_mtim};
  /* It may be there from an attempt that found no room. */
  if ((mkdirat(parent, level->name, 0700) < 0 && errno != EEXIST) ||
      (level->upper = copy_open_directory(parent, level->name)) < 0 ||
      (capture->uid != (uid_t)-1 && fchown(level->upper, level->uid, level->gid) < 0) ||
      futimens(level->upper, times) < 0)
    return fail(capture);
  return 0;
}

static int is_same_part(const int fds[2], off_t at, off_t end) {
  char bytes[2][16384];
  while (at < end) {
    const size_t most = end - at < (off_t)sizeof bytes[0] ? (size_t)(end - at) : sizeof bytes[0];
    const ssize_t n = pread(fds[0], bytes[0], most, at);
    if (n <= 0)
      return 0;
    for (ssize_t m = 0, got; m < n; m += got)
      if ((got = pread(fds[1], bytes[1] + m, (size_t)(n - m), at + m)) <= 0)
        return 0;
    if (memcmp(bytes[0], bytes[1], (size_t)n) != 0)
      return 0;
    at += n;
  }
  return 1;
}

/* Compares files of this size; what is a hole in both is not read. */
static int is_same_text(int a, const char *name, int b, off_t size) {
  const int fds[2] = {openat(a, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC),
                      openat(b, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  int same = fds[0] >= 0 && fds[1] >= 0;
  for (off_t at = 0; same && at < size;) {
    off_t parts[2][2] = {{size, size}, {size, size}};
    for (int i = 0; i < 2; i++)
      if (!copy_next_data(fds[i], at, size, &parts[i][0], &parts[i][1]))
        parts[i][0] = parts[i][1] = size;
    const off_t begin = parts[0][0] < parts[1][0] ? parts[0][0] : parts[1][0];
    at = size; /* the next place where one of them begins or ends */
    for (int i = 0; i < 4; i++)
      if (parts[i / 2][i % 2] > begin && parts[i / 2][i % 2] < at)
        at = parts[i / 2][i % 2];
    same = begin >= size || is_same_part(fds, begin, at);
  }
  for (int i = 0; i < 2; i++)
    if (fds[i] >= 0)
      close(fds[i]);
  return same;
}

static int is_same_link(int a, const char *name, int b) {
  char targets[2][4096];
  const ssize_t n = readlinkat(a, name, targets[0], sizeof targets[0]);
  return n >= 0 && readlinkat(b, name, targets[1], sizeof targets[1]) == n &&
         memcmp(targets[0], targets[1], (size_t)n) == 0;
}

static int is_copy(const struct copy_record *record, const struct stat *copy) {
  return record && record->inode == copy->st_ino;
}

static int is_source(const struct copy_record *record, const struct stat *source) {
  return record && record->source_device == source->st_dev &&
         record->source_inode == source->st_ino;
}

/* Returns whether the program left a file or link as it was copied, whatever the user made of
 * the source since. A clock that was set back is noticed by the file's own time. */
static int is_unchanged(const struct capture *capture, const struct copy_record *record,
                        const struct stat *copy) {
  return is_copy(record, copy) && (S_ISREG(copy->st_mode) || S_ISLNK(copy->st_mode)) &&
         is_before(&copy->st_ctim, &capture->index.made) &&
         copy_record_of("", copy, copy).mtime_ns == record->mtime_ns;
}

static int is_same(const struct level *level, const char *name, const struct stat *copy,
                   const struct stat *source) {
  if ((copy->st_mode & S_IFMT) != (source->st_mode & S_IFMT))
    return 0;
  if (S_ISLNK(copy->st_mode))
    return is_same_link(level->copy, name, level->source);
  if (!S_ISREG(copy->st_mode) || copy->st_size != source->st_size ||
      ((copy->st_mode ^ source->st_mode) & COPY_MODE_BITS))
    return 0;
  return is_same_text(level->copy, name, level->source, copy->st_size);
}

/* Gives away all that was moved to the layer, as root. */
static int give_all(const struct capture *capture, int directory, const char *name, int depth) {
  struct stat info;
  struct copy_names names;
  if (fchownat(directory, name, capture->uid, capture->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
      fstatat(directory, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
    return -1;
  if (!S_ISDIR(info.st_mode) || depth >= COPY_DEPTH_MAX)
    return 0;
  const int fd = copy_open_directory(directory, name);
  if (fd < 0)
    return -1;
  int ret = 0, error = copy_names_read(fd, &names);
  for (size_t at = 0; !error && ret == 0 && at < names.size; at += strlen(names.bytes + at) + 1)
    ret = give_all(capture, fd, names.bytes + at, depth + 1);
  if (!error)
    free(names.bytes);
  close(fd);
  errno = error ? error : errno;
  return error ? -1 : ret;
}

/* Another file system: then it is copied, with what a copy keeps. */
static int copy_over(struct capture *capture, const struct level *level, const char *name) {
  static const struct wb_copy_request request = {.uid = (uid_t)-1};
  struct copy_job *job = &capture->job;
  struct stat info;
  if (fstat(level->copy, &info) < 0)
    return -1;
  job->request = &request;
  job->failure = capture->failure;
  job->index = -1;
  job->device = info.st_dev;
  job->layer = capture->layer;
  /* The job enters the name itself. */
  job->path = capture->path;
  const size_t size = strlen(name);
  job->path.length -= job->path.length > size ? size + 1 : size;
  job->path.text[job->path.length] = 0;
  return copy_entry(job, level->copy, name, level->upper, 0);
}

/* Gives the owner that an overlay gives: what is written to keeps its owner, and what is made gets
 * the program's. */
static int give(const struct capture *capture, int directory, const char *name,
                const struct stat *source) {
  if (capture->uid == (uid_t)-1)
    return 0;
  if (!source || !S_ISREG(source->st_mode))
    return give_all(capture, directory, name, 0);
  return fchownat(directory, name, source->st_uid, source->st_gid, AT_SYMLINK_NOFOLLOW);
}

/* A directory that its owner may not write to cannot be moved to another one either, since ".." in
 * it changes. Its mode goes with it. rename(2), EACCES */
static int move_closed(const struct capture *capture, const struct level *level, const char *name) {
  char link[40];
  struct stat info;
  if (note_opened(capture) < 0)
    return -1;
  const int handle = openat(level->copy, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (handle < 0)
    return -1;
  snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
  int ret = fstat(handle, &info);
  if (ret == 0)
    ret = chmod(link, (info.st_mode & COPY_MODE_BITS) | 0700);
  int error = errno;
  if (ret == 0) {
    ret = renameat(level->copy, name, level->upper, name);
    error = errno;
    if (chmod(link, info.st_mode & COPY_MODE_BITS) < 0 && ret == 0) {
      ret = -1;
      error = errno;
    }
  }
  close(handle);
  errno = error;
  return ret;
}

/* Copies an entry to another file system. What a capture that was cut short has made of it is made
 * again. */
static int copy_anew(struct capture *capture, const struct level *level, const char *name,
                     const struct stat *source) {
  return wb_tree_remove(level->upper, name) < 0 || copy_over(capture, level, name) < 0
             ? -1
             : give(capture, level->upper, name, source);
}

/* The owner first: what is in the layer needs nothing more. */
static int keep(struct capture *capture, struct level *level, const char *name,
                const struct stat *source) {
  if (ensure_upper(capture, level) < 0)
    return -1;
  if (give(capture, level->copy, name, source) < 0)
    return fail(capture);
  int moved = renameat(level->copy, name, level->upper, name);
  if (moved < 0 && errno == EACCES)
    moved = move_closed(capture, level, name);
  if (moved < 0 && (errno != EXDEV || copy_anew(capture, level, name, source) < 0))
    return fail(capture);
  return 0;
}

/* The mode of a whiteout that lacks its attribute yet. */
#define UNFINISHED_MODE (S_ISVTX | S_IWUSR)

/* An overlay's mark: a device, or, where those cannot be made (on an overlay itself), an empty file
 * with an attribute in a directory that says so. Linux 6.7, Documentation/filesystems/overlayfs */
static int white_out(struct capture *capture, struct level *level, const char *name) {
  if (ensure_upper(capture, level) < 0)
    return -1;
  if (mknodat(level->upper, name, S_IFCHR, makedev(0, 0)) == 0)
    return 0;
  if (errno != EPERM && errno != EEXIST)
    return fail(capture);
  int ret = wb_remove_name(level->upper, name, 0);
  const int fd =
      ret < 0 ? -1
              : openat(level->upper, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       UNFINISHED_MODE);
  ret = fd < 0 ? -1 : fsetxattr(level->upper, "user.overlay.opaque", "x", 1, 0);
  if (ret == 0)
    ret = fsetxattr(fd, "user.overlay.whiteout", "y", 1, 0);
  if (ret == 0)
    ret = fchmod(fd, 0600);
  const int error = errno;
  if (fd >= 0)
    close(fd);
  errno = error;
  return ret < 0 ? fail(capture) : 0;
}

/* Returns whether the layer has an entry already. */
static int is_kept(const struct level *level, const char *name) {
  struct stat info;
  return level->upper >= 0 && fstatat(level->upper, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         info.st_mode != (S_IFREG | UNFINISHED_MODE);
}

/* Returns whether the program deleted what the source has. A directory is known by its inode.
 * A file may have become another one, which its times tell apply. What the copy left out, and
 * what came to the source later, is none of the program's. */
static int is_deleted(const struct capture *capture, const struct level *level, const char *name) {
  struct stat source;
  const struct copy_record *record = copy_index_find(&capture->index, capture->path.text);
  return record && fstatat(level->source, name, &source, AT_SYMLINK_NOFOLLOW) == 0 &&
         (S_ISDIR(source.st_mode)
              ? is_source(record, &source)
              : level->known && (S_ISREG(source.st_mode) || S_ISLNK(source.st_mode))) &&
         faccessat(level->copy, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT &&
         !is_kept(level, name);
}

static int capture_directory(struct capture *capture, struct level *level, int depth);

/* A directory of the copy: what differs from the source's is kept. `source`: NULL where the user
 * has removed it since. */
static int compare_below(struct capture *capture, struct level *level, const char *name,
                         const struct stat *copy, const struct stat *source, int depth) {
  struct stat found;
  struct level below = {
      .above = level, .name = name, .upper = -1, .source = -1, .info = *copy, .known = 0};
  below.uid = source ? source->st_uid : copy->st_uid;
  below.gid = source ? source->st_gid : copy->st_gid;
  /* Everything that was copied could be read: where it cannot, its mode is another. */
  below.copy = capture->looks ? copy_open_directory(level->copy, name)
                              : open_relaxed(capture, level->copy, name, copy);
  if (below.copy < 0)
    return fail(capture);
  if (source && source->st_dev == capture->device)
    below.source = copy_open_directory(level->source, name);
  if (below.source >= 0 && fstat(below.source, &found) == 0)
    below.known = is_source(copy_index_find(&capture->index, capture->path.text), &found);
  /* Where a capture goes on. */
  if (level->upper >= 0)
    below.upper = copy_open_directory(level->upper, name);
  int ret = capture_directory(capture, &below, depth + 1);
  if (ret == 0 && source && ((copy->st_mode ^ source->st_mode) & COPY_MODE_BITS))
    ret = ensure_upper(capture, &below);
  if (ret == 0 && below.upper >= 0 && fchmod(below.upper, copy->st_mode & COPY_MODE_BITS) < 0)
    ret = fail(capture);
  close(below.copy);
  if (below.source >= 0)
    close(below.source);
  if (below.upper >= 0)
    close(below.upper);
  return ret;
}

static int capture_entry(struct capture *capture, struct level *level, const char *name,
                         int depth) {
  struct stat copy, source;
  if (fstatat(level->copy, name, &copy, AT_SYMLINK_NOFOLLOW) < 0)
    return fail(capture);
  const struct copy_record *record = copy_index_find(&capture->index, capture->path.text);
  if (is_unchanged(capture, record, &copy))
    return 0;
  const int has_source =
      level->source >= 0 && fstatat(level->source, name, &source, AT_SYMLINK_NOFOLLOW) == 0;
  const int is_directory = S_ISDIR(copy.st_mode) && depth < COPY_DEPTH_MAX;
  if (is_directory && (has_source ? S_ISDIR(source.st_mode) : is_copy(record, &copy)))
    return compare_below(capture, level, name, &copy, has_source ? &source : NULL, depth);
  if (has_source && is_same(level, name, &copy, &source))
    return 0;
  return keep(capture, level, name, has_source && S_ISREG(copy.st_mode) ? &source : NULL);
}

static int take_names(struct capture *capture, struct level *level, int of_source, int depth) {
  struct copy_names names;
  int ret = 0;
  const int error = copy_names_read(of_source ? level->source : level->copy, &names);
  if (error) {
    errno = error;
    return fail(capture);
  }
  for (size_t at = 0; ret == 0 && at < names.size; at += strlen(names.bytes + at) + 1) {
    const char *name = names.bytes + at;
    const long before = copy_path_enter(&capture->path, name);
    if (before < 0) {
      ret = fail(capture);
      break;
    }
    const int left_out =
        copy_is_left_out(capture->index.left_out, capture->index.left_out_size, capture->path.text);
    if (!left_out && !of_source)
      ret = capture_entry(capture, level, name, depth);
    else if (!left_out && is_deleted(capture, level, name))
      ret = white_out(capture, level, name);
    copy_path_leave(&capture->path, before);
  }
  free(names.bytes);
  return ret;
}

static int capture_directory(struct capture *capture, struct level *level, int depth) {
  if (take_names(capture, level, 0, depth) < 0)
    return -1;
  return level->source < 0 ? 0 : take_names(capture, level, 1, depth);
}

/* Returns whether the layer will be all that the program did: the copy was made whole, and no
 * directory of it was opened by a capture that was cut short. -1 with errno. */
static int is_exact(struct capture *capture, const struct wb_copy_request *request) {
  char name[64];
  const int began = faccessat(request->place, opened_name(capture, name), F_OK, 0) == 0;
  if (request->source && copy_index_read(&capture->index, request) < 0)
    return errno == EILSEQ && !capture->looks ? 0 : -1;
  return !began;
}

static int capture_whole(struct capture *capture, const struct wb_copy_request *request,
                         int upper) {
  struct stat source;
  struct level root = {.copy = -1, .source = -1, .upper = upper, .name = "."};
  memset(&source, 0, sizeof source);
  capture->place = request->place;
  capture->name = request->name;
  capture->layer = upper;
  const int exact = is_exact(capture, request);
  if (exact < 0 || fstatat(request->place, request->name, &root.info, AT_SYMLINK_NOFOLLOW) < 0 ||
      (root.copy = capture->looks
                       ? copy_open_directory(request->place, request->name)
                       : open_relaxed(capture, request->place, request->name, &root.info)) < 0)
    return fail(capture);
  int ret = 0;
  if (request->source) {
    root.source = open(request->source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (root.source < 0 || fstat(root.source, &source) < 0)
      ret = fail(capture);
    capture->device = source.st_dev;
    root.known = ret == 0 && is_source(copy_index_find(&capture->index, ""), &source);
  }
  if (ret == 0)
    ret = capture_directory(capture, &root, 0);
  if (ret == 0 && request->source && ((root.info.st_mode ^ source.st_mode) & COPY_MODE_BITS) &&
      (ensure_upper(capture, &root) < 0 || fchmod(upper, root.info.st_mode & COPY_MODE_BITS) < 0))
    ret = fail(capture);
  close(root.copy);
  if (root.source >= 0)
    close(root.source);
  return ret == 0 && !exact ? WB_COPY_INCOMPLETE : ret;
}

static int run_capture(struct capture *capture, const struct wb_copy_request *request, int upper,
                       struct wb_copy_failure *failure) {
  memset(failure, 0, sizeof *failure);
  if (!capture) {
    failure->error = ENOMEM;
    return -1;
  }
  capture->failure = failure;
  const int ret = capture_whole(capture, request, upper);
  copy_index_free(&capture->index);
  for (size_t i = 0; i < capture->job.linked_count; i++)
    free(capture->job.linked[i].path);
  free(capture->job.linked);
  free(capture);
  return ret;
}

int wb_copy_capture(const struct wb_copy_request *request, int upper, uid_t uid, gid_t gid,
                    struct wb_copy_failure *failure) {
  struct capture *capture = calloc(1, sizeof *capture);
  if (capture) {
    capture->uid = uid;
    capture->gid = gid;
  }
  return run_capture(capture, request, upper, failure);
}

int wb_copy_unchanged(const struct wb_copy_request *request) {
  struct capture *capture = calloc(1, sizeof *capture);
  struct wb_copy_failure failure;
  if (capture)
    capture->looks = 1;
  return run_capture(capture, request, -1, &failure) == 0;
}
