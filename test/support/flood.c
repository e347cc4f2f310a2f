/*
 * Asks for COUNT things that the default policy refuses, each about another path, so that no two
 * are counted together; 0: without end. With a second argument it also looks at each path, which
 * only an audit sees. For test/attacks/flood.test.ts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv) {
  const long count = argc > 1 ? atol(argv[1]) : 0;
  char path[64];
  for (long i = 0; count == 0 || i < count; i++) {
    snprintf(path, sizeof path, "/%ld-\033[31m", i);
    if (umount2(path, 0) == 0)
      return 1;
    if (argc > 2 && access(path, F_OK) == 0)
      return 1;
  }
  return 0;
}
