/*
 * An interpreter and decoder for the part of classic BPF that seccomp(2) loads, written from the
 * kernel's seccomp_check_filter and bpf_check_classic. It knows instructions that emit.c never
 * writes, since filters of other makers are read too. Called by api.c, compile.c and the tests.
 */
#include "core.h"

enum { DATA_SIZE = 64, MEMORY_WORDS = 16 };

/* The most frequent ones first. */
static const struct {
  uint8_t code, kind;
  bool uses_x;
} codes[] = {
    {0x35, WB_INSN_JGE, false},       {0x15, WB_INSN_JEQ, false},
    {0x20, WB_INSN_LOAD, false},      {0x06, WB_INSN_RETURN, false},
    {0x45, WB_INSN_JSET, false},      {0x00, WB_INSN_LOAD_IMM, false},
    {0x01, WB_INSN_LOADX_IMM, false}, {0x80, WB_INSN_LOAD_LEN, false},
    {0x81, WB_INSN_LOADX_LEN, false}, {0x60, WB_INSN_LOAD_MEM, false},
    {0x61, WB_INSN_LOADX_MEM, false}, {0x02, WB_INSN_STORE, false},
    {0x03, WB_INSN_STOREX, false},    {0x07, WB_INSN_TAX, false},
    {0x87, WB_INSN_TXA, false},       {0x04, WB_INSN_ADD, false},
    {0x0c, WB_INSN_ADD, true},        {0x14, WB_INSN_SUB, false},
    {0x1c, WB_INSN_SUB, true},        {0x24, WB_INSN_MUL, false},
    {0x2c, WB_INSN_MUL, true},        {0x34, WB_INSN_DIV, false},
    {0x3c, WB_INSN_DIV, true},        {0x54, WB_INSN_AND, false},
    {0x5c, WB_INSN_AND, true},        {0x44, WB_INSN_OR, false},
    {0x4c, WB_INSN_OR, true},         {0xa4, WB_INSN_XOR, false},
    {0xac, WB_INSN_XOR, true},        {0x64, WB_INSN_LSH, false},
    {0x6c, WB_INSN_LSH, true},        {0x74, WB_INSN_RSH, false},
    {0x7c, WB_INSN_RSH, true},        {0x84, WB_INSN_NEG, false},
    {0x05, WB_INSN_JUMP, false},      {0x1d, WB_INSN_JEQ, true},
    {0x25, WB_INSN_JGT, false},       {0x2d, WB_INSN_JGT, true},
    {0x3d, WB_INSN_JGE, true},        {0x4d, WB_INSN_JSET, true},
    {0x16, WB_INSN_RETURN_A, false},
};

