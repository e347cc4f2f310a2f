/* See reserve.h. Called by whatever keeps a descriptor open for the payload: ptys.c, and sources.c,
 * handed.c and datagrams.c of addon/net. */
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "reserve.h"

/* As many as the samples of all limits, the helpers and the end of a run take, and some for the
 * program that uses the library. A quarter where there are few. */
#define RESERVED 64

int wb_reserve_reached(int file) {
  struct rlimit most;
  /* A new descriptor has the lowest number that is free. */
  if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &most) < 0)
    return 1;
  const rlim_t few = most.rlim_cur / 4;
  return (rlim_t)file >= most.rlim_cur - (few < RESERVED ? few : RESERVED);
}
