/* Declares what copy_make.c and copy_capture.c share. */
#ifndef WASBOX_RUNDIR_COPY_PARTS_H
#define WASBOX_RUNDIR_COPY_PARTS_H

#include <sys/stat.h>

#include "working_copy.h"

/* The depth to which a layer is read: src/changes/files/layer.ts. */
#define COPY_DEPTH_MAX 200
#define COPY_MODE_BITS 01777

/* A path in the tree, while it is walked. */
struct copy_path {
  char text[4096];
  size_t length;
};

/* Appends a name; returns the length to go back to, or -1 with ENAMETOOLONG. */
long copy_path_enter(struct copy_path *path, const char *name);
void copy_path_leave(struct copy_path *path, long length);

int copy_fail(struct wb_copy_failure *failure, int error, const struct copy_path *path);

/* Names of a directory, but "." and "..". Free `bytes`. Returns 0 or an errno. */
struct copy_names {
  char *bytes; /* each with a NUL behind it */
  size_t size;
};
int copy_names_read(int fd, struct copy_names *names);

int copy_is_left_out(const char *left_out, size_t size, const char *path);

/* The next part of a file that holds data, from `at` on. Returns 0 where there is none. A file
 * system without lseek(2)'s SEEK_DATA has one part, the whole file. */
int copy_next_data(int file, off_t at, off_t size, off_t *begin, off_t *end);

/* Opens a directory below `directory`, through no link. */
int copy_open_directory(int directory, const char *name);

/* Says what one path of the copy was made from, and what it is. */
struct copy_record {
  uint64_t path; /* its hash */
  uint64_t source_device, source_inode;
  uint64_t inode;
  int64_t mtime_ns;
};

/* The index: this head, the names that were left out, the records. The head is all zeros until the
 * copy is whole. */
struct copy_head {
  uint64_t magic;
  uint64_t left_out_size, count;
};
#define COPY_MAGIC 0x31796f706365616aull

/* Says what a copy was made from. */
struct copy_index {
  char *left_out;
  size_t left_out_size;
  struct copy_record *records; /* by path */
  size_t count;
  struct timespec made; /* when the copy was whole */
};
/* 0, or -1 with errno, EILSEQ where the copy was not made whole; free it either way. */
int copy_index_read(struct copy_index *index, const struct wb_copy_request *request);
void copy_index_free(struct copy_index *index);
/* Returns the record of a path of the copy; NULL where nothing was copied to it. */
const struct copy_record *copy_index_find(const struct copy_index *index, const char *path);
struct copy_record copy_record_of(const char *path, const struct stat *source,
                                  const struct stat *copy);

#define COPY_NOTES 64
#define COPY_LINKED_MAX 8192

/* A file with several names that was copied to another file system: its other names become links.
 */
struct copy_linked {
  uint64_t inode;
  char *path; /* owned: of the copy, from the root of the layer */
};

/* Copies one entry and all below it, with owner (-1: the caller's), mode and times. Those that
 * cannot be read, and what is no file, directory or link, are left out. `index`: where what was
 * copied is noted, or -1. */
struct copy_job {
  const struct wb_copy_request *request; /* of limits, left_out, owner */
  struct wb_copy_failure *failure;
  struct copy_path path;
  uint64_t bytes, files;
  uint64_t device;            /* of the source: what is mounted in it stays empty */
  int index;                  /* negative: of what a program made, to another file system */
  int layer;                  /* then: the root of the layer */
  struct copy_linked *linked; /* owned, as is what is in it */
  size_t linked_count;
  uint64_t count; /* of records */
  struct copy_record notes[COPY_NOTES];
};
int copy_entry(struct copy_job *job, int from, const char *name, int to, int depth);

#endif
