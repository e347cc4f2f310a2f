/*
 * Sockets of a run that has no network namespace: those of TCP here, of UDP in datagrams.c. Called
 * by engine.c, tcp.c and datagram_calls.c.
 *
 *   socket(2) ─▶ made here, put into the payload (ADDFD), and a copy kept by its inode
 *   connect(2), bind(2), listen(2) ─▶ the copy is found by the inode that /proc tells of the
 *   payload's descriptor ─▶ judged and done on it (tcp.c) ─▶ the copy is let go of
 *
 * So no descriptor is ever taken from the payload: pidfd_getfd(2) takes CAP_SYS_PTRACE under the
 * filter that containers usually have. The payload's Landlock domain has no right to connect or
 * bind TCP; sockets of other protocols are not made at all. Which descriptor names which socket
 * only selects among the payload's own.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../supervisor/reserve.h"
#include "net.h"

/* Copies that are kept at a time: what more a program has unconnected, it cannot connect. */
#define HANDED_MAX 256
#define TYPE_MASK 0xf
/* The most that is looked at to find out which of them a program has closed. */
#define DESCRIPTORS_MAX 16384

struct handed {
  uint64_t inode; /* 0: free */
  int file;       /* owned; -1: let go of, it is connected or listens */
  int connecting;
};

struct handed_sockets {
  uint32_t next; /* the oldest one's place */
  struct handed all[HANDED_MAX];
};

int handed_begin(struct net *net) {
  net->handed = calloc(1, sizeof *net->handed);
  return net->handed ? 0 : -1;
}

/* The payload has it as well: closing it leaves it in the epoll. */
static void let_go(struct net *net, struct handed *one) {
  if (one->file < 0 || !one->inode)
    return;
  if (one->connecting)
    net_unwatch(net, one->file);
  close(one->file);
  one->file = -1;
  one->connecting = 0;
}

void handed_close(struct net *net) {
  for (uint32_t i = 0; net->handed && i < HANDED_MAX; i++)
    let_go(net, &net->handed->all[i]);
  free(net->handed);
  net->handed = NULL;
}

/* proc(5) */
uint64_t handed_inode(struct wb_pin *caller, int number) {
  char target[64];
  unsigned long long inode;
  if (number < 0 || wb_pin_link_base(caller, number, target, sizeof target) <= 0)
    return 0;
  return sscanf(target, "socket:[%llu]", &inode) == 1 ? inode : 0;
}

static struct handed *find(const struct net *net, uint64_t inode) {
  for (uint32_t i = 0; inode && i < HANDED_MAX; i++)
    if (net->handed->all[i].inode == inode)
      return &net->handed->all[i];
  return NULL;
}

int handed_file(const struct net *net, struct wb_pin *caller, int number) {
  const uint64_t inode = handed_inode(caller, number);
  const struct handed *one = find(net, inode);
  errno = !inode ? EBADF : !one ? EACCES : EISCONN;
  return one && one->file >= 0 ? fcntl(one->file, F_DUPFD_CLOEXEC, 0) : -1;
}

void handed_settled(struct net *net, uint64_t inode) {
  struct handed *one = find(net, inode);
  if (one)
    let_go(net, one);
}

void handed_connecting(struct net *net, uint64_t inode) {
  struct handed *one = find(net, inode);
  if (one && one->file >= 0 && !one->connecting)
    one->connecting =
        net_watch(net, one->file, EPOLLOUT, SOURCE_HANDED, (uint32_t)(one - net->handed->all)) == 0;
}

void handed_ready(struct net *net, uint32_t index) {
  struct handed *one = &net->handed->all[index % HANDED_MAX];
  struct sockaddr_storage peer;
  socklen_t size = sizeof peer;
  if (one->file < 0 || !one->connecting)
    return;
  net_unwatch(net, one->file);
  one->connecting = 0;
  /* One that failed may be tried again. Not SO_ERROR, which is the payload's to read. */
  if (getpeername(one->file, (struct sockaddr *)&peer, &size) == 0)
    let_go(net, one);
}

void handed_release_closed(struct net *net, struct wb_pin *caller) {
  unsigned char open[HANDED_MAX] = {0};
  const int fds = wb_pin_open(caller, "fd", O_RDONLY | O_DIRECTORY);
  DIR *directory = fds < 0 ? NULL : fdopendir(fds);
  if (!directory && fds >= 0)
    close(fds);
  const struct dirent *entry = NULL;
  for (unsigned seen = 0; directory && (entry = readdir(directory)); seen++) {
    if (seen == DESCRIPTORS_MAX)
      break;
    const struct handed *one = find(net, handed_inode(caller, atoi(entry->d_name)));
    if (one)
      open[one - net->handed->all] = 1;
  }
  for (uint32_t i = 0; directory && !entry && i < HANDED_MAX; i++)
    if (!open[i])
      let_go(net, &net->handed->all[i]);
  if (directory)
    closedir(directory);
}

int handed_take(struct net *net, struct wb_pin *caller) {
  const struct seccomp_notif *notif = caller->call;
  const int domain = (int)notif->data.args[0], type = (int)notif->data.args[1];
  const int protocol = (int)notif->data.args[2];
  if (notif->data.nr != SYS_socket)
    return 0;
  const int is_tcp = (domain == AF_INET || domain == AF_INET6) &&
                     (type & TYPE_MASK) == SOCK_STREAM &&
                     (protocol == 0 || protocol == IPPROTO_TCP);
  if (!is_tcp) {
    wb_watch_note(net->watch, caller, EACCES);
    wb_watch_respond(net->watch, notif->id, EACCES, 0, 0);
    return 1;
  }
  struct stat info;
  const int file = socket(domain, type | SOCK_CLOEXEC, protocol);
  const int is_last = file >= 0 && wb_reserve_reached(file);
  if (file < 0 || is_last || fstat(file, &info) < 0) {
    wb_watch_respond(net->watch, notif->id, is_last ? EMFILE : errno, 0, 0);
    if (file >= 0)
      close(file);
    return 1;
  }
  const int sent = wb_watch_give(net->watch, notif->id, file, type & SOCK_CLOEXEC);
  if (sent <= 0) {
    close(file);
    if (sent < 0)
      wb_watch_respond(net->watch, notif->id, -sent, 0, 0);
    return 1;
  }
  struct handed *place = &net->handed->all[net->handed->next++ % HANDED_MAX];
  let_go(net, place);
  *place = (struct handed){.inode = (uint64_t)info.st_ino, .file = file};
  return 1;
}
