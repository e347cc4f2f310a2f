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
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "directory.h"
#include "files.h"
#include "pin.h"

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

/* The pid namespace of a process, as one number; 0 where that cannot be found out. */
static uint64_t namespace_of(int process) {
  struct statx info;
  return syscall(SYS_statx, process, "ns/pid", 0, STATX_INO, &info) < 0 ? 0 : info.stx_ino;
}

/* The last number behind "NSpid:": the one in the process's own namespace. */
static uint64_t own_number(int process) {
  char text[2048 + 16] = {0};
  if (wb_read_text(process, "status", text, 2048) <= 0)
    return 0;
  uint64_t number = 0;
  const char *at = text;
  while (*at && memcmp(at, "\nNSpid:", 7) != 0)
    at++;
  for (at += *at ? 7 : 0; *at == '\t' || (*at >= '0' && *at <= '9');)
    number = wb_number(&at);
  return number;
}

int wb_closed_open(const struct wb_sandbox *sandbox, const char *process) {
  struct wb_directory directory;
  const struct wb_name *entry;
  const uint64_t number = wb_number(&process);
  int found = -1, proc = open_proc(), init = wb_process_open(sandbox->init);
  const uint64_t namespace = proc < 0 || init < 0 ? 0 : namespace_of(init);
  if (init >= 0)
    close(init);
  wb_directory_begin(&directory, proc);
  while (namespace && found < 0 && (entry = wb_directory_next(&directory))) {
    const char *at = entry->name;
    const uint32_t pid = (uint32_t)wb_number(&at);
    const int one = *at ? -1 : wb_process_open(pid);
    if (one < 0)
      continue;
    if (own_number(one) == number && namespace_of(one) == namespace)
      found = wb_process_pidfd(one, pid);
    close(one);
  }
  if (proc >= 0)
    close(proc);
  return found;
}

int wb_closed_take(int pidfd, const char *number) {
  return wb_process_take(pidfd, (int)wb_number(&number));
}
