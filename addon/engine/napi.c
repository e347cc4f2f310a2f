/*
 * Node-API on QuickJS: what the glue of the addon (addon/src) calls, so that the engine links the
 * same glue as Node loads. Called by addon/src through node-addon-api; main.c registers it.
 *
 * A napi_value is the number of a place on a stack of values, which scopes cut back. The process
 * ends with the command, so finalizers are not called and what hangs on them is not freed.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAPI_VERSION 8
#include <node_api.h>

#include "engine.h"

struct napi_env__ {
  JSContext *context;
  napi_extended_error_info error;
};

static struct napi_env__ env_of_process;

static struct {
  JSValue *list;
  size_t count, room;
} handles;

struct napi_callback_info__ {
  JSValueConst self;
  int count;
  JSValueConst *values;
  void *data;
};

static napi_status status(napi_env env, napi_status code) {
  env->error = (napi_extended_error_info){.error_code = code};
  return code;
}

static _Noreturn void out_of_memory(void) {
  static const char text[] = "wasbox: out of memory\n";
  if (write(2, text, sizeof text - 1) < 0)
    _exit(125);
  _exit(125);
}

/* Takes over `value`. */
static napi_value handle(JSValue value) {
  if (handles.count == handles.room) {
    handles.room = handles.room ? 2 * handles.room : 256;
    handles.list = realloc(handles.list, handles.room * sizeof *handles.list);
    if (!handles.list)
      out_of_memory();
  }
  handles.list[handles.count++] = value;
  return (napi_value)handles.count;
}

static JSValueConst value_of(napi_value value) {
  return value ? handles.list[(size_t)value - 1] : JS_UNDEFINED;
}

static void cut_back(JSContext *context, size_t count) {
  while (handles.count > count)
    JS_FreeValue(context, handles.list[--handles.count]);
}

/* A value that was made, or why it was not. */
static napi_status give(napi_env env, JSValue value, napi_value *out) {
  if (JS_IsException(value))
    return status(env, napi_pending_exception);
  *out = handle(value);
  return status(env, napi_ok);
}

static napi_status done(napi_env env, int result) {
  return status(env, result < 0 ? napi_pending_exception : napi_ok);
}

/* Scopes */

napi_status napi_open_handle_scope(napi_env env, napi_handle_scope *out) {
  *out = (napi_handle_scope)(handles.count + 1);
  return status(env, napi_ok);
}

napi_status napi_close_handle_scope(napi_env env, napi_handle_scope scope) {
  cut_back(env->context, (size_t)scope - 1);
  return status(env, napi_ok);
}

napi_status napi_open_escapable_handle_scope(napi_env env, napi_escapable_handle_scope *out) {
  handle(JS_UNDEFINED); /* where what escapes will be */
  *out = (napi_escapable_handle_scope)(handles.count + 1);
  return status(env, napi_ok);
}

napi_status napi_close_escapable_handle_scope(napi_env env, napi_escapable_handle_scope scope) {
  cut_back(env->context, (size_t)scope - 1);
  return status(env, napi_ok);
}

napi_status napi_escape_handle(napi_env env, napi_escapable_handle_scope scope, napi_value escapee,
                               napi_value *out) {
  const size_t place = (size_t)scope - 2;
  handles.list[place] = JS_DupValue(env->context, value_of(escapee));
  *out = (napi_value)(place + 1);
  return status(env, napi_ok);
}

napi_status napi_close_callback_scope(napi_env env, napi_callback_scope scope) {
  (void)scope;
  return status(env, napi_ok);
}

napi_status napi_async_destroy(napi_env env, napi_async_context context) {
  (void)context;
  return status(env, napi_ok);
}

/* Errors */

napi_status napi_get_last_error_info(node_api_basic_env env, const napi_extended_error_info **out) {
  *out = &((napi_env)env)->error;
  return napi_ok;
}

