/*
 * Files that a call of the payload names, as the payload would find them: opened once, with O_PATH,
 * so that what is judged afterwards is what is used. Of a run without a mount namespace, whose
 * paths are the supervisor's as well; and paths as they are inside. Called by metadata.c, ptys.c
 * and emulate.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../sys/openat2_libc.h"
#include "notify.h"
#include "pin.h"

long wb_payload_descriptor(struct wb_pin *caller, int fd) {
  const int found = wb_pin_open_base(caller, fd, O_PATH);
  return found < 0 ? -EBADF : found;
}

/* The descriptor that a path names by way of /proc, as musl's fchmodat(3) and glibc's do; -1 where
 * it is another path. The kernel would follow such a link, and so may the supervisor: what it leads
 * to is judged like any other file. */
static int descriptor_of(const struct wb_pin *caller, const char path[WB_PAYLOAD_PATH_MAX]) {
  char own[40];
  /* The path is as the payload writes it: compared, never opened. */
  snprintf(own, sizeof own, "/proc/%u/fd/", caller->call->pid);
  const char *const ways[] = {"/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/", own};
  const char *const streams[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
  for (int fd = 0; fd < 3; fd++)
    if (strcmp(path, streams[fd]) == 0)
      return fd;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    const size_t length = strlen(ways[i]);
    int fd = 0, digits = 0;
    if (memcmp(path, ways[i], length) != 0)
      continue;
    const char *number = path + length;
    for (; number[digits] >= '0' && number[digits] <= '9' && digits < 9; digits++)
      fd = fd * 10 + (number[digits] - '0');
    return digits && !number[digits] ? fd : -1;
  }
  return -1;
}

long wb_payload_open(struct wb_pin *caller, int base, const char path[WB_PAYLOAD_PATH_MAX],
                     int no_follow) {
  const int named = no_follow ? -1 : descriptor_of(caller, path);
  if (named >= 0) {
    const long found = wb_payload_descriptor(caller, named);
    return found < 0 ? -ENOENT : found;
  }
  const long from = path[0] == '/' ? AT_FDCWD : wb_payload_descriptor(caller, base);
  if (from < 0 && from != AT_FDCWD)
    return from;
  struct open_how how = {.flags = O_PATH | O_CLOEXEC | (no_follow ? O_NOFOLLOW : 0),
                         .resolve = RESOLVE_NO_MAGICLINKS};
  const long found = wb_openat2(from, path, &how);
  const int error = errno;
  if (from != AT_FDCWD)
    close((int)from);
  return found < 0 ? -error : found;
}

int wb_payload_absolute(struct wb_pin *caller, int directory, char path[WB_PAYLOAD_PATH_MAX]) {
  char base[WB_PAYLOAD_PATH_MAX];
  if (path[0] == '/')
    return 0;
  const ssize_t n = wb_pin_link_base(caller, directory, base, sizeof base);
  if (n <= 0)
    return EBADF;
  const size_t length = strlen(path), prefix = (size_t)n;
  if (base[0] != '/')
    return ENOTDIR;
  if (prefix + 1 + length >= WB_PAYLOAD_PATH_MAX)
    return ENAMETOOLONG;
  base[prefix] = '/';
  memcpy(base + prefix + 1, path, length + 1);
  memcpy(path, base, prefix + 1 + length + 1);
  return 0;
}
