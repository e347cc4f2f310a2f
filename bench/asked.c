/* Makes one call many times, and prints what one took, in microseconds. For asked.mjs.
 *   asked open|mode|connect COUNT PORT
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in server;

static int open_one(void) {
  int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  return fd < 0 ? -1 : close(fd);
}

static int mode_one(void) {
  return chmod("file", 0600);
}

static int connect_one(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server) < 0)
    return -1;
  return close(fd);
}

static const struct {
  const char *name;
  int (*one)(void);
} kinds[] = {{"open", open_one}, {"mode", mode_one}, {"connect", connect_one}};

int main(int argc, char **argv) {
  if (argc != 4)
    return 2;
  const int count = atoi(argv[2]);
  struct timespec from, to;
  server.sin_family = AF_INET;
  server.sin_port = htons((unsigned short)atoi(argv[3]));
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0 || close(fd) < 0)
    return 1;
  for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
    if (strcmp(argv[1], kinds[kind].name) != 0)
      continue;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < count; i++)
      if (kinds[kind].one() < 0) {
        perror(argv[1]);
        return 1;
      }
    clock_gettime(CLOCK_MONOTONIC, &to);
    const double us =
        (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
    printf("%.3f\n", count ? us / count : 0);
    return 0;
  }
  return 2;
}
