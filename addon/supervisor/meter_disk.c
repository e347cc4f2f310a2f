/*
 * The layers that a run writes to: how much is in them. statfs(2) tells cheaply whether much was
 * written; then, and every few seconds, they are walked a part at a time (disk.c). Called by
 * meter.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../sys/openat2_libc.h"
#include "../plan_check.h"
#include "meter_parts.h"
#include "rights.h"

#define MS 1000000ull
/* Entries of a layer that are read at a time: about 3 ms. */
#define WALK_STEP 2000
#define WALK_NS (2000 * MS)

/* Opens the upper directory of the next layer at or behind `op`; -1 where there is none left. */
static int open_layer(struct wb_meter *meter) {
  if (meter->plan->private_root && meter->op == 0) {
    const char *path = wb_plan_at(meter->plan, meter->plan->private_root);
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    meter->op++;
    return wb_openat2(AT_FDCWD, path, &how);
  }
  for (; meter->op < meter->plan->op_count; meter->op++) {
    const struct wb_op *op = wb_plan_ops(meter->plan) + meter->op;
    if (op->layer == 0 || !meter->directory)
      continue;
    char path[2 * WB_PATH_MAX + 8];
    snprintf(path, sizeof path, "%s/%s/upper", meter->directory,
             wb_plan_at(meter->plan, op->layer));
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    int fd = wb_openat2(AT_FDCWD, path, &how);
    if (fd >= 0) {
      meter->op++;
      return fd;
    }
  }
  return -1;
}

/* All layers lie in the state directory. */
int meter_free_disk(struct wb_meter *meter, uint64_t *bytes, uint64_t *inodes) {
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

/* How many walks in a row may lose their way: a payload that moves directories all the time, a
 * dozen levels down, would never be counted. */
#define LOST_MAX 64

static uint64_t most(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

/* Files that nothing shows. */
static uint64_t hidden_bytes(struct wb_meter *meter) {
  uint64_t free_bytes, free_inodes;
  if (!meter->plan->disk_bytes || meter_free_disk(meter, &free_bytes, &free_inodes) < 0)
    return 0;
  if (meter->proc >= 0 && meter->next_ns) /* the processes are still there */
    meter_sample_files(meter, 1);
  const struct wb_hidden_figures figures = {
      .lost_bytes = (int64_t)(meter->start_free_bytes - free_bytes),
      .seen_bytes = meter->disk.bytes + meter->files.disk_bytes,
      .made_bytes = meter->files.made_disk,
      .limit_bytes = meter->plan->disk_bytes,
  };
  return wb_hidden_sample(&meter->hidden_disk, &meter->files.disk, &figures);
}

/* A walk has seen all layers, or enough of them. */
static void judge_disk(struct wb_meter *meter) {
  const struct wb_plan *plan = meter->plan;
  const uint64_t hidden = hidden_bytes(meter);
  uint64_t bytes = meter->disk.bytes + meter->files.disk_bytes + hidden;
  uint64_t inodes = meter->disk.inodes + meter->files.disk_inodes + meter->files.disk.count;
  if (meter->disk.lost) { /* what it did not see is still there */
    bytes = most(bytes, meter->usage.disk_bytes);
    inodes = most(inodes, meter->usage.disk_inodes);
  }
  meter->lost_walks = meter->disk.lost ? meter->lost_walks + 1 : 0;
  meter->usage.disk_bytes = bytes;
  meter->usage.disk_inodes = inodes;
  if (plan->disk_bytes && meter->usage.disk_bytes > plan->disk_bytes)
    meter_exceed(meter, WB_LIMIT_DISK);
  if (plan->disk_inodes &&
      (meter->usage.disk_inodes > plan->disk_inodes || meter->lost_walks > LOST_MAX))
    meter_exceed(meter, WB_LIMIT_INODES);
}

struct step {
  struct wb_disk *disk;
  int done;
};

static void take_step(void *argument) {
  struct step *step = argument;
  step->done = wb_disk_step(step->disk, WALK_STEP);
}

/* Reads on; from the first directory on that needs it, with the rights to. */
static int step_on(struct wb_meter *meter) {
  struct step step = {&meter->disk, 0};
  const int was_closed = meter->disk.closed;
  if (!meter->with_rights || wb_with_rights(meter->mounts, take_step, &step) != 0)
    take_step(&step);
  meter->with_rights |= meter->disk.closed && !was_closed;
  return step.done;
}

/* Returns whether so much was written since the last walk that the next is due at once. */
static int disk_filled(struct wb_meter *meter) {
  uint64_t bytes, inodes;
  if (meter_free_disk(meter, &bytes, &inodes) < 0)
    return 0;
  const uint64_t room = meter_lost(meter->plan->disk_bytes, meter->usage.disk_bytes);
  const uint64_t places = meter_lost(meter->plan->disk_inodes, meter->usage.disk_inodes);
  return meter_lost(meter->free_bytes, bytes) > room / 4 ||
         meter_lost(meter->free_inodes, inodes) > places / 4;
}

void meter_sample_layers(struct wb_meter *meter, uint64_t now) {
  const uint64_t spent = meter_spent_ns();
  const struct wb_plan *plan = meter->plan;
  if (!plan->disk_bytes && !plan->disk_inodes)
    return;
  if (meter->disk.depth < 0) {
    if (now < meter->walk_next_ns && !disk_filled(meter))
      return;
    if (meter_free_disk(meter, &meter->free_bytes, &meter->free_inodes) < 0)
      return;
    meter->op = 0;
    int fd = open_layer(meter);
    if (fd < 0)
      return;
    meter->walk_cost_ns = 0;
    wb_disk_begin(&meter->disk, fd, plan->private_root != 0);
  }
  if (step_on(meter)) {
    int fd = open_layer(meter);
    if (fd >= 0)
      wb_disk_next(&meter->disk, fd);
    else
      judge_disk(meter);
  } else if ((plan->disk_bytes && meter->disk.bytes > plan->disk_bytes) ||
             (plan->disk_inodes && meter->disk.inodes > plan->disk_inodes))
    judge_disk(meter);
  meter->walk_cost_ns += meter_spent_ns() - spent;
  uint64_t pause = meter->walk_cost_ns * WB_METER_COST_SHARE;
  meter->walk_next_ns = wb_now_ns() + (pause > WALK_NS ? pause : WALK_NS);
}

/* The last walk asks nothing of statfs(2) first: where other processes gave back as much as the run
 * took, it tells of no loss. */
void meter_finish_layers(struct wb_meter *meter) {
  if (meter->usage.limit || (!meter->plan->disk_bytes && !meter->plan->disk_inodes))
    return;
  /* Files that had no name went with the processes. */
  meter->files.disk_bytes = meter->files.disk_inodes = 0;
  wb_unlinked_clear(&meter->files.disk);
  meter->op = 0;
  int fd = open_layer(meter);
  if (fd < 0)
    return;
  wb_disk_begin(&meter->disk, fd, meter->plan->private_root != 0);
  while (!step_on(meter) || (fd = open_layer(meter)) >= 0)
    if (meter->disk.depth < 0)
      wb_disk_next(&meter->disk, fd);
  judge_disk(meter);
  if (meter->usage.limit)
    meter->usage.reached |= 1u << meter->usage.limit;
  meter->usage.limit = WB_LIMIT_NONE;
}
