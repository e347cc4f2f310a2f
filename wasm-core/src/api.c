/*
 * The functions of wasbox_core.h, which only convert arguments and results. Called by
 * src/core/marshal.ts.
 */
#include "core.h"

#ifdef __wasm__

#include <string.h>

uint32_t wb_abi_version(void) {
  return WB_ABI_VERSION;
}
void wb_reset(void) {
  wb_arena_reset();
}
void *wb_buffer(uint32_t size) {
  return wb_alloc(size);
}

struct wb_text wb_text_at(uint32_t address, uint32_t size) {
  return (struct wb_text){(const char *)(uintptr_t)address, size};
}

static struct wb_name *name_of(const char *name) {
  if (name == NULL)
    return NULL;
  struct wb_name *out = wb_alloc(sizeof *out);
  const uint32_t size = (uint32_t)strlen(name);
  *out = (struct wb_name){wb_ref(name), size};
  return out;
}

/* --- programs as bytes ---------------------------------------------------------------------------
 */

static void put(uint8_t *at, uint32_t value, uint32_t size, bool big_endian) {
  for (uint32_t i = 0; i < size; i++)
    at[i] = (uint8_t)(value >> 8 * (big_endian ? size - 1 - i : i));
}

static uint32_t get(const uint8_t *at, uint32_t size, bool big_endian) {
  uint32_t value = 0;
  for (uint32_t i = 0; i < size; i++)
    value |= (uint32_t)at[i] << 8 * (big_endian ? size - 1 - i : i);
  return value;
}

static uint8_t *to_bytes(const struct wb_program *program, bool big_endian) {
  uint8_t *bytes = wb_alloc(program->count * 8);
  for (uint32_t i = 0; i < program->count; i++) {
    const struct wb_insn_raw *insn = &program->insns[i];
    put(bytes + 8 * i, insn->code, 2, big_endian);
    bytes[8 * i + 2] = insn->jt;
    bytes[8 * i + 3] = insn->jf;
    put(bytes + 8 * i + 4, insn->k, 4, big_endian);
  }
  return bytes;
}

static struct wb_insn_raw *from_bytes(const uint8_t *bytes, uint32_t count, bool big_endian) {
  struct wb_insn_raw *insns = wb_alloc((size_t)count * sizeof *insns);
  for (uint32_t i = 0; i < count; i++)
    insns[i] = (struct wb_insn_raw){(uint16_t)get(bytes + 8 * i, 2, big_endian), bytes[8 * i + 2],
                                    bytes[8 * i + 3], get(bytes + 8 * i + 4, 4, big_endian)};
  return insns;
}

/* --- results
 * --------------------------------------------------------------------------------------- */

static uint32_t diagnostics_of(const struct wb_context *cx) {
  struct wb_diagnostic *out = wb_alloc((cx->diag_count + 1) * sizeof *out);
  for (uint32_t i = 0; i < cx->diag_count; i++) {
    const struct wb_diag *d = &cx->diags[i];
    out[i] = (struct wb_diagnostic){
        .code = d->code,
        .file = d->place.file,
        .start = d->place.start,
        .end = d->place.end,
        .has_related = d->has_related,
        .related_file = d->related.file,
        .related_start = d->related.start,
        .related_end = d->related.end,
        .number = d->number,
        .detail = wb_ref(d->detail.at),
        .detail_size = d->detail.size,
        .suggestion = wb_ref(d->suggestion.at),
        .suggestion_size = d->suggestion.size,
    };
  }
  return wb_ref(out);
}

static uint32_t files_of(const struct wb_context *cx) {
  struct wb_file *out = wb_alloc((cx->file_count + 1) * sizeof *out);
  for (uint32_t i = 0; i < cx->file_count; i++) {
    const struct wb_source *s = &cx->files[i];
    out[i] = (struct wb_file){wb_ref(s->name.at), s->name.size, wb_ref(s->text.at), s->text.size};
  }
  return wb_ref(out);
}

