/*
 * The widths of arguments in the tables against the running kernel. Each call of the list is made
 * in a child of its own, with harmless values; then once more for each argument with a bit set
 * above the ones that the kernel reads by the tables. The outcome must be the same: those bits are
 * ignored. For an argument of 64 bits it must be another one. Where no other value changes the
 * outcome either, the trial says nothing and is not counted.
 */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/kcmp.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { HERE = WB_ARCH_X86_64 };
#elif defined(__aarch64__)
enum { HERE = WB_ARCH_AARCH64 };
#else
enum { HERE = -1 };
#endif

/* Descriptors and memory that every child makes anew. */
enum { PIPE_R = 100, PIPE_W, SOCKET_A, SOCKET_B, MEMORY, EVENT, EPOLL, NOTIFY, TIMER, FREE = 120 };
enum { PAGE = 4096, NONE = -1 };
static char buffer[PAGE] __attribute__((aligned(PAGE)));
static struct iovec vector = {buffer, 4};
static struct timespec no_time;
static long victim, semaphores, self;
static uint32_t futex_word;

#define P(x) ((long)(x))

struct trial {
  const char *call;
  long args[6];
  uint8_t skip;    /* arguments that are not tried: pointers, and what would do harm */
  uint8_t clamped; /* 64-bit arguments of which a larger value does the same: lengths */
};

static void put(int from, int to) {
  if (from < 0 || (from != to && dup2(from, to) < 0))
    _exit(99);
}

static void make_things(void) {
  int two[2];
  put(pipe(two) == 0 ? two[0] : -1, PIPE_R), put(two[1], PIPE_W);
  put(socketpair(AF_UNIX, SOCK_STREAM, 0, two) == 0 ? two[0] : -1, SOCKET_A), put(two[1], SOCKET_B);
  put(memfd_create("widths", MFD_ALLOW_SEALING), MEMORY);
  put((int)syscall(SYS_eventfd2, 1, 0), EVENT);
  put((int)syscall(SYS_epoll_create1, 0), EPOLL);
  put((int)syscall(SYS_inotify_init1, 0), NOTIFY);
  put((int)syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0), TIMER);
  if (ftruncate(MEMORY, 2 * PAGE) != 0 || write(PIPE_W, "four", 4) != 4 ||
      write(SOCKET_B, "four", 4) != 4)
    _exit(99);
  for (int fd = 3; fd < PIPE_R; fd++)
    close(fd);
  victim = fork();
  if (victim == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    syscall(SYS_close_range, 3, ~0u, 0);
    pause();
    _exit(0);
  }
  self = getpid();
  semaphores = semget(IPC_PRIVATE, 1, 0600);
}

static void clean_up(void) {
  kill((pid_t)victim, SIGKILL);
  semctl((int)semaphores, 0, IPC_RMID);
}

static void on_alarm(int signal) {
  (void)signal;
  clean_up();
  _exit(98);
}

/* Removes what semget, shmget and msgget made; their ids count up. */
static long without_id(const char *call, long made) {
  if (made < 0 || strlen(call) < 6 || strcmp(call + strlen(call) - 3, "get") != 0)
    return made;
  if (call[1] == 'e')
    semctl((int)made, 0, IPC_RMID);
  else if (call[1] == 'h')
    shmctl((int)made, IPC_RMID, NULL);
  else
    msgctl((int)made, IPC_RMID, NULL);
  return 1;
}

/* Returns what happens: the value, cut to 1 where it is an address or a process, or the errno
 * below 0. */
