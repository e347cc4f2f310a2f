/*
 * A run without a pid namespace. The caller and all that it starts are in one Landlock domain that
 * no signal leaves, and what it starts is in domains below. So when the caller signals all
 * processes, it reaches only its own, and none of them can signal it. kill(2) visits them under a
 * lock that fork(2) takes as well, and a fork with a signal pending fails, so one call ends even a
 * fork bomb (end.c). Orphans become the caller's children. Called by main.c for the warden and for
 * init.
 * landlock(7), "IPC scoping" (Linux 6.12); PR_SET_CHILD_SUBREAPER
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/signal.h>

#include "init.h"

#define REFER (1ull << 13)
#define SCOPE_SIGNAL (1ull << 1)
#define RULE_PATH_BENEATH 1

/* Without such a rule a domain forbids (EXDEV) moving a file to another directory, even if the
 * domain does not restrict files otherwise: LANDLOCK_ACCESS_FS_REFER in landlock(7). */
static void let_files_move(long ruleset) {
  const struct {
    uint64_t access;
    int32_t parent;
  } __attribute__((packed)) rule = {
      REFER, (int32_t)check(sys4(__NR_openat, AT_FDCWD, "/", O_PATH | O_CLOEXEC, 0),
                            WB_STEP_LANDLOCK, "/")};
  check(sys4(__NR_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0), WB_STEP_LANDLOCK, "/");
  sys1(__NR_close, rule.parent);
}

void enter_domain(void) {
  const uint64_t all_signals = ~(uint64_t)0;
  const struct {
    uint64_t fs, net, scoped;
  } attr = {REFER, 0, SCOPE_SIGNAL};
  /* Init takes no signal, like PID 1 of a namespace: a terminal's ^C is the payload's. */
  check(sys4(__NR_rt_sigprocmask, SIG_SETMASK, &all_signals, 0, 8), WB_STEP_START, NULL);
  check(sys5(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), WB_STEP_START, NULL);
  check(sys5(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), WB_STEP_NO_NEW_PRIVS, NULL);
  const long ruleset =
      check(sys3(__NR_landlock_create_ruleset, &attr, sizeof attr, 0), WB_STEP_LANDLOCK, NULL);
  let_files_move(ruleset);
  check(sys2(__NR_landlock_restrict_self, ruleset, 0), WB_STEP_LANDLOCK, NULL);
  sys1(__NR_close, ruleset);
  /* The parent is outside: what must not reach it does not. */
  if (sys2(__NR_kill, sys0(__NR_getppid), 0) != -EPERM)
    die(WB_STEP_LANDLOCK, EPROTO, NULL);
  lead_domain();
}
