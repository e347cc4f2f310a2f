/* Finds what a run keeps without a name: files that only descriptors, mappings or messages hold. */
#ifndef WASBOX_FILES_H
#define WASBOX_FILES_H

#include <stdint.h>

struct wb_members;

/* Where to look. */
struct wb_sandbox {
  int proc;                         /* the sandbox's /proc, or the host's; borrowed */
  const struct wb_members *members; /* who counts in it */
  uint32_t init;                    /* init's number in the supervisor's pid namespace */
  uint64_t private_device; /* of the sandbox's files in memory, which are counted otherwise */
  uint64_t page_bytes;
  /* Called every few descriptors, of which a payload may have many; or NULL. Returns whether the
   * sample is of no more use. */
  int (*is_over)(void *context);
  void *context;
};

#define WB_UNLINKED_MAX 512
/* A bit of a key that stands for what may change behind it: such a key is another at each sample.
 */
#define WB_UNLINKED_CHANGES 1u

/* Files whose size nothing tells: only mapped, in a message, or of a process that the kernel shows
 * only to root. */
struct wb_unlinked {
  uint32_t count;
  struct wb_unlinked_file {
    uint64_t key;         /* of the file */
    uint64_t first, last; /* the bytes of it that are mapped lie between */
  } files[WB_UNLINKED_MAX];
};

/* Writes only if there is something to clear: else this would touch the page. */
static inline void wb_unlinked_clear(struct wb_unlinked *unlinked) {
  if (unlinked->count)
    unlinked->count = 0;
}

#define WB_FILES_SEEN_MAX 2048

/* what one sample finds. Large: not for the stack. */
struct wb_files {
  uint64_t seen[WB_FILES_SEEN_MAX]; /* of the sample; the buffers are touched only when needed */
  struct wb_unlinked memory, disk;  /* empty unless asked for */
  uint64_t memory_bytes;            /* memory files (memfd_create) that a descriptor shows */
  uint64_t disk_bytes; /* files that have no name any more, and a descriptor or a program shows */
  uint64_t disk_inodes;
  uint32_t most; /* descriptors of the process that has the most */
  /* The most that the processes have put in files so far, at most, as far as they show it: in
   * memory, bytes written and pages touched; on disk, pages that changed. */
  uint64_t made_memory, made_disk;
  uint64_t samples; /* kept from sample to sample, which is what makes keys differ */
  uint32_t met;     /* in `seen` */
};

/* Counts what open descriptors keep alive and, with `unlinked`, what nothing shows. */
void wb_files_sample(const struct wb_sandbox *sandbox, int unlinked, struct wb_files *files);

/* --- between files.c and the files that it calls --- */

#define WB_FILES_LOOK_EVERY 64

/* Returns whether a sample goes on, with so many descriptors left to go through. */
static inline int wb_files_go_on(const struct wb_sandbox *sandbox, uint32_t *left) {
  if (*left % WB_FILES_LOOK_EVERY == 0 && sandbox->is_over && sandbox->is_over(sandbox->context))
    *left = 0;
  return *left > 0;
}

/* file_set.c: whether a file was met in this sample; takes note of it. */
int wb_files_is_new(struct wb_files *files, uint64_t device, uint64_t inode);

/* unlinked_files.c: what the maps of a process and the sockets of a thread hold. `files->seen` has
 * what descriptors show. */
void wb_unlinked_maps(const struct wb_sandbox *sandbox, const char *process, uint64_t memory_device,
                      struct wb_files *files);
void wb_unlinked_messages(const struct wb_sandbox *sandbox, const char *task, uint32_t *left,
                          struct wb_files *files);
/* Something of that name may hold anything. */
void wb_unlinked_anything(const char *name, struct wb_files *files);

/* closed.c: a pidfd of a process that has closed itself to all but root (PR_SET_DUMPABLE), by its
 * number in the sandbox. Returns -1 where it cannot be found. */
int wb_closed_open(const struct wb_sandbox *sandbox, const char *process);
/* A copy of one of its descriptors, or -1. pidfd_getfd(2), Linux 5.6 */
int wb_closed_take(int pidfd, const char *number);

#endif
