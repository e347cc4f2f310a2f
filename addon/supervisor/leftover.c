/*
 * The end of a run without a pid namespace: the kernel does not tell when all its processes are
 * gone. The warden ends them by one call (addon/init/warden.c), or init if the warden was killed,
 * and only if both are gone this file does: by the run's cgroup, and at the command line by
 * parentage, because its process is their next subreaper and has few other children. A program that
 * uses the library may have others. Called by launch.c and supervise.c.
 *
 * Neither of the two is killed here while it lives. Killing one process after the other does not
 * end a fork bomb, since each that ends makes room for another; stopping them does, since what is
 * stopped keeps its place and makes no more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory.h"
#include "pin.h"
#include "processes.h"
#include "supervisor.h"

/* The warden or init has so long, and what this file does has so long again. */
#define PATIENCE_NS 5000000000ull
/* One of the two that has done nothing for so long may be stopped. */
#define PROMPT_NS 200000000ull

static int adopts(const struct wb_run *run) {
  return run->attended && run->meter.plan->private_root;
}

void wb_leftover_begin(const struct wb_run *run) {
  if (adopts(run))
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* The other end of the control socket is init's and the warden's alone. */
static int has_keeper(const struct wb_run *run) {
  struct pollfd wait = {run->control, 0, 0};
  poll(&wait, 1, 0);
  return !(wait.revents & POLLHUP);
}

/* The listener hangs up when no process has the filter any more. seccomp(2), "EPOLLHUP" */
static int is_left(const struct wb_run *run) {
  struct pollfd wait = {run->watch.listener, 0, 0};
  poll(&wait, 1, 0);
  return has_keeper(run) || (wait.fd >= 0 && !(wait.revents & POLLHUP));
}

/* A number of a process's status, or 0: it is gone. */
static uint64_t status_of(int process, const char *field) {
  char text[2048 + 32] = {0};
  return wb_read_text(process, "status", text, 2048) > 0 ? wb_processes_field(text, field) : 0;
}

/* Returns whether a process, by its directory, descends from this program through one that cannot
 * gain privileges: true of all processes of the run that are left, and of none that this program
 * starts for itself. A parent is opened before its child is asked for it once more, so the number
 * was still the parent's. */
static int is_left_by_run(int process) {
  const uint64_t self = (uint64_t)syscall(SYS_getpid);
  for (int child = process, is_own = 0;;) {
    const uint64_t number = status_of(child, "PPid:");
    if (number == self)
      is_own = status_of(child, "NoNewPrivs:") == 1;
    const int parent = number > 1 && number != self ? wb_process_open((uint32_t)number) : -1;
    const int goes_on = parent >= 0 && status_of(child, "PPid:") == number;
    if (child != process)
      close(child);
    if (goes_on) {
      child = parent;
      continue;
    }
    if (parent >= 0)
      close(parent);
    return is_own;
  }
}

/* The process is pinned before it is looked at, so another that has taken the number meanwhile is
 * not hit. */
static void signal_one(uint32_t number, int signal) {
  const int process = wb_process_open(number);
  if (process < 0)
    return;
  if (is_left_by_run(process))
    wb_process_signal(process, signal);
  close(process);
  if (signal == SIGKILL)
    syscall(SYS_wait4, (pid_t)number, NULL, WNOHANG | __WALL, NULL);
}

static void signal_left(struct wb_run *run, int signal) {
  struct wb_members *members = &run->meter.members;
  const int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0)
    return;
  members->warden = (uint32_t)syscall(SYS_getpid);
  wb_members_find(members, proc);
  for (uint32_t i = 0; i < members->count; i++)
    if (members->seen[i].belongs && members->seen[i].number != members->warden)
      signal_one(members->seen[i].number, signal);
  close(proc);
}

static void kill_left(struct wb_run *run) {
  signal_left(run, SIGSTOP);
  signal_left(run, SIGSTOP); /* those that were born meanwhile */
  signal_left(run, SIGKILL);
}

int wb_leftover_end(struct wb_run *run) {
  const uint64_t began = wb_now_ns(), patience = adopts(run) ? 2 * PATIENCE_NS : PATIENCE_NS;
  if (!run->meter.plan->private_root)
    return 1;
  while (is_left(run)) {
    const uint64_t since = wb_now_ns() - began;
    if (since >= patience)
      return 0;
    wb_command(run, WB_COMMAND_KILL, 0);
    wb_cgroup_kill(&run->cgroup);
    if (adopts(run) && (since >= PATIENCE_NS || !has_keeper(run)))
      kill_left(run);
    else if (adopts(run) && since >= PROMPT_NS)
      signal_left(run, SIGCONT);
    poll(NULL, 0, since < PROMPT_NS ? 1 : 10);
  }
  return 1;
}
