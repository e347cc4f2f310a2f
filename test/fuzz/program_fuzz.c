/*
 * Fuzzing of everything that reads a program: the check that a kernel would load it, the decoder,
 * the interpreter and the prover.
 *
 * Half of the inputs are a program as it is in a file; the others patch instructions of a program
 * that was compiled here, which leads deeper into the prover. Whatever the program is, the prover
 * must not call it equal to a policy where one call shows otherwise, and a difference that it finds
 * must be one.
 */
#include <stdlib.h>
#include <string.h>
#include "../../wasm-core/src/core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INSN = 8, EVENT = 24 };

static const char *const policies[] = {
    "allow read\nallow ioctl where request in [5, 9..20] and arg > 0x100000002\nkill lseek where "
    "offset < 0",
    "target s390x\nallow prctl where arg2 & 0xff00000001 == 0x100000001\nkill kill where pid == "
    "-1\n",
    "target x86_64, aarch64\ndefault allow\nunknown allow\ndeny socket where domain not in [1, "
    "2]\n",
};
enum { POLICIES = sizeof policies / sizeof *policies };

static void check(bool good) {
  if (!good)
    abort();
}

static uint32_t word(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static struct wb_insn_raw insn_at(const uint8_t *at) {
  return (struct wb_insn_raw){(uint16_t)(at[0] | at[1] << 8), at[2], at[3], word(at + 4)};
}

static void fill(struct wb_data *event, const uint8_t *at) {
  event->nr = word(at) % 512 | (at[3] & 0x40u) << 24;
  if (at[2] & 1)
    event->arch = word(at + 4);
  for (int i = 0; i < 4; i++)
    event->args[i] = word(at + 8 + 4 * i) | (uint64_t)at[8 + 4 * i] << 32;
}

static void prove(const struct wb_policy *policy, const struct wb_program *program,
                  struct wb_data event) {
  struct wb_recorded_read w = {0};
  enum wb_verdict verdict = wb_verify(policy, program, &w);
  uint32_t action = 0, executed, rule;
  bool loadable = wb_check_program(program->insns, program->count) < 0;
  bool big = policy->big_endian;
  if (verdict == WB_VERDICT_EQUAL) {
    check(wb_interpret(program->insns, program->count, big, &event, &action, &executed, NULL) < 0);
    check(action == wb_evaluate(policy, &event, &rule));
  }
  if (verdict == WB_VERDICT_DIFFERENT && w.got != w.wanted && loadable) {
    struct wb_data at = {.nr = w.nr, .arch = w.arch};
    memcpy(at.args, w.args, sizeof at.args);
    check(wb_interpret(program->insns, program->count, big, &at, &action, &executed, NULL) < 0);
    check(action == w.got && wb_evaluate(policy, &at, &rule) == w.wanted);
  }
}

static void look_at(const struct wb_program *program, const struct wb_data *event, bool big) {
  int bad = wb_check_program(program->insns, program->count);
  for (uint32_t i = 0; i < program->count; i++) {
    struct wb_insn insn = wb_decode_one(program->insns[i], i, program->count);
    check(insn.yes < program->count && insn.no < program->count);
  }
  uint32_t *path = wb_alloc((program->count + 1) * sizeof *path), action, executed;
  int ended = wb_interpret(program->insns, program->count, big, event, &action, &executed, path);
  check(executed <= program->count);
  check(bad >= 0 || ended < 0);
}

struct subject {
  struct wb_policy *policy;
  struct wb_program *program;
};

/* A policy whose tables are cut to a few calls, and its program. Proving a whole one takes a
 * thousand times longer and shows no more. */
static struct subject prepare(const char *text) {
  struct wb_context cx = {0};
  struct wb_options options = {.name = {"fuzz", 4}, .text = {text, (uint32_t)strlen(text)}};
  struct subject subject = {.policy = wb_resolve(&cx, &options)};
  check(subject.policy != NULL);
  for (uint32_t t = 0; t < subject.policy->target_count; t++) {
    struct wb_target *target = &subject.policy->targets[t];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < target->call_count; i++)
      if (target->calls[i].clause_count > 0 || i % 100 == 99)
        target->calls[kept++] = target->calls[i];
    target->call_count = kept;
  }
  subject.program = wb_emit(wb_normalize(subject.policy), subject.policy->big_endian);
  struct wb_recorded_read w;
  check(wb_verify(subject.policy, subject.program, &w) == WB_VERDICT_EQUAL);
  return subject;
}

/* Prepares now and then, not for each input: it takes longer than everything else. */
static struct subject prepared(uint32_t policy) {
  static struct subject kept[POLICIES];
  static uint32_t uses;
  if (++uses % 256 == 0) {
    memset(kept, 0, sizeof kept);
    wb_arena_reset();
  }
  if (kept[policy].policy == NULL)
    kept[policy] = prepare(policies[policy]);
  return kept[policy];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 + EVENT || size > 32768)
    return 0;
  struct subject s = prepared((data[0] >> 1) % POLICIES);
  struct wb_data event = {.arch = wb_arch_info(s.policy->targets[0].arch)->audit};
  fill(&event, data + 1);
  const uint8_t *rest = data + 1 + EVENT;
  uint32_t count = (uint32_t)(size - 1 - EVENT) / INSN;
  struct wb_program program = *s.program;
  if (data[0] & 1) {
    program.insns = wb_alloc(program.count * sizeof *program.insns);
    memcpy(program.insns, s.program->insns, program.count * sizeof *program.insns);
    for (uint32_t i = 0; i < count; i++) {
      const uint8_t *patch = rest + INSN * (size_t)i;
      struct wb_insn_raw *at = &program.insns[patch[0] % program.count];
      switch (patch[1] % 5) {
      case 0:
        at->k = word(patch + 4);
        break;
      case 1:
        at->k += (uint32_t)(int8_t)patch[4];
        break;
      case 2:
        at->jt = patch[4], at->jf = patch[5];
        break;
      case 3:
        at->code = patch[4];
        break;
      default:
        *at = program.insns[patch[4] % program.count];
        break;
      }
    }
  } else {
    program.count = count;
    program.insns = wb_alloc(count * sizeof *program.insns + 1);
    for (uint32_t i = 0; i < count; i++)
      program.insns[i] = insn_at(rest + INSN * (size_t)i);
  }
  look_at(&program, &event, s.policy->big_endian);
  /* The prover is given only what passed the check, except for patches: those it must survive. */
  if (program.count > 0 && (data[0] & 1 || wb_check_program(program.insns, program.count) < 0))
    prove(s.policy, &program, event);
  uint32_t differences; /* of which there may be none */
  if (program.count > 0)
    wb_find_differences(s.policy, &program, &differences);
  return 0;
}
