/*
 * Random policies for all architectures: compiled, proved, and asked at every constant ±1 with high
 * and low halves mixed, against an evaluator and an interpreter that know nothing of the core
 * (random_policy.c).
 *
 *     random_test [policies] [seed]            in the interpreters
 *     random_test --kernel [policies] [seed]   in the running kernel, each in a child of its own
 */
#define _GNU_SOURCE
#include "harness.h"
#include "random_policy.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DRAWN = 300, STRAYS = 20, ENOUGH_FAILURES = 5, TEXT = 65536 };

/* Names of the core's tables, which test/unit/tables holds to others, with one number each. */
static struct named named[MOST_NAMED];
static uint32_t named_count;

static bool is_alone(const uint32_t numbers[MACHINES]) {
  for (uint32_t i = 0; i < named_count; i++)
    for (int m = 0; m < MACHINES; m++)
      if (numbers[m] != NO_NUMBER && numbers[m] == named[i].numbers[m])
        return false;
  return true;
}

/* `rare`: only those that ordinary programs, and a sanitizer's runtime, do not make. */
static void name_calls(bool rare) {
  for (int id = 0; id < wb_syscall_count() && named_count < MOST_NAMED; id++) {
    struct named *one = &named[named_count];
    one->name = wb_syscall_name(id);
    for (int m = 0; m < MACHINES; m++) {
      int arch = wb_arch_by_name(machines[m].name, strlen(machines[m].name));
      int number = wb_syscall_number(id, (enum wb_arch)arch);
      one->numbers[m] = number < 0 ? NO_NUMBER : (uint32_t)number;
    }
    bool is_needed = wb_syscall_weight(id) > 1 || strncmp(one->name, "exit", 4) == 0 ||
                     strncmp(one->name, "dup", 3) == 0;
    named_count += is_alone(one->numbers) && !(rare && is_needed);
  }
}

static uint64_t questions;

/* The program in the interpreter's own terms. */
static const struct filter_instruction *instructions_of(const struct wb_program *program) {
  struct filter_instruction *out = wb_alloc(program->count * sizeof *out);
  for (uint32_t i = 0; i < program->count; i++)
    out[i] = (struct filter_instruction){program->insns[i].code, program->insns[i].jt,
                                         program->insns[i].jf, program->insns[i].k};
  return out;
}

static void put_question(const struct drawn *d, const struct wb_compiled *c,
                         const struct filter_instruction *insns, const struct question *q,
                         const char *text) {
  uint32_t want = wanted(d, q), got = answer(insns, c->program->count, q);
  struct wb_data data = {.nr = q->nr, .arch = q->audit};
  memcpy(data.args, q->args, sizeof data.args);
  questions++;
  EXPECT(got == want && (questions % 8 != 0 || run_program(c, &data) == want),
         "got %#x, in the simulator %#x, wanted %#x for %s %#x %u(%#llx, %#llx, %#llx) in\n%s", got,
         run_program(c, &data), want, q->machine->name, q->audit, q->nr,
         (unsigned long long)q->args[0], (unsigned long long)q->args[1],
         (unsigned long long)q->args[2], text);
}

static void test_policy(const struct drawn *d) {
  static char text[TEXT];
  print(d, text, sizeof text);
  struct wb_compiled *c = compile_text(text, 0);
  EXPECT(c->program != NULL, "not compiled (code %d):\n%s",
         c->cx.diag_count > 0 ? (int)c->cx.diags[0].code : -1, text);
  if (c->program == NULL)
    return;
  const struct filter_instruction *insns = instructions_of(c->program);
  collect(d);
  uint32_t count = question_count(d);
  for (uint32_t i = 0; i < count + DRAWN + STRAYS && failures < ENOUGH_FAILURES; i++) {
    struct question q = i < count           ? question_at(d, i)
                        : i < count + DRAWN ? draw_question(d)
                                            : stray_question(d);
    put_question(d, c, insns, &q, text);
  }
}

/* Returns whether the filter looks at the number before it looks at the architecture. */
static bool is_late(const struct drawn *d) {
  static char text[TEXT];
  print(d, text, sizeof text);
  const struct wb_compiled *c = compile_text(text, 0);
  return c->program != NULL && c->program->insns[0].k == 0;
}

