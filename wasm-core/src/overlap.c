/*
 * Calls that two rules of an imported policy match with different actions. libseccomp has no
 * order among the conditional rules of a call: it sorts them into a tree, and which of two wins
 * depends on operators, values and arguments, not on where they are written. So an importer does
 * not decide such a call, it refuses the policy and shows the call. Called by import_oci.c.
 */
#include "convert.h"
#include "resolve.h"

enum { MOST_ATOMS = 4 * (WB_MAX_CONDS + 1), MOST_WORK = 20000000 };

struct search {
  const struct wb_clause *clauses[2];
  struct wb_atom atoms[MOST_ATOMS];
  uint32_t count;
  uint64_t work;
  bool too_complex;
  uint64_t *args;
};

/* Values for all arguments that meet the atoms, one argument at a time. */
static bool satisfy(struct search *s) {
  for (uint8_t arg = 0; arg < 6; arg++) {
    const struct wb_atom *own[MOST_ATOMS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->count; i++)
      if (s->atoms[i].arg == arg)
        own[count++] = &s->atoms[i];
    int found = wb_satisfy(own, count, &s->args[arg], &s->work);
    if (found < 0 || s->work > MOST_WORK)
      s->too_complex = true;
    if (found <= 0 || s->too_complex)
      return false;
  }
  return true;
}

static void add(struct search *s, const struct wb_cond *c, uint8_t op, uint64_t constant) {
  uint64_t width = c->width == 32 ? 0xffffffff : UINT64_MAX;
  s->atoms[s->count++] =
      (struct wb_atom){c->arg, c->width, c->is_signed, op, c->mask & width, constant};
}

/* Adds the conditions of both clauses from the given one on, then looks for values. A list is tried
 * range by range, or gap by gap. */
static bool both_match(struct search *s, uint32_t clause, uint32_t at) {
  while (clause < 2 && at == s->clauses[clause]->cond_count)
    clause++, at = 0;
  if (clause == 2)
    return satisfy(s);
  const struct wb_cond *c = &s->clauses[clause]->conds[at];
  bool outside = c->op == WB_OP_NOT_IN, list = outside || c->op == WB_OP_IN;
  uint32_t before = s->count, ways = list ? c->range_count + outside : 1;
  for (uint32_t i = 0; i < ways && !s->too_complex; i++, s->count = before) {
    if (!list)
      add(s, c, c->op, c->ranges[0].low);
    if (list && (!outside || i > 0))
      add(s, c, outside ? WB_OP_GT : WB_OP_GE, outside ? c->ranges[i - 1].high : c->ranges[i].low);
    if (list && (!outside || i < c->range_count))
      add(s, c, outside ? WB_OP_LT : WB_OP_LE, outside ? c->ranges[i].low : c->ranges[i].high);
    if (both_match(s, clause, at + 1))
      return true;
  }
  s->count = before;
  return false;
}

static void write_call(struct wb_writer *w, const struct wb_target *target,
                       const struct wb_call *call, const uint64_t args[6]) {
  struct wb_arg known[6];
  int count = wb_syscall_args(call->id, target->arch, known);
  wb_write(w, wb_syscall_name(call->id));
  for (int i = 0; i < count; i++) {
    wb_write(w, i == 0 ? "(" : ", ");
    wb_write_value(w, args[i]);
  }
  wb_write(w, ") on ");
  wb_write(w, wb_arch_info(target->arch)->name);
}

bool wb_find_overlap(const struct wb_policy *policy, struct wb_overlap *out) {
  uint64_t args[6];
  struct search s = {.args = args};
  for (uint32_t t = 0; t < policy->target_count; t++)
    for (uint32_t i = 0; i < policy->targets[t].call_count; i++) {
      const struct wb_call *call = &policy->targets[t].calls[i];
      for (uint32_t b = 1; b < call->clause_count; b++)
        for (uint32_t a = 0; a < b; a++) {
          s.clauses[0] = &call->clauses[a], s.clauses[1] = &call->clauses[b];
          if (s.clauses[0]->action == s.clauses[1]->action)
            continue;
          s.work += 64;
          bool both = both_match(&s, 0, 0);
          if (!both && !s.too_complex)
            continue;
          *out = (struct wb_overlap){s.clauses[0]->rule, s.clauses[1]->rule, {0}};
          struct wb_writer w = {0};
          if (both)
            write_call(&w, &policy->targets[t], call, args);
          else
            wb_write(&w, wb_syscall_name(call->id));
          out->call = (struct wb_text){w.at, w.size};
          return true;
        }
    }
  return false;
}
