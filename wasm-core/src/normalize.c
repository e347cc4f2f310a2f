/*
 * The resolved policy to a decision graph: for every call its clauses become tests on the halves of
 * its arguments, and a tree over the numbers leads to them. Equal parts are one node, whichever
 * calls they come from. Called by compile.c.
 *
 * Clauses are taken apart one word at a time. Take the first condition of the first clause that is
 * still open; the conditions of all clauses on the same word cut its values into segments; within a
 * segment each of them is decided, so what is left is a shorter list of clauses; equal lists share
 * one node. 64-bit words are cut as a whole and then split in halves. Where this grows out of
 * bounds, only the first clause is looked at in a step, which grows with the rules at most.
 */
#include "core.h"

#include <string.h>

/* The aim of the tree over the numbers: the mean over all numbers plus USE times the mean as
 * programs call them (weights.txt); a test costs as much as the whole mix executing 1 / CHEAPNESS
 * instructions more.
 *
 * USE is a Lagrange multiplier: each value of it gives the least weighted mean for the plain mean
 * that it leads to. Docker's profile (x86_64, no capabilities) is the yardstick: 0.9 is about the
 * most that keeps the mean below 9. No program gets far below that: every path has four
 * instructions (two loads, the test of the architecture, the return), and an enumeration of all
 * trees of >=, == and JSET over the numbers, three levels deep with one test for whatever is then
 * still open, leaves at least 5.76 weighted, the mean ignored.
 *
 * Kernels that keep the calls which a filter allows in any case (WB_CACHING_KERNEL) do not run it
 * for them: there they weigh CACHED only, so that their paths stay short for the kernel's look at
 * them when the filter is loaded, and the others as programs make them, USE_CACHED times. */
static const double USE = 0.9, CHEAPNESS = 400, USE_CACHED = 8, CACHED = 0.1;

enum { RET_ALLOW = 0x7fff0000 };
enum { MEMO_BUCKETS = 512, MAX_STEPS = 3000, MAX_STEPS_PLAIN = 100000, MAX_DEPTH = 1200 };

/* A clause and which of its conditions are still open. */
struct open_clause {
  uint32_t clause;
  uint32_t conds; /* a bit for each */
};

struct memo {
  struct memo *next;
  struct open_clause *list;
  uint32_t count;
  uint32_t node;
};

struct taker {
  struct wb_graph *graph;
  struct wb_policy *policy;
  const struct wb_call *call;
  uint32_t default_action;
  bool plain; /* look at the first clause only */
  uint32_t steps, most_steps, depth;
  bool over;
  struct memo *memos[MEMO_BUCKETS];
};

/* --- values of a word ---------------------------------------------------------------------------
 */

/* Smallest value >= `from` that has only bits of `mask`; false where there is none. */
static bool next_in_mask(uint64_t from, uint64_t mask, uint64_t *out) {
  uint64_t alien = from & ~mask;
  if (alien == 0) {
    *out = from;
    return true;
  }
  uint32_t top = 63 - (uint32_t)__builtin_clzll(alien);
  uint64_t above = top == 63 ? 0 : ~(uint64_t)0 << (top + 1);
  uint64_t free_bits = mask & above & ~from;
  if (free_bits == 0)
    return false;
  uint64_t carry = free_bits & (0 - free_bits);
  *out = (from & ~(carry - 1)) | carry;
  *out &= mask;
  return true;
}

/* Values from `start` on share a child; the list covers everything. */
struct piece {
  uint64_t start;
  uint32_t child;
};

static void key_of(struct wb_segment *segment, uint32_t last, uint32_t mask) {
  uint64_t value, other;
  segment->key = segment->start;
  segment->single = false;
  if (!next_in_mask(segment->start, mask, &value) || value > last)
    return;
  segment->key = (uint32_t)value;
  segment->single = value == last || !next_in_mask(value + 1, mask, &other) || other > last;
}

