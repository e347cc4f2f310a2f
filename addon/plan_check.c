/* See plan_check.h. A plan that is not understood in full is refused whole. */
#include "plan_check.h"

#define SECURITY_LAYERS                                                                            \
  (WB_LAYER_SECCOMP | WB_LAYER_LANDLOCK | WB_LAYER_CAPABILITIES | WB_LAYER_NO_NEW_PRIVS |          \
   WB_LAYER_CLOSE_FDS | WB_LAYER_SESSION | WB_LAYER_KEYRING | WB_LAYER_DUMPABLE |                  \
   WB_LAYER_READ_ONLY_ROOT | WB_LAYER_QUOTAS)

/* CLONE_NEW* that clone(2) takes; CLONE_NEWTIME shares its bit with the exit signal. */
#define NAMESPACES                                                                                 \
  (0x00020000u | 0x02000000u | 0x04000000u | 0x08000000u | 0x10000000u | 0x20000000u | 0x40000000u)
#define NEW_NS 0x00020000u
#define NEW_UTS 0x04000000u
#define NEW_USER 0x10000000u
#define NEW_NET 0x40000000u
/* Abstract UNIX sockets and signals: landlock(7) */
#define WB_SCOPED 3u

static int range_ok(uint64_t size, uint64_t offset, uint64_t count, uint64_t each, uint64_t align) {
  if (count == 0)
    return 1;
  return offset >= sizeof(struct wb_plan) && offset % align == 0 && offset <= size &&
         count <= (size - offset) / each;
}

/* The plan's last byte is 0, so that each string inside it ends inside it. */
static int string_ok(const struct wb_plan *plan, uint32_t offset) {
  if (offset < sizeof(struct wb_plan) || offset >= plan->size)
    return 0;
  const char *s = wb_plan_at(plan, offset);
  for (uint32_t i = 0; i < WB_PATH_MAX; i++)
    if (s[i] == 0)
      return 1;
  return 0;
}

/* Names with a slash between them: none is empty, "." or "..". */
static int names_lead_down(const char *s) {
  for (;; s++) {
    if (s[0] == 0 || s[0] == '/')
      return 0;
    if (s[0] == '.' && (s[1] == 0 || s[1] == '/'))
      return 0;
    if (s[0] == '.' && s[1] == '.' && (s[2] == 0 || s[2] == '/'))
      return 0;
    while (*s && *s != '/')
      s++;
    if (!*s)
      return 1;
  }
}

/* Absolute; "/" itself only where `root_ok`. */
static int path_ok(const struct wb_plan *plan, uint32_t offset, int root_ok) {
  if (!string_ok(plan, offset))
    return 0;
  const char *s = wb_plan_at(plan, offset);
  return s[0] == '/' && (s[1] == 0 ? root_ok : names_lead_down(s + 1));
}

/* Relative to the run's directory, and below it. */
static int layer_ok(const struct wb_plan *plan, uint32_t offset) {
  return string_ok(plan, offset) && names_lead_down(wb_plan_at(plan, offset));
}

/* Names of entries of /proc, each with a NUL behind it. */
static int names_ok(const struct wb_plan *plan, uint32_t offset, uint32_t size) {
  if (size == 0)
    return 1;
  if (!range_ok(plan->size, offset, size, 1, 1))
    return 0;
  const char *s = wb_plan_at(plan, offset);
  for (uint32_t i = 0, start = 0; i < size; i++) {
    if (s[i] == '/')
      return 0;
    if (s[i] != 0)
      continue;
    start += s[start] == WB_PROC_HIDDEN;
    if (i == start || s[start] == '.')
      return 0;
    start = i + 1;
  }
  return s[size - 1] == 0;
}

static int vector_ok(const struct wb_plan *plan, uint32_t offset, uint32_t count) {
  if (count > WB_ARGS_MAX ||
      !range_ok(plan->size, offset, (uint64_t)count + 1, sizeof(uint64_t), sizeof(uint64_t)))
    return 0;
  const uint64_t *v = (const uint64_t *)(const void *)wb_plan_at(plan, offset);
  for (uint32_t i = 0; i < count; i++)
    if (v[i] < sizeof(struct wb_plan) || v[i] >= plan->size)
      return 0;
  return v[count] == 0;
}

