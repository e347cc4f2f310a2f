/* See reads_check.h. */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include <string.h>

#include "sys/openat2.h"
#include "reads_check.h"
#include "rundir/rundir.h"
#include "sys/syscall.h"
#include "tree_digest.h"
#include "wire.h"

static int bytes_agree(const struct wb_reads *reads, const struct wb_recorded_read *recorded,
                       const char *bytes, size_t size) {
  return recorded->present && recorded->answer_size == size &&
         memcmp(reads->base + recorded->answer, bytes, size) == 0;
}

/* The errors that src/host/node.ts takes for absence. */
static int is_absent(long ret) {
  return ret == -ENOENT || ret == -ENOTDIR || ret == -ELOOP || ret == -ENAMETOOLONG ||
         ret == -EACCES;
}

static uint64_t device_number(uint64_t major, uint64_t minor) {
  return (major & 0xfffff000u) << 32 | (major & 0xfff) << 8 | (minor & 0xffffff00u) << 12 |
         (minor & 0xff);
}

static long ask_stat(struct wb_reads *reads, const char *path, int flags, struct statx *info) {
  if (flags == 0 && reads->plain && strcmp(reads->plain, path) == 0) {
    *info = reads->plain_info;
    return 0;
  }
  long ret = sys5(__NR_statx, AT_FDCWD, path, flags, STATX_BASIC_STATS, info);
  if (ret >= 0 && flags == AT_SYMLINK_NOFOLLOW && (info->stx_mode & S_IFMT) != S_IFLNK) {
    reads->plain = path;
    reads->plain_info = *info;
  }
  return ret;
}

static int stat_agrees(struct wb_reads *reads, const struct wb_recorded_read *recorded,
                       const char *path, int flags) {
  struct statx info;
  long ret = ask_stat(reads, path, flags, &info);
  if (ret < 0)
    return !recorded->present && is_absent(ret);
  uint32_t type = info.stx_mode & S_IFMT;
  if (type != S_IFREG && type != S_IFDIR && type != S_IFLNK)
    type = 0;
  return recorded->present && recorded->mode == (type | (info.stx_mode & 07777)) &&
         recorded->uid == info.stx_uid && recorded->gid == info.stx_gid &&
         recorded->dev == device_number(info.stx_dev_major, info.stx_dev_minor) &&
         recorded->ino == info.stx_ino;
}

static int link_agrees(struct wb_reads *reads, const struct wb_recorded_read *recorded,
                       const char *path) {
  long n = sys4(__NR_readlinkat, AT_FDCWD, path, reads->room, WB_PATH_MAX);
  return n >= 0 && bytes_agree(reads, recorded, reads->room, (size_t)n);
}

/* Where a path leads. One that was its own real path is so still if there is no link on it, which
 * costs less than to ask for the kernel's own name. */
static int real_path_agrees(struct wb_reads *reads, const struct wb_recorded_read *recorded,
                            const char *path) {
  char link[32] = "/proc/self/fd/";
  if (bytes_agree(reads, recorded, path, strlen(path))) {
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
    long plain_fd = sys_openat2(AT_FDCWD, path, &how);
    if (plain_fd >= 0)
      sys1(__NR_close, plain_fd);
    return plain_fd >= 0;
  }
  long fd = sys4(__NR_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
  if (fd < 0)
    return !recorded->present && is_absent(fd);
  int digits = 1; /* procfs takes no leading zeros */
  for (long rest = fd; rest >= 10; rest /= 10)
    digits++;
  wb_put_digits(link + 14, (uint64_t)fd, 10, digits);
  link[14 + digits] = 0;
  long n = sys4(__NR_readlinkat, AT_FDCWD, link, reads->room, WB_PATH_MAX);
  sys1(__NR_close, fd);
  return n > 0 && bytes_agree(reads, recorded, reads->room, (size_t)n);
}

/* The first `limit` bytes of a regular file; anything else counts as none. */
static int content_agrees(struct wb_reads *reads, const struct wb_recorded_read *recorded,
                          const char *path) {
  long fd = sys4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
  struct statx info;
  int is_file = fd >= 0 && sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) == 0 &&
                (info.stx_mode & S_IFMT) == S_IFREG;
  int agree = is_file == !!recorded->present;
  if (is_file && agree) {
    const char *wanted = reads->base + recorded->answer;
    /* Less than was asked for: the file ended there, and one byte more must not come. */
    uint32_t left = recorded->answer_size;
    int to_end = left < recorded->limit;
    while (agree && (left > 0 || to_end)) {
      const uint64_t more = (uint64_t)left + (to_end ? 1 : 0);
      long n =
          sys3(__NR_read, fd, reads->room, more < sizeof reads->room ? more : sizeof reads->room);
      agree = n >= 0 && (uint64_t)n <= left && (n > 0 || left == 0) &&
              memcmp(reads->room, wanted, (size_t)n) == 0;
      if (!agree || n == 0)
        break;
      wanted += n;
      left -= (uint32_t)n;
      if (left == 0 && (uint64_t)n < more && more <= sizeof reads->room)
        break; /* a short read of a file is its end */
    }
  }
  if (fd >= 0)
    sys1(__NR_close, fd);
  return agree;
}

