/* A thread's stack while it waits. */
#ifndef WASBOX_STACK_H
#define WASBOX_STACK_H

#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Gives back, before a long wait, what deeper calls have used of this thread's stack. It would be
 * resident for as long as a sandbox is idle. This frame and those of the calls to come fit in 1
 * KiB, and a stack has room for some more pages. */
__attribute__((noinline)) static void wb_rest_stack(void) {
  const uintptr_t page = 4096, below = 4 * page;
  const uintptr_t end = ((uintptr_t)__builtin_frame_address(0) - 1024) & ~(page - 1);
  syscall(SYS_madvise, end - below, below, MADV_DONTNEED);
}

#endif
