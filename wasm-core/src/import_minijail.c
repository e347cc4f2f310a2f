/*
 * minijail's policies to text in wasbox's language. Called by api_convert.c.
 *
 *   call: 1 | allow | return ERRNO | kill | kill-process | kill-thread | trap | log | trace |
 * user-notify call: test && test || test … [; action]       test: argN OP value | argN in value
 *   {call, call}: …                               several calls
 *   @default action                               what the other calls get; kill where it is
 * missing
 *
 * As minijail does: `arg & value` is true where any of the bits is set, `arg in value` where no bit
 * outside of it is. A line whose tests all fail gives what follows the semicolon, else the default.
 * A second line for a call is refused, unless both say the same without tests.
 */
#include "convert.h"

#include <string.h>

enum { MAX_LINES = 8192 };

struct line {
  const char *text; /* of the whole file */
  uint32_t at, end; /* what is left of this line */
};

/* The line that decides a call. */
struct decided {
  uint32_t start, end;  /* end 0: none yet */
  struct wb_text plain; /* its action, where it has no tests */
};

struct importer {
  struct wb_conversion *c;
  const char *default_word;
  uint32_t targets;
  struct decided *decided; /* by call */
  int *ids;                /* of this line */
  uint32_t id_count, id_capacity;
  struct wb_text plain; /* this line's action, where it has no tests */
};

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

static void skip_space(struct line *l) {
  while (l->at < l->end && is_space(l->text[l->at]))
    l->at++;
}

static bool accept(struct line *l, const char *mark) {
  uint32_t length = (uint32_t)strlen(mark);
  skip_space(l);
  if (l->end - l->at < length || memcmp(l->text + l->at, mark, length) != 0)
    return false;
  l->at += length;
  return true;
}

static struct wb_text word(struct line *l) {
  skip_space(l);
  uint32_t start = l->at;
  while (l->at < l->end && is_word(l->text[l->at]))
    l->at++;
  return (struct wb_text){l->text + start, l->at - start};
}

static bool at_end(struct line *l) {
  skip_space(l);
  return l->at == l->end;
}

/* An action, from its word on; false where there is none. */
static bool action(struct importer *im, struct line *l, struct wb_writer *out) {
  static const char *const words[][2] = {
      {"1", "allow"},
      {"allow", "allow"},
      {"kill", "kill_process"},
      {"kill-process", "kill_process"},
      {"kill-thread", "kill_thread"},
      {"trap", "trap"},
      {"log", "log"},
      {"trace", "trace(0)"},
      {"user-notify", "notify"},
  };
  uint32_t start = l->at;
  struct wb_text name = word(l);
  if (wb_text_is(name, "return")) {
    struct wb_text value = word(l);
    uint64_t number = 0;
    bool digits = value.size > 0;
    for (uint32_t i = 0; i < value.size; i++) {
      digits = digits && value.at[i] >= '0' && value.at[i] <= '9' && number < 4096;
      number = number * 10 + (uint64_t)(value.at[i] - '0');
    }
    uint64_t known;
    if (!(digits && number <= 4095) && wb_constant(WB_ARCH_X86_64, wb_constant_set("errno", 5),
                                                   value.at, value.size, &known) != 0) {
      wb_note(im->c, WB_NOTE_ERRNO, start, l->at);
      return true;
    }
    wb_write(out, "errno(");
    wb_write_bytes(out, value.at, value.size);
    wb_write(out, ")");
    return true;
  }
  for (uint32_t i = 0; i < sizeof words / sizeof *words; i++)
    if (wb_text_is(name, words[i][0])) {
      wb_write(out, words[i][1]);
      return true;
    }
  l->at = start;
  return false;
}

/* A value: numbers and names joined by `|`, `~` and parentheses as in wasbox's language. Writes it
 * through; false where it is malformed. */
