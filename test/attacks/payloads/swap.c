/*
 * swap DIRECTORY SECONDS VICTIM: changes modes and times through a path that another thread keeps
 * changing between a file of its own and VICTIM, and renames the directories on the way meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile char path[4096];
static const char *victim;
static char own[4096];
static volatile int over;

static void *swap(void *argument) {
  (void)argument;
  while (!over) {
    memcpy((void *)path, victim, strlen(victim) + 1);
    memcpy((void *)path, own, strlen(own) + 1);
    unlink("link.new");
    if (symlink(victim, "link.new") == 0)
      rename("link.new", "link");
    unlink("link.new");
    if (symlink("own", "link.new") == 0)
      rename("link.new", "link");
    rename("way", "way.old");
    if (symlink("/", "way") == 0) {
      unlink("way");
    }
    rename("way.old", "way");
    const int fd = open(victim, O_RDONLY);
    dup2(fd, 100);
    close(fd);
    const int mine = open("own", O_RDONLY);
    dup2(mine, 100);
    close(mine);
  }
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t thread;
  char by_way[4096];
  if (argc != 4 || chdir(argv[1]) < 0)
    return 2;
  victim = argv[3];
  const time_t end = time(NULL) + atoi(argv[2]);
  close(open("own", O_WRONLY | O_CREAT, 0644));
  mkdir("way", 0755);
  char *here = getcwd(NULL, 0);
  snprintf(own, sizeof own, "%s/own", here);
  snprintf(by_way, sizeof by_way, "way%s", victim);
  char own_by_way[4096];
  snprintf(own_by_way, sizeof own_by_way, "way/own");
  close(open(own_by_way, O_WRONLY | O_CREAT, 0644));
  memcpy((void *)path, own, strlen(own) + 1);
  pthread_create(&thread, NULL, swap, NULL);
  unsigned long done = 0;
  const struct timespec times[2] = {{1, 0}, {1, 0}};
  /* Some rounds are made, however busy the machine is. */
  while (time(NULL) < end || (done <= 100 && time(NULL) < end + 100)) {
    done += chmod((const char *)path, 0777) == 0;
    done += chmod("link", 0777) == 0;
    done += chmod(by_way, 0777) == 0;
    done += fchmod(100, 0777) == 0;
    done += utimensat(AT_FDCWD, (const char *)path, times, 0) == 0;
    done += utimensat(AT_FDCWD, "link", times, 0) == 0;
    done += fchmodat(AT_FDCWD, "link", 0777, 0) == 0;
  }
  over = 1;
  pthread_join(thread, NULL);
  printf("%lu\n", done);
  return 0;
}