/* A tree over one half. Pieces start at `low` bits of 32. */
static uint32_t tree_of_half(struct taker *t, uint8_t field, uint32_t mask,
                             const struct piece *pieces, uint32_t count, uint32_t origin) {
  struct wb_segment *segments = wb_alloc((count + 1) * sizeof *segments);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t last = i + 1 < count ? pieces[i + 1].start - 1 : 0xffffffff, value;
    if (!next_in_mask(pieces[i].start, mask, &value) || value > last)
      continue; /* no value with these bits can occur */
    struct wb_segment *segment = &segments[kept++];
    *segment = (struct wb_segment){.start = (uint32_t)pieces[i].start,
                                   .child = pieces[i].child,
                                   .origin = origin,
                                   .weight = 1};
    key_of(segment, (uint32_t)last, mask);
  }
  return wb_tree_build(t->graph, field, mask, segments, kept, 3);
}

static bool smaller(const void *a, const void *b, const void *with) {
  (void)with;
  return *(const uint64_t *)a < *(const uint64_t *)b;
}

static uint32_t sort_unique(uint64_t *values, uint32_t count) {
  wb_sort(values, count, sizeof *values, smaller, NULL);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++)
    if (kept == 0 || values[kept - 1] != values[i])
      values[kept++] = values[i];
  return kept;
}

/* A tree over a whole 64-bit word: the high half first, the low half where it still matters. */
static uint32_t tree_of_word(struct taker *t, uint8_t arg, uint64_t mask,
                             const struct piece *pieces, uint32_t count, uint32_t origin) {
  uint8_t low_field = (uint8_t)(WB_FIELD_ARG + 2 * arg), high_field = (uint8_t)(low_field + 1);
  uint64_t *bounds = wb_alloc((2 * (size_t)count + 1) * sizeof *bounds);
  uint32_t bound_count = 0;
  bounds[bound_count++] = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t high = pieces[i].start >> 32;
    bounds[bound_count++] = high;
    if ((pieces[i].start & 0xffffffff) != 0 && high != 0xffffffff)
      bounds[bound_count++] = high + 1;
  }
  bound_count = sort_unique(bounds, bound_count);
  struct piece *highs = wb_alloc(bound_count * sizeof *highs);
  struct piece *lows = wb_alloc((count + 1) * sizeof *lows);
  uint32_t at = 0; /* the piece in force */
  for (uint32_t i = 0; i < bound_count; i++) {
    uint64_t high = bounds[i];
    while (at + 1 < count && pieces[at + 1].start <= high << 32)
      at++;
    uint32_t low_count = 0;
    lows[low_count++] = (struct piece){0, pieces[at].child};
    for (; at + 1 < count && pieces[at + 1].start >> 32 == high; at++)
      lows[low_count++] = (struct piece){pieces[at + 1].start & 0xffffffff, pieces[at + 1].child};
    uint32_t child = lows[0].child;
    if (low_count > 1)
      child = tree_of_half(t, low_field, (uint32_t)mask, lows, low_count, origin);
    highs[i] = (struct piece){high, child};
  }
  return tree_of_half(t, high_field, (uint32_t)(mask >> 32), highs, bound_count, origin);
}

/* --- conditions as ranges of unsigned numbers ----------------------------------------------------
 */

static uint64_t full_of(const struct wb_cond *cond) {
  return cond->width == 32 ? 0xffffffff : UINT64_MAX;
}

/* In the order of the comparison, numbers run from `least` to `most`; `flip` makes them unsigned.
 */
static struct wb_range ordered(const struct wb_cond *cond, const struct wb_range *range) {
  uint64_t flip = cond->is_signed ? (uint64_t)1 << (cond->width - 1) : 0;
  uint64_t low = range->low ^ flip, high = range->high ^ flip, most = full_of(cond);
  switch ((enum wb_op)cond->op) {
  case WB_OP_LT:
    return low == 0 ? (struct wb_range){1, 0} : (struct wb_range){0, low - 1};
  case WB_OP_LE:
    return (struct wb_range){0, low};
  case WB_OP_GT:
    return low == most ? (struct wb_range){1, 0} : (struct wb_range){low + 1, most};
  case WB_OP_GE:
    return (struct wb_range){low, most};
  default:
    return (struct wb_range){low, high};
  }
}

static bool negated(const struct wb_cond *cond) {
  return cond->op == WB_OP_NE || cond->op == WB_OP_NOT_IN;
}

