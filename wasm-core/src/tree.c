/*
 * The decision graph, and the search for a cheap test tree over the values of one word. Called by
 * normalize.c, for syscall numbers as for halves of arguments.
 *
 * A tree over segments is made of two tests: `>= k` splits a run of segments, `== k` takes a single
 * value out of a run. Cost of a tree: for each segment its weight times the tests on its path, plus
 * a price for each test, since tests are instructions. wb_tree_build finds the cheapest tree among
 * those where `==` serves to take the odd values out of a run that leads to one place otherwise,
 * and then, on the way down, takes out a single value that is worth a test of its own.
 */
#include "core.h"

#include <string.h>

enum { BUCKETS = 4096, MAX_NODES = 32768, WINDOW = 160, MAX_ODD = 5, MAX_PEELED = 4 };

void wb_graph_init(struct wb_graph *graph) {
  *graph = (struct wb_graph){.bucket_count = BUCKETS, .complex_rule = WB_DECIDED_BY_DEFAULT};
  graph->buckets = wb_alloc(BUCKETS * sizeof *graph->buckets);
  /* Node 0 stands for "none" in the buckets. */
  *WB_PUSH(graph->nodes, graph->count, graph->capacity) = (struct wb_node){0};
}

static bool same_node(const struct wb_node *a, const struct wb_node *b) {
  return a->kind == b->kind && a->field == b->field && a->mask == b->mask && a->k == b->k &&
         a->yes == b->yes && a->no == b->no;
}

/* Where a node is in the table, or the empty place for it: open addressing. */
static uint32_t *bucket_of(const struct wb_graph *graph, const struct wb_node *node) {
  uint32_t hash = 2166136261u;
  const uint32_t parts[] = {node->kind, node->field, node->mask, node->k, node->yes, node->no};
  for (uint32_t i = 0; i < sizeof parts / sizeof *parts; i++)
    hash = (hash ^ parts[i]) * 16777619u, hash ^= hash >> 15;
  uint32_t mask = graph->bucket_count - 1, at = hash & mask;
  while (graph->buckets[at] != 0 && !same_node(&graph->nodes[graph->buckets[at]], node))
    at = (at + 1) & mask;
  return &graph->buckets[at];
}

static void index_nodes(struct wb_graph *graph) {
  graph->buckets = wb_alloc(graph->bucket_count * sizeof *graph->buckets);
  for (uint32_t i = 1; i < graph->count; i++)
    *bucket_of(graph, &graph->nodes[i]) = i;
}

void wb_graph_cut(struct wb_graph *graph, uint32_t count) {
  graph->count = count;
  graph->too_complex = false;
  index_nodes(graph);
}

static uint32_t intern(struct wb_graph *graph, struct wb_node node) {
  uint32_t *bucket = bucket_of(graph, &node);
  if (*bucket != 0)
    return *bucket;
  if (graph->count >= MAX_NODES) {
    graph->too_complex = true;
    return graph->count - 1;
  }
  uint32_t index = graph->count;
  *WB_PUSH(graph->nodes, graph->count, graph->capacity) = node;
  *bucket = index;
  /* The table doubles when it is three quarters full. */
  if (graph->count * 4 > graph->bucket_count * 3) {
    graph->bucket_count *= 2;
    index_nodes(graph);
  }
  return index;
}

uint32_t wb_graph_leaf(struct wb_graph *graph, uint32_t action, uint32_t origin) {
  return intern(graph, (struct wb_node){.kind = WB_NODE_LEAF, .k = action, .origin = origin});
}

uint32_t wb_graph_test(struct wb_graph *graph, struct wb_node node) {
  return node.yes == node.no ? node.yes : intern(graph, node);
}

/* --- the search ------------------------------------------------------------------------------ */

struct builder {
  struct wb_graph *graph;
  uint8_t field;
  uint32_t mask;
  double price;
};

/* How a run of segments is tested. */
struct choice {
  double cost;
  int16_t split; /* segments from here on go right; -1: a chain of `==`; -2: no test */
};

struct table {
  const struct wb_segment *s;
  uint32_t n;
  struct choice *best; /* n * n, at [i * n + j] for the run i to j */
  double *sums;        /* sums[i]: weight before segment i */
};

static uint32_t test(const struct builder *b, uint8_t kind, uint32_t k, uint32_t origin,
                     uint32_t yes, uint32_t no) {
  return wb_graph_test(b->graph, (struct wb_node){.kind = kind,
                                                  .field = b->field,
                                                  .mask = b->mask,
                                                  .k = k,
                                                  .yes = yes,
                                                  .no = no,
                                                  .origin = origin});
}

