/*
 * The memory of all processes of a run and of its files in memory. First it is the sum of the
 * resident sets, which is cheap and never too little. Only where that is beyond the limit, the
 * kernel is asked for what is shared by whom, which takes a walk through all page tables.
 *
 * Shared memory stays without a descriptor and without being resident, for as long as a page of it
 * is mapped; how much that is, nobody tells. Where the run has such a mapping, what the whole
 * machine has more of than at the start counts. Called by meter.c.
 */
#define _GNU_SOURCE
#include <linux/sysinfo.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "meter_parts.h"

#define DESCRIPTORS_NS 500000000ull

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

/* Of shared memory, on the whole machine, since the start. */
static uint64_t machine_growth(const struct wb_meter *meter) {
  return meter_lost(meter_machine().shared_bytes, meter->start.shared_bytes);
}

static uint64_t seen_files(const struct wb_meter *meter) {
  return meter->usage.scratch_bytes + meter->open_memory_bytes + meter->shared_bytes;
}

uint64_t meter_shared_bytes(const struct wb_meter *meter) {
  return most(seen_files(meter), meter->hidden_memory ? machine_growth(meter) : 0);
}

void meter_look_at_scratch(struct wb_meter *meter) {
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

void meter_judge_memory(struct wb_meter *meter, uint64_t resident_bytes) {
  const uint64_t limit = meter->plan->memory_bytes;
  uint64_t used = resident_bytes + meter_shared_bytes(meter);
  /* A process can send its own memory to swap, where it is resident no more: MADV_PAGEOUT. */
  const uint64_t swapped = meter_lost(meter_machine().swap_bytes, meter->start.swap_bytes);
  if (limit && used + swapped > limit) {
    struct wb_memory memory;
    wb_processes_memory(meter->proc, meter->page_bytes, &memory);
    const uint64_t seen = memory.shared_bytes + seen_files(meter);
    used = memory.own_bytes + most(seen, meter->hidden_memory ? machine_growth(meter) : 0);
  }
  if (used > meter->usage.memory_bytes)
    meter->usage.memory_bytes = used;
  if (limit && used > limit)
    meter_exceed(meter, WB_LIMIT_MEMORY);
}

int meter_look_at_descriptors(struct wb_meter *meter, uint64_t now, uint64_t resident_bytes) {
  const uint64_t spent = meter_spent_ns();
  const struct wb_plan *plan = meter->plan;
  const uint64_t growth = machine_growth(meter);
  /* Whether it would be beyond the limit if all that the machine has more of were this run's. */
  const int matters = plan->memory_bytes && !(meter->cgroup && meter->cgroup->fd >= 0) &&
                      resident_bytes + most(seen_files(meter), growth) > plan->memory_bytes;
  if (now < (matters ? meter->descriptors_soon_ns : meter->descriptors_next_ns))
    return 0;
  struct wb_open_files open;
  wb_open_files_look(meter->proc, meter->scratch_device, &open);
  meter->open_memory_bytes = open.memory_bytes;
  meter->hidden = open.hidden;
  meter->hidden_memory = open.hidden || (matters && wb_unseen_look(meter->proc, WB_UNSEEN_MEMORY));
  meter->open_disk_bytes = open.disk_bytes;
  meter->open_disk_inodes = open.disk_inodes;
  if (plan->open_files && open.most >= plan->open_files)
    meter->usage.reached |= 1u << WB_LIMIT_OPEN_FILES;
  if (plan->disk_bytes && open.disk_bytes > plan->disk_bytes)
    meter_exceed(meter, WB_LIMIT_DISK);
  const uint64_t pause = (meter_spent_ns() - spent) * WB_METER_COST_SHARE, end = wb_now_ns();
  meter->descriptors_soon_ns = end + pause;
  meter->descriptors_next_ns = end + most(pause, DESCRIPTORS_NS);
  return 1;
}