/* Ranges are sorted and do not touch: the last that starts at or below the value decides. */
static bool covers(const struct wb_cond *cond, uint64_t value) {
  uint64_t ours = value ^ (cond->is_signed ? (uint64_t)1 << (cond->width - 1) : 0);
  uint32_t low = 0, high = cond->range_count;
  while (high - low > 1) {
    uint32_t middle = (low + high) / 2;
    if (ordered(cond, &cond->ranges[middle]).low <= ours)
      low = middle;
    else
      high = middle;
  }
  struct wb_range range = ordered(cond, &cond->ranges[low]);
  return (range.low <= ours && ours <= range.high) != negated(cond);
}

/* Where the truth of a condition can change, in unsigned order. */
static void add_bounds(const struct wb_cond *cond, uint64_t **bounds, uint32_t *count,
                       uint32_t *capacity) {
  uint64_t flip = cond->is_signed ? (uint64_t)1 << (cond->width - 1) : 0;
  for (uint32_t i = 0; i < cond->range_count; i++) {
    struct wb_range range = ordered(cond, &cond->ranges[i]);
    if (range.low > range.high)
      continue;
    uint64_t cuts[] = {range.low ^ flip, ((range.high + 1) & full_of(cond)) ^ flip, flip};
    for (uint32_t c = 0; c < 3; c++)
      *WB_PUSH(*bounds, *count, *capacity) = cuts[c];
  }
}

/* --- clauses -------------------------------------------------------------------------------------
 */

static bool same_word(const struct wb_cond *a, const struct wb_cond *b) {
  return a->arg == b->arg && a->width == b->width && a->mask == b->mask;
}

static uint32_t take(struct taker *t, const struct open_clause *list, uint32_t count);

/* The list with all conditions on `word` decided for `value`. */
static uint32_t rest_of(struct taker *t, const struct open_clause *list, uint32_t count,
                        const struct wb_cond *word, uint64_t value, struct open_clause *out) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    struct open_clause open = list[i];
    const struct wb_clause *clause = &t->call->clauses[open.clause];
    bool failed = false;
    for (uint32_t c = 0; c < clause->cond_count && !failed && (i == 0 || !t->plain); c++)
      if ((open.conds >> c & 1) && same_word(&clause->conds[c], word)) {
        failed = !covers(&clause->conds[c], value);
        open.conds &= ~((uint32_t)1 << c);
      }
    if (failed)
      continue;
    out[kept++] = open;
    if (open.conds == 0)
      break; /* nothing below is reached */
  }
  return kept;
}

static uint32_t split(struct taker *t, const struct open_clause *list, uint32_t count) {
  const struct wb_clause *first = &t->call->clauses[list[0].clause];
  const struct wb_cond *word = &first->conds[__builtin_ctz(list[0].conds)];
  uint64_t *bounds = NULL;
  uint32_t bound_count = 0, capacity = 0;
  *WB_PUSH(bounds, bound_count, capacity) = 0;
  for (uint32_t i = 0; i < (t->plain ? 1 : count); i++) {
    const struct wb_clause *clause = &t->call->clauses[list[i].clause];
    for (uint32_t c = 0; c < clause->cond_count; c++)
      if ((list[i].conds >> c & 1) && same_word(&clause->conds[c], word))
        add_bounds(&clause->conds[c], &bounds, &bound_count, &capacity);
  }
  bound_count = sort_unique(bounds, bound_count);
  struct piece *pieces = wb_alloc(bound_count * sizeof *pieces);
  struct open_clause *rest = wb_alloc(count * sizeof *rest);
  uint32_t piece_count = 0;
  for (uint32_t i = 0; i < bound_count && !t->over; i++) {
    uint64_t last = i + 1 < bound_count ? bounds[i + 1] - 1 : full_of(word), value;
    if (!next_in_mask(bounds[i], word->mask, &value) || value > last)
      continue;
    uint32_t left = rest_of(t, list, count, word, value, rest);
    uint32_t child = take(t, rest, left);
    pieces[piece_count] = (struct piece){piece_count == 0 ? 0 : bounds[i], child};
    piece_count++;
  }
  if (t->over || piece_count == 0)
    return 0;
  if (word->width == 32)
    return tree_of_half(t, (uint8_t)(WB_FIELD_ARG + 2 * word->arg), (uint32_t)word->mask, pieces,
                        piece_count, first->rule);
  return tree_of_word(t, word->arg, word->mask, pieces, piece_count, first->rule);
}