/* An overlay writes to a layer, or is read-only and shows more than one directory. */
static int overlay_ok(const struct wb_plan *plan, const struct wb_op *op) {
  if (!path_ok(plan, op->source, 1) || op->lower_count > WB_LOWERS_MAX ||
      !range_ok(plan->size, op->lowers, op->lower_count, sizeof(struct wb_lower), 8))
    return 0;
  const uint32_t without = WB_OP_READ_ONLY | WB_OP_IN_MEMORY;
  if ((op->flags & without) == without || ((op->flags & WB_OP_READ_ONLY) && op->layer != 0))
    return 0;
  if (!(op->flags & without) && op->layer == 0)
    return 0;
  if (op->layer != 0 && !layer_ok(plan, op->layer))
    return 0;
  /* Without a layer, writes in memory are dropped: only the root may do that. With one, they are
   * saved as the caller's own files, because init's tmpfs has no id map. */
  if ((op->flags & WB_OP_IN_MEMORY) &&
      (op->layer == 0 ? !wb_op_is_root(plan, op) : (op->flags & WB_OP_HANDED_OVER) != 0))
    return 0;
  /* The kernel wants two; to the root's, init adds one. */
  if (op->layer == 0 && op->lower_count == 0 && !wb_op_is_root(plan, op))
    return 0;
  const struct wb_lower *lowers = wb_plan_lowers(plan, op);
  for (uint32_t i = 0; i < op->lower_count; i++)
    if ((lowers[i].flags & ~(uint32_t)WB_OP_CHECK_IDENTITY) != 0 ||
        !path_ok(plan, lowers[i].path, 1))
      return 0;
  return 1;
}

/* Checks what takes the place of the empty root: of the whole tree, so a directory, and never
 * the host's to write to. */
static int root_ok(const struct wb_plan *plan, const struct wb_op *op) {
  const int writable =
      op->kind == WB_OP_OVERLAY && (op->layer != 0 || (op->flags & WB_OP_IN_MEMORY) != 0);
  if (op->kind != WB_OP_OVERLAY && (op->kind != WB_OP_BIND || !(op->flags & WB_OP_READ_ONLY)))
    return 0;
  return (op->flags & WB_OP_IS_DIRECTORY) &&
         !(writable && (plan->layers & WB_LAYER_READ_ONLY_ROOT));
}

static int op_ok(const struct wb_plan *plan, const struct wb_op *op) {
  const uint32_t known = WB_OP_READ_ONLY | WB_OP_IS_DIRECTORY | WB_OP_CHECK_IDENTITY |
                         WB_OP_HANDED_OVER | WB_OP_IDMAP | WB_OP_COVER | WB_OP_HOME |
                         WB_OP_IN_MEMORY;
  if ((op->flags & ~known) != 0 || (op->mode & ~07777u) != 0 ||
      !path_ok(plan, op->target, op == wb_plan_ops(plan)))
    return 0;
  if (wb_op_is_root(plan, op) && !root_ok(plan, op))
    return 0;
  if (op->lower_count != 0 && op->kind != WB_OP_OVERLAY)
    return 0;
  if (op->layer != 0 && op->kind != WB_OP_OVERLAY && op->kind != WB_OP_PRIVATE)
    return 0;
  if ((op->flags & WB_OP_HANDED_OVER) && plan->ids != WB_IDS_PRIVILEGED)
    return 0;
  if ((op->flags & WB_OP_IDMAP) && !(op->flags & WB_OP_HANDED_OVER))
    return 0;
  if ((op->flags & WB_OP_COVER) && op->kind != WB_OP_FILE)
    return 0;
  if ((op->flags & WB_OP_HOME) && op->kind != WB_OP_PRIVATE &&
      (op->kind != WB_OP_OVERLAY || op->layer == 0 || wb_op_is_root(plan, op)))
    return 0;
  if ((op->flags & WB_OP_IN_MEMORY) && op->kind != WB_OP_OVERLAY)
    return 0;
  switch (op->kind) {
  case WB_OP_BIND:
    /* A clone of "/" that init makes has init's own tmpfs on it: addon/init/scratch.c. */
    return path_ok(plan, op->source, !!(op->flags & WB_OP_HANDED_OVER));
  case WB_OP_OVERLAY:
    return overlay_ok(plan, op);
  case WB_OP_SYMLINK:
    return string_ok(plan, op->source);
  case WB_OP_FILE:
    return range_ok(plan->size, op->data, op->data_size, 1, 1);
  case WB_OP_DEVICE:
    return path_ok(plan, op->source, 0) && op->device != 0;
  case WB_OP_PRIVATE:
    return op->source == 0 &&
           (op->layer == 0 ? !(op->flags & WB_OP_HANDED_OVER) : layer_ok(plan, op->layer));
  case WB_OP_DIRECTORY:
  case WB_OP_HIDE:
  case WB_OP_DEVPTS:
  case WB_OP_MQUEUE:
    return 1;
  case WB_OP_PROC:
    return names_ok(plan, op->data, op->data_size);
  default:
    return 0;
  }
}