static long outcome_of(long nr, const struct trial *t, const long *args) {
  int report[2];
  long outcome = -9999;
  if (pipe(report) != 0)
    return outcome;
  pid_t child = fork();
  if (child == 0) {
    int out = fcntl(report[1], F_DUPFD, 200);
    long own[6];
    make_things();
    for (int i = 0; i < 6; i++) /* addresses of these stand for what only the child knows */
      own[i] = args[i] == P(&victim)       ? victim
               : args[i] == P(&semaphores) ? semaphores
               : args[i] == P(&self)       ? self
                                           : args[i];
    for (int i = 0; i < 6; i++) /* … with bits above */
      for (int k = 16; k < 48; k += 16) {
        long above = (long)1 << (k == 16 ? 16 : 32);
        if (args[i] == P(&victim) + above)
          own[i] = victim + above;
        if (args[i] == P(&semaphores) + above)
          own[i] = semaphores + above;
        if (args[i] == P(&self) + above)
          own[i] = self + above;
      }
    signal(SIGALRM, on_alarm);
    ualarm(300000, 0); /* a call that waits */
    long made = syscall(nr, own[0], own[1], own[2], own[3], own[4], own[5]);
    if (made == 0 && strcmp(t->call, "clone") == 0)
      _exit(0);
    made = without_id(t->call, made);
    bool counts_up = made > 4096 || (made > 0 && strcmp(t->call, "clone") == 0);
    long value = made < 0 && made > -4096 ? -errno : counts_up ? 1 : made;
    clean_up();
    _exit(write(out, &value, sizeof value) != sizeof value);
  }
  close(report[1]);
  if (read(report[0], &outcome, sizeof outcome) != sizeof outcome)
    outcome = -9998; /* ended by a signal */
  close(report[0]);
  waitpid(child, NULL, 0);
  return outcome;
}

