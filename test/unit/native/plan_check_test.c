/*
 * wb_plan_valid against a good plan, single wrong fields, and random damage. Built with sanitizers by
 * addon/test.mjs: reading out of bounds is a failure, whatever the verdict is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../addon/plan_check.h"
#include "expect.h"

#define SIZE 16384

static uint32_t used;
static char *base;

static uint32_t put_string(const char *text) {
  uint32_t offset = used;
  memcpy(base + used, text, strlen(text) + 1);
  used += (uint32_t)strlen(text) + 1;
  return offset;
}

static uint32_t reserve(uint32_t size) {
  used = (used + 7) & ~7u;
  uint32_t offset = used;
  used += size;
  return offset;
}

/* One more than there may be, so that it is the number that is refused. */
#define RANGES (WB_ID_RANGES_MAX + 1)
#define LOWERS (WB_LOWERS_MAX + 1)

static struct wb_id_range *range(struct wb_plan *plan, int i) {
  return (struct wb_id_range *)(void *)((char *)plan + plan->uid_ranges) + i;
}

static struct wb_id_range *group(struct wb_plan *plan, int i) {
  return (struct wb_id_range *)(void *)((char *)plan + plan->gid_ranges) + i;
}

/* Fills `memory` with a plan that is right in every respect. */
static struct wb_plan *good_plan(void *memory) {
  memset(memory, 0, SIZE);
  base = memory;
  used = sizeof(struct wb_plan);
  struct wb_plan *plan = memory;
  *plan = (struct wb_plan){.magic = WB_PLAN_MAGIC,
                           .version = WB_WIRE_VERSION,
                           .layers = WB_LAYER_SECCOMP | WB_LAYER_LANDLOCK,
                           .namespaces = 0x10020000,
                           .ids = WB_IDS_SELF,
                           .uid = 1000,
                           .gid = 1000,
                           .landlock_fs = 1};
  plan->exec_path = put_string("/usr/bin/true");
  plan->cwd = put_string("/");
  plan->argc = 1;
  plan->argv = reserve(2 * sizeof(uint64_t));
  ((uint64_t *)(void *)(base + plan->argv))[0] = plan->exec_path;
  plan->envp = reserve(sizeof(uint64_t));
  plan->filter_count = 1;
  plan->filter = reserve(8);
  plan->rlimit_count = 1;
  plan->rlimits = reserve(sizeof(struct wb_rlimit));
  plan->rule_count = 1;
  plan->rules = reserve(sizeof(struct wb_landlock_rule));
  ((struct wb_landlock_rule *)(void *)(base + plan->rules))->path = plan->cwd;
  plan->uid_range_count = plan->gid_range_count = 1;
  plan->uid_ranges = reserve(RANGES * sizeof(struct wb_id_range));
  plan->gid_ranges = reserve(RANGES * sizeof(struct wb_id_range));
  *group(plan, 0) = *range(plan, 0) =
      (struct wb_id_range){.inside = 1000, .outside = 1000, .count = 1};
  plan->op_count = 3;
  plan->ops = reserve(3 * sizeof(struct wb_op));
  struct wb_op *ops = (struct wb_op *)(void *)(base + plan->ops);
  uint32_t target = put_string("/home/user");
  ops[0] = (struct wb_op){.kind = WB_OP_BIND, .source = target, .target = target};
  ops[1] = (struct wb_op){
      .kind = WB_OP_OVERLAY, .source = target, .target = target, .layer = put_string("layers/0")};
  ops[2] = (struct wb_op){.kind = WB_OP_FILE, .target = target, .data = target, .data_size = 4};
  ops[1].lowers = reserve(LOWERS * sizeof(struct wb_lower));
  for (int i = 0; i < LOWERS; i++)
    ((struct wb_lower *)(void *)(base + ops[1].lowers))[i].path = target;
  plan->size = used + 1;
  return plan;
}

static struct wb_op *op(struct wb_plan *plan, int i) {
  return (struct wb_op *)(void *)((char *)plan + plan->ops) + i;
}

