/*
 * Raw system calls without a libc: init is a static executable whose start costs nothing. Each
 * returns what the kernel returns, a value or a negative errno. x86_64 and aarch64.
 */
#ifndef WASBOX_SYS_SYSCALL_H
#define WASBOX_SYS_SYSCALL_H

#include <asm/unistd.h>

#if defined(__x86_64__)

static inline long sys6(long n, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long ret;
  __asm__ volatile("syscall"
                   : "=a"(ret)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return ret;
}

#elif defined(__aarch64__)

static inline long sys6(long n, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = n;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
}

#else
#error "a processor to run on: see the table in ARCHITECTURE.md"
#endif

#define sys5(n, a, b, c, d, e) sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define sys4(n, a, b, c, d) sys5(n, a, b, c, d, 0)
#define sys3(n, a, b, c) sys4(n, a, b, c, 0)
#define sys2(n, a, b) sys3(n, a, b, 0)
#define sys1(n, a) sys2(n, a, 0)
#define sys0(n) sys1(n, 0)

/*
 * clone(2) with a stack of the child's own: runs fn(arg) in the child, which exits with what fn
 * returns. `tid` is what CLONE_PARENT_SETTID and CLONE_CHILD_CLEARTID refer to. Returns the child's
 * pid or a negative errno.
 */
long sys_clone(int (*fn)(void *), void *arg, void *stack_top, long flags, int *tid);

/* Ends a signal handler: the value of sa_restorer. */
void sys_restore(void);

#endif
