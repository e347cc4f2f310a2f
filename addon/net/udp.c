#include "net.h"
int tunnel_receive(struct net *net, int file) {
  (void)net;
  (void)file;
  return -1;
}
void tunnel_ready(struct net *net, enum source source, uint32_t index) {
  (void)net;
  (void)source;
  (void)index;
}
void tunnel_expire(struct net *net, uint64_t now, uint64_t *next) {
  (void)net;
  (void)now;
  (void)next;
}
void tunnel_close(struct net *net) {
  (void)net;
}
