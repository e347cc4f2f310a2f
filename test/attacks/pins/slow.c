/*
 * The test pins.test.ts links this around the functions of addon/supervisor/pin.h: each of them
 * waits first, as if the payload had held it up, so that a caller can be gone by then; and if it
 * is, until a process of the host has its number (race.c makes it: FOLDER/orders). For the real
 * pins and for the weakened ones (by_number.c) alike.
 */
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "../../../addon/supervisor/pin.h"

#define WAIT_US 300
#define REUSE_MS 100 /* at most */

/* Waits until the process that gets this number says so. */
static void order(int32_t number) {
  const int orders = open(FOLDER "/orders", O_RDWR | O_CLOEXEC);
  const int answers = open(FOLDER "/ready", O_RDWR | O_CLOEXEC);
  struct pollfd wait = {answers, POLLIN, 0};
  int32_t ready = 0;
  if (write(orders, &number, sizeof number) == sizeof number)
    while (ready != number && poll(&wait, 1, REUSE_MS) == 1)
      if (read(answers, &ready, sizeof ready) != sizeof ready)
        break;
  close(answers);
  close(orders);
}

/* Once for a call: what its later steps act on has been reused by then. */
static void wait_for_reuse(const struct wb_pin *caller) {
  static uint64_t waited;
  if (wb_pin_stands(caller) || waited == caller->call->id)
    return;
  waited = caller->call->id;
  order((int32_t)caller->call->pid);
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
SLOW(int, wb_pin_pidfd, (struct wb_pin * caller), (caller))
SLOW(ssize_t, wb_pin_text, (struct wb_pin * caller, const char *name, char *out, size_t size),
     (caller, name, out, size))
