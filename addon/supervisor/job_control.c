/*
 * Keys of the payload's terminal that concern the whole run: ^Z, which stops the payload, suspends
 * this program too; a second ^C that the payload goes on after ends it. Called by supervise.c.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor.h"

/* The time in which a stop signal stops this program, where anything can. */
#define STOP_MS 100

void wb_stopped(struct wb_run *run, uint32_t continued) {
  const struct wb_caller *caller = &run->terminal.caller;
  /* Where a shell can continue it: all that the caller runs is stopped, too. */
  if (!run->attended || !caller->keyboard || !wb_caller_in_foreground(caller))
    return;
  /* Nothing is done where this program made it stop itself, nor where it goes on already. */
  if (__atomic_load_n(&run->held, __ATOMIC_SEQ_CST) ||
      continued != __atomic_load_n(&run->continued, __ATOMIC_SEQ_CST))
    return;
  wb_terminal_settle(run, __atomic_load_n(&run->asked_to_end, __ATOMIC_SEQ_CST));
  wb_tty_replies_await(&run->terminal, 1);
  __atomic_store_n(&run->held, 1, __ATOMIC_SEQ_CST);
  wb_caller_leave(&run->terminal.caller);
  syscall(SYS_kill, 0, SIGTSTP);
  /* Time to be stopped in; where no shell could continue this program, the kernel does not stop it.
   */
  poll(NULL, 0, STOP_MS);
  wb_signal(run, SIGCONT);
}

uint64_t wb_kill_at(struct wb_run *run) {
  const int second = __atomic_load_n(&run->interrupts, __ATOMIC_SEQ_CST) > 1 ||
                     wb_terminal_interrupts(&run->terminal) > 1;
  if (!run->attended || !second)
    run->kill_at_ns = 0;
  else if (!run->kill_at_ns)
    run->kill_at_ns = wb_now_ns() + run->grace_ns;
  return run->kill_at_ns;
}
