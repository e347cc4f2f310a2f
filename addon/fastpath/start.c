/*
 * Runs an entry: layer, sandbox, signals, end. Called by main.c. addon/supervisor sets the sandbox
 * up and supervises it, as for Node. Where the entry was saved, the host is asked again while init
 * builds the sandbox; nothing is executed in it before all answers agree.
 */
#include <errno.h>
#include <signal.h>
#include <linux/fcntl.h>
#include <string.h>
#include <time.h>

#include "../plan_check.h"
#include "fastpath.h"

#define SIGSET_BYTES 8
#define SIGNAL_BIT(signal) ((uint64_t)1 << ((signal) - 1))

/* Signals that a user sends to wasbox go to the program inside: src/cli/run.ts. */
static const int forwarded[] = {SIGINT,  SIGTERM, SIGHUP,   SIGQUIT,
                                SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};
#define FORWARDED_COUNT (sizeof forwarded / sizeof *forwarded)

/* A start whose entry was out of date is followed by another one, and neither may find what the
 * other has left. */
static struct attempt {
  struct wb_run run;
  struct wb_refusals refusals;
} repeated, made;
/* The attempt whose payload gets the signals that the user sends to wasbox. */
static struct wb_run *running;

static void forward(int signal) {
  int before = errno;
  wb_signal(running, signal);
  errno = before;
}

/* Stops the payload, then this process with the default action of SIGTSTP: the kernel leaves an
 * orphaned process group running, which no shell could continue. */
static void stop(int signal) {
  int before = errno;
  const uint64_t stops = SIGNAL_BIT(SIGTSTP);
  wb_signal(running, signal);
  handle(SIGTSTP, SIG_DFL);
  sys2(__NR_kill, sys0(__NR_getpid), SIGTSTP);
  sys4(__NR_rt_sigprocmask, SIG_UNBLOCK, &stops, 0, SIGSET_BYTES);
  /* A SIGCONT has continued this process. */
  handle(SIGTSTP, stop);
  wb_signal(running, SIGCONT);
  errno = before;
}

static void set_handlers(void (*handler)(int)) {
  for (unsigned i = 0; i < FORWARDED_COUNT; i++)
    handle(forwarded[i], handler);
}

/* Returns whether the program changed nothing in its layer or its copy of the working directory. */
static int is_untouched(const struct started *started) {
  const struct wb_rundir *run = &started->run;
  return wb_rundir_untouched(run, started->workdir) &&
         (!run->private_root || working_copy_unchanged(run, started->workdir));
}

/* Returns whether there is nothing to report or save, and no interrupted run to recover. A program
 * that failed is not quiet: the engine may have advice. */
static int ends_quietly(const struct started *started, const struct wb_result *result,
                        int interrupted) {
  const struct wb_outcome *outcome = &result->outcome;
  return outcome->kind == WB_ENDED && outcome->signal == 0 && !outcome->timed_out &&
         !result->usage.reached && outcome->exit_code == 0 && started->refusals->total == 0 &&
         result->home.files == 0 && !outcome->stdin_withheld && !interrupted &&
         is_untouched(started);
}

static int make_directory(struct started *started, int state, const struct wb_entry *entry) {
  struct timespec now;
  uint32_t size = 0;
  const char *argv = *started->arguments ? arguments_as_json(started->arguments, &size) : "";
  clock_gettime(CLOCK_REALTIME, &now);
  started->started_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
  const char *trees[] = {started->workdir, entry->home ? entry_at(entry, entry->home) : NULL};
  struct wb_rundir_request request = {
      .trees = trees,
      .tree_count = entry->home ? 2 : 1,
      .home = entry->home != 0,
      .private_root = entry->private_root != 0,
      .placed = {entry_at(entry, entry->placed), entry->placed_size},
      .record = entry_at(entry, entry->record),
      .record_size = entry->record_size,
      .more_argv = argv,
      .more_argv_size = size,
      .started_ms = started->started_ms,
      .reuse = 1,
  };
  if (!argv || wb_rundir_create(&started->run, state, &request) < 0)
    return -1;
  if (!entry->private_root || make_working_copy(&started->run, entry) == 0)
    return 0;
  wb_rundir_abandon(&started->run); /* the engine makes it again, and says why it cannot */
  return -1;
}

/* Notes that a run left no changes, for src/changes/store/last-shown.ts, which reads the time. A
 * failure is ignored: mostly no run of the directory was ever saved. */
static void note_quiet(const struct wb_rundir *run) {
  char path[sizeof "places/-/quiet" + 2 * 20] = "places/";
  char *end = put_decimal(path + sizeof "places/" - 1, run->workdir_dev);
  *end++ = '-';
  end = put_decimal(end, run->workdir_ino);
  memcpy(end, "/quiet", sizeof "/quiet");
  sys4(__NR_utimensat, run->state, path, 0, AT_SYMLINK_NOFOLLOW);
}

/* Notes in the run's lock which process is its init: src/changes/store/init-of-run.ts, for `wasbox
 * stop`. */
