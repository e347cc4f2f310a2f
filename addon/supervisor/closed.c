/*
 * Processes that have closed themselves to all but root: prctl(PR_SET_DUMPABLE), or a program that
 * may not be read. /proc then gives their descriptors to root's programs, but the owner of their
 * user namespace, which the supervisor is, may still copy one by pidfd_getfd(2), if it finds the
 * process in its own pid namespace. Called by files.c; such processes are few. ptrace(2)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "directory.h"
#include "files.h"

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

/* The supervisor's own /proc. */
static int open_proc(void) {
  struct statfs info;
  int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && (fstatfs(fd, &info) < 0 || info.f_type != PROC_SUPER_MAGIC)) {
    close(fd);
    return -1;
  }
  return fd;
}

/* Of a process, as one number; 0 where that cannot be found out. */
static uint64_t namespace_of(int proc, const char *process) {
  struct statx info;
  char path[64];
  snprintf(path, sizeof path, "%s/ns/pid", process);
  return syscall(SYS_statx, proc, path, 0, STATX_INO, &info) < 0 ? 0 : info.stx_ino;
}

/* The last number behind "NSpid:": the one in the process's own namespace. */
static uint64_t own_number(int proc, const char *process) {
  char path[64], text[2048 + 16] = {0};
  snprintf(path, sizeof path, "%s/status", process);
  if (wb_read_text(proc, path, text, 2048) <= 0)
    return 0;
  uint64_t number = 0;
  const char *at = text;
  while (*at && memcmp(at, "\nNSpid:", 7) != 0)
    at++;
  for (at += *at ? 7 : 0; *at == '\t' || (*at >= '0' && *at <= '9');)
    number = wb_number(&at);
  return number;
}

static int is_it(int proc, const char *candidate, uint64_t number, uint64_t namespace) {
  return own_number(proc, candidate) == number && namespace_of(proc, candidate) == namespace;
}

int wb_closed_open(const struct wb_sandbox *sandbox, const char *process) {
  struct wb_directory directory;
  const struct wb_name *entry;
  char init[16];
  const uint64_t number = wb_number(&process);
  int found = -1, proc = open_proc();
  snprintf(init, sizeof init, "%u", sandbox->init);
  if (proc < 0)
    return -1;
  const uint64_t namespace = namespace_of(proc, init);
  wb_directory_begin(&directory, proc);
  while (namespace && found < 0 && (entry = wb_directory_next(&directory))) {
    const char *at = entry->name;
    const uint64_t pid = wb_number(&at);
    if (*at || !is_it(proc, entry->name, number, namespace))
      continue;
    found = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    /* Its number may be another's by now. */
    if (found >= 0 && !is_it(proc, entry->name, number, namespace)) {
      close(found);
      found = -1;
    }
  }
  close(proc);
  return found;
}

int wb_closed_take(int pidfd, const char *number) {
  return (int)syscall(SYS_pidfd_getfd, pidfd, (int)wb_number(&number), 0);
}
