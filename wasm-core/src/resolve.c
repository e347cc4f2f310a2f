/*
 * Syntax trees to the policy that the filter must equal: includes, groups, targets, and for every
 * call of every target its clauses in order. Names become numbers here and values get the width
 * and sign of their argument; conds.c does the conditions. Called by compile.c.
 */
#include "core.h"
#include "resolve.h"

#include <string.h>

enum {
  MAX_RULES = 8192,
  MAX_NAMES = 65536,
  MAX_EXPANSION = 262144,
  MAX_INCLUDES = 64,
  MAX_INCLUDE_DEPTH = 16,
  MAX_GROUP = 1024
};

/* A header statement; the outermost file that has it wins. */
struct setting {
  const struct wb_stmt *stmt; /* NULL: not stated */
  uint32_t depth;
};

struct user_group {
  struct wb_place place;
  struct wb_text name;
  int *ids;
  uint32_t count, capacity;
};

struct pending_rule {
  const struct wb_stmt *stmt;
  int *ids;
  uint32_t count, capacity;
};

struct resolver {
  struct wb_context *cx;
  const struct wb_options *options;
  struct setting settings[5]; /* by enum wb_stmt_kind, WB_STMT_TARGET to WB_STMT_FOREIGN */
  struct user_group *groups;
  uint32_t group_count, group_capacity;
  struct pending_rule *rules;
  uint32_t rule_count, rule_capacity;
  uint32_t open[MAX_INCLUDE_DEPTH]; /* files being read, outermost first */
  uint32_t depth;
  uint32_t names;
  uint32_t expansion;
};

struct wb_text wb_place_text(const struct wb_context *cx, struct wb_place place) {
  return (struct wb_text){cx->files[place.file].text.at + place.start, place.end - place.start};
}

static bool same_text(struct wb_text a, struct wb_text b) {
  return a.size == b.size && memcmp(a.at, b.at, a.size) == 0;
}

/* --- names ------------------------------------------------------------------------------------ */

static void unknown_call(struct resolver *r, struct wb_place place) {
  struct wb_suggest s;
  wb_suggest_start(&s, wb_place_text(r->cx, place));
  for (int id = 0; id < wb_syscall_count(); id++)
    wb_suggest_offer(&s, wb_syscall_name(id));
  wb_report(r->cx, WB_E_SYSCALL, place)->suggestion = wb_suggest_result(&s);
}

static void unknown_group(struct resolver *r, struct wb_place place, struct wb_text name) {
  struct wb_suggest s;
  wb_suggest_start(&s, name);
  for (int group = 0; group < wb_group_count(); group++)
    wb_suggest_offer(&s, wb_group_name(group));
  wb_report(r->cx, WB_E_GROUP, place)->suggestion = wb_suggest_result(&s);
}

/* Appends the ids that a name stands for. */
static void add_name(struct resolver *r, struct wb_place place, int **ids, uint32_t *count,
                     uint32_t *capacity) {
  struct wb_text text = wb_place_text(r->cx, place);
  if (r->names++ >= MAX_NAMES) {
    wb_report(r->cx, WB_E_TOO_LARGE, place)->number = WB_LIMIT_RULES;
    return;
  }
  int members[MAX_GROUP];
  const int *from = members;
  int size = 1;
  if (text.at[0] == '@') {
    struct wb_text name = {text.at + 1, text.size - 1};
    const struct user_group *own = NULL;
    for (uint32_t i = 0; i < r->group_count; i++)
      if (same_text(r->groups[i].name, name))
        own = &r->groups[i];
    int group = own == NULL ? wb_group_by_name(name.at, name.size) : 0;
    if (group < 0) {
      unknown_group(r, place, name);
      return;
    }
    size = own == NULL ? wb_group_members(group, members, MAX_GROUP) : (int)own->count;
    from = own == NULL ? members : own->ids;
    if (size > MAX_GROUP && own == NULL)
      size = MAX_GROUP;
  } else {
    members[0] = wb_syscall_by_name(text.at, text.size);
    if (members[0] < 0) {
      unknown_call(r, place);
      return;
    }
  }
  r->expansion += (uint32_t)size;
  if (r->expansion > MAX_EXPANSION) {
    wb_report(r->cx, WB_E_TOO_LARGE, place)->number = WB_LIMIT_EXPANSION;
    return;
  }
  for (int i = 0; i < size; i++)
    *WB_PUSH(*ids, *count, *capacity) = from[i];
}

