/*
 * Names of architectures in other tools' files. Used by the importers and exporters.
 */
#ifndef WASBOX_CORE_IMPORT_ARCH_H
#define WASBOX_CORE_IMPORT_ARCH_H

#include "convert.h"

/* Says what `archMap` and `architectures` of a profile say. */
struct wb_arch_map {
  uint32_t subarches[WB_ARCH_COUNT]; /* bits 1 << enum wb_arch */
  uint32_t preferred;                /* targets where the caller names none */
};

/* -1 where the tables have no such architecture. */
int wb_arch_by_go_name(struct wb_text name);   /* amd64 */
int wb_arch_by_scmp_name(struct wb_text name); /* SCMP_ARCH_X86_64 */
const char *wb_arch_scmp_name(enum wb_arch arch);

void wb_arch_map_read(struct wb_conversion *c, const struct wb_json *root, struct wb_arch_map *map);
/* The architecture's bit and those of its subarchitectures; 0 for -1. */
uint32_t wb_arch_with_subarches(const struct wb_arch_map *map, int arch);

#endif
