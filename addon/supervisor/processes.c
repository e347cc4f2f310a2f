/*
 * The sandbox's processes, seen through its own /proc, which init hands over: there are no others
 * in it, however many the host has. Called by meter*.c. proc_pid_stat(5), proc_pid_statm(5)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "directory.h"
#include "processes.h"

/* USER_HZ, the same on every platform with a build. */
#define TICK_US 10000
static int is_process(const struct wb_name *entry) {
  return entry->name[0] >= '1' && entry->name[0] <= '9';
}

static int is_init(const struct wb_name *entry) {
  return entry->name[0] == '1' && entry->name[1] == 0;
}

/* "123/statm" */
static void path_of(char out[64], const char *process, const char *file) {
  snprintf(out, 64, "%s/%s", process, file);
}

/* To the beginning, for another look. */
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
  uint64_t resident_bytes, swapped_bytes, table_bytes;
};

/* What a process has of its own; zeros for what has ended. proc_pid_status(5) */
static struct own own_memory(int proc, const char *process) {
  /* As long as the text and the longest name that is looked for. */
  char path[64], text[2048 + 32] = {0};
  path_of(path, process, "status");
  if (wb_read_text(proc, path, text, 2048) <= 0)
    return (struct own){0, 0, 0};
  return (struct own){wb_processes_field(text, "VmRSS:") * 1024,
                      wb_processes_field(text, "VmSwap:") * 1024,
                      wb_processes_field(text, "VmPTE:") * 1024};
}

/* Of a process's stat, the fields that are used: state is the third. proc_pid_stat(5) */
enum { STATE = 3, MINFLT = 10, CMINFLT = 11, UTIME = 14, CSTIME = 17, THREADS = 20, FIELDS = 21 };

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

static void take_stat(int proc, const struct wb_name *entry, struct wb_processes *out) {
  uint64_t fields[FIELDS];
  if (!read_stat(proc, entry->name, fields))
    return;
  for (int field = UTIME; field <= CSTIME; field++)
    out->cpu_us += fields[field] * TICK_US;
  if (is_init(entry))
    return;
  out->tasks += (uint32_t)fields[THREADS];
  out->running += fields[STATE] == 'R';
}

uint64_t wb_processes_faulted(int proc, const char *process, uint64_t page_bytes) {
  uint64_t fields[FIELDS];
  if (!read_stat(proc, process, fields))
    return 0;
  return (fields[MINFLT] + fields[CMINFLT]) * page_bytes;
}

int wb_processes_look(int proc, struct wb_processes *out) {
  struct wb_directory directory;
  const struct wb_name *entry;
  memset(out, 0, sizeof *out);
  rewind_to_start(proc);
  wb_directory_begin(&directory, proc);
  int seen = 0;
  while ((entry = wb_directory_next(&directory))) {
    if (!is_process(entry))
      continue;
    seen = 1;
    struct own own = own_memory(proc, entry->name);
    char name[WB_PROCESS_NAME_MAX];
    const char *seen_at =
        own.resident_bytes == 0 ? wb_process_seen_at(proc, entry->name, name) : NULL;
    if (seen_at)
      own = own_memory(proc, seen_at);
    out->resident_bytes += own.resident_bytes;
    out->swapped_bytes += own.swapped_bytes;
    out->kernel_bytes += own.table_bytes;
    take_stat(proc, entry, out);
  }
  out->kernel_bytes += (uint64_t)out->tasks * KERNEL_STACK_BYTES;
  /* Init itself is always there while the sandbox is. */
  return seen ? 0 : ESRCH;
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

void wb_processes_memory(int proc, struct wb_memory *out) {
  struct wb_directory directory;
  const struct wb_name *entry;
  *out = (struct wb_memory){0, 0};
  rewind_to_start(proc);
  wb_directory_begin(&directory, proc);
  while ((entry = wb_directory_next(&directory))) {
    /* As long as the text and the longest name that is looked for. */
    char path[64], text[2048 + 32] = {0}, name[WB_PROCESS_NAME_MAX];
    const char *process = is_process(entry) ? wb_process_seen_at(proc, entry->name, name) : NULL;
    if (process == NULL)
      continue;
    path_of(path, process, "smaps_rollup");
    if (wb_read_text(proc, path, text, 2048) > 0) {
      out->own_bytes +=
          (wb_processes_field(text, "Pss_Anon:") + wb_processes_field(text, "SwapPss:")) * 1024;
      out->shared_bytes += wb_processes_field(text, "Pss_Shmem:") * 1024;
    } else if (errno != ESRCH && errno != ENOENT)
      out->own_bytes += own_memory(proc, process).resident_bytes;
  }
}