int wb_resolve_arch(struct wb_context *cx, struct wb_place place) {
  struct wb_text text = wb_place_text(cx, place);
  int arch = wb_arch_by_name(text.at, text.size);
  if (arch < 0) {
    struct wb_suggest s;
    wb_suggest_start(&s, text);
    for (int i = 0; i < WB_ARCH_COUNT; i++)
      wb_suggest_offer(&s, wb_arch_info((enum wb_arch)i)->name);
    wb_report(cx, WB_E_ARCH, place)->suggestion = wb_suggest_result(&s);
  }
  return arch;
}

/* --- statements in order, through includes ------------------------------------------------------
 */

static void walk(struct resolver *r, uint32_t file);

static void include(struct resolver *r, const struct wb_stmt *stmt) {
  struct wb_context *cx = r->cx;
  struct wb_place place = stmt->names[0];
  struct wb_text name = wb_place_text(cx, place);
  name.at++, name.size -= 2; /* the quotes */
  for (uint32_t i = 0; i < r->depth; i++)
    if (same_text(cx->files[r->open[i]].name, name)) {
      wb_report(cx, WB_E_INCLUDE_CYCLE, place);
      return;
    }
  for (uint32_t i = 0; i < cx->file_count; i++)
    if (same_text(cx->files[i].name, name))
      return; /* the first one counts: first match wins */
  if (r->depth >= MAX_INCLUDE_DEPTH || cx->file_count >= MAX_INCLUDES) {
    wb_report(cx, WB_E_INCLUDE_DEPTH, place);
    return;
  }
  struct wb_source source = {.name = name};
  int status = wb_read_file(name, &source.text);
  if (status != 0) {
    enum wb_code code = status == -2 ? WB_E_TOO_LARGE : WB_E_INCLUDE;
    wb_report(cx, code, place)->number = WB_LIMIT_SOURCE;
    return;
  }
  uint32_t file = cx->file_count;
  *WB_PUSH(cx->files, cx->file_count, cx->file_capacity) = source;
  walk(r, file);
}

static void set(struct resolver *r, const struct wb_stmt *stmt) {
  struct setting *setting = &r->settings[stmt->kind];
  if (setting->stmt != NULL && setting->stmt->place.file == stmt->place.file) {
    struct wb_diag *diag = wb_report(r->cx, WB_E_DUPLICATE, stmt->place);
    diag->has_related = true;
    diag->related = setting->stmt->place;
  }
  if (setting->stmt == NULL || r->depth < setting->depth)
    *setting = (struct setting){stmt, r->depth};
}

static void define_group(struct resolver *r, const struct wb_stmt *stmt) {
  struct user_group group = {.place = stmt->group, .name = wb_place_text(r->cx, stmt->group)};
  group.name.at++, group.name.size--;
  for (uint32_t i = 0; i < r->group_count; i++)
    if (same_text(r->groups[i].name, group.name)) {
      struct wb_diag *diag = wb_report(r->cx, WB_E_GROUP_DUPLICATE, stmt->group);
      diag->has_related = true;
      diag->related = r->groups[i].place;
      return;
    }
  for (uint32_t i = 0; i < stmt->name_count; i++)
    add_name(r, stmt->names[i], &group.ids, &group.count, &group.capacity);
  *WB_PUSH(r->groups, r->group_count, r->group_capacity) = group;
}

static void add_rule(struct resolver *r, const struct wb_stmt *stmt) {
  if (r->rule_count >= MAX_RULES || stmt->test_count > WB_MAX_CONDS) {
    wb_report(r->cx, WB_E_TOO_LARGE, stmt->place)->number = WB_LIMIT_RULES;
    return;
  }
  struct pending_rule rule = {.stmt = stmt};
  for (uint32_t i = 0; i < stmt->name_count; i++)
    add_name(r, stmt->names[i], &rule.ids, &rule.count, &rule.capacity);
  *WB_PUSH(r->rules, r->rule_count, r->rule_capacity) = rule;
}

