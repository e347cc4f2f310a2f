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
