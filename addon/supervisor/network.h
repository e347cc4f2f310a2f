/* The network of a run with rules, as supervise.c and notify.c see it, so that a program that
 * starts no such run need not link it (addon/net). */
#ifndef WASBOX_NETWORK_H
#define WASBOX_NETWORK_H

#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "../records.h"
#include "notify.h"

#ifdef __cplusplus
extern "C" {
#endif

struct wb_network {
  int fd; /* readable where `serve` has something to do */
  /* Begins before the start. Returns 0, or an errno with the step that failed (WB_STEP_*) and what
   * it was about. */
  int (*begin)(struct wb_network *network, const struct wb_plan *plan, uint32_t *step, char *what,
               size_t room);
  /* Takes over `file`, something of the sandbox's network from init (WB_NETWORK_*). */
  void (*receive)(struct wb_network *network, uint32_t what, int file, int error);
  /* The sandbox's namespaces are those of this process, which outlives the run. */
  void (*started)(struct wb_network *network, int pidfd);
  /* Returns 1 where the notification, which the policy allows, is answered here, now or later; 0
   * where the kernel may go on with it. */
  int (*take)(struct wb_network *network, const struct wb_watch *watch, struct wb_pin *caller);
  void (*serve)(struct wb_network *network, const struct wb_watch *watch);
  /* Milliseconds until `serve` must be called anyway; -1: none. */
  int (*wait_ms)(const struct wb_network *network);
  /* Where the payload wanted to go: bytes of struct wb_destination, each followed by
   * WB_NET_NAME_MAX + 3 bytes of name and WB_PROCESS_MAX of the process' name. Returns their size.
   */
  size_t (*destinations)(const struct wb_network *network, const unsigned char **bytes,
                         uint64_t *dropped);
  /* Why UDP reaches nothing but the resolver, as an errno; 0 where it reaches what rules allow. */
  int (*udp_error)(const struct wb_network *network);
};

/* addon/net/engine.c: returns NULL with errno where it cannot be made. */
struct wb_network *wb_network_new(void);
/* Lets go of every descriptor; what was noted stays. */
void wb_network_close(struct wb_network *network);
void wb_network_free(struct wb_network *network);

/* addon/net/inside.c: a connection to a port of the loopback of a sandbox with a network namespace
 * of its own, by init's pidfd; owned by the caller. Returns -1 with errno: EAGAIN where the server
 * takes no more at the moment. */
int wb_dial_inside(int sandbox, uint16_t port);

#ifdef __cplusplus
}
#endif
#endif
