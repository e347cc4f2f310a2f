/*
 * `wasbox` without Node. Entered from sys/start.S.
 *
 *   wasbox run …        an entry, and all as before     start.c: the sandbox, and its exit status
 *   wasbox run --json … no entry can be made            the engine carries it out (beyond.c)
 *   wasbox script.py …  no entry                        the engine makes one beside this process
 *   anything else                                       the engine carries it out
 *   no engine, and what the engine leaves               Node with the same arguments
 */
#include <string.h>

#include "../sys/thread.h"
#include "fastpath.h"

static struct command command_at(long *stack) {
  struct command command = {.argc = (int)stack[0], .argv = (char **)(stack + 1)};
  command.envp = command.argv + command.argc + 1;
  return command;
}

/* Returns whether the engine leaves this command to Node: addon/engine/main.c. */
static int is_for_node(const struct command *command) {
  static const char node[] = "node:";
  const char *value = variable(command->envp, "WASBOX_FASTPATH");
  return value && same_bytes(value, node, sizeof node - 1);
}

/* Returns whether the words are a run for sure: a word with a dot or a slash is no verb, and
 * what is no verb is what to run. Others are left to the command line, which has the list of
 * verbs. */
static int is_run(const struct command *command) {
  if (command->argc < 2)
    return 0;
  const char *word = command->argv[1];
  if (same_text(word, "run"))
    return command->argc > 2;
  if (*word == '-')
    return 0;
  while (*word && *word != '.' && *word != '/')
    word++;
  return *word != 0;
}

int fastpath_main(long *stack) {
  begin_threads();
  const struct command command = command_at(stack);
  struct installation installation;
  struct wb_cache_key key;
  char state_path[WB_PATH_MAX] = "";
  if (find_installation(&installation) < 0) {
    static const char message[] =
        "wasbox: cannot find its installation through /proc (is it mounted?)\n";
    sys3(__NR_write, 2, message, sizeof message - 1);
    return 125;
  }
  const int keyed = is_run(&command) && find_cache_key(&installation, &key) == 0;
  if (is_for_node(&command))
    run_node(&command, &installation, keyed ? &key : NULL);
  int state = keyed && !is_for_engine(&command) ? open_state(&command, state_path) : -1;
  if (!state_path[0])
    run_command(&command, &installation, keyed ? &key : NULL);
  const struct wanted wanted = {&command, &key, state_path};
  struct wb_entry *entry = state < 0 ? NULL : read_entry(state, &wanted);
  int status = entry ? start(entry, state, &wanted, &installation, NULL) : START_STALE;
  if (status == START_STALE) { /* a new entry takes the place of one that is out of date */
    struct making making;
    entry = make_entry(&wanted, &installation, &making);
    /* A user's first run: the entry says that the state directory is not there. */
    const int first = state < 0;
    if (entry && first)
      state = wb_state_open(state_path, 1);
    making.lasts = !first;
    if (entry && state >= 0)
      status = start(entry, state, &wanted, &installation, &making);
    stop_making(&making);
  }
  if (status >= 0)
    return status;
  run_command(&command, &installation, &key);
}
