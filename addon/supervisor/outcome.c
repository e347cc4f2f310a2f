/*
 * A result as one record with its tables behind it. Called by the addon and by the native command,
 * which hand the bytes to TypeScript (src/native/decode/outcome.ts).
 */
#include <string.h>

#include "audit.h"
#include "network.h"
#include "outcome.h"

/* Writes what follows the structure, piece by piece. */
struct writer {
  struct wb_outcome *outcome;
  struct iovec *parts;
  unsigned count;
};

/* Appends a table; `offset` and `size` are its fields in the structure. */
static void add(struct writer *to, uint32_t *offset, uint32_t *size, const void *bytes, size_t n) {
  *offset = to->outcome->size;
  *size = (uint32_t)n;
  to->outcome->size += (uint32_t)n;
  if (n > 0)
    to->parts[to->count++] = (struct iovec){(void *)(uintptr_t)bytes, n};
}

static void add_audit(struct writer *to, const struct wb_audit *audit) {
  struct wb_outcome *out = to->outcome;
  add(to, &out->audit_totals, &out->audit_totals_size, &audit->totals, sizeof audit->totals);
  add(to, &out->audit_counts, &out->audit_counts_size, audit->counts, sizeof audit->counts);
  add(to, &out->audit_processes, &out->audit_processes_size, audit->process,
      audit->processes * sizeof *audit->process);
  add(to, &out->audit_entries, &out->audit_entries_size, audit->entry,
      audit->entries * sizeof *audit->entry);
  add(to, &out->audit_values, &out->audit_values_size, audit->value,
      audit->values * sizeof *audit->value);
  add(to, &out->audit_texts, &out->audit_texts_size, audit->text, audit->texts);
}

static void add_destinations(struct writer *to, const struct wb_network *network) {
  struct wb_outcome *out = to->outcome;
  const unsigned char *bytes = NULL;
  const size_t size = network->destinations(network, &bytes, &out->destinations_dropped);
  add(to, &out->destinations, &out->destinations_size, bytes, size);
  out->udp_error = network->udp_error(network);
}

void wb_result_failed(struct wb_result *result, const struct wb_failure *failure) {
  memset(result, 0, sizeof *result);
  result->outcome.kind = WB_SETUP_FAILED;
  result->outcome.exit_code = -1;
  result->failure = *failure;
}

unsigned wb_outcome_record(struct wb_result *result, const struct wb_tables *tables,
                           struct iovec parts[WB_OUTCOME_PARTS]) {
  struct wb_outcome *out = &result->outcome;
  out->magic = WB_OUTCOME_MAGIC;
  out->version = WB_WIRE_VERSION;
  out->size = sizeof *out;
  out->step = result->failure.step;
  out->error = result->failure.error;
  parts[0] = (struct iovec){out, sizeof *out};
  struct writer to = {out, parts, 1};
  add(&to, &out->path, &out->path_size, result->failure.path, strlen(result->failure.path));
  add(&to, &out->usage, &out->usage_size, &result->usage, sizeof result->usage);
  out->home_files = result->home.files;
  add(&to, &out->home, &out->home_size, result->home.text, result->home.used);
  const size_t tail = out->exit_code > 0 ? wb_tail_order(&result->tail) : 0;
  add(&to, &out->tail, &out->tail_size, result->tail.bytes, tail);
  const struct wb_refusals *refusals = tables->refusals;
  if (refusals) {
    out->refusals_total = refusals->total;
    out->refusals_dropped = refusals->dropped;
    add(&to, &out->refusals, &out->refusals_size, refusals->entries,
        refusals->used * sizeof *refusals->entries);
  }
  if (tables->network)
    add_destinations(&to, tables->network);
  if (tables->audit)
    add_audit(&to, tables->audit);
  return to.count;
}
