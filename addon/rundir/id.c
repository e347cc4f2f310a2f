/*
 * See rundir.h. Seven digits of base 32 (Crockford's, so no i, l, o, u) count sixteenths of a
 * second since 2026; two more are random. mkdir(2) or rename(2) makes an id unique: one that exists
 * is drawn again. src/changes/store/id.ts recognises ids.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rundir.h"

/* 2026-01-01T00:00:00Z */
#define EPOCH_MS 1767225600000ull
#define TICKS_A_SECOND 16
#define TIME_DIGITS 7

/* Begins like the hexadecimal digits. */
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

static int is_digit(char character) {
  for (const char *digit = alphabet; *digit; digit++)
    if (*digit == character)
      return 1;
  return 0;
}

int wb_is_run_id(const char *name) {
  int size = 0;
  while (size < WB_RUN_ID && is_digit(name[size]))
    size++;
  return size == WB_RUN_ID && !name[size];
}

void wb_put_digits(char *out, uint64_t number, unsigned base, int count) {
  while (count-- > 0) {
    out[count] = alphabet[number % base];
    number /= base;
  }
}

int wb_choose_id(int state, uint64_t started_ms, char id[WB_RUN_ID + 1]) {
  const uint64_t since = started_ms > EPOCH_MS ? started_ms - EPOCH_MS : 0;
  char saved[] = "saved/.........";
  uint16_t random;
  wb_put_digits(id, since * TICKS_A_SECOND / 1000, 32, TIME_DIGITS);
  id[WB_RUN_ID] = 0;
  do {
    if (syscall(SYS_getrandom, &random, sizeof random, 0) != sizeof random)
      return -1;
    wb_put_digits(id + TIME_DIGITS, random % 1024, 32, WB_RUN_ID - TIME_DIGITS);
    memcpy(saved + sizeof "saved/" - 1, id, WB_RUN_ID);
  } while (syscall(SYS_faccessat, state, saved, 0) == 0);
  return 0;
}
