/*
 * See working_copy.h: the layer. A file of the copy is unchanged if its inode has not changed since
 * the copy was made (no program can set ctime), its directory is the one that was made for that
 * place, and it still is like its source. All others are compared byte by byte. Called by the
 * addon.
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

struct capture {
  struct wb_copy_failure *failure;
  struct copy_path path;
  struct copy_index index;
  int looks;       /* whether anything differs is all that is asked */
  uint64_t device; /* of the source */
  uid_t uid;       /* owner in the layer; -1: as it is */
  gid_t gid;
};

/* A directory of the copy, its counterparts, and the one above. */
struct level {
  struct level *above;
  const char *name;
  int copy, source; /* source: -1 where there is none */
  int upper;        /* -1 until something is kept in it; the root's is borrowed */
  int original;     /* the directory that was made for this place */
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

/* Opens a directory of the copy, or of the layer, to read and change it, whatever its mode. */
static int open_relaxed(int directory, const char *name) {
  struct stat info;
  int fd = copy_open_directory(directory, name);
  if (fd >= 0 && fstat(fd, &info) == 0 && (info.st_mode & 0700) != 0700)
    fchmod(fd, (info.st_mode & COPY_MODE_BITS) | 0700); /* what then fails says so */
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

static int is_same_text(int a, const char *name, int b) {
  char bytes[2][16384];
  const int fds[2] = {openat(a, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC),
                      openat(b, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  int same = fds[0] >= 0 && fds[1] >= 0;
  while (same) {
    const ssize_t n = read(fds[0], bytes[0], sizeof bytes[0]);
    ssize_t m = 0;
    while (n > 0 && m < n) {
      const ssize_t got = read(fds[1], bytes[1] + m, (size_t)(n - m));
      if (got <= 0)
        break;
      m += got;
    }
    if (n == 0) {
      same = read(fds[1], bytes[1], 1) == 0;
      break;
    }
    same = n > 0 && n == m && memcmp(bytes[0], bytes[1], (size_t)n) == 0;
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

static int is_same(const struct capture *capture, const struct level *level, const char *name,
                   const struct stat *copy, const struct stat *source) {
  if ((copy->st_mode & S_IFMT) != (source->st_mode & S_IFMT))
    return 0;
  if (S_ISLNK(copy->st_mode))
    return is_same_link(level->copy, name, level->source);
  if (!S_ISREG(copy->st_mode) || copy->st_size != source->st_size ||
      ((copy->st_mode ^ source->st_mode) & COPY_MODE_BITS))
    return 0;
  if (level->original && is_before(&copy->st_ctim, &capture->index.made) &&
      copy->st_mtim.tv_sec == source->st_mtim.tv_sec &&
      copy->st_mtim.tv_nsec == source->st_mtim.tv_nsec)
    return 1;
  return is_same_text(level->copy, name, level->source);
}

/* Of all that was moved to the layer, as root. */
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
  const struct wb_copy_request request = {.uid = (uid_t)-1};
  struct copy_job *job = calloc(1, sizeof *job);
  struct stat info;
  if (!job || fstat(level->copy, &info) < 0) {
    free(job);
    return -1;
  }
  job->request = &request;
  job->failure = capture->failure;
  job->index = -1;
  job->device = info.st_dev;
  const int ret = copy_entry(job, level->copy, name, level->upper, 0);
  free(job);
  return ret;
}

/* As an overlay has it: what is written to keeps its owner, and what is made gets the program's. */
static int give(const struct capture *capture, const struct level *level, const char *name,
                const struct stat *source) {
  if (capture->uid == (uid_t)-1)
    return 0;
  if (!source || !S_ISREG(source->st_mode))
    return give_all(capture, level->upper, name, 0);
  return fchownat(level->upper, name, source->st_uid, source->st_gid, AT_SYMLINK_NOFOLLOW);
}

/* A directory that its owner may not write to cannot be moved to another one either, since ".." in
 * it changes. Its mode goes with it. rename(2), EACCES */
static int move_closed(const struct level *level, const char *name) {
  char link[40];
  struct stat info;
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

static int keep(struct capture *capture, struct level *level, const char *name,
                const struct stat *source) {
  if (ensure_upper(capture, level) < 0)
    return -1;
  int moved = renameat(level->copy, name, level->upper, name);
  if (moved < 0 && errno == EACCES)
    moved = move_closed(level, name);
  if (moved < 0 && (errno != EXDEV || copy_over(capture, level, name) < 0))
    return fail(capture);
  if (give(capture, level, name, source) < 0)
    return fail(capture);
  return 0;
}

/* An overlay's mark: a device, or, where those cannot be made (on an overlay itself), an empty file
 * with an attribute in a directory that says so. Linux 6.7, Documentation/filesystems/overlayfs */
static int white_out(struct capture *capture, struct level *level, const char *name) {
  if (ensure_upper(capture, level) < 0)
    return -1;
  if (mknodat(level->upper, name, S_IFCHR, makedev(0, 0)) == 0 || errno == EEXIST)
    return 0;
  if (errno != EPERM)
    return fail(capture);
  const int fd =
      openat(level->upper, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  int ret = fd < 0 ? -1 : fsetxattr(fd, "user.overlay.whiteout", "y", 1, 0);
  if (ret == 0)
    ret = fsetxattr(level->upper, "user.overlay.opaque", "x", 1, 0);
  const int error = errno;
  if (fd >= 0)
    close(fd);
  errno = error;
  return ret < 0 ? fail(capture) : 0;
}

/* Whether the copy had it. What it left out is none of the program's. */
static int was_copied(const struct level *level, const char *name, const struct stat *source) {
  if (S_ISLNK(source->st_mode))
    return 1;
  if (!S_ISREG(source->st_mode) && !S_ISDIR(source->st_mode))
    return 0;
  const int fd = openat(level->source, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0)
    close(fd);
  return fd >= 0;
}

static int capture_directory(struct capture *capture, struct level *level, int depth);

/* A directory on both sides: what differs in it is kept. */
static int compare_below(struct capture *capture, struct level *level, const char *name,
                         const struct stat *copy, const struct stat *source, int depth) {
  struct level below = {.above = level,
                        .name = name,
                        .upper = -1,
                        .source = -1,
                        .info = *copy,
                        .original = copy_index_has(&capture->index, source, copy),
                        .uid = source->st_uid,
                        .gid = source->st_gid};
  /* What was copied could be read: where it cannot, its mode is another. */
  below.copy =
      capture->looks ? copy_open_directory(level->copy, name) : open_relaxed(level->copy, name);
  if (below.copy < 0)
    return fail(capture);
  if (source->st_dev == capture->device)
    below.source = copy_open_directory(level->source, name);
  int ret = capture_directory(capture, &below, depth + 1);
  if (ret == 0 && ((copy->st_mode ^ source->st_mode) & COPY_MODE_BITS))
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
  const int has_source =
      level->source >= 0 && fstatat(level->source, name, &source, AT_SYMLINK_NOFOLLOW) == 0;
  if (!has_source)
    return keep(capture, level, name, NULL);
  if (S_ISDIR(copy.st_mode) && S_ISDIR(source.st_mode) && depth < COPY_DEPTH_MAX)
    return compare_below(capture, level, name, &copy, &source, depth);
  if (is_same(capture, level, name, &copy, &source))
    return 0;
  return keep(capture, level, name, S_ISREG(copy.st_mode) ? &source : NULL);
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
    struct stat info;
    const long before = copy_path_enter(&capture->path, name);
    if (before < 0) {
      ret = fail(capture);
      break;
    }
    const int left_out =
        copy_is_left_out(capture->index.left_out, capture->index.left_out_size, capture->path.text);
    if (!left_out && !of_source)
      ret = capture_entry(capture, level, name, depth);
    else if (!left_out && fstatat(level->source, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
             was_copied(level, name, &info) &&
             faccessat(level->copy, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
             (level->upper < 0 || faccessat(level->upper, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0))
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

static int capture_whole(struct capture *capture, const struct wb_copy_request *request,
                         int upper) {
  struct stat source;
  struct level root = {.copy = -1, .source = -1, .upper = upper, .name = "."};
  memset(&source, 0, sizeof source);
  if (fstatat(request->place, request->name, &root.info, AT_SYMLINK_NOFOLLOW) < 0 ||
      (root.copy = capture->looks ? copy_open_directory(request->place, request->name)
                                  : open_relaxed(request->place, request->name)) < 0)
    return fail(capture);
  int ret = 0;
  if (request->source && copy_index_read(&capture->index, request) < 0)
    ret = fail(capture);
  if (ret == 0 && request->source) {
    root.source = open(request->source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (root.source < 0 || fstat(root.source, &source) < 0)
      ret = fail(capture);
    capture->device = source.st_dev;
    root.original = ret == 0 && copy_index_has(&capture->index, &source, &root.info);
  }
  if (ret == 0)
    ret = capture_directory(capture, &root, 0);
  if (ret == 0 && request->source && ((root.info.st_mode ^ source.st_mode) & COPY_MODE_BITS) &&
      (ensure_upper(capture, &root) < 0 || fchmod(upper, root.info.st_mode & COPY_MODE_BITS) < 0))
    ret = fail(capture);
  close(root.copy);
  if (root.source >= 0)
    close(root.source);
  return ret;
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
