/*
 * terminal_swap TERMINAL: opens a terminal by a path that another thread keeps changing between one
 * of its own and TERMINAL, to which it writes when it has it. Prints how often it opened which.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile char path[64];
static const char *theirs;
static char own[64];
static volatile int over;

static void *swap(void *argument) {
  (void)argument;
  while (!over) {
    memcpy((void *)path, theirs, strlen(theirs) + 1);
    memcpy((void *)path, own, strlen(own) + 1);
  }
  return NULL;
}

int main(int argc, char **argv) {
  struct stat mine, other, found;
  pthread_t thread;
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (argc != 2 || master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
    return 2;
  theirs = argv[1];
  snprintf(own, sizeof own, "%s", ptsname(master));
  memcpy((void *)path, own, strlen(own) + 1);
  if (stat(own, &mine) < 0 || stat(theirs, &other) < 0)
    return 3;
  pthread_create(&thread, NULL, swap, NULL);
  long opened_own = 0, opened_other = 0, failed = 0;
  for (long tries = 0;
       tries < 2000000 && (opened_own < 1000 || opened_other + failed < 1000); tries++) {
    const int fd = open((const char *)path, O_RDWR | O_NOCTTY);
    if (fd < 0) {
      failed++;
      continue;
    }
    /* Halves of both names may be that of a third one. */
    if (fstat(fd, &found) == 0 && found.st_rdev == mine.st_rdev)
      opened_own++;
    else if (found.st_rdev == other.st_rdev && opened_other++ == 0 && write(fd, "swapped\n", 8) < 0)
      return 4;
    close(fd);
  }
  over = 1;
  pthread_join(thread, NULL);
  printf("%ld %ld\n", opened_own, opened_other);
  return 0;
}
