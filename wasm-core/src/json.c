/*
 * JSON to a tree in the arena, safe on any bytes. Called by import_oci.c.
 */
#include "convert.h"

#include <string.h>

enum { MAX_DEPTH = 64 };

struct reader {
  const unsigned char *text;
  uint32_t size, at;
  uint32_t depth;
  bool failed;
};

static void fail(struct reader *r) {
  r->failed = true;
}

static int peek(const struct reader *r) {
  return r->at < r->size ? r->text[r->at] : -1;
}

static void space(struct reader *r) {
  int c;
  while ((c = peek(r)) == ' ' || c == '\t' || c == '\n' || c == '\r')
    r->at++;
}

static bool accept(struct reader *r, int c) {
  space(r);
  if (peek(r) != c)
    return false;
  r->at++;
  return true;
}

static bool keyword(struct reader *r, const char *word) {
  size_t length = strlen(word);
  if (r->size - r->at < length || memcmp(r->text + r->at, word, length) != 0)
    return false;
  r->at += (uint32_t)length;
  return true;
}

/* Four hexadecimal digits, or -1. */
static int32_t hex4(struct reader *r) {
  int32_t value = 0;
  for (int i = 0; i < 4; i++) {
    int c = peek(r);
    int digit = c >= '0' && c <= '9'                 ? c - '0'
                : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                     : -1;
    if (c < 0 || digit < 0)
      return -1;
    value = value << 4 | digit;
    r->at++;
  }
  return value;
}

static uint32_t put_utf8(char *out, uint32_t value) {
  if (value < 0x80) {
    out[0] = (char)value;
    return 1;
  }
  if (value < 0x800) {
    out[0] = (char)(0xc0 | value >> 6);
    out[1] = (char)(0x80 | (value & 0x3f));
    return 2;
  }
  if (value < 0x10000) {
    out[0] = (char)(0xe0 | value >> 12);
    out[1] = (char)(0x80 | (value >> 6 & 0x3f));
    out[2] = (char)(0x80 | (value & 0x3f));
    return 3;
  }
  out[0] = (char)(0xf0 | value >> 18);
  out[1] = (char)(0x80 | (value >> 12 & 0x3f));
  out[2] = (char)(0x80 | (value >> 6 & 0x3f));
  out[3] = (char)(0x80 | (value & 0x3f));
  return 4;
}

/* An escape after its backslash; writes at most 4 bytes. */
static uint32_t escape(struct reader *r, char *out) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  int c = peek(r);
  r->at++;
  if (c == 'u') {
    int32_t value = hex4(r);
    if (value < 0) {
      fail(r);
      return 0;
    }
    if (value >= 0xd800 && value <= 0xdbff && keyword(r, "\\u")) {
      int32_t low = hex4(r);
      if (low < 0xdc00 || low > 0xdfff) {
        fail(r);
        return 0;
      }
      value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
    } else if (value >= 0xd800 && value <= 0xdfff) {
      value = 0xfffd; /* half a pair */
    }
    return put_utf8(out, (uint32_t)value);
  }
  for (uint32_t i = 0; from[i] != 0; i++)
    if (from[i] == c) {
      out[0] = to[i];
      return 1;
    }
  fail(r);
  return 0;
}

/* A string, from its quote on. Bytes from 0x80 on are taken as they are: what is looked up in a
 * table is ASCII, and what is shown is escaped there. */
static struct wb_text string(struct reader *r) {
  struct wb_text out = {"", 0};
  if (!accept(r, '"')) {
    fail(r);
    return out;
  }
  uint32_t end = r->at;
  while (end < r->size && r->text[end] != '"')
    end += r->text[end] == '\\' ? 2 : 1;
  if (end >= r->size) {
    fail(r);
    return out;
  }
  char *buffer = wb_alloc(end - r->at + 4); /* an escape is longer than what it stands for */
  uint32_t size = 0;
  while (!r->failed && r->at < end) {
    unsigned char c = r->text[r->at++];
    if (c < 0x20)
      fail(r);
    else if (c != '\\')
      buffer[size++] = (char)c;
    else
      size += escape(r, buffer + size);
  }
  r->at = end + 1;
  return (struct wb_text){buffer, size};
}

