/*
 * A private copy of a directory, for a sandbox that cannot mount an overlay; and the layer that an
 * overlay would have had, made from what a program did to the copy.
 */
#ifndef WASBOX_RUNDIR_WORKING_COPY_H
#define WASBOX_RUNDIR_WORKING_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wb_copy_request {
  const char *source; /* the directory, canonical; NULL: an empty one, of which all is kept */
  int place; /* the private root: `name` is the copy in it, `name`.index what it came from */
  const char *name;
  /* Paths in the source, each with a NUL behind it, that are not copied and not compared. */
  const char *left_out;
  size_t left_out_size;
  uid_t uid; /* owner of the copy, or (uid_t)-1: the caller's */
  gid_t gid;
  uint64_t max_bytes, max_files; /* 0: no limit */
  int made;                      /* `name` is there, and empty; an index of an earlier run may be */
};

struct wb_copy_failure {
  int error;       /* errno; EFBIG beyond the limit on bytes, EMFILE beyond that on files */
  char path[4096]; /* in the copy, as far as it is known */
};

/* Makes the copy. Returns 0, or -1 with `failure` filled in; what was made stays. */
int wb_copy_make(const struct wb_copy_request *request, struct wb_copy_failure *failure);

/*
 * Moves what is other than in the source to `upper`, an empty directory, in overlayfs's format
 * (whiteouts, opaque directories); as root with the owner given. No program may use the copy any
 * more. Returns 0, or -1 with `failure` filled in; what was moved by then is in `upper`, and
 * another call goes on from there. WB_COPY_INCOMPLETE: `upper` may lack something or have a wrong
 * mode, because the copy was not made whole, or an earlier call was cut short.
 */
#define WB_COPY_INCOMPLETE 1
int wb_copy_capture(const struct wb_copy_request *request, int upper, uid_t uid, gid_t gid,
                    struct wb_copy_failure *failure);

/* Returns whether that would move nothing: then nothing is changed here either. 0 also
 * where the copy cannot be compared. */
int wb_copy_unchanged(const struct wb_copy_request *request);

#ifdef __cplusplus
}
#endif
#endif
