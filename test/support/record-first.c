/*
 * Has a start recorded, then becomes it, for tests of the native command.
 *
 *   record-first NOTE WASBOX ARGUMENT…
 *
 * Where a test starts wasbox, this runs first. The first time WASBOX finds no entry and
 * executes Node, whose part of the test installation (two-ways.ts) then records the start instead of
 * making it: descriptors, directory, limits and identity are those of the real start, and nothing
 * is run. The second time is the start that the test looks at. NOTE is where Node leaves a line each
 * time that it is started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(char **argv) {
  execv(argv[0], argv);
  perror("record-first: execv");
  _exit(127);
}

int main(int argc, char **argv) {
  if (argc < 3)
    return 127;
  if (setenv("WASBOX_TEST_NOTE", argv[1], 1) < 0 || setenv("WASBOX_TEST_RECORD", "1", 1) < 0)
    return 127;
  /* Looked for in another state directory, no entry is found that was saved before; the script for Node
   * puts the name right. */
  const char *state = getenv("XDG_STATE_HOME");
  if ((state && setenv("WASBOX_TEST_STATE", state, 1) < 0) ||
      setenv("XDG_STATE_HOME", "/nonexistent", 1) < 0)
    return 127;
  /* Where no process may be made, the test is about just that; nothing is recorded then. */
  pid_t child = fork();
  if (child == 0)
    become(argv + 2);
  while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
    ;
  unsetenv("WASBOX_TEST_RECORD");
  state = getenv("WASBOX_TEST_STATE");
  if (state ? setenv("XDG_STATE_HOME", state, 1) < 0 : unsetenv("XDG_STATE_HOME") < 0)
    return 127;
  unsetenv("WASBOX_TEST_STATE");
  become(argv + 2);
}
