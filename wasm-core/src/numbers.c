/*
 * A test tree over system call numbers. Called by tree.c.
 *
 * Beside `>=` and `==` there is a third test: one `JSET ~bits` sends every number that is made of
 * `bits` only to one place, a set that no comparison can name. The numbers that it takes away can
 * no longer come, so that their neighbours become one run.
 *
 * The heaviest such set is looked for in every short run, and in long ones of which each is half as
 * long as the one before, together with the cheapest trees over what it leaves. With these the
 * search goes over all runs once more: a run may start with its own JSET, or with that of a long
 * run around it. The trees that a JSET leaves are searched anew, with sets of their own.
 */
#include "tree.h"

#include <string.h>

enum { BITS = 9, NUMBERS = 1 << BITS, SHORT_RUN = 7 };

/* A test on several bits, and what it leaves. */
struct mask_test {
  uint32_t bits, child;
  uint32_t first, last;    /* the run of segments that it was found for */
  struct wb_segment *rest; /* single numbers */
  uint32_t kept;
  struct wb_runs left; /* the same, merged */
  /* Entries for each segment of the run and one more: where those left begin that are not before
   * it, and where those end that are. */
  uint16_t *from, *to;
};

struct search {
  const struct wb_builder *b;
  struct wb_runs runs;    /* without tests on bits */
  struct wb_choice *best; /* with them; .split -3 - i for mask test i */
  uint32_t *at;           /* for each segment of the runs its first single number */
  struct mask_test *tests;
  uint32_t long_count, test_count, test_capacity;
};

/* Sets of numbers, a bit for each: number 64 * w + i is bit i of word w. */
static const uint64_t without_bit[6] = {0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f,
                                        0x00ff00ff00ff00ff, 0x0000ffff0000ffff, 0x00000000ffffffff};

/* The heaviest set of numbers that all lead to `child` or cannot come, as the bits
 * that they are made of; false where there is none of weight. */
static bool best_bits(const struct wb_segment *s, uint32_t n, uint32_t child, uint32_t *bits) {
  uint64_t bad[NUMBERS / 64] = {0};
  /* All numbers of the run have the bits above those in which its ends differ. */
  uint32_t low = s[0].start, high = s[n - 1].single ? s[n - 1].key : NUMBERS, size = 64;
  while (size < NUMBERS && ((low ^ high) & ~(size - 1)) != 0)
    size *= 2;
  uint32_t base = low & ~(size - 1), words = size / 64;
  if (base >= NUMBERS)
    return false;
  for (uint32_t i = 0; i < n; i++) {
    if (s[i].child == child)
      continue;
    uint32_t at = s[i].single ? s[i].key : s[i].start;
    uint32_t end = s[i].single ? at + 1 : i + 1 < n ? s[i + 1].start : NUMBERS;
    for (; at < end && at < base + size; at++)
      bad[(at - base) / 64] |= (uint64_t)1 << at % 64;
  }
  /* A set of bits is bad where it holds all bits of a bad number. */
  for (uint32_t b = 0; b < 6; b++)
    for (uint32_t w = 0; w < words; w++)
      bad[w] |= (bad[w] & without_bit[b]) << (1 << b);
  for (uint32_t bit = 1; bit < words; bit <<= 1)
    for (uint32_t w = bit; w < words; w = (w + 1) | bit)
      bad[w] |= bad[w ^ bit];
  double best = 0;
  for (uint32_t w = 0; w < words; w++) {
    /* The good sets to which no bit can be added. */
    uint64_t sets = ~bad[w];
    for (uint32_t b = 0; b < 6; b++)
      sets &= ~((~bad[w] & ~without_bit[b]) >> (1 << b));
    for (uint32_t bit = 1; bit < words; bit <<= 1)
      if ((w & bit) == 0)
        sets &= bad[w | bit];
    for (; sets != 0; sets &= sets - 1) {
      uint32_t set = base | w * 64 | (uint32_t)__builtin_ctzll(sets);
      double weight = 0;
      for (uint32_t i = 0; i < n; i++)
        if (s[i].single && (s[i].key & ~set) == 0)
          weight += s[i].weight;
      if (weight > best)
        best = weight, *bits = set;
    }
  }
  return best > 0;
}

static uint32_t heaviest_child(const struct wb_segment *s, uint32_t n) {
  uint32_t child = s[0].child;
  double most = -1;
  for (uint32_t i = 0; i < n; i++) {
    double sum = 0;
    for (uint32_t j = i; j < n; j++)
      sum += s[j].child == s[i].child ? s[j].weight : 0;
    if (sum > most)
      most = sum, child = s[i].child;
  }
  return child;
}