struct directory_entry {
  uint64_t ino;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

static int has_name(const struct wb_reads *reads, const struct wb_recorded_read *recorded,
                    const char *name) {
  const char *at = reads->base + recorded->answer, *end = at + recorded->answer_size;
  for (; at < end; at += strlen(at) + 1)
    if (strcmp(at, name) == 0)
      return 1;
  return 0;
}

/* The names in a directory, in whatever order; none where it cannot be read. */
static int list_agrees(struct wb_reads *reads, const struct wb_recorded_read *recorded,
                       const char *path) {
  uint32_t wanted = 0, found = 0;
  const char *bytes = reads->base + recorded->answer;
  for (uint32_t i = 0; i < recorded->answer_size; i++)
    wanted += bytes[i] == 0;
  long fd = sys4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0)
    return wanted == 0;
  int agree = 1;
  for (;;) {
    long n = sys3(__NR_getdents64, fd, reads->room, sizeof reads->room);
    if (n <= 0) {
      agree = agree && n == 0;
      break;
    }
    for (long at = 0; at < n;) {
      struct directory_entry *one = (struct directory_entry *)(void *)(reads->room + at);
      at += one->length;
      if (strcmp(one->name, ".") == 0 || strcmp(one->name, "..") == 0)
        continue;
      found++;
      agree = agree && has_name(reads, recorded, one->name);
    }
  }
  sys1(__NR_close, fd);
  return agree && found == wanted;
}

/* How long the first `count` fields of a line are, without the blank behind them; 0 where there are
 * fewer. */
static size_t fields_length(const char *line, size_t size, unsigned count) {
  for (size_t i = 0; i < size; i++)
    if (line[i] == ' ' && --count == 0)
      return i;
  return 0;
}

/* The file system's type stands behind a lone dash. */
static int has_type(const char *line, size_t size, const char *type) {
  const size_t length = strlen(type);
  for (size_t i = 0; i + 3 + length < size; i++)
    if (memcmp(line + i, " - ", 3) == 0)
      return memcmp(line + i + 3, type, length) == 0 && line[i + 3 + length] == ' ';
  return 0;
}

static int is_of(const char *line, size_t size, const char *device) {
  const size_t named = strlen(device);
  return (size > named && line[named] == ' ' && memcmp(line, device, named) == 0) ||
         has_type(line, size, device);
}

/* Compares one line of mountinfo, where it is of the file system, or of the type, with the next of
 * those wanted. */
static int mount_line_agrees(const char *line, size_t size, const char *device, const char **wanted,
                             const char *end) {
  const size_t skipped = fields_length(line, size, 2);
  if (skipped == 0)
    return 0;
  line += skipped + 1;
  size -= skipped + 1;
  if (!is_of(line, size, device))
    return 1;
  const size_t length = fields_length(line, size, 3);
  if (length == 0 || (size_t)(end - *wanted) < length + 1 || memcmp(line, *wanted, length) != 0 ||
      (*wanted)[length] != '\n')
    return 0;
  *wanted += length + 1;
  return 1;
}

