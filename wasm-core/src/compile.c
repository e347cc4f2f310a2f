/*
 * Runs the stages in order and computes the statistics of the result. A program is returned only if
 * verify.c proves it equal to its policy. Called by api.c and the tests.
 */
#include "core.h"
#include "resolve.h"

enum { RET_ALLOW = 0x7fff0000, LD_W_ABS = 0x20 };

/* Longest path, in instructions. Jumps go forward only, so one pass from the end does it. */
static uint32_t worst_path(const struct wb_program *program) {
  uint32_t *longest = wb_alloc((program->count + 1) * sizeof *longest);
  for (uint32_t i = program->count; i-- > 0;) {
    struct wb_insn insn = wb_decode_one(program->insns[i], i, program->count);
    uint32_t after = insn.kind == WB_INSN_RETURN ? 0 : longest[i + 1];
    if (insn.yes != 0)
      after = longest[insn.yes] > longest[insn.no] ? longest[insn.yes] : longest[insn.no];
    longest[i] = after + 1;
  }
  return longest[0];
}

bool wb_arch_is_cached(enum wb_arch arch) {
  return arch != WB_ARCH_X32 && arch != WB_ARCH_MIPS64EL;
}

/* Returns whether the kernel (from WB_CACHING_KERNEL on) runs no filter for the call. */
static bool is_cacheable(const struct wb_program *program, const uint32_t *path, uint32_t executed,
                         uint32_t action) {
  for (uint32_t i = 0; i < executed; i++)
    if (program->insns[path[i]].code == LD_W_ABS && program->insns[path[i]].k >= 8)
      return false;
  return action == RET_ALLOW;
}

static void measure(const struct wb_policy *policy, const struct wb_program *program,
                    struct wb_figures *figures) {
  const struct wb_target *target = &policy->targets[0];
  for (uint32_t i = 1; i < policy->target_count; i++)
    if (policy->targets[i].arch < target->arch)
      target = &policy->targets[i];
  const struct wb_arch_info *info = wb_arch_info(target->arch);
  uint32_t *path = wb_alloc(program->count * sizeof *path);
  uint64_t all = 0, weighted = 0, weights = 0, numbers = 0, filtered = 0, filtered_weights = 0;
  uint32_t limit = wb_syscall_limit(target->arch);
  for (uint32_t n = 0; n < limit; n++) {
    const struct wb_call *call = wb_find_call(target, n + info->nr_base);
    if (call == NULL && (limit > 1024 || n >= limit))
      continue; /* architectures whose numbers start high or lie far apart */
    struct wb_data data = {.nr = n + info->nr_base, .arch = info->audit};
    uint32_t action, executed;
    wb_interpret(program->insns, program->count, policy->big_endian, &data, &action, &executed,
                 path);
    numbers++;
    all += executed;
    if (call == NULL)
      continue;
    figures->known++;
    weighted += call->weight * executed;
    weights += call->weight;
    if (wb_arch_is_cached(target->arch) && n < limit &&
        is_cacheable(program, path, executed, action))
      figures->cacheable++;
    else
      filtered += call->weight * executed, filtered_weights += call->weight;
  }
  figures->mean_milli = numbers > 0 ? (uint32_t)(all * 1000 / numbers) : 0;
  figures->weighted_milli =
      weights > 0 ? (uint32_t)(weighted * 1000 / weights) : figures->mean_milli;
  figures->filtered_milli =
      filtered_weights > 0 ? (uint32_t)(filtered * 1000 / filtered_weights) : 0;
  figures->worst = worst_path(program);
}

/* --- which rules make a program too long ---------------------------------------------- */

enum { COSTLIEST = 3 };

/* The program of a rule alone, on the first target. */
static uint32_t cost_alone(const struct wb_policy *policy, uint32_t rule) {
  struct wb_policy *alone = wb_alloc(sizeof *alone);
  *alone = *policy;
  struct wb_target *target = &alone->targets[0];
  alone->target_count = 1;
  struct wb_call *calls = wb_alloc(target->call_count * sizeof *calls);
  for (uint32_t i = 0; i < target->call_count; i++) {
    calls[i] = target->calls[i];
    calls[i].clauses = NULL;
    calls[i].clause_count = calls[i].clause_capacity = 0;
    for (uint32_t c = 0; c < target->calls[i].clause_count; c++)
      if (target->calls[i].clauses[c].rule == rule)
        *WB_PUSH(calls[i].clauses, calls[i].clause_count, calls[i].clause_capacity) =
            target->calls[i].clauses[c];
  }
  target->calls = calls;
  struct wb_graph *graph = wb_normalize(alone);
  return graph->too_complex ? WB_MAX_INSTRUCTIONS : wb_emit(graph, alone->big_endian)->count;
}

/* A rough measure first: how many values and conditions the rule brings. */
static void report_size(struct wb_context *cx, const struct wb_policy *policy, uint32_t count) {
  struct wb_place nowhere = {0, 0, 0};
  wb_report(cx, WB_E_PROGRAM_SIZE, nowhere)->number = count;
  uint64_t *bulk = wb_alloc((policy->rule_count + 1) * sizeof *bulk);
  for (uint32_t t = 0; t < policy->target_count; t++)
    for (uint32_t i = 0; i < policy->targets[t].call_count; i++) {
      const struct wb_call *call = &policy->targets[t].calls[i];
      for (uint32_t c = 0; c < call->clause_count; c++) {
        bulk[call->clauses[c].rule]++;
        for (uint32_t k = 0; k < call->clauses[c].cond_count; k++)
          bulk[call->clauses[c].rule] += call->clauses[c].conds[k].range_count;
      }
    }
  for (uint32_t round = 0; round < COSTLIEST; round++) {
    uint32_t most = 0;
    for (uint32_t i = 1; i < policy->rule_count; i++)
      if (bulk[i] > bulk[most])
        most = i;
    if (policy->rule_count == 0 || bulk[most] == 0)
      return;
    bulk[most] = 0;
    wb_report(cx, WB_E_RULE_COST, policy->rules[most].place)->number = cost_alone(policy, most);
  }
}

static void report_complex(struct wb_compiled *c, uint32_t rule) {
  struct wb_place nowhere = {0, 0, 0};
  wb_report(&c->cx, WB_E_COMPLEX,
            rule < c->policy->rule_count ? c->policy->rules[rule].place : nowhere);
}

struct wb_compiled *wb_compile_policy(const struct wb_options *options) {
  struct wb_compiled *c = wb_alloc(sizeof *c);
  struct wb_place nowhere = {0, 0, 0};
  c->policy = wb_resolve(&c->cx, options);
  if (c->policy == NULL)
    return c;
  wb_lint(&c->cx, c->policy);
  struct wb_graph *graph = wb_normalize(c->policy);
  if (graph->too_complex) {
    report_complex(c, graph->complex_rule);
    return c;
  }
  wb_lint_shadowed(&c->cx, c->policy);
  struct wb_program *program = wb_emit(graph, c->policy->big_endian);
  if (program->count > WB_MAX_INSTRUCTIONS) {
    report_size(&c->cx, c->policy, program->count);
    return c;
  }
  switch (wb_verify(c->policy, program, &c->witness)) {
  case WB_VERDICT_EQUAL:
    c->program = program;
    measure(c->policy, program, &c->figures);
    break;
  case WB_VERDICT_TOO_COMPLEX:
    report_complex(c, c->witness.got);
    break;
  case WB_VERDICT_DIFFERENT:
    wb_report(&c->cx, WB_E_INTERNAL, nowhere);
    break;
  }
  return c;
}
