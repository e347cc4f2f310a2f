/*
 * A resolved policy as an OCI seccomp profile. Called by api_convert.c.
 *
 * OCI runtimes compare whole 64-bit words without a sign, require only one of two conditions on the
 * same argument, and guarantee no order among rules. So every condition is turned into cubes,
 * "these bits have these values" (SCMP_CMP_MASKED_EQ), a rule into a union of products of cubes,
 * and what an earlier rule with another action takes is cut out of the later ones. The result means
 * the same in any order.
 */
#include "import_arch.h"

#include <string.h>

enum { MAX_CUBES = 2048 };

struct cube {
  uint64_t mask[6], value[6];
};

struct cubes {
  struct cube *list;
  uint32_t count, capacity;
  bool overflow;
};

static void add(struct cubes *to, const struct cube *cube) {
  if (to->count >= MAX_CUBES)
    to->overflow = true;
  else
    *WB_PUSH(to->list, to->count, to->capacity) = *cube;
}

static bool disjoint(const struct cube *a, const struct cube *b) {
  for (int i = 0; i < 6; i++)
    if ((a->mask[i] & b->mask[i] & (a->value[i] ^ b->value[i])) != 0)
      return true;
  return false;
}

/* --- conditions to cubes ------------------------------------------------------------------------
 */

static void add_bits(struct cubes *to, uint32_t arg, uint64_t mask, uint64_t value) {
  struct cube cube = {0};
  cube.mask[arg] = mask;
  cube.value[arg] = value;
  add(to, &cube);
}

/* Unsigned values of `width` bits from low to high, as blocks that share their upper bits. */
static void add_range(struct cubes *to, uint32_t arg, uint64_t full, uint64_t low, uint64_t high) {
  while (low <= high && !to->overflow) {
    uint64_t block = 0; /* size - 1 */
    while (block < full && (low & (block << 1 | 1)) == 0 && high - low >= (block << 1 | 1))
      block = block << 1 | 1;
    add_bits(to, arg, full & ~block, low);
    if (high - low <= block)
      return;
    low += block + 1;
  }
}

static uint64_t sign_bit(const struct wb_cond *cond) {
  return cond->is_signed ? (uint64_t)1 << (cond->width - 1) : 0;
}

/* Values from low to high in the condition's own order. */
static void add_ordered(struct cubes *to, const struct wb_cond *cond, uint64_t full, uint64_t low,
                        uint64_t high) {
  uint64_t flip = sign_bit(cond);
  if (flip == 0 || ((low ^ high) & flip) == 0) {
    add_range(to, cond->arg, full, low, high);
  } else { /* from the negative ones over 0 */
    add_range(to, cond->arg, full, low, full);
    add_range(to, cond->arg, full, 0, high);
  }
}

/* The complement of sorted or unsorted ranges is the intersection of their complements; so only
 * the values themselves are made here, and the caller subtracts. False where the mask has holes
 * and the order counts. */
static bool positive_cubes(struct cubes *to, const struct wb_cond *cond) {
  uint64_t full = cond->mask;
  bool contiguous = (full & (full + 1)) == 0;
  for (uint32_t i = 0; i < cond->range_count; i++) {
    uint64_t low = cond->ranges[i].low, high = cond->ranges[i].high;
    if (low == high) {
      if ((low & ~full) == 0)
        add_bits(to, cond->arg, full, low);
    } else if (!contiguous) {
      return false;
    } else {
      add_ordered(to, cond, full, low, high);
    }
  }
  return true;
}

static void subtract(struct cubes *from, const struct cubes *what);