static uint32_t rules_of(const struct wb_policy *policy) {
  struct wb_rule_info *out = wb_alloc((policy->rule_count + 1) * sizeof *out);
  for (uint32_t i = 0; i < policy->rule_count; i++) {
    const struct wb_rule *rule = &policy->rules[i];
    out[i] =
        (struct wb_rule_info){rule->place.file, rule->place.start, rule->place.end, rule->action};
  }
  return wb_ref(out);
}

static struct wb_result *compile(const struct wb_request *request, struct wb_compiled **out) {
  struct wb_options options = {.name = wb_text_at(request->name, request->name_size),
                               .text = wb_text_at(request->text, request->text_size),
                               .weights = wb_text_at(request->weights, request->weights_size),
                               .targets = request->targets,
                               .kernel = request->kernel};
  struct wb_compiled *c = wb_compile_policy(&options);
  struct wb_result *result = wb_alloc(sizeof *result);
  *out = c;
  result->diagnostics = diagnostics_of(&c->cx);
  result->diagnostic_count = c->cx.diag_count;
  result->files = files_of(&c->cx);
  result->file_count = c->cx.file_count;
  if (c->policy == NULL)
    return result;
  const struct wb_policy *policy = c->policy;
  struct wb_width_in_force *widths = wb_alloc((c->cx.width_count + 1) * sizeof *widths);
  for (uint32_t i = 0; i < c->cx.width_count; i++) {
    const struct wb_width_use *use = &c->cx.widths[i];
    uint32_t number = (uint32_t)wb_syscall_number(use->id, use->arch);
    widths[i] = (struct wb_width_in_force){use->arch, number, use->arg, use->readings & 1,
                                           use->readings >> 1};
  }
  result->widths = wb_ref(widths);
  result->width_count = c->cx.width_count;
  result->rules = rules_of(policy);
  result->rule_count = policy->rule_count;
  result->big_endian = policy->big_endian;
  result->kernel = policy->kernel;
  result->default_action = policy->targets[0].default_action;
  result->unknown_action = policy->targets[0].unknown_action;
  result->foreign_action = policy->foreign_action;
  for (uint32_t i = 0; i < policy->target_count; i++)
    result->targets |= (uint32_t)1 << policy->targets[i].arch;
  result->witness[0] = c->witness.arch;
  result->witness[1] = c->witness.nr;
  for (uint32_t i = 0; i < 6; i++) {
    result->witness[2 + 2 * i] = (uint32_t)c->witness.args[i];
    result->witness[3 + 2 * i] = (uint32_t)(c->witness.args[i] >> 32);
  }
  result->witness[14] = c->witness.got;
  result->witness[15] = c->witness.wanted;
  if (c->program == NULL)
    return result;
  result->ok = 1;
  result->program = wb_ref(to_bytes(c->program, policy->big_endian));
  result->program_count = c->program->count;
  result->origins = wb_ref(c->program->origins);
  result->mean_milli = c->figures.mean_milli;
  result->weighted_milli = c->figures.weighted_milli;
  result->filtered_milli = c->figures.filtered_milli;
  result->worst = c->figures.worst;
  result->cacheable = c->figures.cacheable;
  result->known = c->figures.known;
  return result;
}

struct wb_result *wb_compile(const struct wb_request *request) {
  struct wb_compiled *compiled;
  return compile(request, &compiled);
}

static struct wb_data data_of(const struct wb_event *event) {
  struct wb_data data = {.nr = event->nr, .arch = event->arch};
  for (uint32_t i = 0; i < 6; i++)
    data.args[i] = event->args[2 * i] | (uint64_t)event->args[2 * i + 1] << 32;
  return data;
}

struct wb_result *wb_explain(const struct wb_request *request) {
  struct wb_compiled *c;
  struct wb_result *result = compile(request, &c);
  if (c->program == NULL)
    return result;
  const struct wb_event *events = (const void *)(uintptr_t)request->events;
  struct wb_decision *out = wb_alloc((request->event_count + 1) * sizeof *out);
  uint32_t *path = wb_alloc(c->program->count * sizeof *path);
  for (uint32_t i = 0; i < request->event_count; i++) {
    struct wb_data data = data_of(&events[i]);
    wb_interpret(c->program->insns, c->program->count, c->policy->big_endian, &data, &out[i].action,
                 &out[i].executed, path);
    uint32_t *kept = wb_alloc(out[i].executed * sizeof *kept);
    memcpy(kept, path, out[i].executed * sizeof *kept);
    out[i].path = wb_ref(kept);
    wb_evaluate(c->policy, &data, &out[i].rule);
  }
  result->decisions = wb_ref(out);
  result->decision_count = request->event_count;
  return result;
}

