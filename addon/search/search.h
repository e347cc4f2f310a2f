/*
 * The names in a directory and below that patterns may match: for `--home cow`, `--hide` and
 * `--hide-secrets` (src/resolve/hide.ts, which decides; this only leaves out what no pattern can
 * mean). Called by addon/src/search.cc and addon/engine/host.c.
 */
#ifndef WASBOX_SEARCH_H
#define WASBOX_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that grow; the owner calls free(3) for `at`. */
struct wb_bytes {
  uint8_t *at;
  size_t size, room;
};

struct wb_search {
  const char *root; /* an absolute path */
  /* The request as src/host/search-request.ts encodes it: tests.c reads it. */
  const uint8_t *request;
  size_t request_size;
  /* The state directory, in which an index of the directories is kept; NULL: none is. */
  const char *state;
  /* Called now and then with how many names were seen; may be NULL. Ends the search where it is
   * not 0. */
  int (*progress)(void *of, uint64_t names);
  void *of;
};

/*
 * Appends to `found`, for each name: a letter, its path below the root, a 0 byte. `d`: a directory,
 * `o`: another file, `l`: a symbolic link, of a survey, `c`: a directory that could not be looked
 * through, which may be the root, whose path is empty. `names` is how many names there are. 0, or
 * -1 with errno: EINVAL for an invalid request, ECANCELED where `progress` ended it, ENOMEM.
 */
int wb_search(const struct wb_search *search, struct wb_bytes *found, uint64_t *names);

#ifdef __cplusplus
}
#endif

#endif
