/*
 * Random policies as libseccomp can say them, with one comparison of one 32-bit argument in each
 * rule and one action, compiled here and by Debian's libseccomp, and asked the same questions.
 * Where the two differ, the evaluator (random_policy.c) says who is right.
 *
 *     libseccomp_test [policies] [seed]
 */
#define _GNU_SOURCE
#include "harness.h"
#include "random_policy.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ENOUGH_FAILURES = 5 };

static const uint32_t tokens[MACHINES] = {SCMP_ARCH_X86_64,     SCMP_ARCH_X86,   SCMP_ARCH_X32,
                                          SCMP_ARCH_AARCH64,    SCMP_ARCH_ARM,   SCMP_ARCH_RISCV64,
                                          SCMP_ARCH_PPC64LE,    SCMP_ARCH_S390X, SCMP_ARCH_MIPSEL64,
                                          SCMP_ARCH_LOONGARCH64};

static const char *const names[CALLS] = {[IOCTL] = "ioctl", [PRCTL] = "prctl", [LSEEK] = "lseek"};

static int add_rule(scmp_filter_ctx filter, const struct drawn *d, const struct drawn_rule *rule) {
  static const enum scmp_compare ops[] = {SCMP_CMP_EQ, SCMP_CMP_NE, SCMP_CMP_LT,
                                          SCMP_CMP_LE, SCMP_CMP_GT, SCMP_CMP_GE};
  const struct condition *c = &rule->conds[0];
  struct scmp_arg_cmp cmp = {(unsigned int)c->argument->index, ops[c->op], c->low[0], 0};
  if (c->masked)
    cmp = (struct scmp_arg_cmp){(unsigned int)c->argument->index, SCMP_CMP_MASKED_EQ, c->mask,
                                c->low[0]};
  int call = seccomp_syscall_resolve_name(names[d->call]);
  int status = seccomp_rule_add_array(filter, rule->action, call, 1, &cmp);
  return status == -EEXIST ? 0 : status; /* the same rule twice */
}

/* libseccomp's program, or 0 instructions where it refuses the policy. */
static uint32_t compile_there(const struct drawn *d, struct filter_instruction *out) {
  const struct machine *m = d->targets[0];
  scmp_filter_ctx filter = seccomp_init(d->otherwise);
  uint32_t count = 0, token = tokens[m - machines];
  int failed = 0;
  if (token != seccomp_arch_native())
    /* The order matters: one filter is of one byte order. */
    failed |= seccomp_arch_remove(filter, SCMP_ARCH_NATIVE) | seccomp_arch_add(filter, token);
  for (int r = 0; r < d->rules_count; r++)
    failed |= add_rule(filter, d, &d->rules[r]);
  int file = memfd_create("filter", MFD_CLOEXEC);
  if (!failed && file >= 0 && seccomp_export_bpf(filter, file) == 0) {
    uint8_t raw[8];
    while (count < WB_MAX_INSTRUCTIONS && pread(file, raw, 8, 8 * (off_t)count) == 8) {
      bool big = m->big_endian;
      uint32_t k = 0;
      for (uint32_t i = 0; i < 4; i++)
        k = k << 8 | raw[4 + (big ? i : 3 - i)];
      out[count++] = (struct filter_instruction){
          (uint16_t)(big ? raw[0] << 8 | raw[1] : raw[1] << 8 | raw[0]), raw[2], raw[3], k};
    }
  }
  close(file);
  seccomp_release(filter);
  return count;
}

int main(int argc, char **argv) {
  uint32_t policies = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1500;
  seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
  static const uint32_t only_allow[] = {RET_ALLOW}, only_errno[] = {RET_ERRNO(7)};
  static struct filter_instruction here[WB_MAX_INSTRUCTIONS], there[WB_MAX_INSTRUCTIONS];
  static char text[16384];
  uint32_t refused = 0, wrong_there = 0, ours = 0, theirs = 0;
  for (uint32_t p = 0; p < policies && failures < ENOUGH_FAILURES; p++) {
    bool allow = below(2);
    struct wishes wishes = {.one_plain_32_bit_condition = true,
                            .actions = allow ? only_allow : only_errno,
                            .action_count = 1,
                            .otherwise = allow ? RET_ERRNO(1) : RET_ALLOW};
    struct drawn d;
    draw(&d, &wishes);
    d.target_count = 1;
    print(&d, text, sizeof text);
    struct wb_compiled *c = compile_text(text, 0);
    EXPECT(c->program != NULL, "not compiled:\n%s", text);
    uint32_t count = compile_there(&d, there);
    if (c->program == NULL || count == 0) {
      refused += count == 0;
      wb_arena_reset();
      continue;
    }
    for (uint32_t i = 0; i < c->program->count; i++)
      here[i] = (struct filter_instruction){c->program->insns[i].code, c->program->insns[i].jt,
                                            c->program->insns[i].jf, c->program->insns[i].k};
    ours += c->program->count, theirs += count;
    collect(&d);
    bool differs = false;
    for (uint32_t i = 0, asked = question_count(&d); i < asked + 100; i++) {
      struct question q = i < asked ? question_at(&d, i) : draw_question(&d);
      for (int a = 0; a < 6; a++)
        q.args[a] &=
            0xffffffff; /* libseccomp looks at the upper half, the kernel's type does not */
      uint32_t want = wanted(&d, &q), got = answer(here, c->program->count, &q);
      EXPECT(got == want, "got %#x, wanted %#x, libseccomp %#x in\n%s", got, want,
             answer(there, count, &q), text);
      differs = differs || answer(there, count, &q) != want;
    }
    if (differs && wrong_there++ == 0)
      printf("libseccomp decides otherwise, the first time for\n%s", text);
    wb_arena_reset();
  }
  printf("beside libseccomp: %u policies, %u refused by it, %u decided wrongly by it; "
         "instructions in all: %u, its %u\n",
         policies, refused, wrong_there, ours, theirs);
  EXPECT(refused < policies / 20, "libseccomp refuses too many to compare with");
  EXPECT(wrong_there < policies / 10 + 1, "libseccomp and the evaluator do not mean the same");
  return report_and_exit("beside libseccomp");
}
