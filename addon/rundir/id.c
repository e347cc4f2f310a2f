/*
 * See rundir.h. Seven digits of base 32 (Crockford's, so no i, l, o, u) count sixteenths of a
 * second since 2026; two more are random. mkdir(2) or rename(2) makes an id unique: one that exists
 * is drawn again. src/changes/store/id.ts recognises ids.
 *
 * The file `clock` of the state directory has the highest count so far: the next id is higher, even
 * if the clock was set back. Without it, ids follow the clock alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
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

#define TICKS_MAX (((uint64_t)1 << 5 * TIME_DIGITS) - 1)

/* The count that digits of base 32 stand for; 0 where they are none. */
static uint64_t count_of(const char *digits) {
  uint64_t count = 0;
  for (int i = 0; i < TIME_DIGITS; i++) {
    const char *digit = alphabet;
    while (*digit && *digit != digits[i])
      digit++;
    if (!*digit)
      return 0;
    count = count * 32 + (uint64_t)(digit - alphabet);
  }
  return count;
}

/* The next count, at least as high as the clock's. A count that no clock of this century has is
 * damage. */
static uint64_t next_count(int state, uint64_t clock) {
  char digits[TIME_DIGITS] = {0};
  const int fd = wb_open_beneath(state, "clock", O_RDWR | O_CREAT, 0600);
  if (fd < 0)
    return clock;
  const long n = syscall(SYS_pread64, fd, digits, sizeof digits, 0);
  const uint64_t last = n == sizeof digits ? count_of(digits) : 0;
  const uint64_t next = last >= clock && last < TICKS_MAX ? last + 1 : clock;
  wb_put_digits(digits, next, 32, TIME_DIGITS);
  syscall(SYS_pwrite64, fd, digits, sizeof digits, 0);
  close(fd);
  return next;
}

int wb_choose_id(int state, uint64_t started_ms, char id[WB_RUN_ID + 1]) {
  const uint64_t since = started_ms > EPOCH_MS ? started_ms - EPOCH_MS : 0;
  const uint64_t clock = since * TICKS_A_SECOND / 1000;
  char saved[] = "saved/.........";
  uint16_t random;
  /* A run that is over needs no order. */
  wb_put_digits(id, started_ms ? next_count(state, clock) : 0, 32, TIME_DIGITS);
  id[WB_RUN_ID] = 0;
  do {
    if (syscall(SYS_getrandom, &random, sizeof random, 0) != sizeof random)
      return -1;
    wb_put_digits(id + TIME_DIGITS, random % 1024, 32, WB_RUN_ID - TIME_DIGITS);
    memcpy(saved + sizeof "saved/" - 1, id, WB_RUN_ID);
  } while (syscall(SYS_faccessat, state, saved, 0) == 0);
  return 0;
}
