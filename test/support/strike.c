/*
 * Starts a program and strikes its process at its nth system call, all its threads counted: with a signal, or by
 * making that call fail. Processes that it starts are not followed. An exec(3) is: the native command becomes Node.
 *
 *     strike [option…] -- program [argument…]
 *
 *     --signal S       sends the process this signal at the call
 *     --child NAME     sends it to a process below that one, the first of that name, at the first call from then on
 *                      at which there is one
 *     --deepest        to the last of that name, which is the farthest below
 *     --errno E        makes the call fail with this errno, without its effect
 *     --on             and all that follow
 *     --at N           at the nth call; 0: never, which counts them
 *     --after MICROS   runs freely for so long first; then the calls are counted
 *     --marked         runs freely until the program sends itself a SIGURG
 *     --below PATH     counts only calls that name what lies below this directory, or use a descriptor of it, and
 *                      that a file system can refuse
 *     --call NAME      of these, or of all, only calls of that name
 *     --until FILE     holds the process at the call until there is such a file, a minute at most
 *     --count FILE     gets the number of calls up to the strike or the end, and the call that was struck
 *
 * Ends with the program's status, or 128 + a signal that ended it.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 256

static struct {
  int signal, error, on;
  long at, after;
  int marked;
  int deepest;
  const char *below, *call, *child, *count, *until;
} how;

static struct thread {
  pid_t pid;
  int failing; /* its call was replaced: the result is to be set at its end */
} threads[THREADS_MAX];
static int thread_count;

static pid_t main_pid;
static int is_counting; /* else it runs freely */
static long counted;
static int is_struck;
static pid_t victim; /* who gets the signal */
static char struck[512];
static volatile sig_atomic_t time_is_up;

static void on_alarm(int number) {
  (void)number;
  time_is_up = 1;
}

static struct thread *thread_of(pid_t pid) {
  for (int i = 0; i < thread_count; i++)
    if (threads[i].pid == pid)
      return &threads[i];
  if (thread_count == THREADS_MAX)
    return NULL;
  threads[thread_count] = (struct thread){.pid = pid};
  return &threads[thread_count++];
}

static void drop(pid_t pid) {
  for (int i = 0; i < thread_count; i++)
    if (threads[i].pid == pid)
      threads[i] = threads[--thread_count];
}

/* The arguments that are paths, by index, each after its directory's descriptor, or alone; -1 for
 * none. Else `fd` is one that the call uses. Calls that a file system does not refuse are not among
 * them. */
static const struct call {
  long number;
  const char *name;
  int path, other, fd;
} calls[] = {
#define AT(name, path) {SYS_##name, #name, path, -1, -1}
#define FD(name, fd) {SYS_##name, #name, -1, -1, fd}
    AT(openat, 1),       AT(openat2, 1),
    AT(mkdirat, 1),      AT(unlinkat, 1),
    AT(newfstatat, 1),   AT(statx, 1),
    AT(fchmodat, 1),     AT(fchownat, 1),
    AT(utimensat, 1),    AT(readlinkat, 1),
    AT(faccessat, 1),    AT(symlinkat, 2),
    AT(statfs, 0),       AT(mknodat, 1),
    FD(write, 0),        FD(pwrite64, 0),
    FD(writev, 0),       FD(ftruncate, 0),
    FD(fsync, 0),        FD(fdatasync, 0),
    FD(getdents64, 0),   FD(fchmod, 0),
    FD(fchown, 0),       FD(copy_file_range, 2),
    FD(fallocate, 0),    FD(flock, 0),
    FD(read, 0),         FD(pread64, 0),
    FD(fsetxattr, 0),    FD(flistxattr, 0),
    FD(fgetxattr, 0),    {SYS_renameat2, "renameat2", 1, 3, -1},
    FD(recvmsg, 0),
    {SYS_linkat, "linkat", 1, 3, -1},
#ifdef SYS_renameat
    {SYS_renameat, "renameat", 1, 3, -1},
#endif
#ifdef SYS_open
    AT(open, 0),         AT(mkdir, 0),
    AT(unlink, 0),       AT(rmdir, 0),
    AT(stat, 0),         AT(lstat, 0),
    AT(chmod, 0),        AT(chown, 0),
    AT(access, 0),       AT(readlink, 0),
    AT(symlink, 1),      {SYS_rename, "rename", 0, 1, -1},
#endif
};