static uint32_t take(struct taker *t, const struct open_clause *list, uint32_t count) {
  if (count == 0)
    return wb_graph_leaf(t->graph, t->default_action, WB_DECIDED_BY_DEFAULT);
  const struct wb_clause *first = &t->call->clauses[list[0].clause];
  if (list[0].conds == 0) {
    t->policy->rules[first->rule].lives = true;
    return wb_graph_leaf(t->graph, first->action, first->rule);
  }
  uint32_t hash = 2166136261u;
  for (uint32_t i = 0; i < count; i++)
    hash = ((hash ^ list[i].clause) * 16777619u ^ list[i].conds) * 16777619u;
  struct memo **bucket = &t->memos[(hash ^ hash >> 16) % MEMO_BUCKETS];
  for (struct memo *memo = *bucket; memo != NULL; memo = memo->next)
    if (memo->count == count && memcmp(memo->list, list, count * sizeof *list) == 0)
      return memo->node;
  if (++t->steps > t->most_steps || t->depth >= MAX_DEPTH || t->graph->too_complex) {
    t->over = true;
    return 0;
  }
  struct memo *memo = wb_alloc(sizeof *memo);
  memo->count = count;
  memo->list = wb_alloc(count * sizeof *list);
  memcpy(memo->list, list, count * sizeof *list);
  t->depth++;
  memo->node = split(t, memo->list, count);
  t->depth--;
  memo->next = *bucket;
  *bucket = memo;
  return memo->node;
}

static uint32_t node_of_call(struct wb_graph *graph, struct wb_policy *policy,
                             const struct wb_target *target, const struct wb_call *call) {
  struct open_clause *list = wb_alloc((call->clause_count + 1) * sizeof *list);
  for (uint32_t i = 0; i < call->clause_count; i++)
    list[i] = (struct open_clause){i, ((uint32_t)1 << call->clauses[i].cond_count) - 1};
  if (call->clause_count == 0 || list[0].conds == 0) {
    struct taker simple = {
        .graph = graph, .policy = policy, .call = call, .default_action = target->default_action};
    return take(&simple, list, call->clause_count);
  }
  struct taker *t = wb_alloc(sizeof *t);
  uint32_t before = graph->count;
  for (int plain = 0; plain <= 1; plain++) {
    *t = (struct taker){.graph = graph,
                        .policy = policy,
                        .call = call,
                        .default_action = target->default_action,
                        .plain = plain != 0,
                        .most_steps = plain != 0 ? MAX_STEPS_PLAIN : MAX_STEPS};
    uint32_t node = take(t, list, call->clause_count);
    if (!t->over && !graph->too_complex)
      return node;
    wb_graph_cut(graph, before);
  }
  graph->too_complex = true;
  graph->complex_rule = call->clauses[0].rule;
  return 0;
}

/* --- numbers
 * ----------------------------------------------------------------------------------------- */

struct segments {
  struct wb_segment *at;
  uint32_t count, capacity;
};

static void add_segment(struct segments *list, uint32_t start, bool single, uint32_t child,
                        double weight, uint32_t origin) {
  *WB_PUSH(list->at, list->count, list->capacity) = (struct wb_segment){.start = start,
                                                                        .key = start,
                                                                        .single = single,
                                                                        .child = child,
                                                                        .weight = weight,
                                                                        .origin = origin};
}

/* Returns whether the kernel that the policy is for runs no filter for the call. */
static bool is_cached(const struct wb_graph *graph, const struct wb_policy *policy,
                      const struct wb_target *target, uint32_t child) {
  return policy->kernel >= WB_CACHING_KERNEL && wb_arch_is_cached(target->arch) &&
         graph->nodes[child].kind == WB_NODE_LEAF && graph->nodes[child].k == RET_ALLOW;
}

