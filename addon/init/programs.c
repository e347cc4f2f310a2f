/*
 * Starts the programs of a session. A thread of init runs this under the session's filter and in
 * its Landlock domain, which a program inherits; session.c tells it what to start. Under the filter
 * it makes the fewest calls that it can: to wait, to make the process, and in that to begin a
 * session, change the directory, unblock signals and execute.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/time.h>

#include "programs.h"

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define SIGSET_BYTES 8

static int wanted; /* a futex: 1 from the request until the program has executed or failed */
static struct program *request;

/* An operation on a file itself shares no memory: its exit status says it. */
static int fail(struct program *program, uint32_t step, long ret) {
  program->step = step;
  program->error = -ret;
  return program->kind == WB_EXEC_PROGRAM ? 127 : (int)-ret;
}

/* Shares init's memory until it executes, or has a copy if it works on a file itself; and has
 * copies of init's descriptors. */
static int become_program(void *argument) {
  struct program *program = argument;
  long ret = sys0(__NR_setsid);
  if (ret < 0)
    return fail(program, WB_STEP_SESSION, ret);
  /* A terminal that the leader of a session opens first becomes its terminal; the policy may
   * refuse ioctl(2).
   */
  if (program->terminal) {
    ret = sys4(__NR_openat, AT_FDCWD, program->terminal, O_RDWR | O_CLOEXEC, 0);
    if (ret < 0)
      return fail(program, WB_STEP_TERMINAL, ret);
    sys1(__NR_close, ret);
  }
  if (program->cwd && (ret = sys1(__NR_chdir, program->cwd)) < 0)
    return fail(program, WB_STEP_WORKDIR, ret);
  if (program->limits) {
    announce(&program->waits, 1);
    await(&program->marked);
    if (program->marked < 0)
      return 127;
  }
  const uint64_t no_signals = 0;
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &no_signals, 0, SIGSET_BYTES);
  if (program->kind != WB_EXEC_PROGRAM)
    return serve_file(program);
  /* A file that may not be executed is reported if nothing else is found, as by execvp(3). */
  long error = ENOENT;
  for (uint32_t i = 0; i < program->path_count; i++) {
    ret = sys3(__NR_execve, program->paths[i], program->argv, program->envp);
    if (ret == -EACCES)
      error = EACCES;
    else if (ret != -ENOENT && ret != -ENOTDIR) {
      error = -ret;
      break;
    }
  }
  return fail(program, WB_STEP_EXEC, -error);
}

long serve_programs(int *serving) {
  static unsigned char stack[16384] __attribute__((aligned(16)));
  /* Refused by the policy, each wait would return at once, and the thread would never rest. */
  const long ret = sys3(__NR_futex, serving, FUTEX_WAKE, 1);
  if (ret < 0)
    return ret;
  announce(serving, 1);
  for (;;) {
    await(&wanted);
    struct program *program = request;
    /* Suspended until the program has executed or is gone. */
    const long shared = program->kind == WB_EXEC_PROGRAM ? CLONE_VM | CLONE_VFORK : 0;
    const long flags = shared | CLONE_PARENT_SETTID | SIGCHLD;
    const long ret = sys_clone(become_program, program, stack + sizeof stack, flags, &program->pid);
    if (ret < 0) {
      program->step = WB_STEP_START;
      program->error = -ret;
    }
    __atomic_store_n(&wanted, 0, __ATOMIC_SEQ_CST);
    announce(&program->done, 1);
  }
}

static int is_done(const struct program *program) {
  return __atomic_load_n(&program->done, __ATOMIC_SEQ_CST);
}

/* Waits for a word that is 0, for a while. */
static void wait(const struct program *program, const int *word) {
  const struct __kernel_timespec poll = {0, 20000000};
  sys4(__NR_futex, word, FUTEX_WAIT, 0, &poll);
  /* Another program may have stopped it before it has executed. */
  const int pid = __atomic_load_n(&program->pid, __ATOMIC_SEQ_CST);
  if (pid > 0 && !is_done(program))
    sys2(__NR_kill, pid, SIGCONT);
}

/* It has not executed yet, and waits for this. */
static void limit(struct program *program) {
  const long ret = mark_program(program);
  if (ret < 0) {
    program->step = WB_STEP_RLIMITS;
    program->error = -ret;
  }
  announce(&program->marked, ret < 0 ? -1 : 1);
}

void start_program(struct program *program) {
  request = program;
  announce(&wanted, 1);
  while (program->limits && !is_done(program) &&
         !__atomic_load_n(&program->waits, __ATOMIC_SEQ_CST))
    wait(program, &program->waits);
  if (program->limits && !is_done(program))
    limit(program);
  while (!is_done(program))
    wait(program, &program->done);
}
