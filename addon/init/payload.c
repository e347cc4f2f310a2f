/*
 * The payload's start and end. Called by main.c when everything is in place. The child shares
 * init's memory until it executes, so that its failure is simply a variable here.
 *
 * Where refusals are to be told, it also shares init's descriptors, and init does not sleep
 * meanwhile: from its filter on, the child may be unable to send anything, and even its execve(2)
 * may be a question to the supervisor. So it is init that takes the filter's listener out of the
 * shared table and passes it on.
 */
#include <asm/ioctls.h>
#include <linux/close_range.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/wait.h>

#include "init.h"

/* Linux 5.19; spelled out for older headers. */
#define WAIT_KILLABLE_RECV (1 << 5)
#define SIGSET_BYTES 8
#define SFD_CLOEXEC_NONBLOCK (02000000 | 04000)

struct start {
  struct wb_plan *plan;
  char **argv, **envp;
  int landlock, terminal;
  long umask;
  uint32_t failed_step; /* written by the child */
  long error;
  int tid;       /* the child's, until it has executed or is gone; a futex */
  int filter;    /* FILTER_*, written by the child; a futex */
  long listener; /* descriptor in the shared table, with FILTER_LOADED; else a negative errno */
};

/* Not yet; the child is in the middle of it; it is in force. */
enum { FILTER_AHEAD, FILTER_LOADING, FILTER_LOADED };

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

/*
 * Whether init leads the session, which it does where there is a terminal. A process group none of
 * whose members has a parent elsewhere in the session is an orphan: ^Z would not stop it.
 */
static int leads_session(const struct wb_plan *plan, int terminal) {
  return terminal && (plan->layers & WB_LAYER_SESSION);
}

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
    /* Nobody would answer, and what the network reaches, or what is asked, would be anybody's
     * guess. */
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

/* In the child: the last steps, the filter being the very last before execve(2). */
static int start_payload(void *argument) {
  struct start *start = argument;
  const struct wb_plan *plan = start->plan;
  long ret;

  if (leads_session(plan, start->terminal)) {
    const int group = (int)sys0(__NR_getpid);
    if ((ret = sys2(__NR_setpgid, 0, 0)) < 0)
      return fail(start, WB_STEP_SESSION, ret);
    if ((ret = sys3(__NR_ioctl, 0, TIOCSPGRP, &group)) < 0) /* SIGTTOU is blocked */
      return fail(start, WB_STEP_TERMINAL, ret);
  } else if ((plan->layers & WB_LAYER_SESSION) && (ret = sys0(__NR_setsid)) < 0) {
    return fail(start, WB_STEP_SESSION, ret);
  }

  const uint64_t no_signals = 0;
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &no_signals, 0, SIGSET_BYTES);
  struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
  } action = {0}; /* SIG_DFL: what the caller ignored does not reach the payload */
  for (int signal = 1; signal <= 64; signal++)
    sys4(__NR_rt_sigaction, signal, &action, 0, SIGSET_BYTES);

  const struct wb_rlimit *limits =
      (const struct wb_rlimit *)(const void *)wb_plan_at(plan, plan->rlimits);
  for (uint32_t i = 0; i < plan->rlimit_count; i++) {
    struct rlimit64 limit = {limits[i].soft, limits[i].hard};
    struct rlimit64 current;
    if ((ret = sys4(__NR_prlimit64, 0, limits[i].resource, 0, &current)) < 0)
      return fail(start, WB_STEP_RLIMITS, ret);
    /* A hard limit is never raised: the caller's own stays in force where it is lower. */
    if (limit.rlim_max > current.rlim_max)
      limit.rlim_max = current.rlim_max;
    if (limit.rlim_cur > limit.rlim_max)
      limit.rlim_cur = limit.rlim_max;
    if ((ret = sys4(__NR_prlimit64, 0, limits[i].resource, &limit, 0)) < 0)
      return fail(start, WB_STEP_RLIMITS, ret);
  }
  if (start->landlock >= 0 && (ret = sys2(__NR_landlock_restrict_self, start->landlock, 0)) < 0)
    return fail(start, WB_STEP_LANDLOCK, ret);
  /* They close at the execution, when the table is the child's own. */
  if ((plan->layers & WB_LAYER_CLOSE_FDS) &&
      (ret = sys3(__NR_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC)) < 0)
    return fail(start, WB_STEP_DESCRIPTORS, ret);
  sys1(__NR_umask, start->umask);
  if ((plan->layers & WB_LAYER_SECCOMP) && (ret = load_policy(start)) < 0) {
    const int listener = start->listener < 0 && (plan->watch_flags & WB_WATCH_REQUIRED);
    return fail(start, listener ? WB_STEP_LISTENER : WB_STEP_SECCOMP, ret);
  }
  ret = sys3(__NR_execve, wb_plan_at(plan, plan->exec_path), start->argv, start->envp);
  return fail(start, WB_STEP_EXEC, ret);
}