struct wb_comparison *wb_compare(const struct wb_request *first, const struct wb_request *second) {
  struct wb_compiled *a, *b;
  struct wb_comparison *out = wb_alloc(sizeof *out);
  out->first = wb_ref(compile(first, &a));
  out->second = wb_ref(compile(second, &b));
  if (a->program == NULL || b->program == NULL)
    return out;
  uint32_t count;
  struct wb_difference_found *found = wb_find_differences(b->policy, a->program, &count);
  if (found == NULL) {
    struct wb_place nowhere = {0, 0, 0};
    wb_report(&b->cx, WB_E_COMPLEX, nowhere);
    struct wb_result *result = wb_alloc(sizeof *result);
    result->diagnostics = diagnostics_of(&b->cx);
    result->diagnostic_count = b->cx.diag_count;
    result->files = files_of(&b->cx);
    result->file_count = b->cx.file_count;
    out->second = wb_ref(result);
    return out;
  }
  struct wb_difference *list = wb_alloc((count + 1) * sizeof *list);
  for (uint32_t i = 0; i < count; i++) {
    const struct wb_recorded_read *w = &found[i].witness;
    list[i] = (struct wb_difference){.arch = w->arch,
                                     .nr_low = w->nr,
                                     .nr_high = found[i].high,
                                     .first = w->got,
                                     .second = w->wanted,
                                     .by_arguments = found[i].by_arguments};
    for (uint32_t a6 = 0; a6 < 6; a6++) {
      list[i].args[2 * a6] = (uint32_t)w->args[a6];
      list[i].args[2 * a6 + 1] = (uint32_t)(w->args[a6] >> 32);
    }
  }
  out->differences = wb_ref(list);
  out->difference_count = count;
  return out;
}

struct wb_run *wb_simulate(const uint8_t *program, uint32_t size, uint32_t big_endian,
                           const struct wb_event *event) {
  struct wb_run *run = wb_alloc(sizeof *run);
  uint32_t count = size / 8;
  run->status = WB_RUN_INVALID;
  if (size % 8 != 0 || count > WB_MAX_INSTRUCTIONS)
    return run;
  struct wb_insn_raw *insns = from_bytes(program, count, big_endian != 0);
  int bad = wb_check_program(insns, count);
  if (bad >= 0) {
    run->bad_instruction = (uint32_t)bad;
    return run;
  }
  struct wb_data data = data_of(event);
  uint32_t *path = wb_alloc(count * sizeof *path);
  wb_interpret(insns, count, big_endian != 0, &data, &run->action, &run->executed, path);
  run->status = WB_RUN_RETURNED;
  run->path = wb_ref(path);
  return run;
}

struct wb_listing *wb_decode(const uint8_t *program, uint32_t size, uint32_t big_endian) {
  struct wb_listing *listing = wb_alloc(sizeof *listing);
  uint32_t count = size / 8;
  if (count > WB_MAX_INSTRUCTIONS)
    count = WB_MAX_INSTRUCTIONS;
  struct wb_insn_raw *insns = from_bytes(program, count, big_endian != 0);
  struct wb_insn *out = wb_alloc((count + 1) * sizeof *out);
  for (uint32_t i = 0; i < count; i++)
    out[i] = wb_decode_one(insns[i], i, count);
  for (uint32_t i = 0; i < count; i++)
    if (out[i].yes != 0)
      out[out[i].yes].labelled = out[out[i].no].labelled = 1;
  int bad =
      size % 8 != 0 || size / 8 > WB_MAX_INSTRUCTIONS ? (int)count : wb_check_program(insns, count);
  listing->valid = bad < 0;
  listing->bad_instruction = bad < 0 ? 0 : (uint32_t)bad;
  listing->insns = wb_ref(out);
  listing->insn_count = count;
  return listing;
}

