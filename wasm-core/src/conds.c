/*
 * Conditions: resolves argument names, their widths and signs, and the values of constants on an
 * architecture. The kernel reads an `int` in 32 bits, whatever the upper half of the register
 * holds; so does the condition. Called by resolve.c.
 */
#include "core.h"
#include "resolve.h"

#include <string.h>

static void unknown_constant(struct wb_context *cx, const struct wb_expr *expr, enum wb_arch arch,
                             int set) {
  struct wb_suggest s;
  wb_suggest_start(&s, wb_place_text(cx, expr->place));
  const char *name;
  for (int i = 0; set >= 0 && (name = wb_constant_name(set, i)) != NULL; i++)
    wb_suggest_offer(&s, name);
  struct wb_diag *diag = wb_report(cx, WB_E_CONSTANT, expr->place);
  const char *arch_name = wb_arch_info(arch)->name;
  diag->detail = wb_text_of(arch_name);
  diag->suggestion = wb_suggest_result(&s);
}

bool wb_resolve_value(struct wb_context *cx, const struct wb_expr *expr, enum wb_arch arch, int set,
                      uint64_t *value) {
  uint64_t left = 0, right = 0;
  if (expr->left != NULL && !wb_resolve_value(cx, expr->left, arch, set, &left))
    return false;
  if (expr->right != NULL && !wb_resolve_value(cx, expr->right, arch, set, &right))
    return false;
  switch (expr->kind) {
  case WB_EXPR_NUMBER:
    *value = expr->value;
    return true;
  case WB_EXPR_NAME: {
    struct wb_text text = wb_place_text(cx, expr->place);
    if (wb_constant(arch, set, text.at, text.size, value) == 0)
      return true;
    if (set >= 0 && wb_constant(arch, -1, text.at, text.size, value) == 0)
      return true;
    if (wb_text_is(text, "NULL")) {
      *value = 0;
      return true;
    }
    unknown_constant(cx, expr, arch, set);
    return false;
  }
  case WB_EXPR_OR:
    *value = left | right;
    return true;
  case WB_EXPR_NOT:
    *value = ~left;
    return true;
  case WB_EXPR_NEGATE:
    *value = 0 - left;
    return true;
  case WB_EXPR_SHIFT:
    if (right > 63) {
      wb_report(cx, WB_E_NUMBER, expr->right->place);
      return false;
    }
    *value = left << right;
    return true;
  }
  return false;
}

/* Value cut to the argument's width; narrow values may be written signed or unsigned, and `~` of a
 * value that fits is the other bits of that width. */
static bool fit(struct wb_context *cx, const struct wb_expr *expr, enum wb_arch arch, int set,
                uint64_t full, uint64_t *value) {
  if (!wb_resolve_value(cx, expr, arch, set, value))
    return false;
  uint64_t above = *value & ~full;
  bool negative = (*value & (full ^ full >> 1)) != 0;
  if (above != 0 && !(above == ~full && (negative || expr->kind == WB_EXPR_NOT))) {
    wb_report(cx, WB_E_WIDTH, expr->place)->number = 64 - (uint32_t)__builtin_clzll(full);
    return false;
  }
  *value &= full;
  return true;
}

static void unknown_argument(struct wb_context *cx, const struct wb_test_node *test, int id,
                             const struct wb_arg *args, int count) {
  struct wb_text text = wb_place_text(cx, test->argument);
  const char *call = wb_syscall_name(id);
  struct wb_text call_text = wb_text_of(call);
  if (wb_text_is(call_text, "clone3") && wb_text_is(text, "flags")) {
    /* The flags are in the structure that its first argument points to. */
    wb_report(cx, WB_E_POINTER, test->argument)->detail = call_text;
    return;
  }
  struct wb_suggest s;
  wb_suggest_start(&s, text);
  for (int i = 0; i < count; i++)
    wb_suggest_offer(&s, args[i].name);
  struct wb_diag *diag = wb_report(cx, WB_E_ARGUMENT, test->argument);
  diag->detail = call_text;
  diag->suggestion = wb_suggest_result(&s);
}

