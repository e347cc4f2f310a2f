/*
 * Asks the host again what resolving asked it, and compares the answers. Called by entry.c for the
 * variables and by start.c. An unknown question or a different answer sends the run to the engine.
 */
#include <string.h>

#include "../reads_check.h"
#include "fastpath.h"

static int bytes_agree(const struct wb_entry *entry, const struct wb_recorded_read *recorded,
                       const char *bytes, size_t size) {
  return recorded->present && recorded->answer_size == size &&
         memcmp(entry_at(entry, recorded->answer), bytes, size) == 0;
}

static int variable_agrees(const struct wb_entry *entry, const struct wb_recorded_read *recorded,
                           const char *name, char *const *envp) {
  const char *value = variable(envp, name);
  return value ? bytes_agree(entry, recorded, value, strlen(value)) : !recorded->present;
}

static int cwd_agrees(const struct wb_entry *entry, const struct wb_recorded_read *recorded) {
  static char path[WB_PATH_MAX + 1];
  long n = sys2(__NR_getcwd, path, WB_PATH_MAX);
  return n > 0 && bytes_agree(entry, recorded, path, (size_t)n - 1);
}

static int stream_agrees(const struct wb_recorded_read *recorded) {
  uint32_t kind;
  return stream_kind((int)recorded->limit, &kind) == 0 && kind == recorded->mode;
}

#define LANDLOCK_CREATE_RULESET_VERSION 1

static int landlock_agrees(const struct wb_recorded_read *recorded) {
  const long abi = sys3(__NR_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return recorded->limit == (abi < 0 ? 0 : (uint32_t)abi);
}

static const struct wb_recorded_read *reads_of(const struct wb_entry *entry) {
  return wb_reads_at((const char *)entry, entry->recorded_reads);
}

int recorded_variables_agree(const struct wb_entry *entry, char *const *envp) {
  const struct wb_recorded_read *recorded = reads_of(entry);
  for (uint32_t i = 0; i < entry->recorded_read_count; i++, recorded++)
    if (recorded->kind == WB_RECORDED_ENV &&
        !variable_agrees(entry, recorded, entry_at(entry, recorded->subject), envp))
      return 0;
  return 1;
}

/* Returns whether namespaces are refused as before. If they are available by now, or fail only
 * later, the engine tries everything that they need. */
static int namespaces_agree(const struct wb_recorded_read *recorded) {
  const int error = wb_user_namespace_error();
  return error && recorded->limit == (uint32_t)error;
}

int recorded_reads_agree(const struct wb_entry *entry) {
  static struct wb_reads reads;
  const struct wb_recorded_read *recorded = reads_of(entry);
  reads.base = (const char *)entry;
  for (uint32_t i = 0; i < entry->recorded_read_count; i++, recorded++) {
    int agree = 0;
    switch (recorded->kind) {
    case WB_RECORDED_ENV: /* recorded_variables_agree */
      agree = 1;
      break;
    case WB_RECORDED_CWD:
      agree = cwd_agrees(entry, recorded);
      break;
    case WB_RECORDED_STREAM:
      agree = stream_agrees(recorded);
      break;
    case WB_RECORDED_LANDLOCK:
      agree = landlock_agrees(recorded);
      break;
    case WB_RECORDED_NAMESPACES:
      agree = namespaces_agree(recorded);
      break;
    default:
      agree = wb_read_agrees(&reads, recorded);
      break;
    }
    if (!agree)
      return 0;
  }
  return 1;
}
