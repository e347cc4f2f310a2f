/* What a copy was made from: the file beside it that copy_make.c writes, as copy_capture.c asks for
 * it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "copy_parts.h"

static int by_source(const void *a, const void *b) {
  const struct copy_record *x = a, *y = b;
  if (x->source_device != y->source_device)
    return x->source_device < y->source_device ? -1 : 1;
  return x->source_inode < y->source_inode ? -1 : x->source_inode > y->source_inode;
}

static int parse(struct copy_index *index, const char *bytes, size_t whole) {
  uint64_t size = 0;
  memcpy(&size, bytes, sizeof size);
  const size_t rest = whole - sizeof size;
  if (size > rest) {
    errno = EIO;
    return -1;
  }
  index->left_out = malloc(size + 1);
  index->count = (rest - size) / sizeof *index->records;
  index->records = malloc(index->count * sizeof *index->records + 1);
  if (!index->left_out || !index->records) {
    errno = ENOMEM;
    return -1;
  }
  memcpy(index->left_out, bytes + sizeof size, size);
  index->left_out_size = size;
  memcpy(index->records, bytes + sizeof size + size, index->count * sizeof *index->records);
  qsort(index->records, index->count, sizeof *index->records, by_source);
  return 0;
}

int copy_index_read(struct copy_index *index, const struct wb_copy_request *request) {
  char name[64];
  struct stat info;
  snprintf(name, sizeof name, "%s.index", request->name);
  const int fd = openat(request->place, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return -1;
  errno = EIO;
  char *bytes = fstat(fd, &info) == 0 && info.st_size >= (off_t)sizeof(uint64_t)
                    ? malloc((size_t)info.st_size + 1)
                    : NULL;
  int ret = bytes && read(fd, bytes, (size_t)info.st_size) == info.st_size
                ? parse(index, bytes, (size_t)info.st_size)
                : -1;
  index->made = info.st_ctim;
  const int error = errno;
  free(bytes);
  close(fd);
  errno = error;
  return ret;
}

void copy_index_free(struct copy_index *index) {
  free(index->left_out);
  free(index->records);
}

int copy_index_has(const struct copy_index *index, const struct stat *source,
                   const struct stat *copy) {
  const struct copy_record key = {source->st_dev, source->st_ino, 0};
  const struct copy_record *found =
      bsearch(&key, index->records, index->count, sizeof key, by_source);
  return found && found->inode == copy->st_ino;
}
