/*
 * Decides which processors init runs on. Called by main.c and payload.c.
 *
 * The payload's process and init work at the same time, but the kernel starts a process beside its
 * parent where the other processors have just been busy, as with the caller's launch, and leaves it
 * there for longer than a launch takes. So init goes elsewhere, until the payload has executed. Not
 * the payload's process: to choose processors marks a process and its children for good.
 */
#include "init.h"

#define WORD (8 * sizeof(long))

/* The masks have room for 8192 processors, more than any kernel is built for. */
static unsigned long usual[8192 / WORD];
static unsigned long others[sizeof usual / sizeof *usual];
static long usual_size; /* in bytes; 0: where it runs was not changed */

void leave_processor(void) {
  unsigned here = 0;
  const long size = sys3(__NR_sched_getaffinity, 0, sizeof usual, usual);
  if (size <= 0 || sys3(__NR_getcpu, &here, 0, 0) < 0 || here / 8 >= (unsigned long)size)
    return;
  memcpy(others, usual, (size_t)size);
  others[here / WORD] &= ~(1ul << here % WORD);
  /* EINVAL where there is no other. */
  if (sys3(__NR_sched_setaffinity, 0, size, others) == 0)
    usual_size = size;
}

void return_to_processors(void) {
  if (usual_size > 0)
    sys3(__NR_sched_setaffinity, 0, usual_size, usual);
}

/* Each thread that a process makes from here on has the same processors. */
static uint64_t keep_off(long proc, const char *process, uint64_t size) {
  (void)proc;
  const long pid = process_number(process);
  if (pid != sys0(__NR_getpid))
    sys3(__NR_sched_setaffinity, pid, size, others);
  return 0;
}

void spare_processor(void) {
  const long size = sys3(__NR_sched_getaffinity, 0, sizeof others, others);
  unsigned long left = 0;
  int spared = 0;
  for (long i = 0; i < size / (long)sizeof *others; i++) {
    if (others[i] && !spared) {
      others[i] &= others[i] - 1;
      spared = 1;
    }
    left |= others[i];
  }
  if (left)
    each_process(keep_off, (uint64_t)size);
}
