/*
 * OCI seccomp profiles (Docker, Podman, Kubernetes, runc) to text in wasbox's language. Called by
 * api_convert.c.
 *
 * A profile is read as runc and libseccomp read it:
 * - an entry whose action is the default one is left out;
 * - the first entry without conditions on a call decides it, wherever it stands;
 * - two entries with conditions and different actions must not match the same call: which of them
 *   libseccomp obeys depends on operators and values, so the profile is refused (overlap.c);
 * - conditions of one entry must all hold, but where two are on the same argument, any one does.
 * Values are compared as the kernel reads the argument (32 bits of an `int`), not as 64-bit words,
 * so that a filter cannot be passed by setting bits that the kernel ignores.
 */
#include "convert.h"
#include "import_arch.h"

#include <string.h>

enum { MAX_ENTRIES = 4096, MAX_NAMES = 65536, MAX_ARGS = 64, MAX_KERNELS = 64, LINE = 96 };

/* A condition as the profile states it: 64 bits, no sign. */
struct arg {
  uint32_t index;
  enum { NE, LT, LE, EQ, GE, GT, MASKED_EQ } op;
  uint64_t value, value_two;
};

struct entry {
  const struct wb_json *json;
  struct wb_text action; /* as written in wasbox's language */
  uint32_t archs;        /* bits 1 << enum wb_arch */
  uint32_t kernel_from, kernel_below;
  struct arg args[MAX_ARGS];
  uint32_t arg_count;
};

struct importer {
  struct wb_conversion *c;
  const struct wb_import_options *options;
  struct wb_arch_map map;
  uint32_t targets;
  struct wb_text default_action;
  uint32_t names;
  /* Where each rule of the text comes from. */
  const struct wb_json **rules;
  uint32_t rule_count, rule_capacity;
  /* Kernels from which on other entries count. */
  uint32_t kernels[MAX_KERNELS], kernel_count;
};

static bool is_string(const struct wb_json *json) {
  return json != NULL && json->kind == WB_JSON_STRING;
}

static void shape(struct importer *im, const struct wb_json *at, const char *member) {
  wb_note(im->c, WB_NOTE_SHAPE, at->start, at->end)->detail = wb_text_of(member);
}

/* The member as an array, or NULL; another type is an error. */
static const struct wb_json *array_member(struct importer *im, const struct wb_json *object,
                                          const char *name) {
  const struct wb_json *member = wb_json_member(object, name);
  if (member != NULL && member->kind != WB_JSON_ARRAY) {
    shape(im, member, name);
    return NULL;
  }
  return member;
}

/* --- actions -------------------------------------------------------------------------------- */

static bool means_everywhere(const struct importer *im, const char *word, uint64_t value) {
  int set = wb_constant_set("errno", 5);
  for (int arch = 0; arch < WB_ARCH_COUNT; arch++) {
    uint64_t own;
    if ((im->targets >> arch & 1) &&
        (wb_constant((enum wb_arch)arch, set, word, strlen(word), &own) != 0 || own != value))
      return false;
  }
  return true;
}

/* "EPERM" or "1", from `errno` (Podman's, a name) or `errnoRet` (a number); the name counts, since
 * its number depends on the architecture. EPERM where neither is there. */
static struct wb_text errno_text(struct importer *im, const struct wb_json *object,
                                 const char *name_member, const char *number_member) {
  const struct wb_json *name = wb_json_member(object, name_member);
  const struct wb_json *number = wb_json_member(object, number_member);
  int set = wb_constant_set("errno", 5);
  struct wb_text eperm = {"EPERM", 5};
  if (name != NULL && !(name->kind == WB_JSON_STRING && name->text.size == 0)) {
    uint64_t value;
    if (name->kind == WB_JSON_STRING &&
        wb_constant(WB_ARCH_X86_64, set, name->text.at, name->text.size, &value) == 0)
      return name->text;
    wb_note(im->c, WB_NOTE_ERRNO, name->start, name->end);
    return eperm;
  }
  if (number == NULL)
    return eperm;
  if (number->kind != WB_JSON_NUMBER || !number->is_integer || number->is_negative ||
      number->number > 4095) {
    wb_note(im->c, WB_NOTE_ERRNO, number->start, number->end);
    return eperm;
  }
  const char *word = wb_constant_by_value(WB_ARCH_X86_64, set, number->number);
  if (word != NULL && means_everywhere(im, word, number->number))
    return wb_text_of(word);
  struct wb_writer w = {0};
  wb_write_number(&w, number->number);
  return (struct wb_text){w.at, w.size};
}

