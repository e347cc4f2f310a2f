/*
 * Opens what it may not, and does something foolish while the question is open.
 *
 *   asker read PATH …         prints each file, or the errno
 *   asker race GOOD BAD N     opens N times a path that another thread changes all the time
 *   asker dying PATH          threads and processes that end, execute, fork, stop or close meanwhile
 *   asker flood PATH N        N processes ask at the same time
 *   asker signals PATH        opens PATH while signals come
 *   asker wait PATH           like read, from a grandchild in a session of its own
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int show(const char *path) {
  char text[64] = "";
  int fd = open(path, O_RDONLY);
  if (fd < 0) {
    printf("errno %d\n", errno);
    return 1;
  }
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  printf("%.*s", n > 0 ? (int)n : 0, text);
  return 0;
}

static char shared[4096];
static const char *good, *bad;
static atomic_int over;
static atomic_uint changes;

static void *change(void *unused) {
  for (unsigned i = 0; !over; i++) {
    const char *next = i & 1 ? good : bad;
    memcpy(shared, next, strlen(next) + 1);
    changes++;
  }
  return unused;
}

static int race(int times) {
  pthread_t thread;
  int goods = 0, bads = 0;
  strcpy(shared, good);
  pthread_create(&thread, NULL, change, NULL);
  for (int i = 0; i < times; i++) {
    char text[16] = "";
    /* On a busy machine, the other thread may not run for a while. */
    for (unsigned before = changes; changes == before;)
      sched_yield();
    int fd = open(shared, O_RDONLY);
    if (fd < 0)
      continue;
    if (read(fd, text, sizeof text - 1) > 0) {
      goods += !strncmp(text, "good", 4);
      bads += !strncmp(text, "bad", 3);
    }
    close(fd);
  }
  over = 1;
  pthread_join(thread, NULL);
  printf("good %d bad %d\n", goods, bads);
  return 0;
}

static void *open_there(void *path) {
  int fd = open(path, O_RDONLY);
  return (void *)(long)fd;
}

static const char *asked;

/* Asks, in a child, in a thread, and goes another way in the first one. */
static void foolish(int which) {
  pthread_t thread;
  pthread_create(&thread, NULL, open_there, (void *)asked);
  usleep(1000 * (which % 7));
  switch (which % 6) {
  case 0:
    _exit(0);
  case 1:
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
  case 2:
    syscall(SYS_close_range, 0, ~0u, 0);
    break;
  case 3:
    kill(getpid(), SIGKILL);
    break;
  case 4:
    kill(getpid(), SIGSTOP); /* the parent continues it */
    break;
  default:
    if (fork() == 0)
      _exit(0);
    break;
  }
  pthread_join(thread, NULL);
  _exit(0);
}

static int dying(void) {
  for (int i = 0; i < 60; i++) {
    pid_t child = fork();
    if (child == 0)
      foolish(i);
    for (;;) {
      int status;
      if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status))
        break;
      kill(child, SIGCONT);
    }
  }
  puts("done");
  return 0;
}

static int flood(int processes) {
  int refused = 0;
  for (int i = 0; i < processes; i++)
    if (fork() == 0)
      _exit(open(asked, O_RDONLY) < 0);
  for (int status; wait(&status) > 0;)
    refused += WIFEXITED(status) && WEXITSTATUS(status);
  printf("refused %d of %d\n", refused, processes);
  return 0;
}

static void tick(int signal) {
  (void)signal;
}

static int signals(void) {
  struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
  struct itimerval often = {{0, 2000}, {0, 2000}};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &often, NULL);
  return show(asked);
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 3)
    return 2;
  asked = argv[2];
  if (!strcmp(argv[1], "read")) {
    for (int i = 2; i < argc; i++)
      show(argv[i]);
    return 0;
  }
  if (!strcmp(argv[1], "race") && argc == 5) {
    good = argv[2];
    bad = argv[3];
    return race(atoi(argv[4]));
  }
  if (!strcmp(argv[1], "dying"))
    return dying();
  if (!strcmp(argv[1], "flood") && argc == 4)
    return flood(atoi(argv[3]));
  if (!strcmp(argv[1], "signals"))
    return signals();
  if (!strcmp(argv[1], "wait")) {
    if (fork() == 0) {
      setsid();
      if (fork() == 0)
        show(asked);
      _exit(0);
    }
    pause();
  }
  return 2;
}
