/* Times single system calls, in nanoseconds each. Run by steady.mjs inside and outside. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

#define TIME(name, count, call)                                                                    \
  do {                                                                                             \
    double best = 1e18;                                                                            \
    for (int part = 0; part < 10; part++) {                                                        \
      double start = now_ns();                                                                     \
      for (int i = 0; i < (count); i++)                                                            \
        call;                                                                                      \
      double each = (now_ns() - start) / (count);                                                  \
      best = each < best ? each : best;                                                            \
    }                                                                                              \
    printf("%s %.1f\n", name, best);                                                               \
  } while (0)

int main(void) {
  struct stat info;
  char byte;
  int zero = open("/dev/zero", O_RDONLY);
  TIME("getppid", 20000, syscall(SYS_getppid));
  TIME("read", 20000, (void)!read(zero, &byte, 1));
  TIME("stat", 10000, stat("/usr/bin/env", &info));
  TIME("open and close", 5000, close(open("/usr/bin/env", O_RDONLY)));
  TIME("socket and close", 2000, close(syscall(SYS_socket, 1, 1, 0)));
  return 0;
}
