/* Drawing, printing and reading random policies: see random_policy.h. */
#include "random_policy.h"

#include <stdio.h>
#include <string.h>

const struct machine machines[MACHINES] = {
    [X86_64_MACHINE] = {"x86_64", 0xc000003e, 0, false, false, false, {16, 157, 8}},
    {"i386", 0x40000003, 0, false, true, false, {54, 172, 19}},
    {"x32", 0xc000003e, 0x40000000, false, false, true, {514, 157, 8}},
    {"aarch64", 0xc00000b7, 0, false, false, false, {29, 167, 62}},
    {"arm", 0x40000028, 0, false, true, false, {54, 172, 19}},
    {"riscv64", 0xc00000f3, 0, false, false, false, {29, 167, 62}},
    {"ppc64le", 0xc0000015, 0, false, false, false, {54, 171, 19}},
    {"s390x", 0x80000016, 0, true, false, false, {54, 172, 19}},
    {"mips64el", 0xc0000008, 0, false, false, false, {5015, 5153, 5008}},
    {"loongarch64", 0xc0000102, 0, false, false, false, {29, 167, 62}},
};

enum { ALLOW = 0x7fff0000, ERRNO = 0x00050000 };
static const uint32_t KILL = 0x80000000;

/* Arguments have different widths and signs; casts vary them further. */
static const struct {
  const char *call;
  struct argument arguments[3];
} calls[CALLS] = {
    [IOCTL] = {"ioctl", {{"fd", 0, 32, -1}, {"request", 1, 32, 0}, {"arg", 2, 64, 0}}},
    [PRCTL] = {"prctl", {{"option", 0, 32, 1}, {"arg2", 1, 64, 0}, {"arg3", 2, 64, 0}}},
    [LSEEK] = {"lseek", {{"fd", 0, 32, -1}, {"arg1", 1, 64, 1}, {"whence", 2, 32, 0}}},
};

/* --- drawing -------------------------------------------------------------------------------------
 */

uint64_t seed;

