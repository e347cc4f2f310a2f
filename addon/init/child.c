/*
 * The payload's child of init: the last steps before its execution. Called by payload.c. The child
 * shares init's memory until it executes, so that its failure is simply a variable here.
 *
 * Without a terminal it begins while init still has the file tree to build, and makes the network
 * namespace in that time, which init joins at last. Root and current directory are shared until
 * init has entered the tree. Before init is done it executes nothing.
 *
 * It also shares init's descriptors until it executes: from its filter on, the child may be unable
 * to send anything, so it is init that takes the filter's listener out of the shared table and
 * passes it on. The child executes nothing before that.
 *
 * A listener that closes makes the kernel answer each call that waits at it, and each later one,
 * with ENOSYS. If the supervisor is killed, its descriptors close before the kernel has ended the
 * sandbox, and the payload would go on for that moment with calls that do not exist. So init keeps
 * the listener open until it has killed and reaped all others.
 */
#include <asm/ioctls.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/signal.h>
#include <linux/time.h>

#include "../supervisor/judge.h"
#include "child.h"

/* Linux 5.19; spelled out for older headers. */
#define WAIT_KILLABLE_RECV (1 << 5)

#if defined(__x86_64__)
#define WB_AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define WB_AUDIT_ARCH AUDIT_ARCH_AARCH64
#else
#error "a processor to run on: see the table in ARCHITECTURE.md"
#endif

/* The filter is not loaded yet; the child is loading it; it is in force. */
enum { FILTER_AHEAD, FILTER_LOADING, FILTER_LOADED };

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

static int fail(struct start *start, uint32_t step, long ret) {
  start->failed_step = step;
  start->error = -ret;
  return 127;
}