static void note_init(int lock, pid_t pid) {
  char text[] = "0000000000\n";
  wb_put_digits(text, (uint64_t)pid, 10, 10);
  sys4(__NR_pwrite64, lock, text, sizeof text - 1, 0);
}

static int start_with(struct wb_entry *entry, int state, const struct wanted *wanted,
                      const struct installation *installation, int umask, struct making *making) {
  const struct command *command = wanted->command;
  struct attempt *attempt = making ? &made : &repeated;
  struct started started = {.workdir = entry_at(entry, entry->workdir),
                            .arguments = arguments_of(entry, command),
                            .refusals = &attempt->refusals};
  char directory[WB_PATH_MAX];
  uint32_t words_size = 0;
  running = &attempt->run;
  if (make_directory(&started, state, entry) < 0)
    return START_FAILED;
  const char *words = join_path(directory, entry_at(entry, entry->runs), started.run.id) < 0 ? NULL
                      : *started.arguments
                          ? arguments_joined(started.arguments, entry, directory, &words_size)
                          : "";
  const struct wb_request request = {
      .directory = directory,
      .words = words,
      .words_size = words_size,
      .plan = entry_at(entry, entry->plan),
      .plan_size = entry->plan_size,
      .init_path = installation->init,
      .stdio = {0, 1, 2},
      .timeout_ns = entry->timeout_ns,
      .grace_ns = entry->grace_ns,
      .attended = 1,
      .umask = umask,
      .held = !making,
      .refusals = &attempt->refusals,
  };
  struct wb_failure failure;
  struct wb_result result;
  /* No signal may interrupt the start of the sandbox; those sent meanwhile stay pending. */
  const uint64_t mask = set_mask(ALL_SIGNALS);
  if (making) /* no recorded answers have to agree before the program starts */
    say_note(entry, command->envp);
  if (!words || wb_start(running, &request, &failure) < 0) {
    set_mask(mask);
    wb_rundir_abandon(&started.run);
    return START_FAILED; /* the engine makes it again, and says why it cannot */
  }
  note_init(started.run.lock, running->pid);
  /* Init builds the sandbox while the host is asked again. It executes nothing until it is told
   * to, and is never told to where an answer differs. */
  const int agrees = making || recorded_reads_agree(entry);
  if (agrees && !making)
    say_note(entry, command->envp);
  if (!agrees)
    wb_signal(running, SIGKILL);
  else if (!making)
    wb_proceed(running);
  const int interrupted =
      entry->discard && wb_rundir_interrupted(started.run.parent, started.run.id);
  set_handlers(forward);
  handle(SIGTSTP, stop);
  handle(SIGPIPE, SIG_IGN);
  uint64_t open = mask & ~SIGNAL_BIT(SIGTSTP);
  for (unsigned i = 0; i < FORWARDED_COUNT; i++)
    open &= ~SIGNAL_BIT(forwarded[i]);
  set_mask(open);
  wb_supervise(running, &result);
  const struct wb_outcome *outcome = &result.outcome;
  set_handlers(SIG_DFL);
  handle(SIGTSTP, SIG_DFL);
  handle(SIGPIPE, SIG_DFL);
  set_mask(mask);
  give_back_streams();

  /* The payload never ran: the engine resolves the options anew, and runs it or says why not. */
  if (!agrees || outcome->kind == WB_SETUP_FAILED || outcome->kind == WB_EXEC_FAILED) {
    wb_close(running);
    wb_release(running);
    wb_rundir_abandon(&started.run);
    return agrees ? START_FAILED : START_STALE;
  }
  const struct wb_entry *whole = making ? end_making(making, wanted) : entry;
  const int saved = making && making->lasts ? making->whole : -1;
  note_run(state, command, &started, &result);
  int quiet =
      ends_quietly(&started, &result, interrupted) && !names_own_option(entry, started.arguments);
  if (quiet) {
    note_quiet(&started.run);
    say_lacks(entry, outcome->lacks, command->envp);
  }
  if (quiet && !wb_is_lost(running) && leave_behind(running, &started.run, saved) == 0) {
    /* The keeper is exiting already; a PID 1 that does not reap would leave it as a zombie. */
    wb_keeper_await(&running->terminal.keeper, 0);
    return outcome->exit_code;
  }
  wb_close(running);
  wb_release(running);
  if (quiet && wb_rundir_retire(&started.run) == 0) {
    wb_rundir_recycle(&started.run);
    save_entry(state, saved);
    return outcome->exit_code;
  }
  save_entry(state, saved);
  sys1(__NR_umask, umask);
  if (whole)
    finish_run(command, installation, whole, &started, &result);
  say_unreported(entry->discard);
  return status_of(&result);
}

int start(struct wb_entry *entry, int state, const struct wanted *wanted,
          const struct installation *installation, struct making *making) {
  /* The modes of files made here must not depend on the caller's umask, which the payload and Node
   * get. */
  const long umask = sys1(__NR_umask, 077);
  note_streams();
  const int status = start_with(entry, state, wanted, installation, (int)umask, making);
  if (status < 0)
    sys1(__NR_umask, umask);
  return status;
}
