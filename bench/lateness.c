/* A payload that stretches the calls that the supervisor acts on, while it is measured. For
 * lateness.py. lateness quiet|stretch wait|grow|echo [MIB] wait: until it is ended. grow: takes MIB
 * after two seconds, and says when it has how many. echo: gives back what it reads.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES 64
#define VECTORS 64
#define PIECE (512 << 10)

static struct sockaddr_in resolver;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Messages whose vectors lie on memory that nothing has touched: copying them makes the pages. */
static struct mmsghdr *messages(struct iovec *vectors, char *memory) {
  struct mmsghdr *all = calloc(MESSAGES, sizeof *all);
  for (unsigned i = 0; i < MESSAGES; i++) {
    all[i].msg_hdr = (struct msghdr){.msg_name = &resolver,
                                     .msg_namelen = sizeof resolver,
                                     .msg_iov = vectors + i * VECTORS,
                                     .msg_iovlen = VECTORS};
    for (unsigned j = 0; j < VECTORS; j++)
      vectors[i * VECTORS + j] =
          (struct iovec){memory + ((size_t)i * VECTORS + j) % 16 * PIECE, PIECE};
  }
  return all;
}

static void *datagrams(void *argument) {
  const size_t size = 16 * PIECE;
  struct iovec *vectors = calloc(MESSAGES * VECTORS, sizeof *vectors);
  (void)argument;
  for (;;) {
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      continue;
    madvise(memory, size, MADV_HUGEPAGE);
    struct mmsghdr *all = messages(vectors, memory);
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    sendmmsg(fd, all, MESSAGES, MSG_DONTWAIT);
    recvmmsg(fd, all, MESSAGES, MSG_DONTWAIT, NULL);
    close(fd);
    free(all);
    munmap(memory, size);
  }
}

/* A connection that sixteen epolls wait for, to an address that the rules refuse. */
static void *connections(void *argument) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
  to.sin_addr.s_addr = htonl(0x7f000001);
  (void)argument;
  for (;;) {
    int epolls[16];
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    for (unsigned i = 0; i < 16; i++) {
      struct epoll_event event = {.events = EPOLLOUT};
      epolls[i] = epoll_create1(0);
      epoll_ctl(epolls[i], EPOLL_CTL_ADD, fd, &event);
    }
    connect(fd, (struct sockaddr *)&to, sizeof to);
    for (unsigned i = 0; i < 16; i++)
      close(epolls[i]);
    close(fd);
  }
}

/* Paths as long as they may be. */
static void *paths(void *argument) {
  char path[4096] = "";
  (void)argument;
  mkdir("d", 0755);
  while (strlen(path) + 6 < sizeof path)
    strcat(path, "d/../");
  strcat(path, "d");
  for (;;) {
    chmod(path, 0700);
    chown(path, 1, 1);
    close(open(path, O_RDONLY | O_DIRECTORY));
  }
}

/* Holds mmap_lock: a fork(2) copies the tables of much memory. */
static void *forks(void *argument) {
  const size_t size = 64 << 20;
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  (void)argument;
  madvise(memory, size, MADV_NOHUGEPAGE);
  memset(memory, 1, size);
  for (;;) {
    const pid_t pid = fork();
    if (pid == 0)
      _exit(0);
    if (pid > 0)
      waitpid(pid, NULL, 0);
  }
}

static void stretch(void) {
  void *(*const all[])(void *) = {datagrams, datagrams, connections, paths, forks};
  pthread_t thread;
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
    pthread_create(&thread, NULL, all[i], NULL);
}

int main(int count, char **words) {
  char byte;
  if (count < 3)
    return 2;
  resolver = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(53)};
  inet_pton(AF_INET, "127.0.0.53", &resolver.sin_addr);
  if (strcmp(words[1], "stretch") == 0)
    stretch();
  printf("ready %.6f\n", now());
  fflush(stdout);
  if (strcmp(words[2], "grow") == 0) {
    sleep(2);
    char *memory = malloc((size_t)atoi(words[3]) << 20);
    for (int i = 0; i < atoi(words[3]); i += 10) {
      memset(memory + ((size_t)i << 20), 1, 10 << 20);
      dprintf(1, "%d %.6f\n", i + 10, now());
    }
  }
  while (strcmp(words[2], "echo") == 0 && read(0, &byte, 1) == 1)
    if (write(1, &byte, 1) != 1)
      return 1;
  for (;;)
    pause();
}