static void walk(struct resolver *r, uint32_t file) {
  r->open[r->depth++] = file;
  const struct wb_tree *tree = wb_parse(r->cx, file);
  for (uint32_t i = 0; i < tree->stmt_count && r->cx->error_count < WB_MAX_DIAGNOSTICS; i++) {
    const struct wb_stmt *stmt = &tree->stmts[i];
    if (stmt->kind == WB_STMT_INCLUDE)
      include(r, stmt);
    else if (stmt->kind == WB_STMT_GROUP)
      define_group(r, stmt);
    else if (stmt->kind == WB_STMT_RULE)
      add_rule(r, stmt);
    else
      set(r, stmt);
  }
  r->depth--;
}

/* --- targets ------------------------------------------------------------------------------------
 */

static bool comes_before(const void *a, const void *b, const void *with) {
  (void)with;
  return ((const struct wb_call *)a)->nr < ((const struct wb_call *)b)->nr;
}

static void fill_calls(struct wb_target *target) {
  int total = wb_syscall_count();
  struct wb_call *calls = wb_alloc((size_t)(total + 1) * sizeof *calls);
  uint32_t count = 0, base = wb_arch_info(target->arch)->nr_base;
  for (int id = 0; id < total; id++) {
    int number = wb_syscall_number(id, target->arch);
    if (number >= 0)
      calls[count++] = (struct wb_call){
          .nr = (uint32_t)number + base, .id = id, .weight = wb_syscall_weight(id)};
  }
  wb_sort(calls, count, sizeof *calls, comes_before, NULL);
  uint32_t kept = 0; /* two names of one number are one call */
  for (uint32_t i = 0; i < count; i++)
    if (kept == 0 || calls[kept - 1].nr != calls[i].nr)
      calls[kept++] = calls[i];
  target->calls = calls;
  target->call_count = kept;
}

struct wb_call *wb_find_call(const struct wb_target *target, uint32_t nr) {
  uint32_t low = 0, high = target->call_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (target->calls[middle].nr < nr)
      low = middle + 1;
    else
      high = middle;
  }
  return low < target->call_count && target->calls[low].nr == nr ? &target->calls[low] : NULL;
}

static struct wb_call *call_of(const struct wb_target *target, int id) {
  int number = wb_syscall_number(id, target->arch);
  uint32_t base = wb_arch_info(target->arch)->nr_base;
  return number < 0 ? NULL : wb_find_call(target, (uint32_t)number + base);
}

static void choose_targets(struct resolver *r, struct wb_policy *policy) {
  uint32_t bits = r->options->targets, order[WB_ARCH_COUNT], count = 0;
  const struct wb_stmt *stmt = r->settings[WB_STMT_TARGET].stmt;
  for (uint32_t i = 0; stmt != NULL && i < stmt->name_count; i++) {
    int arch = wb_resolve_arch(r->cx, stmt->names[i]);
    bool again = false;
    for (uint32_t j = 0; j < count; j++)
      again = again || order[j] == (uint32_t)arch;
    if (arch >= 0 && !again && (bits == 0 || (bits >> arch & 1)))
      order[count++] = (uint32_t)arch;
  }
  for (uint32_t arch = 0; arch < WB_ARCH_COUNT; arch++) {
    bool again = false;
    for (uint32_t j = 0; j < count; j++)
      again = again || order[j] == arch;
    if (!again && (bits >> arch & 1))
      order[count++] = arch;
  }
  if (count == 0)
    order[count++] = WB_ARCH_X86_64;
  struct wb_place place = stmt != NULL ? stmt->place : (struct wb_place){0, 0, 0};
  for (uint32_t i = 0; i < count; i++) {
    policy->targets[i].arch = (enum wb_arch)order[i];
    bool big = wb_arch_info((enum wb_arch)order[i])->big_endian;
    if (i > 0 && big != policy->big_endian)
      wb_report(r->cx, WB_E_ENDIAN, place);
    if (order[i] == WB_ARCH_X32)
      wb_report(r->cx, WB_W_X32, place);
    policy->big_endian = big;
    fill_calls(&policy->targets[i]);
  }
  policy->target_count = count;
}

/* --- actions
 * -------------------------------------------------------------------------------------- */

