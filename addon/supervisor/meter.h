/* Holding a run to limits that the kernel does not hold by itself, and what it used. */
#ifndef WASBOX_METER_H
#define WASBOX_METER_H

#include <stdint.h>

#include "../records.h"
#include "cgroup.h"
#include "clock.h"
#include "disk.h"
#include "files.h"
#include "hidden.h"
#include "members.h"
#include "programs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The use of the whole machine: what files in memory and shared memory take, and what is in its
 * swap. */
struct wb_machine {
  uint64_t shared_bytes, swap_bytes;
};

struct wb_meter {
  const struct wb_plan *plan;     /* borrowed */
  const char *directory;          /* borrowed: the run's, where the plan has layers */
  const struct wb_cgroup *cgroup; /* borrowed; holds memory and processes where it has an fd */
  int proc, scratch;              /* owned; the sandbox's /proc and files in memory, or -1 */
  uint64_t page_bytes, scratch_device;
  uint32_t init; /* its number in the supervisor's pid namespace */
  int mounts;    /* borrowed: the sandbox's mount namespace, or -1 */
  uint32_t processors;
  uint64_t next_ns; /* when to take the next sample; 0: not at all */
  uint64_t interval_ns;
  struct wb_usage usage;
  struct wb_clock clock; /* where --cpu is given */
  /* Processor time of processes that live, of those that were not waited for, and of helpers. */
  uint64_t live_cpu_us, lost_cpu_us, helped_us;
  uint64_t sampled_ns; /* of their time, the last time */
  uint64_t looked_ns;  /* of all samples, the last one */
  uint64_t busy_ns;    /* when it was last seen to have had a processor */
  /* The figures of System V, as init says: shared memory; what the kernel takes, and for each
   * task. */
  uint64_t shared_bytes, ipc_bytes, ipc_task_bytes;
  uint64_t hidden_bytes;  /* of hidden_memory */
  int64_t sampled_growth; /* of the machine's shared memory, at the last sample of the files */
  uint64_t descriptors_next_ns, descriptors_soon_ns; /* at the latest; at the earliest */
  uint64_t apart_ns; /* spent on files and page tables so far, which have pauses of their own */
  uint64_t tables_next_ns; /* when the kernel may be asked for what is shared again */
  uint64_t tables_turn_ns; /* when the pauses of all such walks so far are over */
  uint64_t glance_ns;      /* when to look at the processes while such a sample is taken */
  uint64_t deprioritise_next_ns;
  /* The walk through the layers. */
  struct wb_disk disk;
  uint32_t op;         /* whose layer is being read */
  int with_rights;     /* there are directories that take rights to read */
  uint32_t lost_walks; /* in a row */
  uint64_t walk_next_ns, walk_cost_ns;
  uint64_t free_bytes, free_inodes;             /* of the layers' file system when a walk began */
  uint64_t start_free_bytes, start_free_inodes; /* … and when the run did */
  struct wb_machine start;                      /* when the run began */
  struct wb_programs programs;                  /* of a session, with limits of their own */
  uint32_t crowded; /* samples in a row at which very many were running */
  uint32_t blind;   /* samples in a row that could read nothing */
  int error;        /* why the run cannot be held to its limits any more, or 0 */
  /* Files without a name: what shows itself, and what else there is of memory and of disk. Their
   * buffers lie apart from what each sample writes, which shares two pages with the rest. */
  struct wb_hidden hidden_memory;
  struct wb_files files;
  struct wb_hidden hidden_disk;
  struct wb_members members; /* of the run, where /proc shows others as well */
};

/* Opens a meter before the start. `meter` is all zeros: most of it is not to be touched before it
 * is used. `plan` and the path of the run's directory are borrowed until wb_meter_close. */
void wb_meter_open(struct wb_meter *meter, const struct wb_plan *plan, const char *directory);

/* Looks, before the payload runs, at what of the machine is free, and in use, without it. `mounts`
 * is borrowed until wb_meter_finish. */
void wb_meter_begin(struct wb_meter *meter, uint32_t init, int mounts);

/* The payload runs: takes over the sandbox's /proc and private tmpfs (-1: not given). Returns 0, or
 * an errno where a limit of the plan could not be held. */
int wb_meter_start(struct wb_meter *meter, int proc, int scratch, uint64_t now);

/* The steps that the caller does after a sample. */
#define WB_METER_DEPRIORITISE 1 /* puts the sandbox behind the host's processes */
#define WB_METER_SHARED 2       /* asks init for what wb_meter_shared takes */
#define WB_METER_SPARE 4        /* with WB_METER_DEPRIORITISE: keeps it off one of the processors */

#define WB_METER_PROGRAMS 8 /* has init end programs, as meter.programs says */
#define WB_METER_THREAD 16  /* nothing was looked at: a thread that may wait is to do it */

/* A program of a session is to be held to limits of its own, or something of it was reaped: PROGRAM
 * and REAPED. Returns 0, or an errno where they cannot be held. */
int wb_meter_program(struct wb_meter *meter, const struct wb_event *event, uint64_t now);

/* Takes what init says of System V objects. */
void wb_meter_shared(struct wb_meter *meter, const struct wb_event *event);

/* Looks, when `next_ns` has come. `may_wait`: on a thread that others do not wait for. Returns
 * WB_METER_*; usage.limit is set where one is exceeded. */
int wb_meter_sample(struct wb_meter *meter, uint64_t now, int may_wait);

/* The payload has failed, and left so many processes and threads. */
void wb_meter_ended(struct wb_meter *meter, uint32_t tasks);

/* The last sample, when all processes are gone. */
void wb_meter_finish(struct wb_meter *meter);

/* Lets the sandbox's files in memory go, which takes a while. */
void wb_meter_close(struct wb_meter *meter);

#ifdef __cplusplus
}
#endif
#endif
