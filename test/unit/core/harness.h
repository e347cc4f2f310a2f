/* The C tests of the policy core share these declarations. */
#ifndef WASBOX_TEST_HARNESS_H
#define WASBOX_TEST_HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../wasm-core/src/core.h"

#define RET_ALLOW 0x7fff0000u
#define RET_ERRNO(n) (0x00050000u | (n))
#define RET_KILL 0x80000000u
#define ENOSYS 38

extern const char *const *wb_test_files;

static int failures, checks;

#define EXPECT(condition, ...)                                                                     \
  do {                                                                                             \
    checks++;                                                                                      \
    if (!(condition)) {                                                                            \
      failures++;                                                                                  \
      fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                              \
      fprintf(stderr, __VA_ARGS__);                                                                \
      fputc('\n', stderr);                                                                         \
    }                                                                                              \
  } while (0)

/* Runs a test and says how it ended, by its name. */
#define TEST(test)                                                                                 \
  do {                                                                                             \
    int before = failures;                                                                         \
    test();                                                                                        \
    wb_arena_reset();                                                                              \
    printf("%s %s\n", failures == before ? "ok  " : "FAIL", #test);                                \
  } while (0)

static inline struct wb_compiled *compile_text(const char *text, uint32_t targets) {
  struct wb_options options = {.name = {"test", 4}, .targets = targets};
  options.text = (struct wb_text){text, (uint32_t)strlen(text)};
  return wb_compile_policy(&options);
}

/* Returns whether compiling ends with a diagnostic of this code. */
static inline bool says(const char *text, uint32_t targets, enum wb_code code) {
  struct wb_compiled *c = compile_text(text, targets);
  for (uint32_t i = 0; i < c->cx.diag_count; i++)
    if (c->cx.diags[i].code == code)
      return true;
  return false;
}

static inline uint32_t run_program(const struct wb_compiled *c, const struct wb_data *data) {
  uint32_t action = 0xdeadbeef, executed;
  wb_interpret(c->program->insns, c->program->count, c->policy->big_endian, data, &action,
               &executed, NULL);
  return action;
}

static inline int report_and_exit(const char *what) {
  printf("%s: %d checks, %d failed\n", what, checks, failures);
  return failures == 0 ? 0 : 1;
}

#endif