static const struct trial trials[] = {
    {"read", {PIPE_R, P(buffer), 2}, 2, 4},
    {"write", {PIPE_W, P(buffer), 1}, 2, 4},
    {"pread64", {MEMORY, P(buffer), 1, 0}, 2, 4},
    {"pwrite64", {MEMORY, P(buffer), 1, 0}, 2, 12},
    {"readv", {PIPE_R, P(&vector), 1}, 2, 0},
    {"writev", {PIPE_W, P(&vector), 1}, 2, 0},
    {"preadv", {MEMORY, P(&vector), 1, 0, 0}, 2 | 16, 0},
    {"pwritev", {MEMORY, P(&vector), 1, 0, 0}, 2 | 16, 8},
    {"preadv2", {MEMORY, P(&vector), 1, 0, 0, 0}, 2 | 16, 0},
    {"pwritev2", {MEMORY, P(&vector), 1, 0, 0, 0}, 2 | 16, 8},
    {"vmsplice", {PIPE_W, P(&vector), 1, 0}, 2, 0},
    {"process_vm_readv", {P(&victim), P(&vector), 1, P(&vector), 1, 0}, 2 | 8, 0},
    {"process_vm_writev", {P(&victim), P(&vector), 1, P(&vector), 1, 0}, 2 | 8, 0},
    {"lseek", {MEMORY, 1, SEEK_SET}, 0, 2},
    {"ftruncate", {MEMORY, 1}, 0, 2},
    {"fallocate", {MEMORY, 0, 0, 1}, 0, 12},
    {"fadvise64", {MEMORY, 0, 1, 0}, 0, 6},
    {"readahead", {MEMORY, 0, 1}, 0, 6},
    {"sync_file_range", {MEMORY, 0, 1, 0}, 0, 6},
    {"splice", {PIPE_R, 0, SOCKET_A, 0, 1, 0}, 10, 16},
    {"tee", {PIPE_R, PIPE_W, 1, 0}, 0, 4},
    {"sendfile", {SOCKET_A, MEMORY, 0, 1}, 4, 8},
    {"copy_file_range", {MEMORY, 0, MEMORY, 0, 0, 0}, 10, 16},
    {"dup", {PIPE_R}, 0, 0},
    {"dup3", {PIPE_R, FREE, O_CLOEXEC}, 0, 0},
    {"close", {PIPE_R}, 0, 0},
    {"fsync", {MEMORY}, 0, 0},
    {"flock", {MEMORY, 2}, 0, 0},
    {"fchmod", {MEMORY, 0600}, 2, 0},
    {"umask", {022}, 0, 0},
    {"mmap", {0, PAGE, PROT_READ, MAP_PRIVATE, MEMORY, 0}, 0, 1 | 2 | 32},
    {"mmap", {0, PAGE, PROT_READ, MAP_PRIVATE, PIPE_R, 0}, 1 | 2 | 32, 0},
    {"munmap", {P(buffer), PAGE}, 3, 0},
    {"mprotect", {P(buffer), PAGE, PROT_READ}, 3, 0},
    {"madvise", {P(buffer), PAGE, MADV_NORMAL}, 1, 0},
    {"mincore", {P(buffer), PAGE, P(buffer)}, 5, 0},
    {"mlock2", {P(buffer), PAGE, 0}, 1, 0},
    {"msync", {P(buffer), PAGE, MS_ASYNC}, 1, 0},
    {"mremap", {P(buffer), PAGE, PAGE, 0, 0}, 1 | 16, 2},
    {"mbind", {P(buffer), PAGE, MPOL_DEFAULT, 0, 0, 0}, 1 | 8 | 16, 0},
    {"get_mempolicy", {0, 0, 0, 0, 0}, 3, 4 | 8},
    {"set_mempolicy", {MPOL_DEFAULT, 0, 0}, 6, 0},
    {"memfd_create", {P("x"), 0}, 1, 0},
    {"membarrier", {0, 0, 0}, 0, 0},
    {"pkey_alloc", {0, 0}, 0, 0},
    {"fcntl", {MEMORY, F_DUPFD, FREE}, 0, 0},
    {"fcntl", {MEMORY, F_DUPFD_CLOEXEC, FREE}, 0, 0},
    {"fcntl", {MEMORY, F_SETFD, 0}, 0, 0},
    {"fcntl", {MEMORY, F_SETFL, 0}, 0, 0},
    {"fcntl", {SOCKET_A, F_SETOWN, P(&self)}, 0, 0},
    {"fcntl", {SOCKET_A, F_SETSIG, SIGIO}, 0, 0},
    {"fcntl", {MEMORY, F_SETLEASE, F_UNLCK}, 0, 0},
    {"fcntl", {PIPE_R, F_SETPIPE_SZ, 2 * PAGE}, 0, 0},
    {"fcntl", {MEMORY, F_ADD_SEALS, F_SEAL_SHRINK}, 0, 0},
    {"ioctl", {PIPE_R, FIONREAD, P(buffer)}, 4, 0},
    {"ioctl", {PIPE_R, FIOCLEX, 0}, 4, 0},
    {"socket", {AF_UNIX, SOCK_STREAM, 0}, 0, 0},
    {"socketpair", {AF_UNIX, SOCK_STREAM, 0, P(buffer)}, 8, 0},
    {"setsockopt", {SOCKET_A, SOL_SOCKET, SO_PASSCRED, P(buffer), 4}, 8, 0},
    {"getsockopt", {SOCKET_A, SOL_SOCKET, SO_TYPE, P(buffer), P(buffer + 8)}, 24, 0},
    {"shutdown", {SOCKET_A, SHUT_RD}, 0, 0},
    {"sendto", {SOCKET_A, P(buffer), 1, 0, 0, 0}, 2 | 16, 4},
    {"recvfrom", {SOCKET_A, P(buffer), 1, 0, 0, 0}, 2 | 16 | 32, 4},
    {"kill", {P(&victim), 0}, 0, 0},
    {"tgkill", {P(&victim), P(&victim), 0}, 0, 0},
    {"getpgid", {P(&victim)}, 0, 0},
    {"getsid", {P(&victim)}, 0, 0},
    {"setpgid", {P(&victim), 0}, 0, 0},
    {"wait4", {P(&victim), 0, WNOHANG, 0}, 10, 0},
    {"waitid", {P_PID, P(&victim), 0, WNOHANG | WEXITED, 0}, 20, 0},
    {"ptrace", {PTRACE_SEIZE, P(&victim), 0, 0}, 0, 0},
    {"pidfd_open", {P(&victim), 0}, 0, 0},
    {"getpriority", {PRIO_PROCESS, 0}, 0, 0},
    {"setpriority", {PRIO_PROCESS, 0, 1}, 4, 0},
    {"sched_getscheduler", {P(&victim)}, 0, 0},
    {"sched_get_priority_max", {SCHED_FIFO}, 0, 0},
    {"sched_getaffinity", {0, PAGE, P(buffer)}, 4, 0},
    {"sched_rr_get_interval", {P(&victim), P(buffer)}, 2, 0},
    {"getrusage", {RUSAGE_SELF, P(buffer)}, 2, 0},
    {"prlimit64", {0, RLIMIT_NOFILE, 0, P(buffer)}, 12, 0},
    {"ioprio_get", {1, 0}, 0, 0},
    {"clock_gettime", {CLOCK_MONOTONIC, P(buffer)}, 2, 0},
    {"clock_nanosleep", {CLOCK_MONOTONIC, 0, P(&no_time), 0}, 12, 0},
    {"timer_create", {CLOCK_MONOTONIC, 0, P(buffer)}, 6, 0},
    {"timerfd_create", {CLOCK_MONOTONIC, 0}, 0, 0},
    {"eventfd2", {0, 0}, 1, 0},
    {"epoll_create1", {0}, 0, 0},
    {"epoll_ctl", {EPOLL, 1, PIPE_R, P(buffer)}, 8, 0},
    {"inotify_init1", {0}, 0, 0},
    {"inotify_rm_watch", {NOTIFY, 1}, 0, 0},
    {"pipe2", {P(buffer), 0}, 1, 0},
    {"signalfd4", {NONE, P(buffer), 8, 0}, 2, 0},
    {"rt_sigprocmask", {SIG_BLOCK, P(buffer), 0, 8}, 6, 0},
    {"rt_sigaction", {SIGUSR1, 0, P(buffer), 8}, 6, 0},
    {"openat", {AT_FDCWD, P("/dev/null"), O_RDONLY, 0}, 2, 0},
    {"openat2", {AT_FDCWD, P("/dev/null"), P(buffer), 24}, 6, 0},
    {"faccessat", {AT_FDCWD, P("/dev/null"), R_OK}, 2, 0},
    {"getrandom", {P(buffer), 1, 0}, 1, 2},
    {"personality", {0xffffffff}, 0, 0},
    {"personality", {0}, 0, 0},
    {"unshare", {CLONE_FILES}, 0, 0},
    {"setns", {PIPE_R, 0}, 0, 0},
    {"clone", {SIGCHLD | CLONE_FILES, 0, 0, 0, 0}, 0x1e, 0},
    {"prctl", {PR_SET_PDEATHSIG, SIGKILL}, 0, 0},
    {"prctl", {PR_SET_DUMPABLE, 1}, 0, 0},
    {"prctl", {PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0}, 0, 0},
    {"prctl", {PR_CAPBSET_READ, 1, 0, 0, 0}, 28, 0},
    {"prctl", {PR_SET_SECUREBITS, 0}, 0, 0},
    {"prctl", {PR_SET_TSC, 1}, 0, 0},
    {"prctl", {PR_SET_TIMING, 0}, 0, 0},
    {"prctl", {PR_SET_MM, PR_SET_MM_MAP_SIZE, P(buffer), 0, 0}, 4, 0},
    {"prctl", {PR_SCHED_CORE, 0, P(&self), 0, P(buffer)}, 16, 0},
    {"prctl", {PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1, 0, 0}, 0, 0},
    {"keyctl", {KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0}, 4, 0},
    {"keyctl", {KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, 0, 0}, 4, 8},
    {"keyctl", {KEYCTL_SET_REQKEY_KEYRING, 0}, 0, 0},
    {"kcmp", {P(&self), P(&self), KCMP_FILE, PIPE_R, PIPE_R}, 0, 0},
    {"futex", {P(&futex_word), 1, 0, 0, 0, 0}, 0x39, 0},
    {"futex", {P(&futex_word), 0, 1, 0, 0, 0}, 0x39, 0},
    {"semctl", {P(&semaphores), 0, SETVAL, 3}, 0, 0},
    {"semget", {IPC_PRIVATE, 1, 0600}, 1, 0},
    {"shmget", {IPC_PRIVATE, PAGE, 0600 | IPC_CREAT}, 1 | 2, 0},
    {"msgget", {IPC_PRIVATE, 0600}, 1, 0},
    {"io_setup", {1, P(buffer)}, 2, 0},
    {"seccomp", {2, 0, P(&futex_word)}, 4, 0},
    {"mount", {P("none"), P("/nowhere"), P("tmpfs"), 0, 0}, 0x17, 0},
};

