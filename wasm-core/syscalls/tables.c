/*
 * Names, numbers and arguments of the system calls: unpacks the generated streams once, then
 * answers from plain arrays. Called through tables.h by every stage of the core.
 */
#include "tables.h"

#include <stdbool.h>

#include "blob.h"
#include "syscalls.generated.h"

#define ABSENT 0xffffffffu
#define HASH_SIZE 1024u /* a power of two, at least twice WB_CALL_COUNT */

static const struct wb_arch_info architectures[WB_ARCH_COUNT] = {
    [WB_ARCH_X86_64] = {"x86_64", 0xc000003e, 0, 64, 0},
    [WB_ARCH_I386] = {"i386", 0x40000003, 0, 32, 0},
    [WB_ARCH_X32] = {"x32", 0xc000003e, 0x40000000, 32, 0},
    [WB_ARCH_AARCH64] = {"aarch64", 0xc00000b7, 0, 64, 0},
    [WB_ARCH_ARM] = {"arm", 0x40000028, 0, 32, 0},
    [WB_ARCH_RISCV64] = {"riscv64", 0xc00000f3, 0, 64, 0},
    [WB_ARCH_PPC64LE] = {"ppc64le", 0xc0000015, 0, 64, 0},
    [WB_ARCH_S390X] = {"s390x", 0x80000016, 0, 64, 1},
    [WB_ARCH_MIPS64EL] = {"mips64el", 0xc0000008, 0, 64, 0},
    [WB_ARCH_LOONGARCH64] = {"loongarch64", 0xc0000102, 0, 64, 0},
};

struct atom {
  uint16_t name;
  uint16_t alias;
  uint8_t type;
  uint8_t is_short;
  int16_t constants;
};

struct exception {
  uint16_t call;
  uint16_t architectures; /* bit n: enum wb_arch n */
  uint16_t prototype;
};

static int ready;
static char call_arena[WB_CALL_NAMES_SIZE];
static const char *call_names[WB_CALL_COUNT];
static const char *words[WB_WORD_COUNT];
static uint32_t numbers[WB_ARCH_COUNT][WB_CALL_COUNT];
static uint32_t limits[WB_ARCH_COUNT];
static uint16_t number_hash[WB_ARCH_COUNT][HASH_SIZE]; /* call + 1 */
static struct atom atoms[WB_ATOM_COUNT];
static const uint8_t *prototypes[WB_PROTOTYPE_COUNT];
static uint16_t common_prototype[WB_CALL_COUNT];
static struct exception exceptions[WB_EXCEPTION_COUNT];

static uint32_t hash_of(uint32_t number) {
  return (number * 0x9e3779b1u) >> 22;
}

static void split_names(const char *at, const char **out, int count) {
  for (int i = 0; i < count; i++) {
    out[i] = at;
    at += strlen(at) + 1;
  }
}

/* The generator guesses each number from an architecture that resembles this one, else from the
 * call before; the stream holds 0 for an absent call, else the zigzag difference plus one. */
static void unpack_numbers(void) {
  const uint8_t *at = wb_blob_numbers;
  for (int arch = 0; arch < WB_ARCH_COUNT; arch++) {
    uint32_t offset = arch == WB_ARCH_MIPS64EL ? 5000 : 0;
    uint32_t last = offset - 1;
    limits[arch] = (uint32_t)wb_blob_unsigned(&at);
    for (int id = 0; id < WB_CALL_COUNT; id++) {
      uint32_t guess = last + 1;
      for (int i = 1; i >= 0; i--) {
        int similar = wb_blob_similar[arch * 2 + i] - 1;
        if (similar >= 0 && numbers[similar][id] != ABSENT)
          guess = numbers[similar][id] + offset;
      }
      uint32_t code = (uint32_t)wb_blob_unsigned(&at);
      numbers[arch][id] = ABSENT;
      if (code == 0)
        continue;
      code--;
      last = guess + ((code & 1) ? ~(code >> 1) : code >> 1);
      numbers[arch][id] = last;
      uint32_t slot = hash_of(last);
      while (number_hash[arch][slot] != 0)
        slot = (slot + 1) % HASH_SIZE;
      number_hash[arch][slot] = (uint16_t)(id + 1);
    }
  }
}

static void unpack_prototypes(void) {
  const uint8_t *at = wb_blob_atoms;
  for (int i = 0; i < WB_ATOM_COUNT; i++) {
    atoms[i].name = (uint16_t)wb_blob_unsigned(&at);
    atoms[i].alias = (uint16_t)wb_blob_unsigned(&at);
    uint8_t type = (uint8_t)wb_blob_unsigned(&at);
    atoms[i].type = type & 7;
    atoms[i].is_short = type >> 3;
    atoms[i].constants = (int16_t)((int)wb_blob_unsigned(&at) - 1);
  }
  at = wb_blob_prototypes;
  for (int i = 0; i < WB_PROTOTYPE_COUNT; i++) {
    prototypes[i] = at;
    for (uint64_t left = wb_blob_unsigned(&at); left > 0; left--)
      wb_blob_unsigned(&at);
  }
  at = wb_blob_calls;
  for (int id = 0; id < WB_CALL_COUNT; id++)
    common_prototype[id] = (uint16_t)wb_blob_unsigned(&at);
  at = wb_blob_exceptions;
  for (int i = 0; i < WB_EXCEPTION_COUNT; i++) {
    exceptions[i].call = (uint16_t)wb_blob_unsigned(&at);
    exceptions[i].architectures = (uint16_t)wb_blob_unsigned(&at);
    exceptions[i].prototype = (uint16_t)wb_blob_unsigned(&at);
  }
}

