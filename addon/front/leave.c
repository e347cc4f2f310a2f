/*
 * What is left to do after a quiet end, by a process that stays behind: to take the sandbox's
 * mounts apart and to remove its layer takes as long as a short run. Called by start.c.
 *
 * Where it is killed, the run's lock is free and its entry says "running": the next call that looks
 * at the runs removes it (src/changes/heal.ts).
 */
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>

#include "front.h"

#define STRICT (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
/* Of one user at a time; with more, as where runs follow each other fast, each run waits for its
 * own. */
#define LEAVING_MAX 4

/* Whether fewer than LEAVING_MAX are leaving. Each holds a byte of one file, by a lock that goes
 * with the last descriptor of it. */
static int take_place(int state) {
  struct open_how how = {
      .flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, .mode = 0600, .resolve = STRICT};
  long fd = sys4(__NR_openat2, state, "leaving", &how, sizeof how);
  if (fd < 0)
    return 0;
  for (int i = 0; i < LEAVING_MAX; i++) {
    struct flock place = {.l_type = F_WRLCK, .l_start = i, .l_len = 1};
    if (sys3(__NR_fcntl, fd, F_OFD_SETLK, &place) == 0)
      return 1;
  }
  sys1(__NR_close, fd);
  return 0;
}

int leave_behind(struct wb_run *run, const struct layer *layer, int state) {
  if (!take_place(state))
    return -1;
  long pid = sys5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid != 0)
    return pid < 0 ? -1 : 0;
  const uint64_t all = ~(uint64_t)0;
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &all, 0, sizeof all);
  /* Whoever reads the other end of a pipe must not wait for this. */
  for (int fd = 0; fd < 3; fd++)
    sys1(__NR_close, fd);
  wb_release(run);
  remove_layer(layer);
  sys1(__NR_exit_group, 0);
  __builtin_unreachable();
}
