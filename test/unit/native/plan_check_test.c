/*
 * wb_plan_valid against a good plan, single wrong fields, and random damage. Built with sanitizers by
 * addon/test.mjs: reading out of bounds is a failure, whatever the verdict is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../addon/plan_check.h"

#define SIZE 4096

static int failures;

#define EXPECT(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      failures++;                                                                                  \
      fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition);                     \
    }                                                                                              \
  } while (0)

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
                           .host_uid = 1000,
                           .host_gid = 1000,
                           .id_count = 1,
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
  plan->op_count = 3;
  plan->ops = reserve(3 * sizeof(struct wb_op));
  struct wb_op *ops = (struct wb_op *)(void *)(base + plan->ops);
  uint32_t target = put_string("/home/user");
  ops[0] = (struct wb_op){.kind = WB_OP_BIND, .source = target, .target = target};
  ops[1] = (struct wb_op){
      .kind = WB_OP_OVERLAY, .source = target, .target = target, .layer = put_string("/state/1")};
  ops[2] = (struct wb_op){.kind = WB_OP_FILE, .target = target, .data = target, .data_size = 4};
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
  REFUSED(plan->landlock_fs = 0);
  REFUSED(plan->namespaces &= ~0x00020000u); /* no mount namespace */
  REFUSED(plan->namespaces &= ~0x10000000u); /* no user namespace */
  /* A host name would be the machine's without a UTS namespace; without one it is no fault. */
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
  REFUSED(plan->host_uid = 0);
  REFUSED(plan->id_count = 2);
  REFUSED(plan->ids = WB_IDS_NESTED; plan->id_count = 2);
  REFUSED(plan->ids = WB_IDS_PRIVILEGED; plan->host_gid = 0);
  REFUSED(plan->ids = WB_IDS_PRIVILEGED; plan->id_count = 0xffffffff);
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
  random_damage(memory);
  free(memory);
  printf("plan_check: %s\n", failures ? "failed" : "ok");
  return failures != 0;
}