void napi_fatal_error(const char *location, size_t location_size, const char *message,
                      size_t message_size) {
  (void)location_size, (void)message_size;
  fprintf(stderr, "wasbox: internal error: %s: %s\n", location, message);
  abort();
}

static napi_status new_error(napi_env env, const char *kind, napi_value code, napi_value message,
                             napi_value *out) {
  JSContext *context = env->context;
  JSValue global = JS_GetGlobalObject(context);
  JSValue constructor = JS_GetPropertyStr(context, global, kind);
  JSValueConst text = value_of(message);
  JSValue error = JS_CallConstructor(context, constructor, 1, &text);
  JS_FreeValue(context, constructor);
  JS_FreeValue(context, global);
  if (!JS_IsException(error) && code &&
      JS_SetPropertyStr(context, error, "code", JS_DupValue(context, value_of(code))) < 0) {
    JS_FreeValue(context, error);
    error = JS_EXCEPTION;
  }
  return give(env, error, out);
}

napi_status napi_create_error(napi_env env, napi_value code, napi_value message, napi_value *out) {
  return new_error(env, "Error", code, message, out);
}

napi_status napi_create_type_error(napi_env env, napi_value code, napi_value message,
                                   napi_value *out) {
  return new_error(env, "TypeError", code, message, out);
}

napi_status napi_create_range_error(napi_env env, napi_value code, napi_value message,
                                    napi_value *out) {
  return new_error(env, "RangeError", code, message, out);
}

napi_status napi_throw(napi_env env, napi_value error) {
  JS_Throw(env->context, JS_DupValue(env->context, value_of(error)));
  return status(env, napi_ok);
}

napi_status napi_is_exception_pending(napi_env env, bool *out) {
  *out = JS_HasException(env->context);
  return status(env, napi_ok);
}

napi_status napi_get_and_clear_last_exception(napi_env env, napi_value *out) {
  *out = handle(JS_GetException(env->context));
  return status(env, napi_ok);
}

/* Functions. A pointer of this process fits the 53 bits of a number. */

static JSValue pointer(JSContext *context, const void *address) {
  return JS_NewFloat64(context, (double)(uintptr_t)address);
}

static uintptr_t address_of(JSContext *context, JSValueConst value) {
  double number = 0;
  JS_ToFloat64(context, &number, value);
  return (uintptr_t)number;
}

static JSValue call_native(JSContext *context, JSValueConst self, int count, JSValueConst *values,
                           int magic, JSValue *data) {
  (void)magic;
  const napi_callback callback = (napi_callback)address_of(context, data[0]);
  struct napi_callback_info__ info = {self, count, values, (void *)address_of(context, data[1])};
  const size_t before = handles.count;
  const napi_value got = callback(&env_of_process, &info);
  JSValue out = JS_HasException(context) ? JS_EXCEPTION : JS_DupValue(context, value_of(got));
  cut_back(context, before);
  return out;
}

static JSValue new_function(JSContext *context, const char *name, size_t size,
                            napi_callback callback, void *data) {
  const JSValue both[] = {pointer(context, (const void *)(uintptr_t)callback),
                          pointer(context, data)};
  JSValue function = JS_NewCFunctionData(context, call_native, 0, 0, 2, (JSValueConst *)both);
  if (name && !JS_IsException(function)) {
    if (size == NAPI_AUTO_LENGTH)
      size = strlen(name);
    JS_DefinePropertyValueStr(context, function, "name", JS_NewStringLen(context, name, size),
                              JS_PROP_CONFIGURABLE);
  }
  return function;
}

napi_status napi_create_function(napi_env env, const char *name, size_t size,
                                 napi_callback callback, void *data, napi_value *out) {
  return give(env, new_function(env->context, name, size, callback, data), out);
}

napi_status napi_get_cb_info(napi_env env, napi_callback_info info, size_t *count, napi_value *list,
                             napi_value *self, void **data) {
  if (list && count)
    for (size_t i = 0; i < *count; i++)
      list[i] = handle(i < (size_t)info->count ? JS_DupValue(env->context, info->values[i])
                                               : JS_UNDEFINED);
  if (count)
    *count = (size_t)info->count;
  if (self)
    *self = handle(JS_DupValue(env->context, info->self));
  if (data)
    *data = info->data;
  return status(env, napi_ok);
}