static long load_filter(const struct wb_plan *plan, uint32_t filter, uint32_t count, long flags) {
  struct sock_fprog program = {
      .len = (unsigned short)count,
      .filter = (struct sock_filter *)(uintptr_t)wb_plan_at(plan, filter),
  };
  return sys3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* seccomp(2): the filter that asks, where the kernel gives a listener, else those that refuse by
 * themselves. */
static long load_policy(struct start *start) {
  const struct wb_plan *plan = start->plan;
  if (plan->watch_count) {
    /* The last call that surely gets through; init looks at the variable from here on. */
    __atomic_store_n(&start->filter, FILTER_LOADING, __ATOMIC_SEQ_CST);
    sys3(__NR_futex, &start->filter, FUTEX_WAKE, 1);
    const long patient = plan->watch_flags & WB_WATCH_PATIENT ? WAIT_KILLABLE_RECV : 0;
    long listener = load_filter(plan, plan->watch, plan->watch_count,
                                SECCOMP_FILTER_FLAG_NEW_LISTENER | patient);
    if (listener == -EINVAL && patient)
      listener =
          load_filter(plan, plan->watch, plan->watch_count, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    start->listener = listener;
    if (listener >= 0) {
      __atomic_store_n(&start->filter, FILTER_LOADED, __ATOMIC_SEQ_CST);
      return 0;
    }
    /* Without the listener no supervisor would answer, and the network rules and questions would be
     * undefined. */
    if (plan->net == WB_NET_RULES || (plan->watch_flags & WB_WATCH_REQUIRED)) {
      __atomic_store_n(&start->filter, FILTER_LOADED, __ATOMIC_SEQ_CST);
      return listener;
    }
  }
  long ret = 0;
  /* The guard first: the policy proper may refuse to have a second filter loaded. */
  if (plan->guard_count)
    ret = load_filter(plan, plan->guard, plan->guard_count, 0);
  if (ret >= 0)
    ret = load_filter(plan, plan->filter, plan->filter_count, 0);
  __atomic_store_n(&start->filter, FILTER_LOADED, __ATOMIC_SEQ_CST);
  return ret;
}

void reset_signal(int signal) {
  struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
  } action = {0}; /* SIG_DFL */
  sys4(__NR_rt_sigaction, signal, &action, 0, SIGSET_BYTES);
}

/* Resets what the caller ignored, so that it does not reach the payload. */
static void reset_signals(void) {
  for (int signal = 1; signal <= 64; signal++)
    reset_signal(signal);
}

/* A hard limit is never raised, which the kernel refuses: the caller's own stays in force where it
 * is lower. */
static long set_limit(long pid, uint32_t resource, struct rlimit64 limit) {
  struct rlimit64 current;
  long ret = sys4(__NR_prlimit64, pid, resource, &limit, 0);
  if (ret != -EPERM)
    return ret;
  if ((ret = sys4(__NR_prlimit64, pid, resource, 0, &current)) < 0)
    return ret;
  if (limit.rlim_max > current.rlim_max)
    limit.rlim_max = current.rlim_max;
  if (limit.rlim_cur > limit.rlim_max)
    limit.rlim_cur = limit.rlim_max;
  return sys4(__NR_prlimit64, pid, resource, &limit, 0);
}

static const struct wb_rlimit *limits_of(const struct wb_plan *plan) {
  return (const struct wb_rlimit *)(const void *)wb_plan_at(plan, plan->rlimits);
}

/* The kernel counts processes per user, and without a user namespace the user has others, which
 * init counts. */
static int is_counted(const struct wb_plan *plan, const struct wb_rlimit *limit) {
  return plan->private_root && limit->resource == RLIMIT_NPROC;
}

/* Init limits processes while the child gets ready: that executes nothing before. */
static void limit_processes(const struct start *start) {
  const struct wb_rlimit *limit = limits_of(start->plan);
  for (uint32_t i = 0; i < start->plan->rlimit_count; i++, limit++) {
    if (!is_counted(start->plan, limit))
      continue;
    const uint64_t others = count_own_tasks();
    const struct rlimit64 all = {limit->soft + others, limit->hard + others};
    const long ret = set_limit(start->pid, limit->resource, all);
    if (ret != -ESRCH) /* the child failed, and says why */
      check(ret, WB_STEP_RLIMITS, NULL);
  }
}

/* The child does this while init builds the file tree: what needs capabilities, which go with it,
 * and what needs no tree. */
static void prepare(struct start *start) {
  const struct wb_plan *plan = start->plan;
  /* Should init itself be killed, at least the program goes with it. */
  if (plan->private_root)
    check(sys5(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), WB_STEP_PARENT_DEATH, NULL);
  const uint32_t late = wb_late_namespaces(plan);
  if (late) {
    check(sys1(__NR_unshare, late), WB_STEP_NAMESPACES, NULL);
    announce(&start->network, (int)bring_up_loopback());
  }
  set_quotas(plan, start->quotas);
  seal_proc(plan);
  bound_rights(plan);
  drop_capabilities(plan);
  if ((plan->layers & WB_LAYER_SESSION) && !plan->session && !leads_session(plan, start->terminal))
    check(sys0(__NR_setsid), WB_STEP_SESSION, NULL);
  reset_signals();
}

/* Returns whether the watching filter lets the child wait for init, by futex(2), without asking. */
static int may_wait(const struct start *start) {
  const struct wb_plan *plan = start->plan;
  const struct sock_filter *filter =
      (const struct sock_filter *)(const void *)wb_plan_at(plan, plan->watch);
  struct seccomp_data data = {.nr = __NR_futex, .arch = WB_AUDIT_ARCH};
  data.args[0] = (uint64_t)(uintptr_t)&start->ready;
  data.args[1] = FUTEX_WAIT;
  /* The address that the call comes from is not known here. */
  const uint32_t at = __builtin_offsetof(struct seccomp_data, instruction_pointer);
  for (uint32_t i = 0; i < plan->watch_count; i++)
    if (filter[i].code == (BPF_LD | BPF_W | BPF_ABS) &&
        (filter[i].k == at || filter[i].k == at + 4))
      return 0;
  uint32_t verdict = wb_judge(filter, plan->watch_count, &data) & SECCOMP_RET_ACTION_FULL;
  return verdict == SECCOMP_RET_ALLOW || verdict == SECCOMP_RET_LOG;
}

/* Returns whether the child loads its filter before it waits for init, which takes less time: init
 * is the later one. */
static int loads_first(const struct start *start) {
  return start->plan->watch_count && may_wait(start);
}

/* The child loads the policy, and waits for init's leave. */
static long load_policy_and_wait(struct start *start) {
  const struct wb_plan *plan = start->plan;
  const int first = loads_first(start);
  if (!first)
    await(&start->ready);
  const long ret = plan->layers & WB_LAYER_SECCOMP ? load_policy(start) : 0;
  if (first && ret >= 0)
    await(&start->ready);
  /* The child spins under a filter that refuses even to wait, for the time that init takes for two
   * calls. */
  while (plan->watch_count && ret >= 0 && !__atomic_load_n(&start->handed, __ATOMIC_SEQ_CST))
    ;
  return ret;
}

/* The child's last steps; under the filter it waits for init at most, and executes. */
static int start_payload(void *argument) {
  struct start *start = argument;
  const struct wb_plan *plan = start->plan;
  long ret;

  prepare(start);
  await(&start->tree);
  if (!plan->private_root &&
      (ret = sys1(__NR_unshare, CLONE_FS)) < 0) /* root, directory, umask: from here on its own */
    return fail(start, WB_STEP_START, ret);
  const int landlock = make_landlock_ruleset(plan);
  if (leads_session(plan, start->terminal)) {
    const int group = (int)sys0(__NR_getpid);
    if ((ret = sys2(__NR_setpgid, 0, 0)) < 0)
      return fail(start, WB_STEP_SESSION, ret);
    if ((ret = sys3(__NR_ioctl, 0, TIOCSPGRP, &group)) < 0) /* SIGTTOU is blocked */
      return fail(start, WB_STEP_TERMINAL, ret);
  }

  /* Init's thread keeps them blocked: SIGCHLD is to reach init's descriptor. */
  const uint64_t no_signals = 0;
  if (!plan->session)
    sys4(__NR_rt_sigprocmask, SIG_SETMASK, &no_signals, 0, SIGSET_BYTES);

  const struct wb_rlimit *limit = limits_of(plan);
  for (uint32_t i = 0; i < plan->rlimit_count; i++, limit++) {
    const struct rlimit64 own = {limit->soft, limit->hard};
    if (!is_counted(plan, limit) && (ret = set_limit(0, limit->resource, own)) < 0)
      return fail(start, WB_STEP_RLIMITS, ret);
  }
  if (landlock >= 0 && (ret = sys2(__NR_landlock_restrict_self, landlock, 0)) < 0)
    return fail(start, WB_STEP_LANDLOCK, ret);
  /* Descriptors close at the execution, when the table is the child's own. */
  if ((plan->layers & WB_LAYER_CLOSE_FDS) &&
      (ret = sys3(__NR_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC)) < 0)
    return fail(start, WB_STEP_DESCRIPTORS, ret);
  sys1(__NR_umask, start->umask);
  if ((ret = load_policy_and_wait(start)) < 0) {
    const int listener = start->listener < 0 && (plan->watch_flags & WB_WATCH_REQUIRED);
    return fail(start, listener ? WB_STEP_LISTENER : WB_STEP_SECCOMP, ret);
  }
  if (plan->session)
    return fail(start, WB_STEP_SESSION, serve_programs(&start->serving));
  ret = sys3(__NR_execve, wb_plan_at(plan, plan->exec_path), start->argv, start->envp);
  return fail(start, WB_STEP_EXEC, ret);
}

/* Init waits here for the child's filter. Between LOADING and LOADED, some ten microseconds, the
 * child cannot wake anybody. */
static void await_filter(struct start *start) {
  int state;
  while ((state = __atomic_load_n(&start->filter, __ATOMIC_SEQ_CST)) != FILTER_LOADED &&
         __atomic_load_n(&start->tid, __ATOMIC_SEQ_CST) != 0) {
    const struct __kernel_timespec poll = {
        0, 1000000}; /* a child that failed does not wake this thread */
    /* A yield would, on a busy machine, take the processor from the very child it waits for. */
    const struct __kernel_timespec moment = {0, 10000};
    if (state == FILTER_AHEAD)
      sys4(__NR_futex, &start->filter, FUTEX_WAIT, FILTER_AHEAD, &poll);
    else
      sys4(__NR_clock_nanosleep, 1, 0, &moment, 0);
  }
}

/* Looks again and again whether the supervisor is there: its death no longer ends init by itself.
 */
static void await_gone(const int *tid) {
  const struct __kernel_timespec poll = {0, 20000000};
  int value;
  while ((value = __atomic_load_n(tid, __ATOMIC_SEQ_CST)) != 0)
    if (sys4(__NR_futex, tid, FUTEX_WAIT, value, &poll) == -ETIMEDOUT)
      notice_parent();
}

/* Init hands the listener over before the child executes. It stays open in init, which from here on
 * ends the sandbox itself. */
static void hand_over(struct start *start) {
  await_filter(start);
  if (start->filter == FILTER_LOADED) {
    outlive_parent(start->plan);
    send_descriptor(WB_EVENT_LISTENER, start->listener);
  }
  __atomic_store_n(&start->handed, 1, __ATOMIC_SEQ_CST);
}

/* Init finishes its own set-up while the child gets ready. The parent-death signal comes after the
 * last change of credentials, which would clear it. */
static void finish_init(struct start *start) {
  const struct wb_plan *plan = start->plan;
  announce(&start->tree, 1);
  bound_rights(plan);
  leave_old_tree(plan);
  if (wb_late_namespaces(plan)) {
    const struct __kernel_timespec poll = {
        0, 1000000}; /* a child that failed does not wake this thread */
    while (__atomic_load_n(&start->network, __ATOMIC_SEQ_CST) == 0 &&
           __atomic_load_n(&start->tid, __ATOMIC_SEQ_CST) != 0)
      sys4(__NR_futex, &start->network, FUTEX_WAIT, 0, &poll);
    const int socket = __atomic_load_n(&start->network, __ATOMIC_SEQ_CST);
    if (socket == 0) /* the child is gone, and has told why */
      end_init(125);
    join_network(socket);
    sys1(__NR_close, socket);
  }
  drop_capabilities(plan);
  limit_processes(start);
  close_memory(plan);
  if (plan->private_root)
    notice_parent();
  else
    die_with_parent();
  await_proceed();
  const int watched = plan->watch_count != 0;
  const int first = loads_first(start);
  if (watched && first)
    hand_over(start);
  announce(&start->ready, 1);
  if (watched && !first)
    hand_over(start);
}

/* Init waits until the child of a session serves, which executes nothing itself. */
static void await_serving(const struct start *start) {
  const struct __kernel_timespec poll = {
      0, 1000000}; /* a child that failed does not wake this thread */
  while (!__atomic_load_n(&start->serving, __ATOMIC_SEQ_CST) &&
         __atomic_load_n(&start->tid, __ATOMIC_SEQ_CST) != 0)
    if (sys4(__NR_futex, &start->serving, FUTEX_WAIT, 0, &poll) == -ETIMEDOUT)
      notice_parent();
}

/*
 * A session's is a thread of init: no signal from inside ends or stops PID 1, nor a thread of it,
 * and a filter and a Landlock domain belong to a thread. Its children are init's.
 */
long start_child(struct start *start, unsigned char *stack, size_t stack_size) {
  const long shared = start->plan->private_root ? 0 : CLONE_FS;
  const long kind = start->plan->session ? CLONE_THREAD | CLONE_SIGHAND : SIGCHLD;
  const long flags =
      shared | CLONE_VM | CLONE_FILES | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | kind;
  return sys_clone(start_payload, start, stack + stack_size, flags, &start->tid);
}

void finish_child(struct start *start) {
  finish_init(start);
  if (start->plan->session)
    await_serving(start);
  else
    await_gone(&start->tid);
  if (has_died())
    end_init(125);
}