/* Everything for which the condition holds. */
static bool cond_cubes(struct cubes *to, const struct wb_cond *cond) {
  uint64_t full = cond->mask, flip = sign_bit(cond);
  uint64_t least = flip, most = full ^ flip, value = cond->ranges[0].low;
  bool contiguous = (full & (full + 1)) == 0;
  struct cubes hit = {0};
  switch ((enum wb_op)cond->op) {
  case WB_OP_EQ:
  case WB_OP_IN:
    return positive_cubes(to, cond);
  case WB_OP_NE:
  case WB_OP_NOT_IN:
    if (!positive_cubes(&hit, cond))
      return false;
    add_bits(to, cond->arg, 0, 0);
    subtract(to, &hit);
    return true;
  case WB_OP_LT:
    if (value != least && contiguous)
      add_ordered(to, cond, full, least, (value - 1) & full);
    return contiguous;
  case WB_OP_LE:
    if (contiguous)
      add_ordered(to, cond, full, least, value);
    return contiguous;
  case WB_OP_GT:
    if (value != most && contiguous)
      add_ordered(to, cond, full, (value + 1) & full, most);
    return contiguous;
  case WB_OP_GE:
    if (contiguous)
      add_ordered(to, cond, full, value, most);
    return contiguous;
  }
  return false;
}

/* --- algebra ------------------------------------------------------------------------------------
 */

static void multiply(struct cubes *a, const struct cubes *b) {
  struct cubes out = {.overflow = a->overflow || b->overflow};
  for (uint32_t i = 0; i < a->count; i++)
    for (uint32_t j = 0; j < b->count && !out.overflow; j++) {
      if (disjoint(&a->list[i], &b->list[j]))
        continue;
      struct cube cube = a->list[i];
      for (int k = 0; k < 6; k++) {
        cube.mask[k] |= b->list[j].mask[k];
        cube.value[k] |= b->list[j].value[k];
      }
      add(&out, &cube);
    }
  *a = out;
}

static uint64_t top_bit(uint64_t bits) {
  return (uint64_t)1 << (63 - __builtin_clzll(bits));
}

/* Keeps what is left of `cube` without `hole`: one cube for each bit that the hole fixes and
 * the cube does not, with the bits above it as in the hole. From the top down, since the
 * blocks of a range share their upper bits, and what is cut out by one then misses the next. */
static void cut(struct cubes *out, struct cube cube, const struct cube *hole) {
  if (disjoint(&cube, hole)) {
    add(out, &cube);
    return;
  }
  for (int i = 0; i < 6; i++)
    for (uint64_t left = hole->mask[i] & ~cube.mask[i], bit; left != 0; left ^= bit) {
      bit = top_bit(left);
      struct cube piece = cube;
      piece.mask[i] |= bit;
      piece.value[i] |= ~hole->value[i] & bit;
      add(out, &piece);
      cube.mask[i] |= bit;
      cube.value[i] |= hole->value[i] & bit;
    }
}

static void subtract(struct cubes *from, const struct cubes *what) {
  for (uint32_t j = 0; j < what->count; j++) {
    struct cubes out = {.overflow = from->overflow};
    for (uint32_t i = 0; i < from->count && !out.overflow; i++)
      cut(&out, from->list[i], &what->list[j]);
    *from = out;
  }
  from->overflow = from->overflow || what->overflow;
}

/* --- calls --------------------------------------------------------------------------------------
 */

struct region {
  uint32_t action;
  struct cubes cubes;
};

struct exporter {
  struct wb_conversion *c;
  const struct wb_policy *policy;
  bool any; /* an entry was written */
};

static const struct wb_call *call_on(const struct wb_target *target, int id) {
  for (uint32_t i = 0; i < target->call_count; i++)
    if (target->calls[i].id == id)
      return &target->calls[i];
  return NULL;
}

static bool same_conds(const struct wb_clause *a, const struct wb_clause *b) {
  if (a->action != b->action || a->cond_count != b->cond_count)
    return false;
  for (uint32_t i = 0; i < a->cond_count; i++) {
    const struct wb_cond *x = &a->conds[i], *y = &b->conds[i];
    if (x->arg != y->arg || x->width != y->width || x->is_signed != y->is_signed ||
        x->op != y->op || x->mask != y->mask || x->range_count != y->range_count ||
        memcmp(x->ranges, y->ranges, x->range_count * sizeof *x->ranges) != 0)
      return false;
  }
  return true;
}

/* Returns whether the rules are the same on every target that has the call: a profile has one
 * list for all of them. */