static double run_weight(const struct table *t, uint32_t i, uint32_t j) {
  return t->sums[j + 1] - t->sums[i];
}

/* The child that a chain of `==` leaves over in i..j: that of all segments that are not single
 * values, or the heaviest. False where a chain cannot do it. Odd segments by falling weight. */
static bool chain(const struct wb_segment *s, uint32_t i, uint32_t j, uint32_t *rest,
                  uint32_t odd[MAX_ODD], uint32_t *odd_count) {
  bool wide = false;
  double heaviest = -1;
  for (uint32_t x = i; x <= j; x++) {
    if (!s[x].single) {
      if (wide && s[x].child != *rest)
        return false;
      if (!wide)
        *rest = s[x].child;
      wide = true;
    } else if (!wide && s[x].weight > heaviest) {
      heaviest = s[x].weight;
      *rest = s[x].child;
    }
  }
  *odd_count = 0;
  for (uint32_t x = i; x <= j; x++) {
    if (s[x].child == *rest)
      continue;
    if (*odd_count == MAX_ODD)
      return false;
    uint32_t at = (*odd_count)++;
    for (; at > 0 && s[odd[at - 1]].weight < s[x].weight; at--)
      odd[at] = odd[at - 1];
    odd[at] = x;
  }
  return true;
}

static void fill(struct table *t, double price) {
  uint32_t n = t->n;
  t->sums = wb_alloc((n + 1) * sizeof *t->sums);
  t->best = wb_alloc((size_t)n * n * sizeof *t->best);
  for (uint32_t i = 0; i < n; i++)
    t->sums[i + 1] = t->sums[i] + t->s[i].weight;
  for (uint32_t length = 1; length <= n; length++)
    for (uint32_t i = 0; i + length <= n; i++) {
      uint32_t j = i + length - 1;
      struct choice best = {0, -2};
      if (length > 1) {
        double all = run_weight(t, i, j) + price;
        best.cost = 1e300;
        for (uint32_t x = i; x < j; x++) {
          double cost = all + t->best[i * n + x].cost + t->best[(x + 1) * n + j].cost;
          if (cost < best.cost)
            best = (struct choice){cost, (int16_t)(x + 1)};
        }
        uint32_t rest, odd[MAX_ODD], count;
        if (length <= 2 * MAX_ODD + 1 && chain(t->s, i, j, &rest, odd, &count)) {
          double cost = 0, left = run_weight(t, i, j);
          for (uint32_t x = 0; x < count; x++) {
            cost += left + price;
            left -= t->s[odd[x]].weight;
          }
          if (cost <= best.cost)
            best = (struct choice){cost, -1};
        }
      }
      t->best[i * n + j] = best;
    }
}

/* Tests on the path to segment x in the tree of the run i to j. */
static uint32_t depth_of(const struct table *t, uint32_t i, uint32_t j, uint32_t x) {
  uint32_t depth = 0;
  for (;;) {
    int split = t->best[i * t->n + j].split;
    if (split == -2)
      return depth;
    if (split == -1) {
      uint32_t rest, odd[MAX_ODD], count;
      chain(t->s, i, j, &rest, odd, &count);
      for (uint32_t o = 0; o < count; o++)
        if (odd[o] == x)
          return depth + o + 1;
      return depth + count;
    }
    depth++;
    if (x < (uint32_t)split)
      j = (uint32_t)split - 1;
    else
      i = (uint32_t)split;
  }
}

static uint32_t build(const struct builder *b, const struct wb_segment *s, uint32_t n,
                      uint32_t peeled);