/* Adds a target's numbers, which must lie above those already there. */
static void add_target(struct wb_graph *graph, struct wb_policy *policy, struct wb_target *target,
                       struct segments *list) {
  uint32_t *children = wb_alloc(target->call_count * sizeof *children);
  double most = 0, count = 0;
  for (uint32_t i = 0; i < target->call_count; i++) {
    children[i] = node_of_call(graph, policy, target, &target->calls[i]);
    if (!is_cached(graph, policy, target, children[i]))
      most += (double)target->calls[i].weight, count++;
  }
  double use = policy->kernel >= WB_CACHING_KERNEL ? USE_CACHED : USE;
  uint32_t next = wb_arch_info(target->arch)->nr_base;
  uint32_t unknown = wb_graph_leaf(graph, target->unknown_action, WB_DECIDED_BY_UNKNOWN);
  for (uint32_t i = 0; i < target->call_count; i++) {
    const struct wb_call *call = &target->calls[i];
    if (call->nr != next) {
      double gap = call->nr - next < 1024 ? call->nr - next : 0.25;
      add_segment(list, next, call->nr == next + 1, unknown, gap, WB_DECIDED_BY_UNKNOWN);
    }
    double weight = CACHED;
    if (!is_cached(graph, policy, target, children[i]))
      weight = 1 + (most > 0 ? (double)call->weight / most * count * use : 0);
    uint32_t origin = call->clause_count > 0 ? call->clauses[0].rule : WB_DECIDED_BY_DEFAULT;
    add_segment(list, call->nr, true, children[i], weight, origin);
    next = call->nr + 1;
  }
  add_segment(list, next, false, unknown, 0.25, WB_DECIDED_BY_UNKNOWN);
}

/* Returns whether to test the architecture behind the numbers, which spares it those numbers
 * that lead to where a foreign architecture goes anyway. Each other way then has a test of its
 * own: a load and a comparison. */
static bool is_better_late(const struct segments *list, uint32_t foreign, double price) {
  enum { MOST_WAYS = 64 };
  uint32_t ways[MOST_WAYS], count = 0;
  double spared = 0;
  for (uint32_t i = 0; i < list->count && count < MOST_WAYS; i++) {
    uint32_t child = list->at[i].child, known = 0;
    if (child == foreign) {
      spared += list->at[i].weight;
      continue;
    }
    while (known < count && ways[known] != child)
      known++;
    if (known == count)
      ways[count++] = child;
  }
  return count < MOST_WAYS && 2 * spared > 2 * price * ((double)count - 1);
}

struct wb_graph *wb_normalize(struct wb_policy *policy) {
  struct wb_graph *graph = wb_alloc(sizeof *graph);
  wb_graph_init(graph);
  uint32_t foreign = wb_graph_leaf(graph, policy->foreign_action, WB_DECIDED_BY_FOREIGN);
  struct wb_target *x86_64 = NULL, *x32 = NULL;
  for (uint32_t i = 0; i < policy->target_count; i++) {
    if (policy->targets[i].arch == WB_ARCH_X86_64)
      x86_64 = &policy->targets[i];
    if (policy->targets[i].arch == WB_ARCH_X32)
      x32 = &policy->targets[i];
  }
  uint32_t root = foreign;
  /* The order is from the last to the first, so that the first target is tested first. */
  for (uint32_t i = policy->target_count; i-- > 0;) {
    struct wb_target *target = &policy->targets[i];
    bool is_x86 = target == x86_64 || target == x32;
    if (target == x32 && x86_64 != NULL)
      continue; /* done with x86_64, whose AUDIT_ARCH it shares */
    struct segments list = {0};
    if (is_x86 && x86_64 == NULL)
      add_segment(&list, 0, false, foreign, 0, WB_DECIDED_BY_FOREIGN);
    add_target(graph, policy, target, &list);
    if (target == x86_64 && x32 != NULL)
      add_target(graph, policy, x32, &list);
    else if (target == x86_64)
      add_segment(&list, 0x40000000, false, foreign, 0, WB_DECIDED_BY_FOREIGN);
    /* The price of a whole test against executed ones. */
    double price = 0;
    for (uint32_t s = 0; s < list.count; s++)
      price += list.at[s].weight;
    price /= CHEAPNESS;
    struct wb_node arch = {.kind = WB_NODE_EQ,
                           .field = WB_FIELD_ARCH,
                           .mask = 0xffffffff,
                           .k = wb_arch_info(target->arch)->audit,
                           .no = root,
                           .origin = WB_DECIDED_BY_FOREIGN};
    bool late = root == foreign && is_better_late(&list, foreign, price);
    for (uint32_t s = 0; late && s < list.count; s++) {
      arch.yes = list.at[s].child;
      list.at[s].child = wb_graph_test(graph, arch);
    }
    root = wb_tree_build(graph, WB_FIELD_NR, 0xffffffff, list.at, list.count, price);
    arch.yes = root;
    if (!late)
      root = wb_graph_test(graph, arch);
  }
  graph->root = root;
  return graph;
}
