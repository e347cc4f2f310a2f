/*
 * Runs the importers, the exporter and the compiler natively, for the tests beside it.
 *
 *   driver import FORMAT TARGETS CAPS < profile       text on stdout, notes on stderr; 1: refused
 *   driver export TARGETS KERNEL < policy             the same
 *   driver decide TARGETS KERNEL EVENTS < policy      an action for each event, from the program
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../../wasm-core/src/convert.h"

static struct wb_text read_all(FILE *from) {
  static char buffer[4 << 20];
  size_t size = fread(buffer, 1, sizeof buffer, from);
  char *exact = wb_alloc(size + 1); /* so that a step past the end is noticed */
  memcpy(exact, buffer, size);
  return (struct wb_text){exact, (uint32_t)size};
}

static int report(const struct wb_conversion *c) {
  for (uint32_t i = 0; i < c->note_count; i++)
    fprintf(stderr, "%d %u %u %.*s\n", c->notes[i].kind, c->notes[i].start, c->notes[i].end,
            (int)c->notes[i].detail.size, c->notes[i].detail.at);
  if (!c->ok)
    return 1;
  fwrite(c->out.at, 1, c->out.size, stdout);
  return 0;
}

static int import(char **argv) {
  struct wb_conversion c = {0};
  struct wb_import_options options = {.text = read_all(stdin),
                                      .targets = (uint32_t)strtoul(argv[3], NULL, 0),
                                      .capabilities = strtoull(argv[4], NULL, 0)};
  wb_import_oci(&c, &options);
  return report(&c);
}

static struct wb_options policy_options(char **argv) {
  return (struct wb_options){.name = {"stdin", 5},
                             .text = read_all(stdin),
                             .targets = (uint32_t)strtoul(argv[2], NULL, 0),
                             .kernel = (uint32_t)strtoul(argv[3], NULL, 0)};
}

static void print_errors(const struct wb_context *cx) {
  for (uint32_t i = 0; i < cx->diag_count; i++)
    fprintf(stderr, "diagnostic %d at %u\n", cx->diags[i].code, cx->diags[i].place.start);
}

static int decide(char **argv) {
  struct wb_options options = policy_options(argv);
  struct wb_compiled *compiled = wb_compile_policy(&options);
  if (compiled->program == NULL) {
    print_errors(&compiled->cx);
    return 1;
  }
  FILE *events = fopen(argv[4], "r");
  struct wb_data data;
  while (events != NULL && fscanf(events,
                                  "%" SCNu32 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %" SCNu64
                                  " %" SCNu64 " %" SCNu64 " %" SCNu64,
                                  &data.arch, &data.nr, &data.args[0], &data.args[1], &data.args[2],
                                  &data.args[3], &data.args[4], &data.args[5]) == 8) {
    uint32_t action, executed;
    wb_interpret(compiled->program->insns, compiled->program->count, compiled->policy->big_endian,
                 &data, &action, &executed, NULL);
    printf("%" PRIu32 "\n", action);
  }
  if (events != NULL)
    fclose(events);
  return 0;
}

static int export(char **argv) {
  struct wb_options options = policy_options(argv);
  struct wb_context cx = {0};
  struct wb_conversion c = {0};
  const struct wb_policy *policy = wb_resolve(&cx, &options);
  if (policy == NULL) {
    print_errors(&cx);
    return 1;
  }
  wb_export_oci(&c, policy);
  return report(&c);
}

int main(int argc, char **argv) {
  int status = 2;
  if (argc == 5 && strcmp(argv[1], "import") == 0)
    status = import(argv);
  else if (argc == 5 && strcmp(argv[1], "decide") == 0)
    status = decide(argv);
  else if (argc == 4 && strcmp(argv[1], "export") == 0)
    status = export(argv);
  wb_arena_reset();
  return status;
}
