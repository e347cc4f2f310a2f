/*
 * What pins.test.ts links around the functions of addon/supervisor/pin.h: each of them waits first,
 * as if the payload had held it up, so that a caller can be gone by then; and if it is, for as long
 * as its number may take to be another process's. For the real pins and for the weakened ones
 * (by_number.c) alike.
 */
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct wb_pin;
int wb_pin_stands(const struct wb_pin *caller);

#define WAIT_MS 5
#define REUSE_MS 100

#define SLOW(type, name, parameters, arguments)                                                    \
  type __real_##name parameters;                                                                   \
  type __wrap_##name parameters;                                                                   \
  type __wrap_##name parameters {                                                                  \
    poll(NULL, 0, WAIT_MS);                                                                        \
    if (!wb_pin_stands(caller))                                                                    \
      poll(NULL, 0, REUSE_MS);                                                                     \
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
