/*
 * Tokens to syntax tree. Called by resolve.c, once for each file.
 *
 *   statement := `target` arch {[,] arch}            | `kernel` `>=` version
 *              | `default` action | `unknown` action | `foreign` action | `include` string
 *              | `group` @name = name {[,] name}     | action name {[,] name} clause…
 *   action    := word [( value )]                    name := call | @group
 *   clause    := `where` test {and test} | `on` arch {, arch} | `when` `kernel` (>=|<) version
 *   test      := argument [as type] [& value] [comparison]
 *   comparison:= (== != < <= > >=) value | [not] in [ range {, range} ] | [not] in range
 *   range     := value [.. value]
 *   value     := term {| term}     term := factor [<< factor]
 *   factor    := number | NAME | ~ factor | - factor | ( value )
 *
 * A rule ends with its line; a line that is indented deeper continues it. Short statements may
 * share a line. After an error the parser goes on with the next statement.
 */
#include "core.h"

#include <string.h>

enum { MAX_DEPTH = 32 };

struct parser {
  struct wb_context *cx;
  const char *text;
  const struct wb_token *tokens;
  uint32_t at;
  uint32_t start;  /* first token of the statement being read */
  uint32_t indent; /* of its line */
  uint32_t depth;
  bool failed; /* the statement has an error: stay quiet until the next one */
};

#define MARK(a) ((uint64_t)(unsigned char)(a))
#define MARK2(a, b) (MARK(a) | MARK(b) << 8)

static const struct wb_token *token(const struct parser *p) {
  return &p->tokens[p->at];
}

/* The statement cannot go on with this token. */
static bool ended(const struct parser *p) {
  const struct wb_token *t = token(p);
  return t->kind == WB_TOKEN_END ||
         (p->at != p->start && t->first_on_line && t->indent <= p->indent);
}

/* Returns what ended returns, but a closing bracket may stand at the start of its line. */
static bool ended_inside(const struct parser *p) {
  return ended(p) && token(p)->kind != WB_TOKEN_MARK;
}

static bool is_mark(const struct parser *p, uint64_t mark) {
  return token(p)->kind == WB_TOKEN_MARK && token(p)->value == mark;
}

static bool accept(struct parser *p, uint64_t mark) {
  if (!is_mark(p, mark))
    return false;
  p->at++;
  return true;
}

static struct wb_text word_text(const struct parser *p, struct wb_place place) {
  return (struct wb_text){p->text + place.start, place.end - place.start};
}

static bool is_word(const struct parser *p, const char *word) {
  return token(p)->kind == WB_TOKEN_WORD && wb_text_is(word_text(p, token(p)->place), word);
}

static bool accept_word(struct parser *p, const char *word) {
  if (ended(p) || !is_word(p, word))
    return false;
  p->at++;
  return true;
}

static struct wb_diag *fail(struct parser *p, enum wb_code code, struct wb_place place) {
  if (p->failed)
    return wb_alloc(sizeof(struct wb_diag));
  p->failed = true;
  return wb_report(p->cx, code, place);
}

/* Where something is missing at a line's end, point behind the last token, not at the next line. */
static void expected(struct parser *p, enum wb_expected what) {
  struct wb_place place = token(p)->place;
  if (p->at > 0 && (token(p)->kind == WB_TOKEN_END || token(p)->first_on_line)) {
    place = p->tokens[p->at - 1].place;
    place.start = place.end;
  }
  fail(p, WB_E_EXPECTED, place)->number = what;
}

/* --- values -------------------------------------------------------------------------------- */

static struct wb_expr *value(struct parser *p);

static struct wb_expr *expr(enum wb_expr_kind kind, struct wb_place place) {
  struct wb_expr *e = wb_alloc(sizeof *e);
  e->kind = kind;
  e->place = place;
  return e;
}