static struct wb_plan *with_names(struct wb_plan *plan, const char *names, uint32_t size) {
  op(plan, 1)->kind = WB_OP_HIDE;
  op(plan, 2)->kind = WB_OP_PROC;
  op(plan, 2)->data = op(plan, 1)->layer;
  op(plan, 2)->data_size = size;
  memcpy((char *)plan + op(plan, 1)->layer, names, size);
  op(plan, 1)->layer = 0;
  return plan;
}

/* Expects that a plan with one field changed is refused. */
#define REFUSED(change)                                                                            \
  do {                                                                                             \
    struct wb_plan *plan = good_plan(memory);                                                      \
    change;                                                                                        \
    EXPECT(!wb_plan_valid(plan, plan->size));                                                      \
  } while (0)

static void single_changes(void *memory) {
  struct wb_plan *good = good_plan(memory);
  EXPECT(wb_plan_valid(good, good->size));
  EXPECT(!wb_plan_valid(good, good->size - 1));
  EXPECT(!wb_plan_valid(good, good->size + 8));
  EXPECT(!wb_plan_valid(good, 0));
  REFUSED(plan->magic++);
  REFUSED(plan->version++);
  REFUSED(plan->layers |= 1u << 30);
  REFUSED(plan->layers &= ~(uint32_t)WB_LAYER_SECCOMP); /* a filter that would not be loaded */
  REFUSED(plan->filter_count = 0);                      /* a layer without its filter */
  REFUSED(plan->filter_count = WB_FILTER_MAX + 1);
  REFUSED(plan->guard = plan->size; plan->guard_count = 1);
  REFUSED(plan->guard = plan->filter; plan->guard_count = WB_FILTER_MAX + 1);
  REFUSED(plan->guard_behalf = plan->guard_count + 1);
  REFUSED(plan->landlock_fs = 0);
  /* A host name would be the machine's without a UTS namespace; without one it is not an error. */
  REFUSED(plan->hostname = plan->exec_path; plan->namespaces &= ~0x04000000u);
  good = good_plan(memory);
  good->namespaces |= 0x04000000u;
  good->hostname = good->exec_path;
  EXPECT(wb_plan_valid(good, good->size));
  good->hostname = 0;
  good->namespaces &= ~0x04000000u;
  EXPECT(wb_plan_valid(good, good->size));
  REFUSED(plan->hostname = plan->size; plan->namespaces |= 0x04000000u);
  REFUSED(plan->namespaces |= 0x00000100u);  /* CLONE_VM is none */
  REFUSED(plan->ids = 7);
  REFUSED(plan->argc = 0);
  REFUSED(plan->argc = WB_ARGS_MAX + 1);
  REFUSED(plan->argv += 4);
  REFUSED(plan->argv = plan->size);
  REFUSED(((uint64_t *)(void *)((char *)plan + plan->argv))[0] = plan->size);
  REFUSED(((uint64_t *)(void *)((char *)plan + plan->argv))[1] = 100);
  REFUSED(plan->op_count = 1u << 31);
  REFUSED(plan->ops = plan->size - 8);
  REFUSED(plan->exec_path = plan->size);
  REFUSED(((char *)plan)[plan->exec_path] = 'u');
  REFUSED(plan->cwd = 0);
  REFUSED(plan->rlimit_count = 33);
  REFUSED(((char *)plan)[plan->size - 1] = 'x');
  REFUSED(op(plan, 0)->kind = 99);
  REFUSED(op(plan, 0)->flags = 1u << 20);
  REFUSED(op(plan, 0)->flags = WB_OP_HANDED_OVER); /* only a privileged supervisor does that */
  REFUSED(op(plan, 0)->flags = WB_OP_IDMAP);
  REFUSED(op(plan, 0)->source = 0);
  REFUSED(op(plan, 1)->layer = 0);
  REFUSED(op(plan, 2)->data_size = 0xffffffff);
  REFUSED(op(plan, 2)->mode = 010000);
  /* Parts of /proc that are sealed: names, each with a NUL. */
  good = with_names(good_plan(memory), "sys\0irq", 8);
  EXPECT(wb_plan_valid(good, good->size));
  good = with_names(good_plan(memory), "sys\0!keys", 10);
  EXPECT(wb_plan_valid(good, good->size));
  REFUSED(with_names(plan, "!", 2));
  REFUSED(with_names(plan, "!.", 3));
  REFUSED(with_names(plan, "a/b", 4));
  REFUSED(with_names(plan, "..", 3));
  REFUSED(with_names(plan, ".", 2));
  REFUSED(with_names(plan, "", 1));
  REFUSED(with_names(plan, "a\0", 3));
  REFUSED(with_names(plan, "abc", 3));
  REFUSED(op(with_names(plan, "abc", 4), 2)->data = plan->size);
  const char *const bad_paths[] = {"home/user", "/home/..", "/home//u", "/./user",
                                   "/home/./u", "/../user", "/home/u/"};
  for (size_t i = 0; i < sizeof bad_paths / sizeof *bad_paths; i++)
    REFUSED(strcpy((char *)plan + op(plan, 0)->target, bad_paths[i]));
}

