/*
 * Holds a program against its policy. Called by compile.c after every compilation, and by the
 * tests with programs that were damaged on purpose.
 *
 * A filter has no loops, so its paths can be walked one by one. A path is a list of conditions on
 * the architecture, the number and the six arguments, and ends in an action. For every call that
 * can take the path, the rules are gone through from the first on, each condition once as met and
 * once as failed, as far as the path leaves both possible: where a rule is reached whose action is
 * another one, there is a call that program and policy judge differently. Conditions on different
 * words are independent of one another, so satisfy.c decides one word at a time and is exact.
 *
 * It knows only the instructions that emit.c may write; anything else counts as different.
 */
#include "core.h"

#include <string.h>

enum {
  LD_W_ABS = 0x20,
  AND_K = 0x54,
  JEQ_K = 0x15,
  JGT_K = 0x25,
  JGE_K = 0x35,
  JSET_K = 0x45,
  JA = 0x05,
  RET_K = 0x06
};
enum { VAR_NR = 6, VAR_ARCH = 7, VARS = 8 };
enum { MOST_CONDITIONS = 4096, MOST_STEPS = 4000000, MOST_WORK = 40000000 };

/* Numbers that the policy treats alike. */
struct region {
  uint32_t low, high;
  const struct wb_call *call; /* NULL: `action` whatever the arguments are */
  uint32_t action;
};

struct judged {
  uint32_t audit;
  struct region *regions;
  uint32_t count, capacity;
};

/* A condition, and a value that meets it and those before it on the same word, where one is known.
 */
struct kept {
  struct wb_atom atom; /* first: `of` points here */
  bool known;
  uint64_t value;
};

struct prover {
  const struct wb_policy *policy;
  const struct wb_program *program;
  struct judged archs[WB_ARCH_COUNT];
  uint32_t arch_count;
  struct kept *conditions;
  uint32_t condition_count;
  /* The conditions of each word, in the order in which they were added. */
  const struct wb_atom **of[VARS];
  uint32_t of_count[VARS];
  uint32_t steps;
  uint64_t work; /* all of these, and the steps of satisfy.c */
  bool too_complex;
  struct wb_recorded_read *witness;
  bool by_arguments; /* the witness's path or rules have conditions on arguments */
  /* Set while a path's end is judged: */
  const struct wb_call *call;
  uint32_t default_action, got;
};

/* --- conditions ----------------------------------------------------------------------------------
 */

static bool holds(const struct wb_atom *atom, uint64_t value);

/* Decides what is left of a word by the conditions that fix bits: 1 or 0 where these decide
 * the new one (the last in the list), -1 where it takes a search. */
static int decided_by_fixed_bits(const struct prover *p, const struct wb_atom *atom) {
  uint64_t fixed = 0, value = 0;
  for (uint32_t i = 0; i + 1 < p->of_count[atom->arg]; i++) {
    const struct wb_atom *a = p->of[atom->arg][i];
    if (a->op == WB_OP_EQ)
      fixed |= a->mask, value |= a->constant;
  }
  return (atom->mask & ~fixed) != 0 ? -1 : holds(atom, value);
}

/* Decides where the new condition is the one that fixes all bits. */
static int decided_by_itself(const struct prover *p, const struct wb_atom *atom) {
  if (atom->op != WB_OP_EQ)
    return -1;
  bool good = (atom->constant & ~atom->mask) == 0;
  for (uint32_t i = 0; i + 1 < p->of_count[atom->arg]; i++) {
    const struct wb_atom *a = p->of[atom->arg][i];
    if ((a->mask & ~atom->mask) != 0)
      return -1;
    good = good && holds(a, atom->constant);
  }
  return good;
}

/* The value that meets all conditions on a word before the last: 0 where there is none. */
static bool value_before(const struct prover *p, uint32_t word, uint64_t *value) {
  uint32_t count = p->of_count[word];
  const struct kept *before =
      count < 2 ? NULL : (const struct kept *)p->of[word][(count - 2) % MOST_CONDITIONS];
  *value = before == NULL ? 0 : before->value;
  return before == NULL || before->known;
}