/* Index of the argument that a test names, or -1. */
static int find_argument(struct wb_context *cx, const struct wb_test_node *test, int id,
                         enum wb_arch arch, const struct wb_arg *args, int count) {
  struct wb_text text = wb_place_text(cx, test->argument);
  int known = wb_arg_by_name(id, arch, text.at, text.size);
  if (known >= 0)
    return known;
  if (text.size == 4 && memcmp(text.at, "arg", 3) == 0 && text.at[3] >= '0' && text.at[3] <= '5') {
    int index = text.at[3] - '0';
    if (index < count)
      return index;
    struct wb_diag *diag = wb_report(cx, WB_E_ARGUMENT_INDEX, test->argument);
    const char *call = wb_syscall_name(id);
    diag->number = (uint32_t)count;
    diag->detail = wb_text_of(call);
    return -1;
  }
  unknown_argument(cx, test, id, args, count);
  return -1;
}

/* Width, sign and mask of the argument itself; a cast looks at other bits than the kernel does. */
static void set_type(struct wb_cond *cond, const struct wb_arg *arg, enum wb_cast cast) {
  enum wb_arg_class type = arg->type;
  cond->width = arg->bits > 32 ? 64 : 32;
  cond->is_signed = type == WB_ARG_INT || type == WB_ARG_LONG || type == WB_ARG_S64;
  cond->mask = arg->bits == 16 ? 0xffff : cond->width == 32 ? 0xffffffff : UINT64_MAX;
  if (arg->bits == 16)
    cond->is_signed = false;
  if (cast != WB_CAST_NONE) {
    cond->width = cast == WB_CAST_S32 || cast == WB_CAST_U32 ? 32 : 64;
    cond->is_signed = cast == WB_CAST_S32 || cast == WB_CAST_S64;
    cond->mask = cond->width == 32 ? 0xffffffff : UINT64_MAX;
  }
}

static bool less(const struct wb_cond *cond, uint64_t a, uint64_t b) {
  uint64_t flip = cond->is_signed ? (uint64_t)1 << (cond->width - 1) : 0;
  return (a ^ flip) < (b ^ flip);
}

/* Warns about conditions that obviously always hold or never hold. */
static void glance(struct wb_context *cx, const struct wb_test_node *test,
                   const struct wb_cond *cond) {
  uint64_t full = cond->width == 32 ? 0xffffffff : UINT64_MAX;
  uint64_t least = cond->is_signed ? (uint64_t)1 << (cond->width - 1) : 0;
  uint64_t most = cond->is_signed ? least - 1 : cond->mask;
  uint64_t first = cond->ranges[0].low;
  bool outside = true; /* every value has bits that the mask clears */
  for (uint32_t i = 0; i < cond->range_count; i++)
    outside = outside && cond->ranges[i].low == cond->ranges[i].high &&
              (cond->ranges[i].low & full & ~cond->mask) != 0;
  bool equal = cond->op == WB_OP_EQ || cond->op == WB_OP_IN;
  bool unequal = cond->op == WB_OP_NE || cond->op == WB_OP_NOT_IN;
  bool never = (equal && outside) || (cond->op == WB_OP_LT && first == least) ||
               (cond->op == WB_OP_GT && first == most);
  bool always = (unequal && outside) || (cond->op == WB_OP_GE && first == least) ||
                (cond->op == WB_OP_LE && first == most);
  if (cond->mask == 0 && !never && !always)
    never = unequal, always = equal;
  if (never)
    wb_report(cx, WB_W_NEVER, test->place);
  else if (always)
    wb_report(cx, WB_W_ALWAYS, test->place);
}

static bool lower(const void *a, const void *b, const void *cond) {
  return less(cond, ((const struct wb_range *)a)->low, ((const struct wb_range *)b)->low);
}

/* Sorts ranges as the comparison orders them, and joins those that overlap or touch. */
static void sort_ranges(struct wb_cond *cond) {
  struct wb_range *ranges = cond->ranges;
  wb_sort(ranges, cond->range_count, sizeof *ranges, lower, cond);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < cond->range_count; i++) {
    struct wb_range *last = kept > 0 ? &ranges[kept - 1] : NULL;
    if (last == NULL || (less(cond, last->high, ranges[i].low) && ranges[i].low != last->high + 1))
      ranges[kept++] = ranges[i];
    else if (less(cond, last->high, ranges[i].high))
      last->high = ranges[i].high;
  }
  cond->range_count = kept;
}