/*
 * In init: waits for the child's filter and hands its listener to the supervisor. Between LOADING
 * and LOADED, some ten microseconds, the child cannot wake anybody.
 */
static void pass_listener(struct start *start) {
  int state;
  while ((state = __atomic_load_n(&start->filter, __ATOMIC_SEQ_CST)) != FILTER_LOADED &&
         __atomic_load_n(&start->tid, __ATOMIC_SEQ_CST) != 0) {
    const struct __kernel_timespec poll = {0, 1000000}; /* a child that failed wakes nobody here */
    /* Not a yield: on a busy machine that takes the processor from the very child it waits for. */
    const struct __kernel_timespec moment = {0, 10000};
    if (state == FILTER_AHEAD)
      sys4(__NR_futex, &start->filter, FUTEX_WAIT, FILTER_AHEAD, &poll);
    else
      sys4(__NR_clock_nanosleep, 1, 0, &moment, 0);
  }
  if (state != FILTER_LOADED)
    return;
  send_descriptor(WB_EVENT_LISTENER, start->listener);
  if (start->listener >= 0)
    sys1(__NR_close, start->listener);
}

/* Starts the child and returns when it has executed or failed. */
static long start_child(struct start *start, unsigned char *stack_top) {
  const int watched = start->plan->watch_count != 0;
  long flags = CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
  flags |= watched ? CLONE_FILES : CLONE_VFORK;
  long pid = sys_clone(start_payload, start, stack_top, flags, &start->tid);
  if (pid < 0)
    return pid;
  if (watched)
    pass_listener(start);
  int tid;
  while ((tid = __atomic_load_n(&start->tid, __ATOMIC_SEQ_CST)) != 0)
    sys4(__NR_futex, &start->tid, FUTEX_WAIT, tid, 0);
  return pid;
}

/* Offsets become pointers, in place: both are 64 bits wide. */
static char **relocate(struct wb_plan *plan, uint32_t offset, uint32_t count) {
  uint64_t *vector = (uint64_t *)(uintptr_t)wb_plan_at(plan, offset);
  for (uint32_t i = 0; i < count; i++)
    vector[i] += (uint64_t)(uintptr_t)plan;
  return (char **)vector;
}

