/*
 * Random policies against a reading of their own that knows nothing of the core: what was drawn is
 * kept as data, printed as a policy, compiled (and proved), and the program is asked at every
 * constant ±1 with high and low halves mixed. Then single instructions of the programs are damaged,
 * and the prover has to notice each change of meaning.
 *
 *     random_test [policies] [seed]            in the interpreter
 *     random_test --kernel [policies] [seed]   in the running kernel, each in a child of its own
 */
#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_RULES = 4, MOST_CONDS = 3, MOST_VALUES = 3 };

/* Calls whose arguments have different widths and signs; casts vary them further, and always where
 * the type is left open (is_signed -1). */
struct argument {
  const char *name;
  int index, bits, is_signed;
};
static const struct {
  const char *call;
  struct argument arguments[4];
  int count;
} calls[] = {
    {"ioctl", {{"fd", 0, 32, -1}, {"request", 1, 32, 0}, {"arg", 2, 64, 0}}, 3},
    {"prctl", {{"option", 0, 32, 1}, {"arg2", 1, 64, 0}, {"arg3", 2, 64, 0}}, 3},
    {"lseek", {{"fd", 0, 32, -1}, {"arg1", 1, 64, 1}, {"whence", 2, 32, 0}}, 3},
};

struct cond {
  const struct argument *argument;
  int bits, is_signed, cast, masked;
  uint64_t mask;
  enum wb_op op;
  uint64_t low[MOST_VALUES], high[MOST_VALUES];
  int values;
};
struct rule {
  uint32_t action;
  struct cond conds[MOST_CONDS];
  int conds_count;
};
struct drawn {
  int call;
  struct rule rules[MOST_RULES];
  int rules_count;
  uint32_t otherwise;
};

static uint64_t seed;

static uint64_t draw_value(int bits) {
  static const uint64_t edges[] = {0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
                                   0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
                                   0x541200000000, 0x1f00000003};
  uint64_t value = below(&seed, 3) == 0 ? next_random(&seed) >> below(&seed, 64)
                   : below(&seed, 2) ? edges[below(&seed, sizeof edges / sizeof *edges)]
                                     : below(&seed, 8);
  return bits == 32 ? value & 0xffffffff : value;
}

static uint64_t flip_of(const struct cond *c) {
  return c->is_signed ? (uint64_t)1 << (c->bits - 1) : 0;
}

static void draw_cond(struct cond *c, int call) {
  const struct argument *a = &calls[call].arguments[below(&seed, (uint32_t)calls[call].count)];
  *c = (struct cond){.argument = a, .bits = a->bits, .is_signed = a->is_signed};
  if (a->is_signed < 0 || below(&seed, 4) == 0) {
    c->cast = 1;
    c->bits = below(&seed, 2) ? 32 : 64;
    c->is_signed = (int)below(&seed, 2);
  }
  uint64_t full = c->bits == 32 ? 0xffffffff : UINT64_MAX;
  c->mask = full;
  if (below(&seed, 3) == 0) {
    c->masked = 1;
    c->mask = draw_value(c->bits);
    if (c->mask != full)
      c->is_signed = 0;
  }
  c->op = (enum wb_op)below(&seed, 8);
  c->values = c->op >= WB_OP_IN ? 1 + (int)below(&seed, MOST_VALUES) : 1;
  for (int i = 0; i < c->values; i++) {
    c->low[i] = draw_value(c->bits);
    if (c->masked && below(&seed, 4) != 0)
      c->low[i] &= c->mask;
    c->high[i] = c->low[i];
    if (c->op >= WB_OP_IN && below(&seed, 2)) {
      c->high[i] = draw_value(c->bits);
      if ((c->low[i] ^ flip_of(c)) > (c->high[i] ^ flip_of(c))) {
        uint64_t swap = c->low[i];
        c->low[i] = c->high[i], c->high[i] = swap;
      }
    }
  }
}

static void draw(struct drawn *d) {
  static const uint32_t actions[] = {RET_ALLOW, RET_ERRNO(1), RET_ERRNO(7), 0x00030000, RET_KILL};
  d->call = (int)below(&seed, sizeof calls / sizeof *calls);
  d->rules_count = 1 + (int)below(&seed, MOST_RULES);
  d->otherwise = RET_ERRNO(1);
  for (int r = 0; r < d->rules_count; r++) {
    d->rules[r].action = actions[below(&seed, 5)];
    d->rules[r].conds_count = 1 + (int)below(&seed, MOST_CONDS);
    for (int c = 0; c < d->rules[r].conds_count; c++)
      draw_cond(&d->rules[r].conds[c], d->call);
  }
}

