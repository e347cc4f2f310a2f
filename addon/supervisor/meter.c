/*
 * Where no cgroup holds a run to its limits, the supervisor does: it looks at what the processes
 * use, the more often the nearer a limit could be by then, and never so often that looking takes
 * more than a few hundredths of a processor. Called by supervise.c; memory and disk are looked at
 * in meter_memory.c and meter_disk.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "meter_parts.h"

#define MS 1000000ull
#define FIRST_NS (20 * MS)
#define LEAST_NS (2 * MS)
#define BUSY_NS (250 * MS)
#define IDLE_NS (1000 * MS)
/* How fast disk can be filled, in bytes a nanosecond. */
#define DISK_PACE 3
#define WALK_PAUSE_NS (20 * MS)
/* So many running processes for each processor are a bomb, or a build that can wait. */
#define CROWD 8
#define CROWD_LOOKS 2
#define CALM_NS (200 * MS)
/* Threads of a run that is looked at in passing. */
#define SMALL 16
#define REST_NS (2000 * MS)
/* How many looks in a row may show nothing, and the time between them. */
#define BLIND_LOOKS 4
#define BLIND_NS (20 * MS)

static uint32_t count_processors(void) {
  unsigned long mask[16] = {0};
  long size = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  uint32_t count = 0;
  for (long i = 0; i < size / (long)sizeof *mask; i++)
    for (unsigned long bits = mask[i]; bits; bits &= bits - 1)
      count++;
  return count ? count : 1;
}

void wb_meter_open(struct wb_meter *meter, const struct wb_plan *plan, const char *directory) {
  meter->plan = plan;
  meter->directory = directory;
  meter->proc = meter->scratch = -1;
  meter->mounts = meter->disk.depth = meter->clock.fd = -1;
}

void wb_meter_begin(struct wb_meter *meter, uint32_t init, int mounts) {
  meter->init = init;
  meter->mounts = mounts;
  if (meter_free_disk(meter, &meter->start_free_bytes, &meter->start_free_inodes) < 0)
    meter->start_free_bytes = meter->start_free_inodes = 0;
  meter->start = meter_machine();
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
  const int shared =
      meter->plan->private_root != 0; /* /proc is the host's, and there is no tmpfs */
  memset(&file, 0, sizeof file);
  if (!is_proc(proc) || fstatfs(shared ? proc : scratch, &info) < 0 ||
      (!shared && syscall(SYS_statx, scratch, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &file) < 0))
    return meter->plan->memory_bytes || meter->plan->cpu_us ? EPROTO : 0;
  if (shared)
    meter->members.warden = meter->init;
  meter->page_bytes = (uint64_t)info.f_bsize; /* of a tmpfs, and of procfs: a page */
  meter->scratch_device = (uint64_t)file.stx_dev_major << 32 | file.stx_dev_minor;
  meter->processors = count_processors();
  meter->interval_ns = FIRST_NS / 2;
  meter->busy_ns = now;
  meter->next_ns = now + FIRST_NS;
  meter->descriptors_next_ns = now + FIRST_NS;
  meter->walk_next_ns = now + FIRST_NS;
  meter->free_bytes = meter->start_free_bytes;
  meter->free_inodes = meter->start_free_inodes;
  return 0;
}

void wb_meter_shared(struct wb_meter *meter, const struct wb_event *event) {
  meter->shared_bytes = event->pages * meter->page_bytes;
  meter->ipc_bytes = event->kernel_bytes;
  meter->ipc_task_bytes = event->task_bytes;
}

int wb_meter_program(struct wb_meter *meter, const struct wb_event *event, uint64_t now) {
  if (event->kind == WB_EVENT_REAPED) {
    wb_programs_reaped(&meter->programs, event);
    return 0;
  }
  if (!meter->processors)
    return EPROTO; /* there is nothing to look at */
  if (now + FIRST_NS < meter->next_ns)
    meter->next_ns = now + FIRST_NS;
  meter->interval_ns = FIRST_NS / 2;
  return wb_programs_add(&meter->programs, event);
}

