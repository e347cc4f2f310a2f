/*
 * The supervisor: starts init with a plan and stays with it until it ends. One implementation, used
 * by the N-API addon (on a thread of its own for each run) and by a native command. Plain C and
 * POSIX; no allocation after start.
 */
#ifndef WASBOX_SUPERVISOR_H
#define WASBOX_SUPERVISOR_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "../records.h"
#include "answering.h"
#include "cgroup.h"
#include "lookups.h"
#include "open_ports.h"
#include "meter.h"
#include "moves.h"
#include "notify.h"
#include "outcome.h"
#include "ptys.h"
#include "relay.h"
#include "sampling.h"
#include "terminal.h"

#ifdef __cplusplus
extern "C" {
#endif

struct wb_request {
  void *plan; /* borrowed until the run is closed; the run's id is written to it */
  uint32_t plan_size;
  /* Path of the run's directory, canonical, whose name is the run's id; NULL for a plan that needs
   * none. Borrowed until the run is closed. */
  const char *directory;
  const char *words; /* more of the payload's arguments, a 0 byte after each */
  uint32_t words_size;
  const char *init_path;
  int stdio[3];        /* borrowed; become 0, 1 and 2 of the payload */
  uint64_t timeout_ns; /* 0: none */
  uint64_t grace_ns;   /* from SIGTERM or a second SIGINT to SIGKILL */
  int attended;        /* by a person: a second SIGINT ends it, its stop stops the caller */
  int umask;           /* of the payload; -1: this program's */
  int held;            /* nothing is executed before wb_proceed */
  int session;         /* borrowed: init's end of a session's socket, for a plan of one; 0: none */
  int ports; /* borrowed until the run is closed: struct wb_open_ports has it as `numbers` */
  struct wb_refusals *refusals; /* borrowed until the run is closed; filled in; may be NULL */
  struct wb_asker *asker;       /* borrowed until the run is closed; NULL: nothing is asked */
  /* An audit has its functions, too, for a plan whose filter asks about every call: struct
   * wb_watch. */
  void (*observe)(struct wb_audit *audit, struct wb_pin *caller, int error);
  void (*settle)(struct wb_audit *audit, int stood);
  struct wb_audit *audit;
  struct wb_network *network; /* borrowed until the run is closed; for a plan with rules */
};

/* The members that every run writes lie together between the buffers, which few runs touch. */
struct wb_run {
  struct wb_terminal terminal; /* begins with its buffers */
  pid_t pid;                   /* of init, in the caller's pid namespace */
  int pidfd;                   /* owned */
  int control;                 /* owned */
  int mounts;                  /* owned: the sandbox's mount namespace, or -1 */
  int image_lock;              /* owned, or -1 */
  uint64_t started_ns;
  uint64_t timeout_ns, grace_ns, kill_at_ns;
  int attended;
  int unheard;        /* errno of a PROCEED that could not be sent */
  int over_output;    /* more than its limit was written */
  int stdin_withheld; /* the payload's is /dev/null: wb_shell_reads */
  int wake;           /* owned: an eventfd for supervise.c, or -1 */
  /* The state of wb_signal, atomic: killed; stopped by it; asked to end; SIGINT and SIGCONT
   * so far; every signal so far, as a set: wb_signal_bit. */
  int killed, held, asked_to_end, interrupts;
  uint32_t continued;
  uint64_t signals;
  int asked_before_end; /* asked_to_end when the run was over: more is a request not to wait */
  /* The time from which a reader of the terminal's output that takes nothing is given up; 0:
   * never. */
  uint64_t reader_deadline_ns;
  struct wb_watch watch;
  struct wb_cgroup cgroup;
  struct wb_answering answering;
  struct wb_sampling sampling;
  struct wb_lookups lookups;
  uint32_t left; /* tasks beside a payload that failed, when it ended */
  struct wb_open_ports ports;
  struct wb_moves moves;
  struct wb_meter meter; /* ends with its buffers */
  struct wb_relay relay; /* untouched where nothing is relayed */
  struct wb_ptys ptys;
};

/*
 * launch.c: starts init in its namespaces without forking the caller's memory. `run` is all zeros:
 * most of it are buffers that few runs use, and that are not to be touched. The calling thread
 * must live as long as the run (parent-death signal) and block all signals meanwhile; as root it
 * gives up its supplementary groups, which are a thread's own at this level.
 * Returns 0, or -1 with `failure` filled in and nothing left behind.
 */
int wb_start(struct wb_run *run, const struct wb_request *request, struct wb_failure *failure);

/* launch.c: of a run that was started held, before any signal but SIGKILL. */
void wb_proceed(struct wb_run *run);

/* supervise.c: waits until every process of the run is gone and says how it ended. */
void wb_supervise(struct wb_run *run, struct wb_result *result);

/* leftover.c: before a run without a pid namespace starts. */
void wb_leftover_begin(const struct wb_run *run);
/* Ends a run without a pid namespace, whose first process is gone: waits until none is
 * left, some seconds at most. Returns whether none is. */
int wb_leftover_end(struct wb_run *run);

/* signals.c: a command to init (wire.h). As init's events it takes sendmsg(2), and no other call.
 * Returns 0 or an errno. */
int wb_command(const struct wb_run *run, uint32_t kind, uint32_t value);

/* signals.c: has init end the programs of a session that exceed limits of their own. */
void wb_end_programs(const struct wb_run *run);

/* signals.c. Any thread, while the run has not been closed: a signal for the payload's process
 * group; SIGKILL ends the whole sandbox. Returns 0 or an errno. */
int wb_signal(struct wb_run *run, int signal);

/* A signal's place in wb_run.signals. */
static inline uint64_t wb_signal_bit(uint32_t signal) {
  return signal >= 1 && signal <= 64 ? 1ull << (signal - 1) : 0;
}

/* signals.c. Any thread, as wb_signal: has the supervisor look again, where it can be woken. */
void wb_wake(const struct wb_run *run);

/* shell.c: whether a shell that this program comes from reads its commands from the same pipe or
 * socket as this descriptor leads to. */
int wb_shell_reads(int fd);
/* Looks at a socket alone. */
int wb_shell_reads_socket(int fd);

/* deprioritise.c: puts the sessions of a sandbox behind those of others, where the kernel schedules
 * by session. `pidfd` is init's, or its warden's. To be called again while there may be new ones;
 * does what it can. */
void wb_deprioritise(int pidfd);

/* job_control.c: the payload was stopped, when so many SIGCONT had reached it: suspends this
 * program with it. */
void wb_stopped(struct wb_run *run, uint32_t continued);

/* job_control.c: when a payload that went on after a second SIGINT or ^C is to be killed; 0: it is
 * not. */
uint64_t wb_kill_at(struct wb_run *run);

/* image_lock.c: keeps other processes from removing the image that a run is to show. Returns 0 or
 * an errno; EWOULDBLOCK: it is being removed. */
int wb_image_lock(struct wb_run *run, const char *path);
void wb_image_unlock(struct wb_run *run);

/* Returns whether a thread still uses the run, and all that it borrows: these must never be
 * freed. */
static inline int wb_is_lost(const struct wb_run *run) {
  return run->answering.lost || run->sampling.lost;
}

/* Closes what wb_signal needs; the result may be told from here on. */
void wb_close(struct wb_run *run);

/* Lets the sandbox's mounts go, which takes a while. After wb_close. */
void wb_release(struct wb_run *run);

/* privileged.c: root's part of a launch: id maps, id-mapped mounts, GO. Returns 0 or -1. */
int wb_grant(const struct wb_run *run, const struct wb_request *request,
             struct wb_failure *failure);

/* privileged.c: whether uid 0 here is the machine's root, not that of a user namespace. */
int wb_is_real_root(void);

/* executable.c: wasbox-init as a sealed, executable memfd, so that the file on the host is never
 * what runs inside (CVE-2019-5736). Cached; the descriptor stays the callee's. -1 with errno. */
int wb_init_executable(const char *path);

/* probe.c: Landlock's ABI version, 0 where the kernel has none. */
int wb_landlock_abi(void);

/* probe.c: 0 where a user namespace with mounts and a /proc of its own can be made here, else the
 * errno that says why not. Takes about 0.2 ms. */
int wb_namespaces_error(void);

/* user_namespace.c: the errno with which a user namespace is refused at once, or 0. Takes about
 * 0.03 ms. */
int wb_user_namespace_error(void);

/* probe.c: what the kernel offers; 0 or an errno for each. */
struct wb_probe {
  int landlock_abi;
  int namespaces_error, proc_error, overlay_error, seccomp_error, idmap_error;
  int seccomp_notify;
};
/* `directory` holds lower, upper and work for a trial overlay. */
void wb_probe(struct wb_probe *probe, const char *directory);

/* CLOCK_MONOTONIC in nanoseconds, as init reports the payload's end. */
static inline uint64_t wb_now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Returns the milliseconds until a time of wb_now_ns, rounded up, for poll(2); -1 where it is 0. */
static inline int wb_until_ms(uint64_t time) {
  if (!time)
    return -1;
  const uint64_t now = wb_now_ns();
  if (now >= time)
    return 0;
  const uint64_t ms = (time - now + 999999) / 1000000;
  return ms > 0x7fffffff ? 0x7fffffff : (int)ms;
}

/* The shorter of two times for poll(2), where -1 is for ever. */
static inline int wb_sooner(int a, int b) {
  return a < 0 || (b >= 0 && b < a) ? b : a;
}

static inline int wb_fail(struct wb_failure *failure, uint32_t step, int error, const char *path) {
  failure->step = step;
  failure->error = error;
  uint32_t n = 0;
  while (path && path[n] && n < WB_EVENT_PATH_MAX) {
    failure->path[n] = path[n];
    n++;
  }
  failure->path[n] = 0;
  return -1;
}

#ifdef __cplusplus
}
#endif
#endif
