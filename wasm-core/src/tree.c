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
#include "tree.h"

#include <string.h>

enum { BUCKETS = 4096, MAX_NODES = 32768, MAX_ODD = 5, MAX_PEELED = 4 };

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

uint32_t wb_tree_test(const struct wb_builder *b, uint8_t kind, uint32_t k, uint32_t origin,
                      uint32_t yes, uint32_t no) {
  return wb_graph_test(b->graph, (struct wb_node){.kind = kind,
                                                  .field = b->field,
                                                  .mask = b->mask,
                                                  .k = k,
                                                  .yes = yes,
                                                  .no = no,
                                                  .origin = origin});
}

double wb_runs_weight(const struct wb_runs *r, uint32_t i, uint32_t j) {
  return r->sums[j + 1] - r->sums[i];
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

/* In an optimal tree, the split of a run lies between those of the two runs that are shorter by one
 * (Knuth's bound). Chains of `==` bend that a little, so the neighbours are tried as well. */
void wb_runs_cuts(const struct wb_choice *best, uint32_t n, uint32_t i, uint32_t j, uint32_t *first,
                  uint32_t *last) {
  enum { BEYOND = 2 };
  *first = i + 1, *last = j;
  if (j - i < 2)
    return;
  uint32_t low = (uint32_t)best[i * n + j - 1].cut, high = (uint32_t)best[(i + 1) * n + j].cut;
  if (low > *first + BEYOND)
    *first = low - BEYOND;
  if (high + BEYOND < *last)
    *last = high + BEYOND;
}

void wb_runs_fill(struct wb_runs *r, double price) {
  uint32_t n = r->n;
  r->sums = wb_alloc((n + 1) * sizeof *r->sums);
  r->best = wb_alloc((size_t)n * n * sizeof *r->best);
  for (uint32_t i = 0; i < n; i++)
    r->sums[i + 1] = r->sums[i] + r->s[i].weight;
  for (uint32_t i = 0; i < n; i++)
    r->best[i * n + i].split = -2;
  for (uint32_t length = 2; length <= n; length++)
    for (uint32_t i = 0; i + length <= n; i++) {
      uint32_t j = i + length - 1, first, last;
      double all = wb_runs_weight(r, i, j) + price;
      struct wb_choice best = {.cost = 1e300};
      wb_runs_cuts(r->best, n, i, j, &first, &last);
      for (uint32_t x = first; x <= last; x++) {
        double cost = all + r->best[i * n + x - 1].cost + r->best[x * n + j].cost;
        if (cost < best.cost)
          best = (struct wb_choice){cost, (int16_t)x, (int16_t)x};
      }
      uint32_t rest, odd[MAX_ODD], count;
      if (length <= 2 * MAX_ODD + 1 && chain(r->s, i, j, &rest, odd, &count)) {
        double cost = 0, left = all - price;
        for (uint32_t x = 0; x < count; x++) {
          cost += left + price;
          left -= r->s[odd[x]].weight;
        }
        if (cost <= best.cost)
          best.cost = cost, best.split = -1;
      }
      r->best[i * n + j] = best;
    }
}

/* Tests on the path to segment x in the tree of the run i to j. */
static uint32_t depth_of(const struct wb_runs *r, uint32_t i, uint32_t j, uint32_t x) {
  uint32_t depth = 0;
  for (;;) {
    int split = r->best[i * r->n + j].split;
    if (split == -2)
      return depth;
    if (split == -1) {
      uint32_t rest, odd[MAX_ODD], count;
      chain(r->s, i, j, &rest, odd, &count);
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

/* The single value of the run that is best tested before all others, or UINT32_MAX. */
static uint32_t best_first(const struct wb_runs *r, double price, uint32_t i, uint32_t j) {
  double all = wb_runs_weight(r, i, j), gain = 0;
  uint32_t which = UINT32_MAX;
  for (uint32_t x = i; x <= j; x++) {
    /* The path to this segment becomes one test, that of all others one test longer. */
    double weight = r->s[x].weight, most = weight * 16 - all - price;
    if (!r->s[x].single || most <= gain)
      continue;
    double saved = weight * ((double)depth_of(r, i, j, x) - 1) - (all - weight);
    if (saved - price > gain)
      gain = saved - price, which = x;
  }
  return which;
}

static uint32_t build(const struct wb_builder *b, const struct wb_segment *s, uint32_t n,
                      uint32_t peeled);

uint32_t wb_runs_make(const struct wb_builder *b, const struct wb_runs *r, uint32_t i, uint32_t j,
                      uint32_t peeled) {
  const struct wb_segment *s = r->s;
  int split = r->best[i * r->n + j].split;
  if (split == -2)
    return s[i].child;
  if (split == -1) {
    uint32_t rest, odd[MAX_ODD], count;
    chain(s, i, j, &rest, odd, &count);
    for (uint32_t x = count; x-- > 0;)
      rest = wb_tree_test(b, WB_NODE_EQ, s[odd[x]].key, s[odd[x]].origin, s[odd[x]].child, rest);
    return rest;
  }
  /* A single value that most come for goes first, if that saves more than it costs the others. */
  uint32_t which = peeled < MAX_PEELED ? best_first(r, b->price, i, j) : UINT32_MAX;
  if (which != UINT32_MAX) {
    struct wb_segment *others = wb_alloc((j - i + 1) * sizeof *others);
    uint32_t count = 0;
    for (uint32_t x = i; x <= j; x++)
      if (x != which)
        others[count++] = s[x];
    uint32_t no = build(b, others, count, peeled + 1);
    return wb_tree_test(b, WB_NODE_EQ, s[which].key, s[which].origin, s[which].child, no);
  }
  uint32_t yes = wb_runs_make(b, r, (uint32_t)split, j, peeled);
  uint32_t no = wb_runs_make(b, r, i, (uint32_t)split - 1, peeled);
  return wb_tree_test(b, WB_NODE_GE, s[split].start, s[split].origin, yes, no);
}

uint32_t wb_segments_merge(const struct wb_segment *from, uint32_t count, struct wb_segment *to) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (kept > 0 && to[kept - 1].child == from[i].child) {
      to[kept - 1].weight += from[i].weight;
      to[kept - 1].single = false;
    } else {
      to[kept++] = from[i];
    }
  }
  return kept;
}

/* Halves the segments by weight, but not too unevenly. */
uint32_t wb_segments_half(const struct wb_segment *s, uint32_t count) {
  double all = 0, left = 0;
  for (uint32_t i = 0; i < count; i++)
    all += s[i].weight;
  uint32_t cut = 1;
  for (; cut < count - count / 4 && (cut < count / 4 || left + s[cut - 1].weight < all / 2); cut++)
    left += s[cut - 1].weight;
  return cut;
}

static uint32_t build(const struct wb_builder *b, const struct wb_segment *s, uint32_t n,
                      uint32_t peeled) {
  struct wb_segment *merged = wb_alloc(n * sizeof *merged);
  uint32_t count = wb_segments_merge(s, n, merged);
  if (count > WB_WINDOW) {
    /* There are too many for the search. */
    uint32_t cut = wb_segments_half(merged, count);
    uint32_t no = build(b, merged, cut, peeled), yes = build(b, merged + cut, count - cut, peeled);
    return wb_tree_test(b, WB_NODE_GE, merged[cut].start, merged[cut].origin, yes, no);
  }
  struct wb_runs r = {.s = merged, .n = count};
  wb_runs_fill(&r, b->price);
  return wb_runs_make(b, &r, 0, count - 1, peeled);
}

uint32_t wb_tree_build(struct wb_graph *graph, uint8_t field, uint32_t mask,
                       struct wb_segment *segments, uint32_t count, double cost_of_size) {
  struct wb_builder b = {graph, field, mask, cost_of_size};
  segments[0].start = 0;
  return field == WB_FIELD_NR ? wb_tree_build_numbers(&b, segments, count)
                              : build(&b, segments, count, 0);
}
