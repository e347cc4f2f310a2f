/*
 * Paths as a thread of the sandbox names them, made absolute, and what would stand in the way of
 * using them. Called by audit.c while the thread waits. All look-ups go through the sandbox's own
 * root, without magic links, and open nothing but O_PATH: no device, FIFO or socket notices.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../sys/openat2_libc.h"
#include "audit.h"
#include "notify.h"
#include "pin.h"

#ifndef AT_EACCESS
#define AT_EACCESS 0x200
#endif
#define OVERLAYFS 0x794c7630
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

/* Takes "", "." and ".." out of a path, in place: the last by its name alone. */
static uint32_t simplify(char *path) {
  char *out = path, *in = path;
  while (*in) {
    while (*in == '/')
      in++;
    char *end = in;
    while (*end && *end != '/')
      end++;
    const size_t size = (size_t)(end - in);
    if (size == 2 && in[0] == '.' && in[1] == '.') {
      while (out > path && *--out != '/')
        ;
    } else if (size > 0 && !(size == 1 && in[0] == '.')) {
      *out++ = '/';
      memmove(out, in, size);
      out += size;
    }
    in = end;
  }
  if (out == path)
    *out++ = '/';
  *out = 0;
  return (uint32_t)(out - path);
}

uint32_t wb_audit_path(struct wb_pin *caller, int directory, uint64_t address, char *path,
                       uint32_t size, int *cut) {
  char name[WB_AUDIT_TEXT_MAX];
  size_t length = wb_pin_read(caller, address, name, sizeof name);
  const char *end = length ? memchr(name, 0, length) : NULL;
  *cut = end == NULL;
  if (length == 0 || name[0] == 0)
    return 0;
  length = end ? (size_t)(end - name) : length;
  uint32_t base = 0;
  if (name[0] != '/') {
    const ssize_t n = wb_pin_link_base(caller, directory, path, size - 1);
    if (n <= 0 || path[0] != '/')
      return 0;
    base = (uint32_t)n;
    path[base++] = '/';
  }
  if (length > size - 1 - base) {
    length = size - 1 - base;
    *cut = 1;
  }
  memcpy(path + base, name, length);
  path[base + length] = 0;
  return simplify(path);
}

/* An O_PATH descriptor of a path inside; a negative errno. */
static int find(const struct wb_audit *audit, const char *path, int no_follow) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC | (no_follow ? O_NOFOLLOW : 0),
                         .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  long fd = wb_openat2(audit->root, path, &how);
  return fd < 0 ? -errno : (int)fd;
}

static int access_error(int fd, int mode) {
  if (mode == 0)
    return 0;
  return syscall(SYS_faccessat2, fd, "", mode, AT_EMPTY_PATH | AT_EACCESS) < 0 ? errno : 0;
}

/* Returns whether the sandbox has a name for an id of the host's. */
static int holds(const struct wb_id_range *ranges, uint32_t count, uint32_t outside) {
  for (uint32_t i = 0; i < count; i++)
    if (outside - ranges[i].outside < ranges[i].count)
      return 1;
  return count == 0;
}

/* A change of what is still the host's needs a copy of it, whose owner and group could be written
 * down. The kernel says so when it makes it. */
static int copy_error(const struct wb_audit *audit, int fd) {
  struct statfs system;
  struct stat info;
  if (fstatfs(fd, &system) < 0 || system.f_type != OVERLAYFS || fstat(fd, &info) < 0)
    return 0;
  const struct wb_ids *ids = audit->ids;
  return holds(ids->uids, ids->uid_count, info.st_uid) &&
                 holds(ids->gids, ids->gid_count, info.st_gid)
             ? 0
             : EOVERFLOW;
}

/* Returns the error of the directory that holds the last name. */
static int parent_error(const struct wb_audit *audit, const char *path) {
  char parent[WB_AUDIT_TEXT_MAX];
  const char *slash = strrchr(path, '/');
  size_t size = slash ? (size_t)(slash - path) : 0;
  if (size >= sizeof parent)
    return ENAMETOOLONG;
  memcpy(parent, path, size);
  parent[size] = 0;
  int fd = find(audit, size ? parent : "/", 0);
  if (fd < 0)
    return -fd;
  int error = access_error(fd, W_OK | X_OK);
  if (error == 0)
    error = copy_error(audit, fd);
  close(fd);
  return error;
}

static int look(const struct wb_audit *audit, const char *path, unsigned how, int *existed) {
  int fd = find(audit, path, (how & WB_PROBE_NO_FOLLOW) != 0);
  int error = 0;
  if (fd >= 0) {
    *existed = 1;
    int mode = (how & WB_PROBE_READ ? R_OK : 0) | (how & WB_PROBE_WRITE ? W_OK : 0) |
               (how & WB_PROBE_EXECUTE ? X_OK : 0);
    error = how & WB_PROBE_NEW ? EEXIST : access_error(fd, mode);
    if (error == 0 && (how & WB_PROBE_WRITE))
      error = copy_error(audit, fd);
    close(fd);
    return error || !(how & WB_PROBE_REMOVE) ? error : parent_error(audit, path);
  }
  if (fd != -ENOENT || !(how & WB_PROBE_MAKE))
    return -fd;
  /* A link that leads nowhere from here: /dev/stdout leads to the asking process's own file. */
  fd = (how & WB_PROBE_NO_FOLLOW) ? -ENOENT : find(audit, path, 1);
  if (fd < 0)
    return parent_error(audit, path);
  close(fd);
  *existed = 1;
  return -1;
}

int wb_audit_probe(struct wb_audit *audit, struct wb_pin *caller, const char *path, unsigned how,
                   int *existed) {
  *existed = 0;
  if (audit->root < 0) {
    audit->root = wb_pin_open(caller, "root", O_PATH | O_DIRECTORY);
    if (audit->root < 0)
      return -1;
  }
  /* This thread looks with the payload's rights, not root's own; these ids are this thread's alone.
   * credentials(7) */
  const int lesser = geteuid() == 0 && audit->ids->host_uid != 0;
  if (lesser) {
    syscall(SYS_setfsgid, audit->ids->host_gid);
    syscall(SYS_setfsuid, audit->ids->host_uid);
  }
  const int error = look(audit, path, how, existed);
  if (lesser) {
    syscall(SYS_setfsuid, geteuid());
    syscall(SYS_setfsgid, getegid());
  }
  return error;
}