static int test_interpreters(uint32_t policies) {
  uint32_t targets = 0, late = 0;
  name_calls(false);
  for (uint32_t p = 0; p < policies && failures < ENOUGH_FAILURES; p++) {
    struct drawn d;
    /* Half of them with a tree over the numbers. */
    draw(&d, p % 2 == 0 ? &(struct wishes){0}
                        : &(struct wishes){.named = named, .named_count = named_count});
    test_policy(&d);
    late += is_late(&d);
    targets += (uint32_t)d.target_count;
    wb_arena_reset();
  }
  EXPECT(policies < 100 || late > policies / 50, "only %u filters test the architecture late",
         late);
  printf(
      "random policies: %u, for %u targets, %u with the architecture tested late, %llu questions\n",
      policies, targets, late, (unsigned long long)questions);
  return report_and_exit("random policies");
}

/* --- the running kernel --------------------------------------------------------------------------
 */

#ifdef __x86_64__

enum { KERNEL_QUESTIONS = 100, NO_FILTER = KERNEL_QUESTIONS + 1 };
/* Numbers that lseek itself never fails with. */
enum { FIRST_ERRNO = 1000 };

/* Loads the filter and makes the calls; how many were decided otherwise. */
static int ask_kernel(const struct drawn *d, const struct wb_program *program) {
  static struct sock_filter filter[WB_MAX_INSTRUCTIONS];
  for (uint32_t i = 0; i < program->count; i++) {
    const struct wb_insn_raw *raw = &program->insns[i];
    filter[i] = (struct sock_filter){raw->code, raw->jt, raw->jf, raw->k};
  }
  struct sock_fprog load = {(unsigned short)program->count, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &load) != 0)
    return NO_FILTER;
  int wrong = 0;
  if (d->foreign >> 16 == RET_ERRNO(0) >> 16) { /* i386's getpid, by its own gate */
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    wrong += -result != (long)(d->foreign & 0xffff);
  }
  for (uint32_t i = 0; i < KERNEL_QUESTIONS; i++) {
    struct question q = draw_question(d);
    errno = 0;
    syscall(SYS_lseek, q.args[0], q.args[1], q.args[2]);
    uint32_t got = errno >= FIRST_ERRNO ? RET_ERRNO((uint32_t)errno) : RET_ALLOW;
    wrong += got != wanted(d, &q);
  }
  return wrong;
}

static int test_kernel(uint32_t policies) {
  static const uint32_t actions[] = {RET_ALLOW, RET_ERRNO(FIRST_ERRNO), RET_ERRNO(FIRST_ERRNO + 1),
                                     RET_ERRNO(FIRST_ERRNO + 2), RET_ERRNO(4095)};
  const struct wishes wishes = {.call = 1 + LSEEK,
                                .only_x86_64 = true,
                                .actions = actions,
                                .action_count = sizeof actions / sizeof *actions,
                                .otherwise = RET_ALLOW,
                                .named = named};
  name_calls(true);
  for (uint32_t p = 0; p < policies && failures < ENOUGH_FAILURES; p++) {
    static char text[TEXT];
    struct drawn d;
    struct wishes wish = wishes;
    wish.named_count = named_count;
    draw(&d, &wish);
    print(&d, text, sizeof text);
    struct wb_compiled *c = compile_text(text, 0);
    EXPECT(c->program != NULL, "not compiled:\n%s", text);
    if (c->program == NULL)
      break;
    collect(&d);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
      syscall(SYS_close_range, 0, ~0u, 0); /* lseek is called on whatever the rules name */
      _exit(ask_kernel(&d, c->program));
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x for\n%s", status, text);
    wb_arena_reset();
  }
  printf("random policies in the kernel: %u\n", policies);
  return report_and_exit("random policies in the kernel");
}

#else

static int test_kernel(uint32_t policies) {
  printf("random policies in the kernel: %u not run, this machine is not x86_64\n", policies);
  return 0;
}

#endif

int main(int argc, char **argv) {
  bool kernel = argc > 1 && strcmp(argv[1], "--kernel") == 0;
  argc -= kernel, argv += kernel;
  uint32_t policies = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1500;
  seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
  return kernel ? test_kernel(policies) : test_interpreters(policies);
}
