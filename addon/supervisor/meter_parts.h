/* Declares what the stages of a sample share; for meter*.c alone. */
#ifndef WASBOX_METER_PARTS_H
#define WASBOX_METER_PARTS_H

#include <time.h>

#include "meter.h"
#include "processes.h"
#include "supervisor.h"

/* A sample may take one part in so many of the time until the next. */
#define WB_METER_COST_SHARE 25
/* This share is that of descriptors while what they may keep would be beyond a limit. */
#define WB_METER_COST_SHARE_SOON 5

/* Processor time of this thread: what a sample costs must not grow with what others do meanwhile,
 * or a busy machine would be looked after least. */
static inline uint64_t meter_spent_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline void meter_exceed(struct wb_meter *meter, uint32_t limit) {
  if (!meter->usage.limit)
    meter->usage.limit = limit;
}

static inline uint64_t meter_least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* How much is gone of something. */
static inline uint64_t meter_lost(uint64_t before, uint64_t now) {
  return before > now ? before - now : 0;
}

/* How fast memory can be filled, in bytes a nanosecond. */
#define METER_MEMORY_PACE 8

/* Nanoseconds until a limit can be overrun by an eighth, filled at that pace. */
static inline uint64_t meter_fill_time(uint64_t limit, uint64_t used, uint64_t pace) {
  return (meter_lost(limit, used) + limit / 8) / pace;
}

/* Returns for how long `count` of the processes that are not waited for had a processor in that
 * time: each as long as any other task, which is less than all the time where there are more tasks
 * than processors. */
static inline uint64_t meter_unwaited_us(const struct wb_meter *meter,
                                         const struct wb_processes *seen, uint32_t count,
                                         uint64_t since_ns) {
  const uint64_t processors = meter->processors, since_us = since_ns / 1000;
  const uint64_t all =
      seen->machine_running > seen->unwaited ? seen->machine_running : seen->unwaited;
  return all <= processors ? since_us * count : since_us * count * processors / all;
}

/* Returns whether the kernel counts and holds the run's memory and processes. */
static inline int meter_in_cgroup(const struct wb_meter *meter) {
  return meter->cgroup && meter->cgroup->fd >= 0;
}

/* meter_memory.c */
struct wb_machine meter_machine(void);

/* Looks at the processes as wb_processes_sample does, and adds what System V objects take. `proc`
 * is the meter's, or another descriptor of the same directory. Returns 0 or an errno. */
int meter_look(struct wb_meter *meter, int proc, uint64_t since_ns, struct wb_processes *seen);

/* Bytes and inodes that the sandbox's own files in memory take. */
void meter_sample_private(struct wb_meter *meter);

/* Samples what open descriptors keep, where a sample of them is due. Returns whether it was. */
int meter_sample_descriptors(struct wb_meter *meter, uint64_t now, uint64_t resident_bytes);

/* The memory of processes, each counted for itself: what they share is in it more than once. */
struct wb_memory_use {
  uint64_t resident_bytes, swapped_bytes;
  uint64_t largest_bytes; /* of one process, in swap as well */
  uint64_t kernel_bytes;
  uint64_t files_bytes; /* in memory */
  uint32_t mark;        /* of the processes; 0: all */
};

/* Returns the bytes that are used; 0 where that is not known: the sum of all processes is beyond
 * the limit (0: none), and the kernel is not asked what they share until `*next_ns`. */
uint64_t meter_memory(struct wb_meter *meter, const struct wb_memory_use *use, uint64_t limit,
                      uint64_t *next_ns);

/* Nanoseconds in which it cannot overrun the limit by much; `next_ns` as above. */
uint64_t meter_memory_time(const struct wb_memory_use *use, uint64_t limit, uint64_t next_ns);

/* The memory of the whole run. */
struct wb_memory_use meter_memory_use(const struct wb_meter *meter,
                                      const struct wb_processes *seen);

void meter_judge_memory(struct wb_meter *meter, const struct wb_processes *seen);

/* Samples the same files, and with `unlinked` what nothing shows, into meter->files. */
void meter_sample_files(struct wb_meter *meter, int unlinked);

/* Returns what memory files and shared memory take. */
uint64_t meter_shared_bytes(const struct wb_meter *meter);

/* meter_programs.c: after a sample, the first since `since_ns`. Returns WB_METER_PROGRAMS where one
 * is to be ended. */
int meter_judge_programs(struct wb_meter *meter, const struct wb_processes *seen, uint64_t since_ns,
                         uint64_t now);

/* The nanoseconds in which none of them can exceed its limits by much, or `time` if that is less.
 */
uint64_t meter_programs_time(const struct wb_meter *meter, uint64_t time);

/* meter_disk.c: what is free on the layers' file system. Returns 0, or -1 where there are none. */
int meter_free_disk(struct wb_meter *meter, uint64_t *bytes, uint64_t *inodes);

/* A part of a walk through the layers, where one is due. */
void meter_sample_layers(struct wb_meter *meter, uint64_t now);

/* Counts what was written since the last walk, when the run cannot be ended for it any more: it is
 * reported. Nothing changes the layers now, and they are walked only where enough was written to
 * matter. */
void meter_finish_layers(struct wb_meter *meter);

#endif
