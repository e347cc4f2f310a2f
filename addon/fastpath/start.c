/*
 * A run from its entry: layer, sandbox, signals, end. Called by main.c. The sandbox is set up and
 * supervised by addon/supervisor, as for Node; while init builds it, the host is asked again, and
 * only then anything is executed in it.
 */
#include <asm/ioctls.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "../plan_check.h"
#include "fastpath.h"

#define SIGSET_BYTES 8
#define SIGNAL_BIT(signal) ((uint64_t)1 << ((signal) - 1))
#define SA_RESTORER_ 0x04000000

/* What a user sends to wasbox goes to the program inside: src/cli/run.ts. */
static const int forwarded[] = {SIGINT,  SIGTERM, SIGHUP,   SIGQUIT,
                                SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};
#define FORWARDED_COUNT (sizeof forwarded / sizeof *forwarded)

struct action {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  uint64_t mask;
};

static struct wb_run running;
static struct wb_refusals refusals;

static void forward(int signal) {
  int before = errno;
  wb_signal(&running, signal);
  errno = before;
}

static void handle(int signal, void (*handler)(int)) {
  struct action action = {.handler = handler, .flags = SA_RESTORER_, .restorer = sys_restore};
  sys4(__NR_rt_sigaction, signal, &action, 0, SIGSET_BYTES);
}

static void set_mask(uint64_t mask) {
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &mask, 0, SIGSET_BYTES);
}

/* The payload stops too, and this process as the kernel would stop it without a handler: where
 * nobody could continue it, not at all. */
static void stop(int signal) {
  int before = errno;
  const uint64_t stops = SIGNAL_BIT(SIGTSTP);
  wb_signal(&running, signal);
  handle(SIGTSTP, SIG_DFL);
  sys2(__NR_kill, sys0(__NR_getpid), SIGTSTP);
  sys4(__NR_rt_sigprocmask, SIG_UNBLOCK, &stops, 0, SIGSET_BYTES);
  /* It goes on. */
  handle(SIGTSTP, stop);
  wb_signal(&running, SIGCONT);
  errno = before;
}

static void set_handlers(void (*handler)(int)) {
  for (unsigned i = 0; i < FORWARDED_COUNT; i++)
    handle(forwarded[i], handler);
}

static void ignore_broken_pipes(int ignore) {
  struct action action = {.handler = ignore ? SIG_IGN : SIG_DFL};
  sys4(__NR_rt_sigaction, SIGPIPE, &action, 0, SIGSET_BYTES);
}

/* A failure is explained where a person reads stderr. */
static int fails_attended(const struct wb_outcome *outcome) {
  char modes[64]; /* struct termios of the kernel: 36 bytes on x86_64 and arm64 */
  return outcome->exit_code != 0 && sys3(__NR_ioctl, 2, TCGETS, modes) == 0;
}

/* Whether nothing has to be told or kept, and no other run put in order. 126 and 127 say that
 * something was not found, for which there is advice. */
static int ends_quietly(const struct layer *layer, const struct wb_result *result,
                        int interrupted) {
  const struct wb_outcome *outcome = &result->outcome;
  return outcome->kind == WB_ENDED && outcome->signal == 0 && !outcome->timed_out &&
         !result->usage.reached && outcome->exit_code != 126 && outcome->exit_code != 127 &&
         refusals.total == 0 && result->home.files == 0 && !outcome->stdin_withheld &&
         !outcome->lacks && !interrupted && !fails_attended(outcome) && layer_untouched(layer);
}

static int start_with(struct wb_entry *entry, int state, const struct command *command,
                      const struct installation *installation, int umask) {
  struct layer layer;
  if (make_layer(&layer, state, entry) < 0)
    return -1;
  const struct wb_request request = {
      .plan = entry_at(entry, entry->plan),
      .plan_size = entry->plan_size,
      .init_path = installation->init,
      .stdio = {0, 1, 2},
      .timeout_ns = entry->timeout_ns,
      .grace_ns = entry->grace_ns,
      .attended = 1,
      .umask = umask,
      .held = 1,
      .refusals = &refusals,
  };
  struct wb_failure failure;
  struct wb_result result;
  uint64_t mask = 0;
  /* The sandbox's start must not be interrupted; what is sent meanwhile waits. */
  const uint64_t all = ~(uint64_t)0;
  sys4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &mask, SIGSET_BYTES);
  if (wb_start(&running, &request, &failure) < 0) {
    set_mask(mask);
    return remove_layer(&layer) < 0 ? 125 : -1;
  }
  /* While init gets ready. Nothing has been executed where an answer differs, and nothing will be.
   */
  const int agrees = recorded_reads_agree(entry, command->envp);
  if (agrees)
    wb_proceed(&running);
  else
    wb_signal(&running, SIGKILL);
  const int interrupted = entry->discard && has_interrupted_runs(&layer);
  set_handlers(forward);
  handle(SIGTSTP, stop);
  ignore_broken_pipes(1);
  uint64_t open = mask & ~SIGNAL_BIT(SIGTSTP);
  for (unsigned i = 0; i < FORWARDED_COUNT; i++)
    open &= ~SIGNAL_BIT(forwarded[i]);
  set_mask(open);
  wb_supervise(&running, &result);
  const struct wb_outcome *outcome = &result.outcome;
  set_handlers(SIG_DFL);
  handle(SIGTSTP, SIG_DFL);
  ignore_broken_pipes(0);
  set_mask(mask);
  give_back_streams();

  /* The payload never ran: resolving afresh says why, or does better. */
  if (!agrees || outcome->kind == WB_SETUP_FAILED || outcome->kind == WB_EXEC_FAILED) {
    wb_close(&running);
    wb_release(&running);
    return remove_layer(&layer) < 0 ? 125 : -1;
  }
  int quiet = ends_quietly(&layer, &result, interrupted);
  if (quiet)
    note_quiet(&layer, state);
  if (quiet && leave_behind(&running, &layer, state) == 0) {
    /* It is on its way out already; left to a PID 1 that waits for nobody, it would stay. */
    wb_keeper_await(&running.terminal.keeper, 0);
    return outcome->exit_code;
  }
  wb_close(&running);
  wb_release(&running);
  if (!quiet || end_layer(&layer, state) < 0) {
    sys1(__NR_umask, umask);
    finish_in_node(command, installation, entry, &layer, &result, &refusals);
  }
  return outcome->exit_code;
}

int start(struct wb_entry *entry, int state, const struct command *command,
          const struct installation *installation) {
  /* What is made here is made with its mode; the caller's umask is for the payload, and for Node.
   */
  const long umask = sys1(__NR_umask, 077);
  note_streams();
  const int status = start_with(entry, state, command, installation, (int)umask);
  if (status < 0)
    sys1(__NR_umask, umask);
  return status;
}