napi_status napi_call_function(napi_env env, napi_value self, napi_value function, size_t count,
                               const napi_value *list, napi_value *out) {
  JSValueConst values[8];
  if (count > sizeof values / sizeof *values)
    return status(env, napi_invalid_arg);
  for (size_t i = 0; i < count; i++)
    values[i] = value_of(list[i]);
  JSValue got = JS_Call(env->context, value_of(function), value_of(self), (int)count, values);
  napi_value ignored;
  return give(env, got, out ? out : &ignored);
}

/* Values */

napi_status napi_get_undefined(napi_env env, napi_value *out) {
  return give(env, JS_UNDEFINED, out);
}

napi_status napi_get_boolean(napi_env env, bool value, napi_value *out) {
  return give(env, JS_NewBool(env->context, value), out);
}

napi_status napi_create_double(napi_env env, double value, napi_value *out) {
  return give(env, JS_NewFloat64(env->context, value), out);
}

napi_status napi_create_bigint_int64(napi_env env, int64_t value, napi_value *out) {
  return give(env, JS_NewBigInt64(env->context, value), out);
}

napi_status napi_create_bigint_uint64(napi_env env, uint64_t value, napi_value *out) {
  return give(env, JS_NewBigUint64(env->context, value), out);
}

napi_status napi_create_string_utf8(napi_env env, const char *text, size_t size, napi_value *out) {
  if (size == NAPI_AUTO_LENGTH)
    size = strlen(text);
  return give(env, new_lossy_text(env->context, (const uint8_t *)text, size), out);
}

napi_status napi_create_object(napi_env env, napi_value *out) {
  return give(env, JS_NewObject(env->context), out);
}

napi_status napi_create_array(napi_env env, napi_value *out) {
  return give(env, JS_NewArray(env->context), out);
}

napi_status napi_create_array_with_length(napi_env env, size_t size, napi_value *out) {
  JSValue array = JS_NewArray(env->context);
  if (!JS_IsException(array) && JS_SetPropertyStr(env->context, array, "length",
                                                  JS_NewInt64(env->context, (int64_t)size)) < 0) {
    JS_FreeValue(env->context, array);
    array = JS_EXCEPTION;
  }
  return give(env, array, out);
}

/* Pointers, as objects of a class of their own. */

static JSClassID external_class;

static int is_external(JSValueConst value) {
  return external_class && JS_GetOpaque(value, external_class);
}

napi_status napi_create_external(napi_env env, void *data, node_api_basic_finalize finalize,
                                 void *hint, napi_value *out) {
  static const JSClassDef external = {.class_name = "External"};
  (void)finalize, (void)hint;
  if (!external_class) {
    JS_NewClassID(&external_class);
    if (JS_NewClass(JS_GetRuntime(env->context), external_class, &external) < 0)
      return status(env, napi_generic_failure);
  }
  JSValue value = JS_NewObjectClass(env->context, (int)external_class);
  if (!JS_IsException(value))
    JS_SetOpaque(value, data);
  return give(env, value, out);
}

napi_status napi_get_value_external(napi_env env, napi_value value, void **out) {
  if (!is_external(value_of(value)))
    return status(env, napi_invalid_arg);
  *out = JS_GetOpaque(value_of(value), external_class);
  return status(env, napi_ok);
}

napi_status napi_typeof(napi_env env, napi_value value, napi_valuetype *out) {
  JSValueConst it = value_of(value);
  *out = JS_IsUndefined(it)                ? napi_undefined
         : JS_IsNull(it)                   ? napi_null
         : JS_IsBool(it)                   ? napi_boolean
         : JS_IsNumber(it)                 ? napi_number
         : JS_IsString(it)                 ? napi_string
         : JS_IsSymbol(it)                 ? napi_symbol
         : JS_IsBigInt(env->context, it)   ? napi_bigint
         : JS_IsFunction(env->context, it) ? napi_function
         : is_external(it)                 ? napi_external
                                           : napi_object;
  return status(env, napi_ok);
}

