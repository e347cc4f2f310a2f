/* Closing the last copy of a socket that lingers, with more to send than its peer takes. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../addon/net/net.h"

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "linger_test.c:%d: %s\n", __LINE__, #condition);                             \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static int close_plainly(int file) {
  return close(file);
}

static int let_go(int file) {
  net_let_go(file);
  return 0;
}

/* How long the closing of one takes, in seconds; and whether it is closed for its peer as well. */
static double seconds_of(int (*function)(int file), int seconds, int *ended) {
  static char bytes[1 << 16];
  const struct linger linger = {1, seconds};
  struct sockaddr_in address = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  socklen_t size = sizeof address;
  struct timespec before, after;
  int listener = socket(AF_INET, SOCK_STREAM, 0), file = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(listen(listener, 1) == 0);
  CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(setsockopt(file, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0);
  CHECK(connect(file, (struct sockaddr *)&address, size) == 0);
  int peer = accept(listener, NULL, NULL);
  CHECK(peer >= 0);
  while (send(file, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    ;
  clock_gettime(CLOCK_MONOTONIC, &before);
  CHECK(function(file) == 0);
  clock_gettime(CLOCK_MONOTONIC, &after);
  CHECK(fcntl(file, F_GETFD) < 0);
  while ((*ended = (int)recv(peer, bytes, sizeof bytes, 0)) > 0)
    ;
  close(peer);
  close(listener);
  return (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

int main(void) {
  int ended = -1;
  CHECK(seconds_of(let_go, 60, &ended) < 1 && ended == 0);
  CHECK(seconds_of(let_go, 0, &ended) < 1); /* it does not linger: a reset */
  CHECK(seconds_of(close_plainly, 2, &ended) >= 1.9);
  CHECK(waitpid(-1, NULL, WNOHANG | __WALL) < 0); /* no child is left */
  net_let_go(open("/dev/null", O_RDONLY)); /* nor is another kind of file in the way */
  puts("linger: ok");
  return 0;
}
