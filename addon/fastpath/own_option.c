/*
 * Finds an option of wasbox among the payload's arguments that its script does not know: the
 * summary tells then that it went to the script (src/leads/leads.ts, unknownTo, which decides).
 * Called by start.c after the end of a run that has nothing else to tell.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <string.h>

#include "../plan_check.h"
#include "../sys/openat2.h"
#include "fastpath.h"

static const char *const names[] = {
#include "options.generated.h"
};

/* The directory of the sandbox that holds code of the command line: src/resolve/system.ts */
static const char own_directory[] = "/run/wasbox/";

/* Bytes of the script that are searched, as in src/leads/sources.ts: a larger one may know any
 * option. */
#define SCRIPT_MAX (128 * 1024)

/* Returns the option that a word `--name` or `--name=VALUE` names; NULL: none. */
static const char *option_of(const char *word) {
  if (word[0] != '-' || word[1] != '-')
    return NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const size_t size = strlen(names[i]);
    if (strlen(word + 2) >= size && same_bytes(word + 2, names[i], size) &&
        (word[2 + size] == 0 || word[2 + size] == '='))
      return names[i];
  }
  return NULL;
}

/* A program with one of these may hand its arguments on, and know any option. */
static const char *const hands_on[] = {"$@", "$*", "argv", "ARGV", "args"};

/* Returns whether a text has a name, with `-` or `_` between its words. */
static int has_name(const char *text, size_t size, const char *name) {
  const size_t length = strlen(name);
  for (size_t at = 0; at + length <= size; at++) {
    size_t i = 0;
    while (i < length && (text[at + i] == name[i] || (name[i] == '-' && text[at + i] == '_')))
      i++;
    if (i == length)
      return 1;
  }
  return 0;
}

static int may_know(const char *text, size_t size, const char *name) {
  if (size >= SCRIPT_MAX || has_name(text, size, name))
    return 1;
  for (size_t i = 0; i < sizeof hands_on / sizeof *hands_on; i++)
    if (has_name(text, size, hands_on[i]))
      return 1;
  return 0;
}

/* Reads a regular file into memory of this file. Returns its bytes, SCRIPT_MAX for a larger one;
 * -1. */
static long read_script(const char *path, char **text) {
  static char buffer[SCRIPT_MAX];
  const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY};
  const int fd = (int)sys_openat2(AT_FDCWD, path, &how);
  if (fd < 0)
    return -1;
  struct statx info;
  long size = sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &info);
  if (size == 0 && (info.stx_mode & S_IFMT) != S_IFREG)
    size = -1;
  for (long count = 1; size >= 0 && size < SCRIPT_MAX && count > 0; size += count) {
    count = sys3(__NR_read, fd, buffer + size, SCRIPT_MAX - size);
    if (count < 0)
      break;
  }
  sys1(__NR_close, fd);
  *text = buffer;
  return size;
}

/* The script is the interpreter's first argument, where that is a file, or the program itself. Code
 * is behind an option for it, or in a file of the sandbox only, which the summary looks at. */
static int is_known(const struct wb_plan *plan, const char *name) {
  const uint64_t *words = (const uint64_t *)(const void *)wb_plan_at(plan, plan->argv);
  char *text;
  for (uint32_t i = plan->argc > 1 ? 2 : 1; i-- > 0;) {
    const char *word = (const char *)wb_plan_at(plan, (uint32_t)words[i]);
    if (i == 1 && plan->argc > 2 && word[0] == '-' &&
        (word[1] == 'c' || word[1] == 'e' || word[1] == 'r') && !word[2]) {
      const char *code = (const char *)wb_plan_at(plan, (uint32_t)words[2]);
      return may_know(code, strlen(code), name);
    }
    if (i == 1 && strlen(word) > sizeof own_directory &&
        same_bytes(word, own_directory, sizeof own_directory - 1))
      return 0;
    const long size = read_script(word, &text);
    if (size >= 0)
      return may_know(text, (size_t)size, name);
  }
  return 1;
}

int names_own_option(const struct wb_entry *entry, char *const *arguments) {
  const struct wb_plan *plan = (const struct wb_plan *)(const void *)entry_at(entry, entry->plan);
  const uint64_t *words = (const uint64_t *)(const void *)wb_plan_at(plan, plan->argv);
  if (entry->quiet)
    return 0;
  for (uint32_t i = 1; i < plan->argc; i++) {
    const char *name = option_of((const char *)wb_plan_at(plan, (uint32_t)words[i]));
    if (name && !is_known(plan, name))
      return 1;
  }
  for (; *arguments; arguments++) {
    const char *name = option_of(*arguments);
    if (name && !is_known(plan, name))
      return 1;
  }
  return 0;
}