/* --- tables
 * ------------------------------------------------------------------------------------------- */

struct wb_arch_entry *wb_arch_entry(uint32_t arch) {
  if (arch >= WB_ARCH_COUNT)
    return NULL;
  const struct wb_arch_info *info = wb_arch_info((enum wb_arch)arch);
  struct wb_arch_entry *out = wb_alloc(sizeof *out);
  const uint32_t size = (uint32_t)strlen(info->name);
  *out = (struct wb_arch_entry){wb_ref(info->name), size,       info->audit,
                                info->nr_base,      info->bits, info->big_endian};
  return out;
}

struct wb_name *wb_name_of_call(uint32_t arch, uint32_t number) {
  int id = arch < WB_ARCH_COUNT ? wb_syscall_by_number((enum wb_arch)arch, number) : -1;
  return id < 0 ? NULL : name_of(wb_syscall_name(id));
}

int32_t wb_number_of_call(uint32_t arch, const char *name, uint32_t size) {
  int id = arch < WB_ARCH_COUNT ? wb_syscall_by_name(name, size) : -1;
  return id < 0 ? -1 : wb_syscall_number(id, (enum wb_arch)arch);
}

uint32_t wb_number_limit(uint32_t arch) {
  return arch < WB_ARCH_COUNT ? wb_syscall_limit((enum wb_arch)arch) : 0;
}

struct wb_name *wb_tables(void) {
  return name_of(wb_tables_version());
}

struct wb_argument *wb_argument_of_call(uint32_t arch, uint32_t number, uint32_t index) {
  int id = arch < WB_ARCH_COUNT ? wb_syscall_by_number((enum wb_arch)arch, number) : -1;
  struct wb_arg args[6];
  if (id < 0 || index >= (uint32_t)wb_syscall_args(id, (enum wb_arch)arch, args))
    return NULL;
  const struct wb_arg *arg = &args[index];
  struct wb_argument *out = wb_alloc(sizeof *out);
  const uint32_t size = (uint32_t)strlen(arg->name);
  *out = (struct wb_argument){.name = wb_ref(arg->name),
                              .name_size = size,
                              .type = arg->type,
                              .bits = (uint32_t)arg->bits,
                              .constants = (uint32_t)(arg->constants + 1)};
  const struct wb_width *width = wb_narrow_width(id, (enum wb_arch)arch, (int)index, 1);
  if (width != NULL && arg->bits > width->bits) {
    out->selector = (uint32_t)width->selector + 1, out->command_bits = width->bits;
    out->command_count = width->count;
    out->commands = wb_ref(width->commands);
  }
  if (arg->alias != NULL) {
    out->alias_size = (uint32_t)strlen(arg->alias);
    out->alias = wb_ref(arg->alias);
  }
  return out;
}

struct wb_name *wb_name_of_set(uint32_t set) {
  return name_of(wb_constant_set_name((int)set));
}

struct wb_name *wb_name_of_constant(uint32_t set, uint32_t index) {
  return name_of(wb_constant_name((int)set, (int)index));
}

_Static_assert((int)WB_ARGUMENT_POINTER == (int)WB_ARG_POINTER, "the types differ");

uint32_t *wb_value_of_constant(uint32_t arch, const char *name, uint32_t size) {
  uint64_t value;
  if (arch >= WB_ARCH_COUNT || wb_constant((enum wb_arch)arch, -1, name, size, &value) != 0)
    return NULL;
  uint32_t *out = wb_alloc(2 * sizeof *out);
  out[0] = (uint32_t)value, out[1] = (uint32_t)(value >> 32);
  return out;
}

struct wb_name *wb_name_of_group(uint32_t group) {
  return group < (uint32_t)wb_group_count() ? name_of(wb_group_name((int)group)) : NULL;
}

struct wb_name *wb_name_of_member(uint32_t group, uint32_t index) {
  enum { MOST = 1024 };
  int members[MOST];
  if (group >= (uint32_t)wb_group_count())
    return NULL;
  int count = wb_group_members((int)group, members, MOST);
  if (index >= MOST || (int)index >= count)
    return NULL;
  return name_of(wb_syscall_name(members[index]));
}

#endif
