/* Files of the payload's, taken by number. Called by tcp.c and carry.c. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../supervisor/directory.h"
#include "net.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL /* Linux 6.9 */
#endif

/* The thread group of a thread, for kernels without PIDFD_THREAD; 0 where there is none. */
static pid_t group_of(uint32_t thread) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%u/status", thread);
  if (wb_read_text(AT_FDCWD, path, text, sizeof text) <= 0)
    return 0;
  const char *line = strstr(text, "\nTgid:");
  int group;
  return line && sscanf(line, "\nTgid:%d", &group) == 1 ? group : 0;
}

int net_take_file(uint32_t thread, int number) {
  int pidfd = (int)syscall(SYS_pidfd_open, thread, PIDFD_THREAD);
  if (pidfd < 0 && errno == EINVAL)
    pidfd = (int)syscall(SYS_pidfd_open, group_of(thread), 0);
  if (pidfd < 0)
    return -1;
  int file = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
  int error = errno;
  close(pidfd);
  errno = error;
  return file;
}
