/*
 * Writes what systemd itself makes of its settings: calls the functions of its private library,
 * with libseccomp's seccomp_load replaced by one that writes each filter to a file. Reads commands,
 * one a line; `unit DIR` begins the next unit, whose filters are DIR/0.bpf, DIR/1.bpf, … in the
 * order that they are loaded.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[512];
static unsigned loaded;

int seccomp_load(const scmp_filter_ctx filter) {
  char name[600];
  snprintf(name, sizeof name, "%s/%u.bpf", folder, loaded++);
  int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0)
    exit(3);
  int result = seccomp_export_bpf(filter, fd);
  close(fd);
  return result;
}

static void *library;

static void *function(const char *name) {
  void *found = dlsym(library, name);
  if (found == NULL) {
    fprintf(stderr, "%s is missing\n", name);
    exit(4);
  }
  return found;
}

int main(int argc, char **argv) {
  library = argc < 2 ? NULL : dlopen(argv[1], RTLD_NOW);
  if (library == NULL) {
    fprintf(stderr, "%s\n", argc < 2 ? "usage: systemd_oracle LIBRARY" : dlerror());
    return 2;
  }
  void *(*new_map)(const void *) = function("_hashmap_new");
  void *(*new_set)(const void *) = function("_set_new");
  int (*put)(void *, const void *) = function("set_put");
  int (*parse)(const char *, int, void *, int, const char *, const char *, unsigned) =
      function("seccomp_parse_syscall_filter");
  int (*load)(uint32_t, void *, uint32_t, bool) = function("seccomp_load_syscall_filter_set_raw");
  const void *(*find)(const char *) = function("syscall_filter_set_find");
  int (*load_set)(uint32_t, const void *, uint32_t, bool) =
      function("seccomp_load_syscall_filter_set");
  int (*families)(void *, bool) = function("seccomp_restrict_address_families");
  int (*namespaces)(unsigned long) = function("seccomp_restrict_namespaces");
  int (*personality)(unsigned long) = function("seccomp_lock_personality");
  int (*realtime)(int) = function("seccomp_restrict_realtime_full");
  void *map = NULL, *set = NULL;
  char line[4096], word[512];
  unsigned a, b;
  int error, flags, result = 0;
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strcmp(line, "\n") == 0)
      continue;
    if (sscanf(line, "unit %511s", word) == 1) {
      strcpy(folder, word);
      mkdir(folder, 0755);
      loaded = 0, map = new_map(NULL), set = new_set(NULL);
    } else if (sscanf(line, "word %511s %d %d", word, &error, &flags) == 3) {
      result = parse(word, error, map, flags, NULL, NULL, 0);
    } else if (sscanf(line, "load %x %x", &a, &b) == 2) {
      result = load(a, map, b, false);
    } else if (sscanf(line, "set %511s", word) == 1) {
      result = load_set(SCMP_ACT_ALLOW, find(word), SCMP_ACT_ERRNO(EPERM), false);
    } else if (sscanf(line, "family %u", &a) == 1) {
      result = put(set, (const void *)(uintptr_t)a);
    } else if (sscanf(line, "families %u", &a) == 1) {
      result = families(set, a != 0);
    } else if (sscanf(line, "namespaces %x", &a) == 1) {
      result = namespaces(a);
    } else if (sscanf(line, "personality %u", &a) == 1) {
      result = personality(a);
    } else if (strcmp(line, "realtime\n") == 0) {
      result = realtime(EPERM);
    } else if (sscanf(line, "call %511s", word) == 1) {
      result = ((int (*)(void))function(word))();
    } else {
      fprintf(stderr, "unknown command: %s", line);
      return 5;
    }
    if (result < 0) {
      fprintf(stderr, "%d for %s", result, line);
      return 6;
    }
  }
  return 0;
}
