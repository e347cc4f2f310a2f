/* Counts what the processes of a sandbox use, read from its own /proc. */
#ifndef WASBOX_PROCESSES_H
#define WASBOX_PROCESSES_H

#include <stdint.h>

/* "123/task/456" */
#define WB_PROCESS_NAME_MAX 48

struct wb_processes {
  uint64_t resident_bytes; /* sum of the resident sets: what is shared counts for each */
  uint64_t swapped_bytes;  /* of their own */
  uint64_t largest_bytes;  /* what the largest of them has without a file, in swap as well */
  uint64_t kernel_bytes;   /* page tables and kernel stacks */
  uint64_t cpu_us;         /* of those that live, and of their children that were waited for */
  uint32_t tasks;          /* processes and threads, without init */
  uint32_t running;        /* processes that have or want a processor */
  uint32_t unwaited;       /* of them, those that are new and whose parent does not wait */
  /* Tasks of the whole machine that have or want one, where `unwaited` is not 0; 0: unknown. */
  uint32_t machine_running;
};

struct wb_members;
struct wb_programs;

/* A quick sample: two small files a process. `proc` is the sandbox's /proc, or the host's, of which
 * only `members` count; they are looked for anew. With `since_ns`
 * (CLOCK_MONOTONIC), looks for `unwaited` ones from then on. What those of `programs` use is noted
 * there. Returns 0, ESRCH where the sandbox is gone, or why a process could not be read. */
int wb_processes_sample(int proc, struct wb_members *members, uint64_t since_ns,
                        struct wb_programs *programs, struct wb_processes *out);

struct wb_memory {
  /* Memory without a file: the processes' own and their share of what they share, in swap as
   * well. */
  uint64_t own_bytes;
  uint64_t shared_bytes; /* of files in memory and shared memory, the same */
};

/* Counts what the processes have in memory, without pages of files on disk: all, or those
 * whose mark has this number. Takes as long as there are pages. A process that does not let
 * itself be looked at counts with its resident set. */
void wb_processes_memory(int proc, const struct wb_members *members, uint32_t mark,
                         struct wb_memory *out);

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

/* Bytes of the pages that a process and its children that were waited for have touched. */
uint64_t wb_processes_faulted(int proc, const char *process, uint64_t page_bytes);

#endif
