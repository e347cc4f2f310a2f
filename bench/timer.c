/*
 * Times commands from their start to their end, in turn, so that a machine that gets slower slows
 * all of them; without Node between. Built and called by timer.mjs.
 *
 *   timer ROUNDS WARMUPS JOBS DIRECTORY < commands
 *
 * A command is lines, one a word, and ends with an empty line. `{n}` in a word is another number
 * each time; what stands before a word `{then}` is run before, once, and not timed. Prints a line a
 * measurement: index, microseconds, status (-1 where it could not be executed). With JOBS above 1,
 * a measurement is of JOBS of the same at a time. vfork(2), so that this program's size does not
 * matter.
 *
 * It reaps orphans, as the init of an ordinary machine does: that of a container may not, and what
 * several of the commands leave behind would stay as zombies.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS 64
#define WORDS 256
#define JOBS 256

static char *commands[COMMANDS][WORDS + 1];
static char **timed[COMMANDS]; /* where the words begin that are timed */
static pid_t running[JOBS];

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* The words with `{n}` replaced, in memory that the next call uses again. */
static char **numbered(char **argv) {
  static char *words[WORDS + 1], text[1 << 16];
  static int number;
  char *at = text;
  int i = 0;
  number++;
  for (; argv[i]; i++) {
    const char *place = strstr(argv[i], "{n}");
    words[i] = argv[i];
    if (!place || text + sizeof text - at < (ptrdiff_t)strlen(argv[i]) + 16)
      continue;
    words[i] = at;
    at += sprintf(at, "%.*s%d%s", (int)(place - argv[i]), argv[i], number, place + 3) + 1;
  }
  words[i] = NULL;
  return words;
}

static pid_t start(char **given) {
  char **argv = numbered(given);
  pid_t pid = vfork();
  if (pid == 0) {
    execvp(argv[0], argv);
    _exit(127);
  }
  return pid;
}

/* Returns whether one of the jobs has ended, and not something that one of them left behind. */
static int is_job(pid_t pid, int jobs) {
  for (int i = 0; i < jobs; i++)
    if (running[i] == pid) {
      running[i] = 0;
      return 1;
    }
  return 0;
}

/* Returns the first status that is not 0. */
static int once(char **argv, int jobs) {
  int worst = 0, status;
  for (int i = 0; i < jobs; i++)
    if ((running[i] = start(argv)) < 0)
      return -1;
  for (int left = jobs; left > 0;) {
    pid_t pid = wait(&status);
    if (pid < 0)
      return -1;
    if (!is_job(pid, jobs))
      continue;
    left--;
    if (worst == 0 && status != 0)
      worst = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return worst;
}

int main(int argc, char **argv) {
  if (argc != 5 || chdir(argv[4]) < 0)
    return 2;
  int rounds = atoi(argv[1]), warmups = atoi(argv[2]), jobs = atoi(argv[3]);
  if (jobs < 1 || jobs > JOBS || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
    return 2;
  int count = 0, words = 0;
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  while ((length = getline(&line, &room, stdin)) > 0 && count < COMMANDS) {
    line[length - 1] = 0;
    if (length == 1) {
      count += words > 0;
      words = 0;
    } else if (words < WORDS) {
      if (words == 0)
        timed[count] = commands[count];
      const int then = strcmp(line, "{then}") == 0;
      commands[count][words++] = then ? NULL : strdup(line);
      if (then)
        timed[count] = &commands[count][words];
    }
  }
  int null = open("/dev/null", O_RDWR), report = dup(1);
  FILE *out = fdopen(report, "w");
  if (null < 0 || out == NULL || fcntl(report, F_SETFD, FD_CLOEXEC) < 0)
    return 2;
  for (int fd = 0; fd < 3; fd++)
    dup2(null, fd);
  close(null);
  for (int round = -warmups; round < rounds; round++)
    for (int i = 0; i < count; i++) {
      const int before = timed[i] == commands[i] ? 0 : once(commands[i], 1);
      double start_us = now_us();
      int status = once(timed[i], jobs);
      double us = now_us() - start_us;
      if (before != 0)
        status = before;
      if (round >= 0)
        fprintf(out, "%d %.1f %d\n", i, us, status);
      while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    }
  return fclose(out) != 0;
}
