/*
 * Mutation test of the prover: programs damaged in one instruction, held against the policy of the
 * undamaged one. Whether a mutant means something else is decided without the prover: damaged and
 * undamaged program are both run on every combination of the values next to their constants that
 * they can tell apart. A mutant that decides otherwise somewhere and that the prover calls equal is
 * missed, and is listed. Where the prover gives a witness, it has to show the difference.
 *
 *     mutation_test [programs] [seed] [part]     part 1: every mutant, 10: every tenth
 */
#include "harness.h"
#include "random_policy.h"

enum { WORDS = 16, MOST_VALUES_OF_WORD = 400, MOST_COMBINATIONS = 20000, CUT = 12 };

static const struct machine *machine;

/* --- mutants -------------------------------------------------------------------------------------
 */

static const uint16_t codes[] = {0x15, 0x25, 0x35, 0x45, 0x20, 0x54, 0x05, 0x06, 0x00, 0x44};
enum { CODES = sizeof codes / sizeof *codes };

enum kind {
  BY_CODE,
  BY_TRUE,
  BY_FALSE,
  BY_TURNING,
  BY_K,
  BY_DELETING,
  BY_CLOSING,
  BY_SWAPPING,
  KINDS
};
static const char *const kind_names[KINDS] = {"another operation",        "another jump where true",
                                              "another jump where false", "jumps swapped",
                                              "another constant",         "deleted",
                                              "deleted and closed up",    "swapped with the next"};
static const uint32_t kind_sizes[KINDS] = {CODES, 4, 4, 1, 12, 1, 1, 1};

static uint32_t other_constant(uint32_t k, uint16_t code, uint32_t variant) {
  static const uint32_t flips[] = {1, 2, 4, 0x80, 0x100, 0x10000, 0x40000000, 0x80000000};
  if (code == 0x20)
    return variant < 12 ? 4 * ((k / 4 + 1 + variant) % WORDS) : k;
  if (variant < 2)
    return variant == 0 ? k + 1 : k - 1;
  return variant < 10 ? k ^ flips[variant - 2] : variant == 10 ? 0 : ~k;
}

static uint8_t other_jump(uint8_t jump, uint32_t variant) {
  return variant == 0   ? (uint8_t)(jump + 1)
         : variant == 1 ? (uint8_t)(jump - 1)
         : variant == 2 ? 0
                        : (uint8_t)(jump + 2 + below(8));
}

static void remove_at(struct wb_program *p, uint32_t at, bool close_up) {
  for (uint32_t i = 0; close_up && i < at; i++) {
    struct wb_insn_raw *insn = &p->insns[i];
    if (insn->code == 0x05 && i + 1 + insn->k > at)
      insn->k--;
    if (insn->code != 0x05 && (insn->code & 7) == 5) {
      insn->jt -= i + 1 + insn->jt > at;
      insn->jf -= i + 1 + insn->jf > at;
    }
  }
  p->count--;
  memmove(&p->insns[at], &p->insns[at + 1], (p->count - at) * sizeof *p->insns);
}

static void damage(struct wb_program *p, uint32_t at, enum kind kind, uint32_t variant) {
  struct wb_insn_raw *insn = &p->insns[at], before = *insn;
  switch (kind) {
  case BY_CODE:
    insn->code = codes[variant];
    break;
  case BY_TRUE:
    insn->jt = other_jump(insn->jt, variant);
    break;
  case BY_FALSE:
    insn->jf = other_jump(insn->jf, variant);
    break;
  case BY_TURNING:
    insn->jt = before.jf, insn->jf = before.jt;
    break;
  case BY_K:
    insn->k = other_constant(insn->k, insn->code, variant);
    break;
  case BY_SWAPPING:
    if (at + 1 < p->count)
      *insn = insn[1], insn[1] = before;
    break;
  default:
    remove_at(p, at, kind == BY_CLOSING);
    break;
  }
}

/* --- what two programs can tell apart ------------------------------------------------------------
 */

struct values {
  uint32_t at[MOST_VALUES_OF_WORD], count;
  bool matters;
};
static struct values values[WORDS];

static void note(struct values *v, uint32_t value) {
  for (uint32_t i = 0; i < v->count; i++)
    if (v->at[i] == value)
      return;
  if (v->count < MOST_VALUES_OF_WORD)
    v->at[v->count++] = value;
}

