/*
 * Bytes and text, which a JavaScript engine converts in its own code: UTF-8, latin1, base64, hex,
 * digests, deflate and inflate. Called by src/engine/buffer.ts and its neighbours through
 * `machine`.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../sys/utf8.h"
#include "digest.h"
#include "engine.h"

static void free_bytes(JSRuntime *runtime, void *opaque, void *bytes) {
  (void)opaque;
  js_free_rt(runtime, bytes);
}

JSValue new_owner(JSContext *context, uint8_t *bytes, size_t size) {
  return JS_NewArrayBuffer(context, bytes, size, free_bytes, NULL, 0);
}

JSValue new_bytes(JSContext *context, size_t size, uint8_t **bytes) {
  *bytes = js_mallocz(context, size ? size : 1);
  return *bytes ? new_owner(context, *bytes, size) : JS_EXCEPTION;
}

JSValue as_node_buffer(JSContext *context, JSValue array_buffer) {
  JSValue global = JS_GetGlobalObject(context);
  JSValue buffer = JS_GetPropertyStr(context, global, "Buffer");
  JSValue prototype = JS_GetPropertyStr(context, buffer, "prototype");
  const JSValueConst values[] = {array_buffer, JS_UNDEFINED, JS_UNDEFINED}; /* it reads all three */
  JSValue out = JS_IsException(array_buffer)
                    ? JS_EXCEPTION
                    : JS_NewTypedArray(context, 3, (JSValueConst *)values, JS_TYPED_ARRAY_UINT8);
  if (!JS_IsException(out) && JS_SetPrototype(context, out, prototype) < 0) {
    JS_FreeValue(context, out);
    out = JS_EXCEPTION;
  }
  JS_FreeValue(context, array_buffer);
  JS_FreeValue(context, prototype);
  JS_FreeValue(context, buffer);
  JS_FreeValue(context, global);
  return out;
}

const uint8_t *view_of(JSContext *context, JSValueConst value, size_t *size) {
  size_t offset, whole;
  JSValue buffer = JS_GetTypedArrayBuffer(context, value, &offset, size, NULL);
  if (JS_IsException(buffer))
    return NULL;
  const uint8_t *bytes = JS_GetArrayBuffer(context, &whole, buffer);
  JS_FreeValue(context, buffer);
  /* If there are no bytes, there may be no address. */
  return bytes ? bytes + offset : (const uint8_t *)"";
}

int is_utf8(const char *text, size_t size) {
  return wb_utf8_prefix((const uint8_t *)text, size) == size;
}

JSValue new_lossy_text(JSContext *context, const uint8_t *bytes, size_t size) {
  const size_t good = wb_utf8_prefix(bytes, size);
  unsigned skip, length;
  if (good == size)
    return JS_NewStringLen(context, (const char *)bytes, size);
  uint8_t *text = js_malloc(context, good + 3 * (size - good));
  if (!text)
    return JS_EXCEPTION;
  memcpy(text, bytes, good);
  size_t used = good;
  for (size_t at = good; at < size;) {
    length = wb_utf8_character(bytes + at, size - at, &skip);
    if (length > 0) {
      memcpy(text + used, bytes + at, length);
      used += length, at += length;
    } else {
      memcpy(text + used, "\xef\xbf\xbd", 3);
      used += 3, at += skip;
    }
  }
  JSValue out = JS_NewStringLen(context, (const char *)text, used);
  js_free(context, text);
  return out;
}

static JSValue new_latin1(JSContext *context, const uint8_t *bytes, size_t size) {
  char *text = js_malloc(context, 2 * size + 1);
  size_t used = 0;
  if (!text)
    return JS_EXCEPTION;
  for (size_t i = 0; i < size; i++) {
    if (bytes[i] >= 0x80)
      text[used++] = (char)(0xc0 | bytes[i] >> 6);
    text[used++] = (char)(bytes[i] < 0x80 ? bytes[i] : 0x80 | (bytes[i] & 0x3f));
  }
  JSValue out = JS_NewStringLen(context, text, used);
  js_free(context, text);
  return out;
}

