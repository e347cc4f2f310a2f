/*
 * Decides whether a 64-bit value exists that meets a list of conditions, each of them
 * (value & mask) op constant, and gives one. Called by verify.c only; shares nothing with the
 * generator, which thinks in ranges.
 *
 * The value is chosen bit by bit from the top. As long as value and constant agree, a condition is
 * open; at the first difference it is met for good or broken for good. So all that matters is which
 * conditions are still open, and sets that led nowhere are remembered.
 */
#include "core.h"

#include <string.h>

enum { MOST_ATOMS = 1024, WORDS = MOST_ATOMS / 64, SLOTS = 256, MOST_STEPS = 200000 };

struct search {
  const struct wb_atom *const *atoms;
  uint32_t words, steps;
  uint64_t value;
  uint64_t relevant; /* bits that some condition looks at */
};

/* Sets that cannot be met from a bit on: a cache, not a record. */
static struct {
  uint32_t generation;
  int bit;
  uint64_t open[WORDS];
} dead[SLOTS];
static uint32_t generation;

static uint32_t slot_of(const uint64_t *open, uint32_t words, int bit) {
  uint64_t hash = (uint64_t)bit * 0x9e3779b97f4a7c15u;
  for (uint32_t i = 0; i < words; i++)
    hash = (hash ^ open[i]) * 0xff51afd7ed558ccdu, hash ^= hash >> 32;
  return (uint32_t)(hash % SLOTS);
}

/* Is a condition met where value and constant are equal to the end? */
static bool met_by_equal(uint8_t op) {
  return op == WB_OP_EQ || op == WB_OP_LE || op == WB_OP_GE;
}

/* … where the first difference makes the value smaller, or greater? */
static bool met_by_order(uint8_t op, bool smaller) {
  if (op == WB_OP_NE)
    return true;
  return smaller ? op == WB_OP_LT || op == WB_OP_LE : op == WB_OP_GT || op == WB_OP_GE;
}

/* The conditions of `open` that stay open with this bit; false where one breaks. */
static bool step(const struct search *s, const uint64_t *open, int bit, uint32_t choice,
                 uint64_t *next) {
  for (uint32_t w = 0; w < s->words; w++) {
    next[w] = open[w];
    for (uint64_t left = open[w]; left != 0; left &= left - 1) {
      uint32_t index = (uint32_t)__builtin_ctzll(left);
      const struct wb_atom *atom = s->atoms[w * 64 + index];
      uint32_t mine = (uint32_t)(atom->mask >> bit) & choice;
      uint32_t its = (uint32_t)(atom->constant >> bit) & 1;
      if (mine == its) {
        /* Equal to the end, if no bit is left that could differ. */
        if (((atom->mask | atom->constant) & (((uint64_t)1 << bit) - 1)) != 0)
          continue;
        if (!met_by_equal(atom->op))
          return false;
        next[w] &= ~((uint64_t)1 << index);
        continue;
      }
      bool smaller = mine < its;
      if (atom->is_signed && bit == atom->width - 1)
        smaller = !smaller;
      if (!met_by_order(atom->op, smaller))
        return false;
      next[w] &= ~((uint64_t)1 << index);
    }
  }
  return true;
}

static int search(struct search *s, const uint64_t *open, int bit) {
  bool none = true, good = true;
  for (uint32_t w = 0; w < s->words; w++)
    none = none && open[w] == 0;
  if (none)
    return 1;
  if (bit < 0) {
    for (uint32_t w = 0; w < s->words; w++)
      for (uint64_t left = open[w]; left != 0; left &= left - 1)
        good = good && met_by_equal(s->atoms[w * 64 + (uint32_t)__builtin_ctzll(left)]->op);
    return good;
  }
  if (++s->steps > MOST_STEPS)
    return -1;
  uint32_t slot = slot_of(open, s->words, bit);
  if (dead[slot].generation == generation && dead[slot].bit == bit &&
      memcmp(dead[slot].open, open, s->words * sizeof *open) == 0)
    return 0;
  uint64_t next[WORDS];
  uint32_t choices = (s->relevant >> bit & 1) != 0 ? 2 : 1;
  for (uint32_t choice = 0; choice < choices; choice++) {
    if (!step(s, open, bit, choice, next))
      continue;
    int found = search(s, next, bit - 1);
    if (found != 0) {
      s->value |= (uint64_t)choice << bit;
      return found;
    }
  }
  dead[slot].generation = generation;
  dead[slot].bit = bit;
  memcpy(dead[slot].open, open, s->words * sizeof *open);
  return 0;
}

int wb_satisfy(const struct wb_atom *const *atoms, uint32_t count, uint64_t *value,
               uint64_t *work) {
  if (count > MOST_ATOMS)
    return -1;
  struct search s = {.atoms = atoms, .words = (count + 63) / 64};
  uint64_t open[WORDS] = {0}, constants = 1;
  for (uint32_t i = 0; i < count; i++) {
    open[i / 64] |= (uint64_t)1 << (i % 64);
    s.relevant |= atoms[i]->mask;
    constants |= atoms[i]->constant;
  }
  if (++generation == 0) {
    memset(dead, 0, sizeof dead);
    generation = 1;
  }
  /* Above the first bit that a condition or a constant has, all conditions stay open. */
  int found = search(&s, open, 63 - __builtin_clzll(s.relevant | constants));
  *value = s.value;
  *work += (uint64_t)s.steps * s.words;
  return found;
}
