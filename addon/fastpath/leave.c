/*
 * Finishes a run that has nothing to report in a process that stays behind: taking the sandbox's
 * mounts apart and preparing its layer for the next run takes as long as a short run. Called by
 * start.c.
 *
 * If the process is killed, the run's directory stays in `spare` (or in `runs`) with a free lock,
 * and the next command that recovers runs removes it (src/changes/lifecycle/recover-all.ts).
 */
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <signal.h>

#include "fastpath.h"

/* How many such processes a user may have at work. Beyond that, as when runs follow each other
 * fast, a run finishes itself. */
#define LEAVING_MAX 4

/* How many pids each place notes. A finished process stays a zombie until PID 1 reaps it. That may
 * take seconds, and in a container it may never happen: there are never more zombies than
 * LEAVING_MAX * PIDS. */
#define PIDS 8

/* The index in the file of a pid of this place whose process is gone, or -1. */
static int free_pid(int fd, int place) {
  int32_t pids[PIDS] = {0}; /* stays 0 beyond the end of the file */
  const int first = place * PIDS;
  sys4(__NR_pread64, fd, pids, sizeof pids, first * (long)sizeof *pids);
  for (int i = 0; i < PIDS; i++)
    if (pids[i] <= 0 || sys2(__NR_kill, pids[i], 0) < 0)
      return first + i;
  return -1;
}

/* Takes a free place with room for a pid, and returns the index of that pid in the file, or -1. A
 * leaving process locks one byte of the file for its place and writes its pid there. The lock goes
 * when its last descriptor is closed. */
static int take_place(int state, int *file) {
  int fd = wb_open_beneath(state, "leaving", O_RDWR | O_CREAT, 0600);
  if (fd < 0)
    return -1;
  for (int i = 0; i < LEAVING_MAX; i++) {
    struct flock place = {.l_type = F_WRLCK, .l_start = i, .l_len = 1};
    if (sys3(__NR_fcntl, fd, F_OFD_SETLK, &place) < 0)
      continue;
    const int pid = free_pid(fd, i);
    if (pid >= 0) {
      *file = fd;
      return pid;
    }
    place.l_type = F_UNLCK;
    sys3(__NR_fcntl, fd, F_OFD_SETLK, &place);
  }
  sys1(__NR_close, fd);
  return -1;
}

/* Closes all other descriptors before a second process has them open: a process that reads the
 * other end of a pipe, or waits for a lock that the caller passed on, must not wait for this one.
 */
static void close_others(const int *needed, unsigned count) {
  unsigned from = 0;
  for (;;) {
    unsigned next = ~0u;
    for (unsigned i = 0; i < count; i++)
      if (needed[i] >= 0 && (unsigned)needed[i] >= from && (unsigned)needed[i] < next)
        next = (unsigned)needed[i];
    if (next > from)
      sys3(__NR_close_range, from, next == ~0u ? next : next - 1, 0);
    if (next == ~0u)
      return;
    from = next + 1;
  }
}

/* The state of the process that stays behind. It shares the memory of one that ends meanwhile, so
 * nothing of it stands on that one's stack. */
static struct {
  struct wb_run *run;
  struct wb_rundir directory;
  int file, pid; /* of leaving processes, and the index of this one's pid in it */
  int entry;
} left;

static int tidy_up(void *unused) {
  (void)unused;
  set_mask(ALL_SIGNALS);
  const int32_t who = (int32_t)sys0(__NR_getpid);
  sys4(__NR_pwrite64, left.file, &who, sizeof who, (long)left.pid * (long)sizeof who);
  const int retired = wb_rundir_retire(&left.directory);
  wb_close(left.run);
  wb_release(left.run);
  if (retired == 0)
    wb_rundir_recycle(&left.directory);
  else
    wb_rundir_remove(&left.directory);
  save_entry(left.directory.state, left.entry);
  return 0;
}

int leave_behind(struct wb_run *run, const struct wb_rundir *directory, int entry) {
  /* wb_tree_remove needs so much stack for a tree; what is not touched takes no memory. */
  static unsigned char stack[1 << 19] __attribute__((aligned(16)));
  left.pid = take_place(directory->state, &left.file);
  if (left.pid < 0)
    return -1;
  /* The run's descriptors take a while to close, and lead to nothing but the sandbox. */
  const int needed[] = {
      run->pidfd,          run->control,        run->wake,          run->watch.listener,
      run->answering.stop, run->answering.told, run->sampling.told, run->mounts,
      run->meter.proc,     run->meter.scratch,  directory->parent,  directory->directory,
      directory->lock,     directory->state,    left.file,          entry};
  close_others(needed, sizeof needed / sizeof *needed);
  left.run = run;
  left.directory = *directory;
  left.entry = entry;
  /* This is no fork: the memory of this program is small, but its tables are not. */
  long pid = sys_clone(tidy_up, NULL, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
  if (pid < 0)
    tidy_up(NULL); /* no process to be had: done here */
  return 0;
}
