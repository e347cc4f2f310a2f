/* A socket in the sandbox's network, made from outside. Called by publish.c, and by the addon for
 * ports that are published while a session runs. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../supervisor/run_in_namespaces.h"
#include "net.h"

/* The visit of a child that shares memory and descriptors, but has one thread, and so may join
 * namespaces. */
struct visit {
  int sandbox, domain, type, file, error;
};

static int visit(void *argument) {
  struct visit *visit = argument;
  if (syscall(SYS_setns, visit->sandbox, CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
      (visit->file = socket(visit->domain, visit->type | SOCK_CLOEXEC, 0)) < 0)
    visit->error = errno;
  _exit(0);
}

static int inside_socket(int sandbox, int domain, int type) {
  struct visit request = {sandbox, domain, type, -1, 0};
  const int error = wb_run_in_namespaces(visit, &request, CLONE_FILES);
  errno = error ? error : request.error;
  return request.file;
}

int net_inside_socket(const struct net *net, int domain, int type) {
  return inside_socket(net->sandbox, domain, type);
}

static int dial(int sandbox, int family, uint16_t port) {
  struct sockaddr_storage raw;
  struct endpoint to = {.port = port};
  int error = 0;
  socklen_t size = sizeof error;
  if (family == AF_INET)
    memcpy(to.address.bytes + 12, "\x7f\0\0\1", 4);
  else
    to.address.bytes[15] = 1;
  const int file = inside_socket(sandbox, family, SOCK_STREAM | SOCK_NONBLOCK);
  if (file < 0)
    return -1;
  if (connect(file, (struct sockaddr *)&raw, net_to_sockaddr(&to, family, &raw)) < 0)
    error = errno;
  /* Over loopback it is there at once or refused, unless the server's queue is full: then the
   * kernel tries again, and it is on its way. */
  if (error == EINPROGRESS && getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
    error = errno;
  if (!error)
    return file;
  close(file);
  errno = error;
  return -1;
}

int wb_dial_inside(int sandbox, uint16_t port) {
  const int file = dial(sandbox, AF_INET, port);
  return file < 0 && errno == ECONNREFUSED ? dial(sandbox, AF_INET6, port) : file;
}
