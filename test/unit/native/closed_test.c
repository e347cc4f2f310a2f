/*
 * The copies that wb_files_sample makes of a closed process's descriptors. One of them is a socket that lingers, and the
 * process ends while the copy is there: the process that closes it now waits for the peer, which takes nothing. Where a copy is
 * known to be there is learnt from a filter, which stops the look at its statx(2).
 *
 *   main: a new user namespace's owner ─▶ target: closed to it, as a payload is
 *     └─ thread with the filter: wb_files_sample
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../addon/supervisor/files.h"
#include "../../../addon/supervisor/members.h"

#define LINGER_SECONDS 8

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "closed_test.c:%d: %s\n", __LINE__, #condition);                             \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Has a socket with more to send than its peer takes; says so, and waits. */
static int target(int port) {
  static char bytes[1 << 16];
  const struct linger linger = {1, LINGER_SECONDS};
  const struct sockaddr_in address = {AF_INET, htons((uint16_t)port), {htonl(INADDR_LOOPBACK)}, {0}};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
  CHECK(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
  while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    ;
  CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
  CHECK(write(STDOUT_FILENO, "+", 1) == 1);
  pause();
  return 0;
}

static pid_t start_target(int listener) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  char port[8], byte;
  int ready[2];
  CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
  snprintf(port, sizeof port, "%u", ntohs(address.sin_port));
  CHECK(pipe(ready) == 0);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    dup2(ready[1], STDOUT_FILENO);
    CHECK(unshare(CLONE_NEWUSER) == 0);
    execl("/proc/self/exe", "closed_test", "target", port, NULL);
    _exit(1);
  }
  close(ready[1]);
  CHECK(read(ready[0], &byte, 1) == 1);
  close(ready[0]);
  return pid;
}

struct task {
  struct wb_sandbox sandbox;
  struct wb_files *files;
  int listener; /* of the filter, once it is there; atomic */
  int over;     /* atomic */
};

static void *look(void *argument) {
  struct task *task = argument;
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_statx, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof code / sizeof *code, code};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
  CHECK(fd >= 0);
  __atomic_store_n(&task->listener, fd, __ATOMIC_SEQ_CST);
  wb_files_sample(&task->sandbox, 0, task->files);
  __atomic_store_n(&task->over, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

static int is_socket(const struct seccomp_notif *notif) {
  char path[64], name[64] = "";
  snprintf(path, sizeof path, "/proc/%u/fd/%d", notif->pid, (int)notif->data.args[0]);
  return readlink(path, name, sizeof name - 1) > 0 && strncmp(name, "socket:", 7) == 0;
}

/* Lets the look go on, and ends the target when its socket is the one that is looked at. Returns
 * when that was; 0: not at all. */
static double serve(struct task *task, pid_t pid) {
  double ended = 0;
  while (__atomic_load_n(&task->listener, __ATOMIC_SEQ_CST) < 0)
    usleep(1000);
  while (!__atomic_load_n(&task->over, __ATOMIC_SEQ_CST)) {
    struct seccomp_notif notif;
    memset(&notif, 0, sizeof notif);
    struct timespec pause = {0, 1000000};
    struct seccomp_notif_resp answer = {.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(task->listener, &set);
    if (pselect(task->listener + 1, &set, NULL, NULL, &pause, NULL) != 1 ||
        ioctl(task->listener, SECCOMP_IOCTL_NOTIF_RECV, &notif) != 0)
      continue;
    if (!ended && is_socket(&notif)) {
      CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
      ended = now();
    }
    answer.id = notif.id;
    ioctl(task->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
  return ended;
}

/* /proc shows root every descriptor, so run as the user nobody, without a group. */
static void become_ordinary(char *const argv[]) {
  if (geteuid() != 0)
    return;
  CHECK(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 &&
        setresuid(65534, 65534, 65534) == 0);
  execv("/proc/self/exe", argv);
  exit(1);
}

int main(int argc, char *argv[]) {
  if (argc == 3)
    return target(atoi(argv[2]));
  become_ordinary(argv);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(listener >= 0 && listen(listener, 1) == 0);
  const pid_t pid = start_target(listener);

  /* A /proc in which there is that process alone. */
  char directory[] = "/tmp/wasbox-closed-XXXXXX", link[64], to[32];
  CHECK(mkdtemp(directory));
  snprintf(link, sizeof link, "%s/%d", directory, (int)pid);
  snprintf(to, sizeof to, "/proc/%d", (int)pid);
  CHECK(symlink(to, link) == 0);
  struct task task = {.files = calloc(1, sizeof(struct wb_files)), .listener = -1};
  static const struct wb_members all_of_proc;
  task.sandbox = (struct wb_sandbox){open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), &all_of_proc,
                                     (uint32_t)getpid(), 0, 4096, NULL, NULL};
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, look, &task) == 0);
  const double ended = serve(&task, pid);
  CHECK(pthread_join(thread, NULL) == 0);
  const double took = now() - ended;
  unlink(link);
  rmdir(directory);
  CHECK(ended > 0);              /* the socket was looked at */
  CHECK(task.files->most >= 4);  /* with the others */
  CHECK(took < LINGER_SECONDS / 2.0);
  free(task.files);
  puts("closed: ok");
  return 0;
}
