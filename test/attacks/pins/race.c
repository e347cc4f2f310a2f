/*
 * Attack 68: the caller of a notified call is killed and reaped while the supervisor acts for it, and
 * a process of the host gets its number. Both sides; pins.test.ts starts them in one pid namespace
 * with few numbers.
 *
 *     race victims FILE SECONDS       the host's processes, until one is hit; the result is in FILE
 *     race datagrams SECONDS          in Landlock isolation with a network rule
 *     race epolls PORT SECONDS        with namespaces and a rule for this port of loopback
 *
 * Victims and callers have the same memory at the same addresses and the same descriptors, so that
 * whatever is done by number to a caller that is gone is seen in a victim.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHARED ((unsigned char *)0x414100000000)
#define SHARED_SIZE 65536
#define PATTERN 0xa5
#define FIRST_EPOLL 40
#define EPOLLS 16
#define ALIVE 64 /* victims at a time */

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void *map(void *at, size_t size) {
  void *found = mmap(at, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);
  if (found == MAP_FAILED) {
    perror("mmap");
    exit(2);
  }
  return found;
}

/* --- the host's processes --------------------------------------------------------------------- */

/* What is wrong with this process, or NULL. */
static const char *damage(const cpu_set_t *processors) {
  struct epoll_event event;
  cpu_set_t present;
  struct rlimit files;
  for (size_t i = 0; i < SHARED_SIZE; i++)
    if (SHARED[i] != PATTERN)
      return "memory";
  for (int i = 0; i < EPOLLS; i++)
    if (epoll_wait(FIRST_EPOLL + i, &event, 1, 0) != 0)
      return "epoll";
  if (fcntl(FIRST_EPOLL + EPOLLS, F_GETFD) >= 0)
    return "descriptor";
  sched_getaffinity(0, sizeof present, &present);
  if (!CPU_EQUAL(&present, processors))
    return "affinity";
  getrlimit(RLIMIT_NPROC, &files);
  return files.rlim_max == 0 ? "limit" : NULL;
}

static _Noreturn void be_victim(int out) {
  cpu_set_t processors;
  sched_getaffinity(0, sizeof processors, &processors);
  char line[64];
  usleep(15000);
  const char *what = damage(&processors);
  if (what && write(out, line, (size_t)snprintf(line, sizeof line, "hit %s\n", what)) < 0)
    _exit(2);
  _exit(what ? 1 : 0);
}

/* Takes those that have ended; returns whether one was hit. */
static int reap(int *alive, int flags) {
  int status, hit = 0;
  while (*alive && waitpid(-1, &status, flags) > 0) {
    hit |= status != 0;
    (*alive)--;
    flags = WNOHANG;
  }
  return hit;
}

static int victims(const char *file, double seconds) {
  char line[64];
  const int out = open(file, O_WRONLY | O_CREAT | O_APPEND, 0644);
  memset(map(SHARED, SHARED_SIZE), PATTERN, SHARED_SIZE);
  for (int i = 0; i < EPOLLS; i++)
    if (dup2(epoll_create1(0), FIRST_EPOLL + i) < 0)
      return 2;
  long made = 0;
  int alive = 0, hit = 0;
  for (const double end = now() + seconds; !hit && now() < end;) {
    const pid_t pid = alive < ALIVE ? fork() : -1;
    if (pid == 0)
      be_victim(out);
    alive += pid > 0;
    made += pid > 0;
    hit = reap(&alive, pid < 0 ? 0 : WNOHANG);
  }
  while (alive && wait(NULL) > 0)
    alive--;
  return write(out, line, (size_t)snprintf(line, sizeof line, "made %ld\n", made)) < 0;
}

/* --- the payloads ----------------------------------------------------------------------------- */

/* Kills and reaps a caller after a while of its call, which differs from try to try. */
static void end_caller(pid_t pid, int try) {
  usleep((useconds_t)(500 + try % 64 * 500));
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

/* A question to the resolver, whose answer is to come. */
static int ask_resolver(void) {
  static const unsigned char question[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                          "\x07" "example\x03" "com\x00\x00\x01\x00\x01";
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};
  inet_pton(AF_INET, "127.0.0.53", &to.sin_addr);
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct pollfd wait = {fd, POLLIN, 0};
  if (fd < 0 || sendto(fd, question, sizeof question - 1, 0, (void *)&to, sizeof to) < 0 ||
      poll(&wait, 1, 5000) != 1) {
    perror("resolver");
    exit(2);
  }
  return fd;
}

/* Receives a datagram with its name and header where victims have memory of their own. */
static _Noreturn void receive(int fd) {
  struct iovec vector = {SHARED + 4096, 512};
  struct msghdr *message = (void *)(SHARED + 8192);
  *message =
      (struct msghdr){.msg_name = SHARED, .msg_namelen = 16, .msg_iov = &vector, .msg_iovlen = 1};
  recvmsg(fd, message, 0);
  _exit(0);
}

static int datagrams(double seconds) {
  memset(map(SHARED, SHARED_SIZE), 0, SHARED_SIZE);
  long tries = 0;
  for (const double end = now() + seconds; now() < end; tries++) {
    const int fd = ask_resolver();
    const pid_t pid = fork();
    if (pid == 0)
      receive(fd);
    if (pid > 0)
      end_caller(pid, (int)tries);
    close(fd);
  }
  printf("tries %ld\n", tries);
  return 0;
}

static _Noreturn void dial(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  for (int i = 0; i < EPOLLS; i++) {
    struct epoll_event event = {.events = EPOLLOUT, .data.u64 = 0x4141414141414141};
    epoll_ctl(FIRST_EPOLL + i, EPOLL_CTL_ADD, fd, &event);
  }
  connect(fd, (void *)&to, sizeof to);
  _exit(0);
}

static int epolls(int port, double seconds) {
  for (int i = 0; i < EPOLLS; i++)
    if (dup2(epoll_create1(0), FIRST_EPOLL + i) < 0)
      return 2;
  long tries = 0;
  for (const double end = now() + seconds; now() < end; tries++) {
    const pid_t pid = fork();
    if (pid == 0)
      dial(port);
    if (pid > 0)
      end_caller(pid, (int)tries);
  }
  printf("tries %ld\n", tries);
  return 0;
}

int main(int count, char **words) {
  if (count == 4 && strcmp(words[1], "victims") == 0)
    return victims(words[2], atof(words[3]));
  if (count == 3 && strcmp(words[1], "datagrams") == 0)
    return datagrams(atof(words[2]));
  if (count == 4 && strcmp(words[1], "epolls") == 0)
    return epolls(atoi(words[2]), atof(words[3]));
  return 2;
}