static JSValue new_hex(JSContext *context, const uint8_t *bytes, size_t size) {
  static const char digits[] = "0123456789abcdef";
  char *text = js_malloc(context, 2 * size + 1);
  if (!text)
    return JS_EXCEPTION;
  for (size_t i = 0; i < size; i++) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  JSValue out = JS_NewStringLen(context, text, 2 * size);
  js_free(context, text);
  return out;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static JSValue new_base64(JSContext *context, const uint8_t *bytes, size_t size) {
  char *text = js_malloc(context, (size + 2) / 3 * 4 + 1);
  size_t used = 0;
  if (!text)
    return JS_EXCEPTION;
  for (size_t i = 0; i < size; i += 3) {
    const uint32_t three = (uint32_t)bytes[i] << 16 | (i + 1 < size ? bytes[i + 1] << 8 : 0) |
                           (i + 2 < size ? bytes[i + 2] : 0);
    text[used++] = base64_digits[three >> 18];
    text[used++] = base64_digits[three >> 12 & 63];
    text[used++] = i + 1 < size ? base64_digits[three >> 6 & 63] : '=';
    text[used++] = i + 2 < size ? base64_digits[three & 63] : '=';
  }
  JSValue out = JS_NewStringLen(context, text, used);
  js_free(context, text);
  return out;
}

enum { UTF8, LATIN1, BASE64, HEX };

JSValue text_in(JSContext *context, const uint8_t *bytes, size_t size, int encoding) {
  return encoding == LATIN1   ? new_latin1(context, bytes, size)
         : encoding == BASE64 ? new_base64(context, bytes, size)
         : encoding == HEX    ? new_hex(context, bytes, size)
                              : new_lossy_text(context, bytes, size);
}

/* toText(bytes, encoding) */
static JSValue to_text(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  size_t size;
  int encoding;
  const uint8_t *bytes = view_of(context, values[0], &size);
  if (!bytes || JS_ToInt32(context, &encoding, values[1]) < 0)
    return JS_EXCEPTION;
  return text_in(context, bytes, size, encoding);
}

/* Half of a surrogate pair, which QuickJS writes as three bytes, becomes U+FFFD. */
static void replace_surrogates(uint8_t *text, size_t size) {
  for (size_t i = 0; i + 2 < size; i++)
    if (text[i] == 0xed && text[i + 1] >= 0xa0)
      memcpy(text + i, "\xef\xbf\xbd", 3);
}

/* The low eight bits of each UTF-16 unit. */
static size_t latin1_of(uint8_t *out, const uint8_t *text, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < size;) {
    const unsigned more = text[i] < 0x80 ? 0 : text[i] >= 0xf0 ? 3 : text[i] >= 0xe0 ? 2 : 1;
    uint32_t code = more ? text[i] & (0x3f >> more) : text[i];
    for (unsigned k = 1; k <= more; k++)
      code = code << 6 | (text[i + k] & 0x3f);
    if (code > 0xffff) {
      out[used++] = (uint8_t)((code - 0x10000) >> 10);
      out[used++] = (uint8_t)(code & 0xff);
    } else {
      out[used++] = (uint8_t)code;
    }
    i += more + 1;
  }
  return used;
}

static size_t hex_of(uint8_t *out, const char *text, size_t size) {
  size_t used = 0;
  for (; 2 * used + 1 < size; used++) {
    char pair[3] = {text[2 * used], text[2 * used + 1], 0}, *end;
    out[used] = (uint8_t)strtoul(pair, &end, 16);
    if (end != pair + 2 || *pair == '+' || *pair == '-' || *pair == ' ')
      break;
  }
  return used;
}

static size_t base64_of(uint8_t *out, const char *text, size_t size) {
  size_t used = 0;
  uint32_t bits = 0, held = 0;
  for (size_t i = 0; i < size && text[i] != '='; i++) {
    const char *digit = strchr(base64_digits, text[i] == '-'   ? '+'
                                              : text[i] == '_' ? '/'
                                                               : text[i]);
    if (!digit || !text[i])
      continue;
    bits = bits << 6 | (uint32_t)(digit - base64_digits);
    held += 6;
    if (held >= 8)
      out[used++] = (uint8_t)(bits >> (held -= 8));
  }
  return used;
}

