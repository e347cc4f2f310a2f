/* The end of init and of all its processes. Called by domain.c, warden.c, control.c, child.c and
 * payload.c. */
#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/wait.h>

#include "init.h"

/* The first process of a domain that is in force, or 1 in a pid namespace: 0 before, when no signal
 * may be sent to all. */
static long leader;

void lead_domain(void) {
  leader = sys0(__NR_getpid);
}

void kill_domain(void) {
  if (!leader || sys0(__NR_getpid) != leader)
    return;
  /* Without a child there is nothing to kill, since orphans become children (domain.c), and kill(2)
   * would look at every process of the machine. Again for what was about to enter a domain of its
   * own, or is traced. */
  while (sys4(__NR_wait4, -1, 0, WNOHANG | __WALL, 0) != -ECHILD) {
    sys2(__NR_kill, -1, SIGKILL);
    sys4(__NR_wait4, -1, 0, __WALL, 0);
  }
}

_Noreturn void end_init(long status) {
  kill_domain();
  sys1(__NR_exit_group, status);
  __builtin_unreachable();
}
