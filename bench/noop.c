/* A program that does nothing, without a libc, whose start would be most of its time. */
__attribute__((noreturn, used)) void _start(void) {
#if defined(__x86_64__)
  __asm__ volatile("xorl %%edi, %%edi; movl $60, %%eax; syscall" ::: "memory");
#elif defined(__aarch64__)
  __asm__ volatile("mov x0, #0; mov x8, #93; svc #0" ::: "memory");
#endif
  __builtin_unreachable();
}