static int ports_ok(uint32_t from, uint32_t to) {
  return from <= to && to <= 65535;
}

static int network_ok(const struct wb_plan *plan) {
  if (plan->net == WB_NET_NONE)
    return plan->net_rule_count == 0 && plan->net_resolver_count == 0 &&
           plan->net_publish_count == 0;
  /* Without a listener, there is nothing to hand things into; and without a network namespace, no
   * port inside to lead to. */
  if (plan->net != WB_NET_RULES || plan->watch_count == 0)
    return 0;
  if ((plan->namespaces & NEW_NET) == 0 &&
      (plan->private_root == 0 || plan->net_publish_count != 0))
    return 0;
  if (plan->net_rule_count > WB_NET_RULES_MAX ||
      !range_ok(plan->size, plan->net_rules, plan->net_rule_count, sizeof(struct wb_net_rule), 4))
    return 0;
  if (plan->net_resolver_count > WB_NET_RESOLVERS_MAX ||
      !range_ok(plan->size, plan->net_resolvers, plan->net_resolver_count,
                sizeof(struct wb_net_address), 4))
    return 0;
  if (plan->net_publish_count > WB_NET_PUBLISH_MAX ||
      !range_ok(plan->size, plan->net_publish, plan->net_publish_count,
                sizeof(struct wb_net_publish), 4))
    return 0;
  const struct wb_net_rule *rules =
      (const struct wb_net_rule *)(const void *)wb_plan_at(plan, plan->net_rules);
  for (uint32_t i = 0; i < plan->net_rule_count; i++) {
    const struct wb_net_rule *rule = &rules[i];
    const int named = rule->kind == WB_NET_NAME || rule->kind == WB_NET_WILDCARD;
    if (rule->kind < WB_NET_INTERNET || rule->kind > WB_NET_BLOCK || rule->deny > 1 ||
        rule->prefix > 128 || !ports_ok(rule->port_from, rule->port_to) ||
        (named ? !string_ok(plan, rule->name) : rule->name != 0))
      return 0;
    if (rule->protocol != WB_NET_ANY && rule->protocol != WB_NET_TCP &&
        rule->protocol != WB_NET_UDP)
      return 0;
  }
  const struct wb_net_publish *publish =
      (const struct wb_net_publish *)(const void *)wb_plan_at(plan, plan->net_publish);
  for (uint32_t i = 0; i < plan->net_publish_count; i++)
    if (publish[i].inside_port == 0 || !ports_ok(publish[i].inside_port, 65535) ||
        !ports_ok(publish[i].host_port, 65535))
      return 0;
  return 1;
}

/* Checks a plan that has not all namespaces. Each that is missing takes with it what it would
 * hold. */
