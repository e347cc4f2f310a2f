/*
 * Fuzzing of the compiler, from text to proved program, and of what comes after it.
 *
 * The first three bytes choose targets and kernel. Zero bytes part the main policy from the files
 * "a" and "b", which it may include. What compiles must be a program that the kernel would load,
 * that decides as the rules read one by one, and that differs nowhere from its own policy; an
 * internal error is a crash.
 */
#include <stdlib.h>
#include <string.h>
#include "../../wasm-core/src/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const char *const *wb_test_files;

enum { HEAD = 3, PARTS = 3 };

static void check(bool good) {
  if (!good)
    abort();
}

/* A few calls around the rules' constants; a poor man's choice, but the proof has seen all. */
static void compare_decisions(const struct wb_compiled *c, uint64_t state) {
  for (int i = 0; i < 24; i++) {
    const struct wb_target *target = &c->policy->targets[(uint32_t)i % c->policy->target_count];
    struct wb_data data = {.arch = wb_arch_info(target->arch)->audit};
    state = state * 0x5851f42d4c957f2du + 0x14057b7ef767814fu;
    data.nr = (uint32_t)(state >> 40) % 512;
    if (i % 2 == 0 && target->call_count > 0) {
      const struct wb_call *call = &target->calls[(state >> 20) % target->call_count];
      data.nr = call->nr;
      for (uint32_t r = 0; r < call->clause_count && r < 6; r++)
        if (call->clauses[r].cond_count > 0)
          data.args[call->clauses[r].conds[0].arg] =
              call->clauses[r].conds[0].ranges[0].low + (state >> 60) % 3 - 1;
    }
    uint32_t action = 0, executed, rule;
    int ended = wb_interpret(c->program->insns, c->program->count, c->policy->big_endian, &data,
                             &action, &executed, NULL);
    check(ended < 0 && action == wb_evaluate(c->policy, &data, &rule));
  }
}

static void use(const struct wb_compiled *c, uint64_t state) {
  const struct wb_program *program = c->program;
  check(wb_check_program(program->insns, program->count) < 0);
  for (uint32_t i = 0; i < program->count; i++)
    check(wb_decode_one(program->insns[i], i, program->count).kind != WB_INSN_INVALID);
  compare_decisions(c, state);
  uint32_t differences = 0;
  if (state % 16 == 0 && wb_find_differences(c->policy, program, &differences) != NULL)
    check(differences == 0);
  struct wb_conversion out = {0};
  wb_export_oci(&out, c->policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < HEAD || size > 16384)
    return 0;
  char *parts[PARTS] = {NULL, NULL, NULL};
  size_t at = HEAD;
  for (int i = 0; i < PARTS; i++) {
    const void *end = memchr(data + at, 0, size - at);
    size_t length =
        end == NULL || i + 1 == PARTS ? size - at : (size_t)((const uint8_t *)end - data) - at;
    parts[i] = malloc(length + 1);
    memcpy(parts[i], data + at, length);
    parts[i][length] = 0;
    at += length;
    at += at < size;
  }
  const char *const files[] = {"a", parts[1], "b", parts[2], NULL};
  wb_test_files = files;
  /* The main text has no end marker, so that a step past it is noticed. */
  size_t length = strlen(parts[0]);
  char *text = malloc(length);
  memcpy(text, parts[0], length);
  struct wb_options options = {
      .name = {"main", 4},
      .text = {text, (uint32_t)length},
      .targets = (data[0] | (uint32_t)data[1] << 8) & ((1u << WB_ARCH_COUNT) - 1),
      .kernel = data[2] == 0 ? 0 : (uint32_t)(data[2] >> 5) << 8 | (data[2] & 31)};
  struct wb_compiled *c = wb_compile_policy(&options);
  for (uint32_t i = 0; i < c->cx.diag_count; i++)
    check(c->cx.diags[i].code != WB_E_INTERNAL);
  check((c->program != NULL) == (c->cx.error_count == 0));
  if (c->program != NULL)
    use(c, size * 0x9e3779b97f4a7c15u ^ data[size - 1]);
  wb_arena_reset();
  wb_test_files = NULL;
  free(text);
  for (int i = 0; i < PARTS; i++)
    free(parts[i]);
  return 0;
}