static struct wb_plan *privileged(struct wb_plan *plan) {
  plan->ids = WB_IDS_PRIVILEGED;
  plan->uid_range_count = plan->gid_range_count = 3;
  *range(plan, 0) = (struct wb_id_range){.inside = 0, .outside = 100000, .count = 1000};
  *range(plan, 1) = (struct wb_id_range){.inside = 1000, .outside = 5000, .count = 1};
  *range(plan, 2) = (struct wb_id_range){.inside = 1001, .outside = 101000, .count = 500};
  for (int i = 0; i < 3; i++)
    *group(plan, i) = *range(plan, i);
  return plan;
}

/* Makes as many ranges as there is room for, one id each. */
static struct wb_plan *many_ranges(struct wb_plan *plan, uint32_t count) {
  plan->ids = WB_IDS_PRIVILEGED;
  plan->uid_range_count = count;
  for (uint32_t i = 0; i < RANGES; i++)
    *range(plan, (int)i) = (struct wb_id_range){.inside = 1000 + i, .outside = 9000 + i, .count = 1};
  return plan;
}

static void id_ranges(void *memory) {
  struct wb_plan *good = privileged(good_plan(memory));
  EXPECT(wb_plan_valid(good, good->size));
  EXPECT(wb_id_outside(range(good, 0), 3, 1000) == 5000);
  EXPECT(wb_id_outside(range(good, 0), 3, 1002) == 101001);
  EXPECT(wb_id_outside(range(good, 0), 3, 1501) == UINT32_MAX);
  REFUSED(privileged(plan)->uid = 1501);                      /* the payload's own is in none */
  REFUSED(privileged(plan)->gid = 1501);
  REFUSED(range(privileged(plan), 2)->inside = 999);          /* overlap inside, */
  REFUSED(range(privileged(plan), 1)->outside = 101499);      /* on the host, */
  REFUSED(range(privileged(plan), 2)->outside = 99501);       /* at an end, */
  REFUSED(range(privileged(plan), 1)->count = 0xffff0000);    /* around a whole one */
  REFUSED(range(privileged(plan), 0)->outside = 0);           /* the host's root */
  REFUSED(range(privileged(plan), 2)->count = 0);
  REFUSED(range(privileged(plan), 2)->outside = 0xfffffff0);  /* beyond the last id: -1 is none */
  REFUSED(range(privileged(plan), 2)->inside = 0xfffffff0);
  REFUSED(group(privileged(plan), 0)->outside = 0);           /* nor does root lend its group */
  REFUSED(group(privileged(plan), 2)->count = 0);
  REFUSED(privileged(plan)->uid_range_count = 0);
  REFUSED(many_ranges(plan, WB_ID_RANGES_MAX + 1));
  good = many_ranges(good_plan(memory), WB_ID_RANGES_MAX);
  EXPECT(wb_plan_valid(good, good->size));
  REFUSED(privileged(plan)->uid_ranges = plan->size - 8);
  REFUSED(privileged(plan)->gid_ranges = 8);
  /* An ordinary process maps itself alone. */
  REFUSED(privileged(plan)->ids = WB_IDS_SELF);
  REFUSED(range(plan, 0)->count = 2);
  REFUSED(group(plan, 0)->count = 2);
  REFUSED(many_ranges(plan, 2)->ids = WB_IDS_SELF);
  REFUSED(many_ranges(plan, 2)->ids = WB_IDS_SELF; plan->gid_range_count = 2; plan->uid_range_count = 1;
          *group(plan, 1) = *range(plan, 1));
  REFUSED(range(plan, 0)->inside = 1001);
  REFUSED(range(plan, 0)->outside = 0);
  REFUSED(plan->ids = WB_IDS_NESTED; range(plan, 0)->count = 2);
  good = good_plan(memory); /* a user of the group 0 */
  group(good, 0)->outside = 0;
  EXPECT(wb_plan_valid(good, good->size));
  good = good_plan(memory); /* its uid 0 is another user on the host */
  good->ids = WB_IDS_NESTED;
  range(good, 0)->outside = 0;
  EXPECT(wb_plan_valid(good, good->size));
}

