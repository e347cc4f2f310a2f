/*
 * Random policies with two arguments a rule, compiled by the core and by libseccomp, and both
 * programs asked at every constant ±1 with high and low halves mixed. For bench/filters.mjs.
 *
 *   random POLICIES SEED
 *
 * prints a line `WHO MISCOMPILED WEAKER STRONGER REFUSED` for wasbox and for libseccomp: policies
 * with a wrong decision, with a call let through that no rule allows, with a call refused that a
 * rule allows, and not compiled within a second. All rules allow and the default refuses, so that
 * their order says nothing and both tools mean the same.
 */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../wasm-core/src/core.h"

enum { MOST_RULES = 2, ARGS = 2, MOST_INSNS = 4096, POINTS = 32 };
enum { ALLOW = 0x7fff0000, DENY = 0x00050001 };

struct cond {
  enum scmp_compare op;
  uint64_t mask, value;
};
struct policy {
  int rules;
  struct cond conds[MOST_RULES][ARGS];
};
struct tally {
  unsigned wrong, weaker, stronger, refused;
};

static uint64_t state;

static uint64_t draw(void) {
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static uint64_t draw_value(void) {
  static const uint64_t edges[] = {0x7fffffff,  0x80000000,         0xffffffff,
                                   0x100000000, 0x8000000000000000, 0xffffffffffffffff};
  switch (draw() % 4) {
  case 0:
    return draw() >> draw() % 64;
  case 1:
    return edges[draw() % (sizeof edges / sizeof *edges)];
  case 2:
    return draw() % 4 << 32 | draw() % 4;
  default:
    return draw() % 8;
  }
}

static void draw_policy(struct policy *p) {
  static const enum scmp_compare ops[] = {SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE,       SCMP_CMP_EQ,
                                          SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ};
  p->rules = 1 + (int)(draw() % MOST_RULES);
  for (int r = 0; r < p->rules; r++)
    for (int a = 0; a < ARGS; a++) {
      struct cond *c = &p->conds[r][a];
      c->op = ops[draw() % (sizeof ops / sizeof *ops)];
      c->mask = c->op == SCMP_CMP_MASKED_EQ ? draw_value() : UINT64_MAX;
      c->value = draw_value() & c->mask;
    }
}

static int cond_holds(const struct cond *c, uint64_t value) {
  switch (c->op) {
  case SCMP_CMP_NE:
    return value != c->value;
  case SCMP_CMP_LT:
    return value < c->value;
  case SCMP_CMP_LE:
    return value <= c->value;
  case SCMP_CMP_GE:
    return value >= c->value;
  case SCMP_CMP_GT:
    return value > c->value;
  default:
    return (value & c->mask) == c->value;
  }
}

static uint32_t meant(const struct policy *p, const uint64_t args[6]) {
  for (int r = 0; r < p->rules; r++)
    if (cond_holds(&p->conds[r][0], args[0]) && cond_holds(&p->conds[r][1], args[1]))
      return ALLOW;
  return DENY;
}

/* --- the two compilers ------------------------------------------------------------------------ */

/* Instructions in `out`; 0 where the tool refused. */
static uint32_t by_wasbox(const struct policy *p, struct wb_insn_raw *out) {
  static const char *const signs[] = {[SCMP_CMP_NE] = "!=", [SCMP_CMP_LT] = "<",
                                      [SCMP_CMP_LE] = "<=", [SCMP_CMP_EQ] = "==",
                                      [SCMP_CMP_GE] = ">=", [SCMP_CMP_GT] = ">"};
  char text[4096];
  int size = snprintf(text, sizeof text, "default errno(EPERM)\n");
  for (int r = 0; r < p->rules; r++)
    for (int a = 0; a < ARGS; a++) {
      const struct cond *c = &p->conds[r][a];
      size += snprintf(text + size, sizeof text - (size_t)size, "%s arg%d as u64 ",
                       a == 0 ? "allow prctl where" : " and", a);
      size += c->op == SCMP_CMP_MASKED_EQ
                  ? snprintf(text + size, sizeof text - (size_t)size, "& 0x%llx == 0x%llx",
                             (unsigned long long)c->mask, (unsigned long long)c->value)
                  : snprintf(text + size, sizeof text - (size_t)size, "%s 0x%llx", signs[c->op],
                             (unsigned long long)c->value);
      if (a == ARGS - 1)
        size += snprintf(text + size, sizeof text - (size_t)size, "\n");
    }
  struct wb_options options = {.name = {"random", 6}, .targets = 1 << WB_ARCH_X86_64};
  options.text = (struct wb_text){text, (uint32_t)size};
  const struct wb_compiled *c = wb_compile_policy(&options);
  if (c->program == NULL)
    return 0;
  memcpy(out, c->program->insns, c->program->count * sizeof *out);
  return c->program->count;
}

static sigjmp_buf too_long;

static void on_alarm(int signal) {
  siglongjmp(too_long, signal);
}

/* Some rules keep libseccomp busy for hours: after a second it is left alone, with its memory. */
static uint32_t by_libseccomp(const struct policy *p, struct wb_insn_raw *out) {
  static struct sock_filter filter[MOST_INSNS];
  if (sigsetjmp(too_long, 1) != 0)
    return 0;
  alarm(1);
  scmp_filter_ctx ctx = seccomp_init(DENY);
  size_t size = sizeof filter;
  int error = 0;
  for (int r = 0; r < p->rules && error == 0; r++) {
    struct scmp_arg_cmp args[ARGS];
    for (unsigned a = 0; a < ARGS; a++) {
      const struct cond *c = &p->conds[r][a];
      bool masked = c->op == SCMP_CMP_MASKED_EQ;
      args[a] = (struct scmp_arg_cmp){a, c->op, masked ? c->mask : c->value, c->value};
    }
    error = seccomp_rule_add_array(ctx, ALLOW, SCMP_SYS(prctl), ARGS, args);
    if (error == -EEXIST)
      error = 0; /* it holds the rule to be said already */
  }
  if (error == 0)
    error = seccomp_export_bpf_mem(ctx, filter, &size);
  seccomp_release(ctx);
  alarm(0);
  if (error != 0)
    return 0;
  uint32_t count = (uint32_t)(size / sizeof *filter);
  for (uint32_t i = 0; i < count; i++)
    out[i] = (struct wb_insn_raw){filter[i].code, filter[i].jt, filter[i].jf, filter[i].k};
  return count;
}

/* --- questions -------------------------------------------------------------------------------- */

/* Constants of an argument ±1, and their halves in every combination. */
static int points_of(const struct policy *p, int arg, uint64_t *points) {
  uint64_t seeds[MOST_RULES * 5];
  int seeds_count = 0, count = 0;
  for (int r = 0; r < p->rules; r++) {
    const struct cond *c = &p->conds[r][arg];
    const uint64_t near[] = {c->value - 1, c->value, c->value + 1, ~c->mask, c->value | ~c->mask};
    for (int i = 0; i < 5; i++)
      seeds[seeds_count++] = near[i];
  }
  for (int i = 0; i < seeds_count; i++)
    points[count++] = seeds[i];
  while (count < POINTS)
    points[count++] = (seeds[draw() % (uint64_t)seeds_count] & 0xffffffff00000000) |
                      (uint32_t)seeds[draw() % (uint64_t)seeds_count];
  return count;
}

static void judge(const struct policy *p, const struct wb_insn_raw *insns, uint32_t count,
                  uint64_t points[ARGS][POINTS], struct tally *tally) {
  if (count == 0) {
    tally->refused++;
    return;
  }
  bool weaker = false, stronger = false;
  struct wb_data data = {.nr = (uint32_t)SCMP_SYS(prctl), .arch = 0xc000003e};
  for (int i = 0; i < POINTS; i++)
    for (int j = 0; j < POINTS; j++) {
      data.args[0] = points[0][i], data.args[1] = points[1][j];
      uint32_t got = 0, executed;
      wb_interpret(insns, count, false, &data, &got, &executed, NULL);
      uint32_t wanted = meant(p, data.args);
      weaker = weaker || (got != wanted && got == ALLOW);
      stronger = stronger || (got != wanted && got != ALLOW);
    }
  tally->wrong += weaker || stronger;
  tally->weaker += weaker;
  tally->stronger += stronger;
}

static void print(const char *who, const struct tally *t) {
  printf("%s %u %u %u %u\n", who, t->wrong, t->weaker, t->stronger, t->refused);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: random POLICIES SEED\n");
    return 2;
  }
  static struct wb_insn_raw insns[MOST_INSNS];
  struct tally wasbox = {0}, libseccomp = {0};
  signal(SIGALRM, on_alarm);
  state = strtoull(argv[2], NULL, 0);
  for (unsigned long n = strtoul(argv[1], NULL, 0); n > 0; n--) {
    struct policy p;
    uint64_t points[ARGS][POINTS];
    draw_policy(&p);
    for (int a = 0; a < ARGS; a++)
      points_of(&p, a, points[a]);
    wb_arena_reset();
    judge(&p, insns, by_wasbox(&p, insns), points, &wasbox);
    judge(&p, insns, by_libseccomp(&p, insns), points, &libseccomp);
  }
  print("wasbox", &wasbox);
  print("libseccomp", &libseccomp);
  return 0;
}
