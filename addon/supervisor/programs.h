/* Programs of a session that have limits of their own, and what all their processes use. */
#ifndef WASBOX_PROGRAMS_H
#define WASBOX_PROGRAMS_H

#include <stdint.h>

#include "../wire.h"

/* Programs that run, and those of which something is left running. */
#define WB_PROGRAMS_MAX 4096

struct wb_program {
  uint32_t number; /* of its mark; 0: free */
  uint32_t limit;  /* WB_LIMIT_* that it exceeded */
  uint64_t memory_limit, cpu_limit_us;
  uint64_t ended_ns; /* when it was to be ended first */
  /* The figures of the last sample. */
  uint64_t resident_bytes, swapped_bytes, largest_bytes, kernel_bytes, live_cpu_us;
  uint64_t tables_next_ns; /* as in struct wb_meter */
  uint32_t unwaited;       /* as in struct wb_processes */
  uint32_t tasks, absent;  /* samples in a row without one */
  /* Processor time of processes that init reaped, and of those that no process waited for. */
  uint64_t reaped_cpu_us, lost_cpu_us;
  uint64_t cpu_us, missing_cpu_us; /* at most so far; and what of it the last sample did not find */
};

struct wb_programs {
  struct wb_program *list; /* owned, of WB_PROGRAMS_MAX; NULL until there was one */
  uint32_t count;          /* none beyond it */
  uint32_t strays;         /* of the last sample: processes that have changed their mark */
};

/* The use of a process, as a sample sees it. */
struct wb_process_use {
  uint64_t resident_bytes, swapped_bytes, anonymous_bytes, kernel_bytes, cpu_us;
  uint32_t tasks, unwaited;
};

/* Takes a PROGRAM event. Returns 0 or an errno, where its limits could not be held. */
int wb_programs_add(struct wb_programs *programs, const struct wb_event *event);

/* Takes a REAPED event. */
void wb_programs_reaped(struct wb_programs *programs, const struct wb_event *event);

/* Called before and for each process of a sample. */
void wb_programs_begin(struct wb_programs *programs);
void wb_programs_take(struct wb_programs *programs, int proc, const char *process,
                      const struct wb_process_use *use);

/* The number of a process's mark, or 0; `*stray`: it has changed it. */
uint32_t wb_programs_mark(int proc, const char *process, int *stray);

void wb_programs_close(struct wb_programs *programs);

#endif
