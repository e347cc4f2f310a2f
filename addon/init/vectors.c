/* Vectors of strings, and the time: what the payload and the programs of a session both start with.
 */
#include <linux/errno.h>
#include <linux/time.h>

#include "init.h"

char **relocate(void *base, uint32_t offset, uint32_t count) {
  uint64_t *vector = (uint64_t *)(void *)((char *)base + offset);
  for (uint32_t i = 0; i < count; i++)
    vector[i] += (uint64_t)(uintptr_t)base;
  return (char **)vector;
}

char **with_words(char **vector, uint32_t count, char *words, const char *end) {
  static char *whole[WB_ARGS_MAX];
  if (words == end)
    return vector;
  for (uint32_t i = 0; i < count && i < WB_ARGS_MAX; i++)
    whole[i] = vector[i];
  for (; words < end && count < WB_ARGS_MAX; words += str_len(words) + 1)
    whole[count++] = words;
  if (count >= WB_ARGS_MAX)
    die(WB_STEP_PLAN, EINVAL, NULL);
  return whole;
}

uint64_t now_ns(void) {
  struct __kernel_timespec time = {0, 0};
  sys2(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}