/* Judges what the kernel counts, and holds by itself except for the time. */
static void judge_cgroup(struct wb_meter *meter) {
  struct wb_cgroup_use use;
  if (wb_cgroup_sample(meter->cgroup, &use) != 0)
    return;
  if (use.memory_bytes > meter->usage.memory_bytes)
    meter->usage.memory_bytes = use.memory_bytes;
  meter->usage.cpu_us = use.cpu_us + meter->helped_us;
  if (meter->plan->cpu_us && meter->usage.cpu_us >= meter->plan->cpu_us)
    meter_exceed(meter, WB_LIMIT_CPU);
}

static void judge_processor(struct wb_meter *meter, const struct wb_processes *seen, uint64_t now) {
  const uint64_t since = now - meter->sampled_ns;
  /* A process whose parent does not wait for it takes its time along; of those that come and go
   * between two samples, one is seen for each that ran all the time. */
  if (seen->cpu_us < meter->live_cpu_us)
    meter->lost_cpu_us += meter->live_cpu_us - seen->cpu_us;
  if (meter->sampled_ns && meter->clock.fd < 0)
    meter->lost_cpu_us += meter_unwaited_us(meter, seen, seen->unwaited, since);
  meter->sampled_ns = now;
  meter->live_cpu_us = seen->cpu_us;
  const uint64_t counted = wb_clock_us(&meter->clock) + meter->helped_us;
  const uint64_t found = meter->live_cpu_us + meter->lost_cpu_us + meter->helped_us;
  meter->usage.cpu_us = counted > found ? counted : found;
  if (meter->plan->cpu_us && meter->usage.cpu_us >= meter->plan->cpu_us)
    meter_exceed(meter, WB_LIMIT_CPU);
}

void wb_meter_ended(struct wb_meter *meter, uint32_t tasks) {
  /* The program was one more, and init counts for the kernel. A shell that cannot fork fails at
   * once, so that no sample sees it. */
  if (meter->plan->processes && tasks && tasks + 2 >= meter->plan->processes)
    meter->usage.reached |= 1u << WB_LIMIT_PROCESSES;
}

static void judge_processes(struct wb_meter *meter, const struct wb_processes *seen) {
  if (seen->tasks > meter->usage.processes)
    meter->usage.processes = seen->tasks;
  /* Init counts for the kernel, and a process that is ending no more for us. */
  if (meter->plan->processes && seen->tasks + 2 > meter->plan->processes)
    meter->usage.reached |= 1u << WB_LIMIT_PROCESSES;
  meter->crowded = seen->running > CROWD * meter->processors ? meter->crowded + 1 : 0;
}

/* Nanoseconds in which no limit can be overrun by much. */
static uint64_t safe_time(const struct wb_meter *meter, const struct wb_processes *seen) {
  const struct wb_memory_use use = meter_memory_use(meter, seen);
  const struct wb_plan *plan = meter->plan;
  uint64_t time = IDLE_NS;
  if (plan->memory_bytes && !meter_in_cgroup(meter))
    time = meter_least(time, meter_memory_time(&use, plan->memory_bytes, meter->tables_next_ns));
  if (plan->disk_bytes)
    time = meter_least(time, meter_fill_time(plan->disk_bytes, meter->usage.disk_bytes, DISK_PACE));
  if (plan->cpu_us)
    time = meter_least(
        time, meter_lost(plan->cpu_us, meter->usage.cpu_us) * 1000 / meter->processors + 5 * MS);
  if (meter->disk.depth >= 0)
    time = meter_least(time, WALK_PAUSE_NS);
  time = meter_programs_time(meter, time);
  return time < LEAST_NS ? LEAST_NS : time;
}

/* Returns from when on processes that may not be waited for are looked for; 0: not at all. */
static uint64_t unwaited_since(const struct wb_meter *meter) {
  const int estimates = meter->plan->cpu_us && meter->clock.fd < 0 && !meter_in_cgroup(meter);
  return estimates || meter->programs.count ? meter->looked_ns : 0;
}

/* Returns whether there may be much to look at, or a lock that is held: not in a run that has
 * done nothing for a while, and has few threads. Time is counted in ticks, and another program
 * may have the processors meanwhile: one look is not enough to call it idle. */
static int is_costly(const struct wb_meter *meter, const struct wb_processes *seen, uint64_t now) {
  return seen->tasks > SMALL || now - meter->busy_ns < REST_NS || meter->disk.depth >= 0;
}

/* After a look that showed nothing, as this process or the machine had no descriptors left. Where
 * that lasts, the run is held to no limit, and ends. */
