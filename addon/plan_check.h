/*
 * Validation of a launch plan. Init and the supervisor call it before they use a single field; the
 * code is free of any libc so that both, and the tests, link the same object.
 */
#ifndef WASBOX_PLAN_CHECK_H
#define WASBOX_PLAN_CHECK_H

#include <linux/sched.h>

#include "wire.h"

/* 1 if the plan is whole and in bounds, 0 otherwise. `size` is that of the memory in bytes. */
int wb_plan_valid(const struct wb_plan *plan, uint64_t size);

/* The bytes or string at an offset of a valid plan. */
static inline const char *wb_plan_at(const struct wb_plan *plan, uint32_t offset) {
  return (const char *)plan + offset;
}

static inline const struct wb_op *wb_plan_ops(const struct wb_plan *plan) {
  return (const struct wb_op *)(const void *)wb_plan_at(plan, plan->ops);
}

static inline const struct wb_lower *wb_plan_lowers(const struct wb_plan *plan,
                                                    const struct wb_op *op) {
  return (const struct wb_lower *)(const void *)wb_plan_at(plan, op->lowers);
}

/* Writes the run's id where it belongs in a valid plan, which then has no place for another. */
static inline void wb_plan_name(struct wb_plan *plan, const char *id) {
  const uint32_t *places = (const uint32_t *)(const void *)wb_plan_at(plan, plan->run_ids);
  for (uint32_t i = 0; i < plan->run_id_count; i++)
    for (int digit = 0; digit < WB_RUN_ID; digit++)
      ((char *)plan)[places[i] + (uint32_t)digit] = id[digit];
  plan->run_id_count = 0;
}

/* Returns whether an operation makes the root: the first one, if its target is "/". */
static inline int wb_op_is_root(const struct wb_plan *plan, const struct wb_op *op) {
  return wb_plan_at(plan, op->target)[1] == 0;
}

/* Returns whether something that is written in memory must be saved when the run ends. */
static inline int wb_plan_saves_memory(const struct wb_plan *plan) {
  for (uint32_t i = 0; i < plan->op_count; i++)
    if ((wb_plan_ops(plan)[i].flags & WB_OP_IN_MEMORY) && wb_plan_ops(plan)[i].layer)
      return 1;
  return 0;
}

static inline const struct wb_id_range *wb_plan_ids(const struct wb_plan *plan, uint32_t ranges) {
  return (const struct wb_id_range *)(const void *)wb_plan_at(plan, ranges);
}

/* Returns what the host calls an id that exists inside; UINT32_MAX where it does not. */
static inline uint32_t wb_id_outside(const struct wb_id_range *ranges, uint32_t count,
                                     uint32_t inside) {
  for (uint32_t i = 0; i < count; i++)
    if (inside - ranges[i].inside < ranges[i].count)
      return ranges[i].outside + (inside - ranges[i].inside);
  return UINT32_MAX;
}

/*
 * The namespaces, as CLONE_NEW*, that init is not made with: the payload's process makes them while
 * init takes the old root away, and init joins them. With rules the network is there from the
 * beginning, because the supervisor enters it.
 */
static inline uint32_t wb_late_namespaces(const struct wb_plan *plan) {
  return plan->net == WB_NET_RULES ? 0 : plan->namespaces & CLONE_NEWNET;
}

#endif
