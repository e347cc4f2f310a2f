/*
 * Warnings about valid policies that allow or refuse more than their author expects. Each comes
 * from a hole in a real sandbox. Called by compile.c.
 */
#include "core.h"
#include "resolve.h"

#include <string.h>

enum stance { ALLOWS, MAY_ALLOW, REFUSES };

static bool permits(uint32_t action) {
  return (action & 0x7fff0000) == 0x7fff0000 || (action & 0x7fff0000) == 0x7ffc0000;
}

static const struct wb_call *call_named(const struct wb_target *target, const char *name) {
  int id = wb_syscall_by_name(name, strlen(name));
  int number = id < 0 ? -1 : wb_syscall_number(id, target->arch);
  return number < 0 ? NULL
                    : wb_find_call(target, (uint32_t)number + wb_arch_info(target->arch)->nr_base);
}

/* Finds what a target does with a call, and the rule that comes first for it. */
static int stance(const struct wb_target *target, const char *name, uint32_t *rule) {
  const struct wb_call *call = call_named(target, name);
  *rule = UINT32_MAX;
  if (call == NULL)
    return REFUSES;
  bool some = false, all = true, ended = false;
  for (uint32_t c = 0; c < call->clause_count; c++) {
    bool good = permits(call->clauses[c].action);
    if (good && *rule == UINT32_MAX)
      *rule = call->clauses[c].rule;
    some = some || good;
    all = all && good;
    ended = call->clauses[c].cond_count == 0;
  }
  if (!ended) {
    some = some || permits(target->default_action);
    all = all && permits(target->default_action);
  }
  return all ? ALLOWS : some ? MAY_ALLOW : REFUSES;
}

static struct wb_place place_of(const struct wb_policy *policy, uint32_t rule) {
  return rule < policy->rule_count ? policy->rules[rule].place : (struct wb_place){0, 0, 0};
}

static void set_detail(struct wb_diag *diag, const char *text) {
  diag->detail = wb_text_of(text);
}

/* A rule that refuses the call by name, if there is one. */
static uint32_t refusing_rule(const struct wb_target *target, const char *name) {
  const struct wb_call *call = call_named(target, name);
  for (uint32_t c = 0; call != NULL && c < call->clause_count; c++)
    if (!permits(call->clauses[c].action))
      return call->clauses[c].rule;
  return UINT32_MAX;
}

/* Returns whether a call with this value of one argument, the others 0, is allowed. */
static bool lets(const struct wb_policy *policy, const struct wb_target *target, const char *name,
                 uint32_t arg, uint64_t value) {
  const struct wb_call *call = call_named(target, name);
  if (call == NULL)
    return false;
  struct wb_data data = {.nr = call->nr, .arch = wb_arch_info(target->arch)->audit};
  data.args[arg] = value;
  uint32_t rule;
  return permits(wb_evaluate(policy, &data, &rule));
}

static void lint_ioctl(struct wb_context *cx, const struct wb_policy *policy,
                       const struct wb_target *target) {
  uint64_t sti, linux_request;
  if (wb_constant(target->arch, -1, "TIOCSTI", 7, &sti) != 0 ||
      wb_constant(target->arch, -1, "TIOCLINUX", 9, &linux_request) != 0)
    return;
  /* Both requests insert characters into the terminal's input; the second through a selection. */
  bool a = lets(policy, target, "ioctl", 1, sti);
  bool b = lets(policy, target, "ioctl", 1, linux_request);
  if (a != b)
    set_detail(wb_report(cx, WB_W_SIBLING, place_of(policy, refusing_rule(target, "ioctl"))),
               a ? "TIOCSTI" : "TIOCLINUX");
}

/* Refusing one value, or allowing all but one, while comparing bits that the kernel may ignore, if
 * the values that the rule misses are allowed. */
static void lint_wide(struct wb_context *cx, const struct wb_policy *policy,
                      const struct wb_target *target, const struct wb_call *call) {
  bool after = permits(target->default_action); /* a later clause allows something */
  for (uint32_t c = call->clause_count; c-- > 0;) {
    const struct wb_clause *clause = &call->clauses[c];
    bool good = permits(clause->action);
    for (uint32_t i = 0; i < clause->cond_count && (good || after); i++) {
      const struct wb_cond *cond = &clause->conds[i];
      struct wb_arg args[6];
      if (!cond->is_wide || (cond->op != (good ? WB_OP_NE : WB_OP_EQ) &&
                             cond->op != (good ? WB_OP_NOT_IN : WB_OP_IN)))
        continue;
      wb_syscall_args(call->id, target->arch, args);
      if (args[cond->arg].type != WB_ARG_POINTER)
        set_detail(wb_report(cx, WB_W_WIDE, place_of(policy, clause->rule)), args[cond->arg].name);
    }
    after = after || good;
  }
}

