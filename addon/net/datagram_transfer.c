/*
 * Datagrams and addresses, to and from the payload's memory: the sending and receiving calls on its
 * UDP sockets. Each is copied once. Called by datagram_calls.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "datagrams.h"

/* One call's work is bounded: so many vectors a message, and no further message once the call has
 * moved so many bytes or taken so long. The caller comes again for the rest, as where the kernel
 * returns fewer than were asked for. */
#define VECTORS_MAX 64
#define MESSAGES_MAX 64
#define CALL_BYTES (256 << 10)
#define CALL_NS 20000000ull

static int write_memory(const struct datagram_call *call, uint64_t address, const void *bytes,
                        size_t size) {
  return wb_pin_write(call->caller, address, bytes, size) == size ? 0 : EFAULT;
}

/* The datagram in the common buffer, to or from the caller's vectors. Returns 0 or an errno. */
static int move_vectors(const struct datagram_call *call, const struct iovec *vectors, int count,
                        size_t size, int is_sent) {
  unsigned char *bytes = call->net->datagrams->bytes;
  for (int i = 0; i < count && size; i++) {
    const uint64_t address = (uint64_t)(uintptr_t)vectors[i].iov_base;
    const size_t part = vectors[i].iov_len < size ? vectors[i].iov_len : size;
    const size_t done = is_sent ? wb_pin_copy(call->caller, address, bytes, part)
                                : wb_pin_write(call->caller, address, bytes, part);
    if (done != part)
      return EFAULT;
    bytes += part;
    size -= part;
  }
  return 0;
}

int datagram_read_endpoint(const struct datagram_call *call, uint64_t address, uint64_t size,
                           sa_family_t *family, struct endpoint *to) {
  unsigned char bytes[sizeof(struct sockaddr_storage)];
  if (size < sizeof *family || size > sizeof bytes)
    return EINVAL;
  if (wb_pin_copy(call->caller, address, bytes, (size_t)size) != size)
    return EFAULT;
  memcpy(family, bytes, sizeof *family);
  if (*family == AF_UNSPEC)
    return 0;
  if (*family != AF_INET && *family != call->socket->family)
    return EAFNOSUPPORT;
  return net_from_sockaddr(bytes, (size_t)size, to) ? 0 : EINVAL;
}

int datagram_write_endpoint(const struct datagram_call *call, const struct endpoint *from,
                            uint64_t address, uint64_t length_at) {
  struct sockaddr_storage raw;
  uint32_t room, size = net_to_sockaddr(from, call->socket->family, &raw);
  if (wb_pin_copy(call->caller, length_at, &room, sizeof room) != sizeof room)
    return EFAULT;
  if ((int32_t)room < 0)
    return EINVAL;
  if (write_memory(call, address, &raw, room < size ? room : size) != 0)
    return EFAULT;
  return write_memory(call, length_at, &size, sizeof size);
}

/* Sends what is in the common buffer; to the peer without an address. */
static int send_to(const struct datagram_call *call, uint64_t address, uint64_t address_size,
                   size_t size) {
  struct endpoint to = call->socket->peer;
  sa_family_t family = AF_UNSPEC;
  const int failed =
      address ? datagram_read_endpoint(call, address, address_size, &family, &to) : 0;
  if (failed)
    return failed;
  if (family == AF_UNSPEC && !call->socket->connected)
    return address ? EINVAL : EDESTADDRREQ;
  if (!wb_pin_stands(call->caller))
    return EINTR;
  call->socket->bound = 1;
  struct datagram_flow *flow = datagrams_flow(call->net, call->socket, &to, call->caller, 1);
  return flow ? datagrams_send(flow, call->net->datagrams->bytes, size) : errno;
}

static int take_sendto(struct datagram_call *call) {
  const __u64 *args = call->caller->call->data.args;
  if (args[4] == 0)
    return DATAGRAM_LET;
  if (args[2] > DATAGRAM_MAX)
    return EMSGSIZE;
  if (wb_pin_copy(call->caller, args[1], call->net->datagrams->bytes, args[2]) != args[2])
    return EFAULT;
  call->value = (int64_t)args[2];
  return send_to(call, args[4], (uint32_t)args[5], args[2]);
}

/* A message's vectors, cut off at `room` bytes. Returns how many, or a negative errno. */
static int read_vectors(const struct datagram_call *call, const struct msghdr *message, size_t room,
                        struct iovec vectors[VECTORS_MAX], size_t *total) {
  const size_t count = message->msg_iovlen;
  *total = 0;
  if (count > VECTORS_MAX)
    return -EMSGSIZE;
  if (count && wb_pin_copy(call->caller, (uint64_t)(uintptr_t)message->msg_iov, vectors,
                           count * sizeof *vectors) != count * sizeof *vectors)
    return -EFAULT;
  for (size_t i = 0; i < count; i++) {
    if (vectors[i].iov_len > room - *total)
      vectors[i].iov_len = room - *total;
    *total += vectors[i].iov_len;
  }
  return (int)count;
}

static int read_message(const struct datagram_call *call, uint64_t address,
                        struct msghdr *message) {
  return wb_pin_copy(call->caller, address, message, sizeof *message) == sizeof *message ? 0
                                                                                         : EFAULT;
}

/* One message; `*size` becomes its length. */
static int send_message(const struct datagram_call *call, const struct msghdr *message,
                        size_t *size) {
  struct iovec vectors[VECTORS_MAX];
  const int count = read_vectors(call, message, DATAGRAM_MAX + 1, vectors, size);
  if (count < 0)
    return -count;
  if (*size > DATAGRAM_MAX)
    return EMSGSIZE;
  if (move_vectors(call, vectors, count, *size, 1) != 0)
    return EFAULT;
  return send_to(call, (uint64_t)(uintptr_t)message->msg_name, message->msg_namelen, *size);
}

