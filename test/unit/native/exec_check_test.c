/*
 * wb_exec_valid against a good program, single wrong fields, and random damage. Built with
 * sanitizers by addon/test.mjs: reading out of bounds is a failure, whatever the verdict is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../addon/exec_check.h"
#include "expect.h"

#define SIZE 256

#define PATHS 88
#define ARGV 104
#define ENVP 128
#define STRINGS 144

static struct wb_exec *good(void *memory) {
  memset(memory, 0, SIZE);
  struct wb_exec *exec = memory;
  *exec = (struct wb_exec){.magic = WB_EXEC_MAGIC,
                           .version = WB_WIRE_VERSION,
                           .size = SIZE,
                           .paths = PATHS,
                           .path_count = 1,
                           .argv = ARGV,
                           .argc = 2,
                           .envp = ENVP,
                           .envc = 1,
                           .cwd = STRINGS,
                           .kind = WB_EXEC_READ};
  strcpy((char *)memory + STRINGS, "/x");
  uint64_t *words = memory;
  words[PATHS / 8] = words[ARGV / 8] = words[ARGV / 8 + 1] = words[ENVP / 8] = STRINGS;
  return exec;
}

#define REFUSED(change)                                                                            \
  do {                                                                                             \
    struct wb_exec *exec = good(memory);                                                           \
    change;                                                                                        \
    EXPECT(!wb_exec_valid(exec, SIZE));                                                            \
  } while (0)

int main(void) {
  void *memory = malloc(SIZE); /* exactly as long as it says: the sanitizer sees the end */
  uint64_t *words = memory;
  EXPECT(wb_exec_valid(good(memory), SIZE));
  EXPECT(!wb_exec_valid(good(memory), SIZE - 1));
  EXPECT(!wb_exec_valid(good(memory), sizeof(struct wb_exec)));
  REFUSED(exec->magic++);
  REFUSED(exec->version++);
  REFUSED(exec->size--);
  REFUSED(exec->path_count = 0);
  REFUSED(exec->path_count = WB_EXEC_PATHS_MAX + 1);
  REFUSED(exec->argc = 0);
  REFUSED(exec->argc = 0xffffffff);
  REFUSED(exec->envc = 2); /* what follows is no end */
  REFUSED(exec->argv = SIZE - 8);
  REFUSED(exec->argv = ARGV + 4);
  REFUSED(exec->argv = 8);
  REFUSED(exec->cwd = SIZE);
  REFUSED(exec->cwd = 4);
  REFUSED(exec->kind = WB_EXEC_REMOVE_TREE + 1);
  REFUSED((exec->kind = WB_EXEC_READ, exec->terminal = 1)); /* of programs alone */
  REFUSED(exec->memory_bytes = 1);
  REFUSED(exec->cpu_us = 1);
  REFUSED(exec->file_bytes = 1);
  REFUSED(exec->open_files = 1);
  REFUSED(words[ARGV / 8] = SIZE);
  REFUSED(words[ARGV / 8] = 1ull << 32);
  REFUSED(words[PATHS / 8 + 1] = STRINGS);
  REFUSED(((char *)memory)[SIZE - 1] = 'x');
  srand(1);
  for (int i = 0; i < 200000; i++) {
    struct wb_exec *exec = good(memory);
    for (int damage = rand() % 4; damage >= 0; damage--)
      ((unsigned char *)memory)[rand() % SIZE] = (unsigned char)rand();
    wb_exec_valid(exec, SIZE);
  }
  free(memory);
  return failures != 0;
}
