#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "message.h"

union control {
  struct cmsghdr head;
  char room[CMSG_SPACE(sizeof(int) * WB_MESSAGE_FDS_MAX)];
};

int wb_message_send(int socket, const void *bytes, size_t size, const int *fds, uint32_t count,
                    int flags) {
  union control control;
  struct iovec vector = {(void *)bytes, size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  if (count > WB_MESSAGE_FDS_MAX)
    return EINVAL;
  if (count) {
    control.head = (struct cmsghdr){CMSG_LEN(sizeof *fds * count), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.head), fds, sizeof *fds * count);
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof *fds * count);
  }
  ssize_t n;
  do
    n = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n < 0 ? errno : 0;
}

ssize_t wb_message_take(int socket, void *bytes, size_t size, int *fds, uint32_t count, int *lost) {
  union control control;
  struct iovec vector = {bytes, size};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = CMSG_SPACE(sizeof *fds * count)};
  const ssize_t n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  const struct cmsghdr *head = n < 0 ? NULL : CMSG_FIRSTHDR(&message);
  const int has = head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS;
  for (uint32_t i = 0; i < count; i++) {
    fds[i] = -1;
    if (has && head->cmsg_len >= CMSG_LEN(sizeof *fds * (i + 1)))
      memcpy(&fds[i], CMSG_DATA(head) + sizeof *fds * i, sizeof *fds);
  }
  if (lost)
    *lost = n >= 0 && (message.msg_flags & MSG_CTRUNC);
  return n;
}