static napi_status number_of(napi_env env, napi_value value, double *out) {
  if (!JS_IsNumber(value_of(value)))
    return status(env, napi_number_expected);
  return done(env, JS_ToFloat64(env->context, out, value_of(value)));
}

napi_status napi_get_value_double(napi_env env, napi_value value, double *out) {
  return number_of(env, value, out);
}

napi_status napi_get_value_int32(napi_env env, napi_value value, int32_t *out) {
  double number;
  const napi_status got = number_of(env, value, &number);
  return got != napi_ok ? got : done(env, JS_ToInt32(env->context, out, value_of(value)));
}

napi_status napi_get_value_uint32(napi_env env, napi_value value, uint32_t *out) {
  double number;
  const napi_status got = number_of(env, value, &number);
  return got != napi_ok ? got : done(env, JS_ToUint32(env->context, out, value_of(value)));
}

napi_status napi_get_value_int64(napi_env env, napi_value value, int64_t *out) {
  double number;
  const napi_status got = number_of(env, value, &number);
  if (got == napi_ok)
    *out = !isfinite(number)                 ? 0
           : number >= 9223372036854775808.0 ? INT64_MAX
           : number < -9223372036854775808.0 ? INT64_MIN
                                             : (int64_t)number;
  return got;
}

napi_status napi_get_value_bool(napi_env env, napi_value value, bool *out) {
  if (!JS_IsBool(value_of(value)))
    return status(env, napi_boolean_expected);
  *out = JS_ToBool(env->context, value_of(value)) > 0;
  return status(env, napi_ok);
}

napi_status napi_get_value_bigint_int64(napi_env env, napi_value value, int64_t *out,
                                        bool *lossless) {
  if (!JS_IsBigInt(env->context, value_of(value)))
    return status(env, napi_bigint_expected);
  *lossless = true; /* not asked by the glue */
  return done(env, JS_ToBigInt64(env->context, out, value_of(value)));
}

napi_status napi_get_value_bigint_uint64(napi_env env, napi_value value, uint64_t *out,
                                         bool *lossless) {
  int64_t number;
  const napi_status got = napi_get_value_bigint_int64(env, value, &number, lossless);
  if (got == napi_ok)
    *out = (uint64_t)number;
  return got;
}

/* Gives at most 128 bits; a longer one has three words. QuickJS gives its digits only as text. */
napi_status napi_get_value_bigint_words(napi_env env, napi_value value, int *sign, size_t *count,
                                        uint64_t *words) {
  if (!JS_IsBigInt(env->context, value_of(value)))
    return status(env, napi_bigint_expected);
  const char *text = JS_ToCString(env->context, value_of(value));
  if (!text)
    return status(env, napi_pending_exception);
  __extension__ typedef unsigned __int128 wide;
  wide number = 0;
  const int negative = *text == '-';
  int over = 0;
  for (const char *digit = text + negative; *digit; digit++) {
    over |= number > (~(wide)0 - 9) / 10;
    number = number * 10 + (wide)(*digit - '0');
  }
  JS_FreeCString(env->context, text);
  if (sign)
    *sign = negative;
  if (*count > 0)
    words[0] = (uint64_t)number;
  if (*count > 1)
    words[1] = (uint64_t)(number >> 64);
  *count = over ? 3 : number >> 64 ? 2 : 1;
  return status(env, napi_ok);
}