/* The mounts of a file system: by another of them something could be seen that was hidden. */
static int mounts_agree(struct wb_reads *reads, const struct wb_recorded_read *recorded,
                        const char *device) {
  const char *wanted = reads->base + recorded->answer, *end = wanted + recorded->answer_size;
  long fd = sys4(__NR_openat, AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC, 0);
  size_t held = 0;
  int agree = fd >= 0 && recorded->present;
  while (agree) {
    long n = sys3(__NR_read, fd, reads->room + held, sizeof reads->room - held);
    if (n <= 0) {
      agree = n == 0 && held == 0 && wanted == end;
      break;
    }
    held += (size_t)n;
    size_t done = 0;
    for (size_t i = held - (size_t)n; agree && i < held; i++)
      if (reads->room[i] == '\n') {
        agree = mount_line_agrees(reads->room + done, i - done, device, &wanted, end);
        done = i + 1;
      }
    held -= done;
    for (size_t i = 0; done > 0 && i < held; i++)
      reads->room[i] = reads->room[done + i];
    agree = agree && held < sizeof reads->room; /* no line is that long */
  }
  if (fd >= 0)
    sys1(__NR_close, fd);
  return agree;
}

/* Everything below a directory, as its inodes describe it; absent where not all can be read. */
static int tree_agrees(struct wb_reads *reads, const struct wb_recorded_read *recorded,
                       const char *path) {
  char digest[WB_TREE_DIGEST_LENGTH];
  if (wb_tree_digest(path, digest) < 0)
    return !recorded->present;
  return bytes_agree(reads, recorded, digest, sizeof digest);
}

int wb_read_agrees(struct wb_reads *reads, const struct wb_recorded_read *recorded) {
  const char *subject = reads->base + recorded->subject;
  switch (recorded->kind) {
  case WB_RECORDED_LSTAT:
    return stat_agrees(reads, recorded, subject, AT_SYMLINK_NOFOLLOW);
  case WB_RECORDED_STAT:
    return stat_agrees(reads, recorded, subject, 0);
  case WB_RECORDED_READLINK:
    return link_agrees(reads, recorded, subject);
  case WB_RECORDED_REALPATH:
    return real_path_agrees(reads, recorded, subject);
  case WB_RECORDED_READ:
    return content_agrees(reads, recorded, subject);
  case WB_RECORDED_LIST:
    return list_agrees(reads, recorded, subject);
  case WB_RECORDED_TREE:
    return tree_agrees(reads, recorded, subject);
  case WB_RECORDED_MOUNTS:
    return mounts_agree(reads, recorded, subject);
  case WB_RECORDED_ACCESS:
    return (sys3(__NR_faccessat, AT_FDCWD, subject, recorded->limit) == 0) == !!recorded->present;
  default:
    return 0;
  }
}

static int in_range(uint32_t size, uint32_t least, uint32_t offset, uint64_t count, uint64_t each) {
  return offset >= least && offset <= size && count <= (size - offset) / each;
}

int wb_reads_fit(const char *base, uint32_t size, uint32_t least, uint32_t at, uint32_t count) {
  if (size == 0 || base[size - 1] != 0 || count > WB_RECORDED_READS_MAX ||
      (uintptr_t)(base + at) % _Alignof(struct wb_recorded_read) != 0 ||
      !in_range(size, 0, at, count, sizeof(struct wb_recorded_read)))
    return 0;
  const struct wb_recorded_read *recorded = wb_reads_at(base, at);
  for (uint32_t i = 0; i < count; i++, recorded++)
    if (!in_range(size, least, recorded->subject, 1, 1) ||
        (recorded->answer != 0 &&
         !in_range(size, least, recorded->answer, recorded->answer_size, 1)) ||
        (recorded->answer == 0 && recorded->answer_size != 0))
      return 0;
  return 1;
}