static bool resolve_cond(struct wb_context *cx, const struct wb_test_node *test, int id,
                         enum wb_arch arch, struct wb_cond *cond) {
  struct wb_arg args[6];
  int count = wb_syscall_args(id, arch, args);
  int index = find_argument(cx, test, id, arch, args, count);
  if (index < 0)
    return false;
  const struct wb_arg *arg = &args[index];
  *cond = (struct wb_cond){.arg = (uint8_t)index, .op = (uint8_t)test->op};
  set_type(cond, arg, test->cast);
  uint64_t full = cond->mask;
  if (test->mask != NULL) {
    if (!fit(cx, test->mask, arch, arg->constants, full, &cond->mask))
      return false;
    if (cond->mask != full)
      cond->is_signed = false; /* what a mask leaves is a set of bits */
  }
  cond->range_count = test->value_count;
  cond->ranges = wb_alloc(test->value_count * sizeof *cond->ranges);
  bool only_null = true;
  for (uint32_t i = 0; i < test->value_count; i++) {
    struct wb_range *range = &cond->ranges[i];
    const struct wb_range_node *node = &test->values[i];
    if (!fit(cx, node->low, arch, arg->constants, full, &range->low))
      return false;
    range->high = range->low;
    if (node->high != NULL && !fit(cx, node->high, arch, arg->constants, full, &range->high))
      return false;
    if (less(cond, range->high, range->low)) {
      struct wb_place place = node->low->place;
      place.end = node->high->place.end;
      wb_report(cx, WB_E_RANGE, place);
      return false;
    }
    only_null = only_null && range->low == 0 && range->high == 0;
  }
  struct wb_range *written = wb_alloc(cond->range_count * sizeof *written);
  memcpy(written, cond->ranges, cond->range_count * sizeof *written);
  cond->written = written, cond->written_count = cond->range_count;
  sort_ranges(cond);
  bool equality = test->op == WB_OP_EQ || test->op == WB_OP_NE;
  if (arg->type == WB_ARG_POINTER && test->cast == WB_CAST_NONE &&
      !(only_null && equality && test->mask == NULL)) {
    const char *call = wb_syscall_name(id);
    wb_report(cx, WB_W_POINTER, test->argument)->detail = wb_text_of(call);
  }
  glance(cx, test, cond);
  return true;
}

/* --- arguments whose width depends on a command --------------------------------------------------
 */

/* A condition on the command: one of the row's, or none of them. */
static struct wb_cond command_cond(const struct wb_width *width, const struct wb_arg *selector,
                                   bool narrow) {
  struct wb_cond cond = {.arg = (uint8_t)width->selector,
                         .op = narrow ? WB_OP_IN : WB_OP_NOT_IN,
                         .range_count = width->count};
  set_type(&cond, selector, WB_CAST_NONE);
  cond.is_signed = false;
  cond.ranges = wb_alloc(width->count * sizeof *cond.ranges);
  for (uint32_t i = 0; i < width->count; i++)
    cond.ranges[i] = (struct wb_range){width->commands[2 * i], width->commands[2 * i + 1]};
  return cond;
}

/* Returns whether the commands that a rule asks for read the argument narrow: bit 0 some do,
 * bit 1 some do not. */
static uint32_t readings_of(const struct wb_cond *command, const struct wb_cond *conds,
                            uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const struct wb_cond *c = &conds[i];
    uint32_t readings = 0;
    if (c->arg != command->arg || c->mask != command->mask || c->width != command->width ||
        (c->op != WB_OP_EQ && c->op != WB_OP_IN))
      continue;
    for (uint32_t r = 0; r < c->range_count; r++) {
      uint64_t args[6] = {0};
      args[c->arg] = c->ranges[r].low;
      bool one = c->ranges[r].low == c->ranges[r].high;
      readings |= !one ? 3 : wb_cond_holds(command, args) ? 1 : 2;
    }
    return readings;
  }
  return 3;
}

/* The condition on the bits that are read; a value written as a negative number keeps its meaning.
 */
