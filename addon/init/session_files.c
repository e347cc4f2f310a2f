/*
 * Files for a session's owner, in the sandbox's own view: a process with the rights of any program
 * of the session, its filter and its Landlock domain, in place of one that is executed. What it
 * reads goes to descriptor 1, what it writes comes from 0. programs.c runs it; its exit status is
 * an errno.
 *
 * Every path is one that the programs could use themselves, so that nothing is won by exchanging
 * it.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "programs.h"

#define DEPTH_MAX 200
#define AT_REMOVE_DIRECTORY 0x200

struct entry { /* getdents64(2) */
  uint64_t inode;
  int64_t next;
  unsigned short size;
  unsigned char type;
  char name[];
};

static unsigned char buffer[65536] __attribute__((aligned(16)));

static long write_all(int fd, const unsigned char *bytes, long size) {
  for (long done = 0; done < size;) {
    const long n = sys3(__NR_write, fd, bytes + done, size - done);
    if (n == -EINTR)
      continue;
    if (n < 0)
      return n;
    done += n;
  }
  return 0;
}

static long copy(int from, int to) {
  for (;;) {
    const long n = sys3(__NR_read, from, buffer, sizeof buffer);
    if (n == -EINTR)
      continue;
    if (n <= 0)
      return n;
    const long ret = write_all(to, buffer, n);
    if (ret < 0)
      return ret;
  }
}

/* Neither waits for the other end of a FIFO, nor takes what is no regular file. */
static long open_regular(const char *path, long flags, long mode) {
  struct statx info;
  const long fd =
      sys4(__NR_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
  if (fd < 0)
    return fd;
  const long ret = sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &info);
  if (ret < 0)
    return ret;
  if ((info.stx_mode & S_IFMT) == S_IFDIR)
    return -EISDIR;
  return (info.stx_mode & S_IFMT) == S_IFREG ? fd : -EOPNOTSUPP;
}

static long read_file(const char *path) {
  const long fd = open_regular(path, O_RDONLY, 0);
  return fd < 0 ? fd : copy((int)fd, 1);
}

/* `path` is writable memory of this process. */
static long make_parents(char *path) {
  for (char *at = path + 1; *at; at++) {
    if (*at != '/')
      continue;
    *at = 0;
    const long ret = sys3(__NR_mkdirat, AT_FDCWD, path, 0777);
    *at = '/';
    if (ret < 0 && ret != -EEXIST && ret != -EROFS && ret != -EACCES && ret != -EPERM)
      return ret;
  }
  return 0;
}

static long write_file(char *path, long flags) {
  const long ret = make_parents(path);
  if (ret < 0)
    return ret;
  const long fd = open_regular(path, O_WRONLY | O_CREAT | flags, 0666);
  return fd < 0 ? fd : copy(0, (int)fd);
}

static long list(const char *path) {
  const long fd = sys4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0)
    return fd;
  for (;;) {
    const long n = sys3(__NR_getdents64, fd, buffer, sizeof buffer);
    if (n <= 0)
      return n;
    const long ret = write_all(1, buffer, n);
    if (ret < 0)
      return ret;
  }
}

static long stat_file(const char *path, long flags) {
  struct statx info;
  const long ret = sys5(__NR_statx, AT_FDCWD, path, flags, STATX_BASIC_STATS, &info);
  return ret < 0 ? ret : write_all(1, (const unsigned char *)&info, sizeof info);
}

static int is_dots(const char *name) {
  return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

/* Removes what can be removed at once; returns the descriptor of a directory that is not empty, 0
 * where nothing is left, or a negative errno. */
static long remove_entries(long directory) {
  sys3(__NR_lseek, directory, 0, 0);
  for (;;) {
    const long n = sys3(__NR_getdents64, directory, buffer, sizeof buffer);
    if (n <= 0)
      return n;
    for (long at = 0; at < n;) {
      const struct entry *entry = (const struct entry *)(const void *)(buffer + at);
      at += entry->size;
      if (is_dots(entry->name))
        continue;
      long ret = sys3(__NR_unlinkat, directory, entry->name, 0);
      if (ret == -EISDIR || ret == -EPERM)
        ret = sys3(__NR_unlinkat, directory, entry->name, AT_REMOVE_DIRECTORY);
      if (ret == -ENOTEMPTY || ret == -EEXIST)
        return sys4(__NR_openat, directory, entry->name,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
      if (ret < 0 && ret != -ENOENT)
        return ret;
    }
  }
}

static long remove_tree(const char *path) {
  static long open[DEPTH_MAX];
  long depth = 0;
  open[0] = sys4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (open[0] < 0)
    return open[0];
  while (depth >= 0) {
    const long next = remove_entries(open[depth]);
    if (next < 0)
      return next;
    if (next == 0)
      sys1(__NR_close, open[depth--]);
    else if (depth + 1 == DEPTH_MAX)
      return -ELOOP;
    else
      open[++depth] = next;
  }
  return sys3(__NR_unlinkat, AT_FDCWD, path, AT_REMOVE_DIRECTORY);
}

static long remove_file(const char *path, int whole) {
  long ret = sys3(__NR_unlinkat, AT_FDCWD, path, 0);
  if (ret != -EISDIR && ret != -EPERM)
    return ret;
  ret = sys3(__NR_unlinkat, AT_FDCWD, path, AT_REMOVE_DIRECTORY);
  return whole && (ret == -ENOTEMPTY || ret == -EEXIST) ? remove_tree(path) : ret;
}

int serve_file(const struct program *program) {
  char *path = program->argv[0];
  long ret = -ENOSYS;
  sys3(__NR_close_range, 3, ~0u, 0); /* nothing is executed that would close them */
  switch (program->kind) {
  case WB_EXEC_READ:
    ret = read_file(path);
    break;
  case WB_EXEC_WRITE:
    ret = write_file(path, O_TRUNC);
    break;
  case WB_EXEC_APPEND:
    ret = write_file(path, O_APPEND);
    break;
  case WB_EXEC_LIST:
    ret = list(path);
    break;
  case WB_EXEC_STAT:
    ret = stat_file(path, 0);
    break;
  case WB_EXEC_LSTAT:
    ret = stat_file(path, AT_SYMLINK_NOFOLLOW);
    break;
  case WB_EXEC_REMOVE:
    ret = remove_file(path, 0);
    break;
  case WB_EXEC_REMOVE_TREE:
    ret = remove_file(path, 1);
    break;
  default:
    break;
  }
  return ret < 0 ? (int)-ret : 0;
}
