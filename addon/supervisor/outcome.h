/* How a run ended, and that as one record. */
#ifndef WASBOX_OUTCOME_H
#define WASBOX_OUTCOME_H

#include <sys/uio.h>

#include "../records.h"
#include "home.h"
#include "notify.h"
#include "tail.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A step that failed: errno and the path it was about ("" where there is none). */
struct wb_failure {
  uint32_t step; /* WB_STEP_*, 0 while nothing failed */
  int error;
  char path[WB_EVENT_PATH_MAX + 1];
};

struct wb_result {
  struct wb_outcome outcome; /* but for what wb_outcome_record fills in: failed step and tables */
  struct wb_failure failure;
  struct wb_usage usage;
  struct wb_home home;
  struct wb_tail tail; /* of what passed through; the last field, which is not cleared */
};

/* The tables that were recorded during the run; NULL for each table that it has not. Borrowed. */
struct wb_tables {
  const struct wb_refusals *refusals;
  const struct wb_audit *audit;
  const struct wb_network *network;
};

/* The result of a run that could not be started. */
void wb_result_failed(struct wb_result *result, const struct wb_failure *failure);

#define WB_OUTCOME_PARTS 13

/* The record in pieces that stand one after the other, result->outcome.size bytes in all; returns
 * how many there are. They point into `result` and `tables`. */
unsigned wb_outcome_record(struct wb_result *result, const struct wb_tables *tables,
                           struct iovec parts[WB_OUTCOME_PARTS]);

#ifdef __cplusplus
}
#endif
#endif