static bool all_hold(const struct prover *p, uint32_t word, uint64_t value) {
  for (uint32_t i = 0; i < p->of_count[word]; i++)
    if (!holds(p->of[word][i], value))
      return false;
  return true;
}

/* A value at the edge of one of the last conditions that meets all of them: saves the search. */
static bool find_bound(const struct prover *p, uint32_t word, uint64_t *value) {
  uint32_t count = p->of_count[word];
  for (uint32_t i = count; i > 0 && i + 4 > count; i--) {
    const struct wb_atom *a = p->of[word][i - 1];
    *value = a->op == WB_OP_LT   ? a->constant - 1
             : a->op == WB_OP_GT ? a->constant + 1
                                 : a->constant;
    if (all_hold(p, word, *value))
      return true;
  }
  return false;
}

/* Adds a condition; false where it leaves its word no value. Always undone by drop. */
static bool add(struct prover *p, struct wb_atom atom) {
  if (p->condition_count >= MOST_CONDITIONS - 1 || ++p->steps > MOST_STEPS || ++p->work > MOST_WORK)
    p->too_complex = true;
  struct kept *kept = &p->conditions[p->condition_count++ % MOST_CONDITIONS];
  *kept = (struct kept){.atom = atom};
  p->of[atom.arg][p->of_count[atom.arg]++ % MOST_CONDITIONS] = &kept->atom;
  if (p->too_complex)
    return false;
  kept->known = value_before(p, atom.arg, &kept->value) && holds(&atom, kept->value);
  if (kept->known)
    return true;
  int found = decided_by_fixed_bits(p, &kept->atom);
  if (found < 0 && (found = decided_by_itself(p, &kept->atom)) > 0)
    kept->known = true, kept->value = atom.constant;
  if (found >= 0)
    return found > 0;
  if (find_bound(p, atom.arg, &kept->value))
    return kept->known = true;
  found = wb_satisfy(p->of[atom.arg], p->of_count[atom.arg], &kept->value, &p->work);
  kept->known = found > 0;
  if (found < 0)
    p->too_complex = true;
  return found > 0;
}

static void drop(struct prover *p) {
  struct kept *last = &p->conditions[--p->condition_count % MOST_CONDITIONS];
  p->of_count[last->atom.arg]--;
}

static uint8_t opposite(uint8_t op) {
  static const uint8_t opposites[] = {[WB_OP_EQ] = WB_OP_NE, [WB_OP_NE] = WB_OP_EQ,
                                      [WB_OP_LT] = WB_OP_GE, [WB_OP_GE] = WB_OP_LT,
                                      [WB_OP_GT] = WB_OP_LE, [WB_OP_LE] = WB_OP_GT};
  return opposites[op];
}

static bool holds(const struct wb_atom *atom, uint64_t value) {
  uint64_t a = value & atom->mask, b = atom->constant;
  if (atom->is_signed) {
    uint64_t sign = (uint64_t)1 << (atom->width - 1);
    a ^= sign, b ^= sign;
  }
  return atom->op == WB_OP_EQ   ? a == b
         : atom->op == WB_OP_NE ? a != b
         : atom->op == WB_OP_LT ? a < b
         : atom->op == WB_OP_LE ? a <= b
         : atom->op == WB_OP_GT ? a > b
                                : a >= b;
}

/* Some call that meets all conditions of the moment. */
static void note_witness(struct prover *p) {
  uint64_t values[VARS];
  p->by_arguments = false;
  for (uint32_t v = 0; v < VAR_NR; v++)
    p->by_arguments = p->by_arguments || p->of_count[v] > 0;
  for (uint32_t v = 0; v < VARS; v++)
    if (wb_satisfy(p->of[v], p->of_count[v], &values[v], &p->work) <= 0)
      values[v] = 0;
  struct wb_data data = {.nr = (uint32_t)values[VAR_NR], .arch = (uint32_t)values[VAR_ARCH]};
  memcpy(data.args, values, sizeof data.args);
  *p->witness = (struct wb_recorded_read){.arch = data.arch, .nr = data.nr, .got = p->got};
  memcpy(p->witness->args, values, sizeof p->witness->args);
  uint32_t rule;
  p->witness->wanted = wb_evaluate(p->policy, &data, &rule);
}

