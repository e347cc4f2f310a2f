/*
 * Files that have no name any more and that something still shows: a descriptor of a process, or
 * the process, whose program it is. What shows nothing of itself is found by unlinked_files.c.
 * Called by meter_memory.c and meter_disk.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "directory.h"
#include "files.h"
#include "members.h"
#include "processes.h"
#include "run_in_namespaces.h"

#ifndef AT_STATX_DONT_SYNC
#define AT_STATX_DONT_SYNC 0x4000
#endif

/* How many descriptors one sample goes through. */
#define DESCRIPTORS_MAX 65536

static uint64_t device_of(const struct statx *info) {
  return (uint64_t)info->stx_dev_major << 32 | info->stx_dev_minor;
}

/* The device on which memory files lie; 0 where that cannot be found out. */
static uint64_t find_memory_device(void) {
  struct statx info;
  int fd = memfd_create("wasbox-device", MFD_CLOEXEC);
  if (fd < 0)
    return 0;
  long ret = syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &info);
  close(fd);
  return ret < 0 ? 0 : device_of(&info);
}

/* what one sample goes through. */
struct sample {
  const struct wb_sandbox *sandbox;
  struct wb_files *files;
  uint64_t memory_device;
  uint32_t left;
  int unlinked;
};

static void take_file(struct sample *sample, const struct statx *info) {
  struct wb_files *files = sample->files;
  const uint64_t device = device_of(info), bytes = info->stx_blocks * 512;
  if ((info->stx_mode & S_IFMT) != S_IFREG || info->stx_nlink != 0 ||
      device == sample->sandbox->private_device || !wb_files_is_new(files, device, info->stx_ino))
    return;
  if (device == sample->memory_device) {
    files->memory_bytes += bytes;
  } else {
    files->disk_bytes += bytes;
    files->disk_inodes++;
  }
}

/* A copy of a socket is left to the end of this process: one that lingers (SO_LINGER) makes
 * the process that closes it last wait for its peer, and that may be this process by now; but not
 * one that ends. inet_release of net/ipv4/af_inet.c */
static void let_go(int copy, const struct statx *info) {
  if ((info->stx_mode & S_IFMT) != S_IFSOCK)
    close(copy);
}

struct closed {
  struct sample *sample;
  const char *process, *task;
};

/* Looks at a process that is closed: its descriptors are copied one by one to be looked at. In a
 * child of the supervisor's that has its memory, and descriptors of its own. */
static int take_copies(void *argument) {
  const struct closed *closed = argument;
  struct sample *sample = closed->sample;
  const char *process = closed->process, *task = closed->task;
  struct wb_directory directory;
  const struct wb_name *entry;
  struct rlimit most;
  char path[64];
  /* The limit of open descriptors is raised as far as it may be. */
  if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &most) == 0) {
    most.rlim_cur = most.rlim_max;
    syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &most, NULL);
  }
  snprintf(path, sizeof path, "%s/fdinfo", task);
  const int pidfd = wb_closed_open(sample->sandbox, process);
  const int fd =
      (int)syscall(SYS_openat, sample->sandbox->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  /* A thread that has a table of its own shows only its process's by a pidfd. */
  int shown = pidfd >= 0 && fd >= 0 && strcmp(process, task) == 0;
  uint32_t count = 0;
  wb_directory_begin(&directory, fd);
  while (shown && sample->left > 0 && (entry = wb_directory_next(&directory))) {
    struct statx info;
    sample->left--;
    count++;
    const int copy = wb_closed_take(pidfd, entry->name);
    if (copy < 0) {
      shown = errno == EBADF; /* closed meanwhile */
      continue;
    }
    memset(&info, 0, sizeof info);
    if (syscall(SYS_statx, copy, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS,
                &info) == 0)
      take_file(sample, &info);
    let_go(copy, &info);
  }
  if (count > sample->files->most)
    sample->files->most = count;
  if (!shown && sample->unlinked)
    wb_unlinked_anything(task, sample->files);
  return 0; /* to the end of the process, and of every descriptor that it has */
}

static void take_closed(struct sample *sample, const char *process, const char *task) {
  struct closed closed = {sample, process, task};
  if (wb_run_in_namespaces(take_copies, &closed, 0) != 0 && sample->unlinked)
    wb_unlinked_anything(task, sample->files);
}