static struct wb_expr *factor(struct parser *p) {
  const struct wb_token *t = token(p);
  struct wb_expr *e = expr(WB_EXPR_NUMBER, t->place);
  if (ended_inside(p) || p->failed) {
    expected(p, WB_EXPECTED_VALUE);
    return e;
  }
  if (p->depth >= MAX_DEPTH) {
    fail(p, WB_E_DEEP, t->place);
    return e;
  }
  if (t->kind == WB_TOKEN_NUMBER) {
    p->at++;
    e->value = t->value;
    return e;
  }
  if (t->kind == WB_TOKEN_WORD) {
    p->at++;
    e->kind = WB_EXPR_NAME;
    return e;
  }
  p->depth++;
  if (accept(p, MARK('~')) || accept(p, MARK('-'))) {
    e->kind = t->value == MARK('~') ? WB_EXPR_NOT : WB_EXPR_NEGATE;
    e->left = factor(p);
    e->place.end = e->left->place.end;
  } else if (accept(p, MARK('('))) {
    e = value(p);
    if (!accept(p, MARK(')')))
      expected(p, WB_EXPECTED_CLOSE_PAREN);
  } else {
    expected(p, WB_EXPECTED_VALUE);
  }
  p->depth--;
  return e;
}

static struct wb_expr *binary(enum wb_expr_kind kind, struct wb_expr *left, struct wb_expr *right) {
  struct wb_expr *e = expr(kind, left->place);
  e->place.end = right->place.end;
  e->left = left;
  e->right = right;
  return e;
}

static struct wb_expr *term(struct parser *p) {
  struct wb_expr *left = factor(p);
  if (!ended(p) && accept(p, MARK2('<', '<')))
    return binary(WB_EXPR_SHIFT, left, factor(p));
  return left;
}

static struct wb_expr *value(struct parser *p) {
  struct wb_expr *left = term(p);
  /* A long chain of `|` makes a deep tree: bound it like parentheses. */
  for (uint32_t i = 0; !p->failed && !ended(p) && accept(p, MARK('|')); i++) {
    if (i >= 256)
      fail(p, WB_E_DEEP, token(p)->place);
    left = binary(WB_EXPR_OR, left, term(p));
  }
  return left;
}

/* --- tests ----------------------------------------------------------------------------------- */

static void range(struct parser *p, struct wb_test_node *test) {
  struct wb_range_node node = {.low = value(p)};
  if (!p->failed && accept(p, MARK2('.', '.')))
    node.high = value(p);
  *WB_PUSH(test->values, test->value_count, test->value_capacity) = node;
}

static void set(struct parser *p, struct wb_test_node *test) {
  if (!accept(p, MARK('['))) {
    range(p, test);
    return;
  }
  do {
    if (is_mark(p, MARK(']')) && test->value_count > 0)
      break; /* a comma after the last one */
    range(p, test);
  } while (!p->failed && accept(p, MARK(',')));
  if (!accept(p, MARK(']')))
    expected(p, WB_EXPECTED_CLOSE_BRACKET);
}

static void comparison(struct parser *p, struct wb_test_node *test) {
  static const struct {
    uint64_t mark;
    enum wb_op op;
  } marks[] = {{MARK2('=', '='), WB_OP_EQ}, {MARK2('!', '='), WB_OP_NE},
               {MARK2('<', '='), WB_OP_LE}, {MARK2('>', '='), WB_OP_GE},
               {MARK('<'), WB_OP_LT},       {MARK('>'), WB_OP_GT}};
  if (!ended(p)) {
    for (uint32_t i = 0; i < sizeof marks / sizeof *marks; i++)
      if (accept(p, marks[i].mark)) {
        test->op = marks[i].op;
        *WB_PUSH(test->values, test->value_count, test->value_capacity) =
            (struct wb_range_node){.low = value(p)};
        return;
      }
    bool negated = accept_word(p, "not");
    if (accept_word(p, "in")) {
      test->op = negated ? WB_OP_NOT_IN : WB_OP_IN;
      set(p, test);
      return;
    }
    if (negated) {
      expected(p, WB_EXPECTED_COMPARISON);
      return;
    }
  }
  if (test->mask == NULL || is_mark(p, MARK('='))) {
    expected(p, WB_EXPECTED_COMPARISON);
    return;
  }
  /* `flags & X` alone: any of these bits is set. */
  test->op = WB_OP_NE;
  *WB_PUSH(test->values, test->value_count, test->value_capacity) =
      (struct wb_range_node){.low = expr(WB_EXPR_NUMBER, test->mask->place)};
}

