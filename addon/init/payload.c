/*
 * The payload's start and end. Called by main.c before the file tree is built, to start the child
 * (child.c; with a terminal of its own, later), and when everything is in place: obeys the
 * supervisor, reaps, and reports the end.
 */
#include <asm/ioctls.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/signal.h>
#include <linux/signalfd.h>
#include <linux/time.h>
#include <linux/wait.h>

#include "child.h"

#define SFD_CLOEXEC_NONBLOCK (02000000 | 04000)

static void forward_signal(long payload, uint32_t signal) {
  if (signal == 0 || signal > 64)
    return;
  if (payload == 0) { /* of a session: all that is inside, kill(2) */
    sys2(__NR_kill, -1, signal);
    return;
  }
  /* The signal goes to the payload's process group; before setsid(2) took effect, or without a
   * session, only to itself. */
  if (sys2(__NR_kill, -payload, signal) < 0)
    sys2(__NR_kill, payload, signal);
}

/* The bytes that the kernel takes for them, about: ipc/sem.c, ipc/msg.c. */
enum { SEMAPHORE = 64, SET = 512, UNDO = 128, UNDO_EACH = 2, QUEUE = 512, MESSAGE = 128 };

/* System V objects that exist, whether a process uses them or not: shmctl(2), semctl(2), msgctl(2).
 */
static void send_shared(void) {
  struct {
    int used;
    unsigned long total, resident, swapped, attempts, successes;
  } memory = {0};
  struct {
    int unused[7], sets, unused_too, semaphores;
  } semaphores = {0};
  struct {
    int queues, messages, unused[4], bytes;
    unsigned short unused_too;
  } messages = {0};
  const int shm_info = 14, sem_info = 19, msg_info = 12;
  struct wb_event event = {.kind = WB_EVENT_SHARED};
  if (sys3(__NR_shmctl, 0, shm_info, &memory) >= 0)
    event.pages = memory.resident;
  if (sys4(__NR_semctl, 0, 0, sem_info, &semaphores) >= 0) {
    const uint64_t sets = (unsigned)semaphores.sets, each = (unsigned)semaphores.semaphores;
    event.kernel_bytes += sets * SET + each * SEMAPHORE;
    event.task_bytes = sets * UNDO + each * UNDO_EACH;
  }
  if (sys3(__NR_msgctl, 0, msg_info, &messages) >= 0)
    event.kernel_bytes += (uint64_t)(unsigned)messages.queues * QUEUE +
                          (uint64_t)(unsigned)messages.messages * MESSAGE +
                          (unsigned)messages.bytes;
  send_event(&event);
}

/* The facts of the plan, which a session lets go of. */
struct shares {
  int machine; /* the run has no namespaces: what it has of System V is the machine's */
  int user;    /* its user is the caller's as well */
};

static void obey(const struct shares *shares, long payload, const struct wb_command *command,
                 uint32_t *continued) {
  const int of_user = 2; /* PRIO_USER: of this pid namespace, getpriority(2) */
  switch (command->kind) {
  case WB_COMMAND_SIGNAL:
    *continued += command->value == SIGCONT;
    forward_signal(payload, command->value);
    break;
  case WB_COMMAND_DEPRIORITISE:
    if (!shares->user)
      sys3(__NR_setpriority, of_user, 0, command->value);
    break;
  case WB_COMMAND_SHARED:
    if (!shares->machine) /* else they are closed to the payload */
      send_shared();
    break;
  case WB_COMMAND_END_PROGRAM:
    if (command->program) {
      note_limit(command->program, command->value);
      end_marked(command->program, !shares->machine);
    }
    break;
  case WB_COMMAND_END_STRAYS:
    end_marked(0, !shares->machine);
    break;
  case WB_COMMAND_SPARE:
    if (!shares->machine)
      spare_processor();
    break;
  default:
    break;
  }
}

/* The low bits of a wait status. */
#define STOPPED 0x7f

static void fill_ended(struct wb_event *ended, int status) {
  ended->time_ns = now_ns();
  ended->status = status;
  struct rusage all;
  memset(&all, 0, sizeof all);
  sys2(__NR_getrusage, RUSAGE_CHILDREN, &all);
  ended->user_us = (uint64_t)all.ru_utime.tv_sec * 1000000u + (uint64_t)all.ru_utime.tv_usec;
  ended->system_us = (uint64_t)all.ru_stime.tv_sec * 1000000u + (uint64_t)all.ru_stime.tv_usec;
  ended->max_rss_kib = (uint64_t)all.ru_maxrss;
}

/* Reaps every child; returns 1 once the payload is among them. A session has none (0). */
static int reap(long payload, uint32_t continued, struct wb_event *ended) {
  for (;;) {
    int status = 0;
    struct rusage usage;
    memset(&usage, 0, sizeof usage);
    uint32_t number;
    const long next = next_ended(&number);
    long pid =
        sys4(__NR_wait4, next > 0 ? next : -1, &status, WNOHANG | WUNTRACED | __WALL, &usage);
    if (pid <= 0)
      return 0;
    if (number)
      tell_reaped(number, &usage);
    if (payload == 0 && (status & 0xff) == STOPPED)
      tell_stopped(pid);
    else if (payload == 0)
      tell_ended(pid, status, &usage, now_ns());
    if (pid != payload)
      continue;
    if ((status & 0xff) == STOPPED) {
      const struct wb_event stopped = {
          .kind = WB_EVENT_STOPPED, .step = continued, .status = status};
      send_event(&stopped);
      continue;
    }
    fill_ended(ended, status);
    return 1;
  }
}