static int is_below(const char *path) {
  const size_t size = strlen(how.below);
  return strncmp(path, how.below, size) == 0 && (path[size] == '/' || path[size] == 0);
}

/* Where a descriptor of the process leads to. */
static int place_of(pid_t pid, int fd, char *place, size_t size) {
  char link[64];
  if (fd == AT_FDCWD)
    snprintf(link, sizeof link, "/proc/%d/cwd", pid);
  else
    snprintf(link, sizeof link, "/proc/%d/fd/%d", pid, fd);
  const ssize_t n = readlink(link, place, size - 1);
  place[n < 0 ? 0 : n] = 0;
  return n >= 0;
}

/* Returns whether a path of the call lies below the directory. It is noted for who reads the
 * outcome. */
static int names(pid_t pid, const uint64_t *args, int index, const char *call) {
  char text[4096], place[4096];
  struct iovec own = {text, 512};
  /* The text is read in two parts: behind its page there may be nothing. */
  const size_t page = 4096 - (args[index] & 4095), part = page < 512 ? page : 512;
  const struct iovec theirs[] = {{(void *)args[index], part},
                                 {(void *)(args[index] + part), 512 - part}};
  const ssize_t n = process_vm_readv(pid, &own, 1, theirs, part < 512 ? 2 : 1, 0);
  if (n <= 0)
    return 0;
  text[n] = 0;
  if (text[0] == '/') {
    snprintf(struck, sizeof struck, "%s %.400s", call, text);
    return is_below(text) ||
           (strncmp(text, "/proc/self/fd/", 14) == 0 &&
            place_of(pid, atoi(text + 14), place, sizeof place) && is_below(place));
  }
  if (index == 0 || !place_of(pid, (int)args[index - 1], place, sizeof place))
    return 0;
  snprintf(struck, sizeof struck, "%s %.300s/%.100s", call, place, text);
  return is_below(place);
}

/* Returns whether the call counts. */
static int counts(pid_t pid, const struct __ptrace_syscall_info *info) {
  snprintf(struck, sizeof struck, "call %lld", (long long)info->entry.nr);
  if (!how.below && !how.call)
    return 1;
  char place[4096];
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    const struct call *call = &calls[i];
    if (call->number != (long)info->entry.nr || (how.call && strcmp(how.call, call->name) != 0))
      continue;
    if (!how.below)
      return 1;
    if (call->fd < 0)
      return names(pid, info->entry.args, call->path, call->name) ||
             (call->other >= 0 && names(pid, info->entry.args, call->other, call->name));
    snprintf(struck, sizeof struck, "%s", call->name);
    if (!place_of(pid, (int)info->entry.args[call->fd], place, sizeof place) || !is_below(place))
      return 0;
    snprintf(struck, sizeof struck, "%s of %.400s", call->name, place);
    return 1;
  }
  return 0;
}

#if defined(__x86_64__)

static void replace_call(pid_t pid) {
  struct user_regs_struct regs;
  ptrace(PTRACE_GETREGS, pid, 0, &regs);
  regs.orig_rax = -1ull;
  ptrace(PTRACE_SETREGS, pid, 0, &regs);
}

static void set_result(pid_t pid, long result) {
  struct user_regs_struct regs;
  ptrace(PTRACE_GETREGS, pid, 0, &regs);
  regs.rax = (unsigned long long)result;
  ptrace(PTRACE_SETREGS, pid, 0, &regs);
}

#elif defined(__aarch64__)

