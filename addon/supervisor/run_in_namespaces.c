/* See run_in_namespaces.h. Called by files.c, inject_file.c, lookups.c, pin.c, rights.c, and by
 * inside.c and carry.c of addon/net. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_in_namespaces.h"

#define STACK_SIZE 65536

int wb_run_in_namespaces(int (*function)(void *), void *argument, int flags) {
  char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED)
    return errno;
  pid_t pid = clone(function, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | flags, argument);
  const int error = pid < 0 ? errno : 0;
  if (pid > 0)
    while (syscall(SYS_wait4, pid, NULL, __WALL, NULL) < 0 && errno == EINTR)
      ;
  munmap(stack, STACK_SIZE);
  return error;
}
