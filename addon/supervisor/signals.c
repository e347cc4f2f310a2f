/*
 * Signals: what the caller is sent goes to the payload; what the payload's terminal and its stops
 * mean for the caller. wb_signal is called by any thread and from signal handlers, the rest by
 * supervise.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor.h"

/* In which a stop signal stops this program, where anything can. */
#define STOP_MS 100

int wb_command(const struct wb_run *run, uint32_t kind, uint32_t value) {
  struct wb_command command = {kind, value};
  struct iovec vector = {&command, sizeof command};
  const struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  return sendmsg(run->control, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? errno : 0;
}

static int send_signal(const struct wb_run *run, int signal) {
  return wb_command(run, WB_COMMAND_SIGNAL, (uint32_t)signal);
}

static void wake(const struct wb_run *run) {
  const uint64_t one = 1;
  if (run->wake >= 0 && write(run->wake, &one, sizeof one) < 0)
    return; /* it is awake already */
}

int wb_signal(struct wb_run *run, int signal) {
  const int terminal = run->terminal.master >= 0;
  switch (signal) {
  case SIGKILL:
    __atomic_store_n(&run->killed, 1, __ATOMIC_SEQ_CST);
    return syscall(SYS_pidfd_send_signal, run->pidfd, SIGKILL, NULL, 0) < 0 ? errno : 0;
  case SIGWINCH:
    if (!terminal)
      break;
    wb_terminal_refresh(&run->terminal);
    return 0; /* the payload's terminal tells its foreground */
  case SIGCONT:
    wb_terminal_refresh(&run->terminal);
    __atomic_store_n(&run->held, 0, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&run->continued, 1, __ATOMIC_SEQ_CST);
    break;
  case SIGTSTP:
    /* The process group of a payload without a terminal is an orphan, which SIGTSTP does not stop.
     */
    __atomic_store_n(&run->held, 1, __ATOMIC_SEQ_CST);
    wb_caller_leave(&run->terminal.caller);
    return send_signal(run, SIGSTOP);
  case SIGINT:
    if (__atomic_add_fetch(&run->interrupts, 1, __ATOMIC_SEQ_CST) > 1)
      wake(run);
    __atomic_add_fetch(&run->asked_to_end, 1, __ATOMIC_SEQ_CST);
    break;
  case SIGTERM:
  case SIGHUP:
  case SIGQUIT:
    __atomic_add_fetch(&run->asked_to_end, 1, __ATOMIC_SEQ_CST);
    break;
  default:
    break;
  }
  return send_signal(run, signal);
}

void wb_stopped(struct wb_run *run, uint32_t continued) {
  const struct wb_caller *caller = &run->terminal.caller;
  /* Where somebody can continue it: whatever else the caller runs is stopped, too. */
  if (!run->attended || !caller->keyboard || !wb_caller_in_foreground(caller))
    return;
  /* Not where this program made it stop itself, nor where it goes on already. */
  if (__atomic_load_n(&run->held, __ATOMIC_SEQ_CST) ||
      continued != __atomic_load_n(&run->continued, __ATOMIC_SEQ_CST))
    return;
  wb_terminal_settle(run);
  wb_answers_await(&run->terminal, 1);
  __atomic_store_n(&run->held, 1, __ATOMIC_SEQ_CST);
  wb_caller_leave(&run->terminal.caller);
  syscall(SYS_kill, 0, SIGTSTP);
  /* Time to be stopped in; where nobody could continue this program, the kernel does not stop it.
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
