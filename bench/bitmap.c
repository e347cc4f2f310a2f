/* How long system calls take before and after a seccomp filter is loaded: the least of many tries,
 * in nanoseconds. All arguments are -1, so that calls fail early. Run by bitmap.mjs:
 *
 *   bitmap FILTER TRIES NUMBER...      FILTER holds struct sock_filter
 *
 * Prints a line for each number: NUMBER BEFORE AFTER. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_CALLS 512

static long now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static long least(long number, int tries) {
  long best = -1;
  for (int i = 0; i < tries; i++) {
    long start = now_ns();
    syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
    long took = now_ns() - start;
    if (best < 0 || took < best)
      best = took;
  }
  return best;
}

int main(int count, char **words) {
  static struct sock_filter filter[BPF_MAXINSNS];
  static long before[MOST_CALLS], after[MOST_CALLS];
  int calls = count - 3;
  if (calls < 1 || calls > MOST_CALLS)
    return 2;
  int tries = atoi(words[2]);
  int file = open(words[1], O_RDONLY | O_CLOEXEC);
  ssize_t size = read(file, filter, sizeof filter);
  if (size <= 0 || size % (ssize_t)sizeof filter[0] != 0) {
    perror(words[1]);
    return 1;
  }
  for (int i = 0; i < calls; i++)
    before[i] = least(atol(words[3 + i]), tries);
  struct sock_fprog program = {(unsigned short)((size_t)size / sizeof filter[0]), filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
    perror("seccomp");
    return 1;
  }
  for (int i = 0; i < calls; i++)
    after[i] = least(atol(words[3 + i]), tries);
  for (int i = 0; i < calls; i++)
    printf("%s %ld %ld\n", words[3 + i], before[i], after[i]);
  return 0;
}
