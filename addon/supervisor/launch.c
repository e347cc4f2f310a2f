/*
 * Starts init. A thread of the caller clones with CLONE_VM | CLONE_VFORK, so the cost does not
 * depend on the caller's memory; the child touches only its own stack and raw system calls.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../plan_check.h"
#include "clone_into.h"
#include "network.h"
#include "pin.h"
#include "supervisor.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

#define STACK_SIZE 65536
/* Where the child parks descriptors while it puts them in order. */
#define PARKED 6

struct child {
  int stdio[3], plan, control, init;
  int session;          /* or 0 */
  int umask;            /* or -1 */
  int packets;          /* whether init opens a packet socket */
  int own_rights;       /* whether it has a user namespace, in which it has all capabilities */
  int goes_first;       /* whether the kernel is to take it first when memory runs out */
  int own_cgroups;      /* CLONE_NEWCGROUP where the child still has to make its namespace */
  uint32_t failed_step; /* written by the child, read after it is gone */
  int error;
};

static int child_fail(struct child *child, uint32_t step) {
  child->failed_step = step;
  child->error = errno;
  _exit(125);
}

/* The capabilities init needs in its own user namespace. They must be ambient: its uid is not 0
 * there, and execve(2) would take them away. overlayfs keeps those of the mounting process for its
 * own work on the layer (the second line). The last one sets quotas. capabilities(7) */
static int keep_capabilities(int packets) {
  static const int needed[] = {
      CAP_SYS_ADMIN, CAP_NET_ADMIN,    CAP_NET_BIND_SERVICE, CAP_SETPCAP, CAP_SETUID,
      CAP_SETGID,    CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,  CAP_FOWNER,  CAP_FSETID,
      CAP_CHOWN,     CAP_SYS_RESOURCE,
  };
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
  if (syscall(SYS_capget, &header, data) < 0)
    return -1;
  for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
    data[i].inheritable = data[i].permitted;
  if (syscall(SYS_capset, &header, data) < 0)
    return -1;
  for (unsigned i = 0; i < sizeof needed / sizeof *needed; i++)
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, needed[i], 0, 0) < 0)
      return -1;
  return packets ? prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) : 0;
}

/* Should the machine run out of memory before the supervisor has looked, the kernel takes the
 * sandbox first, init and all. Its processes may take that back for themselves, but not for init,
 * whose part of /proc is read-only: then init is the first, and the sandbox goes with it. This is a
 * second line of defence, on which nothing depends. The kernel changes the child's own signal
 * structure alone, because of CLONE_VFORK. */
static void go_first(void) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  if (write(fd, "1000", 4) < 0)
    errno = 0;
  close(fd);
}

static int run_child(void *argument) {
  struct child *child = argument;
  int *sources[] = {&child->stdio[0], &child->stdio[1], &child->stdio[2], &child->plan,
                    &child->control,  &child->session,  &child->init};
  const int given = child->session ? WB_FD_SESSION + 1 : WB_FD_SESSION;
  for (int i = 0; i < 7; i++)
    if ((i != WB_FD_SESSION || child->session) &&
        (*sources[i] = fcntl(*sources[i], F_DUPFD_CLOEXEC, PARKED)) < 0)
      child_fail(child, WB_STEP_DESCRIPTORS);
  for (int i = 0; i < given; i++)
    if (dup2(*sources[i], i) < 0)
      child_fail(child, WB_STEP_DESCRIPTORS);
  /* CLOSE_RANGE_CLOEXEC: init itself is still needed for the execution below. */
  if (syscall(SYS_close_range, given, ~0u, 4) < 0)
    child_fail(child, WB_STEP_DESCRIPTORS);
  if (child->own_cgroups && syscall(SYS_unshare, child->own_cgroups) < 0)
    child_fail(child, WB_STEP_NAMESPACES);
  if (child->umask >= 0)
    syscall(SYS_umask, child->umask);
  if (child->goes_first)
    go_first();
  if (child->own_rights && keep_capabilities(child->packets) < 0)
    child_fail(child, WB_STEP_CAPABILITIES);
  char *argv[] = {(char *)"wasbox-init", NULL};
  char *envp[] = {NULL};
  syscall(SYS_execveat, child->init, "", argv, envp, AT_EMPTY_PATH);
  return child_fail(child, WB_STEP_EXEC_INIT);
}

static int write_all(int fd, const char *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t n = write(fd, bytes + done, size - done);
    if (n < 0)
      return -1;
    done += (size_t)n;
  }
  return 0;
}

