/*
 * Runs a fuzz target on the files that are named, for compilers without libFuzzer. Called by
 * wasm-core/test.mjs with the corpus.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void __sanitizer_set_death_callback(void (*)(void));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *current = "?";

static void name_it(void) {
  fprintf(stderr, "input: %s\n", current);
}

static void on_abort(int number) {
  name_it();
  _exit(128 + number);
}

int main(int argc, char **argv) {
  __sanitizer_set_death_callback(name_it);
  signal(SIGABRT, on_abort);
  for (int i = 1; i < argc; i++) {
    FILE *file = fopen(argv[i], "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
      perror(argv[i]);
      return 1;
    }
    long size = ftell(file);
    rewind(file);
    uint8_t *data = malloc((size_t)size + (size == 0)); /* exact: a step past the end is noticed */
    if (fread(data, 1, (size_t)size, file) != (size_t)size)
      return 1;
    fclose(file);
    current = argv[i];
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
  }
  printf("%s: %d inputs\n", argv[0], argc - 1);
  return argc > 1 ? 0 : 1;
}
