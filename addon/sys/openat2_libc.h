/* openat2.h for what has a libc. */
#ifndef WASBOX_SYS_OPENAT2_LIBC_H
#define WASBOX_SYS_OPENAT2_LIBC_H

#include <sys/syscall.h>
#include <unistd.h>

#include "openat2.h"

/* Does what sys_openat2 does, but returns -1 with errno. Its calls are those of syscall(2), which
 * tests count. */
static inline int wb_openat2(int directory, const char *path, const struct open_how *how) {
  for (int tries = 1;; tries++) {
    const int fd = (int)syscall(SYS_openat2, directory, path, how, sizeof *how);
    if (fd >= 0 || errno != EAGAIN || tries == OPENAT2_TRIES)
      return fd;
  }
}

#endif
