/*
 * Tries what the supervisor does with copies of this program's descriptors, and with those that it
 * opens for it. Called by copies.test.ts.
 *
 *   copies ask FILE      connect(2), bind(2), listen(2) and SO_LINGER on a file that is no socket
 *   copies swap FILE     the same, while another thread puts a socket in its place and takes it away
 *   copies hide FILE     the same, closed to all but root (PR_SET_DUMPABLE)
 *   copies linger        prints what becomes of SO_LINGER
 *   copies pass          passes sockets that linger through stdout
 *   copies exhaust MB    has the supervisor open all that it can, and takes memory
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PLACE 100
#define SWAPS 3000

static struct sockaddr_in address;
static const struct linger off;

static void ask_about(int fd) {
  connect(fd, (struct sockaddr *)&address, sizeof address);
  bind(fd, (struct sockaddr *)&address, sizeof address);
  listen(fd, 1);
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

static int file, is_over;

static void *swap(void *unused) {
  const int files[] = {file, socket(AF_INET, SOCK_STREAM, 0)};
  for (unsigned turn = 0; !__atomic_load_n(&is_over, __ATOMIC_RELAXED); turn++) {
    const int pause = rand() % 20000;
    dup2(files[turn % 2], PLACE);
    for (volatile int i = 0; i < pause; i++)
      ;
  }
  return unused;
}

/* Says how often there was a socket, and how often none. */
static void race(void) {
  pthread_t thread;
  int sockets = 0, files = 0;
  pthread_create(&thread, NULL, swap, NULL);
  for (int i = 0; i < SWAPS; i++) {
    const int ret = i % 2 ? setsockopt(PLACE, SOL_SOCKET, SO_LINGER, &off, sizeof off)
                          : connect(PLACE, (struct sockaddr *)&address, sizeof address);
    files += ret < 0 && errno == ENOTSOCK;
    sockets += ret == 0 || (errno != ENOTSOCK && errno != EBADF);
  }
  __atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
  pthread_join(thread, NULL);
  fprintf(stderr, "%s\n", sockets > 10 && files > 10 ? "raced" : "did not race");
}

static void print_linger(int time) {
  struct linger linger = {1, time};
  socklen_t size = sizeof linger;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int set = setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, size);
  getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &size);
  printf("%d: %d, %d %d\n", time, set, linger.l_onoff, linger.l_linger);
  close(fd);
}

/* A connection with more to send than its peer, which is open, takes. */
static int lingering(void) {
  static char bytes[65536];
  static int listener = -1;
  struct linger linger = {1, 3600};
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof own;
  if (listener < 0) {
    listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr *)&own, size);
    listen(listener, 100);
  }
  getsockname(listener, (struct sockaddr *)&own, &size);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&own, size) < 0 || accept(listener, NULL, NULL) < 0)
    exit(3);
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    ;
  return fd;
}

static void pass(int fd) {
  union {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof fd)];
  } control = {.head = {CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS}};
  struct iovec vector = {"x", 1};
  const struct msghdr message = {.msg_iov = &vector,
                                 .msg_iovlen = 1,
                                 .msg_control = &control,
                                 .msg_controllen = sizeof control};
  memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
  if (sendmsg(1, &message, 0) != 1)
    exit(4);
  close(fd);
}

static void exhaust(int megabytes) {
  int opened = 0, refused = 0;
  for (int i = 0; i < 128; i++)
    socket(AF_INET, SOCK_DGRAM, 0) < 0 ? refused++ : opened++;
  for (int i = 0; i < 256; i++)
    socket(AF_INET, SOCK_STREAM, 0) < 0 ? refused++ : opened++;
  fprintf(stderr, "%s\n", opened > 100 && refused > 10 ? "exhausted" : "not exhausted");
  for (int i = 0; i < megabytes; i += 50) {
    memset(mmap(NULL, 50 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1,
           50 << 20);
    usleep(100000);
  }
  sleep(5);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  char byte;
  address = (struct sockaddr_in){AF_INET, htons(9), {htonl(INADDR_LOOPBACK)}, {0}};
  if (strcmp(what, "linger") == 0) {
    print_linger(5);
    print_linger(0);
  } else if (strcmp(what, "pass") == 0) {
    for (int i = 0; i < 20; i++)
      pass(lingering());
    return read(0, &byte, 1) == 1 ? 0 : 5;
  } else if (strcmp(what, "exhaust") == 0) {
    exhaust(atoi(argv[2]));
    puts("kept");
  } else {
    file = open(argv[2], O_RDONLY);
    if (file < 0)
      return 2;
    if (strcmp(what, "hide") == 0)
      prctl(PR_SET_DUMPABLE, 0);
    if (strcmp(what, "swap") == 0)
      race();
    ask_about(file);
    puts("asked");
    fflush(stdout);
    (void)!read(0, &byte, 1);
  }
  return 0;
}
