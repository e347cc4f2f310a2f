/* Writes COUNT files that differ each time: writer COUNT NUMBER. Called by situations.mjs. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  for (int i = 0; argc == 3 && i < atoi(argv[1]); i++) {
    char name[32];
    snprintf(name, sizeof name, "written-%d", i);
    FILE *file = fopen(name, "w");
    if (file == NULL || fprintf(file, "%s\n", argv[2]) < 0 || fclose(file) != 0)
      return 1;
  }
  return argc != 3;
}