/* --- rules
 * ---------------------------------------------------------------------------------------- */

static bool differs_from_rule(struct prover *p, uint32_t clause);
static bool differs_from_cond(struct prover *p, uint32_t clause, uint32_t cond);

/* Adds `op constant` on the word and bits of a condition. */
static bool add_cond(struct prover *p, const struct wb_cond *cond, uint8_t op, uint64_t constant) {
  uint64_t width = cond->width == 32 ? 0xffffffff : UINT64_MAX;
  return add(p, (struct wb_atom){cond->arg, cond->width, cond->is_signed, op, cond->mask & width,
                                 constant});
}

/* Returns whether the value may lie in a range, as far as the conditions so far go. */
static bool may_lie_in(struct prover *p, const struct wb_cond *c, const struct wb_range *range) {
  bool possible;
  if (range->low == range->high) {
    possible = add_cond(p, c, WB_OP_EQ, range->low);
    drop(p);
    return possible;
  }
  possible = add_cond(p, c, WB_OP_GE, range->low);
  possible = add_cond(p, c, WB_OP_LE, range->high) && possible;
  drop(p);
  drop(p);
  return possible;
}

/* Bounds of a masked word by the plain comparisons so far: a quick no for most of a long list. */
static struct wb_range bounds_of(const struct prover *p, const struct wb_cond *c) {
  struct wb_range b = {0, UINT64_MAX};
  for (uint32_t i = 0; i < p->of_count[c->arg] && !c->is_signed; i++) {
    const struct wb_atom *a = p->of[c->arg][i];
    if (a->mask != c->mask || a->is_signed)
      continue;
    if ((a->op == WB_OP_GE || a->op == WB_OP_GT || a->op == WB_OP_EQ) && a->constant > b.low)
      b.low = a->constant;
    if ((a->op == WB_OP_LT || a->op == WB_OP_LE || a->op == WB_OP_EQ) && a->constant < b.high)
      b.high = a->constant;
  }
  return b;
}

static bool go_on(struct prover *p, uint32_t clause, uint32_t cond, bool met) {
  return met ? differs_from_cond(p, clause, cond + 1) : differs_from_rule(p, clause + 1);
}

/* Adds one more condition, then goes on with the rest of the rule, or with the rule after it. */
static bool differs_with(struct prover *p, const struct wb_cond *c, uint8_t op, uint64_t constant,
                         uint32_t clause, uint32_t cond, bool met) {
  bool differs = add_cond(p, c, op, constant) && go_on(p, clause, cond, met);
  drop(p);
  return differs;
}

/* The value is in one of the ranges. */
static bool differs_inside(struct prover *p, uint32_t clause, uint32_t cond, bool met) {
  const struct wb_cond *c = &p->call->clauses[clause].conds[cond];
  struct wb_range b = bounds_of(p, c);
  for (uint32_t i = 0; i < c->range_count; i++) {
    const struct wb_range *r = &c->ranges[i];
    bool differs;
    if (!c->is_signed && (r->high < b.low || r->low > b.high))
      continue;
    if (r->low == r->high) {
      differs = differs_with(p, c, WB_OP_EQ, r->low, clause, cond, met);
    } else {
      differs = add_cond(p, c, WB_OP_GE, r->low) &&
                differs_with(p, c, WB_OP_LE, r->high, clause, cond, met);
      drop(p);
    }
    if (differs)
      return true;
  }
  return false;
}

/* The value is in none of the ranges from `range` on. A range that is out of reach anyway adds
 * no condition: that keeps the lists short. */
static bool differs_outside(struct prover *p, uint32_t clause, uint32_t cond, bool met,
                            uint32_t range) {
  const struct wb_cond *c = &p->call->clauses[clause].conds[cond];
  struct wb_range b = bounds_of(p, c);
  while (range < c->range_count &&
         ((!c->is_signed && (c->ranges[range].high < b.low || c->ranges[range].low > b.high)) ||
          !may_lie_in(p, c, &c->ranges[range])))
    range++;
  if (range == c->range_count)
    return go_on(p, clause, cond, met);
  const struct wb_range *r = &c->ranges[range];
  if (r->low == r->high) {
    bool differs =
        add_cond(p, c, WB_OP_NE, r->low) && differs_outside(p, clause, cond, met, range + 1);
    drop(p);
    return differs;
  }
  bool differs =
      add_cond(p, c, WB_OP_LT, r->low) && differs_outside(p, clause, cond, met, range + 1);
  drop(p);
  if (differs)
    return true;
  differs = add_cond(p, c, WB_OP_GT, r->high) && differs_outside(p, clause, cond, met, range + 1);
  drop(p);
  return differs;
}

