/*
 * Where no cgroup holds a run to its limits, the supervisor does: it looks at what the processes
 * use, the more often the nearer a limit could be by then, and never so often that looking takes
 * more than a few hundredths of a processor. Called by supervise.c.
 *
 * Memory is first the sum of the resident sets, which is cheap and never too little. Only where
 * that is beyond the limit, the kernel is asked for what is shared by whom, which takes a walk
 * through all page tables.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <linux/sysinfo.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../plan_check.h"
#include "meter.h"
#include "processes.h"
#include "supervisor.h"

#define MS 1000000ull
#define FIRST_NS (20 * MS)
#define LEAST_NS (2 * MS)
#define BUSY_NS (250 * MS)
#define IDLE_NS (1000 * MS)
/* A look may take one part in so many of the time until the next. */
#define COST_SHARE 25
/* How fast memory and disk can be filled, in bytes a nanosecond, so that no limit is overrun by
 * more than an eighth. */
#define MEMORY_PACE 8
#define DISK_PACE 3
/* Entries of a layer that are read at a time: about 3 ms. */
#define WALK_STEP 2000
#define WALK_PAUSE_NS (20 * MS)
#define WALK_NS (2000 * MS)
#define DESCRIPTORS_NS (500 * MS)
/* So many running processes for each processor are a bomb, or a build that can wait. */
#define CROWD 8
#define CROWD_LOOKS 2
#define CALM_NS (200 * MS)

/* Processor time of this thread: what a look costs must not grow with what others do meanwhile, or
 * a busy machine would be looked after least. */
static uint64_t spent_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint32_t count_processors(void) {
  unsigned long mask[16] = {0};
  long size = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  uint32_t count = 0;
  for (long i = 0; i < size / (long)sizeof *mask; i++)
    for (unsigned long bits = mask[i]; bits; bits &= bits - 1)
      count++;
  return count ? count : 1;
}

static const struct wb_op *ops_of(const struct wb_plan *plan) {
  return (const struct wb_op *)(const void *)wb_plan_at(plan, plan->ops);
}

/* Opens the upper directory of the next layer at or behind `op`; -1 where there is none left. */
static int open_layer(struct wb_meter *meter) {
  for (; meter->op < meter->plan->op_count; meter->op++) {
    const struct wb_op *op = ops_of(meter->plan) + meter->op;
    if (op->kind != WB_OP_OVERLAY)
      continue;
    char path[WB_PATH_MAX + 8];
    snprintf(path, sizeof path, "%s/upper", wb_plan_at(meter->plan, op->layer));
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    if (fd >= 0) {
      meter->op++;
      return fd;
    }
  }
  return -1;
}

/* What is free on the layers' file system; all of them lie in the state directory. */
static int look_at_disk(struct wb_meter *meter, uint64_t *bytes, uint64_t *inodes) {
  struct statfs info;
  meter->op = 0;
  int fd = open_layer(meter);
  if (fd < 0)
    return -1;
  int ret = fstatfs(fd, &info);
  close(fd);
  if (ret < 0)
    return -1;
  *bytes = (uint64_t)info.f_bfree * (uint64_t)info.f_bsize;
  *inodes = info.f_ffree;
  return 0;
}

/* What files in memory and shared memory take on the whole machine. */
static uint64_t machine_shared_bytes(void) {
  struct sysinfo info;
  return syscall(SYS_sysinfo, &info) < 0 ? 0 : (uint64_t)info.sharedram * info.mem_unit;
}

void wb_meter_open(struct wb_meter *meter, const struct wb_plan *plan) {
  memset(meter, 0, sizeof *meter);
  meter->plan = plan;
  meter->proc = meter->scratch = -1;
  meter->disk.depth = -1;
  if (look_at_disk(meter, &meter->start_free_bytes, &meter->start_free_inodes) < 0)
    meter->start_free_bytes = meter->start_free_inodes = 0;
  meter->start_shared_bytes = machine_shared_bytes();
}