static uint32_t action_value(struct resolver *r, const struct wb_action_node *action,
                             enum wb_arch arch) {
  static const uint32_t bases[] = {0x80000000, 0x00000000, 0x00030000, 0x00050000,
                                   0x7fc00000, 0x7ff00000, 0x7ffc0000, 0x7fff0000};
  uint32_t base = bases[action->kind];
  bool is_errno = action->kind == WB_ACTION_ERRNO;
  if (!is_errno && action->kind != WB_ACTION_TRACE)
    return base;
  uint64_t value = 1; /* EPERM, everywhere */
  int names = is_errno ? wb_constant_set("errno", 5) : -1;
  if (action->value != NULL && !wb_resolve_value(r->cx, action->value, arch, names, &value))
    return base;
  if (value > (is_errno ? 4095u : 0xffffu))
    wb_report(r->cx, is_errno ? WB_E_ERRNO_RANGE : WB_E_TRACE_RANGE, action->value->place);
  return base | (uint32_t)(value & 0xffff);
}

static uint32_t setting_action(struct resolver *r, enum wb_stmt_kind kind, enum wb_arch arch) {
  const struct wb_stmt *stmt = r->settings[kind].stmt;
  if (stmt != NULL)
    return action_value(r, &stmt->action, arch);
  if (kind == WB_STMT_FOREIGN)
    return 0x80000000;
  uint64_t value = 1;
  if (kind == WB_STMT_UNKNOWN && wb_constant(arch, -1, "ENOSYS", 6, &value) != 0)
    value = 38;
  return 0x00050000 | (uint32_t)value;
}

/* --- expansion
 * ------------------------------------------------------------------------------------- */

/* Returns whether `on` and `when` let a rule hold for a target. */
static bool applies(struct resolver *r, const struct wb_policy *policy, const struct wb_stmt *stmt,
                    enum wb_arch arch) {
  /* Without `kernel`, the newest is assumed. */
  uint32_t kernel = policy->kernel == 0 ? UINT32_MAX : policy->kernel;
  if (kernel < stmt->kernel_from || (stmt->kernel_below != 0 && kernel >= stmt->kernel_below))
    return false;
  bool found = stmt->arch_count == 0;
  for (uint32_t i = 0; i < stmt->arch_count; i++)
    found = wb_resolve_arch(r->cx, stmt->archs[i]) == (int)arch || found;
  return found;
}

static void expand_call(struct resolver *r, struct wb_policy *policy, uint32_t index,
                        struct wb_target *target, int id, uint32_t action) {
  struct wb_rule *rule = &policy->rules[index];
  const struct wb_stmt *stmt = r->rules[index].stmt;
  struct wb_call *call = call_of(target, id);
  if (call == NULL)
    return;
  if (!rule->has_calls)
    rule->action = action;
  rule->has_calls = true;
  struct wb_clause clauses[WB_MAX_READINGS];
  uint32_t count = wb_resolve_clauses(r->cx, stmt, id, target->arch,
                                      (struct wb_clause){.rule = index, .action = action}, clauses);
  if (count == 0)
    return;
  if (call->clause_count > 0) {
    const struct wb_clause *last = &call->clauses[call->clause_count - 1];
    if (last->rule == index && last->cond_count == 0)
      return; /* named twice in one rule */
    if (!rule->has_shadow) {
      rule->has_shadow = true;
      rule->shadow = last->rule;
    }
    if (last->cond_count == 0)
      return;
  }
  r->expansion += count;
  if (r->expansion > MAX_EXPANSION) {
    wb_report(r->cx, WB_E_TOO_LARGE, stmt->place)->number = WB_LIMIT_EXPANSION;
    return;
  }
  for (uint32_t i = 0; i < count; i++)
    *WB_PUSH(call->clauses, call->clause_count, call->clause_capacity) = clauses[i];
}

/* Calls that a rule names, and not through a group, but that a rule above has taken whole. */
static void find_shadowed_names(struct resolver *r, struct wb_policy *policy, uint32_t index) {
  const struct wb_stmt *stmt = r->rules[index].stmt;
  for (uint32_t i = 0; i < stmt->name_count; i++) {
    struct wb_text text = wb_place_text(r->cx, stmt->names[i]);
    int id = text.at[0] == '@' ? -1 : wb_syscall_by_name(text.at, text.size);
    bool has = false, lives = false;
    uint32_t shadow = 0;
    for (uint32_t t = 0; id >= 0 && t < policy->target_count; t++) {
      const struct wb_call *call = call_of(&policy->targets[t], id);
      has = has || call != NULL;
      if (call == NULL || call->clause_count == 0) {
        lives = lives || call != NULL;
        continue;
      }
      const struct wb_clause *last = &call->clauses[call->clause_count - 1];
      lives = lives || last->rule >= index || last->cond_count > 0;
      shadow = last->rule;
    }
    if (id >= 0 && !has && r->options->targets == 0 && stmt->arch_count == 0 &&
        r->settings[WB_STMT_TARGET].stmt != NULL)
      wb_report(r->cx, WB_W_NO_TARGET, stmt->names[i]);
    if (has && !lives)
      *WB_PUSH(policy->shadowed, policy->shadowed_count, policy->shadowed_capacity) =
          (struct wb_shadowed_name){index, shadow, stmt->names[i]};
  }
}

