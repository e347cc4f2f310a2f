/**
 * Renames and sets modes as often as it can, in four processes, and writes the errno of a call that
 * failed into a file. Each isolation asks about one of the two. Prints `ready`. answered_calls FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void note(int seen) {
  char line[8];
  const int length = snprintf(line, sizeof line, "%d\n", errno);
  if (write(seen, line, (size_t)length) != length)
    _exit(1);
}

int main(int argc, char **argv) {
  const int seen = open(argv[argc - 1], O_WRONLY | O_APPEND);
  if (argc != 2 || seen < 0)
    return 1;
  int n = 0;
  while (n < 3 && fork() != 0)
    n++;
  const char names[2][3] = {{'d', (char)('0' + n)}, {'e', (char)('0' + n)}};
  if (mkdir(names[0], 0700) != 0)
    return 1;
  if (n == 3 && (puts("ready") < 0 || fflush(stdout) != 0))
    return 1;
  for (int i = 0;; i ^= 1)
    if (rename(names[i], names[!i]) != 0 || chmod(names[!i], 0700) != 0)
      note(seen);
}