static size_t print(const struct drawn *d, char *out, size_t size) {
  static const char *const ops[] = {"==", "!=", "<", "<=", ">", ">=", "in", "not in"};
  size_t at = 0;
#define ADD(...) at += (size_t)snprintf(out + at, at < size ? size - at : 0, __VA_ARGS__)
  for (int r = 0; r < d->rules_count; r++) {
    const struct rule *rule = &d->rules[r];
    if ((rule->action & 0xffff0000) == RET_ERRNO(0))
      ADD("errno(%u)", rule->action & 0xffff);
    else
      ADD("%s", rule->action == RET_ALLOW ? "allow" : rule->action == RET_KILL ? "kill" : "trap");
    ADD(" %s where ", calls[d->call].call);
    for (int i = 0; i < rule->conds_count; i++) {
      const struct cond *c = &rule->conds[i];
      ADD("%s%s", i > 0 ? " and " : "", c->argument->name);
      if (c->cast)
        ADD(" as %c%d", c->is_signed ? 's' : 'u', c->bits);
      if (c->masked)
        ADD(" & %#llx", (unsigned long long)c->mask);
      ADD(" %s ", ops[c->op]);
      if (c->op >= WB_OP_IN)
        ADD("[");
      for (int v = 0; v < c->values; v++) {
        ADD("%s%#llx", v > 0 ? ", " : "", (unsigned long long)c->low[v]);
        if (c->high[v] != c->low[v])
          ADD("..%#llx", (unsigned long long)c->high[v]);
      }
      if (c->op >= WB_OP_IN)
        ADD("]");
    }
    ADD("\n");
  }
#undef ADD
  return at;
}

/* The reading of its own. */
static bool holds(const struct cond *c, const uint64_t args[6]) {
  uint64_t full = c->bits == 32 ? 0xffffffff : UINT64_MAX, flip = flip_of(c);
  uint64_t value = ((args[c->argument->index] & full) & c->mask) ^ flip;
  uint64_t first = c->low[0] ^ flip;
  bool inside = false;
  for (int i = 0; i < c->values; i++)
    inside = inside || (value >= (c->low[i] ^ flip) && value <= (c->high[i] ^ flip));
  switch (c->op) {
  case WB_OP_EQ:
    return value == first;
  case WB_OP_NE:
    return value != first;
  case WB_OP_LT:
    return value < first;
  case WB_OP_LE:
    return value <= first;
  case WB_OP_GT:
    return value > first;
  case WB_OP_GE:
    return value >= first;
  case WB_OP_IN:
    return inside;
  default:
    return !inside;
  }
}

static uint32_t wanted(const struct drawn *d, const uint64_t args[6]) {
  for (int r = 0; r < d->rules_count; r++) {
    bool all = true;
    for (int c = 0; c < d->rules[r].conds_count; c++)
      all = all && holds(&d->rules[r].conds[c], args);
    if (all)
      return d->rules[r].action;
  }
  return d->otherwise;
}

/* --- values worth asking for -------------------------------------------------------------------- */

enum { MOST_ASKED = 4096 };
static uint64_t asked[6][MOST_ASKED];
static uint32_t asked_count[6];

static void ask(int index, uint64_t value) {
  if (asked_count[index] < MOST_ASKED)
    asked[index][asked_count[index]++] = value;
}

static void ask_around(int index, uint64_t value) {
  static const uint64_t highs[] = {0, 1, 0xffffffff, 0x80000000};
  for (int step = -1; step <= 1; step++) {
    uint64_t near = value + (uint64_t)(int64_t)step;
    ask(index, near);
    for (uint32_t h = 0; h < 4; h++)
      ask(index, (near & 0xffffffff) | highs[h] << 32);
    ask(index, (near & ~(uint64_t)0xffffffff) | (value >> 32));
    ask(index, near << 32 | near >> 32);
  }
}