static void lint_target(struct wb_context *cx, const struct wb_policy *policy,
                        const struct wb_target *target) {
  uint32_t rule, other;
  for (uint32_t i = 0; i < target->call_count; i++)
    lint_wide(cx, policy, target, &target->calls[i]);
  lint_ioctl(cx, policy, target);
  /* io_uring makes the same calls without the filter. */
  if (stance(target, "io_uring_enter", &rule) == ALLOWS &&
      stance(target, "io_uring_setup", &rule) == ALLOWS &&
      (stance(target, "connect", &other) != ALLOWS || stance(target, "socket", &other) != ALLOWS ||
       stance(target, "openat", &other) != ALLOWS))
    wb_report(cx, WB_W_IO_URING, place_of(policy, rule));
  /* clone3 hides its flags in memory. */
  uint64_t new_user = 0x10000000;
  if (stance(target, "clone3", &rule) == ALLOWS && stance(target, "clone", &other) != ALLOWS &&
      !lets(policy, target, "clone", target->arch == WB_ARCH_S390X ? 1 : 0, new_user))
    wb_report(cx, WB_W_CLONE3, place_of(policy, rule));
  if (policy->kernel != 0 && policy->kernel < (4 << 8 | 8) &&
      stance(target, "ptrace", &rule) != REFUSES)
    wb_report(cx, WB_W_PTRACE, place_of(policy, rule));
  static const char *const multiplexed[][2] = {
      {"socketcall", "socket"}, {"socketcall", "connect"}, {"ipc", "shmget"}};
  for (uint32_t i = 0; i < sizeof multiplexed / sizeof *multiplexed; i++) {
    if (stance(target, multiplexed[i][0], &rule) == ALLOWS &&
        stance(target, multiplexed[i][1], &other) != ALLOWS)
      set_detail(wb_report(cx, WB_W_MULTIPLEXER, place_of(policy, rule)), multiplexed[i][1]);
  }
  static const char *const unfiltered[] = {"uretprobe", "uprobe"};
  for (uint32_t i = 0; i < 2; i++) {
    uint32_t refused = refusing_rule(target, unfiltered[i]);
    if (refused != UINT32_MAX)
      set_detail(wb_report(cx, WB_W_UNENFORCEABLE, place_of(policy, refused)), unfiltered[i]);
  }
}

static void lint_actions(struct wb_context *cx, const struct wb_policy *policy) {
  for (uint32_t i = 0; i < policy->rule_count; i++) {
    const struct wb_rule *rule = &policy->rules[i];
    if (!rule->has_calls)
      continue;
    uint32_t base = rule->action & 0xffff0000, since = 0;
    if (base == 0x7fc00000) {
      wb_report(cx, WB_W_NOTIFY, rule->place);
      since = 5 << 8;
    } else if (base == 0x80000000 || base == 0x7ffc0000) {
      since = 4 << 8 | 14;
    }
    if (policy->kernel != 0 && policy->kernel < since)
      wb_report(cx, WB_W_ACTION_KERNEL, rule->place)->number = since;
  }
}

void wb_lint(struct wb_context *cx, const struct wb_policy *policy) {
  lint_actions(cx, policy);
  for (uint32_t t = 0; t < policy->target_count; t++)
    lint_target(cx, policy, &policy->targets[t]);
}

static void shadowed(struct wb_context *cx, const struct wb_policy *policy, struct wb_place place,
                     uint32_t by) {
  /* Rules above an include are meant to come before its rules. */
  if (policy->rules[by].place.file != place.file)
    return;
  struct wb_diag *diag = wb_report(cx, WB_W_SHADOWED, place);
  diag->has_related = true;
  diag->related = policy->rules[by].place;
}

void wb_lint_shadowed(struct wb_context *cx, const struct wb_policy *policy) {
  for (uint32_t i = 0; i < policy->rule_count; i++) {
    const struct wb_rule *rule = &policy->rules[i];
    if (rule->has_calls && !rule->lives && rule->has_shadow)
      shadowed(cx, policy, rule->place, rule->shadow);
  }
  for (uint32_t i = 0; i < policy->shadowed_count; i++) {
    const struct wb_shadowed_name *name = &policy->shadowed[i];
    if (policy->rules[name->rule].lives)
      shadowed(cx, policy, name->place, name->shadow);
  }
}
