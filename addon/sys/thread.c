/*
 * The other threads of the native command: addon/supervisor/answering.c, pump.c, sampling.c and
 * terminal_modes.c. Each has a stack and an errno of its own, to which the thread pointer leads
 * (libc.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "../supervisor/thread.h"
#include "syscall.h"
#include "thread.h"

/* A run has three at a time, and a pump each for stdout and stderr; one is to spare. */
#define THREADS 6
#define STACK_SIZE (256 << 10)
#define GUARD_SIZE (64 << 10) /* the largest page there is */
#define SIGSET_BYTES 8

static struct thread {
  void (*work)(void *);
  void *argument;
  int *number; /* where the thread pointer leads */
  int error;   /* errno */
  int running; /* the thread's number; the kernel clears it when it has left its stack */
  int guarded;
} threads[THREADS];
static int main_error, *main_number = &main_error;

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

static int begin(void *argument) {
  struct thread *own = argument;
  own->number = &own->error;
  set_pointer(&own->number);
  own->work(own->argument);
  return 0;
}

/* Returns one that is free, or NULL. Only the main thread begins threads. */
static struct thread *find_free(void) {
  for (unsigned i = 0; i < THREADS; i++)
    if (!__atomic_load_n(&threads[i].running, __ATOMIC_ACQUIRE))
      return &threads[i];
  return NULL;
}

int wb_thread_begin(void (*work)(void *), void *argument) {
  /* The lower end of each is closed: what grows beyond its stack must not get into the next. */
  static unsigned char stacks[THREADS + 1][GUARD_SIZE + STACK_SIZE];
  const uint64_t all = ~(uint64_t)0;
  uint64_t before = 0;
  struct thread *own = find_free();
  if (!own)
    return EAGAIN;
  const uintptr_t first = ((uintptr_t)stacks + GUARD_SIZE - 1) & ~(uintptr_t)(GUARD_SIZE - 1);
  unsigned char *guard = (unsigned char *)first + (size_t)(own - threads) * sizeof *stacks;
  if (!own->guarded && sys3(__NR_mprotect, guard, GUARD_SIZE, PROT_NONE) < 0)
    return ENOMEM;
  own->guarded = 1;
  own->work = work;
  own->argument = argument;
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &before, SIGSET_BYTES);
  const long ret = sys_clone(begin, own, guard + sizeof *stacks,
                             CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                 CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
                             &own->running);
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &before, 0, SIGSET_BYTES);
  return ret < 0 ? (int)-ret : 0;
}