napi_status napi_get_value_string_utf8(napi_env env, napi_value value, char *buffer, size_t room,
                                       size_t *out) {
  if (!JS_IsString(value_of(value)))
    return status(env, napi_string_expected);
  size_t size;
  const char *text = JS_ToCStringLen(env->context, &size, value_of(value));
  if (!text)
    return status(env, napi_pending_exception);
  if (buffer && room > 0) {
    if (size > room - 1)
      size = room - 1;
    memcpy(buffer, text, size);
    buffer[size] = 0;
  }
  if (out)
    *out = size;
  JS_FreeCString(env->context, text);
  return status(env, napi_ok);
}

napi_status napi_coerce_to_bool(napi_env env, napi_value value, napi_value *out) {
  const int got = JS_ToBool(env->context, value_of(value));
  return got < 0 ? status(env, napi_pending_exception)
                 : give(env, JS_NewBool(env->context, got), out);
}

napi_status napi_coerce_to_number(napi_env env, napi_value value, napi_value *out) {
  double number;
  return JS_ToFloat64(env->context, &number, value_of(value)) < 0
             ? status(env, napi_pending_exception)
             : give(env, JS_NewFloat64(env->context, number), out);
}

/* Objects */

napi_status napi_set_named_property(napi_env env, napi_value object, const char *name,
                                    napi_value value) {
  return done(env, JS_SetPropertyStr(env->context, value_of(object), name,
                                     JS_DupValue(env->context, value_of(value))));
}

napi_status napi_get_named_property(napi_env env, napi_value object, const char *name,
                                    napi_value *out) {
  return give(env, JS_GetPropertyStr(env->context, value_of(object), name), out);
}

napi_status napi_get_property(napi_env env, napi_value object, napi_value key, napi_value *out) {
  JSAtom atom = JS_ValueToAtom(env->context, value_of(key));
  JSValue got = JS_GetProperty(env->context, value_of(object), atom);
  JS_FreeAtom(env->context, atom);
  return give(env, got, out);
}

napi_status napi_has_property(napi_env env, napi_value object, napi_value key, bool *out) {
  JSAtom atom = JS_ValueToAtom(env->context, value_of(key));
  const int got = JS_HasProperty(env->context, value_of(object), atom);
  JS_FreeAtom(env->context, atom);
  *out = got > 0;
  return done(env, got);
}

napi_status napi_set_element(napi_env env, napi_value object, uint32_t index, napi_value value) {
  return done(env, JS_SetPropertyUint32(env->context, value_of(object), index,
                                        JS_DupValue(env->context, value_of(value))));
}

napi_status napi_get_element(napi_env env, napi_value object, uint32_t index, napi_value *out) {
  return give(env, JS_GetPropertyUint32(env->context, value_of(object), index), out);
}

napi_status napi_is_array(napi_env env, napi_value value, bool *out) {
  *out = JS_IsArray(env->context, value_of(value)) > 0;
  return status(env, napi_ok);
}

napi_status napi_get_array_length(napi_env env, napi_value value, uint32_t *out) {
  JSValue size = JS_GetPropertyStr(env->context, value_of(value), "length");
  if (JS_IsException(size) || JS_ToUint32(env->context, out, size) < 0)
    return status(env, napi_pending_exception);
  return status(env, napi_ok);
}

napi_status napi_define_properties(napi_env env, napi_value object, size_t count,
                                   const napi_property_descriptor *list) {
  for (size_t i = 0; i < count; i++) {
    JSContext *context = env->context;
    JSAtom name = list[i].utf8name ? JS_NewAtom(context, list[i].utf8name)
                                   : JS_ValueToAtom(context, value_of(list[i].name));
    JSValue value = list[i].method ? new_function(context, NULL, 0, list[i].method, list[i].data)
                                   : JS_DupValue(context, value_of(list[i].value));
    const int got = JS_DefinePropertyValue(
        context, value_of(object), name, value,
        (list[i].attributes & napi_writable ? JS_PROP_WRITABLE : 0) |
            (list[i].attributes & napi_enumerable ? JS_PROP_ENUMERABLE : 0) |
            (list[i].attributes & napi_configurable ? JS_PROP_CONFIGURABLE : 0));
    JS_FreeAtom(context, name);
    if (got < 0)
      return status(env, napi_pending_exception);
  }
  return status(env, napi_ok);
}