static int take_sendmsg(struct datagram_call *call) {
  struct msghdr message;
  size_t size = 0;
  if (read_message(call, call->caller->call->data.args[1], &message) != 0)
    return EFAULT;
  const int error = send_message(call, &message, &size);
  call->value = (int64_t)size;
  return error;
}

static uint64_t at_message(const struct datagram_call *call, uint32_t index) {
  return call->caller->call->data.args[1] + (uint64_t)index * sizeof(struct mmsghdr);
}

static uint32_t count_messages(const struct datagram_call *call) {
  const uint32_t count = (uint32_t)call->caller->call->data.args[2];
  return count < MESSAGES_MAX ? count : MESSAGES_MAX;
}

static int note_length(const struct datagram_call *call, uint32_t index, size_t size) {
  const uint32_t length = (uint32_t)size;
  return write_memory(call, at_message(call, index) + offsetof(struct mmsghdr, msg_len), &length,
                      sizeof length);
}

/* Returns whether a call that has moved so many bytes since then may begin another message. */
static int may_go_on(size_t moved, uint64_t since_ns) {
  return moved < CALL_BYTES && wb_now_ns() - since_ns < CALL_NS;
}

static int take_sendmmsg(struct datagram_call *call) {
  const uint32_t count = count_messages(call);
  const uint64_t since_ns = wb_now_ns();
  size_t moved = 0;
  for (uint32_t i = 0; i < count && (i == 0 || may_go_on(moved, since_ns)); i++) {
    struct msghdr message;
    size_t size = 0;
    int error = read_message(call, at_message(call, i), &message);
    error = error ? error : send_message(call, &message, &size);
    error = error ? error : note_length(call, i, size);
    if (error)
      return call->value ? 0 : error;
    moved += size;
    call->value++;
  }
  return 0;
}

static int take_recvfrom(struct datagram_call *call) {
  const __u64 *args = call->caller->call->data.args;
  struct endpoint from;
  if (args[4] == 0)
    return DATAGRAM_LET;
  const ssize_t n = datagrams_receive(call->net, call->socket, (int)args[3], &from);
  if (n < 0)
    return errno;
  const size_t size = (size_t)n < args[2] ? (size_t)n : args[2];
  if (write_memory(call, args[1], call->net->datagrams->bytes, size) != 0)
    return EFAULT;
  call->value = args[3] & MSG_TRUNC ? n : (int64_t)size;
  return datagram_write_endpoint(call, &from, args[4], args[5]);
}

static int receive_message(const struct datagram_call *call, uint64_t at, int flags, size_t *size) {
  struct msghdr message;
  struct iovec vectors[VECTORS_MAX];
  struct endpoint from;
  struct sockaddr_storage raw;
  if (read_message(call, at, &message) != 0)
    return EFAULT;
  size_t room;
  const int count = read_vectors(call, &message, DATAGRAM_MAX, vectors, &room);
  if (count < 0)
    return -count;
  const ssize_t n = datagrams_receive(call->net, call->socket, flags, &from);
  if (n < 0)
    return errno;
  const size_t kept = (size_t)n < room ? (size_t)n : room;
  if (move_vectors(call, vectors, count, kept, 0) != 0)
    return EFAULT;
  const socklen_t length = net_to_sockaddr(&from, call->socket->family, &raw);
  const uint64_t name = (uint64_t)(uintptr_t)message.msg_name;
  if (name && write_memory(call, name, &raw,
                           message.msg_namelen < length ? message.msg_namelen : length) != 0)
    return EFAULT;
  message.msg_namelen = name ? length : 0;
  message.msg_controllen = 0;
  message.msg_flags = (size_t)n > kept ? MSG_TRUNC : 0;
  *size = flags & MSG_TRUNC ? (size_t)n : kept;
  return write_memory(call, at, &message, sizeof message);
}

static int take_recvmsg(struct datagram_call *call) {
  size_t size = 0;
  const int error = receive_message(call, call->caller->call->data.args[1],
                                    (int)call->caller->call->data.args[2], &size);
  call->value = (int64_t)size;
  return error;
}

/* The first may wait, the others are taken as they are there. */
static int take_recvmmsg(struct datagram_call *call) {
  const uint32_t count = count_messages(call);
  const uint64_t since_ns = wb_now_ns();
  size_t moved = 0;
  for (uint32_t i = 0; i < count && (i == 0 || may_go_on(moved, since_ns)); i++) {
    size_t size = 0;
    int error =
        receive_message(call, at_message(call, i), (int)call->caller->call->data.args[3], &size);
    error = error ? error : note_length(call, i, size);
    if (error)
      return call->value ? 0 : error;
    moved += size;
    call->value++;
  }
  return 0;
}

int datagram_transfer(struct datagram_call *call) {
  switch (call->caller->call->data.nr) {
  case SYS_sendto:
    return take_sendto(call);
  case SYS_sendmsg:
    return take_sendmsg(call);
  case SYS_sendmmsg:
    return take_sendmmsg(call);
  case SYS_recvfrom:
    return take_recvfrom(call);
  case SYS_recvmsg:
    return take_recvmsg(call);
  case SYS_recvmmsg:
    return take_recvmmsg(call);
  default:
    return DATAGRAM_LET;
  }
}
