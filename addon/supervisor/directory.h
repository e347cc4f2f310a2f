/* Reading directories and small files by descriptor, without allocation. */
#ifndef WASBOX_DIRECTORY_H
#define WASBOX_DIRECTORY_H

#include <stdint.h>
#include <sys/types.h>

/* DT_DIR of readdir(3). */
#define DT_DIRECTORY 4

struct wb_name {
  uint64_t ino;
  int64_t next; /* where the directory goes on behind this name */
  unsigned short length;
  unsigned char type; /* DT_* */
  char name[];
};

struct wb_directory {
  int fd; /* borrowed */
  long at, end;
  char bytes[8192] __attribute__((aligned(8)));
};

static inline void wb_directory_begin(struct wb_directory *directory, int fd) {
  directory->fd = fd;
  directory->at = directory->end = 0;
}

/* The next name but "." and "..", or NULL at the end and where it cannot be read. */
const struct wb_name *wb_directory_next(struct wb_directory *directory);

/* The beginning of a small file, ended by a NUL. Returns its length, or -1 with errno. */
ssize_t wb_read_text(int directory, const char *path, char *out, size_t size);

/* The decimal number at `*text`, behind spaces; moves `*text` behind it. */
uint64_t wb_number(const char **text);

#endif
