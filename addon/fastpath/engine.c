/*
 * The engine (addon/engine): executed in the place of this command, or in a process beside it that
 * makes an entry. Called by main.c, node.c and start.c.
 *
 * That process hands over first what the start needs, then, while the sandbox is made, the entry
 * with all in it. Each comes in a file without a name that cannot change any more; a byte in a
 * socket says that it is there. In the other direction it hears whether there are user namespaces,
 * which this process tries meanwhile. Then it ends, and is waited for.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "fastpath.h"

static int engine_path(const struct installation *installation, char file[WB_PATH_MAX]) {
  static const char init[] = "wasbox-init", engine[] = "wasbox-engine";
  const size_t directory = strlen(installation->init) - (sizeof init - 1);
  if (directory + sizeof engine > WB_PATH_MAX)
    return -1;
  memcpy(file, installation->init, directory);
  memcpy(file + directory, engine, sizeof engine);
  return 0;
}

void execute_engine(const struct installation *installation, char **argv, char **envp) {
  char file[WB_PATH_MAX];
  if (engine_path(installation, file) == 0)
    sys3(__NR_execve, file, argv, envp);
}

/* The parts that the process beside this one is started with: it shares the memory until it is
 * executed. */
struct start {
  char file[WB_PATH_MAX];
  char **argv, **envp;
  int given[3]; /* descriptors that it gets */
};

/* All signals stay blocked as long as this process lives: what a terminal sends is for the native
 * command and the payload, and it must not stop while that one waits for it. */
static int execute_beside(void *argument) {
  const struct start *start = argument;
  sys2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  for (int i = 0; i < 3; i++)
    sys3(__NR_fcntl, start->given[i], F_SETFD, 0);
  sys3(__NR_execve, start->file, start->argv, start->envp);
  return 1;
}

/* `make:SOCKET,START,WHOLE:KEY` */
static char *engine_variable(const int given[3], const struct wb_cache_key *key) {
  static char text[sizeof "WASBOX_FASTPATH=make:" + 3 * 21 + WB_KEY_TEXT] = "WASBOX_FASTPATH=make:";
  char *out = text + sizeof "WASBOX_FASTPATH=make:" - 1;
  for (int i = 0; i < 3; i++) {
    out = put_decimal(out, (uint64_t)given[i]);
    *out++ = i < 2 ? ',' : ':';
  }
  put_cache_key(out, key);
  return text;
}

/* An entry must fit into a file; the signal of a file that is too long would end the engine. */
static int limits_files(void) {
  struct rlimit64 limit;
  return sys4(__NR_prlimit64, 0, RLIMIT_FSIZE, 0, &limit) < 0 || limit.rlim_cur < WB_ENTRY_MAX;
}

/* Returns 1, and the byte that says what is ready; 0 where nothing comes any more. */
static int is_ready(int socket, char *said) {
  long n;
  do
    n = sys3(__NR_read, socket, said, 1);
  while (n == -EINTR);
  return n == 1;
}

/* The descriptors stay open: this process does little else. */
static int start_engine(struct making *making, int *first, const struct wanted *wanted,
                        const struct installation *installation) {
  /* The stack has what execve needs here. */
  static unsigned char stack[1 << 14] __attribute__((aligned(16)));
  static struct start start;
  int ends[2];
  if (limits_files() || engine_path(installation, start.file) < 0 ||
      sys4(__NR_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    return -1;
  *first = (int)sys2(__NR_memfd_create, "wasbox-start", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  making->whole = (int)sys2(__NR_memfd_create, "wasbox-entry", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  making->socket = ends[0];
  start.given[0] = ends[1];
  start.given[1] = *first;
  start.given[2] = making->whole;
  start.argv = wanted->command->argv;
  start.envp = environment(wanted->command, engine_variable(start.given, wanted->key));
  /* The caller may ignore it: no process could be waited for then. */
  handle(SIGCHLD, SIG_DFL);
  const uint64_t mask = set_mask(ALL_SIGNALS);
  const long pid = *first < 0 || making->whole < 0
                       ? -1
                       : sys_clone(execute_beside, &start, stack + sizeof stack,
                                   CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
  set_mask(mask);
  sys1(__NR_close, ends[1]);
  making->pid = pid > 0 ? (int)pid : 0;
  return pid > 0 ? 0 : -1;
}

/* Tells the engine whether there are user namespaces. -1 where this process could not try, for lack
 * of processes or memory: the engine alone takes less of them. */
static int tell_namespaces(const struct making *making) {
  const int error = wb_user_namespace_error();
  if (error == EAGAIN || error == ENOMEM)
    return -1;
  const uint8_t byte = (uint8_t)error;
  sys6(__NR_sendto, making->socket, (long)(uintptr_t)&byte, 1, MSG_NOSIGNAL, 0, 0);
  return 0;
}

struct wb_entry *make_entry(const struct wanted *wanted, const struct installation *installation,
                            struct making *making) {
  int first = -1;
  char said;
  *making = (struct making){.socket = -1, .whole = -1};
  if (start_engine(making, &first, wanted, installation) < 0)
    return NULL;
  struct wb_entry *entry = NULL;
  if (tell_namespaces(making) == 0 && is_ready(making->socket, &said))
    entry = take_entry(first, wanted);
  sys1(__NR_close, first);
  return entry;
}

static void reap(struct making *making) {
  while (making->pid && sys4(__NR_wait4, making->pid, 0, __WALL, 0) == -EINTR)
    continue;
  making->pid = 0;
}

struct wb_entry *end_making(struct making *making, const struct wanted *wanted) {
  char said = 0;
  const int whole = making->pid && is_ready(making->socket, &said);
  reap(making);
  struct wb_entry *entry = whole ? take_entry(making->whole, wanted) : NULL;
  making->lasts &= entry && said == 'l';
  return entry;
}

void stop_making(struct making *making) {
  if (making->pid)
    sys2(__NR_kill, making->pid, SIGKILL);
  reap(making);
}