/* toBytes(text, encoding): an ArrayBuffer */
static JSValue to_bytes(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  size_t size;
  int encoding;
  const char *text = JS_ToCStringLen(context, &size, values[0]);
  if (!text || JS_ToInt32(context, &encoding, values[1]) < 0)
    return JS_EXCEPTION;
  uint8_t *bytes = js_malloc(context, size ? size : 1);
  if (bytes) {
    if (encoding == LATIN1)
      size = latin1_of(bytes, (const uint8_t *)text, size);
    else if (encoding == HEX)
      size = hex_of(bytes, text, size);
    else if (encoding == BASE64)
      size = base64_of(bytes, text, size);
    else
      replace_surrogates(memcpy(bytes, text, size), size);
  }
  JS_FreeCString(context, text);
  return bytes ? new_owner(context, bytes, size) : JS_EXCEPTION;
}

/* putText(target, text): how many bytes of the target it takes; -1 where it has no room for them */
static JSValue put_text(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  size_t room, size;
  const char *text = JS_ToCStringLen(context, &size, values[1]);
  uint8_t *target = text ? (uint8_t *)(uintptr_t)view_of(context, values[0], &room) : NULL;
  if (target && size <= room)
    replace_surrogates(memcpy(target, text, size), size);
  if (text)
    JS_FreeCString(context, text);
  if (!target)
    return JS_EXCEPTION;
  return JS_NewInt64(context, size <= room ? (int64_t)size : -1);
}

/* isNormal(path): whether it has no empty part, at its end either, and none that may be . or .. */
static JSValue is_normal(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  size_t size;
  const char *path = JS_ToCStringLen(context, &size, values[0]);
  if (!path)
    return JS_EXCEPTION;
  int normal = size > 0 && path[0] != '.' && path[size - 1] != '/';
  for (size_t i = 1; normal && i < size; i++)
    normal = path[i - 1] != '/' || (path[i] != '/' && path[i] != '.');
  JS_FreeCString(context, path);
  return JS_NewBool(context, normal);
}

/* concat(parts, size): what is longer is cut off, and zeros follow what is shorter; -1: all */
static JSValue concat(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  uint32_t parts;
  int64_t wanted;
  if (JS_ToUint32(context, &parts, JS_GetPropertyStr(context, values[0], "length")) < 0 ||
      JS_ToInt64(context, &wanted, values[1]) < 0)
    return JS_EXCEPTION;
  uint8_t *out = NULL;
  size_t room = wanted < 0 ? 0 : (size_t)wanted, used = 0;
  JSValue made = JS_UNDEFINED;
  for (int fill = wanted >= 0; fill < 2; fill++) {
    if (fill && JS_IsException(made = new_bytes(context, room, &out)))
      return made;
    for (uint32_t i = 0; i < parts; i++) {
      size_t size;
      JSValue part = JS_GetPropertyUint32(context, values[0], i);
      const uint8_t *bytes = JS_IsException(part) ? NULL : view_of(context, part, &size);
      if (bytes && fill)
        memcpy(out + used, bytes, size = size < room - used ? size : room - used);
      JS_FreeValue(context, part);
      if (!bytes) {
        JS_FreeValue(context, made);
        return JS_EXCEPTION;
      }
      if (fill)
        used += size;
      else
        room += size;
    }
  }
  return made;
}

/* compare(a, b): -1, 0, 1 by bytes */
static JSValue compare(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  size_t a_size, b_size;
  const uint8_t *a = view_of(context, values[0], &a_size);
  const uint8_t *b = a ? view_of(context, values[1], &b_size) : NULL;
  if (!b)
    return JS_EXCEPTION;
  int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
  if (order == 0)
    order = (a_size > b_size) - (a_size < b_size);
  return JS_NewInt32(context, (order > 0) - (order < 0));
}

/* find(bytes, wanted, from, last): where, or -1 */
static JSValue find(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  size_t size, wanted_size;
  int64_t from;
  const uint8_t *bytes = view_of(context, values[0], &size);
  const uint8_t *wanted = bytes ? view_of(context, values[1], &wanted_size) : NULL;
  if (!wanted || JS_ToInt64(context, &from, values[2]) < 0)
    return JS_EXCEPTION;
  const int last = JS_ToBool(context, values[3]) > 0;
  if (from < 0)
    from = from + (int64_t)size < 0 ? (last ? -1 : 0) : from + (int64_t)size;
  if (from < 0 || wanted_size > size)
    return JS_NewInt32(context, -1);
  if (!last) {
    const uint8_t *at =
        (size_t)from > size ? NULL : memmem(bytes + from, size - (size_t)from, wanted, wanted_size);
    return JS_NewInt64(context, at ? at - bytes : -1);
  }
  int64_t at = (int64_t)(size - wanted_size);
  for (at = from < at ? from : at; at >= 0; at--)
    if (memcmp(bytes + at, wanted, wanted_size) == 0)
      break;
  return JS_NewInt64(context, at);
}

