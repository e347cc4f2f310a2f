/*
 * `curl … | sh`: a shell that reads its commands line by line from a pipe hands the same pipe to
 * what it starts. A payload with it could take lines away, or write some of its own into the pipe,
 * opened once more through /proc, and the shell outside would carry them out. Called by launch.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "directory.h"
#include "pin.h"
#include "supervisor.h"

/* How far up is looked: sh, xargs, timeout, env … */
#define ANCESTORS_MAX 64

/* The names are without the digits of a version behind them. Others (fish) read all of a pipe
 * first. */
static const char *const shells[] = {"sh",   "bash",  "dash", "ash",  "ksh",  "rksh",
                                     "lksh", "rbash", "mksh", "oksh", "zsh",  "rzsh",
                                     "yash", "posh",  "csh",  "tcsh", "tclsh"};
/* Options of theirs that have a value in the next word, and operands that are stdin. */
static const char *const with_value[] = {"--rcfile", "--init-file"};
static const char *const names_of_stdin[] = {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"};

static int is_one_of(const char *word, const char *const *words, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(word, words[i]) == 0)
      return 1;
  return 0;
}
#define IS_ONE_OF(word, words) is_one_of(word, words, sizeof(words) / sizeof *(words))

static int has(const char *word, char letter) {
  for (; *word; word++)
    if (*word == letter)
      return 1;
  return 0;
}

static const char *last_name(const char *path) {
  const char *name = path;
  for (; *path; path++)
    if (*path == '/')
      name = path + 1;
  return *name == '-' ? name + 1 : name; /* of a login shell */
}

static int is_shell(const char *name) {
  char plain[16];
  size_t length = strlen(name);
  while (length > 0 &&
         (name[length - 1] == '.' || (name[length - 1] >= '0' && name[length - 1] <= '9')))
    length--;
  if (length >= sizeof plain)
    return 0;
  memcpy(plain, name, length);
  plain[length] = 0;
  return IS_ONE_OF(plain, shells);
}

/* Returns whether these words, each with a NUL behind it, are a shell without -c and without a
 * script. */
static int reads_commands(const char *word, const char *end) {
  const char *name = last_name(word);
#define NEXT (word += strlen(word) + 1)
  if (strcmp(name, "busybox") == 0)
    name = NEXT < end ? word : "";
  if (!is_shell(name))
    return 0;
  for (NEXT; word < end; NEXT) {
    if (IS_ONE_OF(word, names_of_stdin))
      return 1;
    if (strcmp(word, "--") == 0)
      return NEXT >= end || IS_ONE_OF(word, names_of_stdin);
    if (word[0] != '-' && word[0] != '+')
      return 0;
    const int is_long = word[1] == '-';
    if (!is_long && word[0] == '-' && has(word, 'c'))
      return 0;
    if (!is_long && word[0] == '-' && has(word, 's'))
      return 1;
    if (is_long ? IS_ONE_OF(word, with_value) : has(word, 'o') || has(word, 'O'))
      NEXT;
  }
#undef NEXT
  return 1;
}

static int is_reading_shell(int process) {
  char words[4096];
  ssize_t size = wb_read_text(process, "cmdline", words, sizeof words);
  return size > 0 && reads_commands(words, words + size);
}

/* Returns from /proc/PID/stat the parent of a process, 0 where it cannot be read, and its group. */
static int parent_of(int process, int *group) {
  char text[512];
  const char *behind = NULL;
  *group = 0;
  if (wb_read_text(process, "stat", text, sizeof text) <= 0)
    return 0;
  for (const char *at = text; *at; at++)
    if (*at == ')')
      behind = at;
  if (!behind || !behind[1] || !behind[2])
    return 0;
  behind += 3; /* ") S 123 123" */
  const int parent = (int)wb_number(&behind);
  *group = (int)wb_number(&behind);
  return parent;
}

static int file_at(int directory, const char *path, struct statx *info) {
  return (int)syscall(SYS_statx, directory, path, *path ? 0 : AT_EMPTY_PATH, STATX_TYPE | STATX_INO,
                      info);
}

/*
 * Another user's stdin (`curl … | sudo sh`, where a line is `sudo -u me wasbox run …`) cannot be
 * looked at. Such a shell counts where what it started is in its own process group: then it has no
 * job control, as one that reads its commands from a pipe has none.
 */
static int shell_reads(int fd, int is_socket_only) {
  struct statx own, other;
  if (file_at(fd, "", &own) < 0)
    return 0;
  const int type = own.stx_mode & S_IFMT;
  if (type != S_IFSOCK && (is_socket_only || type != S_IFIFO))
    return 0;
  int group = 0, next;
  int pid = (int)syscall(SYS_getppid);
  for (int i = 0; i < ANCESTORS_MAX && pid > 0; i++, pid = next) {
    const int process = wb_process_open((uint32_t)pid);
    const int hidden = process < 0 || file_at(process, "fd/0", &other) < 0;
    const int other_input =
        !hidden && (other.stx_ino != own.stx_ino || other.stx_dev_major != own.stx_dev_major ||
                    other.stx_dev_minor != own.stx_dev_minor);
    const int below = i ? group : (int)syscall(SYS_getpgid, 0);
    next = other_input || process < 0 ? 0 : parent_of(process, &group);
    const int reads =
        !other_input && (!hidden || below == group) && process >= 0 && is_reading_shell(process);
    if (process >= 0)
      close(process);
    if (reads)
      return 1;
  }
  return 0;
}

int wb_shell_reads(int fd) {
  return shell_reads(fd, 0);
}

int wb_shell_reads_socket(int fd) {
  return shell_reads(fd, 1);
}
