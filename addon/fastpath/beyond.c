/*
 * Lists options with which the engine is known to carry the run out itself (src/engine/start.ts):
 * an entry of it cannot be made, so the engine need not be started once more to find that out.
 * Called by main.c. Where this is wrong about a word, the run is the same and only not recorded.
 */
#include "fastpath.h"

/* The options are those of `beyond` in src/engine/start.ts. */
static const char *const beyond[] = {
    "--help", "--version", "--dry-run", "--report", "--html",
    "--json", "--verbose", "--audit",   "--ask",    "--continue",
};

/* Returns whether a word is an option, with or without its value behind `=`. */
static int is_option(const char *word, const char *option) {
  while (*option && *word == *option)
    word++, option++;
  return !*option && (!*word || *word == '=');
}

/* Looks only as far as it is sure that words are options: a value of one ends the search. */
int is_for_engine(const struct command *command) {
  if (command->argc < 3 || !same_text(command->argv[1], "run"))
    return 0;
  for (int i = 2; i < command->argc && command->argv[i][0] == '-'; i++) {
    const char *word = command->argv[i];
    if (same_text(word, "--"))
      return 0;
    if (same_text(word, "--home=cow") || (same_text(word, "--home") && i + 1 < command->argc &&
                                          same_text(command->argv[i + 1], "cow")))
      return 1;
    for (unsigned at = 0; at < sizeof beyond / sizeof *beyond; at++)
      if (is_option(word, beyond[at]))
        return 1;
  }
  return 0;
}