static bool differs_from_cond(struct prover *p, uint32_t clause, uint32_t cond) {
  const struct wb_clause *rule = &p->call->clauses[clause];
  if (cond == rule->cond_count) {
    if (rule->action != p->got)
      note_witness(p);
    return rule->action != p->got;
  }
  const struct wb_cond *c = &rule->conds[cond];
  if (c->op == WB_OP_IN || c->op == WB_OP_NOT_IN) {
    bool in = c->op == WB_OP_IN;
    return differs_inside(p, clause, cond, in) || differs_outside(p, clause, cond, !in, 0);
  }
  uint64_t constant = c->ranges[0].low;
  bool possible = add_cond(p, c, c->op, constant);
  bool differs = possible && go_on(p, clause, cond, true);
  drop(p);
  if (differs)
    return true;
  /* A condition that cannot be met has failed without another condition. */
  if (!possible)
    return !p->too_complex && go_on(p, clause, cond, false);
  return differs_with(p, c, opposite(c->op), constant, clause, cond, false);
}

/* No call on this path meets the rule: a look ahead, so that a long list of rules does not cause
 * deep recursion. */
static bool is_out_of_reach(struct prover *p, const struct wb_clause *rule) {
  for (uint32_t i = 0; i < rule->cond_count; i++) {
    const struct wb_cond *c = &rule->conds[i];
    if (c->op != WB_OP_EQ)
      continue;
    bool possible = add_cond(p, c, WB_OP_EQ, c->ranges[0].low);
    drop(p);
    if (!possible)
      return !p->too_complex;
  }
  return false;
}

static bool differs_from_rule(struct prover *p, uint32_t clause) {
  while (clause < p->call->clause_count && is_out_of_reach(p, &p->call->clauses[clause]))
    clause++;
  if (clause < p->call->clause_count)
    return differs_from_cond(p, clause, 0);
  if (p->default_action != p->got)
    note_witness(p);
  return p->default_action != p->got;
}

/* --- numbers and architectures
 * --------------------------------------------------------------------- */

static struct wb_atom word_atom(uint8_t word, uint8_t op, uint32_t constant) {
  return (struct wb_atom){word, 32, false, op, 0xffffffff, constant};
}

static bool differs_from_region(struct prover *p, const struct region *region) {
  if (region->low == region->high && !all_hold(p, VAR_NR, region->low))
    return false;
  bool possible = add(p, word_atom(VAR_NR, WB_OP_GE, region->low));
  possible = add(p, word_atom(VAR_NR, WB_OP_LE, region->high)) && possible;
  bool differs = false;
  if (possible) {
    p->call = region->call;
    p->default_action = region->action;
    differs = region->call != NULL ? differs_from_rule(p, 0) : region->action != p->got;
    if (differs && region->call == NULL)
      note_witness(p);
  }
  drop(p);
  drop(p);
  return differs;
}

static bool differs_from_arch(struct prover *p, const struct judged *arch) {
  if (!all_hold(p, VAR_ARCH, arch->audit))
    return false;
  /* Bounds from plain comparisons, so that most regions need no look. */
  uint64_t low = 0, high = 0xffffffff;
  for (uint32_t i = 0; i < p->of_count[VAR_NR]; i++) {
    const struct wb_atom *a = p->of[VAR_NR][i];
    if (a->mask != 0xffffffff)
      continue;
    if ((a->op == WB_OP_GE || a->op == WB_OP_EQ) && a->constant > low)
      low = a->constant;
    if ((a->op == WB_OP_LT || a->op == WB_OP_LE || a->op == WB_OP_EQ) && a->constant < high)
      high = a->constant;
  }
  bool differs = false;
  add(p, word_atom(VAR_ARCH, WB_OP_EQ, arch->audit));
  for (uint32_t i = 0; i < arch->count && !differs && !p->too_complex; i++)
    if (arch->regions[i].low <= high && arch->regions[i].high >= low)
      differs = differs_from_region(p, &arch->regions[i]);
  drop(p);
  return differs;
}

