/* See working_copy.h: the copy. Called by the addon and, for another file system, by
 * copy_capture.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../sys/openat2_libc.h"
#include "../supervisor/directory.h"
#include "copy_parts.h"

long copy_path_enter(struct copy_path *path, const char *name) {
  const size_t before = path->length, size = strlen(name);
  if (before + size + 2 > sizeof path->text) {
    errno = ENAMETOOLONG;
    return -1;
  }
  if (before)
    path->text[path->length++] = '/';
  memcpy(path->text + path->length, name, size + 1);
  path->length += size;
  return (long)before;
}

void copy_path_leave(struct copy_path *path, long length) {
  path->length = (size_t)length;
  path->text[length] = 0;
}

int copy_fail(struct wb_copy_failure *failure, int error, const struct copy_path *path) {
  failure->error = error;
  memcpy(failure->path, path->text, path->length + 1);
  return -1;
}

int copy_names_read(int fd, struct copy_names *names) {
  char bytes[8192] __attribute__((aligned(8)));
  size_t room = 0;
  long n;
  *names = (struct copy_names){NULL, 0};
  syscall(SYS_lseek, fd, 0L, SEEK_SET);
  while ((n = syscall(SYS_getdents64, fd, bytes, sizeof bytes)) > 0)
    for (long at = 0; at < n;) {
      const struct wb_name *entry = (const void *)(bytes + at);
      const size_t size = strlen(entry->name) + 1;
      at += entry->length;
      if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
        continue;
      if (names->size + size > room) {
        room = (names->size + size) * 2 + 4096;
        char *more = realloc(names->bytes, room);
        if (!more) {
          free(names->bytes);
          return ENOMEM;
        }
        names->bytes = more;
      }
      memcpy(names->bytes + names->size, entry->name, size);
      names->size += size;
    }
  if (n == 0)
    return 0;
  const int error = errno;
  free(names->bytes);
  names->bytes = NULL;
  return error;
}

int copy_is_left_out(const char *left_out, size_t size, const char *path) {
  for (size_t at = 0; at < size; at += strlen(left_out + at) + 1)
    if (strcmp(left_out + at, path) == 0)
      return 1;
  return 0;
}

int copy_open_directory(int directory, const char *name) {
  struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
  return wb_openat2(directory, name, &how);
}

static int set_owner(const struct copy_job *job, int fd, const char *name) {
  const struct wb_copy_request *request = job->request;
  if (request->uid == (uid_t)-1)
    return 0;
  return fchownat(fd, name, request->uid, request->gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
}

/* The owner first: another one takes set-id bits away, and the mode may close the file to us. */
static int finish(const struct copy_job *job, int fd, const struct stat *info) {
  const struct timespec times[2] = {info->st_atim, info->st_mtim};
  if (set_owner(job, fd, "") < 0 || futimens(fd, times) < 0)
    return -1;
  return fchmod(fd, info->st_mode & COPY_MODE_BITS);
}

int copy_next_data(int file, off_t at, off_t size, off_t *begin, off_t *end) {
  *begin = at >= size ? -1 : lseek(file, at, SEEK_DATA);
  if (*begin < 0 && at < size && errno != ENXIO) { /* not to be had: then read(2) says why */
    *begin = at;
    *end = size;
    return 1;
  }
  if (*begin < 0 || *begin >= size)
    return 0;
  *end = lseek(file, *begin, SEEK_HOLE);
  if (*end <= *begin || *end > size)
    *end = size;
  return 1;
}

#define BLOCK 4096

/* Returns what a copy of a file takes, in bytes: holes take nothing, what is compressed or
 * shared takes its full size. Stops where that is beyond `most`. */
static uint64_t data_bytes(int file, off_t size, uint64_t most) {
  uint64_t sum = 0;
  off_t begin, end = 0;
  while (sum <= most && copy_next_data(file, end, size, &begin, &end))
    sum += ((uint64_t)(end - begin) + BLOCK - 1) / BLOCK * BLOCK;
  return sum;
}

/* Copies by read(2) and write(2), between file systems that copy_file_range(2) does not join. */
static int copy_by_hand(int from, int to, off_t at, off_t end) {
  char bytes[65536];
  while (at < end) {
    const size_t most = end - at < (off_t)sizeof bytes ? (size_t)(end - at) : sizeof bytes;
    const ssize_t got = pread(from, bytes, most, at);
    if (got <= 0)
      return (int)got; /* it became shorter */
    for (ssize_t put = 0; put < got;) {
      const ssize_t w = pwrite(to, bytes + put, (size_t)(got - put), at + put);
      if (w < 0)
        return -1;
      put += w;
    }
    at += got;
  }
  return 0;
}

static int copy_part(int from, int to, off_t at, off_t end) {
  for (off_t in = at, out = at; in < end;) {
    const ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(end - in), 0);
    if (n > 0)
      continue;
    if (n == 0)
      return 0; /* it became shorter */
    return in == at && (errno == EXDEV || errno == EINVAL || errno == ENOSYS ||
                        errno == EOPNOTSUPP || errno == EPERM)
               ? copy_by_hand(from, to, at, end)
               : -1;
  }
  return 0;
}