/* The descriptors of one thread. */
static void take_descriptors(struct sample *sample, const char *process, const char *task) {
  struct wb_directory directory;
  const struct wb_name *entry;
  char path[64];
  snprintf(path, sizeof path, "%s/fd", task);
  int fd =
      (int)syscall(SYS_openat, sample->sandbox->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) {
    if (errno != ENOENT && errno != ESRCH)
      take_closed(sample, process, task);
    return;
  }
  uint32_t count = 0;
  wb_directory_begin(&directory, fd);
  while (wb_files_go_on(sample->sandbox, &sample->left) &&
         (entry = wb_directory_next(&directory))) {
    struct statx info;
    sample->left--;
    count++;
    if (syscall(SYS_statx, fd, entry->name, AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &info) == 0)
      take_file(sample, &info);
  }
  if (count > sample->files->most)
    sample->files->most = count;
  close(fd);
}

/* A program that was replaced while it runs. */
static void take_program(struct sample *sample, const char *process) {
  struct statx info;
  char path[64];
  snprintf(path, sizeof path, "%s/exe", process);
  if (syscall(SYS_statx, sample->sandbox->proc, path, AT_STATX_DONT_SYNC, STATX_BASIC_STATS,
              &info) == 0)
    take_file(sample, &info);
}

typedef void each_task(struct sample *sample, const char *process, const char *task, int first);

/* Threads may have descriptors of their own: unshare(CLONE_FILES). */
static void for_tasks(struct sample *sample, each_task *visit) {
  struct wb_directory directory, tasks;
  const struct wb_name *entry;
  const int proc = sample->sandbox->proc;
  syscall(SYS_lseek, proc, 0, 0);
  wb_directory_begin(&directory, proc);
  while ((entry = wb_directory_next(&directory))) {
    char name[WB_PROCESS_NAME_MAX];
    const char *task;
    const struct wb_members *members = sample->sandbox->members;
    if (!wb_members_has(members, entry->name) || wb_members_is_init(members, entry->name))
      continue;
    const int fd = wb_tasks_open(proc, entry->name);
    if (fd < 0)
      continue;
    int first = 1;
    wb_directory_begin(&tasks, fd);
    while ((task = wb_task_next(&tasks, proc, entry->name, name))) {
      /* The process's own name serves where that is the same. */
      const char *number = task + strlen(entry->name) + sizeof "/task/" - 1;
      visit(sample, entry->name, strcmp(number, entry->name) == 0 ? entry->name : task, first);
      first = 0;
    }
    close(fd);
  }
}

static void show(struct sample *sample, const char *process, const char *task, int first) {
  if (first)
    take_program(sample, task);
  take_descriptors(sample, process, task);
}

/* Adds what a process has made so far, with its children that were waited for. proc_pid_io(5) */
static void add_made(struct sample *sample, const char *process) {
  char path[64], text[512 + 32] = {0};
  struct wb_files *files = sample->files;
  snprintf(path, sizeof path, "%s/io", process);
  if (wb_read_text(sample->sandbox->proc, path, text, 512) > 0) {
    files->made_memory += wb_processes_field(text, "wchar:");
    files->made_disk += wb_processes_field(text, "write_bytes:");
  }
  const uint64_t page_bytes = sample->sandbox->page_bytes;
  files->made_memory += wb_processes_faulted(sample->sandbox->proc, process, page_bytes);
}

static void find_unlinked(struct sample *sample, const char *process, const char *task, int first) {
  if (first) {
    wb_unlinked_maps(sample->sandbox, task, sample->memory_device, sample->files);
    add_made(sample, process);
  }
  wb_unlinked_messages(sample->sandbox, task, &sample->left, sample->files);
}

/* Makes room for another sample. Most runs have no such files: what is large is not touched for
 * them. */
static void clear(struct wb_files *files) {
  files->memory_bytes = files->disk_bytes = files->disk_inodes = 0;
  files->most = 0;
  files->made_memory = files->made_disk = 0;
  wb_unlinked_clear(&files->memory);
  wb_unlinked_clear(&files->disk);
  if (files->met)
    memset(files->seen, 0, sizeof files->seen);
  files->met = 0;
}

void wb_files_sample(const struct wb_sandbox *sandbox, int unlinked, struct wb_files *files) {
  struct sample sample = {sandbox, files, find_memory_device(), DESCRIPTORS_MAX, unlinked};
  clear(files);
  files->samples++;
  for_tasks(&sample, show);
  const int all = sample.left > 0;
  if (!unlinked)
    return;
  sample.left = DESCRIPTORS_MAX;
  for_tasks(&sample, find_unlinked);
  if (!all || sample.left == 0)
    wb_unlinked_anything("more", files);
}