static bool differs_from_foreign(struct prover *p) {
  bool possible = true;
  for (uint32_t i = 0; i < p->arch_count; i++)
    possible = add(p, word_atom(VAR_ARCH, WB_OP_NE, p->archs[i].audit)) && possible;
  bool differs = possible && p->got != p->policy->foreign_action;
  if (differs)
    note_witness(p);
  for (uint32_t i = 0; i < p->arch_count; i++)
    drop(p);
  return differs;
}

/* --- paths
 * -------------------------------------------------------------------------------------------- */

/* Says what the accumulator holds: some bits of one word of the data. */
struct accumulator {
  bool known;
  uint8_t word;
  bool high;
  uint32_t mask;
};

static bool differs_at(struct prover *p, uint32_t at, struct accumulator a);

static struct accumulator load(const struct prover *p, uint32_t offset) {
  struct accumulator a = {.known = true, .mask = 0xffffffff};
  if (offset == 0)
    a.word = VAR_NR;
  else if (offset == 4)
    a.word = VAR_ARCH;
  else if (offset >= 16 && offset < 64 && offset % 4 == 0)
    a.word = (uint8_t)((offset - 16) / 8), a.high = (offset % 8 == 4) != p->policy->big_endian;
  else
    a.known = false;
  return a;
}

static bool branch(struct prover *p, const struct wb_insn_raw *insn, uint32_t at,
                   struct accumulator a) {
  uint32_t mask = a.mask, constant = insn->k;
  uint8_t op = insn->code == JEQ_K ? WB_OP_EQ : insn->code == JGT_K ? WB_OP_GT : WB_OP_GE;
  if (insn->code == JSET_K)
    op = WB_OP_NE, mask &= insn->k, constant = 0;
  uint32_t shift = a.high ? 32 : 0;
  struct wb_atom atom = {
      a.word, 64, false, op, (uint64_t)mask << shift, (uint64_t)constant << shift};
  bool differs = add(p, atom) && differs_at(p, at + 1 + insn->jt, a);
  drop(p);
  if (differs)
    return true;
  atom.op = opposite(op);
  differs = add(p, atom) && differs_at(p, at + 1 + insn->jf, a);
  drop(p);
  return differs;
}

static bool differs_at(struct prover *p, uint32_t at, struct accumulator a) {
  for (; at < p->program->count && !p->too_complex; at++) {
    const struct wb_insn_raw *insn = &p->program->insns[at];
    if (++p->steps > MOST_STEPS)
      p->too_complex = true;
    switch (insn->code) {
    case LD_W_ABS:
      a = load(p, insn->k);
      if (!a.known)
        return true;
      break;
    case AND_K:
      if (!a.known)
        return true;
      a.mask &= insn->k;
      break;
    case JA:
      if (insn->k >= p->program->count)
        return true;
      at += insn->k;
      break;
    case JEQ_K:
    case JGT_K:
    case JGE_K:
    case JSET_K:
      return !a.known || branch(p, insn, at, a);
    case RET_K:
      p->got = insn->k;
      for (uint32_t i = 0; i < p->arch_count; i++)
        if (differs_from_arch(p, &p->archs[i]))
          return true;
      return differs_from_foreign(p);
    default:
      return true;
    }
  }
  return !p->too_complex; /* ran off the end */
}

/* --- the policy as regions
 * -------------------------------------------------------------------------------- */

static void add_region(struct judged *arch, uint32_t low, uint32_t high, const struct wb_call *call,
                       uint32_t action) {
  *WB_PUSH(arch->regions, arch->count, arch->capacity) = (struct region){low, high, call, action};
}

