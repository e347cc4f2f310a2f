/*
 * Debian's libseccomp beside the native build of the core, for bench/filters.mjs.
 *
 *   libseccomp export default|tree RULES            the filter in raw form on stdout
 *   libseccomp time RULES POLICY                    for each line on stdin: one compilation each,
 * as `libseccomp-tree-us wasbox-us` libseccomp version
 *
 * RULES has lines of words: `default ACTION`, then `rule ACTION CALL` with `INDEX OP VALUE VALUE2`
 * for each condition; numbers as strtoul reads them, OP as enum scmp_compare counts.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../wasm-core/src/core.h"

enum { MOST_RULES = 4096, MOST_ARGS = 6 };

struct line {
  uint32_t action;
  int nr;
  unsigned count;
  struct scmp_arg_cmp args[MOST_ARGS];
};

static struct line lines[MOST_RULES];
static unsigned line_count;
static uint32_t default_action;

static void fail(const char *what, int error) {
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  exit(1);
}

static uint64_t next_number(void) {
  const char *word = strtok(NULL, " \n");
  return word == NULL ? 0 : strtoull(word, NULL, 0);
}

/* Calls that libseccomp does not know are left out, as a container runtime does. */
static void read_rules(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL)
    fail(path, errno);
  char text[1024];
  while (fgets(text, sizeof text, file) != NULL && line_count < MOST_RULES) {
    const char *word = strtok(text, " \n");
    if (word == NULL)
      continue;
    if (strcmp(word, "default") == 0) {
      default_action = (uint32_t)next_number();
      continue;
    }
    struct line *line = &lines[line_count];
    line->action = (uint32_t)next_number();
    line->nr = seccomp_syscall_resolve_name(strtok(NULL, " \n"));
    if (line->nr == __NR_SCMP_ERROR)
      continue;
    line->count = 0;
    for (const char *index = strtok(NULL, " \n"); index != NULL && line->count < MOST_ARGS;
         index = strtok(NULL, " \n")) {
      struct scmp_arg_cmp *arg = &line->args[line->count++];
      arg->arg = (unsigned)strtoul(index, NULL, 0);
      arg->op = (enum scmp_compare)next_number();
      arg->datum_a = next_number();
      arg->datum_b = next_number();
    }
    line_count++;
  }
  fclose(file);
}

/* Raw form in `bytes`, which the caller frees. */
static size_t with_libseccomp(int tree, void **bytes) {
  scmp_filter_ctx filter = seccomp_init(default_action);
  if (filter == NULL)
    fail("seccomp_init", ENOMEM);
  if (tree && seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
    fail("SCMP_FLTATR_CTL_OPTIMIZE", EINVAL);
  for (unsigned i = 0; i < line_count; i++) {
    const struct line *line = &lines[i];
    int error = seccomp_rule_add_array(filter, line->action, line->nr, line->count, line->args);
    /* -EDOM: a call of other architectures only. */
    if (error != 0 && error != -EDOM && error != -EEXIST)
      fail("seccomp_rule_add", -error);
  }
  size_t size = 0;
  *bytes = NULL;
  int error = seccomp_export_bpf_mem(filter, NULL, &size);
  if (error == 0) {
    *bytes = malloc(size);
    error = seccomp_export_bpf_mem(filter, *bytes, &size);
  }
  if (error != 0)
    fail("seccomp_export_bpf_mem", -error);
  seccomp_release(filter);
  return size;
}

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void with_wasbox(const struct wb_options *options) {
  wb_arena_reset();
  if (wb_compile_policy(options)->program == NULL)
    fail("wasbox: no program", EINVAL);
}

static void time_both(const char *policy) {
  static char text[1 << 20];
  FILE *file = fopen(policy, "r");
  if (file == NULL)
    fail(policy, errno);
  struct wb_options options = {.name = {"policy", 6}, .targets = 1 << WB_ARCH_X86_64};
  options.text = (struct wb_text){text, (uint32_t)fread(text, 1, sizeof text, file)};
  fclose(file);
  char line[16];
  while (fgets(line, sizeof line, stdin) != NULL) {
    void *bytes;
    double start = now_us();
    with_libseccomp(1, &bytes);
    double middle = now_us();
    free(bytes);
    double again = now_us();
    with_wasbox(&options);
    double end = now_us();
    printf("%.1f %.1f\n", middle - start, end - again);
    fflush(stdout);
  }
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "version") == 0) {
    const struct scmp_version *v = seccomp_version();
    printf("%u.%u.%u\n", v->major, v->minor, v->micro);
    return 0;
  }
  if (argc == 4 && strcmp(argv[1], "export") == 0) {
    read_rules(argv[3]);
    void *bytes;
    size_t size = with_libseccomp(strcmp(argv[2], "tree") == 0, &bytes);
    return fwrite(bytes, 1, size, stdout) == size ? 0 : 1;
  }
  if (argc == 4 && strcmp(argv[1], "time") == 0) {
    read_rules(argv[2]);
    time_both(argv[3]);
    return 0;
  }
  fprintf(stderr, "usage: libseccomp export default|tree RULES | time RULES POLICY | version\n");
  return 2;
}