static const struct trial *current;

/* Bits that the tables give the argument for this call. */
static int bits_of(int id, const struct wb_arg *arg, int index) {
  const struct wb_width *width = wb_narrow_width(id, (enum wb_arch)HERE, index, 1);
  for (uint32_t i = 0; width != NULL && i < width->count; i++)
    if ((uint32_t)current->args[width->selector] >= width->commands[2 * i] &&
        (uint32_t)current->args[width->selector] <= width->commands[2 * i + 1] &&
        width->bits < arg->bits)
      return width->bits;
  return arg->bits;
}

static uint32_t tried, silent, calls, missing;

static void try_call(const struct trial *t) {
  int id = wb_syscall_by_name(t->call, strlen(t->call));
  int nr = wb_syscall_number(id, (enum wb_arch)HERE);
  struct wb_arg args[6];
  int count = wb_syscall_args(id, (enum wb_arch)HERE, args);
  current = t;
  long plain = nr < 0 ? -ENOSYS : outcome_of(nr, t, t->args);
  if (plain == -ENOSYS) {
    missing++;
    return;
  }
  EXPECT(plain > -9000, "%s: the plain call did not come back (%ld)", t->call, plain);
  calls++;
  for (int i = 0; i < count; i++) {
    if (t->skip >> i & 1)
      continue;
    static const long others[] = {1, -1, 77, 0x7fffffff, 0x10};
    long changed[6];
    bool speaks = false;
    for (size_t k = 0; k < sizeof others / sizeof *others && !speaks; k++) {
      memcpy(changed, t->args, sizeof changed);
      bool token =
          changed[i] == P(&victim) || changed[i] == P(&self) || changed[i] == P(&semaphores);
      changed[i] = token ? 0x7ffffff0 + (long)k : k < 2 ? changed[i] + others[k] : others[k];
      speaks = outcome_of(nr, t, changed) != plain;
    }
    int bits = bits_of(id, &args[i], i);
    memcpy(changed, t->args, sizeof changed);
    changed[i] += (long)1 << (bits == 16 ? 16 : 32);
    long high = outcome_of(nr, t, changed);
    if (!speaks && high == plain) {
      silent++;
      continue;
    }
    tried++;
    if (bits < 64)
      EXPECT(high == plain, "%s %s is read beyond %d bits: %ld, with a bit above %ld", t->call,
             args[i].name, bits, plain, high);
    else
      EXPECT(high != plain || (t->clamped >> i & 1),
             "%s %s is read in fewer than 64 bits: %ld with a bit above, too", t->call,
             args[i].name, plain);
  }
}

int main(void) {
  for (size_t i = 0; HERE >= 0 && i < sizeof trials / sizeof *trials; i++)
    try_call(&trials[i]);
  printf("widths in the kernel: %u calls, %u arguments tried, %u of which no value matters, "
         "%u calls that this kernel lacks\n",
         calls, tried, silent, missing);
  EXPECT(HERE < 0 || tried > 150, "only %u arguments were tried", tried);
  return report_and_exit("widths in the kernel");
}