static void make_narrow(struct wb_cond *cond, uint8_t bits) {
  uint64_t full = ((uint64_t)1 << bits) - 1;
  struct wb_range *ranges = wb_alloc(cond->written_count * sizeof *ranges);
  bool listed = cond->op == WB_OP_EQ || cond->op == WB_OP_NE || cond->op >= WB_OP_IN;
  cond->range_count = cond->written_count;
  for (uint32_t i = 0; i < cond->range_count; i++) {
    ranges[i] = cond->written[i];
    /* Negative values are the highest unsigned ones, so the lower end shows the sign. */
    if (listed && ranges[i].low >> (bits - 1) == UINT64_MAX >> (bits - 1))
      ranges[i].low &= full, ranges[i].high &= full;
  }
  cond->ranges = ranges;
  cond->mask &= full;
  cond->is_signed = cond->is_wide = false;
  sort_ranges(cond);
}

static void note_width(struct wb_context *cx, int id, enum wb_arch arch, uint8_t arg,
                       uint32_t readings) {
  struct wb_width_use use = {id, arch, arg, readings};
  for (uint32_t i = 0; i < cx->width_count; i++)
    if (cx->widths[i].id == id && cx->widths[i].arch == arch && cx->widths[i].arg == arg) {
      cx->widths[i].readings |= readings;
      return;
    }
  *WB_PUSH(cx->widths, cx->width_count, cx->width_capacity) = use;
}

/* A copy of a clause for the commands that read an argument narrow, or for the others. */
static struct wb_clause with_reading(const struct wb_clause *before, const struct wb_stmt *stmt,
                                     uint8_t arg, const struct wb_width *width,
                                     const struct wb_arg *selector, bool narrow) {
  struct wb_clause copy = *before;
  copy.conds = wb_alloc((before->cond_count + 1) * sizeof *copy.conds);
  for (uint32_t n = 0; n < before->cond_count; n++) {
    copy.conds[n] = before->conds[n];
    if (narrow && n < stmt->test_count && copy.conds[n].arg == arg &&
        stmt->tests[n].cast == WB_CAST_NONE)
      make_narrow(&copy.conds[n], width->bits);
  }
  if (selector != NULL)
    copy.conds[copy.cond_count++] = command_cond(width, selector, narrow);
  return copy;
}

uint32_t wb_resolve_clauses(struct wb_context *cx, const struct wb_stmt *stmt, int id,
                            enum wb_arch arch, struct wb_clause clause,
                            struct wb_clause out[WB_MAX_READINGS]) {
  struct wb_arg args[6];
  wb_syscall_args(id, arch, args);
  uint32_t count = stmt->test_count, made = 1;
  clause.conds = count == 0 ? NULL : wb_alloc(count * sizeof *clause.conds);
  for (; clause.cond_count < count; clause.cond_count++)
    if (!resolve_cond(cx, &stmt->tests[clause.cond_count], id, arch,
                      &clause.conds[clause.cond_count]))
      return 0;
  out[0] = clause;
  uint32_t split = 0; /* arguments that have been */
  for (uint32_t i = 0; i < count; i++) {
    const struct wb_cond *c = &clause.conds[i];
    const struct wb_width *width = wb_narrow_width(id, arch, c->arg, 1);
    bool cast = stmt->tests[i].cast != WB_CAST_NONE, wide = args[c->arg].bits == 64;
    uint32_t readings = 2;
    if (!cast && wide && width != NULL) {
      struct wb_cond command = command_cond(width, &args[width->selector], true);
      readings = readings_of(&command, clause.conds, count);
    }
    if (!cast)
      note_width(cx, id, arch, c->arg, readings);
    clause.conds[i].is_wide = wide && !cast && c->mask == UINT64_MAX;
    if (readings == 2 || (split >> c->arg & 1))
      continue;
    split |= 1u << c->arg;
    /* Each clause so far once for either reading that is left. */
    for (uint32_t k = made; k-- > 0;) {
      struct wb_clause before = out[k];
      if (readings == 3)
        out[made++] = with_reading(&before, stmt, c->arg, width, &args[width->selector], false);
      out[k] = with_reading(&before, stmt, c->arg, width,
                            readings == 3 ? &args[width->selector] : NULL, true);
    }
  }
  return made;
}
