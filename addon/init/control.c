/* Init's side of the control socket: events to the supervisor, and what it says. */
#include <linux/errno.h>
#include <linux/prctl.h>
#include <linux/signal.h>
#include <linux/socket.h>

#include "init.h"

#define MSG_NOSIGNAL 0x4000
#define SOL_SOCKET 1
#define SCM_RIGHTS 1

/* sendmsg(2) for all events: descriptors need it, and so nothing else has to be allowed. */
static long send_packet(const void *packet, size_t length) {
  struct iovec vector = {(void *)(uintptr_t)packet, length};
  const struct message message = {.vector = &vector, .vector_count = 1};
  return sys3(__NR_sendmsg, WB_FD_CONTROL, &message, MSG_NOSIGNAL);
}

void send_event(const struct wb_event *event) {
  send_packet(event, sizeof *event);
}

void send_descriptors(const struct wb_event *event, const long *descriptors, uint32_t count) {
  struct iovec vector = {(void *)(uintptr_t)event, sizeof *event};
  const size_t head = sizeof(size_t) + 2 * sizeof(int);
  struct {
    size_t length;
    int level, type, fds[2];
  } rights = {head, SOL_SOCKET, SCM_RIGHTS, {0}};
  struct message message = {.vector = &vector, .vector_count = 1};
  for (uint32_t i = 0; i < count && i < 2 && descriptors[i] >= 0; i++) {
    rights.fds[i] = (int)descriptors[i];
    rights.length += sizeof(int);
  }
  if (rights.length > head) {
    message.control = &rights;
    message.control_length = sizeof rights; /* padded, CMSG_SPACE(3) */
  }
  /* Without these descriptors, the supervisor cannot serve the run. */
  check(sys3(__NR_sendmsg, WB_FD_CONTROL, &message, MSG_NOSIGNAL), WB_STEP_CONTROL, NULL);
}

void send_descriptor(uint32_t kind, long descriptor) {
  struct wb_event event = {.kind = kind, .error = descriptor < 0 ? (int32_t)-descriptor : 0};
  send_descriptors(&event, &descriptor, 1);
}

void send_network(uint32_t what, long descriptor) {
  struct wb_event event = {
      .kind = WB_EVENT_NETWORK, .step = what, .error = descriptor < 0 ? (int32_t)-descriptor : 0};
  send_descriptors(&event, &descriptor, 1);
}

static int died;

int has_died(void) {
  return __atomic_load_n(&died, __ATOMIC_SEQ_CST);
}

_Noreturn void die(uint32_t step, long error, const char *path) {
  __atomic_store_n(&died, 1, __ATOMIC_SEQ_CST);
  unsigned char packet[sizeof(struct wb_event) + WB_EVENT_PATH_MAX];
  struct wb_event event = {.kind = WB_EVENT_FAILED, .step = step, .error = (int32_t)error};
  size_t length = path ? str_len(path) : 0;
  if (length > WB_EVENT_PATH_MAX)
    length = WB_EVENT_PATH_MAX;
  memcpy(packet, &event, sizeof event);
  if (length)
    memcpy(packet + sizeof event, path, length);
  long sent = send_packet(packet, sizeof event + length);
  end_init(sent < 0 && sent > -WB_EXIT_MUTE ? WB_EXIT_MUTE - sent : 125);
}

/* Waits for a command of that kind. Returns how many descriptors came with it; `*wanted`: how many
 * were sent. */
static uint32_t await_command(uint32_t kind, struct rights *rights, uint32_t *wanted) {
  struct wb_command command = {0};
  struct iovec vector = {&command, sizeof command};
  struct message message = {
      .vector = &vector, .vector_count = 1, .control = rights, .control_length = sizeof *rights};
  const unsigned int cmsg_cloexec = 0x40000000;
  long n = check(sys3(__NR_recvmsg, WB_FD_CONTROL, &message, cmsg_cloexec), WB_STEP_CONTROL, NULL);
  if (n != sizeof command || command.kind != kind || command.value > WB_MOUNT_FDS_MAX)
    die(WB_STEP_CONTROL, EPROTO, NULL);
  *wanted = command.value;
  const size_t head = sizeof(size_t) + 2 * sizeof(int);
  if (message.control_length < head)
    return 0;
  return (uint32_t)((rights->length - head) / sizeof(int));
}

uint32_t await_go(int fds[WB_MOUNT_FDS_MAX]) {
  struct rights rights;
  uint32_t wanted;
  const uint32_t count = await_command(WB_COMMAND_GO, &rights, &wanted);
  if (count != wanted)
    die(WB_STEP_CONTROL, EPROTO, NULL);
  for (uint32_t i = 0; i < count; i++)
    fds[i] = rights.fds[i];
  return count;
}

void await_proceed(void) {
  struct rights rights;
  uint32_t wanted;
  await_command(WB_COMMAND_PROCEED, &rights, &wanted);
}

/* Looks at the socket after the signal is armed, so that nothing is missed. */
void die_with_parent(void) {
  check(sys5(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), WB_STEP_PARENT_DEATH, NULL);
  notice_parent();
}

/* The signal lets init go on where it was stopped; what it looks at is the socket. A kill of
 * wasbox's process group must not hit both. */
void outlive_parent(const struct wb_plan *plan) {
  if (!(plan->namespaces & CLONE_NEWPID))
    return;
  lead_domain();
  check(sys5(__NR_prctl, PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0), WB_STEP_PARENT_DEATH, NULL);
  sys2(__NR_setpgid, 0, 0);
}

void notice_parent(void) {
  struct {
    int fd;
    short events, revents;
  } control = {.fd = WB_FD_CONTROL};
  long zero[2] = {0, 0};
  long n = sys5(__NR_ppoll, &control, 1, zero, 0, 0);
  if (n > 0 && (control.revents & 0x10 /* POLLHUP */))
    die(WB_STEP_PARENT_DEATH, ECANCELED, NULL);
}
