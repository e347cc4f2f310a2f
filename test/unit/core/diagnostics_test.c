/*
 * Diagnostics by their codes, and input that people do not write by hand.
 */
#include "harness.h"

enum { X86_64 = 1 << WB_ARCH_X86_64 };

static inline uint64_t next_random(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static inline uint32_t below(uint64_t *state, uint32_t limit) {
  return (uint32_t)(next_random(state) % limit);
}

static void each_diagnostic_by_its_code(void) {
  static const struct {
    const char *text;
    enum wb_code code;
  } cases[] = {
      {"allow read;\n", WB_E_CHARACTER},
      {"allow \xff\n", WB_E_UTF8},
      {"# \xc0\xaf\n", WB_E_UTF8},
      {"include \"x\n", WB_E_STRING},
      {"allow kill where pid == 0x1ffffffffffffffff\n", WB_E_NUMBER},
      {"allow kill where pid == 12ab\n", WB_E_NUMBER},
      {"allow kill where pid ==\n", WB_E_EXPECTED},
      {"allow read,\nkill write\n", WB_E_EXPECTED},
      {"allow kill where pid in [1, 2\nallow read\n", WB_E_EXPECTED},
      {"permit read\n", WB_E_STATEMENT},
      {"allow kill where pid == 1 or pid == 2\n", WB_E_OR},
      {"include \"nowhere\"\n", WB_E_INCLUDE},
      {"include \"loop\"\n", WB_E_INCLUDE_CYCLE},
      {"default allow\ndefault kill\n", WB_E_DUPLICATE},
      {"default forbid\n", WB_E_ACTION},
      {"default errno\n", WB_E_ACTION_VALUE},
      {"allow(1) read\n", WB_E_ACTION_VALUE},
      {"target x86\nallow read\n", WB_E_ARCH},
      {"allow raed\n", WB_E_SYSCALL},
      {"allow @fiel\n", WB_E_GROUP},
      {"group @a = read\ngroup @a = write\n", WB_E_GROUP_DUPLICATE},
      {"allow where pid == 1\n", WB_E_NO_CALLS},
      {"allow kill where who == 1\n", WB_E_ARGUMENT},
      {"allow kill where arg5 == 1\n", WB_E_ARGUMENT_INDEX},
      {"allow socket where domain == AF_UNIXX\n", WB_E_CONSTANT},
      {"allow socket where domain == 0x100000000\n", WB_E_WIDTH},
      {"allow kill where pid in 5..3\n", WB_E_RANGE},
  };
  static const char *const files[] = {"loop", "include \"loop\"\n", NULL};
  wb_test_files = files;
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    EXPECT(says(cases[i].text, 0, cases[i].code), "no code %d for %s", (int)cases[i].code,
           cases[i].text);
    EXPECT(compile_text(cases[i].text, 0)->program == NULL, "compiles: %s", cases[i].text);
  }
}

static void hostile_input(void) {
  static char text[WB_MAX_SOURCE + 2];
  memset(text, 'a', sizeof text - 1);
  EXPECT(says(text, 0, WB_E_TOO_LARGE), "a file that is too large");
  text[WB_MAX_SOURCE] = 0;
  EXPECT(compile_text(text, 0)->program == NULL, "one very long word");
  memset(text, '(', WB_MAX_SOURCE);
  memcpy(text, "allow kill where pid == ", 24);
  EXPECT(says(text, 0, WB_E_DEEP), "deep nesting");
  memset(text, '~', WB_MAX_SOURCE);
  memcpy(text, "allow kill where pid == ", 24);
  EXPECT(says(text, 0, WB_E_DEEP), "a chain of ~");
  uint64_t state = 9;
  for (int i = 0; i < 300; i++) {
    uint32_t size = below(&state, 2000);
    for (uint32_t j = 0; j < size; j++)
      text[j] = below(&state, 3) == 0 ? (char)next_random(&state)
                                      : "allow read where \n[]()@,.|&~ 0x1"[below(&state, 32)];
    text[size] = 0;
    compile_text(text, 0);
    checks++;
    wb_arena_reset();
  }
}

static void entangled_conditions_end(void) {
  static char text[65536];
  size_t at = 0;
  for (int i = 0; i < 60; i++)
    at += (size_t)snprintf(text + at, sizeof text - at,
                           "errno(%d) prctl where arg2 & %#llx == %#llx and arg3 & %#llx\n", i + 2,
                           1ull << i, 1ull << i, 3ull << (i % 60));
  struct wb_compiled *c = compile_text(text, X86_64);
  EXPECT(c->program != NULL || c->cx.error_count > 0, "neither a program nor an error");
}

int main(void) {
  TEST(each_diagnostic_by_its_code);
  TEST(hostile_input);
  TEST(entangled_conditions_end);
  return report_and_exit("diagnostics");
}
