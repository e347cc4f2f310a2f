/*
 * Questions about what the rules neither allow nor deny. Called by tcp.c, udp.c and resolver.c,
 * each of which holds what waits: a call, a packet, queries. The question is about a copy that the
 * payload cannot change, and that copy is what is dialled.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "../supervisor/ask.h"
#include "net.h"

int net_may_ask(const struct net *net) {
  const struct wb_asker *asker = net->watch ? net->watch->asker : NULL;
  return asker && wb_asker_options(asker)->network;
}

struct wb_held *net_ask(struct net *net, uint32_t kind, struct wb_pin *caller,
                        const struct net_target *target, int file, net_decided *decided) {
  struct wb_question_packet packet;
  if (!net_may_ask(net) || target->size > sizeof((struct wb_held){0}.bytes))
    return NULL;
  wb_question_begin(&packet, kind, caller);
  wb_question_target(&packet, caller, target->sockaddr, (uint32_t)target->size, target->name,
                     (uint32_t)strlen(target->name));
  struct wb_held *held = wb_ask(net->watch->asker, caller, &packet, file, decided);
  if (!held)
    return NULL;
  held->context = net;
  if (target->size)
    memcpy(held->bytes, target->sockaddr, target->size);
  held->size = (uint32_t)target->size;
  return held;
}

int net_refusal(const struct net *net) {
  for (uint32_t i = 0; i < net->plan->net_rule_count; i++)
    if (!net->rules[i].deny)
      return EACCES;
  return net->plan->net_publish_count ? EACCES : ENETUNREACH;
}
