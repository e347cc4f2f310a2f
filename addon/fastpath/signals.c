/* Signals of this process. Called by engine.c, leave.c and start.c. */
#include <signal.h>

#include "fastpath.h"

#define SA_RESTORER_ 0x04000000

void handle(int signal, void (*handler)(int)) {
  const struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
  } action = {.handler = handler, .flags = SA_RESTORER_, .restorer = sys_restore};
  sys4(__NR_rt_sigaction, signal, &action, 0, sizeof action.mask);
}

uint64_t set_mask(uint64_t mask) {
  uint64_t before = 0;
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &mask, &before, sizeof mask);
  return before;
}
