/* A path that the payload names: what it is inside, and what it is on the host. */
#ifndef WASBOX_INSIDE_H
#define WASBOX_INSIDE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WB_INSIDE_PATH_MAX 4096

struct wb_pin;

/* Describes what an open(2) asks for. */
struct wb_opening {
  struct wb_pin *caller; /* borrowed */
  int directory;         /* descriptor of the payload, or AT_FDCWD */
  int flags;             /* O_* */
  char path[WB_INSIDE_PATH_MAX];
};

/* The user whose rights inside are looked at, where the supervisor has more; 0: its own. */
struct wb_inside_user {
  uint32_t uid, gid;
};

/* Makes `path` absolute, as a path inside. Returns 0 or an errno. */
int wb_inside_absolute(struct wb_opening *opening);

/* 0 where the call would get the file (or fail for a reason of its own); 1 where the sandbox is why
 * it fails. An estimate: it decides about a question, never about an access. */
int wb_inside_fails(const struct wb_opening *opening, struct wb_inside_user user);

/* A file of the host, held by a descriptor that gives no access to it. */
struct wb_host_file {
  int fd; /* O_PATH; owned */
  int directory;
  dev_t device;
  ino_t inode;
  char path[WB_INSIDE_PATH_MAX]; /* without symbolic links */
};

/* Finds the file that the same path leads to on the host, if it is a regular file or directory that
 * the caller may use so. Files of the kernel's own (/proc, /sys …) are none. Returns 0 or an errno.
 */
int wb_host_find(struct wb_host_file *file, const struct wb_opening *opening);

/* Answers a call with a descriptor, which stays the function's caller's. Returns 0 or an errno. */
typedef int wb_host_give(int file, void *context);

/* Opens exactly that file, through a mount of its own: nothing above it can be reached from it, and
 * unless it is to be written, nothing of it can be changed, its mode and times included. Calls
 * `give` with it, in a child that shares memory. Returns 0 or an errno. */
int wb_host_lend(const char *path, dev_t device, ino_t inode, int flags, wb_host_give *give,
                 void *context);

#endif
