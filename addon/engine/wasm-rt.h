/*
 * Declares the runtime that C made by wasm2c includes under this name: what a module's memory and
 * table are, and what a trap does. core.c has the functions. Every access is compared with the
 * memory's size, so that no trap takes a signal.
 */
#ifndef WASBOX_WASM_RT_H
#define WASBOX_WASM_RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define wasm_rt_memcpy memcpy

#define WABT_BIG_ENDIAN 0
#define WASM_RT_USE_SEGUE 0
#define WASM_RT_MEMCHECK_GUARD_PAGES 0

/* Calls nest at most so deep: the core comes to some 1,200 (MAX_DEPTH in normalize.c). Each takes
 * less than 1 KiB of the stack (build.mjs), of which the engine has 8 MiB. */
#define WASM_RT_STACK_DEPTH_COUNT 1
#define WASM_RT_MAX_CALL_STACK_DEPTH 3000
extern uint32_t wasm_rt_call_stack_depth;

typedef enum { WASM_RT_I32, WASM_RT_I64, WASM_RT_F32, WASM_RT_F64 } wasm_rt_type_t;

typedef enum {
  WASM_RT_TRAP_OOB,
  WASM_RT_TRAP_INT_OVERFLOW,
  WASM_RT_TRAP_DIV_BY_ZERO,
  WASM_RT_TRAP_INVALID_CONVERSION,
  WASM_RT_TRAP_UNREACHABLE,
  WASM_RT_TRAP_CALL_INDIRECT,
  WASM_RT_TRAP_EXHAUSTION,
} wasm_rt_trap_t;

/* Leaves the module's functions for the caller of one. */
_Noreturn void wasm_rt_trap(wasm_rt_trap_t why);

typedef struct {
  uint8_t *data;
  uint64_t size, pages, most; /* in bytes, in pages, and how many pages it may get */
} wasm_rt_memory_t;

void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint64_t pages, uint64_t most, bool is64,
                             uint32_t page);
/* The size in pages until then; -1 where it cannot grow. */
uint64_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint64_t pages);
static inline void wasm_rt_free_memory(wasm_rt_memory_t *memory) {
  (void)memory; /* the next instance has the same one */
}

typedef void (*wasm_rt_function_ptr_t)(void);
typedef const char *wasm_rt_func_type_t;

typedef struct wasm_rt_tailcallee_t {
  void (*fn)(void **instance, void *stack, struct wasm_rt_tailcallee_t *next);
} wasm_rt_tailcallee_t;

typedef struct {
  wasm_rt_func_type_t func_type;
  wasm_rt_function_ptr_t func;
  wasm_rt_tailcallee_t func_tailcallee;
  void *module_instance;
} wasm_rt_funcref_t;
#define wasm_rt_funcref_null_value ((wasm_rt_funcref_t){0})

typedef struct {
  wasm_rt_funcref_t *data;
  uint32_t size;
} wasm_rt_funcref_table_t;

void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table, uint32_t size, uint32_t most);
static inline void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table) {
  (void)table;
}

/* A module of C has none of these; wasm2c's functions for them are left out by the compiler. */
typedef void *wasm_rt_externref_t;
#define wasm_rt_externref_null_value NULL
typedef struct {
  wasm_rt_externref_t *data;
  uint32_t size;
} wasm_rt_externref_table_t;

static inline bool wasm_rt_is_initialized(void) {
  return true;
}

#endif
