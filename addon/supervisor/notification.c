/*
 * One notification: whether its caller still waits, and the answer.
 * Called by notify.c, and by what answers notifications itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>

#include "notify.h"

int wb_listener_stands(int listener, uint64_t notification) {
  /* Interrupted by a stop of this program, as in wb_watch_respond. */
  int ret;
  do
    ret = ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &notification);
  while (ret < 0 && errno == EINTR);
  return ret == 0;
}

int wb_watch_valid(const struct wb_watch *watch, uint64_t notification) {
  return wb_listener_stands(watch->listener, notification);
}

int wb_watch_respond(const struct wb_watch *watch, uint64_t notification, int error, int64_t value,
                     int let) {
  /* The kernel reads as much as its structure has. */
  union {
    struct seccomp_notif_resp resp;
    unsigned char room[WB_RESPONSE_MAX];
  } answer;
  memset(&answer, 0, sizeof answer);
  answer.resp.id = notification;
  answer.resp.error = let ? 0 : -error;
  answer.resp.val = let || error ? 0 : value;
  answer.resp.flags = let ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
  /* A signal to this program, as for each resize of a terminal, interrupts the wait for the
   * listener's lock: the answer is still owed. */
  int sent;
  do
    sent = ioctl(watch->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer.resp);
  while (sent < 0 && errno == EINTR);
  return sent == 0 ? 1 : errno == ENOENT ? 0 : -1;
}

/* Returns the number, or a negative errno. A signal interrupts this as it does an answer. */
static int add_file(const struct wb_watch *watch, struct seccomp_notif_addfd *add) {
  int number;
  do
    number = ioctl(watch->listener, SECCOMP_IOCTL_NOTIF_ADDFD, add);
  while (number < 0 && errno == EINTR);
  return number < 0 ? -errno : number;
}

int wb_watch_give(const struct wb_watch *watch, uint64_t notification, int file,
                  int close_on_exec) {
  struct seccomp_notif_addfd add = {.id = notification,
                                    .flags = SECCOMP_ADDFD_FLAG_SEND,
                                    .srcfd = (uint32_t)file,
                                    .newfd_flags = close_on_exec ? O_CLOEXEC : 0};
  int number = add_file(watch, &add);
  if (number != -EINVAL)
    return number >= 0 ? 1 : number == -ENOENT ? 0 : number;
  add.flags = 0; /* before Linux 5.14 in two */
  number = add_file(watch, &add);
  if (number < 0)
    return number == -ENOENT ? 0 : number;
  return wb_watch_respond(watch, notification, 0, number, 0) < 0 ? -EIO : 1;
}

int wb_watch_replace(const struct wb_watch *watch, uint64_t notification, int file, int number,
                     int close_on_exec) {
  struct seccomp_notif_addfd add = {.id = notification,
                                    .flags = SECCOMP_ADDFD_FLAG_SETFD,
                                    .srcfd = (uint32_t)file,
                                    .newfd = (uint32_t)number,
                                    .newfd_flags = close_on_exec ? O_CLOEXEC : 0};
  const int placed = add_file(watch, &add);
  return placed < 0 ? -placed : 0;
}