static uint64_t now_ns(void) {
  struct __kernel_timespec time = {0, 0};
  sys2(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void forward_signal(long payload, uint32_t signal) {
  if (signal == 0 || signal > 64)
    return;
  /* Its process group; before setsid(2) took effect, or without a session, only itself. */
  if (sys2(__NR_kill, -payload, signal) < 0)
    sys2(__NR_kill, payload, signal);
}

/* System V shared memory that exists, attached or not: SHM_INFO of shmctl(2). */
static void send_shared(void) {
  struct {
    int used;
    unsigned long total, resident, swapped, attempts, successes;
  } info = {0};
  const int shm_info = 14;
  struct wb_event event = {.kind = WB_EVENT_SHARED};
  if (sys3(__NR_shmctl, 0, shm_info, &info) >= 0)
    event.pages = info.resident;
  send_event(&event);
}

static void obey(long payload, const struct wb_command *command, uint32_t *continued) {
  const int of_user = 2; /* PRIO_USER: of this pid namespace, getpriority(2) */
  switch (command->kind) {
  case WB_COMMAND_SIGNAL:
    *continued += command->value == SIGCONT;
    forward_signal(payload, command->value);
    break;
  case WB_COMMAND_CALM:
    sys3(__NR_setpriority, of_user, 0, command->value);
    break;
  case WB_COMMAND_SHARED:
    send_shared();
    break;
  default:
    break;
  }
}

/* Of a wait status. */
#define STOPPED 0x7f

/* Reaps every child; returns 1 once the payload is among them. */
static int reap(long payload, uint32_t continued, struct wb_event *ended) {
  for (;;) {
    int status = 0;
    struct rusage usage;
    memset(&usage, 0, sizeof usage);
    long pid = sys4(__NR_wait4, -1, &status, WNOHANG | WUNTRACED | __WALL, &usage);
    if (pid <= 0)
      return 0;
    if (pid != payload)
      continue;
    if ((status & 0xff) == STOPPED) {
      const struct wb_event stopped = {
          .kind = WB_EVENT_STOPPED, .step = continued, .status = status};
      send_event(&stopped);
      continue;
    }
    ended->time_ns = now_ns();
    ended->status = status;
    struct rusage all;
    memset(&all, 0, sizeof all);
    sys2(__NR_getrusage, RUSAGE_CHILDREN, &all);
    ended->user_us = (uint64_t)all.ru_utime.tv_sec * 1000000u + (uint64_t)all.ru_utime.tv_usec;
    ended->system_us = (uint64_t)all.ru_stime.tv_sec * 1000000u + (uint64_t)all.ru_stime.tv_usec;
    ended->max_rss_kib = (uint64_t)all.ru_maxrss;
    return 1;
  }
}

int run_payload(struct wb_plan *plan, int landlock, long umask, int terminal) {
  static unsigned char stack[16384] __attribute__((aligned(16)));
  static struct start start;
  start.plan = plan;
  start.landlock = landlock;
  start.umask = umask;
  start.terminal = terminal;
  start.argv = relocate(plan, plan->argv, plan->argc);
  start.envp = relocate(plan, plan->envp, plan->envc);

  const uint64_t all_signals = ~(uint64_t)0;
  check(sys4(__NR_rt_sigprocmask, SIG_SETMASK, &all_signals, 0, SIGSET_BYTES), WB_STEP_START, NULL);
  uint64_t child_mask = (uint64_t)1 << (SIGCHLD - 1);
  long children = check(sys4(__NR_signalfd4, -1, &child_mask, SIGSET_BYTES, SFD_CLOEXEC_NONBLOCK),
                        WB_STEP_START, NULL);

  if (leads_session(plan, terminal)) {
    check(sys0(__NR_setsid), WB_STEP_SESSION, NULL);
    check(sys3(__NR_ioctl, 0, TIOCSCTTY, 0), WB_STEP_TERMINAL, NULL);
  }
  long payload = check(start_child(&start, stack + sizeof stack), WB_STEP_START, NULL);
  if (start.failed_step)
    die(start.failed_step, start.error, wb_plan_at(plan, plan->exec_path));
  /* What the supervisor measures the run by: the sandbox's own processes and files in memory. */
  struct wb_event started = {.kind = WB_EVENT_STARTED};
  const long places[] = {
      sys4(__NR_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0),
      scratch_descriptor()};
  send_descriptors(&started, places, 2);
  sys1(__NR_close, places[0]);
  sys1(__NR_close, places[1]);

  /* The payload owns the terminal, the files, the pipes: init lets go of its copies. */
  sys1(__NR_close, 0);
  sys1(__NR_close, 1);
  sys1(__NR_close, 2);

  struct wb_event ended = {.kind = WB_EVENT_ENDED};
  uint32_t continued = 0;
  for (;;) {
    struct pollfd wait[2] = {{.fd = WB_FD_CONTROL, .events = POLLIN},
                             {.fd = (int)children, .events = POLLIN}};
    sys5(__NR_ppoll, wait, 2, 0, 0, 0);
    if (wait[1].revents) {
      unsigned char info[128];
      while (sys3(__NR_read, children, info, sizeof info) == sizeof info)
        ;
      if (reap(payload, continued, &ended)) {
        send_event(&ended);
        return 0;
      }
    }
    if (wait[0].revents & POLLIN) {
      struct wb_command command = {0};
      long n = sys3(__NR_read, WB_FD_CONTROL, &command, sizeof command);
      if (n == 0)
        return 125; /* the supervisor closed its end */
      if (n == sizeof command)
        obey(payload, &command, &continued);
    } else if (wait[0].revents & (POLLHUP | POLLERR)) {
      return 125;
    }
  }
}