static void collect(const struct drawn *d) {
  memset(asked_count, 0, sizeof asked_count);
  for (int i = 0; i < 6; i++)
    ask(i, 0), ask(i, next_random(&seed));
  for (int r = 0; r < d->rules_count; r++)
    for (int c = 0; c < d->rules[r].conds_count; c++) {
      const struct cond *cond = &d->rules[r].conds[c];
      for (int v = 0; v < cond->values; v++) {
        ask_around(cond->argument->index, cond->low[v]);
        ask_around(cond->argument->index, cond->high[v]);
        ask_around(cond->argument->index, cond->low[v] | ~cond->mask);
      }
      ask_around(cond->argument->index, cond->mask);
    }
}

static void draw_call(struct wb_data *data, uint32_t nr) {
  *data = (struct wb_data){.nr = nr, .arch = 0xc000003e};
  for (int i = 0; i < 6; i++)
    data->args[i] = asked[i][below(&seed, asked_count[i])];
}

/* --- mutants ------------------------------------------------------------------------------------- */

static uint32_t mutants, changed, missed;

static struct wb_insn_raw mutate(struct wb_insn_raw insn) {
  static const uint16_t jumps[] = {0x15, 0x25, 0x35, 0x45};
  switch (below(&seed, 6)) {
  case 0:
    insn.k ^= (uint32_t)1 << below(&seed, 32);
    break;
  case 1:
    insn.k += below(&seed, 2) ? 1 : (uint32_t)-1;
    break;
  case 2:
    insn.jt += 1;
    break;
  case 3:
    insn.jf += 1;
    break;
  case 4: {
    uint8_t swap = insn.jt;
    insn.jt = insn.jf, insn.jf = swap;
    break;
  }
  default:
    if ((insn.code & 7) == 5 && insn.code != 5)
      insn.code = jumps[below(&seed, 4)];
    else if (insn.code == 0x20)
      insn.k = 4 * below(&seed, 16);
    break;
  }
  return insn;
}

static void test_mutants(const struct wb_compiled *c, uint32_t nr, uint32_t count) {
  struct wb_program *program = wb_alloc(sizeof *program);
  *program = *c->program;
  program->insns = wb_alloc(program->count * sizeof *program->insns);
  for (uint32_t m = 0; m < count; m++) {
    memcpy(program->insns, c->program->insns, program->count * sizeof *program->insns);
    uint32_t at = below(&seed, program->count);
    program->insns[at] = mutate(program->insns[at]);
    if (memcmp(&program->insns[at], &c->program->insns[at], sizeof *program->insns) == 0 ||
        wb_check_program(program->insns, program->count) >= 0)
      continue;
    mutants++;
    struct wb_witness witness = {0};
    enum wb_verdict verdict = wb_verify(c->policy, program, &witness);
    uint32_t action, executed, rule;
    bool differs = false;
    if (verdict == WB_VERDICT_DIFFERENT) {
      changed++;
      continue;
    }
    for (uint32_t i = 0; i < 400 && !differs; i++) {
      struct wb_data data;
      draw_call(&data, i % 4 == 0 ? below(&seed, 480) : nr);
      if (i % 50 == 49)
        data.arch ^= below(&seed, 2) ? 1 : 0x80000000;
      wb_interpret(program->insns, program->count, false, &data, &action, &executed, NULL);
      differs = action != wb_evaluate(c->policy, &data, &rule);
    }
    changed += differs;
    missed += differs;
  }
}

/* What the prover calls different must be so: its witness shows it. */
static void test_witness(const struct wb_compiled *c) {
  struct wb_program *program = wb_alloc(sizeof *program);
  *program = *c->program;
  program->insns = wb_alloc(program->count * sizeof *program->insns);
  memcpy(program->insns, c->program->insns, program->count * sizeof *program->insns);
  for (uint32_t tries = 0; tries < 20; tries++) {
    uint32_t at = below(&seed, program->count);
    struct wb_insn_raw before = program->insns[at];
    if ((before.code & 7) != 5 || before.code == 5)
      continue;
    program->insns[at].k += 1;
    struct wb_witness w = {0};
    if (wb_verify(c->policy, program, &w) == WB_VERDICT_DIFFERENT) {
      struct wb_data data = {.nr = w.nr, .arch = w.arch};
      memcpy(data.args, w.args, sizeof data.args);
      uint32_t action, executed, rule;
      wb_interpret(program->insns, program->count, false, &data, &action, &executed, NULL);
      EXPECT(action == w.got && wb_evaluate(c->policy, &data, &rule) == w.wanted &&
                 w.got != w.wanted,
             "the witness shows no difference: %#x %#x %#x", action, w.got, w.wanted);
    }
    program->insns[at] = before;
  }
}

