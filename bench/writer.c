/* Writes COUNT files that differ each time: writer COUNT NUMBER [DIRECTORY], which it makes. Called
 * by situations.mjs and programs.mjs. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 3 || (argc == 4 && (mkdir(argv[3], 0755) != 0 || chdir(argv[3]) != 0)))
    return 1;
  for (int i = 0; i < atoi(argv[1]); i++) {
    char name[32];
    snprintf(name, sizeof name, "written-%d", i);
    FILE *file = fopen(name, "w");
    if (file == NULL || fprintf(file, "%s\n", argv[2]) < 0 || fclose(file) != 0)
      return 1;
  }
  return 0;
}
