/*
 * openat2(2). A lookup below a directory that meets `..` fails with EAGAIN where anything on the
 * machine was renamed or mounted since it began: the kernel then cannot tell whether it has left
 * the directory. It is begun again; the number of times is bounded, for a program may rename
 * without end.
 */
#ifndef WASBOX_SYS_OPENAT2_H
#define WASBOX_SYS_OPENAT2_H

#include <errno.h>
#include <linux/openat2.h>

enum { OPENAT2_TRIES = 100 };

#ifndef __cplusplus
#include "syscall.h"

/* Returns a descriptor or a negative errno. */
static inline long sys_openat2(int directory, const char *path, const struct open_how *how) {
  for (int tries = 1;; tries++) {
    const long fd = sys4(__NR_openat2, directory, path, how, sizeof *how);
    if (fd != -EAGAIN || tries == OPENAT2_TRIES)
      return fd;
  }
}
#endif

#endif