static struct wb_text action_text(struct importer *im, const struct wb_json *object,
                                  const char *member, const char *name_member,
                                  const char *number_member) {
  static const struct {
    const char *name, *word;
  } words[] = {{"SCMP_ACT_ALLOW", "allow"},
               {"SCMP_ACT_LOG", "log"},
               {"SCMP_ACT_NOTIFY", "notify"},
               {"SCMP_ACT_TRAP", "trap"},
               {"SCMP_ACT_KILL", "kill_thread"},
               {"SCMP_ACT_KILL_THREAD", "kill_thread"},
               {"SCMP_ACT_KILL_PROCESS", "kill_process"}};
  struct wb_text none = {"kill_process", 12};
  const struct wb_json *action = wb_json_member(object, member);
  if (!is_string(action)) {
    shape(im, action != NULL ? action : object, member);
    return none;
  }
  bool is_errno = wb_text_is(action->text, "SCMP_ACT_ERRNO");
  if (is_errno || wb_text_is(action->text, "SCMP_ACT_TRACE")) {
    struct wb_text value = errno_text(im, object, name_member, number_member);
    struct wb_writer w = {0};
    wb_write(&w, is_errno ? "errno(" : "trace(");
    wb_write_bytes(&w, value.at, value.size);
    wb_write(&w, ")");
    return (struct wb_text){w.at, w.size};
  }
  for (uint32_t i = 0; i < sizeof words / sizeof *words; i++)
    if (wb_text_is(action->text, words[i].name))
      return wb_text_of(words[i].word);
  wb_note(im->c, WB_NOTE_ACTION, action->start, action->end)->detail = action->text;
  return none;
}

/* --- conditions --------------------------------------------------------------------------------
 */

static bool read_number(struct importer *im, const struct wb_json *object, const char *name,
                        uint64_t *value) {
  const struct wb_json *member = wb_json_member(object, name);
  *value = 0;
  if (member == NULL)
    return true;
  if (member->kind != WB_JSON_NUMBER || !member->is_integer || member->is_negative) {
    wb_note(im->c, WB_NOTE_VALUE, member->start, member->end);
    return false;
  }
  *value = member->number;
  return true;
}

static void read_args(struct importer *im, struct entry *entry) {
  static const char *const ops[] = {"SCMP_CMP_NE",       "SCMP_CMP_LT", "SCMP_CMP_LE",
                                    "SCMP_CMP_EQ",       "SCMP_CMP_GE", "SCMP_CMP_GT",
                                    "SCMP_CMP_MASKED_EQ"};
  const struct wb_json *list = array_member(im, entry->json, "args");
  for (const struct wb_json *json = list != NULL ? list->first : NULL; json != NULL;
       json = json->next) {
    struct arg arg = {0};
    uint64_t index;
    if (json->kind == WB_JSON_NULL)
      continue;
    if (json->kind != WB_JSON_OBJECT || entry->arg_count == MAX_ARGS) {
      shape(im, json, "args");
      return;
    }
    if (!read_number(im, json, "index", &index) || !read_number(im, json, "value", &arg.value) ||
        !read_number(im, json, "valueTwo", &arg.value_two))
      return;
    if (index > 5) {
      wb_note(im->c, WB_NOTE_INDEX, json->start, json->end);
      return;
    }
    arg.index = (uint32_t)index;
    const struct wb_json *op = wb_json_member(json, "op");
    uint32_t i = 0;
    while (i < 7 && !(is_string(op) && wb_text_is(op->text, ops[i])))
      i++;
    if (i == 7) {
      const struct wb_json *at = op != NULL ? op : json;
      wb_note(im->c, WB_NOTE_OPERATOR, at->start, at->end)->detail = at->text;
      return;
    }
    arg.op = i;
    if (i == MASKED_EQ)
      arg.value_two &= arg.value; /* so libseccomp does */
    entry->args[entry->arg_count++] = arg;
  }
}

