/*
 * Fuzzing of the importer. The first byte chooses targets and capabilities. What the
 * importer accepts must also be accepted by the parser, as far as statements go: no input may
 * produce text that is malformed. Where it compiles, the proof must hold.
 */
#include <stdlib.h>
#include "../../wasm-core/src/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A profile may be too large; everything else is the importer's fault. */
static int may_be_the_inputs(enum wb_code code) {
  return code >= WB_W_SHADOWED || code == WB_E_TOO_LARGE || code == WB_E_COMPLEX ||
         code == WB_E_PROGRAM_SIZE || code == WB_E_RULE_COST;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > 65536)
    return 0;
  struct wb_conversion c = {0};
  struct wb_import_options options = {.text = {(const char *)data + 1, (uint32_t)size - 1},
                                      .targets = (uint32_t)1 << (data[0] >> 1) % WB_ARCH_COUNT,
                                      .capabilities = data[0] & 0x80 ? UINT64_MAX : 0};
  wb_import_oci(&c, &options);
  if (c.ok) {
    struct wb_options policy = {.name = {"imported", 8}, .text = {c.out.at, c.out.size}};
    struct wb_context resolved = {0};
    const struct wb_context *cx = &resolved;
    if (size % 8 == 0) /* the whole compiler is a hundred times slower */
      cx = &wb_compile_policy(&policy)->cx;
    else
      wb_resolve(&resolved, &policy);
    for (uint32_t i = 0; i < cx->diag_count; i++)
      if (!may_be_the_inputs(cx->diags[i].code))
        abort();
  }
  wb_arena_reset();
  return 0;
}