static struct wb_plan *with_root(struct wb_plan *plan, uint32_t kind, uint32_t flags) {
  op(plan, 0)->kind = kind;
  op(plan, 0)->flags = flags;
  op(plan, 0)->target = plan->cwd; /* "/" */
  return plan;
}

static struct wb_plan *overlay_root(struct wb_plan *plan) {
  with_root(plan, WB_OP_OVERLAY, WB_OP_IS_DIRECTORY);
  op(plan, 0)->layer = op(plan, 1)->layer;
  return plan;
}

static void views(void *memory) {
  struct wb_plan *good = with_root(good_plan(memory), WB_OP_BIND, WB_OP_READ_ONLY | WB_OP_IS_DIRECTORY);
  EXPECT(wb_plan_valid(good, good->size));
  EXPECT(wb_plan_valid(overlay_root(good_plan(memory)), good->size));
  REFUSED(with_root(plan, WB_OP_BIND, WB_OP_IS_DIRECTORY)); /* the host's own tree to write to */
  REFUSED(with_root(plan, WB_OP_BIND, WB_OP_READ_ONLY));    /* a file as root */
  REFUSED(op(plan, 0)->source = plan->cwd); /* "/", with init's own tmpfs on it */
  REFUSED(op(with_root(plan, WB_OP_BIND, WB_OP_READ_ONLY | WB_OP_IS_DIRECTORY), 0)->source = plan->cwd);
  good = privileged(good_plan(memory)); /* the supervisor's has none */
  op(good, 0)->source = good->cwd;
  op(good, 0)->flags |= WB_OP_HANDED_OVER;
  EXPECT(wb_plan_valid(good, good->size));
  REFUSED(with_root(plan, WB_OP_PRIVATE, WB_OP_IS_DIRECTORY));
  REFUSED(with_root(plan, WB_OP_HIDE, WB_OP_IS_DIRECTORY));
  REFUSED(op(overlay_root(plan), 1)->target = plan->cwd; /* not the first */
          op(plan, 1)->flags = WB_OP_IS_DIRECTORY);
  REFUSED(overlay_root(plan)->layers |= WB_LAYER_READ_ONLY_ROOT);
  /* A private place in memory, or in a layer; nothing but that and an overlay has one. */
  good = good_plan(memory);
  *op(good, 0) = (struct wb_op){.kind = WB_OP_PRIVATE, .target = op(good, 1)->target};
  EXPECT(wb_plan_valid(good, good->size));
  op(good, 0)->layer = op(good, 1)->layer;
  EXPECT(wb_plan_valid(good, good->size));
  op(good, 0)->layer = good->cwd; /* "/" */
  EXPECT(!wb_plan_valid(good, good->size));
  op(good, 0)->layer = op(good, 1)->layer;
  op(good, 0)->source = op(good, 1)->source;
  EXPECT(!wb_plan_valid(good, good->size));
  REFUSED(op(plan, 0)->layer = op(plan, 1)->layer);
  /* Several lower directories, with and without a layer. */
  good = good_plan(memory);
  op(good, 1)->lower_count = 2;
  EXPECT(wb_plan_valid(good, good->size));
  op(good, 1)->layer = 0;
  op(good, 1)->flags = WB_OP_READ_ONLY | WB_OP_IS_DIRECTORY;
  EXPECT(wb_plan_valid(good, good->size));
  op(good, 1)->lower_count = 0; /* one directory alone is not an overlay */
  EXPECT(!wb_plan_valid(good, good->size));
  REFUSED(op(plan, 1)->flags = WB_OP_READ_ONLY); /* and a layer */
  /* A view in memory has a layer that it is saved to, unless it is the root; it is never a
   * handed-over one. */
  good = good_plan(memory);
  op(good, 1)->flags |= WB_OP_IN_MEMORY;
  EXPECT(wb_plan_valid(good, good->size));
  EXPECT(wb_plan_saves_memory(good));
  good = overlay_root(good_plan(memory));
  op(good, 0)->flags |= WB_OP_IN_MEMORY;
  EXPECT(wb_plan_valid(good, good->size));
  op(good, 0)->layer = 0;
  EXPECT(wb_plan_valid(good, good->size));
  EXPECT(!wb_plan_saves_memory(good));
  REFUSED(op(plan, 1)->flags |= WB_OP_IN_MEMORY; op(plan, 1)->layer = 0; op(plan, 1)->lower_count = 2);
  REFUSED(op(plan, 1)->flags |= WB_OP_IN_MEMORY | WB_OP_READ_ONLY);
  REFUSED(op(plan, 1)->layer = 0; op(plan, 1)->lower_count = 2);
  good = privileged(good_plan(memory));
  op(good, 1)->flags |= WB_OP_HANDED_OVER;
  EXPECT(wb_plan_valid(good, good->size));
  op(good, 1)->flags |= WB_OP_IN_MEMORY;
  EXPECT(!wb_plan_valid(good, good->size));
  REFUSED(op(plan, 1)->lower_count = WB_LOWERS_MAX + 1);
  good = good_plan(memory);
  op(good, 1)->lower_count = WB_LOWERS_MAX;
  EXPECT(wb_plan_valid(good, good->size));
  REFUSED(op(plan, 1)->lower_count = 2; op(plan, 1)->lowers = plan->size - 16);
  REFUSED(op(plan, 1)->lower_count = 2; op(plan, 1)->lowers += 4);
  REFUSED(op(plan, 0)->lower_count = 1; op(plan, 0)->lowers = op(plan, 1)->lowers);
  const uint32_t wrong[] = {WB_OP_READ_ONLY, WB_OP_HANDED_OVER, 1u << 31};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    REFUSED(op(plan, 1)->lower_count = 1;
            ((struct wb_lower *)(void *)((char *)plan + op(plan, 1)->lowers))->flags = wrong[i]);
  REFUSED(op(plan, 1)->lower_count = 1;
          ((struct wb_lower *)(void *)((char *)plan + op(plan, 1)->lowers))->path = plan->filter);
}

