/* What the processes of a sandbox use, read from its own /proc. */
#ifndef WASBOX_PROCESSES_H
#define WASBOX_PROCESSES_H

#include <stdint.h>

/* "123/task/456" */
#define WB_PROCESS_NAME_MAX 48

struct wb_processes {
  uint64_t resident_bytes; /* sum of the resident sets: what is shared counts for each */
  uint64_t cpu_us;         /* of those that live, and of their children that were waited for */
  uint32_t tasks;          /* processes and threads, without init */
  uint32_t running;        /* processes that have or want a processor */
};

struct wb_open_files {
  uint64_t memory_bytes; /* memory files (memfd_create) */
  uint64_t disk_bytes;   /* files that have no name any more */
  uint64_t disk_inodes;
  int hidden;    /* whether there are descriptors that cannot be read, or too many */
  uint32_t most; /* descriptors of the process that has the most */
};

/* A quick look: two small files a process. `proc` is the sandbox's /proc. Returns 0 or an errno. */
int wb_processes_look(int proc, uint64_t page_bytes, struct wb_processes *out);

struct wb_memory {
  /* Without a file: the processes' own and their share of what they share, in swap as well. */
  uint64_t own_bytes;
  uint64_t shared_bytes; /* of files in memory and shared memory, the same */
};

/* What the processes have in memory, without pages of files on disk. Takes as long as there are
 * pages. A process that does not let itself be looked at counts with its resident set. */
void wb_processes_memory(int proc, uint64_t page_bytes, struct wb_memory *out);

/* What open descriptors keep alive. `private_device` is that of the sandbox's files in memory,
 * which are counted otherwise. */
void wb_open_files_look(int proc, uint64_t private_device, struct wb_open_files *out);

struct wb_directory;

/* The directory of a process's threads, or -1. */
int wb_tasks_open(int proc, const char *process);

/* The next thread in it that has not ended, as a place in /proc; NULL at the end. */
const char *wb_task_next(struct wb_directory *tasks, int proc, const char *process,
                         char out[WB_PROCESS_NAME_MAX]);

/* Where in /proc what a process has is to be seen: its own directory, or, when its first thread has
 * ended before the others, that of one of these. NULL where it has nothing any more. */
const char *wb_process_seen_at(int proc, const char *process, char out[WB_PROCESS_NAME_MAX]);

/* The number of the line that begins with `name`, or 0. Behind the text there must be as many zeros
 * as `name` is long. */
uint64_t wb_processes_field(const char *text, const char *name);

enum wb_unseen { WB_UNSEEN_DISK, WB_UNSEEN_MEMORY };

/* Whether there may be files without a name that no descriptor shows, of a disk or in memory. */
int wb_unseen_look(int proc, enum wb_unseen kind);

#endif
