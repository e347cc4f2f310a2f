/*
 * Where the caller may make cgroups, the kernel holds memory and processes of a run, exactly and at
 * no cost. src/resolve/cgroup.ts finds the place. Called by launch.c, meter.c and supervise.c.
 * Documentation/admin-guide/cgroup-v2.rst
 *
 * A supervisor that is killed leaves an empty directory; the next run removes it. Each is
 * locked by its supervisor for as long as that lives.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <poll.h>
#include <unistd.h>

#include "../sys/openat2_libc.h"
#include "../plan_check.h"
#include "cgroup.h"
#include "directory.h"
#include "supervisor.h"

#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif

#define PREFIX "wasbox-"
#define LOCK_EXCLUSIVE_NOW (2 | 4) /* LOCK_EX | LOCK_NB */
/* How long the last of its processes may take to leave. */
#define LEAVE_MS 1000

static int open_below(int directory, const char *name) {
  struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                         .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  return wb_openat2(directory, name, &how);
}

static int is_cgroup(int fd) {
  struct statfs info;
  return fstatfs(fd, &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
}

static int write_text(int directory, const char *file, const char *text) {
  int fd = (int)syscall(SYS_openat, directory, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  const ssize_t length = (ssize_t)strlen(text), n = write(fd, text, (size_t)length);
  const int error = errno;
  close(fd);
  errno = error;
  return n == length ? 0 : -1;
}

static int write_number(int directory, const char *file, uint64_t number) {
  char text[24], *at = text + sizeof text - 1;
  *at = 0;
  do
    *--at = (char)('0' + number % 10);
  while (number /= 10);
  return write_text(directory, file, at);
}

static void remove_named(int parent, const char *name) {
  syscall(SYS_unlinkat, parent, name, AT_REMOVEDIR);
}

/* Removes what killed supervisors left: of one that lives the lock is held, and one that has
 * processes the kernel does not remove. */
static void sweep(int parent) {
  struct wb_directory directory;
  const struct wb_name *entry;
  wb_directory_begin(&directory, parent);
  while ((entry = wb_directory_next(&directory))) {
    if (strlen(entry->name) <= sizeof PREFIX - 1 ||
        memcmp(entry->name, PREFIX, sizeof PREFIX - 1) != 0)
      continue;
    int fd = open_below(parent, entry->name);
    if (fd < 0)
      continue;
    if (syscall(SYS_flock, fd, LOCK_EXCLUSIVE_NOW) == 0)
      remove_named(parent, entry->name);
    close(fd);
  }
}

/* Init, which counts for the kernel, and its warden. */
static uint64_t own_processes(const struct wb_plan *plan) {
  return plan->private_root ? 2 : 1;
}

/* The most that there may be with them; 0: any number. */
static uint64_t process_limit(const struct wb_plan *plan) {
  return plan->processes ? plan->processes + own_processes(plan) - 1 : 0;
}

static int set_limits(int fd, const struct wb_plan *plan) {
  if (plan->memory_bytes && (write_number(fd, "memory.max", plan->memory_bytes) < 0 ||
                             write_text(fd, "memory.oom.group", "1") < 0))
    return -1;
  /* The file is not there without swap accounting; then there is no swap to go to either. */
  if (plan->memory_bytes && write_text(fd, "memory.swap.max", "0") < 0 && errno != ENOENT)
    return -1;
  return plan->processes ? write_number(fd, "pids.max", process_limit(plan)) : 0;
}

/* A directory of a new name, locked. */
static int make(struct wb_cgroup *cgroup) {
  for (int attempt = 0; attempt < 8; attempt++) {
    const uint64_t now = wb_now_ns();
    snprintf(cgroup->name, sizeof cgroup->name, PREFIX "%d-%d-%d", (int)syscall(SYS_getpid),
             (int)(now / 1000000000u), (int)(now % 1000000000u));
    if (syscall(SYS_mkdirat, cgroup->parent, cgroup->name, 0755) < 0) {
      if (errno == EEXIST)
        continue;
      return -1;
    }
    cgroup->fd = open_below(cgroup->parent, cgroup->name);
    /* Between the two, another run may have removed it as left over. */
    if (cgroup->fd >= 0 && syscall(SYS_flock, cgroup->fd, LOCK_EXCLUSIVE_NOW) == 0)
      return 0;
    if (cgroup->fd >= 0)
      close(cgroup->fd);
    cgroup->fd = -1;
    remove_named(cgroup->parent, cgroup->name);
  }
  return -1;
}

void wb_cgroup_open(struct wb_cgroup *cgroup, const struct wb_plan *plan) {
  memset(cgroup, 0, sizeof *cgroup);
  cgroup->parent = cgroup->fd = -1;
  if (!plan->cgroup)
    return;
  cgroup->parent = open_below(AT_FDCWD, wb_plan_at(plan, plan->cgroup));
  if (cgroup->parent < 0)
    return;
  if (is_cgroup(cgroup->parent)) {
    sweep(cgroup->parent);
    if (make(cgroup) == 0 && set_limits(cgroup->fd, plan) == 0)
      return;
  }
  wb_cgroup_close(cgroup);
}

/* The number behind a word at the beginning of a line; 0 where it is not there. */
static uint64_t value_of(const char *text, const char *word) {
  const size_t length = strlen(word);
  while (*text) {
    if (memcmp(text, word, length) == 0 && text[length] == ' ') {
      text += length;
      return wb_number(&text);
    }
    while (*text && *text++ != '\n')
      ;
  }
  return 0;
}

static uint64_t read_value(int fd, const char *file, const char *word) {
  char text[4096 + 32] = {0};
  const char *at = text;
  if (wb_read_text(fd, file, text, 4096) <= 0)
    return 0;
  return word ? value_of(text, word) : wb_number(&at);
}

int wb_cgroup_sample(const struct wb_cgroup *cgroup, struct wb_cgroup_use *use) {
  char text[64];
  const char *at = text;
  if (wb_read_text(cgroup->fd, "memory.current", text, sizeof text) <= 0)
    return errno ? errno : EIO;
  use->memory_bytes = wb_number(&at);
  use->cpu_us = read_value(cgroup->fd, "cpu.stat", "usage_usec");
  return 0;
}

static void raise_to(uint64_t *value, uint64_t seen) {
  if (seen > *value)
    *value = seen;
}

void wb_cgroup_finish(const struct wb_cgroup *cgroup, const struct wb_plan *plan, int failed,
                      struct wb_usage *usage) {
  if (cgroup->fd < 0)
    return;
  usage->cgroup = 1;
  raise_to(&usage->memory_bytes, read_value(cgroup->fd, "memory.peak", NULL)); /* Linux 5.19 */
  raise_to(&usage->cpu_us, read_value(cgroup->fd, "cpu.stat", "usage_usec"));
  const uint64_t own = own_processes(plan);
  const uint64_t peak = read_value(cgroup->fd, "pids.peak", NULL); /* Linux 6.1 */
  if (peak > usage->processes + own)
    usage->processes = (uint32_t)(peak - own);
  /* RLIMIT_NPROC is the same number, and may have been in the way first. */
  if (read_value(cgroup->fd, "pids.events", "max") ||
      (failed && plan->processes && peak >= process_limit(plan)))
    usage->reached |= 1u << WB_LIMIT_PROCESSES;
  if (!usage->limit && read_value(cgroup->fd, "memory.events", "oom_kill"))
    usage->limit = WB_LIMIT_MEMORY;
}

void wb_cgroup_kill(const struct wb_cgroup *cgroup) {
  if (cgroup->fd >= 0)
    write_text(cgroup->fd, "cgroup.kill", "1");
}

void wb_cgroup_close(struct wb_cgroup *cgroup) {
  const uint64_t deadline = wb_now_ns() + LEAVE_MS * 1000000ull;
  if (cgroup->fd >= 0) {
    while (syscall(SYS_unlinkat, cgroup->parent, cgroup->name, AT_REMOVEDIR) < 0 &&
           errno == EBUSY && wb_now_ns() < deadline) {
      wb_cgroup_kill(cgroup);
      poll(NULL, 0, 1);
    }
    close(cgroup->fd);
  }
  if (cgroup->parent >= 0)
    close(cgroup->parent);
  cgroup->parent = cgroup->fd = -1;
}
