/*
 * The end of a run without a pid namespace: the kernel does not tell when all its processes are
 * gone. The warden waits for them (addon/init/warden.c), or init if the warden was killed. If both
 * were killed at the same moment, the processes that they leave are killed here: by the run's
 * cgroup, and at the command line by parentage, because its process is their next subreaper and has
 * few other children. A program that uses the library may have others. Called by launch.c and
 * supervise.c.
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

#define PATIENCE_NS 5000000000ull

static int adopts(const struct wb_run *run) {
  return run->attended && run->meter.plan->private_root;
}

void wb_leftover_begin(const struct wb_run *run) {
  if (adopts(run))
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* The other end of the control socket is init's and the warden's alone, and the listener hangs up
 * when no process has the filter any more. seccomp(2), "EPOLLHUP" */
static int is_left(const struct wb_run *run) {
  struct pollfd wait[2] = {{run->control, 0, 0}, {run->watch.listener, 0, 0}};
  poll(wait, 2, 0);
  return !(wait[0].revents & POLLHUP) || (wait[1].fd >= 0 && !(wait[1].revents & POLLHUP));
}

/* Returns whether it is this program's child, by birth or by adoption, that cannot gain
 * privileges: true of all processes of the run that are left, and of none that this program
 * starts for itself. */
static int is_adopted(int process) {
  char text[2048 + 32] = {0};
  return wb_read_text(process, "status", text, 2048) > 0 &&
         wb_processes_field(text, "NoNewPrivs:") == 1 &&
         wb_processes_field(text, "PPid:") == (uint64_t)syscall(SYS_getpid);
}

/* Pinned before it is looked at, so that another process that has taken the number meanwhile is not
 * hit. The descendants of one that is killed are adopted in their turn. */
static void kill_one(uint32_t number) {
  const int process = wb_process_open(number);
  if (process < 0)
    return;
  if (is_adopted(process))
    wb_process_signal(process, SIGKILL);
  close(process);
  syscall(SYS_wait4, (pid_t)number, NULL, WNOHANG | __WALL, NULL);
}

static void kill_adopted(struct wb_run *run) {
  struct wb_members *members = &run->meter.members;
  const int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0)
    return;
  members->warden = (uint32_t)syscall(SYS_getpid);
  wb_members_find(members, proc);
  for (uint32_t i = 0; i < members->count; i++)
    if (members->seen[i].belongs && members->seen[i].number != members->warden)
      kill_one(members->seen[i].number);
  close(proc);
}

int wb_leftover_end(struct wb_run *run) {
  const uint64_t deadline = wb_now_ns() + PATIENCE_NS;
  if (!run->meter.plan->private_root)
    return 1;
  while (is_left(run)) {
    if (wb_now_ns() >= deadline)
      return 0;
    wb_command(run, WB_COMMAND_KILL, 0);
    wb_cgroup_kill(&run->cgroup);
    if (adopts(run))
      kill_adopted(run);
    poll(NULL, 0, 1);
  }
  return 1;
}