/* A plan that the kernel can carry out without mounts, and without a user namespace. */
static struct wb_plan *bare(struct wb_plan *plan) {
  plan->namespaces = 0;
  plan->layers |= WB_LAYER_NO_NEW_PRIVS;
  plan->ids = WB_IDS_KEPT;
  plan->uid_range_count = plan->gid_range_count = plan->op_count = 0;
  return plan;
}

static void namespaces(void *memory) {
  struct wb_plan *good = bare(good_plan(memory));
  EXPECT(wb_plan_valid(good, good->size));
  good = good_plan(memory); /* the user namespace alone */
  good->namespaces = 0x10000000u;
  good->op_count = 0;
  EXPECT(wb_plan_valid(good, good->size));
  REFUSED(plan->namespaces &= ~0x00020000u);              /* nothing could be shown or hidden */
  REFUSED(plan->namespaces &= ~0x10000000u);              /* ids without a namespace to map them in */
  REFUSED(bare(plan)->op_count = 1);
  REFUSED(bare(plan)->layers &= ~(uint32_t)WB_LAYER_LANDLOCK; plan->landlock_fs = 0); /* no wall */
  REFUSED(bare(plan)->layers &= ~(uint32_t)WB_LAYER_NO_NEW_PRIVS);
  REFUSED(bare(plan)->layers |= WB_LAYER_QUOTAS);         /* the caller's own */
  REFUSED(bare(plan)->layers |= WB_LAYER_READ_ONLY_ROOT); /* the host's */
  REFUSED(bare(plan)->uid = 0);                           /* the host's root */
  REFUSED(bare(plan)->ids = WB_IDS_SELF);
  REFUSED(bare(plan)->uid_range_count = 1);
  REFUSED(bare(plan)->gid_range_count = 1);
  REFUSED(bare(plan)->namespaces = 0x10000000u);
}