struct start *begin_payload(struct wb_plan *plan, char **argv, long umask, long quotas,
                            int terminal) {
  static unsigned char stack[16384] __attribute__((aligned(16)));
  static struct start start;
  start.plan = plan;
  start.umask = umask;
  start.quotas = quotas;
  start.terminal = terminal;
  start.argv = argv;
  start.envp = relocate(plan, plan->envp, plan->envc);

  const uint64_t all_signals = ~(uint64_t)0;
  check(sys4(__NR_rt_sigprocmask, SIG_SETMASK, &all_signals, 0, SIGSET_BYTES), WB_STEP_START, NULL);
  /* A caller that ignores SIGCHLD hands that on: the kernel would reap the payload, and tell no
   * one.
   */
  reset_signal(SIGCHLD);
  uint64_t mask = (uint64_t)1 << (SIGCHLD - 1);
  if (plan->session)
    mask |= (uint64_t)1 << (SIGTERM - 1);
  start.children = (int)check(sys4(__NR_signalfd4, -1, &mask, SIGSET_BYTES, SFD_CLOEXEC_NONBLOCK),
                              WB_STEP_START, NULL);
  if (leads_session(plan, terminal)) {
    check(sys0(__NR_setsid), WB_STEP_SESSION, NULL);
    check(sys3(__NR_ioctl, 0, TIOCSCTTY, 0), WB_STEP_TERMINAL, NULL);
  }
  start.pid = check(start_child(&start, stack, sizeof stack), WB_STEP_START, NULL);
  return &start;
}

/* A session may be idle for days: gives back the plan with the string behind it, and what the
 * set-up has used of this stack. No frame in use lies a page below this one. */
__attribute__((noinline)) static void rest_memory(const struct wb_plan *plan) {
  const unsigned long page = 4096, below = 8 * page;
  const unsigned long end = ((unsigned long)__builtin_frame_address(0) & ~(page - 1)) - page;
  sys2(__NR_munmap, plan, plan->size + str_len((const char *)plan + plan->size) + 1);
  sys3(__NR_madvise, end - below, below, MADV_DONTNEED);
}

int run_payload(struct start *start, uint32_t lacking) {
  finish_child(start);
  return_to_processors();
  if (start->failed_step)
    die(start->failed_step, start->error, wb_plan_at(start->plan, start->plan->exec_path));
  const struct wb_plan *plan = start->plan;
  const int serves = plan->session != 0;
  const int machine = plan->private_root != 0;
  const struct shares shares = {machine, machine && plan->ids != WB_IDS_DROPPED};
  const long payload = serves ? 0 : start->pid;
  const int children = start->children;
  /* The supervisor measures the run by these: the sandbox's own processes and files in memory. */
  struct wb_event started = {.kind = WB_EVENT_STARTED, .step = lacking};
  const long places[] = {
      sys4(__NR_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0),
      scratch_descriptor()};
  send_descriptors(&started, places, 2);
  sys1(__NR_close, places[0]);
  if (places[1] >= 0)
    sys1(__NR_close, places[1]);

  /* The payload owns the terminal, the files, the pipes: init lets go of its copies. */
  if (serves) {
    rest_memory(plan);
    open_session();
  } else {
    sys1(__NR_close, 0);
    sys1(__NR_close, 1);
    sys1(__NR_close, 2);
  }

  struct wb_event ended = {.kind = WB_EVENT_ENDED};
  uint32_t continued = 0;
  for (;;) {
    struct pollfd wait[4] = {{.fd = WB_FD_CONTROL, .events = POLLIN},
                             {.fd = children, .events = POLLIN},
                             {.fd = serves ? WB_FD_SESSION : -1, .events = POLLIN},
                             {.fd = (int)warden_descriptor()}};
    sys5(__NR_ppoll, wait, 4, 0, 0, 0);
    if (wait[3].revents)
      end_init(125);
    if (wait[1].revents) {
      struct signalfd_siginfo info;
      int stopped = 0;
      while (sys3(__NR_read, children, &info, sizeof info) == sizeof info)
        /* `wasbox stop`, from outside: there the sender has no pid here. */
        stopped |= info.ssi_signo == SIGTERM && info.ssi_pid == 0;
      if (stopped) {
        fill_ended(&ended, 0);
        send_event(&ended);
        return 0;
      }
      if (reap(payload, continued, &ended)) {
        if (plan->processes && (plan->namespaces & CLONE_NEWPID))
          ended.step = count_tasks_left();
        if (machine) /* else the kernel does, before init is gone */
          kill_domain();
        send_event(&ended);
        return 0;
      }
    }
    if (wait[0].revents & POLLIN) {
      struct wb_command command = {0};
      long n = sys3(__NR_read, WB_FD_CONTROL, &command, sizeof command);
      /* The supervisor closed its end, or wants the end of the run. */
      if (n == 0 || (n == sizeof command && command.kind == WB_COMMAND_KILL))
        end_init(125);
      if (n == sizeof command)
        obey(&shares, payload, &command, &continued);
    } else if (wait[0].revents & (POLLHUP | POLLERR)) {
      end_init(125);
    }
    if (wait[2].revents && !obey_session()) {
      fill_ended(&ended, 0);
      send_event(&ended);
      return 0;
    }
  }
}
