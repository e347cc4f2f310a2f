/*
 * Prints everything that the system call tables say, one JSON value a line, for the tests beside
 * it: calls with their numbers and arguments, constants, groups, weights.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "tables.h"

static const char *const classes[] = {"int", "uint", "long", "ulong", "s64", "u64", "pointer"};

static void print_call(int id) {
  printf("{\"call\":\"%s\",\"since\":%d,\"weight\":%" PRIu32 ",\"on\":{", wb_syscall_name(id),
         wb_syscall_since(id), wb_syscall_weight(id));
  const char *comma = "";
  for (int arch = 0; arch < WB_ARCH_COUNT; arch++) {
    int number = wb_syscall_number(id, arch);
    if (number < 0)
      continue;
    printf("%s\"%s\":{\"number\":%d,\"back\":%d,\"args\":[", comma, wb_arch_info(arch)->name,
           number, wb_syscall_by_number(arch, (uint32_t)number) == id);
    comma = ",";
    struct wb_arg args[6];
    int count = wb_syscall_args(id, arch, args);
    for (int i = 0; i < count; i++) {
      const char *set = args[i].constants < 0 ? "" : wb_constant_set_name(args[i].constants);
      const char *alias = args[i].alias == NULL ? "" : args[i].alias;
      int found = wb_arg_by_name(id, arch, args[i].name, strlen(args[i].name));
      printf("%s[\"%s\",\"%s\",\"%s\",%d,\"%s\",%d]", i ? "," : "", args[i].name,
             classes[args[i].type], set, args[i].bits, alias, found == i);
    }
    printf("]}");
  }
  printf("}}\n");
}

static void print_set(int set) {
  printf("{\"set\":\"%s\",\"constants\":{", wb_constant_set_name(set));
  const char *name;
  for (int i = 0; (name = wb_constant_name(set, i)) != NULL; i++) {
    printf("%s\"%s\":[", i ? "," : "", name);
    for (int arch = 0; arch < WB_ARCH_COUNT; arch++) {
      uint64_t value;
      if (wb_constant(arch, set, name, strlen(name), &value) == 0)
        printf("%s\"%" PRIu64 "\"", arch ? "," : "", value);
      else
        printf("%snull", arch ? "," : "");
    }
    printf("]");
  }
  printf("}}\n");
}

static void print_group(int group) {
  int members[1024];
  int count = wb_group_members(group, members, 1024);
  printf("{\"group\":\"%s\",\"members\":[", wb_group_name(group));
  for (int i = 0; i < count; i++)
    printf("%s\"%s\"", i ? "," : "", wb_syscall_name(members[i]));
  printf("]}\n");
}

int main(void) {
  for (int arch = 0; arch < WB_ARCH_COUNT; arch++) {
    const struct wb_arch_info *info = wb_arch_info(arch);
    printf("{\"arch\":\"%s\",\"audit\":%" PRIu32 ",\"base\":%" PRIu32
           ",\"bits\":%d,\"big\":%d,\"limit\":%" PRIu32 "}\n",
           info->name, info->audit, info->nr_base, info->bits, info->big_endian,
           wb_syscall_limit(arch));
  }
  for (int id = 0; id < wb_syscall_count(); id++)
    print_call(id);
  for (int set = 0; wb_constant_set_name(set) != NULL; set++)
    print_set(set);
  for (int group = 0; group < wb_group_count(); group++)
    print_group(group);
  return 0;
}
