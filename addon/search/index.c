/*
 * The index of a search: what was found in each directory, with the directory's identity and times.
 * Whatever is made, removed or renamed in a directory changes its ctime, which no program can set:
 * inode(7). It lies in the state directory, which no payload sees.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../rundir/rundir.h"
#include "parts.h"

#define INDEX_MAGIC 0x3178646e69627877ull
/* More than the largest home needs: 100 bytes a directory. */
#define INDEX_MOST (256u << 20)

struct index_head {
  uint64_t magic; /* the format's, too */
  uint64_t check; /* of all that follows */
  uint64_t tests; /* hash of the tests, and of where they begin */
  uint64_t uid;
};

static uint64_t hash_of(const uint8_t *at, size_t size) {
  uint64_t hash = 0xcbf29ce484222325ull ^ size;
  for (; size >= sizeof hash; at += sizeof hash, size -= sizeof hash) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
    hash ^= hash >> 32;
  }
  for (; size > 0; at++, size--)
    hash = (hash ^ *at) * 0x100000001b3ull;
  return hash ^ hash >> 29;
}

static struct index_head head_of(const struct search_request *request) {
  const uint64_t place = hash_of((const uint8_t *)request->context, request->context_size);
  const uint64_t tests = hash_of(request->tests_from, request->tests_size);
  return (struct index_head){.magic = INDEX_MAGIC,
                             .tests = tests ^ (place + request->depth) * 3,
                             .uid = (uint64_t)syscall(SYS_geteuid)};
}

#define CHECKED_FROM offsetof(struct index_head, tests)

static uint64_t check_of(const struct wb_bytes *bytes) {
  return hash_of(bytes->at + CHECKED_FROM, bytes->size - CHECKED_FROM);
}

static void name_of(char name[64], const struct search_node *root,
                    const struct search_request *request) {
  snprintf(name, 64, "%llx-%llx%s", (unsigned long long)root->dev, (unsigned long long)root->ino,
           request->survey ? "-survey" : "");
}

/* The directory of indexes; -1 where there is none. It is made only where the state directory is.
 */
static int open_indexes(const char *state, int create) {
  const int directory = wb_state_open(state, 0);
  if (directory < 0)
    return -1;
  const int fd = wb_state_open_in(directory, "searches", create);
  close(directory);
  return fd;
}

/* All of a file of this user's alone; -1 where it is another. */
static int read_own(int fd, struct wb_bytes *bytes) {
  struct statx info;
  if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info) < 0 ||
      !S_ISREG(info.stx_mode) || (info.stx_mode & 077) != 0 ||
      info.stx_uid != (uint32_t)syscall(SYS_geteuid) || info.stx_size > INDEX_MOST)
    return -1;
  const size_t size = (size_t)info.stx_size;
  bytes->at = malloc(size + 1);
  if (!bytes->at)
    return -1;
  for (bytes->room = size + 1; bytes->size < size;) {
    const ssize_t got = read(fd, bytes->at + bytes->size, size - bytes->size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return -1;
    bytes->size += (size_t)got;
  }
  return 0;
}

static int is_whole(const struct wb_bytes *bytes, const struct search_request *request) {
  struct index_head head;
  const struct index_head wanted = head_of(request);
  if (bytes->size < sizeof head)
    return 0;
  memcpy(&head, bytes->at, sizeof head);
  struct search_node root;
  return head.magic == wanted.magic && head.tests == wanted.tests && head.uid == wanted.uid &&
         head.check == check_of(bytes) &&
         search_node_read(&root, bytes->at + sizeof head, bytes->at + bytes->size);
}

int search_node_read(struct search_node *node, const uint8_t *at, const uint8_t *end) {
  if (end < at || (size_t)(end - at) < sizeof *node)
    return 0;
  memcpy(node, at, sizeof *node);
  return node->size >= sizeof *node && node->size <= (size_t)(end - at) &&
         node->names_size <= node->size - sizeof *node;
}

void search_index_load(struct search_index *index, const char *state, const struct search_node *of,
                       const struct search_request *request) {
  char name[64];
  *index = (struct search_index){0};
  const int directory = open_indexes(state, 0);
  if (directory < 0)
    return;
  name_of(name, of, request);
  const int fd = wb_open_beneath(directory, name, O_RDONLY, 0);
  close(directory);
  if (fd < 0)
    return;
  if (read_own(fd, &index->bytes) == 0 && is_whole(&index->bytes, request))
    index->root = index->bytes.at + sizeof(struct index_head);
  close(fd);
}

static int write_all(int fd, const uint8_t *at, size_t size) {
  while (size > 0) {
    const ssize_t put = write(fd, at, size);
    if (put < 0 && errno == EINTR)
      continue;
    if (put <= 0)
      return -1;
    at += put;
    size -= (size_t)put;
  }
  return 0;
}

void search_index_save(const char *state, const struct search_node *of,
                       const struct search_request *request, const struct wb_bytes *nodes) {
  char name[64], other[96];
  struct wb_bytes bytes = {0};
  struct index_head head = head_of(request);
  const int directory = nodes->size <= INDEX_MOST / 2 ? open_indexes(state, 1) : -1;
  if (directory < 0)
    return;
  name_of(name, of, request);
  snprintf(other, sizeof other, "%s.%d", name, (int)syscall(SYS_gettid));
  if (search_put(&bytes, &head, sizeof head) == 0 &&
      search_put(&bytes, nodes->at, nodes->size) == 0) {
    head.check = check_of(&bytes);
    memcpy(bytes.at, &head, sizeof head);
    syscall(SYS_unlinkat, directory, other, 0);
    const int fd = wb_open_beneath(directory, other, O_WRONLY | O_CREAT | O_EXCL, 0600);
    const int good = fd >= 0 && write_all(fd, bytes.at, bytes.size) == 0 &&
                     syscall(SYS_renameat2, directory, other, directory, name, 0) == 0;
    if (fd >= 0 && !good)
      syscall(SYS_unlinkat, directory, other, 0);
    if (fd >= 0)
      close(fd);
  }
  free(bytes.at);
  close(directory);
}
