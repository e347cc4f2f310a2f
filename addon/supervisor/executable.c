/*
 * wasbox-init as a sealed memfd. Called by launch.c. A payload that gets hold of /proc/N/exe of a
 * process that is still init reaches this copy, which cannot be changed, and not the installation.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3; needed where vm.memfd_noexec is 1 */
#endif

#define COPY_MAX (1 << 20) /* all of it at once */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int cached = -1;
static char cached_path[WB_PATH_MAX];

static int copy_and_seal(const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return -1;
  int memory = memfd_create("wasbox-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (memory < 0 && errno == EINVAL)
    memory = memfd_create("wasbox-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  int error = errno;
  if (memory >= 0) {
    ssize_t n;
    while ((n = sendfile(memory, file, NULL, COPY_MAX)) > 0)
      ;
    if (n < 0 || fchmod(memory, 0555) < 0 ||
        fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
      error = errno;
      close(memory);
      memory = -1;
    }
  }
  close(file);
  errno = error;
  return memory;
}

int wb_init_executable(const char *path) {
  pthread_mutex_lock(&lock);
  if (cached < 0 || strcmp(cached_path, path) != 0) {
    int fresh =
        strlen(path) < sizeof cached_path ? copy_and_seal(path) : (errno = ENAMETOOLONG, -1);
    if (fresh >= 0) {
      if (cached >= 0)
        close(cached);
      cached = fresh;
      memcpy(cached_path, path, strlen(path) + 1);
    } else {
      pthread_mutex_unlock(&lock);
      return -1;
    }
  }
  int fd = cached;
  pthread_mutex_unlock(&lock);
  return fd;
}
