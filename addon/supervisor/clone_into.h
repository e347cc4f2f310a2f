/* clone3(2) with CLONE_INTO_CGROUP (Linux 5.7), which the C library has no wrapper for. */
#ifndef WASBOX_CLONE_INTO_H
#define WASBOX_CLONE_INTO_H

#include <errno.h>
#include <stdint.h>

struct wb_clone_args { /* struct clone_args of linux/sched.h, which disagrees with sched.h */
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  uint64_t set_tid, set_tid_size, cgroup;
};

#define WB_CLONE_INTO_CGROUP 0x200000000ull

/* Runs fn(argument) in the child, on its own stack; the child exits with what it returns. Returns
 * the child's pid, or -1 with errno. */
static inline int wb_clone_into(struct wb_clone_args *args, int (*fn)(void *), void *argument) {
  long ret;
#if defined(__x86_64__)
  __asm__ volatile("syscall\n\t"
                   "test %%rax, %%rax\n\t"
                   "jnz 1f\n\t"
                   "xor %%ebp, %%ebp\n\t"
                   "mov %[argument], %%rdi\n\t"
                   "call *%[fn]\n\t"
                   "mov %%eax, %%edi\n\t"
                   "mov $60, %%eax\n\t"
                   "syscall\n\t"
                   "hlt\n"
                   "1:"
                   : "=a"(ret)
                   : "0"(435L), "D"(args), "S"(sizeof *args), [fn] "r"(fn), [argument] "r"(argument)
                   : "rcx", "r11", "memory");
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = 435;
  register long x0 __asm__("x0") = (long)args;
  register long x1 __asm__("x1") = sizeof *args;
  __asm__ volatile("svc 0\n\t"
                   "cbnz x0, 1f\n\t"
                   "mov x29, #0\n\t"
                   "mov x0, %[argument]\n\t"
                   "blr %[fn]\n\t"
                   "mov x8, #93\n\t"
                   "svc 0\n\t"
                   "brk #1\n"
                   "1:"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), [fn] "r"(fn), [argument] "r"(argument)
                   : "memory");
  ret = x0;
#else
#error "a processor to run on: see the table in ARCHITECTURE.md"
#endif
  if (ret >= 0)
    return (int)ret;
  errno = (int)-ret;
  return -1;
}

#endif
