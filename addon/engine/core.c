/*
 * The policy core in the engine: dist/wasbox-core.wasm, the bytes that Node and browsers load,
 * which build.mjs turns into C with wasm2c. This file has the runtime that this C calls
 * (wasm-rt.h), and of JavaScript's WebAssembly what src/core/load.ts uses: one module, which is
 * linked in, and one instance of it at a time.
 *
 * The module is as contained as elsewhere: it reaches its own memory, its table of functions and
 * three functions of its host in JavaScript. An access beyond its memory, calls that nest too deep
 * or memory that cannot grow are traps: the call that came to one throws, and src/core/marshal.ts
 * takes a new instance.
 */
#include <errno.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>

#include "core_module.h" /* made by wasm2c */
#include "engine.h"

/* Policies that are as entangled as the core's limits allow need less than half of it. */
#define MEMORY_MAX ((uint64_t)512 << 20)
#define PAGE ((uint64_t)1 << 16)
#define PAGES_MAX (MEMORY_MAX / PAGE)
#define TABLE_MAX 64
#define ARGUMENTS_MAX 8

/* The module imports from this; wasm2c declares it. */
struct w2c_wasi__snapshot__preview1 {
  JSContext *context;
  JSValue functions;
};

static struct w2c_wasi__snapshot__preview1 host;
static w2c_core core;
/* It stays where it is: views of JavaScript's on it never end up elsewhere. */
static uint8_t *memory;

/* --- traps ---------------------------------------------------------------------------------------
 */

#define HOST_FAILED (-1) /* with an exception pending */

/* The innermost call of the module leaves to here. */
static jmp_buf *leave;
static int why_left;
uint32_t wasm_rt_call_stack_depth;

static _Noreturn void leave_module(int why) {
  why_left = why;
  longjmp(*leave, 1);
}

void wasm_rt_trap(wasm_rt_trap_t why) {
  leave_module((int)why);
}

static JSValue throw_trap(JSContext *context) {
  static const char *const texts[] = {
      [WASM_RT_TRAP_OOB] = "memory access out of bounds",
      [WASM_RT_TRAP_INT_OVERFLOW] = "integer overflow",
      [WASM_RT_TRAP_DIV_BY_ZERO] = "divide by zero",
      [WASM_RT_TRAP_INVALID_CONVERSION] = "invalid conversion to integer",
      [WASM_RT_TRAP_UNREACHABLE] = "unreachable",
      [WASM_RT_TRAP_CALL_INDIRECT] = "null function or function signature mismatch",
      [WASM_RT_TRAP_EXHAUSTION] = "call stack exhausted",
  };
  return why_left == HOST_FAILED ? JS_EXCEPTION
                                 : JS_ThrowInternalError(context, "%s", texts[why_left]);
}

/* core_exports.h has a line EXPORT(NAME, COUNT OF ARGUMENTS, CALL) for each function of the module.
 */
enum function {
#define EXPORT(name, count, call) OF_##name,
#include "core_exports.h"
#undef EXPORT
  INSTANTIATE,
};

static uint32_t call(enum function function, const uint32_t *a) {
  switch (function) {
#define EXPORT(name, count, call)                                                                  \
  case OF_##name:                                                                                  \
    return call;
#include "core_exports.h"
#undef EXPORT
  case INSTANTIATE:
    wasm2c_core_instantiate(&core, &host);
  }
  return 0;
}

/* Returns what the module's function does, or the exception of a trap. */
static JSValue guarded(JSContext *context, enum function function, const uint32_t *arguments) {
  jmp_buf here, *const outer = leave;
  const uint32_t depth = wasm_rt_call_stack_depth;
  JSValue result;
  host.context = context;
  leave = &here;
  if (setjmp(here) == 0)
    result = JS_NewInt32(context, (int32_t)call(function, arguments));
  else
    result = throw_trap(context);
  leave = outer;
  wasm_rt_call_stack_depth = depth;
  return result;
}

/* --- memory and table ----------------------------------------------------------------------------
 */

/* Gives an instance memory of zeros, in place of what the one before it had. */
void wasm_rt_allocate_memory(wasm_rt_memory_t *own, uint64_t pages, uint64_t most, bool is64,
                             uint32_t page) {
  (void)is64, (void)page;
  *own = (wasm_rt_memory_t){memory, .most = most < PAGES_MAX ? most : PAGES_MAX};
  if (madvise(memory, MEMORY_MAX, MADV_DONTNEED) < 0 || wasm_rt_grow_memory(own, pages) != 0)
    wasm_rt_trap(WASM_RT_TRAP_OOB);
}

uint64_t wasm_rt_grow_memory(wasm_rt_memory_t *own, uint64_t pages) {
  const uint64_t before = own->pages;
  if (pages > own->most - before)
    return (uint64_t)-1;
  own->pages += pages;
  own->size = own->pages * PAGE;
  return before;
}

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table, uint32_t size, uint32_t most) {
  static wasm_rt_funcref_t functions[TABLE_MAX];
  (void)most;
  if (size > TABLE_MAX)
    wasm_rt_trap(WASM_RT_TRAP_CALL_INDIRECT);
  memset(functions, 0, sizeof functions);
  *table = (wasm_rt_funcref_table_t){functions, size};
}