/* The segments without the numbers made of `bits` only. A segment that is not a single number
 * stays whole. */
static uint32_t without(const struct wb_segment *s, uint32_t n, uint32_t bits,
                        struct wb_segment *out) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < n; i++)
    if (!s[i].single || (s[i].key & ~bits) != 0)
      out[kept++] = s[i];
  return kept;
}

/* A test for the run `first` to `last`; false where none may help. `s` are the single numbers. */
static bool find_test(const struct search *f, const struct wb_segment *s, uint32_t n,
                      uint32_t first, uint32_t last, uint32_t child, struct mask_test *m) {
  const struct wb_runs *r = &f->runs;
  uint32_t from = f->at[first], to = last + 1 < r->n ? f->at[last + 1] : n;
  *m = (struct mask_test){.first = first, .last = last, .child = child};
  if (!best_bits(s + from, to - from, child, &m->bits))
    return false;
  struct wb_segment *rest = wb_alloc((to - from) * sizeof *rest);
  uint32_t kept = without(s + from, to - from, m->bits, rest);
  if (kept == 0 || kept == to - from)
    return false;
  struct wb_segment *merged = wb_alloc(kept * sizeof *merged);
  m->rest = rest, m->kept = kept;
  m->left = (struct wb_runs){.s = merged, .n = wb_segments_merge(rest, kept, merged)};
  return true;
}

/* The test for a long run, and where the runs within it are in what the test leaves. */
static void add_long(struct search *f, const struct wb_segment *s, uint32_t n, uint32_t first,
                     uint32_t last) {
  const struct wb_runs *r = &f->runs;
  struct mask_test m;
  if (!find_test(f, s, n, first, last - 1, heaviest_child(r->s + first, last - first), &m))
    return;
  wb_runs_fill(&m.left, f->b->price);
  m.from = wb_alloc((last - first + 1) * sizeof *m.from);
  m.to = wb_alloc((last - first + 1) * sizeof *m.to);
  const struct wb_segment *merged = m.left.s;
  for (uint32_t x = first, k = 0, y = 0; x <= last; x++) {
    for (; k < m.kept && (x == last || m.rest[k].start < r->s[x].start); k++)
      y += y + 1 < m.left.n && merged[y + 1].start <= m.rest[k].start;
    m.to[x - first] = (uint16_t)(k == 0 ? 0 : y + 1);
    m.from[x - first] =
        (uint16_t)(y + (k < m.kept && y + 1 < m.left.n && merged[y + 1].start <= m.rest[k].start));
  }
  *WB_PUSH(f->tests, f->test_count, f->test_capacity) = m;
}

/* A test of its own for a short run: a set may be larger where fewer numbers can come. */
static void try_run(struct search *f, const struct wb_segment *s, uint32_t n, uint32_t i,
                    uint32_t j, struct wb_choice *best) {
  const struct wb_runs *r = &f->runs;
  /* Neighbours differ: mostly these two are all there is. */
  for (uint32_t x = i; x < i + 2; x++) {
    struct mask_test m;
    if (!find_test(f, s, n, i, j, r->s[x].child, &m) || m.left.n + 2 > j + 1 - i)
      continue;
    wb_runs_fill(&m.left, f->b->price);
    double cost = wb_runs_weight(r, i, j) + f->b->price + m.left.best[m.left.n - 1].cost;
    if (cost >= best->cost)
      continue;
    best->cost = cost, best->split = (int16_t)(-3 - (int)f->test_count);
    *WB_PUSH(f->tests, f->test_count, f->test_capacity) = m;
  }
}

/* Cost of the run i to j once the test has taken its numbers away; a run of the rest that reaches
 * over an end is counted whole. */
static double cost_after(const struct mask_test *m, uint32_t i, uint32_t j) {
  uint32_t from = m->from[i - m->first], to = m->to[j + 1 - m->first];
  return to <= from + 1 ? 0 : m->left.best[from * m->left.n + to - 1].cost;
}

