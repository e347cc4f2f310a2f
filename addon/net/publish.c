#include "net.h"
int publish_begin(struct net *net) {
  (void)net;
  return 0;
}
void publish_ready(struct net *net, enum source source, uint32_t index, uint32_t events) {
  (void)net;
  (void)source;
  (void)index;
  (void)events;
}
void publish_close(struct net *net) {
  (void)net;
}
