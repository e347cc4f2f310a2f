/*
 * The decision graph to classic BPF. Called by compile.c.
 *
 * Two steps. Lowering gives every test the load it needs: what is in the accumulator is part of a
 * test's identity, so a test that is reached with two different words in it becomes two
 * instructions' worth of entry (one with a load in front, one without) and never one that tests
 * the wrong word. Layout writes the instructions from the last to the first, so every target is
 * already placed; a jump that would be longer than 255 gets a stepping stone behind it.
 */
#include "core.h"

#include <string.h>

enum {
  LD_W_ABS = 0x20,
  AND_K = 0x54,
  JEQ_K = 0x15,
  JGE_K = 0x35,
  JSET_K = 0x45,
  JA = 0x05,
  RET_K = 0x06
};
enum { BUCKETS = 8192, FAR = 255, MAX_LOWERED = 4 * WB_MAX_INSTRUCTIONS };

/* Says what the accumulator holds: (field & mask), or nothing usable. */
struct state {
  uint8_t field;
  bool known;
  uint32_t mask;
};

/* An instruction whose targets are instructions. Loads and masks go on to `yes`. */
struct op {
  uint16_t code;
  uint32_t k, yes, no, origin;
};

/* A node as it is reached with one state. */
struct entry {
  struct entry *next;
  struct state state;
  uint32_t op;
};

struct lowering {
  const struct wb_graph *graph;
  bool big_endian;
  struct entry **entries; /* for each node */
  struct op *ops;         /* 0 is unused */
  uint32_t count, capacity;
  uint32_t *buckets;
};

static bool same_state(struct state a, struct state b) {
  return a.known == b.known && (!a.known || (a.field == b.field && a.mask == b.mask));
}

static uint32_t offset_of(uint8_t field, bool big_endian) {
  if (field == WB_FIELD_NR)
    return 0;
  if (field == WB_FIELD_ARCH)
    return 4;
  uint32_t half = (uint32_t)(field - WB_FIELD_ARG);
  return 16 + 8 * (half / 2) + 4 * ((half & 1) ^ (big_endian ? 1 : 0));
}

static uint32_t intern(struct lowering *l, struct op op) {
  uint32_t hash = 2166136261u;
  const uint32_t parts[] = {op.code, op.k, op.yes, op.no};
  for (uint32_t i = 0; i < 4; i++)
    hash = (hash ^ parts[i]) * 16777619u, hash ^= hash >> 15;
  uint32_t at = hash % BUCKETS;
  for (; l->buckets[at] != 0; at = (at + 1) % BUCKETS) {
    const struct op *o = &l->ops[l->buckets[at]];
    if (o->code == op.code && o->k == op.k && o->yes == op.yes && o->no == op.no)
      return l->buckets[at];
  }
  uint32_t index = l->count;
  *WB_PUSH(l->ops, l->count, l->capacity) = op;
  if (l->count < BUCKETS / 2) /* the program is too long anyway */
    l->buckets[at] = index;
  return index;
}

static bool single_bit(uint32_t mask) {
  return mask != 0 && (mask & (mask - 1)) == 0;
}

/* `JSET mask` answers the test without masking the accumulator first. */
static bool by_jset(const struct wb_node *node) {
  return node->kind == WB_NODE_EQ && node->mask != 0xffffffff &&
         (node->k == 0 || (node->k == node->mask && single_bit(node->mask)));
}

static struct state needs(const struct wb_node *node) {
  return (struct state){node->field, true, by_jset(node) ? 0xffffffff : node->mask};
}

static void require(struct lowering *l, uint32_t node, struct state state) {
  if (l->graph->nodes[node].kind == WB_NODE_LEAF)
    state = (struct state){0};
  for (struct entry *e = l->entries[node]; e != NULL; e = e->next)
    if (same_state(e->state, state))
      return;
  struct entry *e = wb_alloc(sizeof *e);
  *e = (struct entry){l->entries[node], state, 0};
  l->entries[node] = e;
}

