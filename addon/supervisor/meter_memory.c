/*
 * The memory of all processes of a run and of its files in memory. First it is the sum of the
 * resident sets, which is cheap and never too little. Only where that is beyond the limit, the
 * kernel is asked for what is shared by whom, which takes a walk through all page tables.
 *
 * Memory files and shared memory stay without a descriptor and without being resident, for as long
 * as a page of them is mapped: see hidden.c. Called by meter.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sysinfo.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "meter_parts.h"

#define DESCRIPTORS_NS 500000000ull
#define GLANCE_NS 10000000ull
/* A run that exceeds a limit by this part of it has surely exceeded it. */
#define SURELY 8

static uint64_t most(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

struct wb_machine meter_machine(void) {
  struct sysinfo info;
  if (syscall(SYS_sysinfo, &info) < 0)
    return (struct wb_machine){0, 0};
  return (struct wb_machine){(uint64_t)info.sharedram * info.mem_unit,
                             (uint64_t)(info.totalswap - info.freeswap) * info.mem_unit};
}

/* Returns the growth of shared memory, on the whole machine, since the start, in swap as well. */
static int64_t machine_growth(const struct wb_meter *meter) {
  const struct wb_machine now = meter_machine();
  return (int64_t)(now.shared_bytes + now.swap_bytes) -
         (int64_t)(meter->start.shared_bytes + meter->start.swap_bytes);
}

static uint64_t seen_files(const struct wb_meter *meter) {
  return meter->usage.private_bytes + meter->files.memory_bytes + meter->shared_bytes;
}

uint64_t meter_shared_bytes(const struct wb_meter *meter) {
  return seen_files(meter) + meter->hidden_bytes;
}

void meter_sample_private(struct wb_meter *meter) {
  struct statfs info;
  if (meter->scratch < 0 || fstatfs(meter->scratch, &info) < 0)
    return;
  meter->usage.private_bytes = (uint64_t)(info.f_blocks - info.f_bfree) * (uint64_t)info.f_bsize;
  meter->usage.private_inodes = (uint64_t)(info.f_files - info.f_ffree);
  if (info.f_bfree == 0)
    meter->usage.reached |= 1u << WB_LIMIT_PRIVATE_BYTES;
  if (info.f_ffree == 0)
    meter->usage.reached |= 1u << WB_LIMIT_PRIVATE_INODES;
}

/* Asks the kernel for what is shared by whom. That walk waits for locks of the payload's, which can
 * hold them for long, and takes as long as the payload has memory. The walks of a run and of its
 * programs take turns, so that all of them have one share of the time. */
static uint64_t exact_bytes(struct wb_meter *meter, const struct wb_memory_use *use,
                            uint64_t *next_ns) {
  const uint64_t spent = meter_spent_ns();
  struct wb_memory memory;
  wb_processes_memory(meter->proc, &meter->members, use->mark, &memory);
  const uint64_t cost = meter_spent_ns() - spent;
  meter->apart_ns += cost;
  meter->tables_turn_ns = most(meter->tables_turn_ns, wb_now_ns()) + cost * WB_METER_COST_SHARE;
  *next_ns = meter->tables_turn_ns;
  /* Pages that are mapped of files in memory are part of what those take. */
  return memory.own_bytes + use->kernel_bytes + most(memory.shared_bytes, use->files_bytes);
}

uint64_t meter_memory(struct wb_meter *meter, const struct wb_memory_use *use, uint64_t limit,
                      uint64_t *next_ns) {
  const uint64_t all = use->resident_bytes + use->kernel_bytes + use->files_bytes;
  /* The kernel counts the memory of one process without a lock, if not exactly: get_mm_counter in
   * include/linux/mm.h */
  const uint64_t least = use->largest_bytes + use->files_bytes;
  /* A process can send its own memory to swap, where it is resident no more: MADV_PAGEOUT. */
  if (!limit || all + use->swapped_bytes <= limit)
    return all;
  if (least > limit + limit / SURELY)
    return least + use->kernel_bytes;
  return wb_now_ns() < *next_ns ? 0 : exact_bytes(meter, use, next_ns);
}

uint64_t meter_memory_time(const struct wb_memory_use *use, uint64_t limit, uint64_t next_ns) {
  const uint64_t all = use->resident_bytes + use->kernel_bytes + use->files_bytes;
  if (all + use->swapped_bytes <= limit)
    return meter_fill_time(limit, all, METER_MEMORY_PACE);
  const uint64_t least = use->largest_bytes + use->files_bytes;
  return meter_least(meter_fill_time(limit, least, METER_MEMORY_PACE),
                     meter_lost(next_ns, wb_now_ns()));
}

struct wb_memory_use meter_memory_use(const struct wb_meter *meter,
                                      const struct wb_processes *seen) {
  return (struct wb_memory_use){
      .resident_bytes = seen->resident_bytes,
      .swapped_bytes = seen->swapped_bytes,
      .largest_bytes = seen->largest_bytes,
      .kernel_bytes = seen->kernel_bytes,
      .files_bytes = meter_shared_bytes(meter),
  };
}

void meter_judge_memory(struct wb_meter *meter, const struct wb_processes *seen) {
  const uint64_t limit = meter->plan->memory_bytes;
  const struct wb_memory_use use = meter_memory_use(meter, seen);
  const uint64_t used = meter_memory(meter, &use, limit, &meter->tables_next_ns);
  if (used > meter->usage.memory_bytes)
    meter->usage.memory_bytes = used;
  if (limit && used > limit)
    meter_exceed(meter, WB_LIMIT_MEMORY);
}

int meter_look(struct wb_meter *meter, int proc, uint64_t since_ns, struct wb_processes *seen) {
  const int error = wb_processes_sample(proc, &meter->members, since_ns, &meter->programs, seen);
  seen->kernel_bytes += meter->ipc_bytes + meter->ipc_task_bytes * seen->tasks;
  return error;
}

static int holds_memory(const struct wb_meter *meter) {
  return meter->plan->memory_bytes && !meter_in_cgroup(meter);
}

/* Looks at the processes while descriptors are gone through, which may take seconds. Returns
 * whether a limit is exceeded. */
static int glance(void *argument) {
  struct wb_meter *meter = argument;
  if (!holds_memory(meter) || wb_now_ns() < meter->glance_ns)
    return meter->usage.limit != 0;
  /* The meter's own descriptor is at a place in the directory, from which the sample goes on. */
  const int proc =
      (int)syscall(SYS_openat, meter->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  struct wb_processes seen;
  if (proc >= 0 && meter_look(meter, proc, 0, &seen) == 0)
    meter_judge_memory(meter, &seen);
  if (proc >= 0)
    close(proc);
  meter->glance_ns = wb_now_ns() + GLANCE_NS;
  return meter->usage.limit != 0;
}

void meter_sample_files(struct wb_meter *meter, int unlinked) {
  const struct wb_plan *plan = meter->plan;
  const uint64_t spent = meter_spent_ns(), apart_before = meter->apart_ns;
  const struct wb_sandbox sandbox = {
      meter->proc,       &meter->members, meter->init, meter->scratch_device,
      meter->page_bytes, glance,          meter};
  meter->glance_ns = wb_now_ns() + GLANCE_NS;
  wb_files_sample(&sandbox, unlinked, &meter->files);
  meter->apart_ns += meter_spent_ns() - spent - (meter->apart_ns - apart_before);
  if (plan->open_files && meter->files.most >= plan->open_files)
    meter->usage.reached |= 1u << WB_LIMIT_OPEN_FILES;
  if (plan->disk_bytes && meter->files.disk_bytes > plan->disk_bytes)
    meter_exceed(meter, WB_LIMIT_DISK);
}

/* Files that nothing shows. */
static uint64_t hidden_bytes(struct wb_meter *meter, int64_t growth, uint64_t limit) {
  const struct wb_hidden_figures figures = {
      .lost_bytes = growth,
      .seen_bytes = seen_files(meter),
      .made_bytes = meter->files.made_memory,
      .limit_bytes = limit,
  };
  return wb_hidden_sample(&meter->hidden_memory, &meter->files.memory, &figures);
}

int meter_sample_descriptors(struct wb_meter *meter, uint64_t now, uint64_t resident_bytes) {
  const uint64_t spent = meter_spent_ns();
  const uint64_t limit = holds_memory(meter) ? meter->plan->memory_bytes : 0;
  const int64_t growth = machine_growth(meter);
  /* It is due soon if it would be beyond the limit if all that the machine has more of were
   * this run's, and what has come since the last sample would be much of it. */
  const uint64_t all = most(seen_files(meter), growth > 0 ? (uint64_t)growth : 0);
  const int soon = limit && (resident_bytes + all > limit ||
                             growth - meter->sampled_growth > (int64_t)(limit / 16));
  if (now < (soon ? meter->descriptors_soon_ns : meter->descriptors_next_ns))
    return 0;
  meter_sample_files(meter, limit != 0);
  meter->sampled_growth = growth;
  meter->hidden_bytes = limit ? hidden_bytes(meter, growth, limit) : 0;
  const uint64_t cost = meter_spent_ns() - spent, end = wb_now_ns();
  meter->descriptors_soon_ns = end + cost * WB_METER_COST_SHARE_SOON;
  meter->descriptors_next_ns = end + most(cost * WB_METER_COST_SHARE, DESCRIPTORS_NS);
  return 1;
}
