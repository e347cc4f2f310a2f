/*
 * Random OCI profiles whose entries overlap, imported here and given to Debian's libseccomp the way
 * runc gives them, and both asked the same questions. The importer must refuse a profile or decide
 * as libseccomp's filter does. libseccomp's filters have mistakes of their own; one counts only
 * where no reading of the profile, in whatever order its entries apply, gives what it decides.
 *
 *     overlap_test [profiles] [seed]
 */
#define _GNU_SOURCE
#include "harness.h"
#include "random_policy.h"

#include <errno.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <unistd.h>

#include "../../../wasm-core/src/convert.h"

enum { MOST_ENTRIES = 4, MOST_ARGS = 3, POINTS = 24, ENOUGH_FAILURES = 5 };

/* Calls with `int` arguments and with 64-bit ones, by what the kernel reads. */
static const struct {
  const char *name;
  int bits[MOST_ARGS];
} subjects[] = {{"kill", {32, 32, 0}},
                {"socket", {32, 32, 32}},
                {"shmget", {32, 64, 32}},
                {"read", {32, 0, 64}},
                {"mremap", {64, 64, 64}}};

static const struct {
  const char *name;
  uint32_t value;
} actions[] = {{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
               {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
               {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(1)},
               {"SCMP_ACT_LOG", SCMP_ACT_LOG}};
enum { ACTIONS = sizeof actions / sizeof *actions };

static const char *const ops[] = {"",   "NE", "LT", "LE",
                                  "EQ", "GE", "GT", "MASKED_EQ"}; /* enum scmp_compare */

struct entry {
  uint32_t action;
  uint32_t count;
  struct scmp_arg_cmp args[MOST_ARGS];
};

struct profile {
  uint32_t subject, otherwise, count;
  struct entry entries[MOST_ENTRIES];
};

static uint64_t draw_datum(int bits) {
  static const uint64_t edges[] = {16, 40, 0x7fffffff, 0x80000000, 0xffffffff};
  uint64_t value = below(3) != 0 ? below(6) : edges[below(5)];
  return bits == 64 && below(4) == 0 ? value | (uint64_t)(1 + below(2)) << 32 : value;
}

static void draw_profile(struct profile *p) {
  *p = (struct profile){.subject = below(sizeof subjects / sizeof *subjects)};
  p->otherwise = below(2) ? 2 : below(ACTIONS);
  p->count = 2 + below(MOST_ENTRIES - 1);
  for (uint32_t e = 0; e < p->count; e++) {
    struct entry *entry = &p->entries[e];
    entry->action = below(3) ? below(2) * 2 : below(ACTIONS);
    for (unsigned arg = 0; arg < MOST_ARGS; arg++) {
      int bits = subjects[p->subject].bits[arg];
      if (bits == 0 || below(2) || (entry->count > 0 && below(2)))
        continue;
      struct scmp_arg_cmp *c = &entry->args[entry->count++];
      *c = (struct scmp_arg_cmp){arg, (enum scmp_compare)(1 + below(7)), draw_datum(bits), 0};
      if (c->op == SCMP_CMP_MASKED_EQ)
        c->datum_b = draw_datum(bits) & (below(8) ? c->datum_a : UINT64_MAX);
    }
    if (entry->count == 0) {
      unsigned arg = subjects[p->subject].bits[0] != 0 ? 0 : 2;
      entry->args[entry->count++] =
          (struct scmp_arg_cmp){arg, (enum scmp_compare)(1 + below(6)), draw_datum(32), 0};
    }
  }
}

static void print_profile(const struct profile *p, char *out, size_t size) {
  FILE *to = fmemopen(out, size, "w");
  fprintf(to, "{\"defaultAction\": \"%s\", \"syscalls\": [", actions[p->otherwise].name);
  for (uint32_t e = 0; e < p->count; e++) {
    const struct entry *entry = &p->entries[e];
    fprintf(to, "%s\n  {\"names\": [\"%s\"], \"action\": \"%s\", \"args\": [", e ? "," : "",
            subjects[p->subject].name, actions[entry->action].name);
    for (uint32_t a = 0; a < entry->count; a++)
      fprintf(to, "%s{\"index\": %u, \"value\": %llu, \"valueTwo\": %llu, \"op\": \"SCMP_CMP_%s\"}",
              a ? ", " : "", entry->args[a].arg, (unsigned long long)entry->args[a].datum_a,
              (unsigned long long)entry->args[a].datum_b, ops[entry->args[a].op]);
    fprintf(to, "]}");
  }
  fprintf(to, "\n]}\n");
  fclose(to);
}

/* --- the two compilers -------------------------------------------------------------------------
 */

/* NULL where the importer refuses. */
static struct wb_compiled *compile_here(const char *json, struct wb_conversion *c) {
  struct wb_import_options options = {.text = {json, (uint32_t)strlen(json)}, .targets = 1};
  wb_import_oci(c, &options);
  if (!c->ok)
    return NULL;
  struct wb_options compile = {.name = {"imported", 8}, .text = {c->out.at, c->out.size}};
  return wb_compile_policy(&compile);
}

static sigjmp_buf too_long;

static void on_alarm(int signal) {
  siglongjmp(too_long, signal);
}

/* Instructions, 0 where libseccomp refuses; some rules keep it busy for hours. */
static uint32_t compile_there(const struct profile *p, struct filter_instruction *out) {
  static struct sock_filter_raw {
    uint16_t code;
    uint8_t jt, jf;
    uint32_t k;
  } raw[WB_MAX_INSTRUCTIONS];
  size_t size = sizeof raw;
  if (sigsetjmp(too_long, 1) != 0)
    return 0;
  alarm(2);
  scmp_filter_ctx filter = seccomp_init(actions[p->otherwise].value);
  int call = seccomp_syscall_resolve_name(subjects[p->subject].name), error = 0;
  for (uint32_t e = 0; e < p->count && error == 0; e++) {
    const struct entry *entry = &p->entries[e];
    if (entry->action != p->otherwise)
      error = seccomp_rule_add_array(filter, actions[entry->action].value, call, entry->count,
                                     entry->args);
  }
  if (error == 0)
    error = seccomp_export_bpf_mem(filter, raw, &size);
  seccomp_release(filter);
  alarm(0);
  if (error != 0)
    return 0;
  uint32_t count = (uint32_t)(size / sizeof *raw);
  for (uint32_t i = 0; i < count; i++)
    out[i] = (struct filter_instruction){raw[i].code, raw[i].jt, raw[i].jf, raw[i].k};
  return count;
}

/* --- what the profile says, in any order -------------------------------------------------------
 */

static bool holds(const struct scmp_arg_cmp *c, const uint64_t *args) {
  uint64_t value = args[c->arg], datum = c->datum_a;
  return c->op == SCMP_CMP_NE   ? value != datum
         : c->op == SCMP_CMP_LT ? value < datum
         : c->op == SCMP_CMP_LE ? value <= datum
         : c->op == SCMP_CMP_EQ ? value == datum
         : c->op == SCMP_CMP_GE ? value >= datum
         : c->op == SCMP_CMP_GT
             ? value > datum
             : (value & datum) == (c->datum_b & datum); /* as libseccomp masks both sides */
}

/* Returns whether an entry that matches, or where none does the default, has this action. */
static bool some_order_gives(const struct profile *p, const uint64_t *args, uint32_t action) {
  bool any = false;
  for (uint32_t e = 0; e < p->count; e++) {
    const struct entry *entry = &p->entries[e];
    bool all = entry->action != p->otherwise;
    for (uint32_t a = 0; a < entry->count; a++)
      all = all && holds(&entry->args[a], args);
    if (all && actions[entry->action].value == action)
      return true;
    any = any || all;
  }
  return !any && actions[p->otherwise].value == action;
}

/* A value of the argument next to a constant, halves mixed, within what the kernel reads. */
static uint64_t draw_argument(const struct profile *p, unsigned arg) {
  uint64_t seeds[MOST_ENTRIES * MOST_ARGS * 2], count = 0;
  for (uint32_t e = 0; e < p->count; e++)
    for (uint32_t a = 0; a < p->entries[e].count; a++)
      if (p->entries[e].args[a].arg == arg) {
        seeds[count++] = p->entries[e].args[a].datum_a;
        seeds[count++] = p->entries[e].args[a].datum_b;
      }
  int bits = subjects[p->subject].bits[arg];
  uint64_t value = count == 0 ? below(8) : seeds[below((uint32_t)count)] + below(3) - 1;
  if (count > 0 && below(4) == 0)
    value = (value & 0xffffffff) | (seeds[below((uint32_t)count)] & 0xffffffff00000000);
  return bits == 64 ? value : value & 0xffffffff;
}

static bool permits(uint32_t action) {
  return action == SCMP_ACT_ALLOW || action == SCMP_ACT_LOG;
}

int main(int argc, char **argv) {
  uint32_t profiles = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1500;
  seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
  static struct filter_instruction here[WB_MAX_INSTRUCTIONS], there[WB_MAX_INSTRUCTIONS];
  static char json[16384];
  uint32_t refused = 0, refused_there = 0, both = 0, mistakes = 0, weaker = 0, stricter = 0;
  signal(SIGALRM, on_alarm);
  for (uint32_t n = 0; n < profiles && failures < ENOUGH_FAILURES; n++, wb_arena_reset()) {
    struct profile p;
    struct wb_conversion conversion = {0};
    draw_profile(&p);
    print_profile(&p, json, sizeof json);
    struct wb_compiled *c = compile_here(json, &conversion);
    uint32_t count = compile_there(&p, there);
    if (c == NULL) {
      refused++;
      EXPECT(conversion.notes[conversion.note_count - 1].kind == WB_NOTE_OVERLAP,
             "refused for another reason:\n%s", json);
      continue;
    }
    EXPECT(c->program != NULL, "imported, but does not compile:\n%s", json);
    refused_there += count == 0;
    if (count == 0 || c->program == NULL)
      continue;
    both++;
    for (uint32_t i = 0; i < c->program->count; i++)
      here[i] = (struct filter_instruction){c->program->insns[i].code, c->program->insns[i].jt,
                                            c->program->insns[i].jf, c->program->insns[i].k};
    bool mistaken = false, more = false, less = false;
    for (uint32_t i = 0; i < POINTS * POINTS; i++) {
      struct question q = {.machine = &machines[X86_64_MACHINE], .audit = 0xc000003e};
      q.nr = (uint32_t)seccomp_syscall_resolve_name(subjects[p.subject].name);
      for (unsigned arg = 0; arg < MOST_ARGS; arg++)
        q.args[arg] = draw_argument(&p, arg);
      uint32_t ours = answer(here, c->program->count, &q), theirs = answer(there, count, &q);
      EXPECT(some_order_gives(&p, q.args, ours), "%#x on (%#llx, %#llx, %#llx) in\n%s", ours,
             (unsigned long long)q.args[0], (unsigned long long)q.args[1],
             (unsigned long long)q.args[2], json);
      if (ours == theirs)
        continue;
      bool mistake = !some_order_gives(&p, q.args, theirs);
      EXPECT(mistake, "%#x, libseccomp %#x on (%#llx, %#llx, %#llx) in\n%s", ours, theirs,
             (unsigned long long)q.args[0], (unsigned long long)q.args[1],
             (unsigned long long)q.args[2], json);
      mistaken = mistaken || mistake;
      more = more || (permits(theirs) && !permits(ours));
      less = less || (permits(ours) && !permits(theirs));
    }
    mistakes += mistaken, weaker += more, stricter += less;
  }
  printf(
      "overlapping profiles: %u, %u refused; of the others %u refused by libseccomp, %u compared, "
      "of which %u with a decision that no entry has: %u let through more, %u less\n",
      profiles, refused, refused_there, both, mistakes, weaker, stricter);
  EXPECT(mistakes < both / 20 + 1, "libseccomp and the evaluator do not mean the same");
  EXPECT(refused > profiles / 10 && both > profiles / 10, "too one-sided to say anything");
  return report_and_exit("overlapping profiles");
}