static uint32_t op_of(const struct lowering *l, uint32_t node, struct state state) {
  if (l->graph->nodes[node].kind == WB_NODE_LEAF)
    state = (struct state){0};
  const struct entry *e = l->entries[node];
  while (!same_state(e->state, state))
    e = e->next;
  return e->op;
}

static uint32_t lower(struct lowering *l, const struct wb_node *node, struct state have) {
  if (node->kind == WB_NODE_LEAF)
    return intern(l, (struct op){.code = RET_K, .k = node->k, .origin = node->origin});
  struct state want = needs(node);
  uint32_t yes = op_of(l, node->yes, want), no = op_of(l, node->no, want);
  struct op op = {.code = node->kind == WB_NODE_EQ ? JEQ_K : JGE_K,
                  .k = node->k,
                  .yes = yes,
                  .no = no,
                  .origin = node->origin};
  if (by_jset(node)) {
    op.code = JSET_K;
    op.k = node->mask;
    if (node->k == 0)
      op.yes = no, op.no = yes;
  }
  uint32_t at = intern(l, op);
  if (same_state(have, want))
    return at;
  bool loaded = have.known && have.field == want.field && have.mask == 0xffffffff;
  if (want.mask != 0xffffffff)
    at = intern(l, (struct op){.code = AND_K, .k = want.mask, .yes = at, .origin = node->origin});
  if (!loaded)
    at = intern(l, (struct op){.code = LD_W_ABS,
                               .k = offset_of(node->field, l->big_endian),
                               .yes = at,
                               .origin = node->origin});
  return at;
}

/* The first instruction, or 0 where there are far too many. A node's children have smaller
 * numbers than the node: one pass down finds the states, one pass up makes the instructions. */
static uint32_t lower_all(struct lowering *l) {
  const struct wb_graph *graph = l->graph;
  require(l, graph->root, (struct state){0});
  for (uint32_t i = graph->root + 1; i-- > 1;) {
    const struct wb_node *node = &graph->nodes[i];
    if (l->entries[i] == NULL || node->kind == WB_NODE_LEAF)
      continue;
    require(l, node->yes, needs(node));
    require(l, node->no, needs(node));
  }
  for (uint32_t i = 1; i <= graph->root; i++)
    for (struct entry *e = l->entries[i]; e != NULL; e = e->next) {
      e->op = lower(l, &graph->nodes[i], e->state);
      if (l->count > MAX_LOWERED)
        return 0;
    }
  return op_of(l, graph->root, (struct state){0});
}

/* --- layout -------------------------------------------------------------------------------------
 */

struct placed {
  struct wb_insn_raw insn;
  uint32_t origin;
};

struct layout {
  const struct op *ops;
  uint32_t *place;    /* for each op: its distance from the end + 1, or 0 */
  uint32_t *stone;    /* the same for a jump to it */
  struct placed *out; /* last instruction first */
  uint32_t count, capacity;
};

static uint32_t push(struct layout *y, uint16_t code, uint32_t k, uint32_t jt, uint32_t jf,
                     uint32_t origin) {
  *WB_PUSH(y->out, y->count, y->capacity) =
      (struct placed){{code, (uint8_t)jt, (uint8_t)jf, k}, origin};
  return y->count;
}

/* Instructions between the one that comes next and a place. */
static uint32_t distance(const struct layout *y, uint32_t place) {
  return y->count - place;
}

static bool is_return(const struct op *op) {
  return op->code == RET_K;
}
static bool is_test(const struct op *op) {
  return op->code == JEQ_K || op->code == JGE_K || op->code == JSET_K;
}

/* Makes an op reachable within `reach` of the instruction that comes next; true where that took a
 * new instruction. */