static void one_test(struct parser *p, struct wb_stmt *stmt) {
  struct wb_test_node test = {.argument = token(p)->place};
  if (ended(p) || token(p)->kind != WB_TOKEN_WORD) {
    expected(p, WB_EXPECTED_ARGUMENT);
    return;
  }
  p->at++;
  if (accept_word(p, "as")) {
    if (accept_word(p, "s32"))
      test.cast = WB_CAST_S32;
    else if (accept_word(p, "u32"))
      test.cast = WB_CAST_U32;
    else if (accept_word(p, "s64"))
      test.cast = WB_CAST_S64;
    else if (accept_word(p, "u64"))
      test.cast = WB_CAST_U64;
    else
      expected(p, WB_EXPECTED_TYPE);
  }
  if (!ended(p) && accept(p, MARK('&')))
    test.mask = value(p);
  comparison(p, &test);
  test.place = test.argument;
  test.place.end = p->tokens[p->at - 1].place.end;
  *WB_PUSH(stmt->tests, stmt->test_count, stmt->test_capacity) = test;
}

/* --- statements ------------------------------------------------------------------------------ */

static void action(struct parser *p, struct wb_action_node *out) {
  static const struct {
    const char *word;
    enum wb_action kind;
  } words[] = {{"allow", WB_ACTION_ALLOW},
               {"log", WB_ACTION_LOG},
               {"notify", WB_ACTION_NOTIFY},
               {"trace", WB_ACTION_TRACE},
               {"errno", WB_ACTION_ERRNO},
               {"deny", WB_ACTION_ERRNO},
               {"trap", WB_ACTION_TRAP},
               {"kill_thread", WB_ACTION_KILL_THREAD},
               {"kill_process", WB_ACTION_KILL_PROCESS},
               {"kill", WB_ACTION_KILL_PROCESS}};
  const struct wb_token *t = token(p);
  out->place = t->place;
  if (ended(p) || t->kind != WB_TOKEN_WORD) {
    expected(p, WB_EXPECTED_ACTION);
    return;
  }
  struct wb_text text = word_text(p, t->place);
  uint32_t i = 0, count = sizeof words / sizeof *words;
  while (i < count && !wb_text_is(text, words[i].word))
    i++;
  if (i == count) {
    struct wb_suggest s;
    wb_suggest_start(&s, text);
    for (i = 0; i < count; i++)
      wb_suggest_offer(&s, words[i].word);
    fail(p, WB_E_ACTION, t->place)->suggestion = wb_suggest_result(&s);
    return;
  }
  p->at++;
  out->kind = words[i].kind;
  bool deny = words[i].word[0] == 'd';
  if (!ended(p) && accept(p, MARK('('))) {
    /* deny(EPERM), deny(errno EPERM), deny(errno(EPERM)) */
    bool nested = deny && accept_word(p, "errno") && accept(p, MARK('('));
    out->value = value(p);
    if (nested && !accept(p, MARK(')')))
      expected(p, WB_EXPECTED_CLOSE_PAREN);
    if (!accept(p, MARK(')')))
      expected(p, WB_EXPECTED_CLOSE_PAREN);
    out->place.end = p->tokens[p->at - 1].place.end;
  }
  bool may = out->kind == WB_ACTION_ERRNO || out->kind == WB_ACTION_TRACE;
  bool must = may && !deny;
  if ((out->value != NULL && !may) || (out->value == NULL && must))
    fail(p, WB_E_ACTION_VALUE, out->place)->number = must;
}

static bool begins_clause(const struct parser *p) {
  return is_word(p, "where") || is_word(p, "on") || is_word(p, "when");
}