static void replace_call(pid_t pid) {
  int number = -1;
  struct iovec set = {&number, sizeof number};
  ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &set);
}

static void set_result(pid_t pid, long result) {
  struct user_regs_struct regs;
  struct iovec set = {&regs, sizeof regs};
  ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &set);
  regs.regs[0] = (unsigned long long)result;
  ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &set);
}

#endif

static int read_text(const char *path, char *text, size_t size) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
  if (fd >= 0)
    close(fd);
  text[n < 0 ? 0 : n] = 0;
  return n >= 0;
}

/* Returns the first or the last process below one that has the name asked for; 0 where none has. */
static pid_t child_below(pid_t pid) {
  char path[64], name[32], text[512], list[4096], state;
  pid_t found = 0;
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *tasks = opendir(path);
  if (!tasks)
    return 0;
  for (struct dirent *task; (task = readdir(tasks)) && (how.deepest || !found);) {
    if (task->d_name[0] == '.')
      continue;
    snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", pid, task->d_name);
    if (!read_text(path, list, sizeof list))
      continue;
    char *rest = list;
    for (char *word; (word = strtok_r(rest, " ", &rest)) && (how.deepest || !found);) {
      const pid_t child = atoi(word);
      snprintf(path, sizeof path, "/proc/%d/stat", child);
      if (read_text(path, text, sizeof text) &&
          sscanf(text, "%*d (%31[^)]) %c", name, &state) == 2 && state != 'Z' &&
          strcmp(name, how.child) == 0)
        found = child;
      const pid_t below = how.deepest || !found ? child_below(child) : 0;
      found = below ? below : found;
    }
  }
  closedir(tasks);
  return found;
}

/* Lets all threads go but one, so that they handle the signal as without this program. */
static void let_go(pid_t stopped) {
  for (int i = 0; i < thread_count; i++)
    if (threads[i].pid != stopped) {
      int status;
      ptrace(PTRACE_INTERRUPT, threads[i].pid, 0, 0);
      waitpid(threads[i].pid, &status, __WALL);
      ptrace(PTRACE_DETACH, threads[i].pid, 0, 0);
    }
  ptrace(PTRACE_DETACH, stopped, 0, 0);
}

/* Sends the signal to the process, one of whose threads is stopped at a call, and waits for its end. */
static int send_signal(pid_t stopped) {
  int status = 0;
  for (int i = 0; how.until && i < 6000 && access(how.until, F_OK) != 0; i++)
    usleep(10000);
  if (how.until)
    usleep(50000); /* the program goes on to its next call */
  if (victim != main_pid && how.signal == SIGKILL)
    kill(victim, SIGKILL); /* before the program goes on */
  if (victim != main_pid || how.signal != SIGKILL)
    let_go(stopped);
  kill(victim, how.signal);
  for (pid_t one; (one = waitpid(-1, &status, __WALL)) > 0;)
    if (!WIFEXITED(status) && !WIFSIGNALED(status))
      ptrace(PTRACE_CONT, one, 0, 0);
    else if (one == main_pid) /* a process is reported once its threads are */
      break;
  return status;
}

/* From here on, each call stops its thread. */
static void begin_counting(pid_t stopped) {
  is_counting = 1;
  for (int i = 0; i < thread_count; i++)
    if (threads[i].pid != stopped)
      ptrace(PTRACE_INTERRUPT, threads[i].pid, 0, 0);
}

/* Handles the begin or end of a call. Returns whether the process is to get the signal now. */
static int at_call(struct thread *thread) {
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, thread->pid, sizeof info, &info) <= 0)
    return 0;
  if (info.op == PTRACE_SYSCALL_INFO_EXIT && thread->failing) {
    thread->failing = 0;
    set_result(thread->pid, -how.error);
  }
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
    return 0;
  static char first[sizeof struck];
  if (is_struck && !how.on)
    return 0;
  if (is_struck && !*first)
    memcpy(first, struck, sizeof first);
  if (counts(thread->pid, &info) && ++counted >= how.at && how.at > 0) {
    victim = how.child ? child_below(main_pid) : main_pid;
    if (!how.error && !victim)
      return 0;
    is_struck = 1;
    if (!how.error)
      return 1;
    thread->failing = 1;
    replace_call(thread->pid);
  }
  if (*first)
    memcpy(struck, first, sizeof struck);
  return 0;
}

