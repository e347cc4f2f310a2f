/*
 * Closing copies of the payload's sockets. One that lingers (SO_LINGER) makes the
 * process that closes it last wait until the peer has everything, for as long as the payload has
 * set; and the payload may have closed it while the supervisor had its copy. A process that ends
 * waits for nothing: so a child has the last copy, and is ended. inet_release of
 * net/ipv4/af_inet.c; called by tcp.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

#define STACK_SIZE 16384

static int hold(void *unused) {
  (void)unused;
  for (;;)
    syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
  return 0;
}

static void close_by_child(int file) {
  const struct linger none = {0, 0};
  int pidfd = -1;
  char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  /* It shares memory, and not the descriptors. */
  const pid_t pid = stack == MAP_FAILED
                        ? -1
                        : clone(hold, stack + STACK_SIZE, CLONE_VM | CLONE_PIDFD, NULL, &pidfd);
  if (pid < 0) /* then the socket goes without its wait */
    setsockopt(file, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close(file);
  if (pid > 0) {
    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    close(pidfd);
    while (syscall(SYS_wait4, pid, NULL, __WALL, NULL) < 0 && errno == EINTR)
      ;
  }
  if (stack != MAP_FAILED)
    munmap(stack, STACK_SIZE);
}

void net_let_go(int file) {
  struct linger linger = {0, 0};
  socklen_t size = sizeof linger;
  if (getsockopt(file, SOL_SOCKET, SO_LINGER, &linger, &size) == 0 && linger.l_onoff &&
      linger.l_linger > 0)
    close_by_child(file);
  else
    close(file);
}