/* Names up to the end of the statement or its first clause. */
static void names(struct parser *p, struct wb_stmt *stmt, enum wb_expected what) {
  bool comma = false;
  while (!p->failed && !ended(p) && !begins_clause(p)) {
    const struct wb_token *t = token(p);
    if (t->kind != WB_TOKEN_WORD && t->kind != WB_TOKEN_GROUP) {
      expected(p, what);
      return;
    }
    p->at++;
    *WB_PUSH(stmt->names, stmt->name_count, stmt->name_capacity) = t->place;
    comma = !ended(p) && accept(p, MARK(','));
  }
  if (comma)
    expected(p, what);
}

static bool known_arch(const struct parser *p) {
  struct wb_text text = word_text(p, token(p)->place);
  return token(p)->kind == WB_TOKEN_WORD && wb_arch_by_name(text.at, text.size) >= 0;
}

/* Architectures; `list` takes them. Without a comma only a known name goes on, so that the next
 * statement may follow on the same line. */
static void archs(struct parser *p, struct wb_place **list, uint32_t *count, uint32_t *capacity) {
  bool comma = true;
  while (!p->failed && (comma || (!ended(p) && known_arch(p)))) {
    if (ended(p) || token(p)->kind != WB_TOKEN_WORD) {
      expected(p, WB_EXPECTED_ARCH);
      return;
    }
    *WB_PUSH(*list, *count, *capacity) = token(p)->place;
    p->at++;
    comma = !ended(p) && accept(p, MARK(','));
  }
}

/* The first Linux that loads filters: 3.5. */
#define OLDEST_KERNEL 0x305

static uint32_t version(struct parser *p) {
  const struct wb_token *t = token(p);
  if (ended(p) || (t->kind != WB_TOKEN_VERSION && t->kind != WB_TOKEN_NUMBER) ||
      (t->kind == WB_TOKEN_NUMBER && t->value > 255) ||
      (t->kind == WB_TOKEN_VERSION ? t->value : t->value << 8) < OLDEST_KERNEL) {
    expected(p, WB_EXPECTED_VERSION);
    return 0;
  }
  p->at++;
  return (uint32_t)(t->kind == WB_TOKEN_VERSION ? t->value : t->value << 8);
}

static void clauses(struct parser *p, struct wb_stmt *stmt) {
  while (!p->failed && !ended(p)) {
    if (accept_word(p, "where")) {
      do {
        one_test(p, stmt);
      } while (!p->failed && !ended(p) && (accept_word(p, "and") || accept(p, MARK2('&', '&'))));
      if (!p->failed && !ended(p) && (is_word(p, "or") || is_mark(p, MARK2('|', '|'))))
        fail(p, WB_E_OR, token(p)->place);
    } else if (accept_word(p, "on")) {
      archs(p, &stmt->archs, &stmt->arch_count, &stmt->arch_capacity);
    } else if (accept_word(p, "when")) {
      if (!accept_word(p, "kernel"))
        expected(p, WB_EXPECTED_KERNEL);
      if (accept(p, MARK2('>', '=')))
        stmt->kernel_from = version(p);
      else if (accept(p, MARK('<')))
        stmt->kernel_below = version(p);
      else
        expected(p, WB_EXPECTED_COMPARISON);
    } else {
      expected(p, WB_EXPECTED_STATEMENT_END);
    }
  }
}

static void rule(struct parser *p, struct wb_stmt *stmt) {
  action(p, &stmt->action);
  names(p, stmt, WB_EXPECTED_NAME);
  if (!p->failed && stmt->name_count == 0)
    fail(p, WB_E_NO_CALLS, stmt->action.place);
  clauses(p, stmt);
}

/* The words that a statement begins with: first the headers, in the order of enum wb_stmt_kind. */
static const char *const beginnings[] = {
    "target", "kernel",      "default", "unknown", "foreign",     "include",
    "group",  "allow",       "log",     "notify",  "trace",       "errno",
    "deny",   "kill_thread", "trap",    "kill",    "kill_process"};
