/*
 * Files without a name that no descriptor of a process shows: mapped ones, and those in messages
 * that nobody has received. How large they are cannot be seen from outside; that there are some
 * can. Called by meter_disk.c and meter_memory.c, only where so much is gone that it matters.
 * proc_pid_maps(5), fdinfo of unix(7) sockets
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

/* How much one look reads of all maps, and how many descriptors it goes through: with more, it is
 * taken that there are some. */
#define MAPS_MAX (16 << 20)
#define DESCRIPTORS_MAX 65536

/* Of a line of maps: the beginning, up to a part of the path, and the end. */
struct line {
  char head[128 + 16], tail[10]; /* zeros behind the first 128 */
  uint32_t size;
};

static void take(struct line *line, char byte) {
  if (line->size < 128)
    line->head[line->size] = byte;
  line->size++;
  for (size_t i = 0; i + 1 < sizeof line->tail; i++)
    line->tail[i] = line->tail[i + 1];
  line->tail[sizeof line->tail - 1] = byte;
}

/* Segments of System V are in memory, but init counts them. */
static int is_nameless(const struct line *line, enum wb_unseen kind) {
  static const char *const memory[] = {"/SYSV", "/memfd:", "/dev/zero "};
  if (line->size < 10 || memcmp(line->tail, " (deleted)", 10) != 0)
    return 0;
  const char *path = line->head;
  while (*path && *path != '/')
    path++;
  for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
    if (memcmp(path, memory[i], strlen(memory[i])) == 0)
      return kind == WB_UNSEEN_MEMORY && i > 0;
  return kind == WB_UNSEEN_DISK;
}

/* Whether one of the maps is of a file without a name, or not to be read. */
static int has_maps(int proc, const char *process, enum wb_unseen kind, long *left) {
  char path[64], bytes[8192];
  snprintf(path, sizeof path, "%s/maps", process);
  int fd = (int)syscall(SYS_openat, proc, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0)
    return errno != ENOENT && errno != ESRCH;
  struct line line;
  memset(&line, 0, sizeof line);
  int found = 0;
  ssize_t n;
  while (!found && *left > 0 && (n = read(fd, bytes, sizeof bytes)) > 0) {
    *left -= n;
    for (ssize_t i = 0; i < n && !found; i++) {
      if (bytes[i] != '\n') {
        take(&line, bytes[i]);
        continue;
      }
      found = is_nameless(&line, kind);
      memset(&line, 0, sizeof line);
    }
  }
  close(fd);
  return found || *left <= 0;
}

/* Whether descriptors are on their way to one of the sockets. */
static int has_messages(int proc, const char *process, long *left) {
  struct wb_directory directory;
  const struct wb_name *entry;
  char path[64], text[512 + 32] = {0};
  int found = 0;
  snprintf(path, sizeof path, "%s/fdinfo", process);
  int fd = (int)syscall(SYS_openat, proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0)
    return errno != ENOENT && errno != ESRCH;
  wb_directory_begin(&directory, fd);
  while (!found && --*left > 0 && (entry = wb_directory_next(&directory))) {
    if (wb_read_text(fd, entry->name, text, 512) <= 0)
      continue;
    found = wb_processes_field(text, "scm_fds:") != 0;
  }
  close(fd);
  return found || *left <= 0;
}

int wb_unseen_look(int proc, enum wb_unseen kind) {
  struct wb_directory directory, tasks;
  const struct wb_name *entry;
  long maps = MAPS_MAX, descriptors = DESCRIPTORS_MAX;
  int found = 0;
  syscall(SYS_lseek, proc, 0, 0);
  wb_directory_begin(&directory, proc);
  while (!found && (entry = wb_directory_next(&directory))) {
    char name[WB_PROCESS_NAME_MAX];
    const char *task;
    const int is_init = entry->name[0] == '1' && entry->name[1] == 0;
    if (entry->name[0] < '1' || entry->name[0] > '9' || is_init)
      continue;
    int fd = wb_tasks_open(proc, entry->name), mapped = 0;
    if (fd < 0)
      continue;
    wb_directory_begin(&tasks, fd);
    /* They share what is mapped, and may have descriptors of their own. */
    while (!found && (task = wb_task_next(&tasks, proc, entry->name, name))) {
      found =
          (!mapped && has_maps(proc, task, kind, &maps)) || has_messages(proc, task, &descriptors);
      mapped = 1;
    }
    close(fd);
  }
  return found;
}