static int namespaces_ok(const struct wb_plan *plan) {
  /* A run without namespaces has all of it together: Landlock, a supervisor that answers what it
   * leaves open, and no new privileges. */
  if (plan->private_root != 0 &&
      (plan->namespaces != 0 || !path_ok(plan, plan->private_root, 0) ||
       !(plan->layers & WB_LAYER_LANDLOCK) || !(plan->layers & WB_LAYER_SECCOMP) ||
       !(plan->watch_flags & WB_WATCH_REQUIRED) ||
       (plan->landlock_scoped & WB_SCOPED) != WB_SCOPED))
    return 0;
  /* Without its own mounts nothing can be shown or hidden, and Landlock is the wall. */
  if ((plan->namespaces & NEW_NS) == 0 &&
      (plan->op_count != 0 || !(plan->layers & WB_LAYER_LANDLOCK) ||
       (plan->layers & WB_LAYER_READ_ONLY_ROOT)))
    return 0;
  /* Without a user namespace init has no rights to give up that a set-id program would not bring
   * back, and the quotas would be the caller's own. */
  return (plan->namespaces & NEW_USER) != 0 ||
         ((plan->ids == WB_IDS_KEPT || plan->ids == WB_IDS_DROPPED) &&
          (plan->layers & WB_LAYER_NO_NEW_PRIVS) && !(plan->layers & WB_LAYER_QUOTAS));
}

/* Zeros where the run's id is written, and in a run without namespaces alone. */
static int run_ids_ok(const struct wb_plan *plan) {
  if (plan->run_id_count == 0)
    return 1;
  if (plan->private_root == 0 ||
      !range_ok(plan->size, plan->run_ids, plan->run_id_count, sizeof(uint32_t), 4))
    return 0;
  const uint32_t *ids = (const uint32_t *)(const void *)wb_plan_at(plan, plan->run_ids);
  for (uint32_t i = 0; i < plan->run_id_count; i++) {
    if (ids[i] < sizeof(struct wb_plan) || ids[i] > plan->size || plan->size - ids[i] <= WB_RUN_ID)
      return 0;
    for (int digit = 0; digit < WB_RUN_ID; digit++)
      if (wb_plan_at(plan, ids[i])[digit] != '0')
        return 0;
  }
  return 1;
}

static int overlap(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count) {
  return a < (uint64_t)b + b_count && b < (uint64_t)a + a_count;
}

/* An id map that the kernel takes, and in which the payload's own id is; `zero`: whether the host's
 * id 0 may be in it. */
static int id_ranges_ok(const struct wb_plan *plan, uint32_t offset, uint32_t count, uint32_t id,
                        int zero) {
  if (count == 0 || count > WB_ID_RANGES_MAX ||
      !range_ok(plan->size, offset, count, sizeof(struct wb_id_range), 4))
    return 0;
  const struct wb_id_range *ranges = wb_plan_ids(plan, offset);
  for (uint32_t i = 0; i < count; i++) {
    const struct wb_id_range *range = &ranges[i];
    if (range->count == 0 || (uint64_t)range->inside + range->count > 0xffffffffu ||
        (uint64_t)range->outside + range->count > 0xffffffffu || (range->outside == 0 && !zero))
      return 0;
    for (uint32_t j = 0; j < i; j++)
      if (overlap(range->inside, range->count, ranges[j].inside, ranges[j].count) ||
          overlap(range->outside, range->count, ranges[j].outside, ranges[j].count))
        return 0;
  }
  return wb_id_outside(ranges, count, id) != UINT32_MAX;
}

/* The payload is never root on the host; root itself does not lend its group either. */
static int ids_ok(const struct wb_plan *plan) {
  const int mapped = plan->ids < WB_IDS_KEPT;
  if (plan->ids > WB_IDS_DROPPED || mapped != ((plan->namespaces & NEW_USER) != 0))
    return 0;
  if (plan->ids == WB_IDS_DROPPED && (plan->gid == 0 || plan->private_root == 0))
    return 0;
  if (!mapped)
    return plan->uid != 0 && plan->uid_range_count == 0 && plan->gid_range_count == 0;
  if (!id_ranges_ok(plan, plan->uid_ranges, plan->uid_range_count, plan->uid,
                    plan->ids == WB_IDS_NESTED) ||
      !id_ranges_ok(plan, plan->gid_ranges, plan->gid_range_count, plan->gid,
                    plan->ids != WB_IDS_PRIVILEGED))
    return 0;
  if (plan->ids == WB_IDS_PRIVILEGED)
    return 1;
  /* An ordinary process may map itself, and nothing else. */
  return plan->uid_range_count == 1 && plan->gid_range_count == 1 &&
         wb_plan_ids(plan, plan->uid_ranges)->count == 1 &&
         wb_plan_ids(plan, plan->gid_ranges)->count == 1;
}

