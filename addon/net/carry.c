/*
 * A socket of the host's that takes the place of the payload's: what else led to the old one leads
 * to the new one from then on. Called by tcp.c around the exchange.
 *
 * Descriptors made by dup(2) are other numbers of the same table; epoll(7) knows a file by itself
 * and by the number that it was registered under. Programs register a socket before they connect it
 * and wait for it to become writable: without this they would wait for the old one for good. Other
 * processes that share the socket keep the old one.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../supervisor/run_in_namespaces.h"
#include "net.h"

/* The most that is looked at for one connection: a payload that has more of it must not keep the
 * supervisor, and with it the limits of the run, waiting. */
#define DESCRIPTORS_MAX 16384
#define LINES_MAX 16384
#define LINES_PER_EPOLL 16 /* that opening its file is worth */
/* An epoll's list waits for a lock of the payload's. Later epolls keep the old socket. */
#define CARRY_NS 200000000ull

/* Registrations of the socket in one epoll, as /proc/PID/fdinfo tells them. proc(5) */
static void read_epoll(struct carried *all, struct wb_pin *caller, int number, uint64_t inode,
                       unsigned *lines) {
  char name[24], line[256];
  snprintf(name, sizeof name, "fdinfo/%d", number);
  const int fd = wb_pin_open(caller, name, O_RDONLY);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
  if (!file) {
    if (fd >= 0)
      close(fd);
    return;
  }
  while (all->epoll_count < CARRIED_MAX && *lines < LINES_MAX && fgets(line, sizeof line, file)) {
    ++*lines;
    struct carried_epoll one = {.number = number};
    unsigned long long data, ino;
    if (sscanf(line, "tfd: %d events: %x data: %llx pos:%*d ino:%llx", &one.target, &one.events,
               &data, &ino) != 4 ||
        ino != inode)
      continue;
    one.data = data;
    all->epolls[all->epoll_count++] = one;
  }
  fclose(file);
}

void net_carry_find(struct carried *all, struct wb_pin *caller, uint64_t inode, int place) {
  all->number_count = all->epoll_count = 0;
  char wanted[64], target[64];
  snprintf(wanted, sizeof wanted, "socket:[%llu]", (unsigned long long)inode);
  const int fds = wb_pin_open(caller, "fd", O_RDONLY | O_DIRECTORY);
  DIR *directory = fds < 0 ? NULL : fdopendir(fds);
  if (!directory) {
    if (fds >= 0)
      close(fds);
    return;
  }
  const struct dirent *entry;
  unsigned lines = 0;
  const uint64_t until_ns = wb_now_ns() + CARRY_NS;
  for (unsigned seen = 0; seen < DESCRIPTORS_MAX && (entry = readdir(directory)); seen++) {
    ssize_t n = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
    if (n <= 0)
      continue;
    target[n] = 0;
    const int number = atoi(entry->d_name);
    if (strcmp(target, "anon_inode:[eventpoll]") == 0) {
      if (all->epoll_count < CARRIED_MAX && (lines += LINES_PER_EPOLL) < LINES_MAX &&
          wb_now_ns() < until_ns)
        read_epoll(all, caller, number, inode, &lines);
    } else if (number != place && strcmp(target, wanted) == 0 && all->number_count < CARRIED_MAX) {
      all->numbers[all->number_count++] = number;
    }
  }
  closedir(directory);
}

/* A child registers it, with a table of descriptors of its own, so that the number can be the
 * payload's: its calls of epoll_ctl(2) will name the socket by it. Shares memory with the caller,
 * which waits. */
struct registration {
  int pidfd, file; /* of the caller; of the new socket */
  const struct carried_epoll *wanted;
};

static int register_again(void *argument) {
  struct registration *one = argument;
  struct epoll_event event = {.events = one->wanted->events, .data = {.u64 = one->wanted->data}};
  const int number = one->wanted->target;
  /* Whatever the payload has put at that number by now: this table ends with this child. */
  const int taken = wb_process_take(one->pidfd, one->wanted->number);
  const int epoll = taken == number ? dup(taken) : taken;
  if (one->file == number || dup2(one->file, number) == number)
    epoll_ctl(epoll, EPOLL_CTL_ADD, number, &event);
  _exit(0);
}

void net_carry_over(const struct carried *all, struct wb_pin *caller, int file) {
  const uint64_t until_ns = wb_now_ns() + CARRY_NS;
  const int pidfd = all->epoll_count ? wb_pin_pidfd(caller) : -1;
  for (uint32_t i = 0; pidfd >= 0 && i < all->epoll_count && wb_now_ns() < until_ns; i++) {
    struct registration one = {pidfd, file, &all->epolls[i]};
    wb_run_in_namespaces(register_again, &one, 0);
  }
  if (pidfd >= 0)
    close(pidfd);
}
