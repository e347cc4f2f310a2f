/*
 * Programs of a session with limits of their own. Their processes are recognised by the mark that
 * init gave them (wire.h), which each keeps, whatever its parent is by now. Called by
 * processes.c for each process of a sample, by meter_programs.c, and by supervise.c for events.
 * proc_pid_limits(5)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "directory.h"
#include "pages.h"
#include "processes.h"
#include "programs.h"

static struct wb_program *find(struct wb_programs *programs, uint32_t number) {
  for (uint32_t i = 0; i < programs->count; i++)
    if (programs->list[i].number == number)
      return &programs->list[i];
  return NULL;
}

int wb_programs_add(struct wb_programs *programs, const struct wb_event *event) {
  if (!programs->list) {
    programs->list = wb_pages_new(sizeof(struct wb_program) * WB_PROGRAMS_MAX);
    if (!programs->list)
      return errno;
  }
  struct wb_program *one = find(programs, 0);
  if (!one && programs->count == WB_PROGRAMS_MAX)
    return EAGAIN;
  if (!one)
    one = &programs->list[programs->count++];
  *one = (struct wb_program){
      .number = event->step, .memory_limit = event->memory_limit, .cpu_limit_us = event->cpu_limit};
  return 0;
}

void wb_programs_reaped(struct wb_programs *programs, const struct wb_event *event) {
  struct wb_program *one = event->step ? find(programs, event->step) : NULL;
  if (one)
    one->reaped_cpu_us += event->user_us + event->system_us;
}

void wb_programs_begin(struct wb_programs *programs) {
  programs->strays = 0;
  for (uint32_t i = 0; i < programs->count; i++) {
    struct wb_program *one = &programs->list[i];
    one->resident_bytes = one->swapped_bytes = one->largest_bytes = 0;
    one->kernel_bytes = one->live_cpu_us = 0;
    one->unwaited = one->tasks = 0;
  }
}

/* The hard limit in a line of two numbers, or the word "unlimited" in their place. */
static uint64_t hard_limit(const char *text, const char *name) {
  const size_t length = strlen(name);
  for (const char *at = text; *at; at++) {
    if (memcmp(at, name, length) != 0)
      continue;
    at += length;
    wb_number(&at);
    const uint64_t hard = wb_number(&at);
    return hard ? hard : UINT64_MAX;
  }
  return UINT64_MAX;
}

uint32_t wb_programs_mark(int proc, const char *process, int *stray) {
  /* `text` has room for the text and the longest name that is looked for. */
  char path[64], text[2048 + 32] = {0};
  *stray = 0;
  size_t n = strlen(process);
  if (n + sizeof "/limits" > sizeof path)
    return 0;
  memcpy(path, process, n);
  memcpy(path + n, "/limits", sizeof "/limits");
  if (wb_read_text(proc, path, text, 2048) <= 0)
    return 0;
  const uint64_t one = hard_limit(text, "\nMax file locks "),
                 other = hard_limit(text, "\nMax realtime timeout ");
  const int whole =
      one > WB_MARK_BASE && one - WB_MARK_BASE <= UINT32_MAX && one + other == WB_MARK_SUM;
  *stray = !whole && one != UINT64_MAX && other != UINT64_MAX;
  return whole ? (uint32_t)(one - WB_MARK_BASE) : 0;
}

void wb_programs_take(struct wb_programs *programs, int proc, const char *process,
                      const struct wb_process_use *use) {
  if (programs->count == 0)
    return;
  int stray;
  const uint32_t number = wb_programs_mark(proc, process, &stray);
  struct wb_program *one = number ? find(programs, number) : NULL;
  programs->strays += stray != 0;
  if (!one)
    return;
  one->resident_bytes += use->resident_bytes;
  one->swapped_bytes += use->swapped_bytes;
  if (use->anonymous_bytes + use->swapped_bytes > one->largest_bytes)
    one->largest_bytes = use->anonymous_bytes + use->swapped_bytes;
  one->kernel_bytes += use->kernel_bytes;
  one->live_cpu_us += use->cpu_us;
  one->unwaited += use->unwaited;
  one->tasks += use->tasks;
}

void wb_programs_close(struct wb_programs *programs) {
  wb_pages_free(programs->list, sizeof(struct wb_program) * WB_PROGRAMS_MAX);
  programs->list = NULL;
  programs->count = 0;
}
