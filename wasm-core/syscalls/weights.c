/*
 * How often programs make each system call, as measured (weights.txt). Called by the code
 * generator, which tests the frequent numbers first.
 */
#include <stdbool.h>

#include "tables.h"

#include "blob.h"
#include "syscalls.generated.h"
#include "weights.generated.h"

/* The weights by call id; 0: not decoded, or not listed. */
static uint32_t weights[WB_CALL_COUNT];

uint32_t wb_syscall_weight(int id) {
  static bool decoded;
  const uint8_t *at = wb_blob_weights;
  for (int i = 0, listed = 0; i < WB_WEIGHT_COUNT && !decoded; i++) {
    listed += (int)wb_blob_unsigned(&at);
    weights[listed] = (uint32_t)wb_blob_unsigned(&at);
  }
  decoded = true;
  return weights[id] == 0 ? 1 : weights[id];
}
