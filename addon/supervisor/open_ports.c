/* See open_ports.h. Called by launch.c (begin) and notify.c (take). */
#define _GNU_SOURCE
#include <asm/termbits.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../plan_check.h"
#include "open_ports.h"
#include "pin.h"

void wb_open_ports_begin(struct wb_open_ports *ports, const struct wb_plan *plan, int numbers) {
  *ports = (struct wb_open_ports){.plan = plan->watch_flags & WB_WATCH_PORTS ? plan : NULL,
                                  .numbers = numbers};
}

/* The port that a TCP socket is bound to, in the host's byte order; 0 for other
 * files, and for sockets without a port. */
static uint16_t port_of(int file) {
  struct sockaddr_storage own;
  socklen_t size = sizeof own;
  int protocol = 0;
  socklen_t room = sizeof protocol;
  if (syscall(SYS_getsockopt, file, SOL_SOCKET, SO_PROTOCOL, &protocol, &room) < 0 ||
      (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP) ||
      syscall(SYS_getsockname, file, &own, &size) < 0)
    return 0;
  /* The port of either family stands in the same place. */
  struct sockaddr_in address;
  memcpy(&address, &own, sizeof address);
  const uint16_t port = address.sin_port;
  return (uint16_t)(port << 8 | port >> 8);
}

/* Returns whether the kernel chose this port, as for a program that talks to itself: no program
 * outside expects it. Each network namespace begins with this range. ip_local_port_range in ip(7)
 */
static int is_ephemeral(uint16_t port) {
  return port >= 32768 && port <= 60999;
}

static int is_published(const struct wb_plan *plan, uint16_t port) {
  const struct wb_net_publish *entries =
      (const struct wb_net_publish *)(const void *)wb_plan_at(plan, plan->net_publish);
  for (uint32_t i = 0; i < plan->net_publish_count; i++)
    if (entries[i].inside_port == port)
      return 1;
  return 0;
}

/* A terminal that is relayed to is raw: a line then needs its carriage return. */
static int is_raw(void) {
  struct termios modes;
  return ioctl(STDERR_FILENO, TCGETS, &modes) == 0 && !(modes.c_oflag & OPOST);
}

void wb_open_ports_take(struct wb_open_ports *ports, struct wb_pin *caller) {
  if (!ports->plan || ports->count == WB_OPEN_PORTS_MAX)
    return;
  const int file = wb_pin_take(caller, (int)caller->call->data.args[0]);
  if (file < 0)
    return;
  const uint16_t port = wb_pin_stands(caller) ? port_of(file) : 0;
  close(file);
  if (port == 0 || is_ephemeral(port) || is_published(ports->plan, port))
    return;
  for (uint32_t i = 0; i < ports->count; i++)
    if (ports->told[i] == port)
      return;
  ports->told[ports->count++] = port;
  char line[128], way[16];
  if (port < WB_PORTS_FIRST_OF_USERS && syscall(SYS_geteuid) != 0)
    snprintf(way, sizeof way, "%u:%u", port + WB_PORTS_HIGHER, port);
  else
    snprintf(way, sizeof way, "%u", port);
  const int to = ports->numbers ? ports->numbers : STDERR_FILENO;
  const int size =
      ports->numbers ? snprintf(line, sizeof line, "%u\n", port)
                     : snprintf(line, sizeof line,
                                "wasbox: port %u is open inside only. To reach it: --publish %s%s",
                                port, way, is_raw() ? "\r\n" : "\n");
  /* The program waits for the answer: a reader that takes nothing must not hold it up. */
  struct pollfd ready = {to, POLLOUT, 0};
  if (poll(&ready, 1, 0) == 1 && ready.revents == POLLOUT)
    (void)!write(to, line, (size_t)size);
}
