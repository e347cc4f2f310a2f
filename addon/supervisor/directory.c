/* See directory.h. Called by processes.c and disk.c. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "directory.h"

const struct wb_name *wb_directory_next(struct wb_directory *directory) {
  for (;;) {
    if (directory->at >= directory->end) {
      directory->at = 0;
      directory->end =
          syscall(SYS_getdents64, directory->fd, directory->bytes, sizeof directory->bytes);
      if (directory->end <= 0) {
        directory->end = 0;
        return NULL;
      }
    }
    const struct wb_name *one = (const void *)(directory->bytes + directory->at);
    directory->at += one->length;
    const char *name = one->name;
    if (name[0] != '.' || (name[1] != 0 && (name[1] != '.' || name[2] != 0)))
      return one;
  }
}

ssize_t wb_read_text(int directory, const char *path, char *out, size_t size) {
  int fd = (int)syscall(SYS_openat, directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
  if (fd < 0)
    return -1;
  ssize_t n = read(fd, out, size - 1);
  close(fd);
  if (n >= 0)
    out[n] = 0;
  return n;
}

uint64_t wb_number(const char **text) {
  const char *at = *text;
  uint64_t number = 0;
  while (*at == ' ' || *at == '\t')
    at++;
  while (*at >= '0' && *at <= '9')
    number = number * 10 + (uint64_t)(*at++ - '0');
  *text = at;
  return number;
}
