/*
 * `wasbox` without Node, for a start that was recorded. Entered from sys/start.S.
 *
 *   wasbox run …   key, entry   all as recorded   start.c: the sandbox, and its exit status
 *                               anything else     Node with the same arguments
 */
#include <string.h>
#include <time.h>

#include "fastpath.h"

static struct command command_at(long *stack) {
  struct command command = {.argc = (int)stack[0], .argv = (char **)(stack + 1)};
  command.envp = command.argv + command.argc + 1;
  return command;
}

/* The words behind `wasbox`, which the kernel lays out one after the other. */
static int argv_agrees(const struct wb_entry *entry, const struct command *command) {
  const char *wanted = entry_at(entry, entry->argv), *end = wanted + entry->argv_size;
  for (int i = 1; i < command->argc; i++) {
    size_t size = strlen(command->argv[i]) + 1;
    if ((size_t)(end - wanted) < size || memcmp(wanted, command->argv[i], size) != 0)
      return 0;
    wanted += size;
  }
  return wanted == end;
}

static int is_recent(const struct wb_entry *entry) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  uint64_t seconds = (uint64_t)now.tv_sec;
  return entry->made_s <= seconds && seconds - entry->made_s < WB_ENTRY_LIFETIME_S;
}

int fastpath_main(long *stack) {
  const struct command command = command_at(stack);
  struct installation installation;
  struct wb_cache_key key;
  char state_path[WB_PATH_MAX];
  if (find_installation(&installation) < 0) {
    static const char message[] = "wasbox: /proc is not there, or names no installation\n";
    sys3(__NR_write, 2, message, sizeof message - 1);
    return 125;
  }
  if (command.argc < 3 || !same_text(command.argv[1], "run") ||
      find_cache_key(&command, &installation, &key) < 0)
    run_node(&command, &installation, NULL);
  int state = open_state(&command, state_path);
  struct wb_entry *entry = state < 0 ? NULL : read_entry(state, &key);
  if (entry && memcmp(entry_at(entry, entry->cache_key), &key, sizeof key) == 0 &&
      same_text(entry_at(entry, entry->state), state_path) && is_recent(entry) &&
      argv_agrees(entry, &command)) {
    int status = start(entry, state, &command, &installation);
    if (status >= 0)
      return status;
  }
  run_node(&command, &installation, &key);
}
