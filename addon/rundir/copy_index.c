/* Looks up what a copy was made from: the file beside it that copy_make.c writes, as
 * copy_capture.c asks for it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "copy_parts.h"

static int by_path(const void *a, const void *b) {
  const struct copy_record *x = a, *y = b;
  return x->path < y->path ? -1 : x->path > y->path;
}

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv */
static uint64_t hash_of(const char *path) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (; *path; path++)
    hash = (hash ^ (unsigned char)*path) * 0x100000001b3ull;
  return hash;
}

struct copy_record copy_record_of(const char *path, const struct stat *source,
                                  const struct stat *copy) {
  return (struct copy_record){hash_of(path), source->st_dev, source->st_ino, copy->st_ino,
                              (int64_t)copy->st_mtim.tv_sec * 1000000000 + copy->st_mtim.tv_nsec};
}

/* Nothing but a whole copy has the head of one, and as many records as that says. */
static int parse(struct copy_index *index, const char *bytes, size_t whole) {
  struct copy_head head;
  memcpy(&head, bytes, sizeof head);
  const size_t rest = whole - sizeof head;
  if (head.magic != COPY_MAGIC || head.left_out_size > rest ||
      (rest - head.left_out_size) % sizeof *index->records != 0 ||
      (rest - head.left_out_size) / sizeof *index->records != head.count) {
    errno = EILSEQ;
    return -1;
  }
  index->left_out = malloc(head.left_out_size + 1);
  index->count = head.count;
  index->records = malloc(index->count * sizeof *index->records + 1);
  if (!index->left_out || !index->records) {
    errno = ENOMEM;
    return -1;
  }
  memcpy(index->left_out, bytes + sizeof head, head.left_out_size);
  index->left_out_size = head.left_out_size;
  memcpy(index->records, bytes + sizeof head + head.left_out_size,
         index->count * sizeof *index->records);
  qsort(index->records, index->count, sizeof *index->records, by_path);
  return 0;
}

int copy_index_read(struct copy_index *index, const struct wb_copy_request *request) {
  char name[64];
  struct stat info;
  snprintf(name, sizeof name, "%s.index", request->name);
  const int fd = openat(request->place, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT || errno == ELOOP)
      errno = EILSEQ;
    return -1;
  }
  errno = EILSEQ;
  char *bytes = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
                        info.st_size >= (off_t)sizeof(struct copy_head)
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

const struct copy_record *copy_index_find(const struct copy_index *index, const char *path) {
  const struct copy_record key = {.path = hash_of(path)};
  return index->count ? bsearch(&key, index->records, index->count, sizeof key, by_path) : NULL;
}
