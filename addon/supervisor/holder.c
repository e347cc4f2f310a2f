/*
 * A listener that closes makes the kernel answer each call that waits at it, and each later one,
 * with ENOSYS. If this program is killed, its descriptors close before the kernel ends the sandbox,
 * and the payload would go on for that moment with calls that do not exist. So a process of its own
 * holds the listener until init is gone: a pidfd says that only when every process of its pid
 * namespace is, pid_namespaces(7). It begins while init builds the file tree, and init sends it the
 * listener before it executes the payload (addon/init/child.c), so that no kill comes too early.
 * Called by launch.c and supervise.c.
 *
 * As the keeper (keeper.c), it is a process of helper.c.
 */
#define _GNU_SOURCE
#include "holder.h"

#include <linux/poll.h>
#include <linux/time_types.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../sys/syscall.h"
#include "../wire.h"
#include "helper.h"
#include "pages.h"

#define HELD_SIZE 8192
/* The listener is as safe in the socket until then, and a run that ends sooner needs no second
 * wake. */
#define UNREAD_NS 20000000

/* Lies in memory of its own; behind it is the process's stack. */
struct held {
  int channel, init; /* descriptors */
};

/* The listener stays in the table of this process. */
static void take(int channel) {
  struct wb_event event;
  union {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec vector = {&event, sizeof event};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
  sys3(__NR_recvmsg, channel, &message, MSG_DONTWAIT);
}

static int hold(void *argument) {
  const struct held *held = argument;
  wb_helper_settle("wasbox-holder", held->channel, held->init);
  struct pollfd wait[2] = {{.fd = held->init, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
  struct __kernel_timespec unread = {0, UNREAD_NS}, *patience = &unread;
  for (;;) {
    const long n = sys5(__NR_ppoll, wait, 2, patience, 0, 0);
    if (n > 0 && wait[0].revents)
      return 0;
    if (n > 0) {
      take(held->channel);
      wait[1].fd = -1;
    } else if (n == 0) {
      wait[1].fd = held->channel;
      patience = NULL;
    }
  }
}

int wb_holder_open(struct wb_holder *holder, int init) {
  int channel[2];
  struct held *held = wb_pages_new(HELD_SIZE);
  if (!held)
    return -1;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) {
    wb_pages_free(held, HELD_SIZE);
    return -1;
  }
  *held = (struct held){channel[0], init};
  const int pid = wb_helper_begin(hold, held, HELD_SIZE);
  close(channel[0]);
  if (pid > 0) {
    *holder = (struct wb_holder){pid, held};
    return channel[1];
  }
  close(channel[1]);
  wb_pages_free(held, HELD_SIZE);
  return -1;
}

void wb_holder_await(struct wb_holder *holder, int options) {
  /* It stands on this memory until it is gone. */
  if (!holder->held || !wb_helper_await(holder->pid, options))
    return;
  wb_pages_free(holder->held, HELD_SIZE);
  *holder = (struct wb_holder){0, NULL};
}
