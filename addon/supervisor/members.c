/*
 * A run without a pid namespace shares its /proc with all others. Its processes are the descendants
 * of the warden, by their parents' numbers; a program cannot leave them (subreapers). Called by
 * processes.c and files.c.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "directory.h"
#include "members.h"

static uint32_t number_of(const char *name) {
  const char *at = name;
  return name[0] >= '1' && name[0] <= '9' ? (uint32_t)wb_number(&at) : 0;
}

/* proc_pid_stat(5): "123 (name) S 1 …"; the name may hold anything. */
static uint32_t parent_of(int proc, const char *process) {
  char path[32], text[512];
  snprintf(path, sizeof path, "%.16s/stat", process);
  if (wb_read_text(proc, path, text, sizeof text) <= 0)
    return 0;
  const char *behind = NULL;
  for (const char *at = text; *at; at++)
    if (*at == ')')
      behind = at;
  if (!behind || behind[1] != ' ' || !behind[2])
    return 0;
  behind += 3;
  return (uint32_t)wb_number(&behind);
}

static void read_parents(struct wb_members *members, int proc) {
  struct wb_directory directory;
  const struct wb_name *entry;
  members->count = 0;
  syscall(SYS_lseek, proc, 0, 0);
  wb_directory_begin(&directory, proc);
  while (members->count < WB_MEMBERS_MAX && (entry = wb_directory_next(&directory))) {
    const uint32_t number = number_of(entry->name);
    const uint32_t parent = number ? parent_of(proc, entry->name) : 0;
    if (number)
      members->seen[members->count++] =
          (struct wb_member){number, parent, number == members->warden};
  }
}

/* Members are in the order of /proc, by number: a parent comes before its children, unless numbers
 * began anew. */
static const struct wb_member *find(const struct wb_members *members, uint32_t number) {
  uint32_t from = 0, to = members->count;
  while (from < to) {
    const uint32_t middle = (from + to) / 2;
    const struct wb_member *member = &members->seen[middle];
    if (member->number == number)
      return member;
    if (member->number < number)
      from = middle + 1;
    else
      to = middle;
  }
  return NULL;
}

static uint32_t belongs(const struct wb_members *members, uint32_t number) {
  const struct wb_member *member = find(members, number);
  return member ? member->belongs : 0;
}

void wb_members_find(struct wb_members *members, int proc) {
  if (!members->warden)
    return;
  read_parents(members, proc);
  for (int found = 1; found;) {
    found = 0;
    for (uint32_t i = 0; i < members->count; i++) {
      struct wb_member *member = &members->seen[i];
      if (member->belongs || !belongs(members, member->parent))
        continue;
      member->belongs = 1;
      found = 1;
    }
  }
}

int wb_members_has(const struct wb_members *members, const char *name) {
  const uint32_t number = number_of(name);
  return number && (!members->warden || belongs(members, number));
}

int wb_members_is_init(const struct wb_members *members, const char *name) {
  const uint32_t number = number_of(name);
  if (!members->warden)
    return number == 1;
  const struct wb_member *member = find(members, number);
  return number == members->warden || (member && member->parent == members->warden);
}
