/*
 * Conditions: which argument a name means, how wide it is and whether it has a sign, and what the
 * constants are worth on an architecture. The kernel looks at an `int` in 32 bits whatever the
 * caller left in the upper half of the register; so does the condition. Called by resolve.c.
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
  diag->detail = (struct wb_text){arch_name, (uint32_t)strlen(arch_name)};
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

/* Value cut to the argument's width; narrow values may be written signed or unsigned. */
static bool fit(struct wb_context *cx, const struct wb_expr *expr, enum wb_arch arch, int set,
                uint64_t full, uint64_t *value) {
  if (!wb_resolve_value(cx, expr, arch, set, value))
    return false;
  uint64_t above = *value & ~full;
  bool negative = above == ~full && (*value & (full ^ full >> 1)) != 0;
  if (above != 0 && !negative) {
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
  struct wb_text call_text = {call, (uint32_t)strlen(call)};
  if (wb_text_is(call_text, "clone3") && wb_text_is(text, "flags")) {
    /* They lie in the structure that its first argument points to. */
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
    diag->detail = (struct wb_text){call, (uint32_t)strlen(call)};
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

/* Warns where a condition cannot fail or cannot hold, as far as a glance tells. */
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

/* Sorts ranges as the comparison orders them, and joins those that overlap or touch. A list that
 * is in order takes one pass. */
static void sort_ranges(struct wb_cond *cond) {
  struct wb_range *ranges = cond->ranges;
  bool sorted = true;
  for (uint32_t i = 1; i < cond->range_count; i++)
    sorted = sorted && !less(cond, ranges[i].low, ranges[i - 1].low);
  uint32_t step = sorted ? 0 : cond->range_count / 2;
  for (; step > 0; step /= 2) /* Shell's */
    for (uint32_t i = step; i < cond->range_count; i++) {
      struct wb_range range = ranges[i];
      uint32_t at = i;
      for (; at >= step && less(cond, range.low, ranges[at - step].low); at -= step)
        ranges[at] = ranges[at - step];
      ranges[at] = range;
    }
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

bool wb_resolve_cond(struct wb_context *cx, const struct wb_test_node *test, int id,
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
  sort_ranges(cond);
  bool equality = test->op == WB_OP_EQ || test->op == WB_OP_NE;
  if (arg->type == WB_ARG_POINTER && test->cast == WB_CAST_NONE &&
      !(only_null && equality && test->mask == NULL)) {
    const char *call = wb_syscall_name(id);
    wb_report(cx, WB_W_POINTER, test->argument)->detail =
        (struct wb_text){call, (uint32_t)strlen(call)};
  }
  glance(cx, test, cond);
  return true;
}