/* Landlock as the only wall. */
static struct wb_plan *sole(struct wb_plan *plan) {
  bare(plan);
  plan->private_root = plan->exec_path;
  plan->watch = plan->filter;
  plan->watch_count = plan->filter_count;
  plan->watch_flags = WB_WATCH_REQUIRED;
  plan->landlock_scoped = 3;
  return plan;
}

static void private_roots(void *memory) {
  struct wb_plan *good = sole(good_plan(memory));
  EXPECT(wb_plan_valid(good, good->size));
  good = sole(good_plan(memory));
  good->ids = WB_IDS_DROPPED;
  good->gid = 1000;
  EXPECT(wb_plan_valid(good, good->size));
  REFUSED(sole(plan)->landlock_scoped = 1); /* signals would leave */
  REFUSED(sole(plan)->watch_flags = 0);     /* no thread would have to answer */
  REFUSED(sole(plan)->session = 1);
  REFUSED(sole(plan)->private_root = plan->filter);
  REFUSED(sole(plan)->namespaces = 0x08000000u);
  REFUSED(sole(plan)->ids = WB_IDS_DROPPED; plan->gid = 0); /* the host's root */
  REFUSED(sole(plan)->ids = WB_IDS_DROPPED; plan->uid = 0);
  REFUSED(bare(plan)->ids = WB_IDS_DROPPED); /* root's, of a plan that is not confined so */
  REFUSED(plan->private_root = plan->exec_path);
}

/* Where the run's id belongs: in zeros, and in a run without namespaces alone. */
static struct wb_plan *unnamed(struct wb_plan *plan) {
  sole(plan);
  used = plan->size;
  const uint32_t id = put_string("/runs/000000000/live") + 6;
  plan->run_id_count = 1;
  plan->run_ids = reserve(sizeof(uint32_t));
  *(uint32_t *)(void *)(base + plan->run_ids) = id;
  plan->size = used + 1;
  return plan;
}

static uint32_t *run_id(struct wb_plan *plan) {
  return (uint32_t *)(void *)(base + plan->run_ids);
}

static void run_ids(void *memory) {
  struct wb_plan *good = unnamed(good_plan(memory));
  EXPECT(wb_plan_valid(good, good->size));
  wb_plan_name(good, "0dsfnpy08");
  EXPECT(wb_plan_valid(good, good->size) && good->run_id_count == 0);
  EXPECT(strcmp(base + *run_id(good) - 6, "/runs/0dsfnpy08/live") == 0);
  REFUSED(unnamed(plan); ++*run_id(plan));
  REFUSED(unnamed(plan); *run_id(plan) = 0);
  REFUSED(unnamed(plan); *run_id(plan) = plan->size - WB_RUN_ID; memset(base + *run_id(plan), '0', WB_RUN_ID - 1));
  REFUSED(unnamed(plan); *run_id(plan) = UINT32_MAX);
  REFUSED(unnamed(plan)->run_ids += 2);
  REFUSED(unnamed(plan)->run_id_count = UINT32_MAX);
  REFUSED(unnamed(plan)->private_root = 0; plan->namespaces = 0; plan->watch_flags = 0);
}

static void random_damage(void *memory) {
  srand(1);
  long accepted = 0;
  for (int round = 0; round < 200000; round++) {
    struct wb_plan *plan = good_plan(memory);
    uint32_t size = plan->size;
    /* Exactly as large as it says, so that the sanitizer sees the first byte beyond. */
    char *copy = malloc(size);
    memcpy(copy, plan, size);
    int damage = 1 + rand() % 6;
    for (int i = 0; i < damage; i++)
      copy[(size_t)rand() % size] = (char)rand();
    accepted += wb_plan_valid((struct wb_plan *)(void *)copy, size);
    free(copy);
  }
  /* Most single bytes do not matter to validity (ids, modes, text); some must. */
  EXPECT(accepted > 0 && accepted < 200000);
}

int main(void) {
  void *memory = aligned_alloc(16, SIZE);
  single_changes(memory);
  id_ranges(memory);
  views(memory);
  namespaces(memory);
  private_roots(memory);
  run_ids(memory);
  random_damage(memory);
  free(memory);
  printf("plan_check: %s\n", failures ? "failed" : "ok");
  return failures != 0;
}
