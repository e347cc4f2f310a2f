/*
 * Computes what a filter says of a call: the classic BPF of seccomp(2), interpreted. Called by
 * notify.c, so that a notification gets exactly the answer of the filter that it stands for.
 * Anything that the kernel would not load counts as a refusal.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

#include "judge.h"

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)

static int alu(uint16_t code, uint32_t *a, uint32_t operand) {
  switch (BPF_OP(code)) {
  case BPF_ADD:
    *a += operand;
    return 1;
  case BPF_SUB:
    *a -= operand;
    return 1;
  case BPF_MUL:
    *a *= operand;
    return 1;
  case BPF_DIV:
    if (operand == 0)
      return 0;
    *a /= operand;
    return 1;
  case BPF_AND:
    *a &= operand;
    return 1;
  case BPF_OR:
    *a |= operand;
    return 1;
  case BPF_XOR:
    *a ^= operand;
    return 1;
  case BPF_LSH:
    *a = operand < 32 ? *a << operand : 0;
    return 1;
  case BPF_RSH:
    *a = operand < 32 ? *a >> operand : 0;
    return 1;
  case BPF_NEG:
    *a = -*a;
    return 1;
  default:
    return 0;
  }
}

static int holds(uint16_t code, uint32_t a, uint32_t operand) {
  switch (BPF_OP(code)) {
  case BPF_JEQ:
    return a == operand;
  case BPF_JGT:
    return a > operand;
  case BPF_JGE:
    return a >= operand;
  case BPF_JSET:
    return (a & operand) != 0;
  default:
    return -1;
  }
}

uint32_t wb_judge(const struct sock_filter *filter, uint32_t count,
                  const struct seccomp_data *data) {
  uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = {0};
  for (uint32_t pc = 0; pc < count; pc++) {
    const struct sock_filter *insn = &filter[pc];
    const uint32_t k = insn->k;
    const uint32_t operand = BPF_SRC(insn->code) == BPF_X ? x : k;
    switch (BPF_CLASS(insn->code)) {
    case BPF_LD:
    case BPF_LDX: {
      uint32_t value;
      if (insn->code == (BPF_LD | BPF_W | BPF_ABS) && k % 4 == 0 && k < sizeof *data)
        memcpy(&value, (const char *)data + k, sizeof value);
      else if (BPF_MODE(insn->code) == BPF_IMM)
        value = k;
      else if (BPF_MODE(insn->code) == BPF_LEN)
        value = sizeof *data;
      else if (BPF_MODE(insn->code) == BPF_MEM && k < BPF_MEMWORDS)
        value = memory[k];
      else
        return REFUSED;
      *(BPF_CLASS(insn->code) == BPF_LD ? &a : &x) = value;
      break;
    }
    case BPF_ST:
    case BPF_STX:
      if (k >= BPF_MEMWORDS)
        return REFUSED;
      memory[k] = BPF_CLASS(insn->code) == BPF_ST ? a : x;
      break;
    case BPF_ALU:
      if (!alu(insn->code, &a, operand))
        return REFUSED;
      break;
    case BPF_JMP: {
      /* Forward only, so that every program ends; the sum cannot wrap below `pc`. */
      uint64_t skip = k;
      if (BPF_OP(insn->code) != BPF_JA) {
        int yes = holds(insn->code, a, operand);
        if (yes < 0)
          return REFUSED;
        skip = yes ? insn->jt : insn->jf;
      }
      if (skip >= count - pc - 1)
        return REFUSED;
      pc += (uint32_t)skip;
      break;
    }
    case BPF_RET:
      return BPF_RVAL(insn->code) == BPF_A ? a : k;
    case BPF_MISC:
      if (BPF_MISCOP(insn->code) == BPF_TAX)
        x = a;
      else
        a = x;
      break;
    default:
      return REFUSED;
    }
  }
  return REFUSED;
}