enum outcome { NEVER, ALWAYS, SOMETIMES };

/* Narrows a condition to what is left of it when the kernel reads `bits` bits of the argument;
 * may change it. */
static enum outcome narrow(struct arg *arg, int bits) {
  if (bits >= 64)
    return SOMETIMES;
  uint64_t most = ((uint64_t)1 << bits) - 1;
  if (arg->op == MASKED_EQ) {
    arg->value &= most; /* the kernel's own bits, all others are 0 */
    if ((arg->value_two & ~arg->value) != 0)
      return NEVER;
    return arg->value == 0 ? ALWAYS : SOMETIMES;
  }
  /* -1 of an `int`, written as 64 bits. */
  if (bits == 32 && arg->value >> 31 == 0x1ffffffff)
    arg->value &= most;
  if (arg->value <= most)
    return SOMETIMES;
  return arg->op == NE || arg->op == LT || arg->op == LE ? ALWAYS : NEVER;
}

/* Writes `name op value`, with the unsigned reading where the order counts. */
static void write_test(struct wb_writer *w, const struct arg *arg, const struct wb_arg *type) {
  static const char *const ops[] = {" != ", " < ", " <= ", " == ", " >= ", " > "};
  bool is_pointer = type->type == WB_ARG_POINTER;
  if (is_pointer) {
    wb_write(w, "arg");
    wb_write_number(w, arg->index);
  } else {
    wb_write(w, type->name);
  }
  bool is_signed =
      type->type == WB_ARG_INT || type->type == WB_ARG_LONG || type->type == WB_ARG_S64;
  bool ordered = arg->op == LT || arg->op == LE || arg->op == GE || arg->op == GT;
  if (is_pointer || (ordered && is_signed))
    wb_write(w, type->bits == 64 ? " as u64" : " as u32");
  if (arg->op == MASKED_EQ) {
    wb_write(w, " & ");
    wb_write_hex(w, arg->value);
    wb_write(w, " == ");
    wb_write_value(w, arg->value_two);
    return;
  }
  wb_write(w, ops[arg->op]);
  wb_write_value(w, arg->value);
}

/* The `where` clause of some of an entry's conditions for a call on an architecture; false where
 * it can never hold. An empty text means that it always does. */
static bool where_text(const struct entry *entry, uint32_t first, uint32_t count, int id,
                       enum wb_arch arch, struct wb_text *out) {
  struct wb_arg types[6];
  int known = wb_syscall_args(id, arch, types);
  struct wb_writer w = {0};
  for (uint32_t i = first; i < first + count; i++) {
    struct arg arg = entry->args[i];
    if (arg.index >= (uint32_t)known)
      return false; /* the call has no such argument here */
    enum outcome outcome = narrow(&arg, types[arg.index].bits);
    if (outcome == NEVER)
      return false;
    if (outcome == ALWAYS)
      continue;
    wb_write(&w, w.size == 0 ? "" : " and ");
    write_test(&w, &arg, &types[arg.index]);
  }
  *out = (struct wb_text){w.size > 0 ? w.at : "", w.size};
  return true;
}

/* --- rules --------------------------------------------------------------------------------------
 */

/* Names that share a rule, and how wide the line is. */
struct line {
  struct wb_writer *w;
  uint32_t width;
};

static void start_rule(struct line *line, struct wb_text action) {
  line->width = action.size;
  wb_write_bytes(line->w, action.at, action.size);
}

static void add_call(struct line *line, int id) {
  const char *name = wb_syscall_name(id);
  uint32_t length = (uint32_t)strlen(name) + 1;
  if (line->width + length > LINE) {
    wb_write(line->w, "\n   ");
    line->width = 3;
  }
  wb_write(line->w, " ");
  wb_write(line->w, name);
  line->width += length;
}

