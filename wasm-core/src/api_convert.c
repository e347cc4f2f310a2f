/*
 * The importing and exporting functions of wasbox_core.h, which only convert arguments and results.
 * Called by src/core/marshal.ts.
 */
#include "convert.h"

#ifdef __wasm__

static struct wb_converted *result_of(const struct wb_conversion *c) {
  struct wb_converted *out = wb_alloc(sizeof *out);
  struct wb_conversion_note *notes = wb_alloc((c->note_count + 1) * sizeof *notes);
  for (uint32_t i = 0; i < c->note_count; i++) {
    const struct wb_note *n = &c->notes[i];
    notes[i] = (struct wb_conversion_note){.kind = n->kind,
                                           .start = n->start,
                                           .end = n->end,
                                           .detail = wb_ref(n->detail.at),
                                           .detail_size = n->detail.size,
                                           .has_other = n->has_other,
                                           .other_start = n->other_start,
                                           .other_end = n->other_end};
  }
  *out = (struct wb_converted){.ok = c->ok, .notes = wb_ref(notes), .note_count = c->note_count};
  if (c->ok) {
    out->text = wb_ref(c->out.at);
    out->text_size = c->out.size;
  }
  return out;
}

struct wb_converted *wb_import(const struct wb_import_request *request) {
  struct wb_conversion c = {0};
  struct wb_import_options options = {
      .text = wb_text_at(request->text, request->text_size),
      .targets = request->targets,
      .capabilities = request->caps[0] | (uint64_t)request->caps[1] << 32,
  };
  wb_import_oci(&c, &options); /* the only format */
  return result_of(&c);
}

struct wb_converted *wb_export(const struct wb_request *request, uint32_t format) {
  (void)format; /* OCI is the only one */
  struct wb_conversion c = {0};
  struct wb_context cx = {0};
  struct wb_options options = {.name = wb_text_at(request->name, request->name_size),
                               .text = wb_text_at(request->text, request->text_size),
                               .targets = request->targets,
                               .kernel = request->kernel};
  const struct wb_policy *policy = wb_resolve(&cx, &options);
  if (policy != NULL)
    wb_export_oci(&c, policy);
  return result_of(&c);
}

#endif