static void note_around(uint32_t word, uint32_t k, uint32_t masks) {
  struct values *v = &values[word];
  v->matters = true;
  note(v, k), note(v, k - 1), note(v, k + 1), note(v, ~k), note(v, k | ~masks);
  if (__builtin_popcount(k) <= 4)
    for (uint32_t left = k; left != 0; left &= left - 1)
      note(v, left & -left);
}

/* Goes everywhere that a program can go, or, where `fixed` is given, with this word and number;
 * notes the constants that each word is compared with. */
static void explore(const struct wb_program *p, const uint32_t *fixed) {
  static struct {
    uint32_t words; /* bits: what the accumulator may hold here */
    uint32_t masks;
    bool reached;
  } states[WB_MAX_INSTRUCTIONS + 256];
  memset(states, 0, (p->count + 256) * sizeof *states);
  states[0].reached = true;
  for (uint32_t i = 0; i < p->count; i++) {
    if (!states[i].reached)
      continue;
    const struct wb_insn_raw *insn = &p->insns[i];
    uint32_t words = states[i].words, masks = states[i].masks, next[2] = {i + 1, i + 1};
    if (insn->code == 0x06)
      continue;
    if (insn->code == 0x20)
      words = (uint32_t)1 << insn->k / 4 % WORDS, masks = 0xffffffff;
    else if (insn->code == 0x54)
      masks &= insn->k;
    else if (insn->code == 0x05)
      next[0] = next[1] = i + 1 + insn->k;
    else if ((insn->code & 7) == 5) {
      next[0] = i + 1 + insn->jt, next[1] = i + 1 + insn->jf;
      for (uint32_t w = 0; w < WORDS; w++)
        if (words >> w & 1)
          note_around(w, insn->k, masks & (insn->code == 0x45 ? insn->k : 0xffffffff));
      if (fixed != NULL && (words == 1 || words == 2) && masks == 0xffffffff) {
        uint32_t a = fixed[words - 1], k = insn->k;
        bool yes = insn->code == 0x15   ? a == k
                   : insn->code == 0x25 ? a > k
                   : insn->code == 0x35 ? a >= k
                                        : (a & k) != 0;
        next[0] = next[1] = next[yes ? 0 : 1];
      }
    }
    for (int n = 0; n < 2; n++)
      if (next[n] < p->count) {
        states[next[n]].words |= words;
        states[next[n]].masks |= masks;
        states[next[n]].reached = true;
      }
  }
}

static uint32_t run_words(const struct wb_program *p, const uint32_t words[WORDS]) {
  struct question q = {.machine = machine, .nr = words[0], .audit = words[1]};
  for (int i = 0; i < 6; i++) {
    uint64_t first = words[4 + 2 * i], second = words[5 + 2 * i];
    q.args[i] = machine->big_endian ? first << 32 | second : second << 32 | first;
  }
  return answer((const struct filter_instruction *)p->insns, p->count, &q);
}
_Static_assert(sizeof(struct filter_instruction) == sizeof(struct wb_insn_raw), "the same words");

/* All combinations of the arguments' values where there are few enough, else as many drawn ones. */
static bool differ_by_arguments(const struct wb_program *p, const struct wb_program *q,
                                uint32_t words[WORDS]) {
  uint64_t combinations = 1;
  for (uint32_t w = 2; w < WORDS; w++) {
    note(&values[w], 0), note(&values[w], 0xffffffff);
    if (values[w].matters && combinations <= MOST_COMBINATIONS)
      combinations *= values[w].count;
  }
  bool all = combinations <= MOST_COMBINATIONS;
  for (uint64_t i = 0; i < (all ? combinations : MOST_COMBINATIONS); i++) {
    uint64_t rest = i;
    for (uint32_t w = 2; w < WORDS; w++) {
      const struct values *v = &values[w];
      if (!v->matters)
        words[w] = 0;
      else
        words[w] = v->at[all ? rest % v->count : below(v->count)], rest /= v->count;
    }
    words[2] = words[3] = 0; /* the instruction pointer, which the interpreter leaves 0 */
    if (run_words(p, words) != run_words(q, words))
      return true;
  }
  return false;
}

static void forget_values(void) {
  for (uint32_t w = 0; w < WORDS; w++)
    values[w].count = values[w].matters = 0;
}

