/* Keeps what the one epoll(7) of a run's network watches. Called by the parts that engine.c
 * serves. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/epoll.h>

#include "../supervisor/reserve.h"
#include "net.h"

static int control(struct net *net, int operation, int file, uint32_t events, enum source source,
                   uint32_t index) {
  struct epoll_event event = {.events = events, .data.u64 = (uint64_t)source << 32 | index};
  return epoll_ctl(net->face.fd, operation, file, &event);
}

/* A file that is watched stays open. */
int net_watch(struct net *net, int file, uint32_t events, enum source source, uint32_t index) {
  if (wb_reserve_reached(file)) {
    errno = EMFILE;
    return -1;
  }
  return control(net, EPOLL_CTL_ADD, file, events, source, index);
}

int net_rewatch(struct net *net, int file, uint32_t events, enum source source, uint32_t index) {
  return control(net, EPOLL_CTL_MOD, file, events, source, index);
}

void net_unwatch(struct net *net, int file) {
  epoll_ctl(net->face.fd, EPOLL_CTL_DEL, file, NULL);
}