static void end_rule(struct importer *im, struct line *line, const struct entry *entry,
                     uint32_t archs, uint32_t targets) {
  *WB_PUSH(im->rules, im->rule_count, im->rule_capacity) = entry->json;
  struct wb_writer *w = line->w;
  if (archs != targets)
    wb_write_archs(w, " on ", archs);
  const uint32_t bounds[] = {entry->kernel_from, entry->kernel_below};
  for (int i = 0; i < 2; i++)
    if (bounds[i] != 0) {
      wb_write(w, i == 0 ? " when kernel >= " : " when kernel < ");
      wb_write_number(w, bounds[i] >> 8);
      wb_write(w, ".");
      wb_write_number(w, bounds[i] & 255);
    }
  wb_write(w, "\n");
}

static int call_id(struct wb_text name) {
  if (wb_text_is(name, "arm_sync_file_range"))
    return wb_syscall_by_name("sync_file_range2", 16);
  return wb_syscall_by_name(name.at, name.size);
}

/* Calls `each` for every name of the entry that the tables know. */
static void each_name(struct importer *im, const struct entry *entry, bool report,
                      void (*each)(void *, int), void *with) {
  const struct wb_json *names = array_member(im, entry->json, "names");
  const struct wb_json *single = wb_json_member(entry->json, "name");
  const struct wb_json *list[] = {names != NULL ? names->first : NULL, single};
  for (int i = 0; i < 2; i++)
    for (const struct wb_json *name = list[i]; name != NULL; name = i == 0 ? name->next : NULL) {
      if (!is_string(name) || (report && ++im->names > MAX_NAMES)) {
        shape(im, name, i == 0 ? "names" : "name");
        return;
      }
      if (name->text.size == 0)
        continue;
      int id = call_id(name->text);
      if (id >= 0)
        each(with, id);
      else if (report)
        wb_note(im->c, WB_NOTE_UNKNOWN_CALL, name->start, name->end)->detail = name->text;
    }
}

static void add_plain(void *with, int id) {
  add_call(with, id);
}

static void write_plain(struct importer *im, const struct entry *entry) {
  struct line line = {.w = &im->c->out};
  uint32_t before = line.w->size, action = before + entry->action.size;
  start_rule(&line, entry->action);
  each_name(im, entry, false, add_plain, &line);
  if (line.w->size == action)
    line.w->size = before; /* all of its calls are unknown */
  else
    end_rule(im, &line, entry, entry->archs, im->targets);
}

/* State of one alternative of an entry with conditions. */
struct conditional {
  struct importer *im;
  const struct entry *entry;
  uint32_t first, count;
};

/* One rule for each reading of the conditions: architectures that read them alike share it. */
static void add_conditional(void *with, int id) {
  struct conditional *x = with;
  uint32_t left = 0;
  bool any = false;
  for (int arch = 0; arch < WB_ARCH_COUNT; arch++)
    if ((x->entry->archs >> arch & 1) && wb_syscall_number(id, (enum wb_arch)arch) >= 0)
      left |= (uint32_t)1 << arch;
  uint32_t has = 0;
  for (int arch = 0; arch < WB_ARCH_COUNT; arch++)
    if ((x->im->targets >> arch & 1) && wb_syscall_number(id, (enum wb_arch)arch) >= 0)
      has |= (uint32_t)1 << arch;
  for (int arch = 0; arch < WB_ARCH_COUNT; arch++) {
    struct wb_text where, other;
    if (!(left >> arch & 1) ||
        !where_text(x->entry, x->first, x->count, id, (enum wb_arch)arch, &where))
      continue;
    uint32_t same = 0;
    for (int i = arch; i < WB_ARCH_COUNT; i++)
      if ((left >> i & 1) &&
          where_text(x->entry, x->first, x->count, id, (enum wb_arch)i, &other) &&
          other.size == where.size && memcmp(other.at, where.at, where.size) == 0)
        same |= (uint32_t)1 << i;
    left &= ~same;
    any = true;
    struct line line = {.w = &x->im->c->out};
    start_rule(&line, x->entry->action);
    add_call(&line, id);
    if (where.size > 0) {
      wb_write(line.w, " where ");
      wb_write_bytes(line.w, where.at, where.size);
    }
    end_rule(x->im, &line, x->entry, same, has);
  }
  if (!any && left != 0)
    wb_note(x->im->c, WB_NOTE_NEVER, x->entry->json->start, x->entry->json->end)->detail =
        wb_text_of(wb_syscall_name(id));
}

