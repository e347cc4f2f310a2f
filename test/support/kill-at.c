/*
 * Starts a program and sends its process a signal at its nth system call, all its threads counted. Processes that it
 * starts are not followed. An exec(3) is: the native command becomes Node.
 *
 *     kill-at N SIGNAL MARK COUNT -- program [argument...]
 *
 * N below 0: after so many microseconds instead, without counting, which a run of very many calls is too slow for.
 * MARK: counting begins at a call that names this path; "" begins at once. COUNT: a file that gets the number of calls
 * up to the signal or the end. With N = 0 there is no signal. Ends with the program's status, 128 + a signal that ended
 * it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 256

static pid_t threads[THREADS_MAX];
static int thread_count;
static long counted;
static int is_counting;

static void add(pid_t pid) {
  for (int i = 0; i < thread_count; i++)
    if (threads[i] == pid)
      return;
  if (thread_count < THREADS_MAX)
    threads[thread_count++] = pid;
}

static void drop(pid_t pid) {
  for (int i = 0; i < thread_count; i++)
    if (threads[i] == pid)
      threads[i] = threads[--thread_count];
}

/* Whether an argument of the call is a path that contains the mark. */
static int names(pid_t pid, const struct __ptrace_syscall_info *info, const char *mark) {
  char text[4096];
  for (int i = 0; i < 2; i++) {
    struct iovec own = {text, sizeof text - 1};
    struct iovec theirs = {(void *)info->entry.args[i], 512};
    const ssize_t n = process_vm_readv(pid, &own, 1, &theirs, 1, 0);
    if (n <= 0)
      continue;
    text[n] = 0;
    if (strstr(text, mark))
      return 1;
  }
  return 0;
}

/* Those but one, so that they handle the signal as without this program. */
static void let_go(pid_t main) {
  for (int i = 0; i < thread_count; i++)
    if (threads[i] != main) {
      ptrace(PTRACE_INTERRUPT, threads[i], 0, 0);
      int status;
      waitpid(threads[i], &status, __WALL);
      ptrace(PTRACE_DETACH, threads[i], 0, 0);
    }
}

int main(int argc, char **argv) {
  if (argc < 7)
    return 2;
  const long n = atol(argv[1]);
  const int signal = atoi(argv[2]);
  const char *mark = argv[3], *count_path = argv[4];
  const pid_t main_pid = fork();
  if (main_pid == 0) {
    raise(SIGSTOP);
    execvp(argv[6], argv + 6);
    _exit(127);
  }
  int status = 0, sent = 0;
  waitpid(main_pid, &status, WUNTRACED);
  if (n < 0) {
    kill(main_pid, SIGCONT);
    if (signal) {
      usleep((useconds_t)-n);
      kill(main_pid, signal);
    }
    while (waitpid(main_pid, &status, 0) < 0 && errno == EINTR)
      ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  if (ptrace(PTRACE_SEIZE, main_pid, 0,
             PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC) < 0)
    return 3;
  kill(main_pid, SIGCONT);
  add(main_pid);
  is_counting = *mark == 0;
  for (;;) {
    const pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0)
      break;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      drop(pid);
      if (pid == main_pid)
        break;
      continue;
    }
    add(pid);
    const int stop = WSTOPSIG(status), event = status >> 16;
    int pass = 0;
    if (stop == (SIGTRAP | 0x80)) {
      struct __ptrace_syscall_info info;
      if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0 &&
          info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        if (!is_counting)
          is_counting = names(pid, &info, mark);
        if (is_counting && ++counted == n) {
          sent = 1;
          if (signal == SIGKILL) {
            kill(main_pid, SIGKILL);
          } else {
            let_go(pid);
            ptrace(PTRACE_DETACH, pid, 0, 0);
            kill(main_pid, signal);
          }
          /* A process is reported once its threads are. */
          for (pid_t one; (one = waitpid(-1, &status, __WALL)) > 0;)
            if (!WIFEXITED(status) && !WIFSIGNALED(status))
              ptrace(PTRACE_CONT, one, 0, 0);
            else if (one == main_pid)
              break;
          break;
        }
      }
    } else if (event == 0 && stop != SIGTRAP) {
      pass = stop;
    } else if (event == PTRACE_EVENT_STOP &&
               (stop == SIGSTOP || stop == SIGTSTP || stop == SIGTTIN || stop == SIGTTOU)) {
      ptrace(PTRACE_LISTEN, pid, 0, 0);
      continue;
    }
    ptrace(PTRACE_SYSCALL, pid, 0, pass);
  }
  FILE *out = fopen(count_path, "w");
  if (out) {
    fprintf(out, "%ld %d\n", counted, sent);
    fclose(out);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
