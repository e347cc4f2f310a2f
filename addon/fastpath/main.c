/*
 * `wasbox` without Node. Entered from sys/start.S.
 *
 *   wasbox run …        an entry, and all as before     start.c: the sandbox, and its exit status
 *   wasbox script.py …  no entry                        the engine, which executes this again with
 *                                                       one, or carries the command out itself
 *   anything else                                       the engine
 *   no engine, and what the engine leaves               Node with the same arguments
 */
#include <string.h>

#include "fastpath.h"

static struct command command_at(long *stack) {
  struct command command = {.argc = (int)stack[0], .argv = (char **)(stack + 1)};
  command.envp = command.argv + command.argc + 1;
  return command;
}

/* What the engine says of this command, in WASBOX_FASTPATH: addon/engine/main.c. */
enum said { NOTHING, ENTRY, ENTRY_ONCE, NODE };

static enum said engine_said(const struct command *command, int *fd) {
  static const char entry[] = "entry:", once[] = "once:", node[] = "node:";
  const char *value = variable(command->envp, "WASBOX_FASTPATH");
  enum said said = NOTHING;
  if (!value)
    return NOTHING;
  if (same_bytes(value, node, sizeof node - 1))
    return NODE;
  if (same_bytes(value, entry, sizeof entry - 1))
    said = ENTRY, value += sizeof entry - 1;
  else if (same_bytes(value, once, sizeof once - 1))
    said = ENTRY_ONCE, value += sizeof once - 1;
  else
    return NOTHING;
  *fd = *value ? 0 : -1;
  for (; *value >= '0' && *value <= '9' && *fd < 100000; value++)
    *fd = *fd * 10 + (*value - '0');
  return said;
}

/* Whether the words are a run for sure: a word with a dot or a slash is no verb, and what is no
 * verb is what to run. Others are left to the command line, which has the list of verbs. */
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
  int fd = -1;
  const enum said said = engine_said(&command, &fd);
  const int made_now = said == ENTRY || said == ENTRY_ONCE;
  const int keyed = is_run(&command) && find_cache_key(&installation, &key) == 0;
  if (said == NODE)
    run_node(&command, &installation, keyed ? &key : NULL);
  int state = keyed ? open_state(&command, state_path) : -1;
  if (!state_path[0])
    run_command(&command, &installation, keyed ? &key : NULL);
  /* A user's first run: the entry says that the state directory is not there, so it is not saved.
   */
  const int first = state < 0;
  if (first && made_now)
    state = wb_state_open(state_path, 1);
  const struct wanted wanted = {&command, &key, state_path};
  struct wb_entry *entry = state < 0  ? NULL
                           : made_now ? take_entry(fd, &wanted)
                                      : read_entry(state, &wanted);
  if (entry) {
    const struct made made = {made_now, said == ENTRY && !first ? fd : -1};
    int status = start(entry, state, &command, &installation, &made);
    if (status >= 0)
      return status;
    /* A new entry takes the place of one that is out of date. */
    if (status == START_STALE)
      run_engine(&command, &installation, &key);
  } else if (!made_now) {
    run_engine(&command, &installation, &key);
  }
  run_command(&command, &installation, &key);
}
