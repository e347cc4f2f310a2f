/* Declares what the files of this folder share. */
#ifndef WASBOX_SEARCH_PARTS_H
#define WASBOX_SEARCH_PARTS_H

#include "search.h"

/* tests.c: how the name of a file, and those of the directories that it is in, must begin and end.
 */
struct search_part {
  const uint8_t *prefix, *suffix;
  uint8_t prefix_size, suffix_size;
  uint8_t open; /* something may be between them; else the prefix is the whole name */
};

struct search_test {
  uint32_t first; /* its parts, the last name's first */
  uint16_t count; /* 0: every name will do */
  uint8_t exact;  /* what passes it is matched: nothing below is looked at */
  uint16_t next;  /* the next test that may hold for the same names, from 1 on; 0: none */
};

struct search_identity {
  uint64_t dev, ino;
};

struct search_request {
  uint32_t depth; /* of the root, below where the patterns begin */
  const char *context;
  uint32_t context_size; /* the path from there to the root */
  const uint8_t *states; /* `state_count` of search_identity, unaligned */
  uint32_t state_count;
  const char *skipped; /* paths below the root, each with a 0 byte, that are not looked at */
  uint32_t skipped_size;
  /* Set for src/changes/merged-tree/survey.ts: names are compared as lenient file systems do,
   * symbolic links are found whatever their names, and what is on another mount or in git's store
   * of objects is not. */
  uint8_t survey;
  const uint8_t *tests_from; /* with `survey`, as bytes: an index is for the same ones */
  size_t tests_size;
  struct search_part *parts;
  struct search_test *tests;
  uint32_t test_count;
  /* The first test for names that begin with a byte, that end with one, and for all; from 1 on. */
  uint16_t by_first[256], by_last[256], any;
};

enum search_match { SEARCH_NONE, SEARCH_MAYBE, SEARCH_MATCHED };

/* 0, or -1 with errno. */
int search_request_read(struct search_request *request, const uint8_t *bytes, size_t size);
void search_request_free(struct search_request *request);
/* `path`: of the directory that the name is in, below where the patterns begin. */
enum search_match search_match(const struct search_request *request, const char *path,
                               size_t path_size, const char *name, size_t name_size);

/* bytes.c: -1 with ENOMEM. */
int search_put(struct wb_bytes *bytes, const void *more, size_t size);

/* index.c: what is kept of one directory. Behind it the names that tests found, each a letter and a
 * 0 byte behind it; then each directory in it: its name, a 0 byte, and the same of that one. */
struct search_node {
  uint32_t size;       /* with all that is below */
  uint32_t names_size; /* of the names that tests found */
  uint32_t children;
  uint32_t names;    /* how many there are in all */
  uint64_t dev, ino; /* ino 0: nothing is known of it */
  int64_t ctime, mtime;
};

/* Reads what lies between `at` and `end`; 0 where that is no node. */
int search_node_read(struct search_node *node, const uint8_t *at, const uint8_t *end);

struct search_index {
  struct wb_bytes bytes; /* as in the file */
  const uint8_t *root;   /* the root's node; NULL: there is no index */
};

/* The index of a directory, or none where there is none, or it is damaged, another user's, or for
 * other tests. */
void search_index_load(struct search_index *index, const char *state, const struct search_node *of,
                       const struct search_request *request);
/* `nodes` is one node with all that is below. What fails leaves the index that was there. */
void search_index_save(const char *state, const struct search_node *of,
                       const struct search_request *request, const struct wb_bytes *nodes);

#endif
