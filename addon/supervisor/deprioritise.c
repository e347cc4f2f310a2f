/*
 * A crowd is put behind the host's processes. Where sessions are scheduled as groups, as on most
 * desktops, a process's own nice value only counts among those of its session; what counts against
 * others is the session's, and that is set here. Called by supervise.c. sched(7),
 * proc_pid_autogroup(5)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "directory.h"
#include "pin.h"
#include "supervisor.h"

/* Processes that are looked at in one go. */
#define FOLLOWED_MAX 512

struct known {
  uint32_t pid, parent;
};

/* The caller's /proc, in whatever pid namespace that is. */
static int open_proc(void) {
  struct statfs info;
  int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && fstatfs(fd, &info) == 0 && info.f_type == PROC_SUPER_MAGIC)
    return fd;
  if (fd >= 0)
    close(fd);
  return -1;
}

/* The number that a process has there. 0: none. */
static uint32_t number_of(int proc, int pidfd) {
  char path[40], text[512 + 4] = {0};
  snprintf(path, sizeof path, "self/fdinfo/%d", pidfd);
  if (wb_read_text(proc, path, text, 512) <= 0)
    return 0;
  for (const char *at = text; *at; at++)
    if ((at == text || at[-1] == '\n') && memcmp(at, "Pid:", 4) == 0) {
      at += 4;
      return (uint32_t)wb_number(&at); /* -1 where it has none: no digits, 0 */
    }
  return 0;
}

/* Opened, so that what is done next is done to this process and to none that takes its number. */
static int open_process(const struct known *process) {
  char text[512];
  const int fd = wb_process_open(process->pid);
  if (fd < 0)
    return -1;
  const char *behind = NULL;
  if (wb_read_text(fd, "stat", text, sizeof text) > 0)
    for (const char *at = text; *at; at++)
      if (*at == ')')
        behind = at;
  /* ") S 123": its parent */
  if (behind && behind[1] == ' ' && behind[2] && (behind += 3) &&
      (!process->parent || wb_number(&behind) == process->parent))
    return fd;
  close(fd);
  return -1;
}

/* "/autogroup-123 nice 0": the length of the name. */
static size_t name_length(const char *group) {
  size_t length = 0;
  while (group[length] && group[length] != ' ')
    length++;
  return length;
}

/* Puts a process's session behind others, unless it is the caller's own, which has no name where
 * no session was made since the machine started. Returns 0 or an errno. */
static int put_behind(int process, const char *own) {
  static const char last[] = " nice 19";
  char group[64 + sizeof last] = {0};
  if (wb_read_text(process, "autogroup", group, 64) <= 0)
    return 0;
  const size_t length = name_length(group);
  if ((length == name_length(own) && memcmp(group, own, length) == 0) ||
      memcmp(group + length, last, sizeof last - 1) == 0)
    return 0;
  int fd = (int)syscall(SYS_openat, process, "autogroup", O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0)
    return errno;
  const int error = write(fd, "19", 2) < 0 ? errno : 0;
  close(fd);
  return error;
}

static uint32_t add_children(int process, uint32_t pid, struct known *known, uint32_t count) {
  char path[32], text[4096];
  snprintf(path, sizeof path, "task/%u/children", pid);
  if (wb_read_text(process, path, text, sizeof text) <= 0)
    return count;
  for (const char *at = text; *at && count < FOLLOWED_MAX;) {
    const uint32_t child = (uint32_t)wb_number(&at);
    if (!child)
      break;
    known[count++] = (struct known){child, pid};
  }
  return count;
}

void wb_deprioritise(int pidfd) {
  char own[64];
  struct known known[FOLLOWED_MAX];
  int proc = open_proc();
  if (proc < 0)
    return;
  const uint32_t init =
      wb_read_text(proc, "self/autogroup", own, sizeof own) < 0 ? 0 : number_of(proc, pidfd);
  uint32_t count = 0;
  if (init)
    known[count++] = (struct known){init, 0};
  int behind = 1;
  for (uint32_t i = 0; i < count && behind; i++) {
    int process = open_process(known + i);
    if (process < 0)
      continue;
    /* Ordinary users may set ten sessions a second: the others next time. */
    if (known[i].parent && put_behind(process, own) == EAGAIN)
      behind = 0;
    count = add_children(process, known[i].pid, known, count);
    close(process);
  }
  close(proc);
}
