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

/*
 * The namespaces, as CLONE_NEW*, that init is not made with: the payload's process makes them while
 * init takes the old root away, and init joins them. With rules the network is there from the
 * beginning, because the supervisor enters it.
 */
static inline uint32_t wb_late_namespaces(const struct wb_plan *plan) {
  return plan->net == WB_NET_RULES ? 0 : plan->namespaces & CLONE_NEWNET;
}

#endif