napi_status napi_add_finalizer(napi_env env, napi_value object, void *data,
                               node_api_basic_finalize finalize, void *hint, napi_ref *out) {
  (void)object, (void)data, (void)finalize, (void)hint;
  if (out)
    *out = NULL;
  return status(env, napi_ok);
}

/* References: held until they are deleted, whatever their count. */

struct napi_ref__ {
  JSValue value;
};

napi_status napi_create_reference(napi_env env, napi_value value, uint32_t count, napi_ref *out) {
  (void)count;
  if (!JS_IsObject(value_of(value)))
    return status(env, napi_object_expected);
  *out = malloc(sizeof **out);
  if (!*out)
    out_of_memory();
  (*out)->value = JS_DupValue(env->context, value_of(value));
  return status(env, napi_ok);
}

napi_status napi_delete_reference(node_api_basic_env basic, napi_ref reference) {
  napi_env env = (napi_env)basic;
  JS_FreeValue(env->context, reference->value);
  free(reference);
  return status(env, napi_ok);
}

napi_status napi_get_reference_value(napi_env env, napi_ref reference, napi_value *out) {
  return give(env, JS_DupValue(env->context, reference->value), out);
}

/* Bytes */

napi_status napi_create_arraybuffer(napi_env env, size_t size, void **data, napi_value *out) {
  JSValue buffer = new_bytes(env->context, size, (uint8_t **)data);
  return give(env, buffer, out);
}

napi_status napi_get_arraybuffer_info(napi_env env, napi_value value, void **data, size_t *size) {
  size_t ignored;
  uint8_t *bytes = JS_GetArrayBuffer(env->context, size ? size : &ignored, value_of(value));
  if (data)
    *data = bytes;
  return status(env, napi_ok);
}

napi_status napi_create_buffer_copy(napi_env env, size_t size, const void *data, void **copy,
                                    napi_value *out) {
  uint8_t *bytes;
  JSValue buffer = new_bytes(env->context, size, &bytes);
  if (JS_IsException(buffer))
    return status(env, napi_pending_exception);
  if (size)
    memcpy(bytes, data, size);
  if (copy)
    *copy = bytes;
  return give(env, as_node_buffer(env->context, buffer), out);
}

napi_status napi_create_typedarray(napi_env env, napi_typedarray_type type, size_t size,
                                   napi_value buffer, size_t offset, napi_value *out) {
  if (type != napi_uint8_array)
    return status(env, napi_invalid_arg);
  const JSValueConst values[] = {value_of(buffer), JS_NewInt64(env->context, (int64_t)offset),
                                 JS_NewInt64(env->context, (int64_t)size)};
  return give(env, JS_NewTypedArray(env->context, 3, (JSValueConst *)values, JS_TYPED_ARRAY_UINT8),
              out);
}

/* The width of an element; 0 where it is no typed array. */
static size_t width_of(napi_env env, JSValueConst value, JSValue *buffer, size_t *offset,
                       size_t *size) {
  size_t width = 0;
  *buffer = JS_IsObject(value) ? JS_GetTypedArrayBuffer(env->context, value, offset, size, &width)
                               : JS_UNDEFINED;
  if (JS_IsException(*buffer)) {
    JS_FreeValue(env->context, JS_GetException(env->context));
    *buffer = JS_UNDEFINED;
    return 0;
  }
  return width;
}

napi_status napi_is_typedarray(napi_env env, napi_value value, bool *out) {
  JSValue buffer;
  size_t offset, size;
  *out = width_of(env, value_of(value), &buffer, &offset, &size) > 0;
  JS_FreeValue(env->context, buffer);
  return status(env, napi_ok);
}

