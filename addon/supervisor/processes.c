/*
 * The sandbox's processes, seen through the /proc that init hands over: its own, in which there are
 * no others, or the host's (members.c). Called by meter*.c. proc_pid_stat(5), proc_pid_statm(5)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "directory.h"
#include "members.h"
#include "processes.h"
#include "programs.h"

/* USER_HZ, the same on every platform with a build. */
#define TICK_US 10000

/* "123/statm" */
static void path_of(char out[64], const char *process, const char *file) {
  snprintf(out, 64, "%s/%s", process, file);
}

/* Goes to the beginning, for another sample. */
static void rewind_to_start(int fd) {
  syscall(SYS_lseek, fd, 0, 0);
}

/* Pages that are mapped; 0 for what has ended. */
static uint64_t mapped_pages(int proc, const char *process) {
  char path[64], text[128];
  path_of(path, process, "statm");
  const char *at = text;
  return wb_read_text(proc, path, text, sizeof text) <= 0 ? 0 : wb_number(&at);
}

int wb_tasks_open(int proc, const char *process) {
  char path[64];
  path_of(path, process, "task");
  return (int)syscall(SYS_openat, proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

const char *wb_task_next(struct wb_directory *tasks, int proc, const char *process,
                         char out[WB_PROCESS_NAME_MAX]) {
  const struct wb_name *entry;
  while ((entry = wb_directory_next(tasks))) {
    snprintf(out, WB_PROCESS_NAME_MAX, "%s/task/%s", process, entry->name);
    if (mapped_pages(proc, out) > 0)
      return out;
  }
  return NULL;
}

const char *wb_process_seen_at(int proc, const char *process, char out[WB_PROCESS_NAME_MAX]) {
  struct wb_directory tasks;
  if (mapped_pages(proc, process) > 0)
    return process;
  int fd = wb_tasks_open(proc, process);
  if (fd < 0)
    return NULL;
  wb_directory_begin(&tasks, fd);
  const char *seen = wb_task_next(&tasks, proc, process, out);
  close(fd);
  return seen;
}

/* Each thread has one. arch/x86, arch/arm64: THREAD_SIZE */
#define KERNEL_STACK_BYTES 16384

struct own {
  uint64_t resident_bytes, swapped_bytes, table_bytes, anonymous_bytes;
};

/* Returns what a process has of its own; zeros for what has ended. Where that cannot be read for
 * want of descriptors or memory, `error` becomes why. proc_pid_status(5) */
static struct own own_memory(int proc, const char *process, int *error) {
  /* `text` has room for the text and the longest name that is looked for. */
  char path[64], text[2048 + 32] = {0};
  path_of(path, process, "status");
  const ssize_t size = wb_read_text(proc, path, text, 2048);
  if (size < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
    *error = errno;
  if (size <= 0)
    return (struct own){0, 0, 0, 0};
  return (struct own){
      wb_processes_field(text, "VmRSS:") * 1024, wb_processes_field(text, "VmSwap:") * 1024,
      wb_processes_field(text, "VmPTE:") * 1024, wb_processes_field(text, "RssAnon:") * 1024};
}

/* The fields of a process's stat that are used: state is the third. proc_pid_stat(5) */
enum {
  STATE = 3,
  PARENT = 4,
  MINFLT = 10,
  CMINFLT = 11,
  UTIME = 14,
  CSTIME = 17,
  THREADS = 20,
  START = 22,
  FIELDS = 23
};

/* Reads the fields, which come behind a name that may hold anything. Returns whether it did. */
static int read_stat(int proc, const char *process, uint64_t fields[FIELDS]) {
  char path[64], text[512];
  path_of(path, process, "stat");
  if (wb_read_text(proc, path, text, sizeof text) <= 0)
    return 0;
  const char *at = text, *behind = NULL;
  for (; *at; at++)
    if (*at == ')')
      behind = at;
  if (!behind || behind[1] != ' ')
    return 0;
  at = behind + 2;
  memset(fields, 0, FIELDS * sizeof *fields);
  fields[STATE] = (unsigned char)*at;
  for (int field = STATE; field < FIELDS && *at; field++) {
    const char *number = at;
    if (field > STATE)
      fields[field] = wb_number(&number);
    while (*at && *at != ' ')
      at++;
    while (*at == ' ')
      at++;
  }
  return 1;
}

/* Returns whether a process ignores SIGCHLD: its children then go as they end. A handler with
 * SA_NOCLDWAIT does the same, and does not show. */
static int ignores_children(int proc, uint64_t process) {
  char path[64], text[2048 + 32] = {0};
  snprintf(path, sizeof path, "%u/status", (unsigned)process);
  if (wb_read_text(proc, path, text, 2048) <= 0)
    return 0;
  const char *at = text;
  while (*at && memcmp(at, "\nSigIgn:\t", 9) != 0)
    at++;
  /* 16 hexadecimal digits; SIGCHLD is bit 16, the last of the fifth from the end. */
  const char digit = *at && strlen(at) > 9 + 16 ? at[9 + 11] : '0';
  return digit == '1' || digit == '3' || digit == '5' || digit == '7' || digit == '9' ||
         digit == 'b' || digit == 'd' || digit == 'f';
}

/* How many tasks of the machine run or wait for a processor, this one aside; 0 where it is not to
 * be known. proc_loadavg(5) */
static uint32_t running_tasks(int proc) {
  char text[128];
  if (wb_read_text(proc, "loadavg", text, sizeof text) <= 0)
    return 0;
  const char *at = text;
  for (unsigned blanks = 0; *at && blanks < 3; at++)
    blanks += *at == ' ';
  const uint64_t running = wb_number(&at);
  return running > 1 ? (uint32_t)running - 1 : 0;
}

/* Start times count from boot, also while the machine sleeps. */
static uint64_t ticks_of(uint64_t monotonic_ns) {
  struct timespec boot, now;
  clock_gettime(CLOCK_BOOTTIME, &boot);
  clock_gettime(CLOCK_MONOTONIC, &now);
  const uint64_t seconds = (uint64_t)(boot.tv_sec - now.tv_sec);
  return (monotonic_ns / 1000 + seconds * 1000000) / TICK_US;
}

static void take_stat(int proc, const struct wb_members *members, const struct wb_name *entry,
                      uint64_t since_ticks, struct wb_processes *out, struct wb_process_use *use) {
  uint64_t fields[FIELDS];
  if (!read_stat(proc, entry->name, fields))
    return;
  for (int field = UTIME; field <= CSTIME; field++)
    use->cpu_us += fields[field] * TICK_US;
  out->cpu_us += use->cpu_us;
  if (wb_members_is_init(members, entry->name))
    return;
  use->tasks = (uint32_t)fields[THREADS];
  out->tasks += use->tasks;
  out->running += fields[STATE] == 'R';
  if (since_ticks && fields[STATE] == 'R' && fields[START] >= since_ticks &&
      ignores_children(proc, fields[PARENT]))
    use->unwaited = 1;
  out->unwaited += use->unwaited;
}

uint64_t wb_processes_faulted(int proc, const char *process, uint64_t page_bytes) {
  uint64_t fields[FIELDS];
  if (!read_stat(proc, process, fields))
    return 0;
  return (fields[MINFLT] + fields[CMINFLT]) * page_bytes;
}

int wb_processes_sample(int proc, struct wb_members *members, uint64_t since_ns,
                        struct wb_programs *programs, struct wb_processes *out) {
  const uint64_t since_ticks = since_ns ? ticks_of(since_ns) : 0;
  struct wb_directory directory;
  const struct wb_name *entry;
  memset(out, 0, sizeof *out);
  wb_members_find(members, proc);
  wb_programs_begin(programs);
  rewind_to_start(proc);
  wb_directory_begin(&directory, proc);
  int seen = 0, error = 0;
  while ((entry = wb_directory_next(&directory))) {
    if (!wb_members_has(members, entry->name))
      continue;
    seen = 1;
    struct own own = own_memory(proc, entry->name, &error);
    char name[WB_PROCESS_NAME_MAX];
    const char *seen_at =
        own.resident_bytes == 0 ? wb_process_seen_at(proc, entry->name, name) : NULL;
    if (seen_at)
      own = own_memory(proc, seen_at, &error);
    out->resident_bytes += own.resident_bytes;
    out->swapped_bytes += own.swapped_bytes;
    if (own.anonymous_bytes + own.swapped_bytes > out->largest_bytes)
      out->largest_bytes = own.anonymous_bytes + own.swapped_bytes;
    out->kernel_bytes += own.table_bytes;
    struct wb_process_use use = {.resident_bytes = own.resident_bytes,
                                 .swapped_bytes = own.swapped_bytes,
                                 .anonymous_bytes = own.anonymous_bytes,
                                 .kernel_bytes = own.table_bytes};
    take_stat(proc, members, entry, since_ticks, out, &use);
    use.kernel_bytes += (uint64_t)use.tasks * KERNEL_STACK_BYTES;
    wb_programs_take(programs, proc, entry->name, &use);
  }
  out->kernel_bytes += (uint64_t)out->tasks * KERNEL_STACK_BYTES;
  if (out->unwaited)
    out->machine_running = running_tasks(proc);
  /* Init itself is always there while the sandbox is. */
  return seen ? error : ESRCH;
}

uint64_t wb_processes_field(const char *text, const char *name) {
  const size_t length = strlen(name);
  while (*text) {
    if (memcmp(text, name, length) == 0) {
      text += length;
      return wb_number(&text);
    }
    while (*text && *text++ != '\n')
      ;
  }
  return 0;
}

/* Returns whether a process has a mark; 0 is any. */
static int has_mark(int proc, const char *process, uint32_t mark) {
  int stray;
  return mark == 0 || wb_programs_mark(proc, process, &stray) == mark;
}

void wb_processes_memory(int proc, const struct wb_members *members, uint32_t mark,
                         struct wb_memory *out) {
  struct wb_directory directory;
  const struct wb_name *entry;
  int unread = 0; /* the next sample finds that, too */
  *out = (struct wb_memory){0, 0};
  rewind_to_start(proc);
  wb_directory_begin(&directory, proc);
  while ((entry = wb_directory_next(&directory))) {
    /* `text` has room for the text and the longest name that is looked for. */
    char path[64], text[2048 + 32] = {0}, name[WB_PROCESS_NAME_MAX];
    const char *process =
        wb_members_has(members, entry->name) ? wb_process_seen_at(proc, entry->name, name) : NULL;
    if (process == NULL || !has_mark(proc, entry->name, mark))
      continue;
    path_of(path, process, "smaps_rollup");
    if (wb_read_text(proc, path, text, 2048) > 0) {
      out->own_bytes +=
          (wb_processes_field(text, "Pss_Anon:") + wb_processes_field(text, "SwapPss:")) * 1024;
      out->shared_bytes += wb_processes_field(text, "Pss_Shmem:") * 1024;
    } else if (errno != ESRCH && errno != ENOENT)
      out->own_bytes += own_memory(proc, process, &unread).resident_bytes;
  }
}
