/*
 * Finds which process a thread belongs to, whose child that is, and what it had used when it ended.
 * Called by audit.c while the thread waits for its answer, so that /proc tells of that thread and
 * no other.
 */
#define _GNU_SOURCE
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "pin.h"

/* A file of /proc, ended by a zero; empty where it cannot be read. */
static void read_proc(struct wb_pin *caller, const char *name, char *out, size_t size) {
  if (wb_pin_text(caller, name, out, size) < 0)
    out[0] = 0;
}

/* The last number of the line that begins with `name`; 0 where there is none. The kernel escapes
 * the newlines of the one field that a program chooses, its name. */
static uint64_t number_of(const char *text, const char *name) {
  const char *line = strstr(text, name);
  if (line == NULL)
    return 0;
  uint64_t value = 0;
  for (line += strlen(name); *line && *line != '\n';) {
    char *end;
    unsigned long long number = strtoull(line, &end, 10);
    if (end == line)
      line++;
    else {
      value = number;
      line = end;
    }
  }
  return value;
}

static uint32_t alive(const struct wb_audit *audit, uint32_t pid) {
  for (uint32_t i = audit->processes; i > 0; i--)
    if (audit->process[i - 1].pid == pid && !audit->process[i - 1].ended)
      return i;
  return 0;
}

static struct wb_audit_thread *slot_of(struct wb_audit *audit, uint32_t tid) {
  uint32_t at = (tid * 2654435761u) % WB_AUDIT_THREADS;
  while (audit->thread[at].tid != 0 && audit->thread[at].tid != tid)
    at = (at + 1) % WB_AUDIT_THREADS;
  return &audit->thread[at];
}

static void forget_threads(struct wb_audit *audit) {
  memset(audit->thread, 0, sizeof audit->thread);
  audit->threads_used = 0;
}

/* The caller's slot in the cache; threads that are gone stay in it until it is full. */
static struct wb_audit_thread *remember(struct wb_audit *audit, uint32_t tid) {
  if (audit->threads_used >= WB_AUDIT_THREADS / 2)
    forget_threads(audit);
  struct wb_audit_thread *slot = slot_of(audit, tid);
  if (slot->tid == 0)
    audit->threads_used++;
  slot->tid = tid;
  return slot;
}

/* Returns whether it may be read. */
static int read_io(struct wb_pin *caller, struct wb_audit_io *io) {
  char text[512];
  read_proc(caller, "io", text, sizeof text);
  io->read_bytes = number_of(text, "rchar:");
  io->written_bytes = number_of(text, "wchar:");
  return text[0] != 0;
}

/* The payload's process set a part of the sandbox up before it was the payload's, and may not be
 * looked at before it has executed the program: that is one of its first calls. */
#define SET_UP_CALLS 4

static void note_set_up(struct wb_audit *audit, struct wb_pin *caller, uint32_t process) {
  if (process != 1 || audit->set_up_looks >= SET_UP_CALLS)
    return;
  audit->set_up_looks++;
  if (read_io(caller, &audit->set_up))
    audit->set_up_looks = SET_UP_CALLS;
}

static uint32_t begin(struct wb_audit *audit, const char *status, uint32_t pid, uint64_t now) {
  if (audit->processes == WB_AUDIT_PROCESSES_MAX) {
    audit->totals.dropped_processes++;
    return 0;
  }
  struct wb_audit_process *process = &audit->process[audit->processes++];
  process->pid = pid;
  process->inside = (uint32_t)number_of(status, "\nNStgid:");
  process->parent = alive(audit, (uint32_t)number_of(status, "\nPPid:"));
  process->started_ns = now;
  return audit->processes;
}

uint32_t wb_audit_process_of(struct wb_audit *audit, struct wb_pin *caller, uint64_t now) {
  const uint32_t tid = caller->call->pid;
  struct wb_audit_thread *known = slot_of(audit, tid);
  if (known->tid == tid && known->process != UINT32_MAX) {
    note_set_up(audit, caller, known->process);
    return known->process;
  }
  char status[2048];
  read_proc(caller, "status", status, sizeof status);
  uint32_t pid = (uint32_t)number_of(status, "\nTgid:");
  if (pid == 0)
    return 0;
  uint32_t process = alive(audit, pid);
  if (process == 0)
    process = begin(audit, status, pid, now);
  if (process != 0)
    audit->process[process - 1].threads++;
  remember(audit, tid)->process = process;
  return process;
}

void wb_audit_thread_ends(struct wb_audit *audit, uint32_t tid) {
  struct wb_audit_thread *known = slot_of(audit, tid);
  if (known->tid == tid)
    known->process = UINT32_MAX; /* the number may be another thread's next time */
}

void wb_audit_process_ends(struct wb_audit *audit, uint32_t process, struct wb_pin *caller,
                           int32_t status, uint64_t now) {
  wb_audit_thread_ends(audit, caller->call->pid);
  if (process == 0)
    return;
  struct wb_audit_process *ended = &audit->process[process - 1];
  char text[2048];
  ended->ended = 1;
  ended->status = status;
  ended->ended_ns = now;
  read_proc(caller, "status", text, sizeof text);
  ended->max_rss_kib = number_of(text, "\nVmHWM:");
  struct wb_audit_io io;
  read_io(caller, &io);
  if (process == 1 && io.read_bytes >= audit->set_up.read_bytes &&
      io.written_bytes >= audit->set_up.written_bytes) {
    io.read_bytes -= audit->set_up.read_bytes;
    io.written_bytes -= audit->set_up.written_bytes;
  }
  ended->read_bytes = io.read_bytes;
  ended->written_bytes = io.written_bytes;
}