/* --- the running kernel ---------------------------------------------------------------------------- */

#ifdef __x86_64__

/* Loads the filter and makes the calls; how many were decided otherwise, at most 100. */
static int ask_kernel(const struct drawn *d, const struct wb_program *program) {
  static struct sock_filter filter[WB_MAX_INSTRUCTIONS];
  for (uint32_t i = 0; i < program->count; i++) {
    const struct wb_insn_raw *raw = &program->insns[i];
    filter[i] = (struct sock_filter){raw->code, raw->jt, raw->jf, raw->k};
  }
  struct sock_fprog load = {(unsigned short)program->count, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &load) != 0)
    return 101;
  int wrong = 0;
  for (uint32_t i = 0; i < 100; i++) {
    struct wb_data data;
    draw_call(&data, SYS_lseek);
    errno = 0;
    syscall(SYS_lseek, data.args[0], data.args[1], data.args[2]);
    /* The filter's own numbers are ones that lseek never fails with. */
    uint32_t got = errno >= 1000 ? RET_ERRNO((uint32_t)errno) : RET_ALLOW;
    wrong += got != wanted(d, data.args);
  }
  return wrong > 100 ? 100 : wrong;
}

static int test_kernel(uint32_t policies) {
  for (uint32_t p = 0; p < policies; p++) {
    static struct drawn d;
    static char text[16384] = "default allow\nunknown allow\n";
    enum { HEAD = 28, LSEEK = 2 };
    do
      draw(&d);
    while (d.call != LSEEK);
    for (int r = 0; r < d.rules_count; r++)
      d.rules[r].action = below(&seed, 4) == 0 ? RET_ALLOW : RET_ERRNO(1000 + (uint32_t)r);
    d.otherwise = RET_ALLOW;
    print(&d, text + HEAD, sizeof text - HEAD);
    struct wb_compiled *c = compile_text(text, 1u << WB_ARCH_X86_64);
    EXPECT(c->program != NULL, "not compiled:\n%s", text);
    if (c->program == NULL)
      break;
    collect(&d);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
      _exit(ask_kernel(&d, c->program));
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %#x for\n%s", status, text);
    wb_arena_reset();
    if (failures > 5)
      break;
  }
  return report_and_exit("random policies in the kernel");
}

#else

static int test_kernel(uint32_t policies) {
  printf("random policies in the kernel: %u not run, this machine is no x86_64\n", policies);
  return 0;
}

#endif

int main(int argc, char **argv) {
  bool kernel = argc > 1 && strcmp(argv[1], "--kernel") == 0;
  argc -= kernel, argv += kernel;
  uint32_t policies = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1500;
  seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
  if (kernel)
    return test_kernel(policies);
  for (uint32_t p = 0; p < policies; p++) {
    static struct drawn d;
    static char text[16384];
    draw(&d);
    print(&d, text, sizeof text);
    struct wb_compiled *c = compile_text(text, 1u << WB_ARCH_X86_64);
    EXPECT(c->program != NULL, "not compiled (code %d):\n%s",
           c->cx.diag_count > 0 ? (int)c->cx.diags[0].code : -1, text);
    if (c->program != NULL) {
      collect(&d);
      int id = wb_syscall_by_name(calls[d.call].call, strlen(calls[d.call].call));
      uint32_t nr = (uint32_t)wb_syscall_number(id, WB_ARCH_X86_64);
      for (uint32_t i = 0; i < 300; i++) {
        struct wb_data data;
        draw_call(&data, nr);
        uint32_t got = run_program(c, &data), want = wanted(&d, data.args);
        EXPECT(got == want, "got %#x, wanted %#x for %llx %llx %llx in\n%s", got, want,
               (unsigned long long)data.args[0], (unsigned long long)data.args[1],
               (unsigned long long)data.args[2], text);
      }
      if (p % 10 == 0) {
        test_mutants(c, nr, 40);
        test_witness(c);
      }
    }
    wb_arena_reset();
    if (failures > 5)
      break;
  }
  printf("mutants: %u loadable, %u of them change the meaning, %u missed\n", mutants, changed,
         missed);
  EXPECT(changed > mutants / 4, "too few mutants change the meaning to show anything");
  EXPECT(missed * 100 <= changed, "the prover misses more than one in a hundred");
  return report_and_exit("random policies");
}
