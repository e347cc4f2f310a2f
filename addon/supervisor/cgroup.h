/* A cgroup (version 2) of the run's own, where the plan has a place for one. */
#ifndef WASBOX_CGROUP_H
#define WASBOX_CGROUP_H

#include <stdint.h>

#include "../records.h"

#ifdef __cplusplus
extern "C" {
#endif

struct wb_cgroup {
  int parent, fd; /* owned; -1: there is none, and the supervisor holds the limits by itself */
  char name[48];
};

struct wb_cgroup_use {
  uint64_t memory_bytes; /* now */
  uint64_t cpu_us;
};

/* Makes it and sets its limits. Where that cannot be done all of it, nothing is left, and fd is -1.
 */
void wb_cgroup_open(struct wb_cgroup *cgroup, const struct wb_plan *plan);

/* Reads what it uses. Returns 0 or an errno. */
int wb_cgroup_sample(const struct wb_cgroup *cgroup, struct wb_cgroup_use *use);

/* Writes peaks, and what was refused, into `usage` at the end; of a run that `failed`, what may
 * have been. */
void wb_cgroup_finish(const struct wb_cgroup *cgroup, const struct wb_plan *plan, int failed,
                      struct wb_usage *usage);

/* Kills all its processes, where there is one. Linux 5.14 */
void wb_cgroup_kill(const struct wb_cgroup *cgroup);

/* All its processes are gone: removes it. */
void wb_cgroup_close(struct wb_cgroup *cgroup);

#ifdef __cplusplus
}
#endif
#endif