/* Seals the plan with what `takes` says in place of its mode: init decides nothing. */
static int sealed_plan(const struct wb_request *request, unsigned takes) {
  const uint32_t terminal = WB_TERMINAL_DECIDED | takes;
  const char *directory = request->directory ? request->directory : "";
  int fd = memfd_create("wasbox-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0)
    return -1;
  if (write_all(fd, request->plan, request->plan_size) < 0 ||
      write_all(fd, directory, strlen(directory) + 1) < 0 ||
      write_all(fd, request->words, request->words_size) < 0) {
    close(fd);
    return -1;
  }
  const long at = offsetof(struct wb_plan, terminal);
  if (syscall(SYS_pwrite64, fd, &terminal, sizeof terminal, at) != sizeof terminal) {
    close(fd);
    return -1;
  }
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
    close(fd);
    return -1;
  }
  return fd;
}

/* The child is in the run's cgroup from the first moment on. A cgroup namespace has the cgroup for
 * its root in which it is made, so the child makes it; else it would show the way there. */
static int clone_in_cgroup(struct wb_run *run, struct child *child, char *stack, int flags) {
  child->own_cgroups = flags & CLONE_NEWCGROUP;
  struct wb_clone_args args = {
      .flags = WB_CLONE_INTO_CGROUP | (unsigned)(flags & ~CLONE_NEWCGROUP),
      .pidfd = (uint64_t)(uintptr_t)&run->pidfd,
      .stack = (uint64_t)(uintptr_t)stack,
      .stack_size = STACK_SIZE,
      .cgroup = (uint64_t)run->cgroup.fd,
  };
  return wb_clone_into(&args, run_child, child);
}

static int start_init(struct wb_run *run, struct child *child, const struct wb_plan *plan,
                      struct wb_failure *failure) {
  char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED)
    return wb_fail(failure, WB_STEP_MEMFD, errno, NULL);
  /* No exit signal: the caller's own SIGCHLD handling never hears of this child. */
  wb_leftover_begin(run);
  int flags =
      (int)((plan->namespaces & ~wb_late_namespaces(plan)) | CLONE_VM | CLONE_VFORK | CLONE_PIDFD);
  run->pidfd = -1;
  run->pid = run->cgroup.fd < 0 ? -1 : clone_in_cgroup(run, child, stack, flags);
  if (run->pid < 0) {
    wb_cgroup_close(&run->cgroup); /* what it would have held, the supervisor does */
    child->own_cgroups = 0;
    run->pid = clone(run_child, stack + STACK_SIZE, flags, child, &run->pidfd);
  }
  int error = errno;
  munmap(stack, STACK_SIZE);
  if (run->pid < 0)
    return wb_fail(failure, WB_STEP_NAMESPACES, error, NULL);
  if (child->failed_step) {
    siginfo_t info;
    waitid((idtype_t)P_PIDFD, (id_t)run->pidfd, &info, WEXITED | __WALL);
    close(run->pidfd);
    return wb_fail(failure, child->failed_step, child->error, NULL);
  }
  return 0;
}

/*
 * Root's pipes belong to root: the payload, which is not root on the host, could not open
 * /dev/stdout again. Anonymous pipes only, which no other program can see; a file or terminal of
 * the host keeps its owner.
 */
static void give_pipes(const struct wb_run *run, const int stdio[3]) {
  for (int i = 0; i < 3; i++) {
    struct statfs info;
    if (fstatfs(stdio[i], &info) == 0 && info.f_type == PIPEFS_MAGIC &&
        fchown(stdio[i], run->watch.ids.host_uid, (gid_t)-1) < 0)
      continue; /* a convenience: what it was for then says EACCES by itself */
  }
}

/*
 * Taking a mount namespace apart takes as long as a short payload runs, and the last process of a
 * sandbox does it before its end is seen. A reference of ours leaves that to wb_release, after the
 * result is out. Without one (another user's init, no /proc) it is merely slower.
 */
static void hold_mounts(struct wb_run *run) {
  const int init = wb_process_open((uint32_t)run->pid); /* not reaped yet: the number is its own */
  run->mounts = init < 0 ? -1 : openat(init, "ns/mnt", O_RDONLY | O_CLOEXEC);
  if (init >= 0)
    close(init);
}

/* Prepares what only a person at the terminal needs: the ends of the relay, which the caller may
 * close once the run has started, and signals that the supervisor hears of. */
