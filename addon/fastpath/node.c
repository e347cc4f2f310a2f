/*
 * Executes the engine (engine.c), or Node, with the command line, for what the native command does
 * not do itself. Called by main.c and start.c.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>

#include <string.h>

#include "fastpath.h"

#define EXTRA_WORDS 4

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

/* Why the engine left it to Node (addon/engine/main.c), else there is no engine; and where to get
 * Node. */
static _Noreturn void give_up_without_node(const struct command *command) {
  static const char left[] = "node:", prefix[] = "wasbox: ";
  const char *why = variable(command->envp, "WASBOX_FASTPATH");
  if (why && same_bytes(why, left, sizeof left - 1) && why[sizeof left - 1])
    why += sizeof left - 1;
  else
    why = "wasbox-engine cannot be executed";
  const struct iovec parts[] = {
      {(void *)(uintptr_t)prefix, sizeof prefix - 1},
      {(void *)(uintptr_t)why, strlen(why)},
  };
  sys3(__NR_writev, 2, parts, sizeof parts / sizeof *parts);
  give_up(", and node was not found in PATH\n"
          "  Install Node.js 20.18 or later (not 21, nor 22.0 to 22.2): https://nodejs.org\n");
}

/* Executes the `node` that env(1) finds for a #! line: the first in PATH that can be executed. */
static _Noreturn void execute(const struct command *command, char **argv, char **envp) {
  const char *path = variable(envp, "PATH");
  char file[WB_PATH_MAX];
  if (!path || !*path)
    path = default_path;
  while (*path) {
    size_t length = 0;
    while (path[length] && path[length] != ':')
      length++;
    if (length > 0 && length + sizeof "/node" <= sizeof file) {
      memcpy(file, path, length);
      memcpy(file + length, "/node", sizeof "/node");
      if (sys3(__NR_execve, file, argv, envp) == -E2BIG)
        give_up("wasbox: the arguments and the environment are too long together\n");
    }
    path += length + (path[length] == ':');
  }
  give_up_without_node(command);
}

/* `WASBOX_FASTPATH=` and the cache key in hexadecimal, for src/fastpath/recorder.ts; without one it
 * says that the native command was started. */
static char *cache_key_variable(const struct wb_cache_key *key) {
  static char text[sizeof "WASBOX_FASTPATH=" + WB_KEY_TEXT] = "WASBOX_FASTPATH=";
  if (key)
    put_cache_key(text + sizeof "WASBOX_FASTPATH=" - 1, key);
  return text;
}

static char **node_vector(const struct installation *installation, char script[WB_PATH_MAX],
                          char **words, size_t count) {
  char **vector = new_vector(count + 3);
  if (join_path(script, installation->dist, "cli.cjs") < 0)
    give_up("wasbox: the path of the installation is too long\n");
  vector[0] = (char *)(uintptr_t)"node";
  vector[1] = script;
  for (size_t i = 0; i < count; i++)
    vector[2 + i] = words[i];
  return vector;
}

_Noreturn void run_command(const struct command *command, const struct installation *installation,
                           const struct wb_cache_key *key) {
  execute_engine(installation, command->argv, environment(command, cache_key_variable(NULL)));
  run_node(command, installation, key);
}

_Noreturn void run_node(const struct command *command, const struct installation *installation,
                        const struct wb_cache_key *key) {
  char script[WB_PATH_MAX];
  size_t words = command->argc > 1 ? (size_t)command->argc - 1 : 0;
  execute(command, node_vector(installation, script, command->argv + 1, words),
          environment(command, cache_key_variable(key)));
}

/* Writes what src/cli/finish-run.ts reads, in a file without a name: the structure, its
 * strings, and how the run ended. */
static int ended_run(const struct wb_entry *entry, const struct started *started,
                     struct wb_result *result) {
  const char *state = entry_at(entry, entry->state);
  const size_t state_size = strlen(state) + 1;
  struct wb_ended_run ended = {
      .magic = WB_ENDED_MAGIC,
      .version = WB_ENTRY_VERSION,
      .lock = started->run.lock,
      .id = sizeof ended,
      .state = sizeof ended + WB_RUN_ID + 1,
      .report_context_size = entry->report_context_size,
      .started_ms = started->started_ms,
  };
  char *words = arguments_joined(started->arguments, entry, NULL, &ended.arguments_size);
  if (!words)
    return -1;
  ended.report_context = ended.state + (uint32_t)state_size;
  ended.arguments = ended.report_context + ended.report_context_size;
  ended.outcome = ended.arguments + ended.arguments_size;
  struct iovec parts[5 + WB_OUTCOME_PARTS] = {
      {&ended, sizeof ended},
      {(void *)(uintptr_t)started->run.id, WB_RUN_ID + 1},
      {(void *)(uintptr_t)state, state_size},
      {entry_at(entry, entry->report_context), entry->report_context_size},
      {words, ended.arguments_size},
  };
  const struct wb_tables tables = {.refusals = started->refusals};
  const unsigned count = 5 + wb_outcome_record(result, &tables, parts + 5);
  ended.size = ended.outcome + result->outcome.size;
  const long fd = sys2(__NR_memfd_create, "wasbox-ended", 0);
  return sys3(__NR_writev, fd, parts, count) == (long)ended.size ? (int)fd : -1;
}

_Noreturn void finish_run(const struct command *command, const struct installation *installation,
                          const struct wb_entry *entry, const struct started *started,
                          struct wb_result *result) {
  char script[WB_PATH_MAX], number[6];
  int fd = ended_run(entry, started, result);
  if (fd < 0)
    give_up("wasbox: out of memory. Its changes are saved: wasbox runs\n");
  wb_put_digits(number, (uint64_t)fd, 10, 5);
  number[5] = 0;
  sys3(__NR_fcntl, started->run.lock, F_SETFD, 0); /* the next program goes on holding it */
  char *words[] = {(char *)(uintptr_t)"finish-run", number};
  char *argv[] = {command->argv[0], words[0], words[1], NULL};
  execute_engine(installation, argv, environment(command, cache_key_variable(NULL)));
  execute(command, node_vector(installation, script, words, 2), command->envp);
}
