/*
 * Asks the host again what resolving asked it, and compares the answers. Called by entry.c for the
 * variables and by start.c. An unknown question or a different answer sends the run to the engine.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include <string.h>

#include "fastpath.h"

static char scratch[WB_PATH_MAX + 1];

static int bytes_agree(const struct wb_entry *entry, const struct wb_recorded_read *recorded,
                       const char *bytes, size_t size) {
  return recorded->present && recorded->answer_size == size &&
         memcmp(entry_at(entry, recorded->answer), bytes, size) == 0;
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

/* The last path that lstat(2) found something under that is no link: stat(2) finds the same. */
static const char *plain;
static struct statx plain_info;

static long ask_stat(const char *path, int flags, struct statx *info) {
  if (flags == 0 && plain && same_text(plain, path)) {
    *info = plain_info;
    return 0;
  }
  long ret = sys5(__NR_statx, AT_FDCWD, path, flags, STATX_BASIC_STATS, info);
  if (ret >= 0 && flags == AT_SYMLINK_NOFOLLOW && (info->stx_mode & S_IFMT) != S_IFLNK) {
    plain = path;
    plain_info = *info;
  }
  return ret;
}

static int stat_agrees(const struct wb_recorded_read *recorded, const char *path, int flags) {
  struct statx info;
  long ret = ask_stat(path, flags, &info);
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

static int link_agrees(const struct wb_entry *entry, const struct wb_recorded_read *recorded,
                       const char *path) {
  long n = sys4(__NR_readlinkat, AT_FDCWD, path, scratch, WB_PATH_MAX);
  return n >= 0 && bytes_agree(entry, recorded, scratch, (size_t)n);
}

/* Where a path leads. One that was its own real path is so still if there is no link on it, which
 * costs less than to ask for the kernel's own name. */
static int real_path_agrees(const struct wb_entry *entry, const struct wb_recorded_read *recorded,
                            const char *path) {
  static char link[32] = "/proc/self/fd/";
  if (bytes_agree(entry, recorded, path, strlen(path))) {
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
    long plain_fd = sys4(__NR_openat2, AT_FDCWD, path, &how, sizeof how);
    if (plain_fd >= 0)
      sys1(__NR_close, plain_fd);
    return plain_fd >= 0;
  }
  long fd = sys4(__NR_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
  if (fd < 0)
    return !recorded->present && is_absent(fd);
  int digits = fd < 10 ? 1 : fd < 100 ? 2 : 5;
  wb_put_digits(link + 14, (uint64_t)fd, 10, digits);
  link[14 + digits] = 0;
  long n = sys4(__NR_readlinkat, AT_FDCWD, link, scratch, WB_PATH_MAX);
  sys1(__NR_close, fd);
  return n > 0 && bytes_agree(entry, recorded, scratch, (size_t)n);
}

/* The first `limit` bytes of a regular file; anything else counts as none. */
static int content_agrees(const struct wb_entry *entry, const struct wb_recorded_read *recorded,
                          const char *path) {
  static char buffer[8192];
  long fd = sys4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
  struct statx info;
  int is_file = fd >= 0 && sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) == 0 &&
                (info.stx_mode & S_IFMT) == S_IFREG;
  int agree = is_file == !!recorded->present;
  if (is_file && agree) {
    const char *wanted = entry_at(entry, recorded->answer);
    /* Less than was asked for: the file ended there, and one byte more must not come. */
    uint32_t left = recorded->answer_size;
    int to_end = left < recorded->limit;
    while (agree && (left > 0 || to_end)) {
      const uint64_t more = (uint64_t)left + (to_end ? 1 : 0);
      long n = sys3(__NR_read, fd, buffer, more < sizeof buffer ? more : sizeof buffer);
      agree = n >= 0 && (uint64_t)n <= left && (n > 0 || left == 0) &&
              memcmp(buffer, wanted, (size_t)n) == 0;
      if (!agree || n == 0)
        break;
      wanted += n;
      left -= (uint32_t)n;
      if (left == 0 && (uint64_t)n < more && more <= sizeof buffer)
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

static int has_name(const struct wb_entry *entry, const struct wb_recorded_read *recorded,
                    const char *name) {
  const char *at = entry_at(entry, recorded->answer), *end = at + recorded->answer_size;
  for (; at < end; at += strlen(at) + 1)
    if (same_text(at, name))
      return 1;
  return 0;
}

/* The names in a directory, in whatever order; none where it cannot be read. */
static int list_agrees(const struct wb_entry *entry, const struct wb_recorded_read *recorded,
                       const char *path) {
  static char buffer[16384] __attribute__((aligned(8)));
  uint32_t wanted = 0, found = 0;
  const char *bytes = entry_at(entry, recorded->answer);
  for (uint32_t i = 0; i < recorded->answer_size; i++)
    wanted += bytes[i] == 0;
  long fd = sys4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0)
    return wanted == 0;
  int agree = 1;
  for (;;) {
    long n = sys3(__NR_getdents64, fd, buffer, sizeof buffer);
    if (n <= 0) {
      agree = agree && n == 0;
      break;
    }
    for (long at = 0; at < n;) {
      struct directory_entry *one = (struct directory_entry *)(void *)(buffer + at);
      at += one->length;
      if (same_text(one->name, ".") || same_text(one->name, ".."))
        continue;
      found++;
      agree = agree && has_name(entry, recorded, one->name);
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
    if (same_bytes(line + i, " - ", 3))
      return same_bytes(line + i + 3, type, length) && line[i + 3 + length] == ' ';
  return 0;
}

static int is_of(const char *line, size_t size, const char *device) {
  const size_t named = strlen(device);
  return (size > named && line[named] == ' ' && same_bytes(line, device, named)) ||
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
  if (length == 0 || (size_t)(end - *wanted) < length + 1 || !same_bytes(line, *wanted, length) ||
      (*wanted)[length] != '\n')
    return 0;
  *wanted += length + 1;
  return 1;
}

/* The mounts of a file system: by another of them something could be seen that was hidden. */
static int mounts_agree(const struct wb_entry *entry, const struct wb_recorded_read *recorded,
                        const char *device) {
  static char buffer[16384];
  const char *wanted = entry_at(entry, recorded->answer), *end = wanted + recorded->answer_size;
  long fd = sys4(__NR_openat, AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC, 0);
  size_t held = 0;
  int agree = fd >= 0 && recorded->present;
  while (agree) {
    long n = sys3(__NR_read, fd, buffer + held, sizeof buffer - held);
    if (n <= 0) {
      agree = n == 0 && held == 0 && wanted == end;
      break;
    }
    held += (size_t)n;
    size_t done = 0;
    for (size_t i = held - (size_t)n; agree && i < held; i++)
      if (buffer[i] == '\n') {
        agree = mount_line_agrees(buffer + done, i - done, device, &wanted, end);
        done = i + 1;
      }
    held -= done;
    for (size_t i = 0; done > 0 && i < held; i++)
      buffer[i] = buffer[done + i];
    agree = agree && held < sizeof buffer; /* no line is that long */
  }
  if (fd >= 0)
    sys1(__NR_close, fd);
  return agree;
}

static int variable_agrees(const struct wb_entry *entry, const struct wb_recorded_read *recorded,
                           const char *name, char *const *envp) {
  const char *value = variable(envp, name);
  return value ? bytes_agree(entry, recorded, value, strlen(value)) : !recorded->present;
}

static int cwd_agrees(const struct wb_entry *entry, const struct wb_recorded_read *recorded) {
  long n = sys2(__NR_getcwd, scratch, WB_PATH_MAX);
  return n > 0 && bytes_agree(entry, recorded, scratch, (size_t)n - 1);
}

static int stream_agrees(const struct wb_recorded_read *recorded) {
  uint32_t kind;
  return stream_kind((int)recorded->limit, &kind) == 0 && kind == recorded->mode;
}

#define LANDLOCK_CREATE_RULESET_VERSION 1

static int landlock_agrees(const struct wb_recorded_read *recorded) {
  const long abi = sys3(__NR_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return recorded->limit == (abi < 0 ? 0 : (uint32_t)abi);
}

static const struct wb_recorded_read *reads_of(const struct wb_entry *entry) {
  return (const struct wb_recorded_read *)(const void *)entry_at(entry, entry->recorded_reads);
}

int recorded_variables_agree(const struct wb_entry *entry, char *const *envp) {
  const struct wb_recorded_read *recorded = reads_of(entry);
  for (uint32_t i = 0; i < entry->recorded_read_count; i++, recorded++)
    if (recorded->kind == WB_RECORDED_ENV &&
        !variable_agrees(entry, recorded, entry_at(entry, recorded->subject), envp))
      return 0;
  return 1;
}

/* Whether namespaces are refused as before. If they are available by now, or fail only later, the
 * engine tries everything that they need. */
static int namespaces_agree(const struct wb_recorded_read *recorded) {
  const int error = wb_user_namespace_error();
  return error && recorded->limit == (uint32_t)error;
}

int recorded_reads_agree(const struct wb_entry *entry) {
  const struct wb_recorded_read *recorded = reads_of(entry);
  for (uint32_t i = 0; i < entry->recorded_read_count; i++, recorded++) {
    const char *subject = entry_at(entry, recorded->subject);
    int agree = 0;
    switch (recorded->kind) {
    case WB_RECORDED_ENV: /* recorded_variables_agree */
      agree = 1;
      break;
    case WB_RECORDED_CWD:
      agree = cwd_agrees(entry, recorded);
      break;
    case WB_RECORDED_LSTAT:
      agree = stat_agrees(recorded, subject, AT_SYMLINK_NOFOLLOW);
      break;
    case WB_RECORDED_STAT:
      agree = stat_agrees(recorded, subject, 0);
      break;
    case WB_RECORDED_READLINK:
      agree = link_agrees(entry, recorded, subject);
      break;
    case WB_RECORDED_REALPATH:
      agree = real_path_agrees(entry, recorded, subject);
      break;
    case WB_RECORDED_READ:
      agree = content_agrees(entry, recorded, subject);
      break;
    case WB_RECORDED_LIST:
      agree = list_agrees(entry, recorded, subject);
      break;
    case WB_RECORDED_MOUNTS:
      agree = mounts_agree(entry, recorded, subject);
      break;
    case WB_RECORDED_STREAM:
      agree = stream_agrees(recorded);
      break;
    case WB_RECORDED_LANDLOCK:
      agree = landlock_agrees(recorded);
      break;
    case WB_RECORDED_NAMESPACES:
      agree = namespaces_agree(recorded);
      break;
    case WB_RECORDED_ACCESS:
      agree =
          (sys3(__NR_faccessat, AT_FDCWD, subject, recorded->limit) == 0) == !!recorded->present;
      break;
    default:
      break;
    }
    if (!agree)
      return 0;
  }
  return 1;
}
