/* The table of where the payload wanted to go. Called by the parts that judge. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net.h"

/* What the process calls itself, cut off by the kernel. */
static void read_process(uint32_t pid, char out[WB_PROCESS_MAX]) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%u/comm", pid);
  int fd = pid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0)
    return;
  ssize_t n = read(fd, out, WB_PROCESS_MAX);
  close(fd);
  if (n > 0)
    out[n - 1] = 0; /* the line's end */
}

struct destination *net_note(struct net *net, uint32_t protocol, uint32_t verdict,
                             const struct endpoint *to, const char *name, uint32_t pid) {
  struct wb_destination record = {.protocol = protocol,
                                  .verdict = verdict,
                                  .pid = pid,
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
  read_process(pid, fresh->process);
  return fresh;
}