/* Holes stay holes. */
static int copy_bytes(int from, int to, off_t size) {
  off_t begin, end = 0;
  if (ioctl(to, FICLONE, from) == 0)
    return 0;
  while (copy_next_data(from, end, size, &begin, &end))
    if (copy_part(from, to, begin, end) < 0)
      return -1;
  return ftruncate(to, size);
}

/* Counts a file against the limit before its first byte is written. */
static int count_bytes(struct copy_job *job, int file, const struct stat *info) {
  const uint64_t limit = job->request->max_bytes;
  if (!limit)
    return 0;
  job->bytes += data_bytes(file, info->st_size, limit - job->bytes);
  if (job->bytes <= limit)
    return 0;
  errno = EFBIG;
  return -1;
}

static int flush_notes(struct copy_job *job) {
  const size_t size = job->count % COPY_NOTES * sizeof *job->notes;
  return write(job->index, job->notes, size) == (ssize_t)size ? 0 : -1;
}

/* Notes that the path is copied. */
static int note(struct copy_job *job, const struct stat *source, int directory, const char *name) {
  struct stat copy;
  if (job->index < 0)
    return 0;
  if (fstatat(directory, name, &copy, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0)
    return -1;
  job->notes[job->count % COPY_NOTES] = copy_record_of(job->path.text, source, &copy);
  if (++job->count % COPY_NOTES)
    return 0;
  return write(job->index, job->notes, sizeof job->notes) == sizeof job->notes ? 0 : -1;
}

/* Makes a name of a file that was copied by another of its names. Returns 0 where none was, 1 where
 * one was, -1 with errno. */
static int link_copied(const struct copy_job *job, const struct stat *info, const char *name,
                       int to) {
  for (size_t i = 0; i < job->linked_count; i++)
    if (job->linked[i].inode == info->st_ino)
      return linkat(job->layer, job->linked[i].path, to, name, 0) < 0 ? -1 : 1;
  return 0;
}

/* The program decides how many there are, and each is compared with all that were noted: beyond the
 * most, names become files of their own. */
static int note_linked(struct copy_job *job, const struct stat *info) {
  if (job->linked_count == COPY_LINKED_MAX)
    return 0;
  const size_t size = (job->linked_count + 1) * sizeof *job->linked;
  struct copy_linked *more = realloc(job->linked, size);
  char *path = more ? malloc(job->path.length + 1) : NULL;
  if (more)
    job->linked = more;
  if (!path)
    return -1;
  memcpy(path, job->path.text, job->path.length + 1);
  job->linked[job->linked_count++] = (struct copy_linked){info->st_ino, path};
  return 0;
}

static int copy_file(struct copy_job *job, int from, const char *name, int to) {
  struct stat info;
  const int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (in < 0)
    return errno == EACCES || errno == ENOENT ? 0 : -1;
  int ret = fstat(in, &info);
  /* The copy that a program gets has a file for each name: the others may lie outside of it. */
  const int is_linked = job->index < 0 && info.st_nlink > 1;
  const int linked = ret == 0 && is_linked ? link_copied(job, &info, name, to) : 0;
  if (linked < 0)
    ret = -1;
  if (ret == 0 && !linked && S_ISREG(info.st_mode)) {
    ret = count_bytes(job, in, &info);
    const int out =
        ret < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    ret = out < 0 ? -1 : copy_bytes(in, out, info.st_size);
    if (ret == 0 && (finish(job, out, &info) < 0 || note(job, &info, out, "") < 0 ||
                     (is_linked && note_linked(job, &info) < 0)))
      ret = -1;
    const int error = errno;
    if (out >= 0)
      close(out);
    errno = error;
  }
  const int error = errno;
  close(in);
  errno = error;
  return ret;
}

static int copy_link(struct copy_job *job, int from, const char *name, int to,
                     const struct stat *info) {
  char target[4097];
  const ssize_t n = readlinkat(from, name, target, sizeof target - 1);
  if (n < 0)
    return errno == ENOENT || errno == EINVAL ? 0 : -1;
  target[n] = 0;
  const struct timespec times[2] = {info->st_atim, info->st_mtim};
  if (symlinkat(target, to, name) < 0 || set_owner(job, to, name) < 0)
    return -1;
  return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -1 : note(job, info, to, name);
}

static int copy_names(struct copy_job *job, int from, int to, int depth) {
  struct copy_names names;
  const int error = copy_names_read(from, &names);
  if (error)
    return copy_fail(job->failure, error, &job->path);
  int ret = 0;
  for (size_t at = 0; ret == 0 && at < names.size; at += strlen(names.bytes + at) + 1)
    ret = copy_entry(job, from, names.bytes + at, to, depth);
  free(names.bytes);
  return ret;
}

/* A copy's mode and times come last: both would be in the way, or be changed. */
static int copy_directory(struct copy_job *job, int from, const char *name, int to, int depth,
                          const struct stat *info) {
  if (depth >= COPY_DEPTH_MAX)
    return copy_fail(job->failure, ELOOP, &job->path);
  const int in = copy_open_directory(from, name);
  if (in < 0)
    return errno == EACCES || errno == ENOENT ? 0 : copy_fail(job->failure, errno, &job->path);
  int ret = mkdirat(to, name, 0700);
  const int out = ret < 0 ? -1 : copy_open_directory(to, name);
  if (out < 0 || note(job, info, out, "") < 0)
    ret = copy_fail(job->failure, errno, &job->path);
  if (ret == 0 && info->st_dev == job->device)
    ret = copy_names(job, in, out, depth + 1);
  if (ret == 0 && finish(job, out, info) < 0)
    ret = copy_fail(job->failure, errno, &job->path);
  close(in);
  if (out >= 0)
    close(out);
  return ret;
}

/* Copies a FIFO or a socket that the program made, so that the review shows it; apply never makes
 * one, and the copy that a program gets has none. */
static int make_special(const struct copy_job *job, const char *name, int to,
                        const struct stat *info) {
  const int is_special = S_ISFIFO(info->st_mode) || S_ISSOCK(info->st_mode);
  return is_special && job->index < 0 ? mknodat(to, name, info->st_mode & (S_IFMT | 0777), 0) : 0;
}

int copy_entry(struct copy_job *job, int from, const char *name, int to, int depth) {
  const struct wb_copy_request *request = job->request;
  const long before = copy_path_enter(&job->path, name);
  struct stat info;
  int ret = 0;
  if (before < 0)
    return copy_fail(job->failure, errno, &job->path);
  if (copy_is_left_out(request->left_out, request->left_out_size, job->path.text) ||
      fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
    copy_path_leave(&job->path, before);
    return 0;
  }
  /* No call that a copy makes fails with E2BIG: it is not mistaken for what the process lacks. */
  if (request->max_files && ++job->files > request->max_files)
    ret = copy_fail(job->failure, E2BIG, &job->path);
  else if (S_ISDIR(info.st_mode))
    ret = copy_directory(job, from, name, to, depth, &info);
  else if ((S_ISREG(info.st_mode) && copy_file(job, from, name, to) < 0) ||
           (S_ISLNK(info.st_mode) && copy_link(job, from, name, to, &info) < 0) ||
           make_special(job, name, to, &info) < 0)
    ret = copy_fail(job->failure, errno, &job->path);
  copy_path_leave(&job->path, before);
  return ret;
}

/* The names that were left out are in it, so that a killed run can be captured later. */
static int begin_index(const struct wb_copy_request *request) {
  char name[64];
  const struct copy_head head = {0};
  const size_t size = request->left_out_size;
  snprintf(name, sizeof name, "%s.index", request->name);
  const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (request->made ? O_TRUNC : O_EXCL);
  const int fd = openat(request->place, name, flags, 0600);
  if (fd < 0)
    return -1;
  if (write(fd, &head, sizeof head) == sizeof head &&
      write(fd, request->left_out, size) == (ssize_t)size)
    return fd;
  close(fd);
  return -1;
}

static int copy_whole(struct copy_job *job, int source, int copy) {
  struct stat info;
  if (fstat(source, &info) < 0)
    return copy_fail(job->failure, errno, &job->path);
  job->device = info.st_dev;
  if (note(job, &info, copy, "") < 0)
    return copy_fail(job->failure, errno, &job->path);
  if (copy_names(job, source, copy, 0) < 0)
    return -1;
  if (finish(job, copy, &info) < 0)
    return copy_fail(job->failure, errno, &job->path);
  const struct copy_head head = {COPY_MAGIC, job->request->left_out_size, job->count};
  /* Last: it says that the copy is whole, and its time is later than that of every copied file.
   * From Linux 6.13 on, the kernel gives an exact time after a time was asked for, and later times
   * to all that follow. Otherwise it is the time of the clock's last tick, in which small files may
   * have been copied, too. */
  if (flush_notes(job) < 0 || fstat(job->index, &info) < 0 || lseek(job->index, 0, SEEK_SET) < 0 ||
      write(job->index, &head, sizeof head) != sizeof head)
    return copy_fail(job->failure, errno, &job->path);
  return 0;
}

int wb_copy_make(const struct wb_copy_request *request, struct wb_copy_failure *failure) {
  struct copy_job *job = calloc(1, sizeof *job);
  memset(failure, 0, sizeof *failure);
  if (!job) {
    failure->error = ENOMEM;
    return -1;
  }
  job->request = request;
  job->failure = failure;
  job->index = -1;
  int source = -1, ret = 0;
  int copy = !request->made && mkdirat(request->place, request->name, 0700) < 0
                 ? -1
                 : copy_open_directory(request->place, request->name);
  if (copy < 0 || set_owner(job, copy, "") < 0) {
    ret = copy_fail(failure, errno, &job->path);
  } else if (request->source) {
    source = open(request->source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0 || (job->index = begin_index(request)) < 0)
      ret = copy_fail(failure, errno, &job->path);
    else
      ret = copy_whole(job, source, copy);
  }
  if (job->index >= 0)
    close(job->index);
  if (source >= 0)
    close(source);
  if (copy >= 0)
    close(copy);
  free(job);
  return ret;
}