napi_status napi_get_typedarray_info(napi_env env, napi_value value, napi_typedarray_type *type,
                                     size_t *length, void **data, napi_value *buffer_out,
                                     size_t *offset_out) {
  JSValue buffer;
  size_t offset, size, whole;
  const size_t width = width_of(env, value_of(value), &buffer, &offset, &size);
  if (width == 0)
    return status(env, napi_invalid_arg);
  uint8_t *bytes = JS_GetArrayBuffer(env->context, &whole, buffer);
  if (type)
    *type = width == 1 ? napi_uint8_array : width == 4 ? napi_uint32_array : napi_float64_array;
  if (length)
    *length = size / width;
  if (data)
    *data = bytes ? bytes + offset : NULL;
  if (offset_out)
    *offset_out = offset;
  if (buffer_out)
    return give(env, buffer, buffer_out);
  JS_FreeValue(env->context, buffer);
  return status(env, napi_ok);
}

/* Promises */

struct napi_deferred__ {
  JSValue functions[2]; /* resolve, reject */
};

napi_status napi_create_promise(napi_env env, napi_deferred *deferred, napi_value *out) {
  *deferred = malloc(sizeof **deferred);
  if (!*deferred)
    out_of_memory();
  return give(env, JS_NewPromiseCapability(env->context, (*deferred)->functions), out);
}

static napi_status settle(napi_env env, napi_deferred deferred, int function, napi_value value) {
  JSValueConst resolution = value_of(value);
  JSValue got = JS_Call(env->context, deferred->functions[function], JS_UNDEFINED, 1, &resolution);
  for (int i = 0; i < 2; i++)
    JS_FreeValue(env->context, deferred->functions[i]);
  free(deferred);
  JS_FreeValue(env->context, got);
  return done(env, JS_IsException(got) ? -1 : 0);
}

napi_status napi_resolve_deferred(napi_env env, napi_deferred deferred, napi_value value) {
  return settle(env, deferred, 0, value);
}

napi_status napi_reject_deferred(napi_env env, napi_deferred deferred, napi_value value) {
  return settle(env, deferred, 1, value);
}

/* Work for another thread: a command makes one run and has nothing to do meanwhile, so it is done
 * at once. The promise is fulfilled before its caller has it, which no caller can tell. */

struct napi_async_work__ {
  napi_async_execute_callback execute;
  napi_async_complete_callback complete;
  void *data;
};

napi_status napi_create_async_work(napi_env env, napi_value resource, napi_value name,
                                   napi_async_execute_callback execute,
                                   napi_async_complete_callback complete, void *data,
                                   napi_async_work *out) {
  (void)resource, (void)name;
  *out = malloc(sizeof **out);
  if (!*out)
    out_of_memory();
  **out = (struct napi_async_work__){execute, complete, data};
  return status(env, napi_ok);
}

napi_status napi_queue_async_work(napi_env env, napi_async_work work) {
  const napi_async_complete_callback complete = work->complete;
  void *const data = work->data;
  work->execute(env, data);
  complete(env, napi_ok, data); /* which deletes it */
  return status(env, napi_ok);
}

napi_status napi_delete_async_work(napi_env env, napi_async_work work) {
  free(work);
  return status(env, napi_ok);
}

/* The environment ends with the process, and so does what a hook would end. */
napi_status napi_add_env_cleanup_hook(napi_env env, napi_cleanup_hook hook, void *data) {
  (void)hook, (void)data;
  return status(env, napi_ok);
}

napi_status napi_remove_env_cleanup_hook(napi_env env, napi_cleanup_hook hook, void *data) {
  (void)hook, (void)data;
  return status(env, napi_ok);
}

/* The addon's module, as process.dlopen gives it. */

napi_value napi_register_module_v1(napi_env env, napi_value exports);

JSValue load_addon(JSContext *context) {
  env_of_process.context = context;
  const size_t before = handles.count;
  const napi_value exports = handle(JS_NewObject(context));
  napi_register_module_v1(&env_of_process, exports);
  JSValue out = JS_HasException(context) ? JS_EXCEPTION : JS_DupValue(context, value_of(exports));
  cut_back(context, before);
  return out;
}