static void write_conditional(struct importer *im, const struct entry *entry) {
  uint32_t seen = 0;
  bool twice = false;
  for (uint32_t i = 0; i < entry->arg_count; i++) {
    twice = twice || (seen >> entry->args[i].index & 1);
    seen |= (uint32_t)1 << entry->args[i].index;
  }
  if (twice)
    wb_note(im->c, WB_NOTE_SPLIT, entry->json->start, entry->json->end);
  uint32_t step = twice ? 1 : entry->arg_count;
  for (uint32_t i = 0; i < entry->arg_count; i += step)
    each_name(im, entry, false, add_conditional, &(struct conditional){im, entry, i, step});
}

/* --- filters of entries -------------------------------------------------------------------------
 */

static bool has_capability(struct importer *im, struct wb_text name) {
  uint64_t bit;
  int set = wb_constant_set("capability", 10);
  return wb_constant(WB_ARCH_X86_64, set, name.at, name.size, &bit) == 0 && bit < 64 &&
         (im->options->capabilities >> bit & 1);
}

static uint32_t minimum_kernel(struct importer *im, const struct wb_json *filter) {
  const struct wb_json *json = wb_json_member(filter, "minKernel");
  uint32_t parts[2] = {0, 0}, part = 0;
  if (json == NULL || (is_string(json) && json->text.size == 0))
    return 0;
  bool good = is_string(json);
  for (uint32_t i = 0; good && i < json->text.size; i++) {
    char c = json->text.at[i];
    if (c == '.' && part == 0)
      part = 1;
    else if (c >= '0' && c <= '9' && parts[part] < 256)
      parts[part] = parts[part] * 10 + (uint32_t)(c - '0');
    else
      good = false;
  }
  if (!good || parts[0] > 255 || parts[1] > 255) {
    shape(im, json, "minKernel");
    return 0;
  }
  return parts[0] << 8 | parts[1];
}

/* Applies `includes` or `excludes`; false where the entry does not count for this payload. */
static bool passes(struct importer *im, struct entry *entry, const char *member) {
  bool including = member[0] == 'i';
  const struct wb_json *filter = wb_json_member(entry->json, member);
  if (filter == NULL)
    return true;
  if (filter->kind != WB_JSON_OBJECT) {
    shape(im, filter, member);
    return false;
  }
  const struct wb_json *caps = array_member(im, filter, "caps");
  for (const struct wb_json *cap = caps != NULL ? caps->first : NULL; cap != NULL;
       cap = cap->next) {
    if (!is_string(cap)) {
      shape(im, cap, "caps");
      return false;
    }
    if (has_capability(im, cap->text) != including)
      return false;
  }
  const struct wb_json *arches = array_member(im, filter, "arches");
  uint32_t named = 0;
  for (const struct wb_json *arch = arches != NULL ? arches->first : NULL; arch != NULL;
       arch = arch->next) {
    if (!is_string(arch)) {
      shape(im, arch, "arches");
      return false;
    }
    named |= wb_arch_with_subarches(&im->map, wb_arch_by_go_name(arch->text));
  }
  if (arches != NULL && arches->first != NULL)
    entry->archs &= including ? named : ~named;
  uint32_t kernel = minimum_kernel(im, filter);
  if (including)
    entry->kernel_from = kernel;
  else
    entry->kernel_below = kernel;
  return true;
}

static void ignore_name(void *with, int id) {
  (void)with;
  (void)id;
}

/* Reads an entry; false where it does not count. */
static bool read_entry(struct importer *im, const struct wb_json *json, struct entry *entry) {
  memset(entry, 0, sizeof *entry);
  entry->json = json;
  entry->archs = im->targets;
  if (json->kind != WB_JSON_OBJECT) {
    shape(im, json, "syscalls");
    return false;
  }
  entry->action = action_text(im, json, "action", "errno", "errnoRet");
  read_args(im, entry);
  each_name(im, entry, true, ignore_name, NULL);
  if (!passes(im, entry, "includes") || !passes(im, entry, "excludes") || entry->archs == 0)
    return false;
  if (entry->action.size == im->default_action.size &&
      memcmp(entry->action.at, im->default_action.at, entry->action.size) == 0) {
    wb_note(im->c, WB_NOTE_LIKE_DEFAULT, json->start, json->end);
    return false;
  }
  return im->c->ok;
}