/* --- the host's functions ------------------------------------------------------------------------
 */

/* Takes over the values. */
static u32 ask(struct w2c_wasi__snapshot__preview1 *of, const char *name, int count,
               JSValue *values) {
  JSValue function = JS_GetPropertyStr(of->context, of->functions, name);
  JSValue got = JS_Call(of->context, function, JS_UNDEFINED, count, (JSValueConst *)values);
  JS_FreeValue(of->context, function);
  for (int i = 0; i < count; i++)
    JS_FreeValue(of->context, values[i]);
  u32 result;
  if (JS_IsException(got) || JS_ToUint32(of->context, &result, got) < 0)
    leave_module(HOST_FAILED);
  return result;
}

#define WORD(value) JS_NewUint32(of->context, value)
#define LONG(value) JS_NewBigUint64(of->context, value)
#define ASK(name, ...)                                                                             \
  ask(of, name, (int)(sizeof (JSValue[]){__VA_ARGS__} / sizeof(JSValue)), (JSValue[]){__VA_ARGS__})

u32 w2c_wasi__snapshot__preview1_fd_close(struct w2c_wasi__snapshot__preview1 *of, u32 fd) {
  return ASK("fd_close", WORD(fd));
}

u32 w2c_wasi__snapshot__preview1_fd_read(struct w2c_wasi__snapshot__preview1 *of, u32 fd, u32 rooms,
                                         u32 count, u32 got) {
  return ASK("fd_read", WORD(fd), WORD(rooms), WORD(count), WORD(got));
}

u32 w2c_wasi__snapshot__preview1_path_open(struct w2c_wasi__snapshot__preview1 *of, u32 fd,
                                           u32 lookup, u32 path, u32 size, u32 how, u64 rights,
                                           u64 inherited, u32 flags, u32 opened) {
  return ASK("path_open", WORD(fd), WORD(lookup), WORD(path), WORD(size), WORD(how), LONG(rights),
             LONG(inherited), WORD(flags), WORD(opened));
}

/* --- for TypeScript ------------------------------------------------------------------------------
 */

static JSValue call_export(JSContext *context, JSValueConst self, int count, JSValueConst *values,
                           int which) {
  (void)self;
  uint32_t arguments[ARGUMENTS_MAX] = {0};
  for (int i = 0; i < count && i < ARGUMENTS_MAX; i++)
    if (JS_ToUint32(context, &arguments[i], values[i]) < 0)
      return JS_EXCEPTION;
  return guarded(context, (enum function)which, arguments);
}

/* A view of the memory as far as it has grown. */
static JSValue memory_buffer(JSContext *context, JSValueConst self) {
  (void)self;
  return JS_NewArrayBuffer(context, memory, core.w2c_memory.size, NULL, NULL, 0);
}

#define EXPORT(name, count, call) _Static_assert(count <= ARGUMENTS_MAX, #name);
#include "core_exports.h"
#undef EXPORT

static const JSCFunctionListEntry exports[] = {
#define EXPORT(name, count, call) JS_CFUNC_MAGIC_DEF(#name, count, call_export, OF_##name),
#include "core_exports.h"
#undef EXPORT
};

static const JSCFunctionListEntry memory_properties[] = {
    JS_CGETSET_DEF("buffer", memory_buffer, NULL),
};

/* Throws an error for src/core/marshal.ts, which says what to do. */
static JSValue throw_errno(JSContext *context, int error) {
  JSValue thrown = JS_NewError(context);
  JS_SetPropertyStr(context, thrown, "code", JS_NewString(context, error_name(error)));
  return JS_Throw(context, thrown);
}

/* new Instance(MODULE, IMPORTS): the next instance, in the place of the one before. */
static JSValue new_instance(JSContext *context, JSValueConst self, int count,
                            JSValueConst *values) {
  (void)self, (void)count;
  if (!memory) {
    void *const got = mmap(NULL, MEMORY_MAX, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED)
      return throw_errno(context, errno);
    memory = got;
  }
  JS_FreeValue(context, host.functions);
  host.functions = JS_GetPropertyStr(context, values[1], "wasi_snapshot_preview1");
  if (JS_IsException(host.functions) || JS_IsException(guarded(context, INSTANTIATE, NULL)))
    return JS_EXCEPTION;
  JSValue instance = JS_NewObject(context), all = JS_NewObject(context);
  JSValue view = JS_NewObject(context);
  JS_SetPropertyFunctionList(context, view, memory_properties, 1);
  JS_SetPropertyFunctionList(context, all, exports, sizeof exports / sizeof *exports);
  JS_SetPropertyStr(context, all, "memory", view);
  JS_SetPropertyStr(context, instance, "exports", all);
  return instance;
}

void add_core(JSContext *context, JSValueConst global) {
  JSValue api = JS_NewObject(context);
  JS_SetPropertyStr(context, api, "linked", JS_NewObject(context));
  JS_SetPropertyStr(
      context, api, "Instance",
      JS_NewCFunction2(context, new_instance, "Instance", 2, JS_CFUNC_constructor, 0));
  JS_SetPropertyStr(context, global, "WebAssembly", api);
}