enum { BEGINNINGS = sizeof beginnings / sizeof *beginnings };

static void statement(struct parser *p, struct wb_stmt *stmt) {
  uint32_t i = 0;
  while (i < WB_STMT_RULE && !is_word(p, beginnings[i]))
    i++;
  stmt->kind = (enum wb_stmt_kind)i;
  if (stmt->kind != WB_STMT_RULE)
    p->at++;
  switch (stmt->kind) {
  case WB_STMT_TARGET:
    archs(p, &stmt->names, &stmt->name_count, &stmt->name_capacity);
    break;
  case WB_STMT_KERNEL:
    if (ended(p) || !accept(p, MARK2('>', '=')))
      expected(p, WB_EXPECTED_COMPARISON);
    stmt->kernel = version(p);
    break;
  case WB_STMT_DEFAULT:
  case WB_STMT_UNKNOWN:
    action(p, &stmt->action);
    break;
  case WB_STMT_FOREIGN:
    action(p, &stmt->action);
    if (!p->failed && stmt->action.kind > WB_ACTION_ERRNO)
      fail(p, WB_E_FOREIGN, stmt->action.place);
    break;
  case WB_STMT_INCLUDE:
    if (ended(p) || token(p)->kind != WB_TOKEN_STRING) {
      expected(p, WB_EXPECTED_FILE);
      break;
    }
    *WB_PUSH(stmt->names, stmt->name_count, stmt->name_capacity) = token(p)->place;
    p->at++;
    break;
  case WB_STMT_GROUP:
    stmt->group = token(p)->place;
    if (ended(p) || token(p)->kind != WB_TOKEN_GROUP) {
      expected(p, WB_EXPECTED_GROUP);
      break;
    }
    p->at++;
    if (ended(p) || !accept(p, MARK('=')))
      expected(p, WB_EXPECTED_EQUALS);
    names(p, stmt, WB_EXPECTED_NAME);
    if (!p->failed && !ended(p))
      expected(p, WB_EXPECTED_STATEMENT_END);
    break;
  case WB_STMT_RULE:
    rule(p, stmt);
    break;
  }
}

/* A word that is neither a header nor an action: say what it might have been. */
static void unknown_statement(struct parser *p) {
  struct wb_suggest s;
  wb_suggest_start(&s, word_text(p, token(p)->place));
  for (uint32_t i = 0; i < BEGINNINGS; i++)
    wb_suggest_offer(&s, beginnings[i]);
  fail(p, WB_E_STATEMENT, token(p)->place)->suggestion = wb_suggest_result(&s);
}

static bool begins_statement(const struct parser *p) {
  for (uint32_t i = 0; i < BEGINNINGS; i++)
    if (is_word(p, beginnings[i]))
      return true;
  return false;
}

struct wb_tree *wb_parse(struct wb_context *cx, uint32_t file) {
  struct parser parser = {.cx = cx, .text = cx->files[file].text.at}, *p = &parser;
  uint32_t count;
  p->tokens = wb_lex(cx, file, &count);
  struct wb_tree *tree = wb_alloc(sizeof *tree);
  uint32_t line_indent = 0;
  while (token(p)->kind != WB_TOKEN_END && cx->error_count < WB_MAX_DIAGNOSTICS) {
    if (token(p)->first_on_line)
      line_indent = token(p)->indent;
    p->indent = line_indent;
    p->failed = false;
    p->depth = 0;
    p->start = p->at;
    struct wb_stmt stmt = {.place = token(p)->place};
    if (begins_statement(p))
      statement(p, &stmt);
    else
      unknown_statement(p);
    if (p->failed) {
      if (p->at == p->start)
        p->at++;
      while (!ended(p))
        p->at++;
      continue;
    }
    stmt.place.end = p->tokens[p->at - 1].place.end;
    *WB_PUSH(tree->stmts, tree->stmt_count, tree->stmt_capacity) = stmt;
  }
  return tree;
}