static bool same_everywhere(const struct wb_policy *policy, int id, const struct wb_call *first) {
  for (uint32_t t = 0; t < policy->target_count; t++) {
    const struct wb_call *call = call_on(&policy->targets[t], id);
    if (call == NULL)
      continue;
    if (call->clause_count != first->clause_count)
      return false;
    for (uint32_t i = 0; i < call->clause_count; i++)
      if (!same_conds(&call->clauses[i], &first->clauses[i]))
        return false;
  }
  return true;
}

static void write_action(struct wb_writer *w, uint32_t action, const char *key,
                         const char *value_key) {
  static const struct {
    uint32_t base;
    const char *name;
  } names[] = {{0x80000000, "KILL_PROCESS"}, {0x00000000, "KILL_THREAD"}, {0x00030000, "TRAP"},
               {0x00050000, "ERRNO"},        {0x7fc00000, "NOTIFY"},      {0x7ff00000, "TRACE"},
               {0x7ffc0000, "LOG"},          {0x7fff0000, "ALLOW"}};
  uint32_t base = action & 0xffff0000;
  for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].base == base) {
      wb_write(w, "\"");
      wb_write(w, key);
      wb_write(w, "\": \"SCMP_ACT_");
      wb_write(w, names[i].name);
      wb_write(w, "\"");
    }
  if (base == 0x00050000 || base == 0x7ff00000) {
    wb_write(w, ", \"");
    wb_write(w, value_key);
    wb_write(w, "\": ");
    wb_write_number(w, action & 0xffff);
  }
}

static void write_args(struct wb_writer *w, const struct cube *cube) {
  bool comma = false;
  for (uint32_t i = 0; i < 6; i++) {
    if (cube->mask[i] == 0)
      continue;
    bool whole = cube->mask[i] == UINT64_MAX;
    wb_write(w, comma ? ", " : ", \"args\": [");
    comma = true;
    wb_write(w, "{ \"index\": ");
    wb_write_number(w, i);
    wb_write(w, ", \"value\": ");
    wb_write_number(w, whole ? cube->value[i] : cube->mask[i]);
    if (!whole) {
      wb_write(w, ", \"valueTwo\": ");
      wb_write_number(w, cube->value[i]);
    }
    wb_write(w, whole ? ", \"op\": \"SCMP_CMP_EQ\" }" : ", \"op\": \"SCMP_CMP_MASKED_EQ\" }");
  }
  if (comma)
    wb_write(w, "]");
}

static void start_entry(struct exporter *ex) {
  wb_write(&ex->c->out, ex->any ? ",\n    { \"names\": [" : "\n    { \"names\": [");
  ex->any = true;
}

static void end_entry(struct exporter *ex, uint32_t action) {
  wb_write(&ex->c->out, "], ");
  write_action(&ex->c->out, action, "action", "errnoRet");
}

/* The regions of a call's rules, first match wins; false where there are too many. */
static bool regions_of(const struct wb_call *call, struct region *regions) {
  for (uint32_t i = 0; i < call->clause_count; i++) {
    const struct wb_clause *clause = &call->clauses[i];
    struct cubes cubes = {0};
    add_bits(&cubes, 0, 0, 0);
    for (uint32_t j = 0; j < clause->cond_count; j++) {
      struct cubes factor = {0};
      if (!cond_cubes(&factor, &clause->conds[j]))
        return false;
      multiply(&cubes, &factor);
    }
    for (uint32_t j = 0; j < i; j++)
      if (regions[j].action != clause->action)
        subtract(&cubes, &regions[j].cubes);
    if (cubes.overflow)
      return false;
    regions[i] = (struct region){clause->action, cubes};
  }
  return true;
}

static void inexpressible(struct exporter *ex, int id) {
  const char *name = wb_syscall_name(id);
  wb_note(ex->c, WB_NOTE_INEXPRESSIBLE, 0, 0)->detail = wb_text_of(name);
}

