/*
 * Symbolic constants: unpacks their names and values once, then looks them up by set and
 * architecture. Called through tables.h by resolve, disasm and export.
 */
#include "tables.h"

#include "blob.h"
#include "constants.generated.h"

#define PPC_AND_MIPS (1u << WB_ARCH_PPC64LE | 1u << WB_ARCH_MIPS64EL)

struct set {
  uint16_t first; /* place of its first own constant */
  uint16_t count;
  uint8_t also[4]; /* further sets that belong to it */
  uint8_t also_count;
};

struct exception {
  uint16_t constant;
  uint16_t architectures; /* bit n: enum wb_arch n */
  uint8_t present;
  uint64_t value;
};

static int ready;
static char name_arena[WB_CONSTANT_NAMES_SIZE];
static const char *names[WB_CONSTANT_COUNT];
static uint64_t values[WB_CONSTANT_COUNT];
static uint8_t moved[WB_CONSTANT_COUNT]; /* an ioctl number that ppc and mips lay out differently */
static struct set sets[WB_CONSTANT_SET_COUNT];
static struct exception exceptions[WB_CONSTANT_EXCEPTION_COUNT]; /* by constant, ascending */

static void prepare(void) {
  if (ready)
    return;
  ready = 1;
  wb_blob_names(wb_constant_names, name_arena, names, WB_CONSTANT_COUNT);
  const uint8_t *layout = wb_blob_layout;
  const uint8_t *at = wb_blob_values;
  uint16_t place = 0;
  for (int i = 0; i < WB_CONSTANT_SET_COUNT; i++) {
    sets[i].first = place;
    sets[i].count = (uint16_t)wb_blob_unsigned(&layout);
    sets[i].also_count = (uint8_t)wb_blob_unsigned(&layout);
    for (int j = 0; j < sets[i].also_count; j++)
      sets[i].also[j] = (uint8_t)wb_blob_unsigned(&layout);
    uint64_t value = 0;
    for (int j = 0; j < sets[i].count; j++, place++) {
      uint64_t code = (uint64_t)wb_blob_signed(&at);
      value += (uint64_t)((int64_t)code >> 1);
      values[place] = value;
      moved[place] = code & 1;
    }
  }
  at = wb_blob_value_exceptions;
  uint16_t constant = 0;
  for (int i = 0; i < WB_CONSTANT_EXCEPTION_COUNT; i++) {
    constant = (uint16_t)(constant + wb_blob_unsigned(&at));
    exceptions[i].constant = constant;
    exceptions[i].architectures = (uint16_t)wb_blob_unsigned(&at);
    exceptions[i].present = (uint8_t)wb_blob_unsigned(&at);
    exceptions[i].value = exceptions[i].present ? (uint64_t)wb_blob_signed(&at) : 0;
  }
}

/* asm/ioctl.h of ppc and mips: three bits of direction (none 1, read 2, write 4) above 13 of size,
 * where the others have two (none 0, write 1, read 2) above 14. */
static uint64_t other_ioctl_layout(uint64_t value) {
  static const uint8_t direction[4] = {1, 4, 2, 6};
  return (uint64_t)direction[value >> 30 & 3] << 29 | (value & 0x1fffffff);
}

/* Returns 0 and the value, or -1 where the architecture lacks the constant. */
static int value_on(int constant, enum wb_arch arch, uint64_t *value) {
  int low = 0;
  int high = WB_CONSTANT_EXCEPTION_COUNT;
  while (low < high) {
    int middle = (low + high) / 2;
    if (exceptions[middle].constant < constant)
      low = middle + 1;
    else
      high = middle;
  }
  for (; low < WB_CONSTANT_EXCEPTION_COUNT && exceptions[low].constant == constant; low++) {
    if (!(exceptions[low].architectures >> arch & 1))
      continue;
    *value = exceptions[low].value;
    return exceptions[low].present ? 0 : -1;
  }
  *value = values[constant];
  if (moved[constant] && (PPC_AND_MIPS >> arch & 1))
    *value = other_ioctl_layout(*value);
  return 0;
}

static int find_in(int first, int count, enum wb_arch arch, const char *name, size_t len,
                   uint64_t *value) {
  for (int i = first; i < first + count; i++) {
    if (wb_blob_equal(names[i], name, len))
      return value_on(i, arch, value);
  }
  return -1;
}

int wb_constant(enum wb_arch arch, int set, const char *name, size_t len, uint64_t *value) {
  prepare();
  if ((unsigned)arch >= WB_ARCH_COUNT || set < -1 || set >= WB_CONSTANT_SET_COUNT)
    return -1;
  if (set == -1)
    return find_in(0, WB_CONSTANT_COUNT, arch, name, len, value);
  if (find_in(sets[set].first, sets[set].count, arch, name, len, value) == 0)
    return 0;
  for (int i = 0; i < sets[set].also_count; i++) {
    const struct set *other = &sets[sets[set].also[i]];
    if (find_in(other->first, other->count, arch, name, len, value) == 0)
      return 0;
  }
  return -1;
}

const char *wb_constant_by_value(enum wb_arch arch, int set, uint64_t value) {
  prepare();
  if ((unsigned)arch >= WB_ARCH_COUNT || set < 0 || set >= WB_CONSTANT_SET_COUNT)
    return NULL;
  for (int i = 0; i < sets[set].count; i++) {
    uint64_t own;
    if (value_on(sets[set].first + i, arch, &own) == 0 && own == value)
      return names[sets[set].first + i];
  }
  return NULL;
}

const char *wb_constant_name(int set, int index) {
  prepare();
  if (set < 0 || set >= WB_CONSTANT_SET_COUNT || index < 0)
    return NULL;
  if (index < sets[set].count)
    return names[sets[set].first + index];
  index -= sets[set].count;
  for (int i = 0; i < sets[set].also_count; i++) {
    const struct set *other = &sets[sets[set].also[i]];
    if (index < other->count)
      return names[other->first + index];
    index -= other->count;
  }
  return NULL;
}

const char *wb_constant_set_name(int set) {
  if (set < 0 || set >= WB_CONSTANT_SET_COUNT)
    return NULL;
  const char *at = wb_constant_set_names;
  while (set-- > 0)
    at += strlen(at) + 1;
  return at;
}

int wb_constant_set(const char *name, size_t len) {
  for (int set = 0; set < WB_CONSTANT_SET_COUNT; set++) {
    if (wb_blob_equal(wb_constant_set_name(set), name, len))
      return set;
  }
  return -1;
}