static void write_head(struct importer *im) {
  struct wb_writer *w = &im->c->out;
  wb_write_archs(w, "target ", im->targets);
  static const char *const words[] = {"\ndefault ", "\nunknown "};
  for (int i = 0; i < 2; i++) {
    wb_write(w, words[i]);
    wb_write_bytes(w, im->default_action.at, im->default_action.size);
  }
  wb_write(w, "\n\n");
}

static void note_kernel(struct importer *im, const struct entry *entry, uint32_t kernel) {
  bool known = kernel == 0;
  for (uint32_t i = 0; i < im->kernel_count; i++)
    known = known || im->kernels[i] == kernel;
  if (!known && im->kernel_count == MAX_KERNELS)
    shape(im, entry->json, "minKernel");
  else if (!known)
    im->kernels[im->kernel_count++] = kernel;
}

/* Refuses a profile whose own compiler, not its order, decides a call. */
static void refuse_overlap(struct importer *im, uint32_t kernel) {
  struct wb_context cx = {0};
  struct wb_overlap overlap;
  struct wb_options options = {.text = {im->c->out.at, im->c->out.size}, .kernel = kernel};
  const struct wb_policy *policy = im->c->ok ? wb_resolve(&cx, &options) : NULL;
  if (policy == NULL || !wb_find_overlap(policy, &overlap))
    return;
  const struct wb_json *first = im->rules[overlap.first], *second = im->rules[overlap.second];
  struct wb_note *note = wb_note(im->c, WB_NOTE_OVERLAP, second->start, second->end);
  note->detail = overlap.call;
  note->has_other = true, note->other_start = first->start, note->other_end = first->end;
}

void wb_import_oci(struct wb_conversion *c, const struct wb_import_options *options) {
  struct importer importer = {.c = c, .options = options}, *im = &importer;
  uint32_t bad;
  c->ok = true;
  const struct wb_json *root = wb_json_parse(options->text, &bad);
  if (root == NULL) {
    wb_note(c, WB_NOTE_JSON, bad, bad);
    return;
  }
  /* A runtime's config.json, or what is under linux.seccomp in it. */
  const struct wb_json *inner = wb_json_member(wb_json_member(root, "linux"), "seccomp");
  root = inner != NULL ? inner : root;
  if (root->kind != WB_JSON_OBJECT) {
    shape(im, root, "defaultAction");
    return;
  }
  wb_arch_map_read(c, root, &im->map);
  im->targets = options->targets != 0 ? options->targets : im->map.preferred;
  im->default_action = action_text(im, root, "defaultAction", "defaultErrno", "defaultErrnoRet");
  const struct wb_json *list = array_member(im, root, "syscalls");
  if (!c->ok)
    return;
  write_head(im);
  static struct entry entry; /* too large for the stack */
  for (int pass = 0; pass < 2; pass++) {
    uint32_t count = 0;
    uint32_t notes = c->note_count;
    for (const struct wb_json *json = list != NULL ? list->first : NULL; json != NULL && c->ok;
         json = json->next) {
      if (json->kind == WB_JSON_NULL)
        continue;
      if (++count > MAX_ENTRIES) {
        shape(im, json, "syscalls");
        break;
      }
      if (!read_entry(im, json, &entry))
        continue;
      if (pass == 0 && entry.arg_count == 0)
        write_plain(im, &entry);
      if (pass == 1 && entry.arg_count > 0) {
        write_conditional(im, &entry);
        note_kernel(im, &entry, entry.kernel_from);
        note_kernel(im, &entry, entry.kernel_below);
      }
    }
    if (pass == 0 && c->ok)
      c->note_count = notes; /* the second pass says it all again */
  }
  /* A kernel before all bounds, and each of them. */
  refuse_overlap(im, 1);
  for (uint32_t i = 0; i < im->kernel_count; i++)
    refuse_overlap(im, im->kernels[i]);
}
