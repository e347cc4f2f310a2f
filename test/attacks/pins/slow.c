/*
 * The test pins.test.ts links this around the functions of addon/supervisor/pin.h: each of them
 * waits first, as if the payload had held it up, so that a caller can be gone by then; and if it
 * is, for as long as its number may take to be another process's. For the real pins and for the
 * weakened ones (by_number.c) alike.
 */
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "../../../addon/supervisor/pin.h"

#ifndef WAIT_US
#define WAIT_US 5000
#endif
#ifndef REUSE_MS
#define REUSE_MS 100
#endif

/* Once for a call: what its later steps act on has been reused by then. */
static void wait_for_reuse(const struct wb_pin *caller) {
  static uint64_t waited;
  if (wb_pin_stands(caller) || waited == caller->call->id)
    return;
  waited = caller->call->id;
  poll(NULL, 0, REUSE_MS);
}

#define SLOW(type, name, parameters, arguments)                                                    \
  type __real_##name parameters;                                                                   \
  type __wrap_##name parameters;                                                                   \
  type __wrap_##name parameters {                                                                  \
    usleep(WAIT_US);                                                                               \
    wait_for_reuse(caller);                                                                        \
    return __real_##name arguments;                                                                \
  }

SLOW(size_t, wb_pin_copy, (struct wb_pin * caller, uint64_t address, void *out, size_t size),
     (caller, address, out, size))
SLOW(size_t, wb_pin_write,
     (struct wb_pin * caller, uint64_t address, const void *bytes, size_t size),
     (caller, address, bytes, size))
SLOW(int, wb_pin_take, (struct wb_pin * caller, int number), (caller, number))
SLOW(ssize_t, wb_pin_text, (struct wb_pin * caller, const char *name, char *out, size_t size),
     (caller, name, out, size))
