/*
 * UDP in every form that programs use, on a server that sends datagrams back.
 *   datagrams lookup NAME             names as the C library looks them up
 *   datagrams FORM ADDRESS PORT TEXT  connect, sendto, message, messages, plain, unpeered, or shut,
 *                                     which sends no more after TEXT and an empty datagram
 * Prints `from ADDRESS PORT TEXT` for each answer, or `failed CALL ERRNO`, or `silent`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int failed(const char *call) {
  printf("failed %s %d\n", call, errno);
  return 0;
}

static int look_up(const char *name) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list;
  char text[64];
  const int error = getaddrinfo(name, "80", &hints, &list);
  if (error) {
    printf("unknown %s\n", gai_strerror(error));
    return 0;
  }
  for (; list; list = list->ai_next) {
    struct sockaddr_in in;
    memcpy(&in, list->ai_addr, sizeof in);
    printf("found %s\n", inet_ntop(AF_INET, &in.sin_addr, text, sizeof text));
  }
  return 0;
}

static void print(const struct sockaddr_in *from, socklen_t size, const char *bytes, ssize_t n) {
  char text[64] = "-";
  if (size == sizeof *from && from->sin_family == AF_INET)
    inet_ntop(AF_INET, &from->sin_addr, text, sizeof text);
  printf("from %s %d %.*s\n", text, size ? ntohs(from->sin_port) : 0, (int)n, bytes);
}

static int is_silent(int file) {
  struct pollfd wait = {file, POLLIN, 0};
  return poll(&wait, 1, 3000) != 1;
}

int main(int argc, char **argv) {
  if (argc == 3)
    return look_up(argv[2]);
  if (argc != 5)
    return 2;
  const char *form = argv[1];
  char *text = argv[4], room[2][2048];
  const size_t size = strlen(text);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};
  struct sockaddr_in from[2] = {{0}, {0}};
  socklen_t length = sizeof *from;
  inet_pton(AF_INET, argv[2], &to.sin_addr);
  const int file = socket(AF_INET, SOCK_DGRAM, 0);
  if (file < 0)
    return failed("socket");
  struct iovec out = {text, size};
  struct iovec in[2] = {{room[0], sizeof *room}, {room[1], sizeof *room}};
  struct mmsghdr sent[2], got[2];
  for (int i = 0; i < 2; i++) {
    sent[i].msg_hdr = (struct msghdr){
        .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &out, .msg_iovlen = 1};
    got[i].msg_hdr = (struct msghdr){
        .msg_name = &from[i], .msg_namelen = sizeof *from, .msg_iov = &in[i], .msg_iovlen = 1};
  }
  const int connects = !strcmp(form, "connect") || !strcmp(form, "plain") || !strcmp(form, "shut");
  if (connects && connect(file, (struct sockaddr *)&to, sizeof to) < 0)
    return failed("connect");
  ssize_t n = connects                   ? send(file, text, size, 0)
              : !strcmp(form, "message") ? sendmsg(file, &sent->msg_hdr, 0)
              : !strcmp(form, "messages")
                  ? sendmmsg(file, sent, 2, 0)
                  : sendto(file, text, size, 0, (struct sockaddr *)&to, sizeof to);
  if (n < 0)
    return failed("send");
  if (!strcmp(form, "shut")) {
    send(file, text, 0, 0);
    usleep(200000);
    shutdown(file, SHUT_WR);
    usleep(500000);
  }
  if (strcmp(form, "sendto") && is_silent(file)) { /* that one waits in recvfrom(2) */
    puts("silent");
    return 0;
  }
  if (!strcmp(form, "messages")) {
    usleep(200000);
    n = recvmmsg(file, got, 2, MSG_WAITFORONE, NULL);
    for (int i = 0; i < n; i++)
      print(&from[i], got[i].msg_hdr.msg_namelen, room[i], got[i].msg_len);
    return n < 0 ? failed("receive") : 0;
  }
  if (!strcmp(form, "message")) {
    n = recvmsg(file, &got->msg_hdr, 0);
    length = got->msg_hdr.msg_namelen;
  } else if (!strcmp(form, "plain")) {
    n = recv(file, room[0], sizeof *room, 0);
    getpeername(file, (struct sockaddr *)from, &length);
  } else {
    const struct timeval limit = {3, 0};
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    n = recvfrom(file, room[0], sizeof *room, 0, (struct sockaddr *)from, &length);
  }
  if (n < 0)
    return failed("receive");
  print(from, length, room[0], n);
  length = sizeof *from;
  getsockname(file, (struct sockaddr *)from, &length);
  printf("family %d\n", from->sin_family == AF_INET && length == sizeof *from);
  return 0;
}