/* digest(algorithm, state): begins with no state, and returns it, as an ArrayBuffer.
 * digest(algorithm, state, bytes) adds bytes, digest(algorithm, state, undefined) gives the digest.
 */
static JSValue digest(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self;
  int number;
  uint8_t *memory;
  if (JS_ToInt32(context, &number, values[0]) < 0)
    return JS_EXCEPTION;
  const enum digest_algorithm algorithm = number == 0 ? SHA1 : SHA256;
  if (count < 2) {
    JSValue out = new_bytes(context, sizeof(struct digest), &memory);
    if (!JS_IsException(out))
      digest_begin((struct digest *)(void *)memory, algorithm);
    return out;
  }
  size_t size;
  memory = JS_GetArrayBuffer(context, &size, values[1]);
  if (!memory || size != sizeof(struct digest))
    return JS_ThrowTypeError(context, "no state of a digest");
  struct digest *state = (struct digest *)(void *)memory;
  if (JS_IsUndefined(values[2])) {
    uint8_t out[DIGEST_MAX];
    const size_t length = digest_end(state, algorithm, out);
    return JS_NewArrayBufferCopy(context, out, length);
  }
  const uint8_t *bytes = view_of(context, values[2], &size);
  if (!bytes)
    return JS_EXCEPTION;
  digest_add(state, algorithm, bytes, size);
  return JS_UNDEFINED;
}

/* deflate(bytes): as zlib has them */
static JSValue deflate_bytes(JSContext *context, JSValueConst self, int count,
                             JSValueConst *values) {
  (void)self, (void)count;
  size_t size;
  const uint8_t *bytes = view_of(context, values[0], &size);
  if (!bytes)
    return JS_EXCEPTION;
  uLongf room = compressBound(size);
  uint8_t *out = js_malloc(context, room);
  if (!out)
    return JS_EXCEPTION;
  if (compress2(out, &room, bytes, size, Z_DEFAULT_COMPRESSION) != Z_OK) {
    js_free(context, out);
    return JS_ThrowOutOfMemory(context);
  }
  return new_owner(context, out, room);
}

/* inflate(bytes, size): what a deflated stream without a header, as zip files have it, holds; at
 * most so many bytes */
static JSValue inflate_bytes(JSContext *context, JSValueConst self, int count,
                             JSValueConst *values) {
  (void)self, (void)count;
  size_t length;
  uint32_t size;
  const uint8_t *bytes = view_of(context, values[0], &length);
  if (!bytes || JS_ToUint32(context, &size, values[1]))
    return JS_EXCEPTION;
  uint8_t *out = js_malloc(context, (size_t)size + 1);
  if (!out)
    return JS_EXCEPTION;
  z_stream stream = {.next_in = (z_const Bytef *)bytes,
                     .avail_in = (uInt)length,
                     .next_out = out,
                     .avail_out = size + 1};
  bool whole =
      length <= UINT32_MAX && size < UINT32_MAX && inflateInit2(&stream, -MAX_WBITS) == Z_OK;
  if (whole) {
    whole = inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.total_out <= size;
    inflateEnd(&stream);
  }
  if (!whole) {
    js_free(context, out);
    return JS_ThrowRangeError(context, "no deflated bytes, or more than these");
  }
  uint8_t *fitting = js_realloc(context, out, stream.total_out + 1);
  return new_owner(context, fitting ? fitting : out, stream.total_out);
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("toText", 2, to_text),
    JS_CFUNC_DEF("toBytes", 2, to_bytes),
    JS_CFUNC_DEF("putText", 2, put_text),
    JS_CFUNC_DEF("concat", 2, concat),
    JS_CFUNC_DEF("isNormal", 1, is_normal),
    JS_CFUNC_DEF("compare", 2, compare),
    JS_CFUNC_DEF("find", 4, find),
    JS_CFUNC_DEF("digest", 3, digest),
    JS_CFUNC_DEF("deflate", 1, deflate_bytes),
    JS_CFUNC_DEF("inflate", 2, inflate_bytes),
};

void add_text(JSContext *context, JSValueConst machine) {
  JS_SetPropertyFunctionList(context, machine, functions, sizeof functions / sizeof *functions);
}
