/*
 * Priority, processors and limits of the caller itself. Without a pid namespace a number names any
 * process of the user, so the filter of Landlock isolation refuses each call with one but 0.
 * Programs also name themselves (taskset -p $$, Python's os.sched_setaffinity(os.getpid(), …)): the
 * kernel goes on with those. Called by notify.c.
 *
 * The number is a register, which no other thread can change. It is the calling thread's or its
 * process's, neither of which can become another one's while that thread waits.
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "notify.h"
#include "pin.h"
#include "processes.h"

#define NONE -1
#define OWN_PROCESS 0 /* PRIO_PROCESS, setpriority(2) */
#define IO_PROCESS 1  /* IOPRIO_WHO_PROCESS, ioprio_set(2) */

/* Where the number stands, and what another argument must be. */
struct form {
  int nr;
  signed char pid, which, value;
};

static const struct form forms[] = {
    {__NR_setpriority, 1, 0, OWN_PROCESS}, {__NR_ioprio_set, 1, 0, IO_PROCESS},
    {__NR_sched_setaffinity, 0, NONE, 0},  {__NR_sched_setattr, 0, NONE, 0},
    {__NR_sched_setparam, 0, NONE, 0},     {__NR_sched_setscheduler, 0, NONE, 0},
    {__NR_prlimit64, 0, NONE, 0},
};

/* The process of a thread, in the supervisor's own pid namespace; 0 where it is not known. */
static uint64_t process_of(struct wb_pin *caller) {
  char text[1024 + 16] = {0};
  return wb_pin_text(caller, "status", text, 1024) > 0 ? wb_processes_field(text, "Tgid:") : 0;
}

int wb_own_thread(struct wb_pin *caller) {
  const __u64 *args = caller->call->data.args;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    const struct form *form = &forms[i];
    if (form->nr != caller->call->data.nr)
      continue;
    const uint32_t named = (uint32_t)args[(int)form->pid];
    if (form->which != NONE && (int)args[(int)form->which] != form->value)
      return 0;
    return named == caller->call->pid || process_of(caller) == named;
  }
  return 0;
}