static void prepare(void) {
  if (ready)
    return;
  ready = 1;
  wb_blob_names(wb_call_names, call_arena, call_names, WB_CALL_COUNT);
  split_names(wb_argument_words, words, WB_WORD_COUNT);
  unpack_numbers();
  unpack_prototypes();
}

static int is_call(int id) {
  return id >= 0 && id < WB_CALL_COUNT;
}
static int is_arch(enum wb_arch arch) {
  return (unsigned)arch < WB_ARCH_COUNT;
}

const struct wb_arch_info *wb_arch_info(enum wb_arch arch) {
  return is_arch(arch) ? &architectures[arch] : NULL;
}

int wb_arch_by_name(const char *name, size_t len) {
  for (int arch = 0; arch < WB_ARCH_COUNT; arch++) {
    if (wb_blob_equal(architectures[arch].name, name, len))
      return arch;
  }
  return -1;
}

int wb_syscall_by_name(const char *name, size_t len) {
  prepare();
  int low = 0;
  int high = WB_CALL_COUNT - 1;
  while (low <= high) {
    int middle = (low + high) / 2;
    const char *other = call_names[middle];
    size_t other_len = strlen(other);
    int order = memcmp(other, name, other_len < len ? other_len : len);
    if (order == 0)
      order = (other_len > len) - (other_len < len);
    if (order == 0)
      return middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle - 1;
  }
  return -1;
}

int wb_syscall_count(void) {
  return WB_CALL_COUNT;
}

const char *wb_syscall_name(int id) {
  prepare();
  return is_call(id) ? call_names[id] : NULL;
}

int wb_syscall_number(int id, enum wb_arch arch) {
  prepare();
  if (!is_call(id) || !is_arch(arch) || numbers[arch][id] == ABSENT)
    return -1;
  return (int)numbers[arch][id];
}

int wb_syscall_by_number(enum wb_arch arch, uint32_t number) {
  prepare();
  if (!is_arch(arch) || number == ABSENT)
    return -1;
  for (uint32_t slot = hash_of(number);; slot = (slot + 1) % HASH_SIZE) {
    int id = number_hash[arch][slot] - 1;
    if (id < 0 || numbers[arch][id] == number)
      return id;
  }
}

uint32_t wb_syscall_limit(enum wb_arch arch) {
  prepare();
  return is_arch(arch) ? limits[arch] : 0;
}

int wb_syscall_since(int id) {
  const uint8_t *at = wb_blob_since;
  int call = 0;
  for (int i = 0; i < WB_SINCE_COUNT; i++) {
    call += (int)wb_blob_unsigned(&at);
    int version = (int)wb_blob_unsigned(&at);
    if (call == id)
      return version;
  }
  return 0;
}

static const uint8_t *prototype_of(int id, enum wb_arch arch) {
  for (int i = 0; i < WB_EXCEPTION_COUNT; i++) {
    if (exceptions[i].call == id && (exceptions[i].architectures >> arch & 1))
      return prototypes[exceptions[i].prototype];
  }
  return prototypes[common_prototype[id]];
}

static int bits_of(const struct atom *atom, enum wb_arg_class type, enum wb_arch arch) {
  if (atom->is_short)
    return 16;
  switch (type) {
  case WB_ARG_INT:
  case WB_ARG_UINT:
    return 32;
  case WB_ARG_S64:
  case WB_ARG_U64:
    return 64;
  default:
    /* x32: the pointers of a native entry are read whole. */
    return arch == WB_ARCH_X32 ? 64 : architectures[arch].bits;
  }
}

int wb_syscall_args(int id, enum wb_arch arch, struct wb_arg out[6]) {
  prepare();
  if (!is_call(id) || !is_arch(arch) || numbers[arch][id] == ABSENT)
    return 0;
  const uint8_t *at = prototype_of(id, arch);
  int count = (int)wb_blob_unsigned(&at);
  for (int i = 0; i < count; i++) {
    const struct atom *atom = &atoms[wb_blob_unsigned(&at)];
    enum wb_arg_class type = atom->type;
    if (arch == WB_ARCH_X32 && type == WB_ARG_LONG)
      type = WB_ARG_S64;
    if (arch == WB_ARCH_X32 && type == WB_ARG_ULONG)
      type = WB_ARG_U64;
    out[i] = (struct wb_arg){
        .name = words[atom->name],
        .type = type,
        .constants = atom->constants,
        .alias = atom->alias == 0 ? NULL : words[atom->alias],
        .bits = bits_of(atom, type, arch),
    };
    const struct wb_width *width = wb_narrow_width(id, arch, i, 0);
    if (width == NULL || type == WB_ARG_POINTER || out[i].bits <= width->bits)
      continue;
    bool is_signed = type == WB_ARG_INT || type == WB_ARG_LONG || type == WB_ARG_S64;
    out[i].type = is_signed ? WB_ARG_INT : WB_ARG_UINT;
    out[i].bits = width->bits;
  }
  return count;
}

int wb_arg_by_name(int id, enum wb_arch arch, const char *name, size_t len) {
  struct wb_arg args[6];
  int count = wb_syscall_args(id, arch, args);
  for (int i = 0; i < count; i++) {
    if (wb_blob_equal(args[i].name, name, len))
      return i;
  }
  for (int i = 0; i < count; i++) {
    if (args[i].alias != NULL && wb_blob_equal(args[i].alias, name, len))
      return i;
  }
  return -1;
}

const char *wb_tables_version(void) {
  return WB_TABLES_VERSION;
}
