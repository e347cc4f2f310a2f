/*
 * Random policies: drawn as data, printed in the policy language, and read by an evaluator and an
 * interpreter of their own that know nothing of the core. Numbers of calls, widths and signs of
 * arguments are written out here for the same reason.
 */
#ifndef WASBOX_TEST_RANDOM_POLICY_H
#define WASBOX_TEST_RANDOM_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  MOST_RULES = 4,
  MOST_CONDS = 3,
  MOST_VALUES = 3,
  MOST_TARGETS = 3,
  CALLS = 3,
  MOST_NAMED = 640,
  MACHINES = 10
};
enum { X86_64_MACHINE };

enum { IOCTL, PRCTL, LSEEK };

struct machine {
  const char *name;
  uint32_t audit, base;
  bool big_endian, long_is_32_bits, has_narrow_ioctl;
  uint32_t numbers[CALLS]; /* without base */
};
extern const struct machine machines[MACHINES];

struct argument {
  const char *name;
  int index, bits, is_signed; /* -1: only ever compared after a cast */
};

enum comparison { EQ, NE, LT, LE, GT, GE, IN, NOT_IN, COMPARISONS };

struct condition {
  const struct argument *argument;
  int bits, is_signed, cast, masked;
  uint64_t mask;
  enum comparison op;
  uint64_t low[MOST_VALUES], high[MOST_VALUES];
  int values;
};
struct drawn_rule {
  uint32_t action;
  struct condition conds[MOST_CONDS];
  int conds_count;
};
/* A call that only rules without conditions name, with its number on each machine. */
enum { SCATTERED = 2 };
#define NO_NUMBER 0xffffffffu
struct named {
  const char *name;
  uint32_t numbers[MACHINES]; /* without base */
};
struct drawn {
  const struct machine *targets[MOST_TARGETS];
  int target_count;
  int call;
  struct drawn_rule rules[MOST_RULES];
  int rules_count;
  uint32_t otherwise, unknown, foreign;
  uint32_t kernel; /* major << 8 | minor, or 0 */
  const struct named *named;
  uint32_t named_count;
  uint8_t chosen[MOST_NAMED]; /* 0, or 1 + the action among `scattered` */
  uint32_t scattered[SCATTERED];
};

/* The kinds of policy that are drawn; 0 is the default. */
struct wishes {
  int call; /* 1 + a call */
  bool only_x86_64;
  bool one_plain_32_bit_condition; /* for each rule, as libseccomp has them */
  const uint32_t *actions;         /* for rules, `action_count` of them */
  uint32_t action_count;
  uint32_t otherwise; /* the default's action */
  /* Calls to scatter over rules without conditions; then the kernel and what a foreign architecture
   * gets are drawn as well. */
  const struct named *named;
  uint32_t named_count;
};

extern uint64_t seed;
uint64_t next_value(void);
uint32_t below(uint32_t limit);

void draw(struct drawn *d, const struct wishes *wishes);
void print(const struct drawn *d, char *out, size_t size);

/* A call, as the machine's kernel would hand it to the filter. */
struct question {
  const struct machine *machine; /* byte order and table; `audit` may be another one's */
  uint32_t nr, audit;
  uint64_t args[6];
};

/* Returns what the policy says, by the evaluator. */
uint32_t wanted(const struct drawn *d, const struct question *q);

/* Finds what a program says, by an interpreter over the bytes of seccomp_data; OUTSIDE where
 * it leaves the program or uses an instruction that filters of compilers do not need. */
enum { OUTSIDE = 0x0bad0bad };
struct filter_instruction {
  uint16_t code;
  uint8_t jt, jf;
  uint32_t k;
};
uint32_t answer(const struct filter_instruction *program, uint32_t count, const struct question *q);

/* Collects the values worth asking for: each constant ±1 and its halves mixed with others. */
void collect(const struct drawn *d);
/* A call of the policy's with arguments drawn from those. */
struct question draw_question(const struct drawn *d);
/* How many questions there are that have, one after another, each value of each argument that the
 * policy looks at, and the one at an index: its other arguments are drawn. */
uint32_t question_count(const struct drawn *d);
struct question question_at(const struct drawn *d, uint32_t index);
/* Returns the same call under other numbers and architectures. */
struct question stray_question(const struct drawn *d);

#endif
