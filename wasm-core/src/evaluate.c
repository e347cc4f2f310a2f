/*
 * Finds what a policy says about one call, straight from its rules: the first match wins. This
 * simple interpreter is the reference for the generated filter. Called by api.c to explain a
 * policy, by lint.c, by verify.c and by the tests.
 */
#include "core.h"
#include "resolve.h"

static bool compare(const struct wb_cond *cond, uint64_t a, uint64_t b, bool less_or_equal) {
  if (cond->is_signed) {
    int64_t x = cond->width == 32 ? (int32_t)(uint32_t)a : (int64_t)a;
    int64_t y = cond->width == 32 ? (int32_t)(uint32_t)b : (int64_t)b;
    return less_or_equal ? x <= y : x < y;
  }
  return less_or_equal ? a <= b : a < b;
}

bool wb_cond_holds(const struct wb_cond *cond, const uint64_t args[6]) {
  uint64_t value = args[cond->arg];
  if (cond->width == 32)
    value &= 0xffffffff;
  value &= cond->mask;
  uint64_t first = cond->ranges[0].low;
  bool inside = false;
  switch ((enum wb_op)cond->op) {
  case WB_OP_EQ:
    return value == first;
  case WB_OP_NE:
    return value != first;
  case WB_OP_LT:
    return compare(cond, value, first, false);
  case WB_OP_LE:
    return compare(cond, value, first, true);
  case WB_OP_GT:
    return compare(cond, first, value, false);
  case WB_OP_GE:
    return compare(cond, first, value, true);
  case WB_OP_IN:
  case WB_OP_NOT_IN:
    for (uint32_t i = 0; i < cond->range_count; i++)
      inside = inside || (compare(cond, cond->ranges[i].low, value, true) &&
                          compare(cond, value, cond->ranges[i].high, true));
    return inside == (cond->op == WB_OP_IN);
  }
  return false;
}

uint32_t wb_evaluate(const struct wb_policy *policy, const struct wb_data *data, uint32_t *rule) {
  for (uint32_t t = 0; t < policy->target_count; t++) {
    const struct wb_target *target = &policy->targets[t];
    const struct wb_arch_info *info = wb_arch_info(target->arch);
    if (info->audit != data->arch)
      continue;
    /* One AUDIT_ARCH, two tables: bit 30 of the number distinguishes x32 from x86_64. */
    bool shared = target->arch == WB_ARCH_X86_64 || target->arch == WB_ARCH_X32;
    if (shared && (data->nr >= 0x40000000) != (target->arch == WB_ARCH_X32))
      continue;
    const struct wb_call *call = wb_find_call(target, data->nr);
    if (call == NULL) {
      *rule = WB_DECIDED_BY_UNKNOWN;
      return target->unknown_action;
    }
    for (uint32_t c = 0; c < call->clause_count; c++) {
      const struct wb_clause *clause = &call->clauses[c];
      bool all = true;
      for (uint32_t i = 0; i < clause->cond_count && all; i++)
        all = wb_cond_holds(&clause->conds[i], data->args);
      if (all) {
        *rule = clause->rule;
        return clause->action;
      }
    }
    *rule = WB_DECIDED_BY_DEFAULT;
    return target->default_action;
  }
  *rule = WB_DECIDED_BY_FOREIGN;
  return policy->foreign_action;
}
