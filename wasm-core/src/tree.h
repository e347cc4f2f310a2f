/*
 * The search for a cheap test tree, as tree.c (any word) and numbers.c (system call numbers) share
 * it. Nothing else calls it.
 */
#ifndef WASBOX_CORE_TREE_H
#define WASBOX_CORE_TREE_H

#include "core.h"

enum { WB_WINDOW = 160 };

struct wb_builder {
  struct wb_graph *graph;
  uint8_t field;
  uint32_t mask;
  double price;
};

/* How a run of segments is tested. */
struct wb_choice {
  double cost;
  int16_t split; /* segments from here on go right; -1: a chain of `==`; -2: no test */
  int16_t cut;   /* the cheapest split, whether or not a chain is cheaper still */
};

/* The cheapest tree for every run of segments. */
struct wb_runs {
  const struct wb_segment *s;
  uint32_t n;
  struct wb_choice *best; /* n * n, at [i * n + j] for the run i to j */
  double *sums;           /* sums[i]: weight before segment i */
};

uint32_t wb_tree_test(const struct wb_builder *b, uint8_t kind, uint32_t k, uint32_t origin,
                      uint32_t yes, uint32_t no);
double wb_runs_weight(const struct wb_runs *r, uint32_t i, uint32_t j);
void wb_runs_fill(struct wb_runs *r, double price);
/* The splits that are worth a look for the run i to j (i < j), by those of the two runs that are
 * shorter by one: between them, and a little beyond. */
void wb_runs_cuts(const struct wb_choice *best, uint32_t n, uint32_t i, uint32_t j, uint32_t *first,
                  uint32_t *last);
/* The tree for the run i to j; after `peeled` values were tested in front of it. */
uint32_t wb_runs_make(const struct wb_builder *b, const struct wb_runs *r, uint32_t i, uint32_t j,
                      uint32_t peeled);
/* Neighbours that lead to the same place are one segment. Returns how many are left. */
uint32_t wb_segments_merge(const struct wb_segment *from, uint32_t count, struct wb_segment *to);
/* Where too many segments are best halved. */
uint32_t wb_segments_half(const struct wb_segment *s, uint32_t count);
/* Numbers: like wb_tree_build, with tests on several bits at once. */
uint32_t wb_tree_build_numbers(const struct wb_builder *b, const struct wb_segment *s, uint32_t n);

#endif