static bool value(struct line *l, struct wb_writer *out) {
  int open = 0;
  bool wants = true;
  uint32_t before = out->size;
  for (;;) {
    skip_space(l);
    char c = l->at < l->end ? l->text[l->at] : 0;
    if (wants && (c == '~' || c == '(' || c == '-')) {
      open += c == '(';
      wb_write_bytes(out, &c, 1);
      l->at++;
    } else if (wants) {
      struct wb_text item = word(l);
      if (item.size == 0)
        return false;
      if (item.size > 1 && item.at[0] == '0' && item.at[1] >= '0' && item.at[1] <= '7')
        wb_write(out, "0o"); /* C's octal numbers */
      wb_write_bytes(out, item.at, item.size);
      wants = false;
    } else if (c == ')' && open > 0) {
      open--;
      wb_write(out, ")");
      l->at++;
    } else if (c == '|' && !(l->at + 1 < l->end && l->text[l->at + 1] == '|')) {
      wb_write(out, " | ");
      l->at++;
      wants = true;
    } else {
      return open == 0 && out->size > before;
    }
  }
}

static bool test(struct line *l, struct wb_writer *out) {
  static const char *const ops[] = {"==", "!=", "<=", ">=", "<", ">"};
  struct wb_text arg = word(l);
  if (arg.size != 4 || memcmp(arg.at, "arg", 3) != 0 || arg.at[3] < '0' || arg.at[3] > '5')
    return false;
  wb_write_bytes(out, arg.at, arg.size);
  if (accept(l, "&")) {
    wb_write(out, " & (");
    bool good = value(l, out);
    wb_write(out, ")");
    return good;
  }
  if (accept(l, "in ")) {
    wb_write(out, " & ~(");
    bool good = value(l, out);
    wb_write(out, ") == 0");
    return good;
  }
  for (uint32_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (accept(l, ops[i])) {
      /* minijail compares without a sign. */
      if (i >= 2)
        wb_write(out, " as u64");
      wb_write(out, " ");
      wb_write(out, ops[i]);
      wb_write(out, " ");
      return value(l, out);
    }
  return false;
}

static void rule(struct importer *im, struct wb_text act, struct wb_text calls,
                 struct wb_text where) {
  struct wb_writer *w = &im->c->out;
  wb_write_bytes(w, act.at, act.size);
  wb_write_bytes(w, calls.at, calls.size);
  if (where.size > 0) {
    wb_write(w, " where ");
    wb_write_bytes(w, where.at, where.size);
  }
  wb_write(w, "\n");
}

/* What follows the colon; false where it is malformed. */
static bool body(struct importer *im, struct line *l, struct wb_text calls) {
  struct wb_writer act = {0};
  if (!action(im, l, &act)) {
    do {
      struct wb_writer where = {0};
      do {
        if (where.size > 0)
          wb_write(&where, " and ");
        if (!test(l, &where))
          return false;
      } while (accept(l, "&&"));
      rule(im, (struct wb_text){"allow", 5}, calls, (struct wb_text){where.at, where.size});
    } while (accept(l, "||"));
    if (!accept(l, ";")) {
      if (!at_end(l))
        return false;
      /* Later lines of the file must not decide the call. */
      rule(im, wb_text_of(im->default_word), calls, (struct wb_text){"", 0});
      return true;
    }
    if (!action(im, l, &act))
      return false;
  } else {
    im->plain = (struct wb_text){act.at, act.size};
  }
  rule(im, (struct wb_text){act.at, act.size}, calls, (struct wb_text){"", 0});
  return at_end(l);
}

/* The calls before the colon, each after a blank; warns about unknown ones. */
static bool head(struct importer *im, struct line *l, struct wb_writer *calls) {
  bool several = accept(l, "{");
  do {
    uint32_t start = l->at;
    struct wb_text name = word(l);
    if (name.size == 0)
      return false;
    int id = wb_syscall_by_name(name.at, name.size);
    if (id >= 0) {
      *WB_PUSH(im->ids, im->id_count, im->id_capacity) = id;
      wb_write(calls, " ");
      wb_write_bytes(calls, name.at, name.size);
    } else {
      wb_note(im->c, WB_NOTE_UNKNOWN_CALL, start, l->at)->detail = name;
    }
    if (accept(l, "[arch="))
      return false; /* a rule for one architecture, without a meaning for others */
  } while (several && accept(l, ","));
  return (!several || accept(l, "}")) && accept(l, ":");
}

/* Notes what decides the line's calls; a call that another line decides is reported. */
static void claim(struct importer *im, uint32_t start, uint32_t end) {
  for (uint32_t i = 0; i < im->id_count; i++) {
    struct decided *d = &im->decided[im->ids[i]];
    bool same = d->plain.size > 0 && d->plain.size == im->plain.size &&
                memcmp(d->plain.at, im->plain.at, im->plain.size) == 0;
    if (d->end == 0) {
      *d = (struct decided){start, end, im->plain};
    } else if (!same && d->start != start) {
      struct wb_note *note = wb_note(im->c, WB_NOTE_DUPLICATE, start, end);
      const char *name = wb_syscall_name(im->ids[i]);
      note->detail = wb_text_of(name);
      note->has_other = true, note->other_start = d->start, note->other_end = d->end;
    }
  }
}

/* Runs `each` over the statements: lines without comments, where `\` at the end joins two. */
static void statements(struct importer *im, struct wb_text text, bool defaults) {
  char *joined = wb_alloc(text.size + 1);
  uint32_t count = 0;
  for (uint32_t at = 0; at < text.size && im->c->ok;) {
    uint32_t size = 0, start = at;
    bool more = true, comment = false;
    while (at < text.size && more) {
      char c = text.at[at++];
      if (c == '\n') {
        more = size > 0 && joined[size - 1] == '\\' && !comment;
        if (more)
          joined[size - 1] = ' ';
      } else if (c == '#' || comment) {
        comment = true;
      } else {
        joined[size++] = c;
      }
    }
    struct line l = {joined, 0, size};
    if (at_end(&l))
      continue;
    if (++count > MAX_LINES) {
      wb_note(im->c, WB_NOTE_SYNTAX, start, at);
      return;
    }
    bool good = true;
    if (accept(&l, "@")) {
      struct wb_text name = word(&l);
      struct wb_writer act = {0};
      good = wb_text_is(name, "frequency") ||
             (wb_text_is(name, "default") && action(im, &l, &act) && at_end(&l));
      if (good && act.size > 0 && defaults) {
        char *kept = wb_alloc(act.size + 1);
        memcpy(kept, act.at, act.size);
        im->default_word = kept;
      }
    } else if (!defaults) {
      struct wb_writer calls = {0};
      uint32_t before = im->c->out.size;
      im->id_count = 0, im->plain.size = 0;
      good = head(im, &l, &calls) &&
             body(im, &l, (struct wb_text){calls.size > 0 ? calls.at : "", calls.size});
      if (calls.size == 0)
        im->c->out.size = before; /* no call of the line is known */
      if (good)
        claim(im, start, at);
    }
    if (!good)
      wb_note(im->c, WB_NOTE_SYNTAX, start, at);
  }
}

void wb_import_minijail(struct wb_conversion *c, const struct wb_import_options *options) {
  struct importer im = {.c = c, .default_word = "kill_process", .targets = options->targets};
  c->ok = true;
  if (options->text.size > WB_MAX_SOURCE) {
    wb_note(c, WB_NOTE_SYNTAX, 0, 0);
    return;
  }
  im.decided = wb_alloc((size_t)wb_syscall_count() * sizeof *im.decided);
  statements(&im, options->text, true);
  uint32_t targets = im.targets != 0 ? im.targets : (uint32_t)1 << WB_ARCH_X86_64;
  wb_write_archs(&c->out, "target ", targets);
  wb_write(&c->out, "\ndefault ");
  wb_write(&c->out, im.default_word);
  wb_write(&c->out, "\nunknown ");
  wb_write(&c->out, im.default_word);
  wb_write(&c->out, "\n\n");
  statements(&im, options->text, false);
}