static int is_proc(int fd) {
  struct statfs info;
  return fd >= 0 && fstatfs(fd, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

int wb_meter_start(struct wb_meter *meter, int proc, int scratch, uint64_t now) {
  struct statfs info;
  struct statx file;
  meter->proc = proc;
  meter->scratch = scratch;
  if (!is_proc(proc) || scratch < 0 || fstatfs(scratch, &info) < 0 ||
      syscall(SYS_statx, scratch, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &file) < 0)
    return meter->plan->memory_bytes || meter->plan->cpu_us ? EPROTO : 0;
  meter->page_bytes = (uint64_t)info.f_bsize; /* of a tmpfs: a page */
  meter->scratch_device = (uint64_t)file.stx_dev_major << 32 | file.stx_dev_minor;
  meter->processors = count_processors();
  meter->interval_ns = FIRST_NS / 2;
  meter->next_ns = now + FIRST_NS;
  meter->descriptors_next_ns = now + FIRST_NS;
  meter->walk_next_ns = now + FIRST_NS;
  meter->free_bytes = meter->start_free_bytes;
  meter->free_inodes = meter->start_free_inodes;
  return 0;
}

/* Bytes and inodes that files in memory take. */
static void look_at_scratch(struct wb_meter *meter) {
  struct statfs info;
  if (meter->scratch < 0 || fstatfs(meter->scratch, &info) < 0)
    return;
  meter->usage.scratch_bytes = (uint64_t)(info.f_blocks - info.f_bfree) * (uint64_t)info.f_bsize;
  meter->usage.scratch_inodes = (uint64_t)(info.f_files - info.f_ffree);
  if (info.f_bfree == 0)
    meter->usage.reached |= 1u << WB_LIMIT_SCRATCH_BYTES;
  if (info.f_ffree == 0)
    meter->usage.reached |= 1u << WB_LIMIT_SCRATCH_INODES;
}

static void exceed(struct wb_meter *meter, uint32_t limit) {
  if (!meter->usage.limit)
    meter->usage.limit = limit;
}

static void judge_memory(struct wb_meter *meter, const struct wb_processes *seen) {
  const uint64_t limit = meter->plan->memory_bytes;
  const uint64_t files =
      meter->usage.scratch_bytes + meter->open_memory_bytes + meter->shared_bytes;
  uint64_t used = seen->resident_bytes + files;
  if (limit && used > limit)
    used = wb_processes_memory(meter->proc, meter->page_bytes) + files;
  if (used > meter->usage.memory_bytes)
    meter->usage.memory_bytes = used;
  if (limit && used > limit)
    exceed(meter, WB_LIMIT_MEMORY);
}

static int in_cgroup(const struct wb_meter *meter) {
  return meter->cgroup && meter->cgroup->fd >= 0;
}

/* What the kernel counts, and holds by itself but for the time. */
static void judge_cgroup(struct wb_meter *meter) {
  struct wb_cgroup_use use;
  if (wb_cgroup_look(meter->cgroup, &use) != 0)
    return;
  if (use.memory_bytes > meter->usage.memory_bytes)
    meter->usage.memory_bytes = use.memory_bytes;
  meter->usage.cpu_us = use.cpu_us;
  if (meter->plan->cpu_us && use.cpu_us >= meter->plan->cpu_us)
    exceed(meter, WB_LIMIT_CPU);
}

static void judge_processor(struct wb_meter *meter, const struct wb_processes *seen) {
  /* A process whose parent does not wait for it takes its time along. */
  if (seen->cpu_us < meter->live_cpu_us)
    meter->lost_cpu_us += meter->live_cpu_us - seen->cpu_us;
  meter->live_cpu_us = seen->cpu_us;
  meter->usage.cpu_us = meter->live_cpu_us + meter->lost_cpu_us;
  if (meter->plan->cpu_us && meter->usage.cpu_us >= meter->plan->cpu_us)
    exceed(meter, WB_LIMIT_CPU);
}

static void judge_processes(struct wb_meter *meter, const struct wb_processes *seen) {
  if (seen->tasks > meter->usage.processes)
    meter->usage.processes = seen->tasks;
  /* Init counts for the kernel, and a process that is ending no more for us. */
  if (meter->plan->processes && seen->tasks + 2 > meter->plan->processes)
    meter->usage.reached |= 1u << WB_LIMIT_PROCESSES;
  meter->crowded = seen->running > CROWD * meter->processors ? meter->crowded + 1 : 0;
}

static uint64_t grown(uint64_t before, uint64_t now) {
  return before > now ? before - now : 0;
}

/* A walk has seen all layers, or enough of them. */
static void judge_disk(struct wb_meter *meter) {
  const struct wb_plan *plan = meter->plan;
  uint64_t bytes = meter->disk.bytes + meter->open_disk_bytes, free_bytes, free_inodes;
  uint64_t inodes = meter->disk.inodes + meter->open_disk_inodes;
  if (look_at_disk(meter, &free_bytes, &free_inodes) == 0) {
    const uint64_t lost_bytes = grown(meter->start_free_bytes, free_bytes);
    const uint64_t lost_inodes = grown(meter->start_free_inodes, free_inodes);
    const int matters = (plan->disk_bytes && lost_bytes > plan->disk_bytes) ||
                        (plan->disk_inodes && lost_inodes > plan->disk_inodes);
    if (meter->disk.hidden || meter->hidden || (matters && wb_unseen_look(meter->proc))) {
      bytes = bytes > lost_bytes ? bytes : lost_bytes;
      inodes = inodes > lost_inodes ? inodes : lost_inodes;
    }
  }
  meter->usage.disk_bytes = bytes;
  meter->usage.disk_inodes = inodes;
  if (plan->disk_bytes && meter->usage.disk_bytes > plan->disk_bytes)
    exceed(meter, WB_LIMIT_DISK);
  if (plan->disk_inodes && meter->usage.disk_inodes > plan->disk_inodes)
    exceed(meter, WB_LIMIT_INODES);
}

/* Whether so much was written since the last walk that the next is due at once. */
static int disk_filled(struct wb_meter *meter) {
  uint64_t bytes, inodes;
  if (look_at_disk(meter, &bytes, &inodes) < 0)
    return 0;
  const uint64_t room = grown(meter->plan->disk_bytes, meter->usage.disk_bytes);
  const uint64_t places = grown(meter->plan->disk_inodes, meter->usage.disk_inodes);
  return grown(meter->free_bytes, bytes) > room / 4 ||
         grown(meter->free_inodes, inodes) > places / 4;
}

/* A part of a walk through the layers, where one is due. */
static void look_at_layers(struct wb_meter *meter, uint64_t now) {
  const uint64_t spent = spent_ns();
  const struct wb_plan *plan = meter->plan;
  if (!plan->disk_bytes && !plan->disk_inodes)
    return;
  if (meter->disk.depth < 0) {
    if (now < meter->walk_next_ns && !disk_filled(meter))
      return;
    if (look_at_disk(meter, &meter->free_bytes, &meter->free_inodes) < 0)
      return;
    meter->op = 0;
    int fd = open_layer(meter);
    if (fd < 0)
      return;
    meter->walk_cost_ns = 0;
    wb_disk_begin(&meter->disk, fd);
  }
  if (wb_disk_step(&meter->disk, WALK_STEP)) {
    int fd = open_layer(meter);
    if (fd >= 0)
      wb_disk_next(&meter->disk, fd);
    else
      judge_disk(meter);
  } else if ((plan->disk_bytes && meter->disk.bytes > plan->disk_bytes) ||
             (plan->disk_inodes && meter->disk.inodes > plan->disk_inodes))
    judge_disk(meter);
  meter->walk_cost_ns += spent_ns() - spent;
  uint64_t pause = meter->walk_cost_ns * COST_SHARE;
  meter->walk_next_ns = wb_now_ns() + (pause > WALK_NS ? pause : WALK_NS);
}

static void look_at_descriptors(struct wb_meter *meter) {
  const uint64_t spent = spent_ns();
  struct wb_open_files open;
  wb_open_files_look(meter->proc, meter->scratch_device, &open);
  meter->open_memory_bytes = open.memory_bytes;
  meter->hidden = open.hidden;
  if (open.hidden) {
    /* Whatever the machine has more of since the start, but for what is counted elsewhere. */
    const uint64_t now = machine_shared_bytes(), start = meter->start_shared_bytes;
    const uint64_t counted = meter->usage.scratch_bytes + meter->shared_bytes;
    const uint64_t unseen = now > start + counted ? now - start - counted : 0;
    if (unseen > open.memory_bytes)
      meter->open_memory_bytes = unseen;
  }
  meter->open_disk_bytes = open.disk_bytes;
  meter->open_disk_inodes = open.disk_inodes;
  if (meter->plan->open_files && open.most >= meter->plan->open_files)
    meter->usage.reached |= 1u << WB_LIMIT_OPEN_FILES;
  if (meter->plan->disk_bytes && open.disk_bytes > meter->plan->disk_bytes)
    exceed(meter, WB_LIMIT_DISK);
  uint64_t pause = (spent_ns() - spent) * COST_SHARE;
  meter->descriptors_next_ns = wb_now_ns() + (pause > DESCRIPTORS_NS ? pause : DESCRIPTORS_NS);
}

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* Nanoseconds in which no limit can be overrun by much. */
static uint64_t safe_time(const struct wb_meter *meter, uint64_t memory) {
  const struct wb_plan *plan = meter->plan;
  uint64_t time = IDLE_NS;
  if (plan->memory_bytes && !in_cgroup(meter))
    time = least(time, (grown(plan->memory_bytes, memory) + plan->memory_bytes / 8) / MEMORY_PACE);
  if (plan->disk_bytes)
    time = least(time, (grown(plan->disk_bytes, meter->usage.disk_bytes) + plan->disk_bytes / 8) /
                           DISK_PACE);
  if (plan->cpu_us)
    time =
        least(time, grown(plan->cpu_us, meter->usage.cpu_us) * 1000 / meter->processors + 5 * MS);
  if (meter->disk.depth >= 0)
    time = least(time, WALK_PAUSE_NS);
  return time < LEAST_NS ? LEAST_NS : time;
}

int wb_meter_look(struct wb_meter *meter, uint64_t now) {
  const uint64_t spent = spent_ns();
  struct wb_processes seen;
  const uint64_t cpu_before = meter->usage.cpu_us;
  int wanted = 0;
  meter->usage.looks++;
  if (wb_processes_look(meter->proc, meter->page_bytes, &seen) != 0) {
    meter->next_ns = 0; /* the sandbox is gone; its end is on the way */
    return 0;
  }
  look_at_scratch(meter);
  if (now >= meter->descriptors_next_ns) {
    look_at_descriptors(meter);
    wanted |= WB_METER_SHARED;
  }
  if (in_cgroup(meter)) {
    judge_cgroup(meter);
  } else {
    judge_memory(meter, &seen);
    judge_processor(meter, &seen);
  }
  judge_processes(meter, &seen);
  look_at_layers(meter, wb_now_ns());
  if (meter->crowded >= CROWD_LOOKS && now >= meter->calm_next_ns) {
    meter->usage.calmed = 1;
    meter->calm_next_ns = now + CALM_NS; /* it may have new sessions by then */
    wanted |= WB_METER_CALM;
  }
  const uint64_t end = wb_now_ns(), cost = spent_ns() - spent;
  const int busy = meter->usage.cpu_us != cpu_before;
  const uint64_t memory = seen.resident_bytes + meter->usage.scratch_bytes +
                          meter->open_memory_bytes + meter->shared_bytes;
  meter->interval_ns = least(meter->interval_ns * 2, busy ? BUSY_NS : IDLE_NS);
  uint64_t wait = least(meter->interval_ns, safe_time(meter, memory));
  meter->next_ns = end + (wait > cost * COST_SHARE ? wait : cost * COST_SHARE);
  return wanted;
}

/* What was written since the last walk, and by then nobody can be ended for any more: it is told.
 * Nothing changes the layers now, and they are walked only where enough was written to matter. */
static void finish_layers(struct wb_meter *meter) {
  if (meter->usage.limit || (!meter->plan->disk_bytes && !meter->plan->disk_inodes) ||
      !disk_filled(meter))
    return;
  meter->open_disk_bytes = meter->open_disk_inodes = 0;
  meter->hidden = 0;
  meter->op = 0;
  int fd = open_layer(meter);
  if (fd < 0)
    return;
  wb_disk_begin(&meter->disk, fd);
  while (!wb_disk_step(&meter->disk, WALK_STEP) || (fd = open_layer(meter)) >= 0)
    if (meter->disk.depth < 0)
      wb_disk_next(&meter->disk, fd);
  judge_disk(meter);
  if (meter->usage.limit)
    meter->usage.reached |= 1u << meter->usage.limit;
  meter->usage.limit = WB_LIMIT_NONE;
}

void wb_meter_finish(struct wb_meter *meter) {
  meter->next_ns = 0;
  wb_disk_end(&meter->disk);
  look_at_scratch(meter);
  finish_layers(meter);
}

void wb_meter_close(struct wb_meter *meter) {
  if (meter->proc >= 0)
    close(meter->proc);
  if (meter->scratch >= 0)
    close(meter->scratch);
  meter->proc = meter->scratch = -1;
}