static int follow(void) {
  int status = 0;
  for (;;) {
    const pid_t pid = waitpid(-1, &status, __WALL);
    if (time_is_up && !is_counting)
      begin_counting(pid);
    if (pid < 0 && errno == EINTR)
      continue;
    if (pid < 0)
      return status;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      drop(pid);
      if (pid == main_pid)
        return status;
      continue;
    }
    struct thread *thread = thread_of(pid);
    const int stop = WSTOPSIG(status), event = status >> 16;
    int pass = 0;
    if (stop == (SIGTRAP | 0x80)) {
      if (thread && at_call(thread))
        return send_signal(pid);
    } else if (event == 0 && stop == SIGURG && how.marked && !is_counting) {
      begin_counting(pid);
    } else if (event == 0 && stop != SIGTRAP) {
      pass = stop;
    } else if (event == PTRACE_EVENT_STOP && stop != SIGTRAP) {
      ptrace(PTRACE_LISTEN, pid, 0, 0);
      continue;
    }
    ptrace(is_counting ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, pass);
  }
}

static int read_options(int argc, char **argv) {
  static const struct option options[] = {
      {"signal", 1, 0, 's'}, {"errno", 1, 0, 'e'},  {"on", 0, 0, 'o'},
      {"at", 1, 0, 'n'},     {"after", 1, 0, 'a'},  {"marked", 0, 0, 'm'},
      {"child", 1, 0, 'd'},  {"deepest", 0, 0, 'D'},
      {"below", 1, 0, 'b'},  {"count", 1, 0, 'c'},  {"call", 1, 0, 'l'},  {"until", 1, 0, 'u'},
      {0, 0, 0, 0},
  };
  for (int one; (one = getopt_long(argc, argv, "+", options, NULL)) != -1;)
    switch (one) {
    case 's': how.signal = atoi(optarg); break;
    case 'e': how.error = atoi(optarg); break;
    case 'o': how.on = 1; break;
    case 'n': how.at = atol(optarg); break;
    case 'a': how.after = atol(optarg); break;
    case 'm': how.marked = 1; break;
    case 'd': how.child = optarg; break;
    case 'D': how.deepest = 1; break;
    case 'b': how.below = optarg; break;
    case 'c': how.count = optarg; break;
    case 'l': how.call = optarg; break;
    case 'u': how.until = optarg; break;
    default: exit(2);
    }
  return optind;
}

int main(int argc, char **argv) {
  const int first = read_options(argc, argv);
  if (first >= argc)
    return 2;
  main_pid = fork();
  if (main_pid == 0) {
    raise(SIGSTOP);
    execvp(argv[first], argv + first);
    _exit(127);
  }
  int status = 0;
  waitpid(main_pid, &status, WUNTRACED);
  if (ptrace(PTRACE_SEIZE, main_pid, 0,
             PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC) < 0)
    return 3;
  thread_of(main_pid);
  is_counting = how.after == 0 && !how.marked;
  if (how.after > 0) {
    const struct sigaction act = {.sa_handler = on_alarm}; /* without SA_RESTART */
    const struct itimerval timer = {{0, 0}, {how.after / 1000000, how.after % 1000000}};
    sigaction(SIGALRM, &act, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
  }
  kill(main_pid, SIGCONT);
  status = follow();
  FILE *out = how.count ? fopen(how.count, "w") : NULL;
  if (out) {
    fprintf(out, "%ld %d %s\n", counted, is_struck, is_struck ? struck : "");
    fclose(out);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