static void add_target(struct prover *p, const struct wb_target *target) {
  uint32_t audit = wb_arch_info(target->arch)->audit, low = 0, high = 0xffffffff;
  if (target->arch == WB_ARCH_X86_64)
    high = 0x3fffffff;
  if (target->arch == WB_ARCH_X32)
    low = 0x40000000;
  struct judged *arch = NULL;
  for (uint32_t i = 0; i < p->arch_count; i++)
    if (p->archs[i].audit == audit)
      arch = &p->archs[i];
  if (arch == NULL) {
    arch = &p->archs[p->arch_count++];
    arch->audit = audit;
  }
  uint64_t next = low;
  for (uint32_t i = 0; i < target->call_count; i++) {
    const struct wb_call *call = &target->calls[i];
    if (call->nr > next)
      add_region(arch, (uint32_t)next, call->nr - 1, NULL, target->unknown_action);
    add_region(arch, call->nr, call->nr, call, target->default_action);
    next = (uint64_t)call->nr + 1;
  }
  if (next <= high)
    add_region(arch, (uint32_t)next, high, NULL, target->unknown_action);
}

static struct prover *prepare(const struct wb_policy *policy, const struct wb_program *program,
                              struct wb_recorded_read *witness) {
  struct prover *p = wb_alloc(sizeof *p);
  p->policy = policy;
  p->program = program;
  p->witness = witness;
  p->conditions = wb_alloc(MOST_CONDITIONS * sizeof *p->conditions);
  for (uint32_t v = 0; v < VARS; v++)
    p->of[v] = wb_alloc(MOST_CONDITIONS * sizeof(*p->of[v]));
  bool has_x86_64 = false, has_x32 = false;
  for (uint32_t i = 0; i < policy->target_count; i++) {
    add_target(p, &policy->targets[i]);
    has_x86_64 = has_x86_64 || policy->targets[i].arch == WB_ARCH_X86_64;
    has_x32 = has_x32 || policy->targets[i].arch == WB_ARCH_X32;
  }
  for (uint32_t i = 0; i < p->arch_count; i++)
    if (p->archs[i].audit == wb_arch_info(WB_ARCH_X86_64)->audit && has_x86_64 != has_x32)
      add_region(&p->archs[i], has_x32 ? 0 : 0x40000000, has_x32 ? 0x3fffffff : 0xffffffff, NULL,
                 policy->foreign_action);
  return p;
}

enum wb_verdict wb_verify(const struct wb_policy *policy, const struct wb_program *program,
                          struct wb_recorded_read *witness) {
  struct prover *p = prepare(policy, program, witness);
  bool differs = program->count == 0 || differs_at(p, 0, (struct accumulator){0});
  if (p->too_complex) {
    witness->got = p->call != NULL && p->call->clause_count > 0 ? p->call->clauses[0].rule
                                                                : WB_DECIDED_BY_DEFAULT;
    return WB_VERDICT_TOO_COMPLEX;
  }
  return differs ? WB_VERDICT_DIFFERENT : WB_VERDICT_EQUAL;
}

struct wb_difference_found *wb_find_differences(const struct wb_policy *policy,
                                                const struct wb_program *program, uint32_t *count) {
  struct wb_recorded_read witness;
  struct prover *p = prepare(policy, program, &witness);
  struct wb_difference_found *found = NULL;
  uint32_t capacity = 0;
  *count = 0;
  for (uint32_t i = 0; i < p->arch_count; i++)
    for (uint32_t r = 0; r < p->archs[i].count; r++) {
      const struct region *region = &p->archs[i].regions[r];
      add(p, word_atom(VAR_ARCH, WB_OP_EQ, p->archs[i].audit));
      add(p, word_atom(VAR_NR, WB_OP_GE, region->low));
      add(p, word_atom(VAR_NR, WB_OP_LE, region->high));
      p->steps = 0; /* each call has the whole bound */
      bool differs = differs_at(p, 0, (struct accumulator){0});
      drop(p);
      drop(p);
      drop(p);
      if (p->too_complex)
        return NULL;
      if (differs) {
        *WB_PUSH(found, *count, capacity) = (struct wb_difference_found){
            .witness = witness, .high = region->high, .by_arguments = p->by_arguments};
      }
    }
  return found == NULL ? wb_alloc(sizeof *found) : found;
}
