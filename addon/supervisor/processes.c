/*
 * The sandbox's processes, seen through its own /proc, which init hands over: there are no others
 * in it, however many the host has. Called by meter*.c. proc_pid_stat(5), proc_pid_statm(5)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "directory.h"
#include "processes.h"

#ifndef AT_STATX_DONT_SYNC
#define AT_STATX_DONT_SYNC 0x4000
#endif

/* USER_HZ, the same on every platform with a build. */
#define TICK_US 10000
/* How many descriptors one look goes through, and how many of the files it tells apart. */
#define DESCRIPTORS_MAX 65536
#define FILES_MAX 2048

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

static uint64_t resident_bytes(int proc, const char *process, uint64_t page_bytes) {
  char path[64], text[128];
  path_of(path, process, "statm");
  if (wb_read_text(proc, path, text, sizeof text) <= 0)
    return 0;
  const char *at = text;
  wb_number(&at); /* size */
  return wb_number(&at) * page_bytes;
}

/* Fields behind the name, which may hold anything: state is the third, then utime 14, stime 15,
 * cutime 16, cstime 17, num_threads 20. */
static void take_stat(int proc, const struct wb_name *entry, struct wb_processes *out) {
  char path[64], text[512];
  path_of(path, entry->name, "stat");
  if (wb_read_text(proc, path, text, sizeof text) <= 0)
    return;
  const char *at = text, *behind = NULL;
  for (; *at; at++)
    if (*at == ')')
      behind = at;
  if (!behind || behind[1] != ' ')
    return;
  at = behind + 2;
  const char state = *at;
  for (int field = 3; field <= 20 && *at; field++) {
    const char *number = at;
    uint64_t value = wb_number(&number);
    if (field >= 14 && field <= 17)
      out->cpu_us += value * TICK_US;
    else if (field == 20 && !is_init(entry))
      out->tasks += (uint32_t)value;
    while (*at && *at != ' ')
      at++;
    while (*at == ' ')
      at++;
  }
  out->running += state == 'R' && !is_init(entry);
}

int wb_processes_look(int proc, uint64_t page_bytes, struct wb_processes *out) {
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
    uint64_t resident = resident_bytes(proc, entry->name, page_bytes);
    char name[WB_PROCESS_NAME_MAX];
    const char *seen_at = resident == 0 ? wb_process_seen_at(proc, entry->name, name) : NULL;
    if (seen_at)
      resident = resident_bytes(proc, seen_at, page_bytes);
    out->resident_bytes += resident;
    take_stat(proc, entry, out);
  }
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

void wb_processes_memory(int proc, uint64_t page_bytes, struct wb_memory *out) {
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
      out->own_bytes += resident_bytes(proc, process, page_bytes);
  }
}

/* A set of files that were seen; full, it forgets, and a file may count twice. */
struct seen {
  uint64_t keys[FILES_MAX];
};

static int is_new(struct seen *seen, uint64_t device, uint64_t inode) {
  uint64_t key = (inode * 0x9e3779b97f4a7c15u) ^ (device * 0xc2b2ae3d27d4eb4fu);
  key += key == 0;
  for (unsigned i = 0; i < 8; i++) {
    uint64_t *slot = &seen->keys[((key >> 32) + i) % FILES_MAX];
    if (*slot == key)
      return 0;
    if (*slot == 0) {
      *slot = key;
      return 1;
    }
  }
  return 1;
}

static uint64_t device_of(const struct statx *info) {
  return (uint64_t)info->stx_dev_major << 32 | info->stx_dev_minor;
}

/* The device on which memory files lie; 0 where that cannot be found out. */
static uint64_t memory_device(void) {
  struct statx info;
  int fd = memfd_create("wasbox-device", MFD_CLOEXEC);
  if (fd < 0)
    return 0;
  long ret = syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info);
  close(fd);
  return ret < 0 ? 0 : device_of(&info);
}

static void take_file(const struct statx *info, uint64_t private_device, uint64_t memory,
                      struct seen *seen, struct wb_open_files *out) {
  const uint64_t device = device_of(info), bytes = info->stx_blocks * 512;
  if ((info->stx_mode & S_IFMT) != S_IFREG || info->stx_nlink != 0 || device == private_device ||
      !is_new(seen, device, info->stx_ino))
    return;
  if (device == memory) {
    out->memory_bytes += bytes;
  } else {
    out->disk_bytes += bytes;
    out->disk_inodes++;
  }
}

/* What one look goes through. */
struct descriptors {
  struct seen seen;
  uint64_t private_device, memory_device;
  uint32_t left;
};

/* The descriptors of one thread. */
static void take_descriptors(int proc, const char *task, struct descriptors *look,
                             struct wb_open_files *out) {
  struct wb_directory directory;
  const struct wb_name *entry;
  char path[64];
  path_of(path, task, "fd");
  int fd = (int)syscall(SYS_openat, proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) {
    /* A process can close itself to all but root: prctl(PR_SET_DUMPABLE). */
    out->hidden |= errno != ENOENT && errno != ESRCH;
    return;
  }
  uint32_t count = 0;
  wb_directory_begin(&directory, fd);
  while (look->left > 0 && (entry = wb_directory_next(&directory))) {
    struct statx info;
    look->left--;
    count++;
    if (syscall(SYS_statx, fd, entry->name, AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &info) == 0)
      take_file(&info, look->private_device, look->memory_device, &look->seen, out);
  }
  if (count > out->most)
    out->most = count;
  close(fd);
}

void wb_open_files_look(int proc, uint64_t private_device, struct wb_open_files *out) {
  struct wb_directory directory, tasks;
  const struct wb_name *entry;
  struct descriptors look;
  memset(out, 0, sizeof *out);
  memset(&look, 0, sizeof look);
  look.private_device = private_device;
  look.memory_device = memory_device();
  look.left = DESCRIPTORS_MAX;
  rewind_to_start(proc);
  wb_directory_begin(&directory, proc);
  while ((entry = wb_directory_next(&directory))) {
    char name[WB_PROCESS_NAME_MAX];
    const char *task;
    if (!is_process(entry) || is_init(entry))
      continue;
    int fd = wb_tasks_open(proc, entry->name);
    if (fd < 0)
      continue;
    /* Each thread can have descriptors of its own: unshare(CLONE_FILES). */
    wb_directory_begin(&tasks, fd);
    while (look.left > 0 && (task = wb_task_next(&tasks, proc, entry->name, name)))
      take_descriptors(proc, task, &look, out);
    close(fd);
  }
  out->hidden |= look.left == 0;
}