static int attend(struct wb_run *run, const struct wb_request *request,
                  struct wb_failure *failure) {
  /* Without a person there is a program, which shows the terminal: its size changes by a call. */
  const int wakes = run->attended || run->terminal.takes;
  run->terminal.needs_reader = !run->attended;
  if (wakes && (run->wake = (int)syscall(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
    return wb_fail(failure, WB_STEP_CONTROL, errno, NULL);
  int error = wb_caller_open(&run->terminal.caller, run->terminal.takes, request->stdio);
  return error ? wb_fail(failure, WB_STEP_TERMINAL, error, NULL) : 0;
}

static void abandon(struct wb_run *run) {
  close(run->control);
  if (run->wake >= 0)
    close(run->wake);
  wb_caller_close(&run->terminal.caller);
}

/* Writes the run's id to a plan that has a place for it. Returns 0, or -1 where it is not known, or
 * what goes beside the plan is too long. */
static int name_plan(const struct wb_request *request) {
  struct wb_plan *plan = request->plan;
  const char *directory = request->directory ? request->directory : "";
  const size_t length = strlen(directory);
  if (length >= WB_PATH_MAX || request->words_size > WB_PLAN_MAX - request->plan_size)
    return -1;
  if (plan->run_id_count == 0)
    return 0;
  if (length <= WB_RUN_ID || directory[length - WB_RUN_ID - 1] != '/')
    return -1;
  wb_plan_name(plan, directory + length - WB_RUN_ID);
  return 0;
}

/* `stdio` is what the payload gets. */
static int start_with(struct wb_run *run, const struct wb_request *request, const int stdio[3],
                      struct wb_failure *failure) {
  const struct wb_plan *plan = request->plan;
  if (plan->ids == WB_IDS_NESTED && wb_is_real_root())
    return wb_fail(failure, WB_STEP_IDENTITY, EPERM, NULL);
  if (plan->ids == WB_IDS_PRIVILEGED && syscall(SYS_setgroups, 0, NULL) < 0)
    return wb_fail(failure, WB_STEP_IDENTITY, errno, NULL);
  if (plan->ids == WB_IDS_PRIVILEGED)
    give_pipes(run, stdio);

  struct child child = {.stdio = {stdio[0], stdio[1], stdio[2]},
                        .session = request->session,
                        .umask = request->umask,
                        .packets = run->watch.network != NULL,
                        .own_rights = (plan->namespaces & CLONE_NEWUSER) != 0,
                        .goes_first = plan->private_root == 0};
  int control[2];
  child.init = wb_init_executable(request->init_path);
  if (child.init < 0)
    return wb_fail(failure, WB_STEP_EXEC_INIT, errno, request->init_path);
  if ((child.plan = sealed_plan(request, run->terminal.takes)) < 0)
    return wb_fail(failure, WB_STEP_MEMFD, errno, NULL);
  const int plan_fd = child.plan;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0) {
    int error = errno;
    close(plan_fd);
    return wb_fail(failure, WB_STEP_CONTROL, error, NULL);
  }
  child.control = control[1];
  run->control = control[0];
  int ret = attend(run, request, failure);
  if (ret == 0)
    ret = start_init(run, &child, plan, failure);
  close(control[1]);
  close(plan_fd);
  if (ret == 0 && plan->ids == WB_IDS_PRIVILEGED && (ret = wb_grant(run, request, failure)) < 0) {
    /* Without its GO, init cannot do anything but die. */
    siginfo_t info;
    syscall(SYS_pidfd_send_signal, run->pidfd, SIGKILL, NULL, 0);
    waitid((idtype_t)P_PIDFD, (id_t)run->pidfd, &info, WEXITED | __WALL);
    close(run->pidfd);
  }
  if (ret < 0)
    abandon(run);
  else
    hold_mounts(run);
  if (ret == 0)
    wb_meter_begin(&run->meter, (uint32_t)run->pid, run->mounts);
  if (ret == 0 && run->watch.network)
    run->watch.network->started(run->watch.network, run->pidfd);
  return ret;
}

/* Where init is gone already, what it told says why. */
void wb_proceed(struct wb_run *run) {
  const int error = wb_command(run, WB_COMMAND_PROCEED, 0);
  if (!error || error == EPIPE || error == ECONNRESET)
    return;
  run->unheard = error; /* init would wait for ever */
  wb_signal(run, SIGKILL);
}

static int start_relayed(struct wb_run *run, const struct wb_request *request,
                         struct wb_failure *failure) {
  const struct wb_plan *plan = request->plan;
  int stdio[3];
  memcpy(stdio, request->stdio, sizeof stdio);
  run->terminal.takes = wb_caller_takes(plan->terminal, stdio);
  int error = wb_relay_open(&run->relay, plan, run->terminal.takes, stdio);
  if (error)
    return wb_fail(failure, WB_STEP_LIMITS, error, NULL);
  wb_caller_narrow(run->terminal.takes, stdio);
  wb_cgroup_open(&run->cgroup, plan);
  run->meter.cgroup = &run->cgroup;
  if (plan->cpu_us)
    wb_clock_open(&run->meter.clock);
  const char *lock = plan->image_lock ? wb_plan_at(plan, plan->image_lock) : NULL;
  error = lock ? wb_image_lock(run, lock) : 0;
  int ret = error ? wb_fail(failure, WB_STEP_IMAGE_LOCK, error, lock)
                  : start_with(run, request, stdio, failure);
  wb_relay_started(request->stdio, stdio);
  if (ret < 0) {
    wb_image_unlock(run);
    wb_relay_close(&run->relay);
    wb_cgroup_close(&run->cgroup);
    wb_clock_close(&run->meter.clock);
  } else if (!request->held) {
    wb_proceed(run);
  }
  return ret;
}

int wb_start(struct wb_run *run, const struct wb_request *request, struct wb_failure *failure) {
  const struct wb_plan *plan = request->plan;
  memset(failure, 0, sizeof *failure);
  run->timeout_ns = request->timeout_ns;
  run->grace_ns = request->grace_ns;
  run->started_ns = wb_now_ns();
  run->attended = request->attended;
  run->mounts = run->wake = run->image_lock = -1;
  run->watch.listener = -1;
  wb_answering_init(&run->answering);
  wb_sampling_init(&run->sampling);
  run->terminal.master = run->terminal.caller.in = -1;
  run->terminal.caller.out.fd = run->terminal.caller.passed = -1;
  if (!wb_plan_valid(plan, request->plan_size) || (plan->session != 0) != (request->session != 0) ||
      name_plan(request) < 0)
    return wb_fail(failure, WB_STEP_PLAN, EINVAL, NULL);
  run->watch.filter = (const struct sock_filter *)(const void *)wb_plan_at(plan, plan->filter);
  run->watch.filter_count = plan->filter_count;
  run->watch.guard = (const struct sock_filter *)(const void *)wb_plan_at(plan, plan->guard);
  run->watch.guard_count = plan->guard_count;
  run->watch.guard_behalf = plan->guard_behalf;
  run->watch.directories = (plan->watch_flags & WB_WATCH_DIRECTORIES) != 0;
  struct wb_ids *ids = &run->watch.ids;
  *ids = (struct wb_ids){wb_plan_ids(plan, plan->uid_ranges),
                         wb_plan_ids(plan, plan->gid_ranges),
                         plan->uid_range_count,
                         plan->gid_range_count,
                         0,
                         0};
  if (plan->ids == WB_IDS_DROPPED) {
    ids->host_uid = plan->uid;
    ids->host_gid = plan->gid;
  } else if (plan->ids == WB_IDS_PRIVILEGED) {
    ids->host_uid = wb_id_outside(ids->uids, ids->uid_count, plan->uid);
    ids->host_gid = wb_id_outside(ids->gids, ids->gid_count, plan->gid);
  }
  run->watch.refusals = request->refusals;
  run->watch.asker = request->asker;
  wb_meter_open(&run->meter, plan, request->directory);
  run->watch.observe = request->observe;
  run->watch.settle = request->settle;
  run->watch.audit = request->audit;
  run->watch.private_root =
      plan->private_root ? (const char *)wb_plan_at(plan, plan->private_root) : NULL;
  wb_open_ports_begin(&run->ports, plan, request->ports);
  run->watch.ports = &run->ports;
  run->watch.isolated = (plan->namespaces & CLONE_NEWNET) != 0 && plan->net == WB_NET_NONE;
  run->watch.network = plan->net == WB_NET_RULES ? request->network : NULL;
  if (plan->net == WB_NET_RULES) {
    uint32_t step = WB_STEP_NETWORK;
    struct wb_network *network = request->network;
    char what[64] = "";
    int refused = network ? network->begin(network, plan, &step, what, sizeof what) : ENOSYS;
    if (refused)
      return wb_fail(failure, step, refused, what);
  }
  if (!wb_shell_reads(request->stdio[0]))
    return start_relayed(run, request, failure);
  struct wb_request other = *request;
  other.stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (other.stdio[0] < 0)
    return wb_fail(failure, WB_STEP_STDIO, errno, "/dev/null");
  run->stdin_withheld = 1;
  int ret = start_relayed(run, &other, failure);
  close(other.stdio[0]);
  return ret;
}