int wb_plan_valid(const struct wb_plan *plan, uint64_t size) {
  if (size < sizeof(struct wb_plan) + 1 || size > WB_PLAN_MAX)
    return 0;
  if (plan->magic != WB_PLAN_MAGIC || plan->version != WB_WIRE_VERSION || plan->size != size)
    return 0;
  if (wb_plan_at(plan, (uint32_t)size)[-1] != 0)
    return 0;
  if ((plan->layers & ~(uint32_t)SECURITY_LAYERS) != 0)
    return 0;
  if ((plan->namespaces & ~NAMESPACES) != 0 || !namespaces_ok(plan) || !ids_ok(plan) ||
      !run_ids_ok(plan))
    return 0;
  if (plan->op_count > WB_OPS_MAX ||
      !range_ok(size, plan->ops, plan->op_count, sizeof(struct wb_op), 8))
    return 0;
  const struct wb_op *ops = wb_plan_ops(plan);
  for (uint32_t i = 0; i < plan->op_count; i++)
    if (!op_ok(plan, &ops[i]))
      return 0;
  if (plan->argc == 0 || !vector_ok(plan, plan->argv, plan->argc) ||
      !vector_ok(plan, plan->envp, plan->envc))
    return 0;
  if (!path_ok(plan, plan->exec_path, 0) || !path_ok(plan, plan->cwd, 1))
    return 0;
  /* Without a UTS namespace of its own, a sandbox would name the whole machine. */
  if (plan->hostname != 0 &&
      ((plan->namespaces & NEW_UTS) == 0 || !string_ok(plan, plan->hostname)))
    return 0;
  if (plan->filter_count > WB_FILTER_MAX ||
      !range_ok(size, plan->filter, plan->filter_count, 8, 8) ||
      ((plan->layers & WB_LAYER_SECCOMP) != 0) != (plan->filter_count != 0))
    return 0;
  if (plan->guard_count > WB_FILTER_MAX || !range_ok(size, plan->guard, plan->guard_count, 8, 8) ||
      (plan->guard_count != 0 && plan->filter_count == 0) || plan->guard_behalf > plan->guard_count)
    return 0;
  if (plan->watch_count > WB_FILTER_MAX || !range_ok(size, plan->watch, plan->watch_count, 8, 8) ||
      (plan->watch_count != 0 && plan->filter_count == 0))
    return 0;
  if (plan->terminal > (WB_TERMINAL_DECIDED | 7) || !network_ok(plan))
    return 0;
  if ((plan->watch_flags & ~(uint32_t)(WB_WATCH_REQUIRED | WB_WATCH_PATIENT | WB_WATCH_PORTS |
                                       WB_WATCH_DIRECTORIES)) != 0 ||
      ((plan->watch_flags & WB_WATCH_REQUIRED) && plan->watch_count == 0))
    return 0;
  if ((plan->cgroup != 0 && !path_ok(plan, plan->cgroup, 0)) ||
      (plan->image_lock != 0 && !path_ok(plan, plan->image_lock, 0)))
    return 0;
  if (plan->terminal_size != 0 &&
      (plan->terminal_size >> 16 == 0 || (uint16_t)plan->terminal_size == 0))
    return 0;
  /* A session has no program at its start that would get a terminal, and is PID 1 of its own. */
  if (plan->session > 1 || (plan->session && ((plan->terminal & 7) || plan->private_root != 0)))
    return 0;
  if (plan->rlimit_count > 32 ||
      !range_ok(size, plan->rlimits, plan->rlimit_count, sizeof(struct wb_rlimit), 8))
    return 0;
  if (plan->rule_count > WB_OPS_MAX ||
      !range_ok(size, plan->rules, plan->rule_count, sizeof(struct wb_landlock_rule), 8) ||
      ((plan->layers & WB_LAYER_LANDLOCK) != 0) != (plan->landlock_fs != 0))
    return 0;
  const struct wb_landlock_rule *rules =
      (const struct wb_landlock_rule *)(const void *)wb_plan_at(plan, plan->rules);
  for (uint32_t i = 0; i < plan->rule_count; i++)
    if (!path_ok(plan, rules[i].path, 1))
      return 0;
  return 1;
}
