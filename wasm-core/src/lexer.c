/*
 * Text to tokens. Called by parser.c. Line ends matter to the parser only through `first_on_line`
 * and `indent`: a line that is indented deeper than its statement continues it.
 */
#include "core.h"

struct lexer {
  struct wb_context *cx;
  uint32_t file;
  const char *text;
  uint32_t size, at;
  struct wb_token *tokens;
  uint32_t count, capacity;
};

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
static bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool is_word(char c) {
  return is_word_start(c) || is_digit(c);
}

static char peek(const struct lexer *lx, uint32_t ahead) {
  return lx->at + ahead < lx->size ? lx->text[lx->at + ahead] : 0;
}

/* Bytes of the UTF-8 sequence at `at`, or 0 where it is malformed. */
static uint32_t sequence(const struct lexer *lx) {
  const unsigned char *s = (const unsigned char *)lx->text + lx->at;
  uint32_t left = lx->size - lx->at, need;
  uint32_t value;
  if (s[0] < 0x80)
    return 1;
  if (s[0] >= 0xc2 && s[0] <= 0xdf)
    need = 2, value = s[0] & 0x1f;
  else if (s[0] >= 0xe0 && s[0] <= 0xef)
    need = 3, value = s[0] & 0x0f;
  else if (s[0] >= 0xf0 && s[0] <= 0xf4)
    need = 4, value = s[0] & 0x07;
  else
    return 0;
  if (left < need)
    return 0;
  for (uint32_t i = 1; i < need; i++) {
    if ((s[i] & 0xc0) != 0x80)
      return 0;
    value = value << 6 | (s[i] & 0x3f);
  }
  bool overlong = (need == 3 && value < 0x800) || (need == 4 && value < 0x10000);
  bool surrogate = value >= 0xd800 && value <= 0xdfff;
  return overlong || surrogate || value > 0x10ffff ? 0 : need;
}

static void bad(struct lexer *lx, enum wb_code code, uint32_t start) {
  wb_report(lx->cx, code, (struct wb_place){lx->file, start, lx->at});
}

/* Skips a comment or the inside of a string; true where its bytes are UTF-8. */
static bool skip_text(struct lexer *lx, char end) {
  bool good = true;
  while (lx->at < lx->size && lx->text[lx->at] != '\n' && lx->text[lx->at] != end) {
    uint32_t length = sequence(lx);
    if (length == 0) {
      uint32_t start = lx->at++;
      if (good)
        bad(lx, WB_E_UTF8, start);
      good = false;
    } else {
      lx->at += length;
    }
  }
  return good;
}

/* A number in base 2, 8 (0o), 10 or 16; underscores may stand between digits. */
static bool number(struct lexer *lx, uint64_t *value) {
  uint32_t base = 10;
  if (peek(lx, 0) == '0') {
    char mark = peek(lx, 1) | 32;
    base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 10;
    if (base != 10)
      lx->at += 2;
  }
  bool good = true, any = false;
  *value = 0;
  while (is_word(peek(lx, 0))) {
    char c = lx->text[lx->at++];
    if (c == '_' && any)
      continue;
    uint32_t digit = is_digit(c) ? (uint32_t)(c - '0') : (uint32_t)((c | 32) - 'a') + 10;
    if (digit >= base || (c == '_'))
      good = false;
    else if (*value > (UINT64_MAX - digit) / base)
      good = false;
    else
      *value = *value * base + digit;
    any = true;
  }
  return good && any;
}

static void push(struct lexer *lx, struct wb_token token) {
  *WB_PUSH(lx->tokens, lx->count, lx->capacity) = token;
}

static void mark(struct lexer *lx, struct wb_token token) {
  static const char *const pairs[] = {"==", "!=", "<=", ">=", "&&", "||", "..", "<<"};
  char a = peek(lx, 0), b = peek(lx, 1);
  token.kind = WB_TOKEN_MARK;
  for (uint32_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (pairs[i][0] == a && pairs[i][1] == b) {
      lx->at += 2;
      token.value = (uint64_t)(unsigned char)a | (uint64_t)(unsigned char)b << 8;
      token.place.end = lx->at;
      push(lx, token);
      return;
    }
  for (const char *single = "()[],<>&|~-="; *single != 0; single++)
    if (*single == a) {
      lx->at++;
      token.value = (unsigned char)a;
      token.place.end = lx->at;
      push(lx, token);
      return;
    }
  uint32_t start = lx->at, length = sequence(lx);
  lx->at += length == 0 ? 1 : length;
  bad(lx, length == 0 ? WB_E_UTF8 : WB_E_CHARACTER, start);
}

struct wb_token *wb_lex(struct wb_context *cx, uint32_t file, uint32_t *count) {
  struct lexer lexer = {.cx = cx, .file = file}, *lx = &lexer;
  lx->text = cx->files[file].text.at;
  lx->size = cx->files[file].text.size;
  if (lx->size >= 3 && lx->text[0] == '\xef' && lx->text[1] == '\xbb' && lx->text[2] == '\xbf')
    lx->at = 3; /* byte order mark */
  uint32_t line_start = lx->at;
  bool first = true;
  while (lx->at < lx->size && cx->error_count < WB_MAX_DIAGNOSTICS) {
    char c = lx->text[lx->at];
    if (c == '\n') {
      lx->at++;
      line_start = lx->at;
      first = true;
      continue;
    }
    if (c == ' ' || c == '\t' || c == '\r') {
      lx->at++;
      continue;
    }
    if (c == '#') {
      skip_text(lx, '\n');
      continue;
    }
    struct wb_token token = {
        .place = {file, lx->at, lx->at}, .indent = lx->at - line_start, .first_on_line = first};
    first = false;
    if (is_word_start(c)) {
      while (is_word(peek(lx, 0)))
        lx->at++;
      token.kind = WB_TOKEN_WORD;
    } else if (c == '@') {
      lx->at++;
      while (is_word(peek(lx, 0)) || peek(lx, 0) == '-')
        lx->at++;
      token.kind = WB_TOKEN_GROUP;
      if (lx->at - token.place.start == 1) {
        bad(lx, WB_E_CHARACTER, token.place.start);
        continue;
      }
    } else if (is_digit(c)) {
      token.kind = WB_TOKEN_NUMBER;
      bool good = number(lx, &token.value);
      if (peek(lx, 0) == '.' && is_digit(peek(lx, 1))) {
        uint64_t minor;
        lx->at++;
        token.kind = WB_TOKEN_VERSION;
        good = number(lx, &minor) && good && token.value < 256 && minor < 256;
        token.value = token.value << 8 | minor;
      }
      if (!good) {
        bad(lx, WB_E_NUMBER, token.place.start);
        token.value = 0;
      }
    } else if (c == '"') {
      lx->at++;
      skip_text(lx, '"');
      token.kind = WB_TOKEN_STRING;
      if (peek(lx, 0) != '"') {
        bad(lx, WB_E_STRING, token.place.start);
        continue;
      }
      lx->at++;
    } else {
      mark(lx, token);
      continue;
    }
    token.place.end = lx->at;
    push(lx, token);
  }
  push(lx, (struct wb_token){
               .kind = WB_TOKEN_END, .place = {file, lx->size, lx->size}, .first_on_line = true});
  *count = lx->count;
  return lx->tokens;
}
