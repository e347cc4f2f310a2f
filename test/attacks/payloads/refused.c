/*
 * Payload of the refusal tests: asks for what is refused, in ways that are hard on the supervisor.
 *
 *   refused flood N            one call, N times
 *   refused spread N           N different paths and addresses
 *   refused race ADDRESS PORT SECONDS  connects while a second thread rewrites the address
 *   refused dying              processes that are killed, execute or close everything meanwhile
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void flood(long n) {
  for (long i = 0; i < n; i++)
    if (syscall(SYS_keyctl, 0, -3, 1) != -1 || errno != EPERM)
      exit(3);
}

static void spread(long n) {
  for (long i = 0; i < n; i++) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/%ld\033[31m", i);
    if (mount("none", path, "tmpfs", 0, 0) != -1 || errno != EPERM)
      exit(3);
  }
}

/* The address is both the sandbox's own loopback, which answers at once, and one of the host. */
static struct sockaddr_in shared;
static volatile int over;
static uint32_t outside;

static void *rewrite(void *unused) {
  (void)unused;
  while (!over) {
    __atomic_store_n(&shared.sin_addr.s_addr, htonl(INADDR_LOOPBACK), __ATOMIC_RELAXED);
    __atomic_store_n(&shared.sin_addr.s_addr, outside, __ATOMIC_RELAXED);
  }
  return NULL;
}

static void race(const char *address, int port, int seconds) {
  pthread_t thread;
  long got = 0;
  outside = inet_addr(address);
  shared = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  shared.sin_addr.s_addr = outside;
  pthread_create(&thread, NULL, rewrite, NULL);
  for (time_t end = time(NULL) + seconds; time(NULL) < end;) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&shared, sizeof shared) == 0)
      got++;
    close(fd);
  }
  over = 1;
  pthread_join(thread, NULL);
  printf("connected %ld\n", got);
}

static void *asking(void *unused) {
  (void)unused;
  for (;;)
    mount("none", "/tmp/x", "tmpfs", 0, 0);
}

static void dying(void) {
  for (int round = 0; round < 60; round++) {
    pid_t pid = fork();
    if (pid == 0) {
      pthread_t threads[3];
      for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, asking, NULL);
      struct timespec pause = {0, 1000000 + round * 50000};
      nanosleep(&pause, NULL);
      if (round % 3 == 0)
        execl("/bin/true", "true", (char *)NULL);
      if (round % 3 == 1)
        syscall(SYS_close_range, 0, ~0u, 0);
      _exit(0);
    }
    struct timespec pause = {0, 2000000};
    nanosleep(&pause, NULL);
    if (round % 3 == 2)
      kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
  }
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "flood") && argc == 3)
    flood(atol(argv[2]));
  else if (!strcmp(what, "spread") && argc == 3)
    spread(atol(argv[2]));
  else if (!strcmp(what, "race") && argc == 5)
    race(argv[2], atoi(argv[3]), atoi(argv[4]));
  else if (!strcmp(what, "dying"))
    dying();
  else
    return 2;
  puts("done");
  return 0;
}
