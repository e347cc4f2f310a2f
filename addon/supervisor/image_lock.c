/*
 * Keeps the image of a run from being removed while the run uses it: a shared flock(2) on a file of
 * the image store. A process that removes images takes the same lock exclusively and holds it until
 * the layers are gone (src/image-store/store/manage.ts). The lock ends with the descriptor, even if
 * this process is killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor.h"

int wb_image_lock(struct wb_run *run, const char *path) {
  const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  int fd = open(path, flags | O_CREAT, 0600);
  if (fd < 0 && errno == EROFS) {
    fd = open(path, flags);
    if (fd < 0 && errno == ENOENT)
      return 0; /* of a store that nothing can be removed from */
  }
  if (fd < 0)
    return errno;
  if (syscall(SYS_flock, fd, LOCK_SH | LOCK_NB) < 0) {
    const int error = errno;
    close(fd);
    return error;
  }
  run->image_lock = fd;
  return 0;
}

void wb_image_unlock(struct wb_run *run) {
  if (run->image_lock >= 0)
    close(run->image_lock);
  run->image_lock = -1;
}