static void fill_with_tests(struct search *f, const struct wb_segment *s, uint32_t count) {
  const struct wb_runs *r = &f->runs;
  uint32_t n = r->n;
  double price = f->b->price;
  f->best = wb_alloc((size_t)n * n * sizeof *f->best);
  memcpy(f->best, r->best, (size_t)n * n * sizeof *f->best);
  for (uint32_t length = 4; length <= n; length++)
    for (uint32_t i = 0; i + length <= n; i++) {
      uint32_t j = i + length - 1, first, last;
      double all = wb_runs_weight(r, i, j) + price;
      struct wb_choice *best = &f->best[i * n + j];
      double cut_cost = 1e300;
      wb_runs_cuts(f->best, n, i, j, &first, &last);
      for (uint32_t x = first; x <= last; x++) {
        double cost = all + f->best[i * n + x - 1].cost + f->best[x * n + j].cost;
        if (cost < cut_cost)
          cut_cost = cost, best->cut = (int16_t)x;
      }
      if (cut_cost < best->cost)
        best->cost = cut_cost, best->split = best->cut;
      for (uint32_t t = 0; t < f->long_count; t++) {
        const struct mask_test *m = &f->tests[t];
        if (i < m->first || j > m->last)
          continue;
        double cost = all + cost_after(m, i, j);
        if (cost < best->cost)
          best->cost = cost, best->split = (int16_t)(-3 - (int)t);
      }
      if (length <= SHORT_RUN)
        try_run(f, s, count, i, j, best);
    }
}

static uint32_t build(const struct wb_builder *b, const struct wb_segment *s, uint32_t n);

static uint32_t build_run(const struct search *f, const struct wb_segment *s, uint32_t count,
                          uint32_t i, uint32_t j) {
  const struct wb_runs *r = &f->runs;
  int split = f->best[i * r->n + j].split;
  if (split == -1 || split == -2)
    return wb_runs_make(f->b, r, i, j, 0);
  /* The single numbers of the run. */
  uint32_t from = 0, to = count;
  while (s[from].start < r->s[i].start)
    from++;
  while (j + 1 < r->n && s[to - 1].start >= r->s[j + 1].start)
    to--;
  struct wb_segment *rest = wb_alloc((to - from) * sizeof *rest);
  if (split > 0) {
    uint32_t at = from;
    while (s[at].start < r->s[split].start)
      at++;
    uint32_t yes = build_run(f, s, count, (uint32_t)split, j);
    uint32_t no = build_run(f, s, count, i, (uint32_t)split - 1);
    return wb_tree_test(f->b, WB_NODE_GE, r->s[split].start, r->s[split].origin, yes, no);
  }
  const struct mask_test *m = &f->tests[-3 - split];
  uint32_t kept = without(s + from, to - from, m->bits, rest);
  uint32_t no = m->child;
  if (kept > 0)
    no = build(f->b, rest, kept);
  return wb_graph_test(f->b->graph, (struct wb_node){.kind = WB_NODE_EQ,
                                                     .field = f->b->field,
                                                     .mask = ~m->bits,
                                                     .yes = m->child,
                                                     .no = no,
                                                     .origin = s[from].origin});
}

static uint32_t build(const struct wb_builder *b, const struct wb_segment *s, uint32_t n) {
  struct wb_segment *merged = wb_alloc(n * sizeof *merged);
  uint32_t count = wb_segments_merge(s, n, merged);
  if (count > WB_WINDOW) {
    uint32_t cut = wb_segments_half(merged, count), at = 0;
    while (s[at].start < merged[cut].start)
      at++;
    uint32_t no = build(b, s, at), yes = build(b, s + at, n - at);
    return wb_tree_test(b, WB_NODE_GE, merged[cut].start, merged[cut].origin, yes, no);
  }
  struct search f = {.b = b, .runs = {.s = merged, .n = count}};
  wb_runs_fill(&f.runs, b->price);
  if (count < 4)
    return wb_runs_make(b, &f.runs, 0, count - 1, 0);
  f.at = wb_alloc(count * sizeof *f.at);
  for (uint32_t x = 0, k = 0; x < count; x++) {
    while (s[k].start < merged[x].start)
      k++;
    f.at[x] = k;
  }
  for (uint32_t size = count; size > SHORT_RUN; size = (size + 1) / 2)
    for (uint32_t first = 0; first + size <= count; first += (size + 1) / 2)
      add_long(&f, s, n, first, first + size);
  f.long_count = f.test_count;
  fill_with_tests(&f, s, n);
  return build_run(&f, s, n, 0, count - 1);
}

uint32_t wb_tree_build_numbers(const struct wb_builder *b, const struct wb_segment *s, uint32_t n) {
  return build(b, s, n);
}
