/*
 * How often programs make each system call, as measured (weights.txt). Called by the code
 * generator, which tests the frequent numbers first.
 */
#include "tables.h"

#include "blob.h"
#include "weights.generated.h"

uint32_t wb_syscall_weight(int id) {
  const uint8_t *at = wb_blob_weights;
  int listed = 0;
  for (int i = 0; i < WB_WEIGHT_COUNT; i++) {
    listed += (int)wb_blob_unsigned(&at);
    uint32_t weight = (uint32_t)wb_blob_unsigned(&at);
    if (listed == id)
      return weight;
  }
  return 1;
}