/* Returns whether two programs decide some call differently; then `words` is one. */
static bool differ(const struct wb_program *p, const struct wb_program *q, uint32_t words[WORDS]) {
  static struct values numbers, archs;
  forget_values();
  explore(p, NULL), explore(q, NULL);
  for (uint32_t w = 0; w < 2; w++)
    note(&values[w], 0), note(&values[w], 0xffffffff), note(&values[w], 0x40000000);
  numbers = values[0], archs = values[1];
  for (uint32_t a = 0; a < archs.count; a++)
    for (uint32_t n = 0; n < numbers.count; n++) {
      words[0] = numbers.at[n], words[1] = archs.at[a];
      forget_values();
      explore(p, words), explore(q, words);
      if (differ_by_arguments(p, q, words))
        return true;
    }
  return false;
}

/* --- the test ------------------------------------------------------------------------------------
 */

static struct {
  uint32_t made, unloadable, caught, alike, unproved, missed, compared, found_too;
  uint32_t caught_by_kind[KINDS], missed_by_kind[KINDS];
} tally;

static void list_missed(const struct wb_program *whole, uint32_t at, enum kind kind,
                        uint32_t variant, const uint32_t words[WORDS], const char *text) {
  tally.missed_by_kind[kind]++;
  if (tally.missed++ > 20)
    return;
  printf("missed: instruction %u of %u (%#x %u %u %#x), %s (%u); number %u, arch %#x, arguments",
         at, whole->count, whole->insns[at].code, whole->insns[at].jt, whole->insns[at].jf,
         whole->insns[at].k, kind_names[kind], variant, words[0], words[1]);
  for (uint32_t w = 4; w < WORDS; w++)
    printf(" %#x", words[w]);
  printf(" in\n%s", text);
}

/* A difference that the prover reports has to be one. */
static void check_witness(const struct wb_policy *policy, const struct wb_program *mutant,
                          const struct wb_recorded_read *w, const char *text) {
  if (w->got == w->wanted)
    return; /* it does not know the instruction: no witness */
  struct question q = {.machine = machine, .nr = w->nr, .audit = w->arch};
  memcpy(q.args, w->args, sizeof q.args);
  struct wb_data data = {.nr = w->nr, .arch = w->arch};
  memcpy(data.args, w->args, sizeof data.args);
  uint32_t rule, got = answer((const struct filter_instruction *)mutant->insns, mutant->count, &q);
  EXPECT(got == w->got && wb_evaluate(policy, &data, &rule) == w->wanted,
         "the witness shows no difference: %#x, said %#x, wanted %#x in\n%s", got, w->got,
         w->wanted, text);
}

static void test_mutant(const struct wb_policy *policy, const struct wb_program *whole,
                        struct wb_program *mutant, uint32_t at, enum kind kind, uint32_t variant,
                        const char *text) {
  mutant->count = whole->count;
  memcpy(mutant->insns, whole->insns, whole->count * sizeof *whole->insns);
  damage(mutant, at, kind, variant);
  if (mutant->count == whole->count &&
      memcmp(mutant->insns, whole->insns, whole->count * sizeof *whole->insns) == 0)
    return;
  tally.made++;
  if (wb_check_program(mutant->insns, mutant->count) >= 0) {
    tally.unloadable++;
    return;
  }
  struct wb_recorded_read witness = {0};
  enum wb_verdict verdict = wb_verify(policy, mutant, &witness);
  uint32_t words[WORDS] = {0};
  if (verdict == WB_VERDICT_DIFFERENT) {
    tally.caught++, tally.caught_by_kind[kind]++;
    check_witness(policy, mutant, &witness, text);
    if (witness.got != witness.wanted && below(16) == 0)
      tally.compared++, tally.found_too += differ(whole, mutant, words);
  } else if (verdict == WB_VERDICT_TOO_COMPLEX) {
    tally.unproved++;
  } else if (differ(whole, mutant, words)) {
    list_missed(whole, at, kind, variant, words, text);
  } else {
    tally.alike++;
  }
}

