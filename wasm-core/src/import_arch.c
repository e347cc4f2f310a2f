/*
 * Names of architectures in other tools' files. Called by the importers and exporters.
 */
#include "import_arch.h"

#include <string.h>

static const struct {
  const char *go, *scmp;
} names[WB_ARCH_COUNT] = {
    [WB_ARCH_X86_64] = {"amd64", "SCMP_ARCH_X86_64"},
    [WB_ARCH_I386] = {"x86", "SCMP_ARCH_X86"},
    [WB_ARCH_X32] = {"x32", "SCMP_ARCH_X32"},
    [WB_ARCH_AARCH64] = {"arm64", "SCMP_ARCH_AARCH64"},
    [WB_ARCH_ARM] = {"arm", "SCMP_ARCH_ARM"},
    [WB_ARCH_RISCV64] = {"riscv64", "SCMP_ARCH_RISCV64"},
    [WB_ARCH_PPC64LE] = {"ppc64le", "SCMP_ARCH_PPC64LE"},
    [WB_ARCH_S390X] = {"s390x", "SCMP_ARCH_S390X"},
    [WB_ARCH_MIPS64EL] = {"mips64le", "SCMP_ARCH_MIPSEL64"},
    [WB_ARCH_LOONGARCH64] = {"loong64", "SCMP_ARCH_LOONGARCH64"},
};

int wb_arch_by_go_name(struct wb_text name) {
  for (int arch = 0; arch < WB_ARCH_COUNT; arch++)
    if (wb_text_is(name, names[arch].go))
      return arch;
  if (wb_text_is(name, "386"))
    return WB_ARCH_I386;
  return wb_text_is(name, "mipsel64") ? WB_ARCH_MIPS64EL : -1;
}

int wb_arch_by_scmp_name(struct wb_text name) {
  for (int arch = 0; arch < WB_ARCH_COUNT; arch++)
    if (wb_text_is(name, names[arch].scmp))
      return arch;
  return -1;
}

const char *wb_arch_scmp_name(enum wb_arch arch) {
  return names[arch].scmp;
}

uint32_t wb_arch_with_subarches(const struct wb_arch_map *map, int arch) {
  return arch < 0 ? 0 : (uint32_t)1 << arch | map->subarches[arch];
}

/* The architectures that a list names; warns about unknown ones that would be targets. */
static uint32_t listed(struct wb_conversion *c, const struct wb_json *list, bool targets) {
  uint32_t bits = 0;
  if (list == NULL)
    return 0;
  if (list->kind != WB_JSON_ARRAY) {
    wb_note(c, WB_NOTE_SHAPE, list->start, list->end)->detail =
        (struct wb_text){"architectures", 13};
    return 0;
  }
  for (const struct wb_json *name = list->first; name != NULL; name = name->next) {
    int arch = name->kind == WB_JSON_STRING ? wb_arch_by_scmp_name(name->text) : -1;
    if (arch >= 0)
      bits |= (uint32_t)1 << arch;
    else if (targets)
      wb_note(c, WB_NOTE_UNKNOWN_ARCH, name->start, name->end)->detail = name->text;
  }
  return bits;
}

void wb_arch_map_read(struct wb_conversion *c, const struct wb_json *root,
                      struct wb_arch_map *map) {
  const struct wb_json *list = wb_json_member(root, "archMap");
  memset(map, 0, sizeof *map);
  if (list != NULL && list->kind != WB_JSON_ARRAY)
    wb_note(c, WB_NOTE_SHAPE, list->start, list->end)->detail = (struct wb_text){"archMap", 7};
  else
    for (const struct wb_json *m = list != NULL ? list->first : NULL; m != NULL; m = m->next) {
      const struct wb_json *name = wb_json_member(m, "architecture");
      int arch =
          name != NULL && name->kind == WB_JSON_STRING ? wb_arch_by_scmp_name(name->text) : -1;
      if (arch >= 0)
        map->subarches[arch] |= listed(c, wb_json_member(m, "subArchitectures"), false);
    }
  map->preferred = listed(c, wb_json_member(root, "architectures"), true);
  /* One filter has one byte order. */
  uint32_t big = (uint32_t)1 << WB_ARCH_S390X;
  if (map->preferred != big)
    map->preferred &= ~big;
  if (map->preferred == 0)
    map->preferred = wb_arch_with_subarches(map, WB_ARCH_X86_64);
}
