/*
 * Tells the user about a run whose isolation is not the usual one: at its start as
 * src/cli/run.ts and at its end as src/cli/tell.ts, in the colours of src/cli/terminal.ts. Called
 * by start.c.
 */
#include <asm/ioctls.h>
#include <string.h>

#include "../plan_check.h"
#include "fastpath.h"

static int has_color(char *const *envp) {
  const char *force = variable(envp, "FORCE_COLOR"), *none = variable(envp, "NO_COLOR");
  const char *type = variable(envp, "TERM");
  char modes[64]; /* struct termios of the kernel */
  if (force && *force)
    return !same_text(force, "0");
  if (none && *none)
    return 0;
  return !(type && same_text(type, "dumb")) && sys3(__NR_ioctl, 2, TCGETS, modes) == 0;
}

static void say(const char *text, char *const *envp) {
  static const char plain[] = "wasbox: ", dim[] = "\033[2mwasbox:\033[22m ";
  const int colored = has_color(envp);
  char line[512];
  const size_t start = colored ? sizeof dim - 1 : sizeof plain - 1;
  const size_t length = strlen(text);
  if (start + length + 1 > sizeof line)
    return;
  memcpy(line, colored ? dim : plain, start);
  memcpy(line + start, text, length);
  line[start + length] = '\n';
  sys3(__NR_write, 2, line, start + length + 1);
}

void say_unreported(int discards) {
  static const char what[] = "wasbox: cannot report on this run: its process that prepares reports "
                             "was killed, or out of memory\n";
  static const char saved[] = "  What it changed is saved: wasbox runs\n";
  sys3(__NR_write, 2, what, sizeof what - 1);
  if (!discards)
    sys3(__NR_write, 2, saved, sizeof saved - 1);
}

void say_note(const struct wb_entry *entry, char *const *envp) {
  if (entry->note)
    say(entry_at(entry, entry->note), envp);
}

void say_lacks(const struct wb_entry *entry, uint32_t lacks, char *const *envp) {
  const char *at = entry_at(entry, entry->lacks), *end = at + entry->lacks_size;
  for (; at < end; at += strlen(at) + 1, lacks >>= 1)
    if (lacks & 1)
      say(at, envp);
}

/* `--name` or `--name=VALUE`. */
static int is_option(const char *word, const char *name) {
  const size_t size = strlen(name);
  return word[0] == '-' && word[1] == '-' && strlen(word) >= 2 + size &&
         same_bytes(word + 2, name, size) && (word[2 + size] == 0 || word[2 + size] == '=');
}

static int is_misplaced(const struct wb_entry *entry, const char *word) {
  const char *name = entry_at(entry, entry->misplaced), *end = name + entry->misplaced_size;
  for (; name < end; name += strlen(name) + 1)
    if (is_option(word, name))
      return 1;
  return 0;
}

int names_own_option(const struct wb_entry *entry, char *const *arguments) {
  const struct wb_plan *plan = (const struct wb_plan *)(const void *)entry_at(entry, entry->plan);
  const uint64_t *words = (const uint64_t *)(const void *)wb_plan_at(plan, plan->argv);
  for (uint32_t i = 1; i < plan->argc; i++)
    if (is_misplaced(entry, (const char *)wb_plan_at(plan, (uint32_t)words[i])))
      return 1;
  for (; *arguments; arguments++)
    if (is_misplaced(entry, *arguments))
      return 1;
  return 0;
}
