/*
 * Ends an engine that crashes with a line and 125, not with a bare signal. QuickJS does not check
 * what it compiled itself, so on a damaged image or bytecode it reads memory that is not mapped. A
 * sandbox ends with the process that supervises it (PR_SET_PDEATHSIG in addon/init). Called by
 * main.c.
 */
#include <signal.h>
#include <unistd.h>

#include "engine.h"

/* The C library raises SIGABRT when it finds its memory damaged. */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/* Calls only what may be called anywhere (signal-safety(7)). */
static void crashed(int number) {
  static const char line[] = "wasbox: wasbox-engine crashed: its file may be damaged. Install "
                             "wasbox again\n";
  (void)number;
  const ssize_t written = write(2, line, sizeof line - 1);
  (void)written; /* without stderr the status says it */
  _exit(125);
}

void catch_crashes(void) {
  /* The handler has a stack of its own, for the stack may be what has overflowed. */
  static unsigned char stack[16384] __attribute__((aligned(16)));
  const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action = {.sa_flags = SA_ONSTACK | SA_RESETHAND};
  action.sa_handler = crashed;
  sigaltstack(&own, NULL);
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
    sigaction(crashes[i], &action, NULL);
}