static void expand(struct resolver *r, struct wb_policy *policy) {
  policy->rules = wb_alloc((r->rule_count + 1) * sizeof *policy->rules);
  policy->rule_count = r->rule_count;
  for (uint32_t i = 0; i < r->rule_count; i++) {
    const struct pending_rule *pending = &r->rules[i];
    policy->rules[i].place = pending->stmt->place;
    bool applied = false;
    for (uint32_t t = 0; t < policy->target_count; t++) {
      struct wb_target *target = &policy->targets[t];
      if (!applies(r, policy, pending->stmt, target->arch))
        continue;
      applied = true;
      uint32_t action = action_value(r, &pending->stmt->action, target->arch);
      for (uint32_t j = 0; j < pending->count; j++)
        expand_call(r, policy, i, target, pending->ids[j], action);
    }
    if (applied)
      find_shadowed_names(r, policy, i);
    if (r->cx->error_count >= WB_MAX_DIAGNOSTICS)
      return;
  }
}

/* Lines of `count call` and comments; what it does not know it skips, since a list may be newer or
 * older than the tables. */
static void apply_weights(struct wb_policy *policy, struct wb_text text) {
  for (uint32_t at = 0; at < text.size; at++) {
    uint64_t weight = 0;
    for (; at < text.size && (text.at[at] == ' ' || (text.at[at] >= '0' && text.at[at] <= '9'));
         at++)
      if (text.at[at] != ' ' && weight < 1000000000000)
        weight = weight * 10 + (uint64_t)(text.at[at] - '0');
    uint32_t start = at;
    while (at < text.size && text.at[at] != '\n')
      at++;
    int id = wb_syscall_by_name(text.at + start, at - start);
    for (uint32_t t = 0; id >= 0 && t < policy->target_count; t++) {
      struct wb_call *call = call_of(&policy->targets[t], id);
      if (call != NULL)
        call->weight = weight;
    }
  }
}

struct wb_policy *wb_resolve(struct wb_context *cx, const struct wb_options *options) {
  struct resolver resolver = {.cx = cx, .options = options}, *r = &resolver;
  *WB_PUSH(cx->files, cx->file_count, cx->file_capacity) =
      (struct wb_source){options->name, options->text};
  if (options->text.size > WB_MAX_SOURCE) {
    wb_report(cx, WB_E_TOO_LARGE, (struct wb_place){0, 0, 0})->number = WB_LIMIT_SOURCE;
    return NULL;
  }
  walk(r, 0);
  struct wb_policy *policy = wb_alloc(sizeof *policy);
  const struct wb_stmt *kernel = r->settings[WB_STMT_KERNEL].stmt;
  policy->kernel = options->kernel != 0 ? options->kernel : kernel != NULL ? kernel->kernel : 0;
  if (kernel != NULL && options->kernel != 0 && options->kernel < kernel->kernel)
    wb_report(cx, WB_E_KERNEL, kernel->place)->number = options->kernel;
  choose_targets(r, policy);
  policy->foreign_action = setting_action(r, WB_STMT_FOREIGN, policy->targets[0].arch);
  for (uint32_t t = 0; t < policy->target_count; t++) {
    struct wb_target *target = &policy->targets[t];
    target->default_action = setting_action(r, WB_STMT_DEFAULT, target->arch);
    target->unknown_action = setting_action(r, WB_STMT_UNKNOWN, target->arch);
  }
  expand(r, policy);
  apply_weights(policy, options->weights);
  if (r->rule_count == 0 && cx->error_count == 0)
    wb_report(cx, WB_W_EMPTY, (struct wb_place){0, 0, 0});
  return cx->error_count == 0 ? policy : NULL;
}
