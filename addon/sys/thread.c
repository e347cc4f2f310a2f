/*
 * The second thread of the native command: addon/supervisor/answering.c. There is one at a time,
 * with a stack of its own and an errno of its own, to which the thread pointer leads (libc.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>

#include "../supervisor/thread.h"
#include "syscall.h"
#include "thread.h"

#define STACK_SIZE (256 << 10)
#define SIGSET_BYTES 8

static struct {
  void (*work)(void *);
  void *argument;
  int *number; /* where the thread pointer leads */
  int error;   /* errno */
} own;
static int main_error, *main_number = &main_error;
static int running; /* the thread's number; the kernel clears it when it has left its stack */

#if defined(__x86_64__)
#define SET_FS 0x1002 /* ARCH_SET_FS, arch_prctl(2) */
static void set_pointer(int **to) {
  sys2(__NR_arch_prctl, SET_FS, to);
}
#else
static void set_pointer(int **to) {
  __asm__ volatile("msr tpidr_el0, %0" : : "r"(to));
}
#endif

void begin_threads(void) {
  set_pointer(&main_number);
}

static int begin(void *unused) {
  (void)unused;
  own.number = &own.error;
  set_pointer(&own.number);
  own.work(own.argument);
  return 0;
}

int wb_thread_begin(void (*work)(void *), void *argument) {
  static unsigned char stack[STACK_SIZE] __attribute__((aligned(16)));
  const uint64_t all = ~(uint64_t)0;
  uint64_t before = 0;
  if (__atomic_load_n(&running, __ATOMIC_ACQUIRE))
    return EAGAIN;
  own.work = work;
  own.argument = argument;
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &before, SIGSET_BYTES);
  const long ret = sys_clone(begin, 0, stack + sizeof stack,
                             CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                 CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
                             &running);
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &before, 0, SIGSET_BYTES);
  return ret < 0 ? (int)-ret : 0;
}
