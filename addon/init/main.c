/*
 * wasbox-init: PID 1 of a sandbox. Executed by the supervisor in fresh namespaces with the plan in
 * descriptor 3 and the control socket in 4. It parses no text and makes no policy: it validates the
 * plan, carries it out step by step, and ends the launch at the first step that fails.
 *
 *   supervisor                         init
 *   clone(CLONE_NEW*), exec      ->    validate the plan
 *   write id maps, hand mounts   ->    (privileged launches only; else init maps itself)
 *                                      the payload's process begins: network namespace, rights;
 *                                      init in the meantime: file tree, pivot_root
 *                                      the payload's process: Landlock, limits; init in the
 *                                      meantime: the old root goes, capabilities
 *   PROCEED                      ->    (sent at once, or when the supervisor has looked again)
 *                                <-    STARTED once the payload has executed
 *   SIGNAL n                     ->    forwarded to the payload's process group
 *                                <-    ENDED with wait status and usage; init exits, and with it
 *                                      every process in the pid namespace
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/stat.h>

#include "init.h"

int init_main(void);

/* Strings behind the plan. */
struct beside {
  const char *directory; /* the run's */
  char *words, *end;     /* more arguments of the payload */
};

static struct wb_plan *map_plan(struct beside *beside) {
  struct statx info;
  check(sys5(__NR_statx, WB_FD_PLAN, "", AT_EMPTY_PATH, STATX_SIZE, &info), WB_STEP_PLAN, NULL);
  if (info.stx_size <= sizeof(struct wb_plan) || info.stx_size > WB_PLAN_MAX + WB_PATH_MAX)
    die(WB_STEP_PLAN, EINVAL, NULL);
  /* Private and writable: argument vectors are relocated in place. */
  long address = check(
      sys6(__NR_mmap, 0, (long)info.stx_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, WB_FD_PLAN, 0),
      WB_STEP_PLAN, NULL);
  struct wb_plan *plan = (struct wb_plan *)address;
  if (plan->size >= info.stx_size || !wb_plan_valid(plan, plan->size) || plan->run_id_count ||
      ((const char *)plan)[info.stx_size - 1] != 0)
    die(WB_STEP_PLAN, EINVAL, NULL);
  beside->directory = (const char *)plan + plan->size;
  beside->words = (char *)plan + plan->size + str_len(beside->directory) + 1;
  beside->end = (char *)plan + info.stx_size;
  sys1(__NR_close, WB_FD_PLAN);
  return plan;
}

static uint32_t lacking; /* WB_LACKS_* */

/* A step that the sandbox can do without. These errnos are those of a filter of system calls around
 * wasbox, which the payload is under, too, or of a kernel without the call. */
static void try_to(long ret, uint32_t step, uint32_t what) {
  if (ret == -EPERM || ret == -EACCES || ret == -ENOSYS)
    lacking |= what;
  else
    check(ret, step, NULL);
}

int init_main(void) {
  static int handed_over[WB_MOUNT_FDS_MAX];
  uint32_t handed_over_count = 0;

  struct beside beside;
  struct wb_plan *plan = map_plan(&beside);
  char **argv =
      with_words(relocate(plan, plan->argv, plan->argc), plan->argc, beside.words, beside.end);
  long umask = sys1(__NR_umask, 0); /* the caller's comes back for the payload */
  check(sys5(__NR_prctl, PR_SET_NAME, "wasbox-init", 0, 0, 0), WB_STEP_PLAN, NULL);

  if (plan->ids == WB_IDS_PRIVILEGED)
    handed_over_count = await_go(handed_over);
  else if (plan->ids == WB_IDS_DROPPED)
    give_up_root(plan);
  else if (plan->ids != WB_IDS_KEPT)
    write_own_id_maps(plan);
  become_payload_user(plan);
  if (plan->private_root) {
    enter_domain();
    leave_warden(plan);
    enter_domain();
  }

  if (plan->layers & WB_LAYER_KEYRING) {
    /* Without one the payload would keep the caller's keyring, and could use it. */
    const int join_session_keyring = 1;
    check(sys2(__NR_keyctl, join_session_keyring, 0), WB_STEP_KEYRING, NULL);
  }
  const long quotas = open_quotas(plan);
  protect_stdio(plan);
  const int typed = types_into_terminal(plan);
  /* Filters around wasbox may forbid unshare(2) altogether: then nothing is shared that needs it.
   */
  const int late = typed || plan->private_root;
  struct start *start = late ? NULL : begin_payload(plan, argv, umask, quotas, 0);
  if (start)
    leave_processor();
  if (plan->namespaces & CLONE_NEWNS)
    build_tree(plan, beside.directory, handed_over, handed_over_count);
  enter_tree(plan);
  if (plan->net == WB_NET_RULES && (plan->namespaces & CLONE_NEWNET)) {
    sys1(__NR_close, bring_up_loopback());
    set_up_network(plan);
  }
  if (plan->hostname && (plan->namespaces & CLONE_NEWUTS)) {
    const char *name = wb_plan_at(plan, plan->hostname);
    try_to(sys2(__NR_sethostname, name, str_len(name)), WB_STEP_HOSTNAME, WB_LACKS_HOSTNAME);
  }
  if (has_terminal(plan)) /* the payload's process shares the descriptors until it executes */
    open_terminal(plan);
  if (late) /* a session's terminal is inherited, and comes from the tree */
    start = begin_payload(plan, argv, umask, quotas, typed);
  return run_payload(start, lacking);
}