static void be_blind(struct wb_meter *meter, int error, uint64_t now) {
  const int holds = (meter->plan->memory_bytes || meter->plan->cpu_us) && !meter_in_cgroup(meter);
  if (holds && ++meter->blind >= BLIND_LOOKS)
    meter->error = error;
  meter->next_ns = meter->error ? 0 : now + BLIND_NS;
}

int wb_meter_sample(struct wb_meter *meter, uint64_t now, int may_wait) {
  const uint64_t spent = meter_spent_ns(), apart_before = meter->apart_ns;
  struct wb_processes seen;
  const uint64_t cpu_before = meter->usage.cpu_us;
  const uint64_t since_ns = meter->looked_ns ? now - meter->looked_ns : 0;
  int wanted = 0;
  const int error = meter_look(meter, meter->proc, unwaited_since(meter), &seen);
  if (error == ESRCH) {
    meter->next_ns = 0; /* the sandbox is gone; its end is on the way */
    return 0;
  }
  if (error) {
    be_blind(meter, error, now);
    return 0;
  }
  meter->blind = 0;
  if (seen.cpu_us != meter->live_cpu_us)
    meter->busy_ns = now;
  if (!may_wait && is_costly(meter, &seen, now))
    return WB_METER_THREAD;
  meter->usage.samples++;
  meter_sample_private(meter);
  if (meter_in_cgroup(meter)) {
    judge_cgroup(meter);
  } else {
    meter_judge_memory(meter, &seen);
    if (meter->plan->memory_bytes)
      wanted |= WB_METER_SHARED;
    judge_processor(meter, &seen, now);
  }
  judge_processes(meter, &seen);
  wanted |= meter_judge_programs(meter, &seen, since_ns, now);
  meter->looked_ns = now;
  /* Descriptors take longest: they come last and delay no look at the processes, since a payload
   * decides how many threads and descriptors it has. */
  if (!meter->usage.limit && meter_sample_descriptors(meter, now, seen.resident_bytes) &&
      !meter_in_cgroup(meter))
    meter_judge_memory(meter, &seen);
  if (!meter->usage.limit)
    meter_sample_layers(meter, wb_now_ns());
  if (meter->crowded >= CROWD_LOOKS && now >= meter->deprioritise_next_ns) {
    meter->usage.deprioritised = 1;
    meter->deprioritise_next_ns = now + CALM_NS; /* it may have new sessions by then */
    wanted |= WB_METER_DEPRIORITISE;
    /* It goes on trying to make more, which the kernel's locks let the host feel. */
    if (meter->usage.reached & 1u << WB_LIMIT_PROCESSES)
      wanted |= WB_METER_SPARE;
  }
  const uint64_t end = wb_now_ns(), apart = meter->apart_ns - apart_before;
  const uint64_t cost = meter_spent_ns() - spent - apart;
  const int busy = meter->usage.cpu_us != cpu_before;
  meter->interval_ns = meter_least(meter->interval_ns * 2, busy ? BUSY_NS : IDLE_NS);
  uint64_t wait = meter_least(meter->interval_ns, safe_time(meter, &seen));
  meter->next_ns = end + (wait > cost * WB_METER_COST_SHARE ? wait : cost * WB_METER_COST_SHARE);
  return wanted;
}

void wb_meter_finish(struct wb_meter *meter) {
  meter->next_ns = 0;
  wb_disk_end(&meter->disk);
  meter_sample_private(meter);
  meter_finish_layers(meter);
  wb_disk_end(&meter->disk);
  const uint64_t cpu_us = wb_clock_us(&meter->clock);
  if (cpu_us > meter->usage.cpu_us)
    meter->usage.cpu_us = cpu_us;
  if (meter->plan->cpu_us && cpu_us >= meter->plan->cpu_us && !meter->usage.limit)
    meter->usage.reached |= 1u << WB_LIMIT_CPU;
  wb_programs_close(&meter->programs);
  wb_clock_close(&meter->clock); /* by the thread that opened it */
}

void wb_meter_close(struct wb_meter *meter) {
  if (meter->proc >= 0)
    close(meter->proc);
  if (meter->scratch >= 0)
    close(meter->scratch);
  meter->proc = meter->scratch = -1;
}