static void test_mutants(const struct wb_policy *policy, const struct wb_program *whole,
                         uint32_t part, const char *text) {
  struct wb_program mutant = {.insns = wb_alloc((whole->count + 1) * sizeof *mutant.insns)};
  for (uint32_t at = 0; at < whole->count; at++)
    for (enum kind kind = 0; kind < KINDS; kind++) {
      bool jumps = whole->insns[at].code != 0x05 && (whole->insns[at].code & 7) == 5;
      if (!jumps && (kind == BY_TRUE || kind == BY_FALSE || kind == BY_TURNING))
        continue;
      for (uint32_t variant = 0; variant < kind_sizes[kind]; variant++)
        if (part == 1 || below(part) == 0)
          test_mutant(policy, whole, &mutant, at, kind, variant, text);
    }
}

/* Tests a program with tables cut to a few calls: the prover's time goes with their number, what it
 * can overlook does not. */
static void test_program(const char *text, bool cut, uint32_t part) {
  struct wb_context cx = {0};
  struct wb_options options = {.name = {"test", 4}, .text = {text, (uint32_t)strlen(text)}};
  struct wb_policy *policy = wb_resolve(&cx, &options);
  EXPECT(policy != NULL, "not resolved:\n%s", text);
  if (policy == NULL)
    return;
  for (uint32_t t = 0; cut && t < policy->target_count; t++) {
    struct wb_target *target = &policy->targets[t];
    uint32_t kept = 0, step = target->call_count / CUT;
    for (uint32_t i = 0; i < target->call_count; i++)
      if (target->calls[i].clause_count > 0 || i % step == 0)
        target->calls[kept++] = target->calls[i];
    target->call_count = kept;
  }
  const struct wb_program *whole = wb_emit(wb_normalize(policy), policy->big_endian);
  struct wb_recorded_read witness;
  EXPECT(wb_verify(policy, whole, &witness) == WB_VERDICT_EQUAL, "not proved:\n%s", text);
  test_mutants(policy, whole, part, text);
}

/* Tests that `differ` and the mutants are worth something: some difference has to be hard to
 * find. */
static void test_finding(void) {
  static struct wb_insn_raw one[] = {{0x20, 0, 0, 0x14},       {0x15, 0, 2, 7},
                                     {0x20, 0, 0, 0x10},       {0x45, 1, 0, 0x10},
                                     {0x06, 0, 0, 0x7fff0000}, {0x06, 0, 0, 0}};
  struct wb_insn_raw two[6];
  memcpy(two, one, sizeof one);
  two[3].k = 0x11;
  uint32_t words[WORDS] = {0};
  struct wb_program p = {one, NULL, 6}, q = {two, NULL, 6};
  machine = &machines[X86_64_MACHINE];
  EXPECT(differ(&p, &q, words), "a bit below a second argument half is not found");
  EXPECT(!differ(&p, &p, words), "a program differs from itself");
}

static void report(void) {
  printf("mutants: %u made, %u refused by the kernel's rules, %u caught, %u mean the same, "
         "%u not proved, %u missed\n",
         tally.made, tally.unloadable, tally.caught, tally.alike, tally.unproved, tally.missed);
  printf("  of %u that the prover caught, running both programs shows %u\n", tally.compared,
         tally.found_too);
  for (enum kind kind = 0; kind < KINDS; kind++)
    printf("  %-24s %6u caught %3u missed\n", kind_names[kind], tally.caught_by_kind[kind],
           tally.missed_by_kind[kind]);
}

int main(int argc, char **argv) {
  uint32_t programs = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 30;
  seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
  uint32_t part = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 0) : 1;
  test_finding();
  for (uint32_t p = 0; p < programs && failures == 0; p++) {
    static char text[16384];
    struct drawn d;
    draw(&d, &(struct wishes){0});
    machine = d.targets[0];
    print(&d, text, sizeof text);
    test_program(text, p % 16 != 0, p % 16 != 0 ? part : part * 4);
    wb_arena_reset();
  }
  report();
  uint32_t meant = tally.caught + tally.missed;
  EXPECT(tally.made > 0 && meant > tally.made / 8, "too few mutants mean something else");
  /* One in a hundred, and one more: a small sample may hold a difference that shows for one
   * command. */
  EXPECT(tally.found_too + 1 + tally.compared / 100 >= tally.compared,
         "running them overlooks differences");
  EXPECT(tally.missed * 100 <= meant, "the prover misses more than one in a hundred");
  return report_and_exit("mutants");
}
