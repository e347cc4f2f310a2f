/*
 * Signals: what the caller is sent goes to the payload. wb_signal is called by any thread and from
 * signal handlers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "message.h"
#include "supervisor.h"

static int deliver(const struct wb_run *run, struct wb_command command) {
  return wb_message_send(run->control, &command, sizeof command, NULL, 0, MSG_DONTWAIT);
}

int wb_command(const struct wb_run *run, uint32_t kind, uint32_t value) {
  return deliver(run, (struct wb_command){.kind = kind, .value = value});
}

void wb_end_programs(const struct wb_run *run) {
  const struct wb_programs *programs = &run->meter.programs;
  if (programs->strays)
    wb_command(run, WB_COMMAND_END_STRAYS, 0);
  for (uint32_t i = 0; i < programs->count; i++) {
    const struct wb_program *one = &programs->list[i];
    if (one->number && one->limit)
      deliver(run, (struct wb_command){WB_COMMAND_END_PROGRAM, one->limit, one->number, 0});
  }
}

static int send_signal(const struct wb_run *run, int signal) {
  return wb_command(run, WB_COMMAND_SIGNAL, (uint32_t)signal);
}

void wb_wake(const struct wb_run *run) {
  const uint64_t one = 1;
  if (run->wake >= 0 && write(run->wake, &one, sizeof one) < 0)
    return; /* it is awake already */
}

/* Without a pid namespace, the other processes would survive init. The warden kills them, after
 * SIGCONT if it is stopped. If it may not be signalled (root without CAP_KILL), init does it.
 */
static int kill_domain(const struct wb_run *run) {
  syscall(SYS_pidfd_send_signal, run->pidfd, SIGCONT, NULL, 0);
  const int told = syscall(SYS_pidfd_send_signal, run->pidfd, WB_WARDEN_SIGNAL, NULL, 0) == 0;
  const int error = wb_command(run, WB_COMMAND_KILL, 0);
  return told ? 0 : error;
}

int wb_signal(struct wb_run *run, int signal) {
  const int terminal = run->terminal.master >= 0;
  __atomic_or_fetch(&run->signals, wb_signal_bit((uint32_t)signal), __ATOMIC_SEQ_CST);
  switch (signal) {
  case SIGKILL:
    __atomic_store_n(&run->killed, 1, __ATOMIC_SEQ_CST);
    if (run->meter.plan->private_root)
      return kill_domain(run);
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
      wb_wake(run);
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