static bool digits(struct reader *r) {
  uint32_t start = r->at;
  while (peek(r) >= '0' && peek(r) <= '9')
    r->at++;
  return r->at > start;
}

static void number(struct reader *r, struct wb_json *out) {
  out->kind = WB_JSON_NUMBER;
  out->is_integer = true;
  out->is_negative = peek(r) == '-';
  if (out->is_negative)
    r->at++;
  uint32_t start = r->at;
  if (!digits(r) || (r->text[start] == '0' && r->at > start + 1)) {
    fail(r);
    return;
  }
  for (uint32_t i = start; i < r->at; i++) {
    uint32_t digit = (uint32_t)(r->text[i] - '0');
    if (out->number > (UINT64_MAX - digit) / 10)
      out->is_integer = false;
    else
      out->number = out->number * 10 + digit;
  }
  if (peek(r) == '.') {
    r->at++;
    out->is_integer = false;
    if (!digits(r))
      fail(r);
  }
  if ((peek(r) | 32) == 'e' && peek(r) > 0) {
    r->at++;
    out->is_integer = false;
    if (peek(r) == '+' || peek(r) == '-')
      r->at++;
    if (!digits(r))
      fail(r);
  }
}

static struct wb_json *value(struct reader *r);

/* Members of an object or elements of an array, up to `close`. */
static void children(struct reader *r, struct wb_json *out, int close) {
  struct wb_json **tail = &out->first;
  if (accept(r, close))
    return;
  do {
    struct wb_text key = {"", 0};
    if (close == '}') {
      space(r);
      key = string(r);
      if (!r->failed && !accept(r, ':'))
        fail(r);
    }
    if (r->failed)
      return;
    struct wb_json *child = value(r);
    child->key = key;
    *tail = child;
    tail = &child->next;
  } while (!r->failed && accept(r, ','));
  if (!r->failed && !accept(r, close))
    fail(r);
}

static struct wb_json *value(struct reader *r) {
  struct wb_json *out = wb_alloc(sizeof *out);
  space(r);
  out->start = r->at;
  int c = peek(r);
  if (++r->depth > MAX_DEPTH) {
    fail(r);
  } else if (c == '{' || c == '[') {
    r->at++;
    out->kind = c == '{' ? WB_JSON_OBJECT : WB_JSON_ARRAY;
    children(r, out, c == '{' ? '}' : ']');
  } else if (c == '"') {
    out->kind = WB_JSON_STRING;
    out->text = string(r);
  } else if (c == '-' || (c >= '0' && c <= '9')) {
    number(r, out);
  } else if (keyword(r, "true") || keyword(r, "false")) {
    out->kind = WB_JSON_BOOL;
    out->number = c == 't';
  } else if (!keyword(r, "null")) {
    fail(r);
  }
  r->depth--;
  out->end = r->at;
  return out;
}

struct wb_json *wb_json_parse(struct wb_text text, uint32_t *bad) {
  struct reader r = {.text = (const unsigned char *)text.at, .size = text.size};
  *bad = 0;
  if (text.size > WB_MAX_SOURCE)
    return NULL;
  struct wb_json *root = value(&r);
  space(&r);
  if (r.failed || r.at < r.size) {
    *bad = r.at < r.size ? r.at : r.size;
    return NULL;
  }
  return root;
}

static bool same_name(struct wb_text key, const char *name) {
  if (key.size != strlen(name))
    return false;
  for (uint32_t i = 0; i < key.size; i++) {
    char a = key.at[i], b = name[i];
    if (a >= 'A' && a <= 'Z')
      a |= 32;
    if (b >= 'A' && b <= 'Z')
      b |= 32;
    if (a != b)
      return false;
  }
  return true;
}

struct wb_json *wb_json_member(const struct wb_json *object, const char *name) {
  struct wb_json *found = NULL;
  if (object == NULL || object->kind != WB_JSON_OBJECT)
    return NULL;
  for (struct wb_json *m = object->first; m != NULL; m = m->next)
    if (same_name(m->key, name))
      found = m;
  return found != NULL && found->kind == WB_JSON_NULL ? NULL : found;
}
