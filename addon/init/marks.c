/*
 * Programs of a session with limits of their own. Limits that the kernel applies to each process
 * are set before the program is executed. Limits for all its processes together are enforced by the
 * supervisor, which recognises them by a mark (wire.h). Each of them keeps the mark, even after it
 * has left its session and its parent is gone. Called by session.c, programs.c and payload.c, in
 * init, which is under no filter.
 */
#include <linux/errno.h>
#include <linux/resource.h>
#include <linux/signal.h>
#include <linux/time.h>
#include <linux/wait.h>

#include "programs.h"

/* A process that forks during a pass is found in the next one, and by then cannot fork again. */
#define PASSES 16

static uint32_t marks;      /* given so far */
static int has_own_numbers; /* the run has a pid namespace */

static long set_limit(int pid, uint32_t resource, uint64_t limit) {
  const struct rlimit64 both = {limit, limit};
  return sys4(__NR_prlimit64, pid, resource, &both, 0);
}

static uint64_t hard_limit(long pid, uint32_t resource) {
  struct rlimit64 limit = {RLIM64_INFINITY, RLIM64_INFINITY};
  sys4(__NR_prlimit64, pid, resource, 0, &limit);
  return limit.rlim_max;
}

static int is_given(uint64_t mark) {
  return mark > WB_MARK_BASE && mark - WB_MARK_BASE <= marks;
}

/* The number of a process's mark; 0 without one. `*stray`: it has changed it. */
static uint32_t number_of(long pid, int *stray) {
  const uint64_t one = hard_limit(pid, RLIMIT_LOCKS), other = hard_limit(pid, RLIMIT_RTTIME);
  const int whole = is_given(one) && one + other == WB_MARK_SUM;
  *stray = !whole && one != RLIM64_INFINITY && other != RLIM64_INFINITY;
  return whole ? (uint32_t)(one - WB_MARK_BASE) : 0;
}

static long limit_program(const struct program *program) {
  const struct wb_exec *exec = program->limits;
  long ret = 0;
  if (exec->file_bytes)
    ret = set_limit(program->pid, RLIMIT_FSIZE, exec->file_bytes);
  if (ret >= 0 && exec->open_files)
    ret = set_limit(program->pid, RLIMIT_NOFILE, exec->open_files);
  if (ret < 0 || !(exec->memory_bytes || exec->cpu_us))
    return ret;
  const uint64_t mark = WB_MARK_BASE + program->number;
  ret = set_limit(program->pid, RLIMIT_LOCKS, mark);
  return ret < 0 ? ret : set_limit(program->pid, RLIMIT_RTTIME, WB_MARK_SUM - mark);
}

long mark_program(struct program *program) {
  const struct wb_exec *exec = program->limits;
  if (exec->memory_bytes || exec->cpu_us) {
    if (marks == UINT32_MAX)
      return -EAGAIN;
    program->number = ++marks;
    const struct wb_event event = {.kind = WB_EVENT_PROGRAM,
                                   .step = program->number,
                                   .memory_limit = exec->memory_bytes,
                                   .cpu_limit = exec->cpu_us};
    send_event(&event);
  }
  return limit_program(program);
}

long next_ended(uint32_t *number) {
  int stray;
  siginfo_t info;
  *number = 0;
  if (marks == 0)
    return 0;
  memset(&info, 0, sizeof info);
  if (sys5(__NR_waitid, P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL, 0) < 0)
    return 0;
  if (info.si_pid > 0)
    *number = number_of(info.si_pid, &stray);
  return info.si_pid;
}

void tell_reaped(uint32_t number, const struct rusage *usage) {
  struct wb_event event = {.kind = WB_EVENT_REAPED, .step = number};
  event.user_us = (uint64_t)usage->ru_utime.tv_sec * 1000000u + (uint64_t)usage->ru_utime.tv_usec;
  event.system_us = (uint64_t)usage->ru_stime.tv_sec * 1000000u + (uint64_t)usage->ru_stime.tv_usec;
  send_event(&event);
}

/* Ends a process with the mark. Returns whether it could have made others until now. */
static uint64_t end_process(long proc, const char *process, uint64_t number) {
  (void)proc;
  int stray;
  const long pid = process_number(process);
  const uint32_t own = number_of(pid, &stray);
  if (pid == sys0(__NR_getpid) || (number ? own != number : !stray))
    return 0;
  const struct rlimit64 none = {0, 0};
  struct rlimit64 before = none;
  /* Without a pid namespace, the number may be a process's of the host by now. kill(2) then fails,
   * as Landlock keeps signals within the domain; it has no say in prlimit(2). */
  if (has_own_numbers)
    sys4(__NR_prlimit64, pid, RLIMIT_NPROC, &none, &before);
  const long killed = sys2(__NR_kill, pid, SIGKILL);
  return has_own_numbers ? before.rlim_max != 0 : killed == 0;
}

void end_marked(uint32_t number, int own_numbers) {
  has_own_numbers = own_numbers;
  for (int pass = 0; pass < PASSES && each_process(end_process, number) > 0; pass++)
    ;
}