static uint32_t make(const struct builder *b, const struct table *t, uint32_t i, uint32_t j,
                     uint32_t peeled) {
  const struct wb_segment *s = t->s;
  int split = t->best[i * t->n + j].split;
  if (split == -2)
    return s[i].child;
  if (split == -1) {
    uint32_t rest, odd[MAX_ODD], count;
    chain(s, i, j, &rest, odd, &count);
    for (uint32_t x = count; x-- > 0;)
      rest = test(b, WB_NODE_EQ, s[odd[x]].key, s[odd[x]].origin, s[odd[x]].child, rest);
    return rest;
  }
  /* A single value that most come for goes first, if that saves more than it costs the others. */
  if (peeled < MAX_PEELED) {
    double all = run_weight(t, i, j), gain = 0;
    uint32_t which = UINT32_MAX;
    for (uint32_t x = i; x <= j; x++) {
      if (!s[x].single)
        continue;
      double saved = s[x].weight * ((double)depth_of(t, i, j, x) - 1) - (all - s[x].weight);
      if (saved - b->price > gain)
        gain = saved - b->price, which = x;
    }
    if (which != UINT32_MAX) {
      uint32_t count = 0;
      struct wb_segment *others = wb_alloc((j - i + 1) * sizeof *others);
      for (uint32_t x = i; x <= j; x++) {
        if (x == which)
          continue;
        if (count > 0 && others[count - 1].child == s[x].child) {
          others[count - 1].weight += s[x].weight;
          others[count - 1].single = false;
        } else {
          others[count++] = s[x];
        }
      }
      others[0].start = s[i].start;
      uint32_t no = build(b, others, count, peeled + 1);
      return test(b, WB_NODE_EQ, s[which].key, s[which].origin, s[which].child, no);
    }
  }
  uint32_t yes = make(b, t, (uint32_t)split, j, peeled);
  uint32_t no = make(b, t, i, (uint32_t)split - 1, peeled);
  return test(b, WB_NODE_GE, s[split].start, s[split].origin, yes, no);
}

/* Neighbours that lead to the same place are one segment. */
static uint32_t merge(const struct wb_segment *from, uint32_t count, struct wb_segment *to) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (kept > 0 && to[kept - 1].child == from[i].child) {
      to[kept - 1].weight += from[i].weight;
      to[kept - 1].single = false;
    } else {
      to[kept++] = from[i];
    }
  }
  to[0].start = 0;
  return kept;
}

static uint32_t build(const struct builder *b, const struct wb_segment *s, uint32_t n,
                      uint32_t peeled) {
  struct wb_segment *merged = wb_alloc(n * sizeof *merged);
  uint32_t count = merge(s, n, merged);
  if (count > WINDOW) {
    /* Too many for the search: halve them by weight, but not too unevenly. */
    double all = 0, left = 0;
    for (uint32_t i = 0; i < count; i++)
      all += merged[i].weight;
    uint32_t cut = 1;
    for (; cut < count - count / 4 && (cut < count / 4 || left + merged[cut - 1].weight < all / 2);
         cut++)
      left += merged[cut - 1].weight;
    uint32_t no = build(b, merged, cut, peeled), yes = build(b, merged + cut, count - cut, peeled);
    return test(b, WB_NODE_GE, merged[cut].start, merged[cut].origin, yes, no);
  }
  struct table t = {.s = merged, .n = count};
  fill(&t, b->price);
  return make(b, &t, 0, count - 1, peeled);
}

/* --- numbers: a look at all bits together -------------------------------------------------------
 *
 * One `JSET ~bits` sends every number that is made of `bits` only to one place: a set that no
 * comparison can name. Where a run of numbers has such a set that is heavy enough, it goes first;
 * the numbers that it takes away can no longer come, which makes the rest simpler as well. */

enum { SMALL_BITS = 9, SMALL = 1 << SMALL_BITS };

static struct {
  double weight[SMALL];
  bool good[SMALL]; /* leads to the child, or cannot come */
} looks;

/* Weight of the heaviest set whose numbers all lead to `child` or cannot come; 0: there is none. */
static double best_bits(const struct wb_segment *s, uint32_t n, uint32_t child, uint32_t *bits) {
  for (uint32_t i = 0; i < SMALL; i++) {
    looks.weight[i] = 0;
    looks.good[i] = true;
  }
  for (uint32_t i = 0; i < n; i++) {
    uint64_t end = i + 1 < n ? s[i + 1].start : (uint64_t)UINT32_MAX + 1;
    if (s[i].single)
      end = (uint64_t)s[i].key + 1;
    uint32_t start = s[i].single ? s[i].key : s[i].start;
    for (uint64_t at = start; at < end && at < SMALL; at++) {
      looks.good[at] = s[i].child == child;
      looks.weight[at] = s[i].weight / (double)(end - start);
    }
  }
  /* One bit at a time: weight becomes that of all numbers made of the set's bits. */
  for (uint32_t bit = 1; bit < SMALL; bit <<= 1)
    for (uint32_t set = 0; set < SMALL; set++)
      if ((set & bit) != 0) {
        looks.weight[set] += looks.weight[set ^ bit];
        looks.good[set] = looks.good[set] && looks.good[set ^ bit];
      }
  double best = 0;
  for (uint32_t set = 0; set < SMALL; set++)
    if (looks.good[set] && looks.weight[set] > best)
      best = looks.weight[set], *bits = set;
  return best;
}

