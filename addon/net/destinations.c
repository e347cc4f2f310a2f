/* The table of where the payload wanted to go. Called by the parts that judge. */
#define _GNU_SOURCE
#include <string.h>

#include "net.h"

/* Reads the name that the process calls itself, cut off by the kernel. */
static void read_process(struct wb_pin *caller, char out[WB_PROCESS_MAX]) {
  const ssize_t n = caller ? wb_pin_text(caller, "comm", out, WB_PROCESS_MAX) : 0;
  out[n > 0 ? n - 1 : 0] = 0; /* without the line's end */
}

struct destination *net_note(struct net *net, uint32_t protocol, uint32_t verdict,
                             const struct endpoint *to, const char *name, struct wb_pin *caller) {
  struct wb_destination record = {.protocol = protocol,
                                  .verdict = verdict,
                                  .pid = caller ? caller->call->pid : 0,
                                  .port = to ? to->port : 0,
                                  .count = 1,
                                  .last_ns = wb_now_ns()};
  uint32_t words[4] = {0};
  if (to)
    memcpy(words, to->address.bytes, sizeof words);
  record.word0 = words[0], record.word1 = words[1];
  record.word2 = words[2], record.word3 = words[3];
  for (uint32_t i = 0; i < net->destination_count; i++) {
    struct destination *known = &net->destinations[i];
    if (known->record.protocol == protocol && known->record.verdict == verdict &&
        known->record.port == record.port && known->record.word0 == words[0] &&
        known->record.word1 == words[1] && known->record.word2 == words[2] &&
        known->record.word3 == words[3] && strcmp(known->name, name) == 0) {
      known->record.count++;
      known->record.last_ns = wb_now_ns();
      return known;
    }
  }
  if (net->destination_count == WB_DESTINATIONS_MAX) {
    net->destinations_dropped++;
    return NULL;
  }
  struct destination *fresh = &net->destinations[net->destination_count++];
  fresh->record = record;
  fresh->record.name_size = (uint32_t)strlen(name);
  strcpy(fresh->name, name);
  read_process(caller, fresh->process);
  return fresh;
}