static void write_conditional(struct exporter *ex, int id, const struct wb_call *call) {
  struct region *regions = wb_alloc((call->clause_count + 1) * sizeof *regions);
  uint32_t by_default = ex->policy->targets[0].default_action;
  if (!regions_of(call, regions)) {
    inexpressible(ex, id);
    return;
  }
  for (uint32_t i = 0; i < call->clause_count; i++)
    for (uint32_t j = 0; j < regions[i].cubes.count && regions[i].action != by_default; j++) {
      start_entry(ex);
      wb_write(&ex->c->out, "\"");
      wb_write(&ex->c->out, wb_syscall_name(id));
      wb_write(&ex->c->out, "\"");
      end_entry(ex, regions[i].action);
      write_args(&ex->c->out, &regions[i].cubes.list[j]);
      wb_write(&ex->c->out, " }");
    }
}

/* Calls that one action decides whatever the arguments, and that are not in `done`. */
static void write_plain(struct exporter *ex, const struct wb_call **calls, uint8_t *done,
                        uint32_t action) {
  uint32_t column = 0;
  start_entry(ex);
  for (int id = 0; id < wb_syscall_count(); id++) {
    if (calls[id] == NULL || done[id] || calls[id]->clauses[0].action != action)
      continue;
    done[id] = 1;
    const char *name = wb_syscall_name(id);
    wb_write(&ex->c->out, column == 0 ? "\n      \"" : column % 6 == 0 ? ",\n      \"" : ", \"");
    wb_write(&ex->c->out, name);
    wb_write(&ex->c->out, "\"");
    column++;
  }
  end_entry(ex, action);
  wb_write(&ex->c->out, " }");
}

static void write_calls(struct exporter *ex) {
  const struct wb_policy *policy = ex->policy;
  int total = wb_syscall_count();
  const struct wb_call **calls = wb_alloc((size_t)total * sizeof *calls);
  uint8_t *done = wb_alloc((size_t)total);
  for (int id = 0; id < total; id++) {
    for (uint32_t t = 0; t < policy->target_count && calls[id] == NULL; t++)
      calls[id] = call_on(&policy->targets[t], id);
    if (calls[id] == NULL)
      continue;
    if (!same_everywhere(policy, id, calls[id])) {
      inexpressible(ex, id);
      calls[id] = NULL;
    } else if (calls[id]->clause_count == 0) {
      calls[id] = NULL;
    }
  }
  for (int id = 0; id < total; id++) {
    if (calls[id] == NULL || done[id])
      continue;
    const struct wb_clause *first = &calls[id]->clauses[0];
    if (first->cond_count > 0 || first->action == policy->targets[0].default_action) {
      done[id] = 1;
      if (first->cond_count > 0)
        write_conditional(ex, id, calls[id]);
    }
  }
  for (int id = 0; id < total; id++)
    if (calls[id] != NULL && !done[id])
      write_plain(ex, calls, done, calls[id]->clauses[0].action);
}

void wb_export_oci(struct wb_conversion *c, const struct wb_policy *policy) {
  struct exporter ex = {.c = c, .policy = policy};
  struct wb_writer *w = &c->out;
  c->ok = true;
  for (uint32_t t = 0; t < policy->target_count; t++) {
    const struct wb_target *target = &policy->targets[t];
    if (target->default_action != policy->targets[0].default_action)
      wb_note(c, WB_NOTE_INEXPRESSIBLE, 0, 0)->detail = (struct wb_text){"default", 7};
    if (target->unknown_action != target->default_action && t == 0)
      wb_note(c, WB_NOTE_UNKNOWN_DEFAULT, 0, 0);
  }
  wb_write(w, "{\n  ");
  write_action(w, policy->targets[0].default_action, "defaultAction", "defaultErrnoRet");
  wb_write(w, ",\n  \"architectures\": [");
  for (uint32_t t = 0; t < policy->target_count; t++) {
    wb_write(w, t == 0 ? "\"" : ", \"");
    wb_write(w, wb_arch_scmp_name(policy->targets[t].arch));
    wb_write(w, "\"");
  }
  wb_write(w, "],\n  \"syscalls\": [");
  write_calls(&ex);
  wb_write(w, ex.any ? "\n  ]\n}\n" : "]\n}\n");
}