uint64_t next_value(void) {
  uint64_t z = (seed += 0x9e3779b97f4a7c15u);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

uint32_t below(uint32_t limit) {
  return (uint32_t)(next_value() % limit);
}

static uint64_t full_of(int bits) {
  return bits == 32 ? 0xffffffff : UINT64_MAX;
}

static uint64_t draw_value(int bits) {
  static const uint64_t edges[] = {0,
                                   1,
                                   2,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   0x100000000,
                                   0x7fffffffffffffff,
                                   0x8000000000000000,
                                   0xffffffffffffffff,
                                   0x541200000000,
                                   0x1f00000003,
                                   26,
                                   62,
                                   0xffffffff80000000};
  uint64_t value = below(3) == 0 ? next_value() >> below(64)
                   : below(2)    ? edges[below(sizeof edges / sizeof *edges)]
                                 : below(8);
  return value & full_of(bits);
}

static uint64_t flip_of(const struct condition *c) {
  return c->is_signed ? (uint64_t)1 << (c->bits - 1) : 0;
}

static int bits_on(const struct machine *m, int call, const struct argument *a) {
  bool narrow = m->long_is_32_bits || (m->has_narrow_ioctl && call == IOCTL);
  return narrow ? 32 : a->bits;
}

static void draw_type(struct condition *c, const struct drawn *d, bool cast) {
  const struct argument *a = c->argument;
  c->bits = bits_on(d->targets[0], d->call, a);
  c->is_signed = a->is_signed;
  for (int t = 1; t < d->target_count; t++)
    cast = cast || bits_on(d->targets[t], d->call, a) != c->bits;
  if (cast || a->is_signed < 0) {
    c->cast = 1;
    c->bits = below(2) ? 32 : 64;
    c->is_signed = (int)below(2);
  }
}

static void draw_condition(struct condition *c, const struct drawn *d) {
  *c = (struct condition){.argument = &calls[d->call].arguments[below(3)]};
  draw_type(c, d, below(4) == 0);
  c->mask = full_of(c->bits);
  if (below(3) == 0) {
    c->masked = 1;
    c->mask = draw_value(c->bits);
    if (c->mask != full_of(c->bits))
      c->is_signed = 0;
  }
  c->op = (enum comparison)below(COMPARISONS);
  c->values = c->op >= IN ? 1 + (int)below(MOST_VALUES) : 1;
  for (int i = 0; i < c->values; i++) {
    c->low[i] = draw_value(c->bits);
    if (c->masked && below(4) != 0)
      c->low[i] &= c->mask;
    c->high[i] = c->low[i];
    if (c->op >= IN && below(2)) {
      c->high[i] = draw_value(c->bits);
      if ((c->low[i] ^ flip_of(c)) > (c->high[i] ^ flip_of(c))) {
        uint64_t swap = c->low[i];
        c->low[i] = c->high[i], c->high[i] = swap;
      }
    }
  }
}

static void draw_plain_condition(struct condition *c, const struct drawn *d) {
  static const int narrow[CALLS] = {[IOCTL] = 1, [PRCTL] = 0, [LSEEK] = 2};
  const struct argument *a = &calls[d->call].arguments[narrow[d->call]];
  /* A cast, since libseccomp knows no signs. */
  *c = (struct condition){.argument = a, .bits = 32, .cast = 1, .mask = 0xffffffff, .values = 1};
  c->op = (enum comparison)below(IN);
  c->low[0] = draw_value(32);
  if (below(4) == 0) {
    c->op = EQ;
    c->masked = 1;
    c->mask = draw_value(32);
    c->low[0] &= c->mask;
  }
  c->high[0] = c->low[0];
}

static void draw_targets(struct drawn *d, bool only_x86_64) {
  d->target_count = 1;
  d->targets[0] = &machines[only_x86_64 ? X86_64_MACHINE : below(MACHINES)];
  while (!only_x86_64 && below(3) == 0 && d->target_count < MOST_TARGETS) {
    const struct machine *another = &machines[below(MACHINES)];
    bool fits = another->big_endian == d->targets[0]->big_endian;
    for (int t = 0; t < d->target_count; t++)
      fits = fits && d->targets[t] != another;
    if (fits)
      d->targets[d->target_count++] = another;
  }
}

/* Plain rules for streaks and single ones of the named calls, so that the numbers need a tree. */
static void scatter(struct drawn *d, const struct wishes *wishes, const uint32_t *actions,
                    uint32_t count) {
  static const uint32_t kernels[] = {0, 5 << 8 | 10, 5 << 8 | 11, 6 << 8 | 1};
  static const uint32_t refusals[] = {KILL, 0, ERRNO + 1, ERRNO + 7, 0x00030000};
  d->named = wishes->named, d->named_count = wishes->named_count;
  d->kernel = kernels[below(4)];
  for (int i = 0; i < SCATTERED; i++)
    d->scattered[i] = actions[below(count)];
  uint32_t streak = 1 + below(24), change = 1 + below(SCATTERED + 1), now = 0;
  for (uint32_t i = 0; i < d->named_count; i++) {
    if (below(streak) == 0)
      now = below(change + 1) % (SCATTERED + 1);
    d->chosen[i] = strcmp(d->named[i].name, calls[d->call].call) == 0 ? 0 : (uint8_t)now;
  }
  /* Where it is what other calls get, the architecture may be tested late. */
  uint32_t wish = below(3);
  d->foreign = refusals[below(5)];
  for (int i = 0; i < SCATTERED + 2 && wish > 0; i++) {
    uint32_t action = i < SCATTERED ? d->scattered[i] : i == SCATTERED ? d->otherwise : d->unknown;
    if (action >> 16 <= ERRNO >> 16 || action == KILL)
      d->foreign = action;
  }
}

void draw(struct drawn *d, const struct wishes *wishes) {
  static const uint32_t actions[] = {ALLOW,      ALLOW,      ERRNO + 1,  ERRNO + 7,      0x00030000,
                                     0x80000000, 0x7ffc0000, 0x7fc00000, 0x7ff00000 + 9, 0};
  enum { ACTIONS = sizeof actions / sizeof *actions };
  memset(d, 0, sizeof *d);
  draw_targets(d, wishes->only_x86_64);
  d->call = wishes->call > 0 ? wishes->call - 1 : (int)below(CALLS);
  d->rules_count = 1 + (int)below(MOST_RULES);
  d->otherwise = wishes->otherwise != 0 ? wishes->otherwise : actions[below(ACTIONS)];
  d->unknown = wishes->otherwise != 0 ? wishes->otherwise : actions[below(ACTIONS)];
  d->foreign = KILL;
  if (wishes->named != NULL)
    scatter(d, wishes, wishes->action_count > 0 ? wishes->actions : actions,
            wishes->action_count > 0 ? wishes->action_count : ACTIONS);
  for (int r = 0; r < d->rules_count; r++) {
    struct drawn_rule *rule = &d->rules[r];
    rule->action = wishes->action_count > 0 ? wishes->actions[below(wishes->action_count)]
                                            : actions[below(ACTIONS)];
    rule->conds_count = wishes->one_plain_32_bit_condition ? 1 : 1 + (int)below(MOST_CONDS);
    for (int c = 0; c < rule->conds_count; c++)
      if (wishes->one_plain_32_bit_condition)
        draw_plain_condition(&rule->conds[c], d);
      else
        draw_condition(&rule->conds[c], d);
  }
}

/* --- printing ------------------------------------------------------------------------------------
 */

struct page {
  char *out;
  size_t at, size;
};

#define ADD(page, ...)                                                                             \
  (page)->at +=                                                                                    \
      (size_t)snprintf((page)->out + (page)->at,                                                   \
                       (page)->at < (page)->size ? (page)->size - (page)->at : 0, __VA_ARGS__)

static void print_action(struct page *p, uint32_t action) {
  static const struct {
    uint32_t action;
    const char *name;
  } plain[] = {{ALLOW, "allow"},     {0x80000000, "kill"}, {0, "kill_thread"},
               {0x00030000, "trap"}, {0x7ffc0000, "log"},  {0x7fc00000, "notify"}};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (plain[i].action == action)
      ADD(p, "%s", plain[i].name);
  if (action >> 16 == ERRNO >> 16)
    ADD(p, "errno(%u)", action & 0xffff);
  if (action >> 16 == 0x7ff0)
    ADD(p, "trace(%u)", action & 0xffff);
}

static void print_condition(struct page *p, const struct condition *c) {
  static const char *const ops[] = {"==", "!=", "<", "<=", ">", ">=", "in", "not in"};
  ADD(p, "%s", c->argument->name);
  if (c->cast)
    ADD(p, " as %c%d", c->is_signed ? 's' : 'u', c->bits);
  if (c->masked)
    ADD(p, " & %#llx", (unsigned long long)c->mask);
  ADD(p, " %s ", ops[c->op]);
  if (c->op >= IN)
    ADD(p, "[");
  for (int v = 0; v < c->values; v++) {
    ADD(p, "%s%#llx", v > 0 ? ", " : "", (unsigned long long)c->low[v]);
    if (c->high[v] != c->low[v])
      ADD(p, "..%#llx", (unsigned long long)c->high[v]);
  }
  if (c->op >= IN)
    ADD(p, "]");
}

void print(const struct drawn *d, char *out, size_t size) {
  struct page page = {out, 0, size}, *p = &page;
  for (int t = 0; t < d->target_count; t++)
    ADD(p, "%s%s", t == 0 ? "target " : ", ", d->targets[t]->name);
  ADD(p, "\ndefault ");
  print_action(p, d->otherwise);
  ADD(p, "\nunknown ");
  print_action(p, d->unknown);
  if (d->kernel != 0)
    ADD(p, "\nkernel >= %u.%u", d->kernel >> 8, d->kernel & 255);
  if (d->foreign != KILL || d->kernel != 0) {
    ADD(p, "\nforeign ");
    print_action(p, d->foreign);
  }
  ADD(p, "\n");
  for (int r = 0; r < d->rules_count; r++) {
    print_action(p, d->rules[r].action);
    ADD(p, " %s where ", calls[d->call].call);
    for (int i = 0; i < d->rules[r].conds_count; i++) {
      ADD(p, "%s", i > 0 ? " and " : "");
      print_condition(p, &d->rules[r].conds[i]);
    }
    ADD(p, "\n");
  }
  for (uint32_t i = 0, last = 0; i < d->named_count; i++) {
    if (d->chosen[i] != 0 && d->chosen[i] != last) {
      ADD(p, "\n");
      print_action(p, d->scattered[d->chosen[i] - 1]);
      last = d->chosen[i];
    }
    if (d->chosen[i] != 0)
      ADD(p, " %s", d->named[i].name);
  }
  ADD(p, "\n");
}

/* --- the evaluator -------------------------------------------------------------------------------
 */

/* Returns whether prctl reads 32 bits of its second or third argument: written out again, see
 * widths.c. */
static bool is_read_narrow(const struct condition *c, const uint64_t args[6]) {
  static const uint32_t commands[][8] = {{6, 10, 12, 20, 26, 35, 62, 0x59616d61}, {62, 78}};
  if (c->cast || c->bits == 32 || strncmp(c->argument->name, "arg", 3) != 0 ||
      c->argument == &calls[IOCTL].arguments[2] || c->argument == &calls[LSEEK].arguments[1])
    return false;
  for (int i = 0; i < 8; i++)
    if (commands[c->argument->index - 1][i] != 0 &&
        commands[c->argument->index - 1][i] == (uint32_t)args[0])
      return true;
  return false;
}

static bool holds(const struct condition *c, const uint64_t args[6]) {
  uint64_t flip = flip_of(c);
  uint64_t value = (args[c->argument->index] & full_of(c->bits) & c->mask) ^ flip;
  bool inside = false, narrow = is_read_narrow(c, args);
  uint64_t low[MOST_VALUES], high[MOST_VALUES];
  if (narrow)
    value &= 0xffffffff;
  for (int i = 0; i < c->values; i++) {
    low[i] = c->low[i], high[i] = c->high[i];
    bool listed = c->op != LT && c->op != LE && c->op != GT && c->op != GE;
    if (narrow && listed && (int64_t)low[i] < 0 && (int64_t)low[i] >= INT32_MIN)
      low[i] = (uint32_t)low[i], high[i] = (uint32_t)high[i]; /* a negative int */
    inside = inside || (value >= (low[i] ^ flip) && value <= (high[i] ^ flip));
  }
  uint64_t first = low[0] ^ flip;
  switch (c->op) {
  case EQ:
    return value == first;
  case NE:
    return value != first;
  case LT:
    return value < first;
  case LE:
    return value <= first;
  case GT:
    return value > first;
  case GE:
    return value >= first;
  case IN:
    return inside;
  default:
    return !inside;
  }
}

uint32_t wanted(const struct drawn *d, const struct question *q) {
  const struct machine *m = NULL;
  for (int t = 0; t < d->target_count; t++)
    if (d->targets[t]->audit == q->audit && (q->audit != machines[X86_64_MACHINE].audit ||
                                             (q->nr >= 0x40000000) == (d->targets[t]->base != 0)))
      m = d->targets[t];
  if (m == NULL)
    return d->foreign;
  if (q->nr - m->base != m->numbers[d->call]) {
    for (uint32_t i = 0; i < d->named_count; i++)
      if (d->named[i].numbers[m - machines] == q->nr - m->base)
        return d->chosen[i] != 0 ? d->scattered[d->chosen[i] - 1] : d->otherwise;
    bool known = false; /* only numbers written out above are asked for, and ones far beyond */
    for (int i = 0; i < CALLS; i++)
      known = known || q->nr - m->base == m->numbers[i];
    return known ? d->otherwise : d->unknown;
  }
  for (int r = 0; r < d->rules_count; r++) {
    bool all = true;
    for (int c = 0; c < d->rules[r].conds_count; c++)
      all = all && holds(&d->rules[r].conds[c], q->args);
    if (all)
      return d->rules[r].action;
  }
  return d->otherwise;
}

/* --- the interpreter -----------------------------------------------------------------------------
 */

enum { DATA = 64 };

static void lay_down(uint8_t *at, uint64_t value, int bytes, bool big_endian) {
  for (int i = 0; i < bytes; i++)
    at[big_endian ? bytes - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

uint32_t answer(const struct filter_instruction *program, uint32_t count,
                const struct question *q) {
  uint8_t data[DATA] = {0};
  bool big = q->machine->big_endian;
  lay_down(data, q->nr, 4, big);
  lay_down(data + 4, q->audit, 4, big);
  for (int i = 0; i < 6; i++)
    lay_down(data + 16 + 8 * i, q->args[i], 8, big);
  uint32_t a = 0;
  for (uint32_t at = 0; at < count; at++) {
    const struct filter_instruction *insn = &program[at];
    switch (insn->code) {
    case 0x20: /* ld [k] */
      if (insn->k > DATA - 4 || insn->k % 4 != 0)
        return OUTSIDE;
      a = 0;
      for (uint32_t i = 0; i < 4; i++)
        a = a << 8 | data[insn->k + (big ? i : 3 - i)];
      break;
    case 0x54: /* and #k */
      a &= insn->k;
      break;
    case 0x05: /* ja k */
      at += insn->k;
      break;
    case 0x15: /* jeq, jgt, jge, jset */
      at += a == insn->k ? insn->jt : insn->jf;
      break;
    case 0x25:
      at += a > insn->k ? insn->jt : insn->jf;
      break;
    case 0x35:
      at += a >= insn->k ? insn->jt : insn->jf;
      break;
    case 0x45:
      at += (a & insn->k) != 0 ? insn->jt : insn->jf;
      break;
    case 0x06: /* ret #k */
      return insn->k;
    default:
      return OUTSIDE;
    }
  }
  return OUTSIDE;
}

/* --- questions -----------------------------------------------------------------------------------
 */

enum { MOST_ASKED = 4096, ARGS = 3 };
static uint64_t asked[ARGS][MOST_ASKED];
static uint32_t asked_count[ARGS];

static void ask(int index, uint64_t value) {
  if (asked_count[index] < MOST_ASKED)
    asked[index][asked_count[index]++] = value;
}

static void ask_around(int index, uint64_t value) {
  static const uint64_t highs[] = {0, 1, 0xffffffff, 0x80000000};
  for (int step = -1; step <= 1; step++) {
    uint64_t near = value + (uint64_t)(int64_t)step;
    ask(index, near);
    for (uint32_t h = 0; h < 4; h++)
      ask(index, (near & 0xffffffff) | highs[h] << 32);
    ask(index, (near & ~(uint64_t)0xffffffff) | value >> 32);
    ask(index, near << 32 | near >> 32);
    ask(index, near + ((uint64_t)1 << 32));
    ask(index, near - ((uint64_t)1 << 32));
  }
}

void collect(const struct drawn *d) {
  memset(asked_count, 0, sizeof asked_count);
  for (int i = 0; i < ARGS; i++)
    ask(i, 0), ask(i, next_value());
  for (int r = 0; r < d->rules_count; r++)
    for (int c = 0; c < d->rules[r].conds_count; c++) {
      const struct condition *cond = &d->rules[r].conds[c];
      int index = cond->argument->index;
      for (int v = 0; v < cond->values; v++) {
        ask_around(index, cond->low[v]);
        if (cond->high[v] != cond->low[v])
          ask_around(index, cond->high[v]);
        if (cond->masked)
          ask_around(index, cond->low[v] | ~cond->mask);
      }
      if (cond->masked)
        ask_around(index, cond->mask);
    }
}

struct question draw_question(const struct drawn *d) {
  const struct machine *m = d->targets[below((uint32_t)d->target_count)];
  struct question q = {.machine = m, .audit = m->audit, .nr = m->numbers[d->call] + m->base};
  for (int i = 0; i < ARGS; i++)
    q.args[i] = asked[i][below(asked_count[i])];
  if (d->call == PRCTL && below(3) == 0)
    q.args[0] = (q.args[0] & 0xffffffff00000000) | (below(2) ? 62 : 26);
  for (int i = ARGS; i < 6; i++)
    q.args[i] = next_value();
  return q;
}

uint32_t question_count(const struct drawn *d) {
  uint32_t count = 0;
  for (int i = 0; i < ARGS; i++)
    count += asked_count[i];
  return count * (uint32_t)d->target_count;
}

struct question question_at(const struct drawn *d, uint32_t index) {
  struct question q = draw_question(d);
  const struct machine *m = d->targets[index % (uint32_t)d->target_count];
  q.machine = m, q.audit = m->audit, q.nr = m->numbers[d->call] + m->base;
  index /= (uint32_t)d->target_count;
  int arg = 0;
  while (index >= asked_count[arg])
    index -= asked_count[arg++];
  q.args[arg] = asked[arg][index];
  return q;
}

struct question stray_question(const struct drawn *d) {
  struct question q = draw_question(d);
  switch (below(4)) {
  case 0: { /* another call */
    q.nr = q.machine->numbers[below(CALLS)] + q.machine->base;
    if (d->named_count == 0)
      break;
    uint32_t number = d->named[below(d->named_count)].numbers[q.machine - machines];
    if (number != NO_NUMBER)
      q.nr = number + q.machine->base;
    break;
  }
  case 1: /* newer than every table */
    q.nr = q.machine->base + 0xfffff0 + below(32);
    break;
  case 2: { /* another architecture of the same byte order, with or without its numbers */
    const struct machine *m = &machines[below(MACHINES)];
    if (m->big_endian != q.machine->big_endian)
      break;
    q.audit = m->audit;
    q.nr = m->numbers[d->call] + (below(2) ? m->base : 0);
    break;
  }
  default: /* no architecture at all, or one bit of it wrong */
    q.audit ^= (uint32_t)1 << below(32);
    break;
  }
  return q;
}