struct wb_insn wb_decode_one(struct wb_insn_raw raw, uint32_t at, uint32_t count) {
  struct wb_insn insn = {.kind = WB_INSN_INVALID, .k = raw.k};
  for (uint32_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (codes[i].code == raw.code) {
      insn.kind = codes[i].kind;
      insn.uses_x = codes[i].uses_x;
      break;
    }
  bool good = true;
  switch (insn.kind) {
  case WB_INSN_LOAD:
    good = raw.k < DATA_SIZE && raw.k % 4 == 0;
    break;
  case WB_INSN_LOAD_MEM:
  case WB_INSN_LOADX_MEM:
  case WB_INSN_STORE:
  case WB_INSN_STOREX:
    good = raw.k < MEMORY_WORDS;
    break;
  case WB_INSN_DIV:
    good = insn.uses_x || raw.k != 0;
    break;
  case WB_INSN_LSH:
  case WB_INSN_RSH:
    good = insn.uses_x || raw.k < 32;
    break;
  case WB_INSN_JUMP:
    good = raw.k < count - at - 1;
    insn.yes = insn.no = good ? at + 1 + raw.k : 0;
    break;
  case WB_INSN_JEQ:
  case WB_INSN_JGT:
  case WB_INSN_JGE:
  case WB_INSN_JSET:
    insn.yes = at + 1 + raw.jt;
    insn.no = at + 1 + raw.jf;
    good = insn.yes < count && insn.no < count;
    break;
  default:
    break;
  }
  if (!good)
    insn = (struct wb_insn){.kind = WB_INSN_INVALID, .k = raw.k};
  return insn;
}

/* Finds which words of the scratch memory are written on every path to an instruction: reading
 * another one is refused, since it would show old kernel memory. */
static int check_memory(const struct wb_insn_raw *insns, uint32_t count) {
  uint16_t *written = wb_alloc(count * sizeof *written);
  for (uint32_t i = 0; i < count; i++)
    written[i] = i == 0 ? 0 : 0xffff;
  uint16_t now = 0;
  for (uint32_t i = 0; i < count; i++) {
    struct wb_insn insn = wb_decode_one(insns[i], i, count);
    now &= written[i];
    switch (insn.kind) {
    case WB_INSN_STORE:
    case WB_INSN_STOREX:
      now |= (uint16_t)(1u << insn.k);
      break;
    case WB_INSN_LOAD_MEM:
    case WB_INSN_LOADX_MEM:
      if (!(now >> insn.k & 1))
        return (int)i;
      break;
    case WB_INSN_JUMP:
    case WB_INSN_JEQ:
    case WB_INSN_JGT:
    case WB_INSN_JGE:
    case WB_INSN_JSET:
      written[insn.yes] &= now;
      written[insn.no] &= now;
      now = 0xffff;
      break;
    default:
      break;
    }
  }
  return -1;
}

int wb_check_program(const struct wb_insn_raw *insns, uint32_t count) {
  if (count == 0 || count > WB_MAX_INSTRUCTIONS)
    return 0;
  for (uint32_t i = 0; i < count; i++)
    if (wb_decode_one(insns[i], i, count).kind == WB_INSN_INVALID)
      return (int)i;
  uint32_t last = wb_decode_one(insns[count - 1], count - 1, count).kind;
  if (last != WB_INSN_RETURN && last != WB_INSN_RETURN_A)
    return (int)count - 1;
  return check_memory(insns, count);
}

static uint32_t load(const struct wb_data *data, uint32_t offset, bool big_endian) {
  if (offset == 0)
    return data->nr;
  if (offset == 4)
    return data->arch;
  if (offset < 16)
    return 0; /* the instruction pointer: no policy can mean it */
  uint64_t arg = data->args[(offset - 16) / 8];
  bool second = (offset & 4) != 0;
  return (uint32_t)(second != big_endian ? arg >> 32 : arg);
}

int wb_interpret(const struct wb_insn_raw *insns, uint32_t count, bool big_endian,
                 const struct wb_data *data, uint32_t *action, uint32_t *executed, uint32_t *path) {
  uint32_t a = 0, x = 0, memory[MEMORY_WORDS] = {0}, at = 0;
  *executed = 0;
  while (at < count) {
    struct wb_insn insn = wb_decode_one(insns[at], at, count);
    if (path != NULL)
      path[*executed] = at;
    ++*executed;
    uint32_t operand = insn.uses_x ? x : insn.k;
    switch ((enum wb_insn_kind)insn.kind) {
    case WB_INSN_INVALID:
      return (int)at;
    case WB_INSN_LOAD:
      a = load(data, insn.k, big_endian);
      break;
    case WB_INSN_LOAD_IMM:
      a = insn.k;
      break;
    case WB_INSN_LOADX_IMM:
      x = insn.k;
      break;
    case WB_INSN_LOAD_LEN:
      a = DATA_SIZE;
      break;
    case WB_INSN_LOADX_LEN:
      x = DATA_SIZE;
      break;
    case WB_INSN_LOAD_MEM:
      a = memory[insn.k];
      break;
    case WB_INSN_LOADX_MEM:
      x = memory[insn.k];
      break;
    case WB_INSN_STORE:
      memory[insn.k] = a;
      break;
    case WB_INSN_STOREX:
      memory[insn.k] = x;
      break;
    case WB_INSN_TAX:
      x = a;
      break;
    case WB_INSN_TXA:
      a = x;
      break;
    case WB_INSN_ADD:
      a += operand;
      break;
    case WB_INSN_SUB:
      a -= operand;
      break;
    case WB_INSN_MUL:
      a *= operand;
      break;
    case WB_INSN_DIV:
      if (operand == 0) {
        *action = 0; /* the kernel ends the filter with 0 */
        return -1;
      }
      a /= operand;
      break;
    case WB_INSN_AND:
      a &= operand;
      break;
    case WB_INSN_OR:
      a |= operand;
      break;
    case WB_INSN_XOR:
      a ^= operand;
      break;
    case WB_INSN_LSH:
      a <<= operand & 31; /* as eBPF, to which the kernel translates */
      break;
    case WB_INSN_RSH:
      a >>= operand & 31;
      break;
    case WB_INSN_NEG:
      a = 0 - a;
      break;
    case WB_INSN_JUMP:
      at = insn.yes;
      continue;
    case WB_INSN_JEQ:
      at = a == operand ? insn.yes : insn.no;
      continue;
    case WB_INSN_JGT:
      at = a > operand ? insn.yes : insn.no;
      continue;
    case WB_INSN_JGE:
      at = a >= operand ? insn.yes : insn.no;
      continue;
    case WB_INSN_JSET:
      at = (a & operand) != 0 ? insn.yes : insn.no;
      continue;
    case WB_INSN_RETURN:
      *action = insn.k;
      return -1;
    case WB_INSN_RETURN_A:
      *action = a;
      return -1;
    }
    at++;
  }
  return (int)count;
}
