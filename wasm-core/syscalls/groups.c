/*
 * Groups of system calls (systemd's sets and a few of our own). Called through tables.h by
 * resolve, and by `wasbox policy groups`.
 */
#include "tables.h"

#include "blob.h"
#include "groups.generated.h"

const char *wb_group_name(int group) {
  if (group < 0 || group >= WB_GROUP_COUNT)
    return NULL;
  const char *at = wb_group_names;
  while (group-- > 0)
    at += strlen(at) + 1;
  return at;
}

int wb_group_count(void) {
  return WB_GROUP_COUNT;
}

int wb_group_by_name(const char *name, size_t len) {
  for (int group = 0; group < WB_GROUP_COUNT; group++) {
    if (wb_blob_equal(wb_group_name(group), name, len))
      return group;
  }
  return -1;
}

/* Stands at the subgroups of `group`. */
static const uint8_t *stream_of(int group) {
  const uint8_t *at = wb_blob_groups;
  for (; group > 0; group--) {
    for (int list = 0; list < 2; list++) {
      for (uint64_t left = wb_blob_unsigned(&at); left > 0; left--)
        wb_blob_unsigned(&at);
    }
  }
  return at;
}

/* Marks the group and everything below it; the generated sets contain no cycle, and `seen` would
 * end one. */
static void mark(int group, uint8_t *seen, uint8_t *calls) {
  if (seen[group])
    return;
  seen[group] = 1;
  const uint8_t *at = stream_of(group);
  for (uint64_t left = wb_blob_unsigned(&at); left > 0; left--)
    mark((int)wb_blob_unsigned(&at), seen, calls);
  int id = 0;
  for (uint64_t left = wb_blob_unsigned(&at); left > 0; left--) {
    id += (int)wb_blob_unsigned(&at);
    calls[id] = 1;
  }
}

int wb_group_members(int group, int *out, int max) {
  uint8_t seen[WB_GROUP_COUNT] = {0};
  static uint8_t calls[1024]; /* at least wb_syscall_count() */
  if (group < 0 || group >= WB_GROUP_COUNT)
    return 0;
  int total = wb_syscall_count();
  memset(calls, 0, sizeof calls);
  mark(group, seen, calls);
  int count = 0;
  for (int id = 0; id < total; id++) {
    if (!calls[id])
      continue;
    if (count < max)
      out[count] = id;
    count++;
  }
  return count;
}