static bool bring_near(struct layout *y, uint32_t op, uint32_t reach) {
  if (distance(y, y->place[op]) <= reach ||
      (y->stone[op] != 0 && distance(y, y->stone[op]) <= reach))
    return false;
  if (is_return(&y->ops[op]))
    y->place[op] = push(y, RET_K, y->ops[op].k, 0, 0, y->ops[op].origin);
  else
    y->stone[op] = push(y, JA, distance(y, y->place[op]), 0, 0, y->ops[op].origin);
  return true;
}

static uint32_t near(const struct layout *y, uint32_t op) {
  uint32_t direct = distance(y, y->place[op]);
  return direct <= FAR ? direct : distance(y, y->stone[op]);
}

static uint32_t place_test(struct layout *y, const struct op *op) {
  /* A stepping stone for one target pushes the other one away. */
  while (bring_near(y, op->yes, FAR) || bring_near(y, op->no, FAR)) {
  }
  return push(y, op->code, op->k, near(y, op->yes), near(y, op->no), op->origin);
}

static void place_op(struct layout *y, uint32_t index) {
  const struct op *op = &y->ops[index];
  if (is_return(op)) {
    y->place[index] = push(y, RET_K, op->k, 0, 0, op->origin);
    return;
  }
  if (is_test(op)) {
    y->place[index] = place_test(y, op);
    return;
  }
  /* A load goes on to the instruction behind it. If that one is elsewhere already, a second copy
   * of a test costs no more than a jump and saves its execution. */
  if (distance(y, y->place[op->yes]) != 0) {
    const struct op *next = &y->ops[op->yes];
    if (is_test(next) && distance(y, y->place[next->yes]) <= FAR &&
        distance(y, y->place[next->no]) <= FAR)
      push(y, next->code, next->k, near(y, next->yes), near(y, next->no), next->origin);
    else
      push(y, JA, distance(y, y->place[op->yes]), 0, 0, op->origin);
  }
  y->place[index] = push(y, op->code, op->k, 0, 0, op->origin);
}

/* Children before parents, without recursion: the graph may be thousands deep. */
static void lay_out(struct layout *y, uint32_t root, uint32_t op_count) {
  uint32_t *stack = wb_alloc((op_count + 1) * 3 * sizeof *stack), depth = 0;
  stack[depth++] = root;
  while (depth > 0) {
    uint32_t index = stack[depth - 1];
    const struct op *op = &y->ops[index];
    if (y->place[index] != 0) {
      depth--;
    } else if (!is_return(op) && y->place[op->yes] == 0 && (op->no == 0 || y->place[op->no] != 0)) {
      stack[depth++] = op->yes;
    } else if (op->no != 0 && y->place[op->no] == 0) {
      stack[depth++] = op->no;
    } else {
      place_op(y, index);
      depth--;
    }
  }
}

struct wb_program *wb_emit(const struct wb_graph *graph, bool big_endian) {
  struct lowering lowering = {.graph = graph, .big_endian = big_endian}, *l = &lowering;
  l->entries = wb_alloc(graph->count * sizeof(*l->entries));
  l->buckets = wb_alloc(BUCKETS * sizeof *l->buckets);
  *WB_PUSH(l->ops, l->count, l->capacity) = (struct op){0};
  uint32_t root = lower_all(l);
  struct wb_program *program = wb_alloc(sizeof *program);
  if (root == 0) {
    program->count = l->count;
    return program;
  }
  struct layout y = {.ops = l->ops};
  y.place = wb_alloc(l->count * sizeof *y.place);
  y.stone = wb_alloc(l->count * sizeof *y.stone);
  lay_out(&y, root, l->count);
  program->count = y.count;
  if (y.count > WB_MAX_INSTRUCTIONS)
    return program;
  program->insns = wb_alloc(y.count * sizeof *program->insns);
  program->origins = wb_alloc(y.count * sizeof *program->origins);
  for (uint32_t i = 0; i < y.count; i++) {
    program->insns[i] = y.out[y.count - 1 - i].insn;
    program->origins[i] = y.out[y.count - 1 - i].origin;
  }
  return program;
}