static uint32_t heaviest_child(const struct wb_segment *s, uint32_t n) {
  uint32_t child = s[0].child;
  double most = -1;
  for (uint32_t i = 0; i < n; i++) {
    double sum = 0;
    for (uint32_t j = 0; j < n; j++)
      sum += s[j].child == s[i].child ? s[j].weight : 0;
    if (sum > most)
      most = sum, child = s[i].child;
  }
  return child;
}

/* The segments without the numbers made of `bits` only. A segment that is not a single number
 * stays: there is none below SMALL but gaps, and these stay whole. */
static uint32_t without(const struct wb_segment *s, uint32_t n, uint32_t bits,
                        struct wb_segment *out) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; i++)
    if (!s[i].single || (s[i].key & ~bits) != 0)
      out[kept++] = s[i];
  return kept;
}

/* How the tree over a run of numbers starts: with a JSET on `bits` where `split` is 0, else with a
 * comparison in front of segment `split`. */
struct start {
  double cost;
  uint32_t split;
};

/* The cheapest start that has a JSET: at once, or on the left of a comparison. `t` is the run, `u`
 * what the JSET leaves of it. */
static struct start start_with_bits(const struct table *t, const struct table *u, double price) {
  double all = run_weight(t, 0, t->n - 1) + price;
  struct start best = {all + u->best[u->n - 1].cost, 0};
  for (uint32_t x = 1, y = 0; x < t->n; x++) {
    while (y < u->n && u->s[y].start < t->s[x].start)
      y++;
    if (y == 0)
      continue;
    double left = run_weight(t, 0, x - 1) + price + u->best[y - 1].cost;
    double cost = all + left + t->best[x * t->n + t->n - 1].cost;
    if (cost < best.cost)
      best = (struct start){cost, x};
  }
  return best;
}

static uint32_t build_numbers(const struct builder *b, const struct wb_segment *s, uint32_t n) {
  struct wb_segment *merged = wb_alloc(n * sizeof *merged);
  uint32_t count = merge(s, n, merged), bits = 0;
  if (count < 4 || count > WINDOW)
    return build(b, s, n, 0);
  struct table t = {.s = merged, .n = count};
  fill(&t, b->price);
  int split = t.best[count - 1].split;
  uint32_t child = heaviest_child(merged, count);
  if (best_bits(s, n, child, &bits) > 0) {
    struct wb_segment *rest = wb_alloc(n * sizeof *rest), *short_rest = wb_alloc(n * sizeof *rest);
    uint32_t kept = without(s, n, bits, rest);
    struct table u = {.s = short_rest, .n = kept == 0 ? 0 : merge(rest, kept, short_rest)};
    if (u.n > 0 && kept < n) {
      fill(&u, b->price);
      struct start start = start_with_bits(&t, &u, b->price);
      if (start.cost < t.best[count - 1].cost) {
        if (start.split == 0) {
          rest[0].start = 0;
          uint32_t no = build_numbers(b, rest, kept);
          return wb_graph_test(b->graph, (struct wb_node){.kind = WB_NODE_EQ,
                                                          .field = b->field,
                                                          .mask = ~bits,
                                                          .yes = child,
                                                          .no = no,
                                                          .origin = s[0].origin});
        }
        split = (int)start.split;
      }
    }
  }
  if (split < 0)
    return make(b, &t, 0, count - 1, 0);
  const struct wb_segment *right = &merged[split];
  uint32_t at = 0;
  while (s[at].start < right->start)
    at++;
  struct wb_segment *upper = wb_alloc((n - at) * sizeof *upper);
  memcpy(upper, s + at, (n - at) * sizeof *upper);
  uint32_t yes = build_numbers(b, upper, n - at), no = build_numbers(b, s, at);
  return test(b, WB_NODE_GE, right->start, right->origin, yes, no);
}

uint32_t wb_tree_build(struct wb_graph *graph, uint8_t field, uint32_t mask,
                       struct wb_segment *segments, uint32_t count, double cost_of_size) {
  struct builder b = {graph, field, mask, cost_of_size};
  segments[0].start = 0;
  return field == WB_FIELD_NR ? build_numbers(&b, segments, count) : build(&b, segments, count, 0);
}
