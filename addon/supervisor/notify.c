/*
 * Answers what the payload's filter refuses, as it happens. Called by supervise.c whenever the
 * listener has a question.
 *
 *   receive ─▶ judge (what the policy's own filter says) ─▶ look at path or address ─▶ count ─▶
 * answer
 *
 * The answer is the filter's, made from the registers that the kernel copied at the call's entry.
 * What is read from the payload's memory, which another of its threads may change at any time, goes
 * into the record and decides nothing. A call that the filter allows, and that is only watched, is
 * left to the kernel, which judges it by what it reads itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ask.h"
#include "calls.h"
#include "judge.h"
#include "lookups.h"
#include "moves.h"
#include "network.h"
#include "notify.h"
#include "open_ports.h"
#include "pin.h"
#include "ptys.h"

/* Linux 6.6; spelled out for older headers. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#define SYNC_WAKE_UP 1ul

/* A caller that has seen this many of one call knows the kind: from then on the payload's memory is
 * not read any more, so that a flood costs no more than its answers. */
#define READ_AT_MOST 1024

/* Room for the kernel's structure, which may grow. */
#define REQUEST_MAX 512

/* Reads what the call is about into `record` and `text`. The process may die and its pid be another
 * one's by then: only what was read while the question stood counts. */
static void look(struct wb_pin *caller, const struct wb_call_shape *shape,
                 struct wb_refusal *record, unsigned char *text) {
  record->target = WB_TARGET_UNREAD;
  const __u64 *args = caller->call->data.args;
  const uint64_t address = args[shape->argument];
  size_t size = 0, wanted = WB_REFUSAL_TEXT_MAX;
  if (shape->target == WB_TARGET_ADDRESS) {
    uint64_t length = args[shape->argument + 1];
    wanted =
        length < sizeof(struct sockaddr_storage) ? (size_t)length : sizeof(struct sockaddr_storage);
    /* Zeros do not end an address. */
    size = wb_pin_copy(caller, address, text, wanted);
  } else {
    size = wb_pin_read(caller, address, text, wanted);
  }
  if (size == 0 || !wb_pin_stands(caller))
    return;
  if (shape->target == WB_TARGET_PATH) {
    const unsigned char *end = memchr(text, 0, size);
    record->truncated = end == NULL;
    size = end ? (size_t)(end - text) : size;
  }
  record->target = shape->target;
  record->target_size = (uint32_t)size;
}

/* Returns whether a watched address leads out of the sandbox's own network, which has only a
 * loopback. */
static int leads_out(const struct wb_refusal *record, const unsigned char *text) {
  if (record->target != WB_TARGET_ADDRESS || record->target_size < sizeof(sa_family_t))
    return 0;
  sa_family_t family;
  memcpy(&family, text, sizeof family);
  if (family == AF_INET && record->target_size >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in address;
    memcpy(&address, text, sizeof address);
    uint32_t host = ntohl(address.sin_addr.s_addr);
    return host >> 24 != IN_LOOPBACKNET && host != INADDR_ANY;
  }
  if (family == AF_INET6 && record->target_size >= 24) {
    struct sockaddr_in6 address = {0};
    memcpy(&address, text,
           record->target_size < sizeof address ? record->target_size : sizeof address);
    const struct in6_addr *host = &address.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(host))
      return host->s6_addr[12] != IN_LOOPBACKNET;
    return !IN6_IS_ADDR_LOOPBACK(host) && !IN6_IS_ADDR_UNSPECIFIED(host);
  }
  return 0;
}

static void take_note(const struct wb_watch *watch, struct wb_pin *caller, int error) {
  struct wb_refusals *refusals = watch->refusals;
  const struct seccomp_notif *notif = caller->call;
  const struct seccomp_data *data = &notif->data;
  const struct wb_call_shape *shape = wb_call_shape((uint32_t)data->nr);
  /* Among allowed calls, only those are told which the namespace of an isolated network refuses. */
  if (error == 0 &&
      (!watch->isolated || shape->target != WB_TARGET_ADDRESS || data->nr == __NR_bind))
    return;
  struct wb_refusal record = {.arch = data->arch,
                              .nr = (uint32_t)data->nr,
                              .error = error,
                              .pid = notif->pid,
                              .selectors = shape->selectors,
                              .arg0 = data->args[0],
                              .arg1 = data->args[1],
                              .arg2 = data->args[2],
                              .arg3 = data->args[3],
                              .arg4 = data->args[4],
                              .arg5 = data->args[5]};
  unsigned char text[WB_REFUSAL_TEXT_MAX];
  uint32_t *seen = &refusals->seen[record.nr % WB_CALL_SLOTS];
  if (shape->target != WB_TARGET_NONE) {
    if (*seen < READ_AT_MOST) {
      look(caller, shape, &record, text);
      (*seen)++;
    } else {
      record.target = WB_TARGET_UNREAD;
    }
  }
  if (error == 0 && record.target == WB_TARGET_ADDRESS && watch->lookups)
    wb_lookups_expect(watch->lookups, text, record.target_size);
  if (error == 0 && !leads_out(&record, text))
    return;
  wb_refusals_count(refusals, &record, text);
}

static int allows(uint32_t verdict) {
  const uint32_t action = verdict & SECCOMP_RET_ACTION_FULL;
  return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

/* `from`: how many instructions of the guard are left out, which are programs of it as a whole. */
static uint32_t verdict_on(const struct wb_watch *watch, const struct seccomp_data *data,
                           uint32_t from) {
  if (watch->guard_count > from) {
    uint32_t verdict = wb_judge(watch->guard + from, watch->guard_count - from, data);
    if ((verdict & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ALLOW)
      return verdict;
  }
  return wb_judge(watch->filter, watch->filter_count, data);
}

void wb_watch_note(const struct wb_watch *watch, struct wb_pin *caller, int error) {
  if (watch->refusals)
    take_note(watch, caller, error);
}

static int answer(const struct wb_watch *watch);

static int has_ids(const struct wb_watch *watch) {
  return watch->private_root && watch->ids.host_uid;
}

/* These are the calling thread's own, and it goes back by the saved uid. */
int wb_watch_assume(const struct wb_watch *watch) {
  const struct wb_ids *ids = &watch->ids;
  if (has_ids(watch) && (syscall(SYS_setresgid, ids->host_gid, ids->host_gid, 0) < 0 ||
                         syscall(SYS_setresuid, ids->host_uid, ids->host_uid, 0) < 0))
    return -1;
  return 0;
}

int wb_watch_resume(const struct wb_watch *watch) {
  if (has_ids(watch) &&
      (syscall(SYS_setresuid, 0, 0, 0) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0))
    return -1;
  return 0;
}

int wb_watch_answer(const struct wb_watch *watch) {
  if (wb_watch_assume(watch) < 0)
    return -1;
  const int ret = answer(watch), error = errno;
  if (wb_watch_resume(watch) < 0)
    return -1;
  errno = error;
  return ret;
}

/* The set-id guard alone refuses the call, and on a directory the supervisor has made it. */
static int shares_directory(const struct wb_watch *watch, struct wb_pin *caller) {
  struct seccomp_data data = caller->call->data;
  const int mode = watch->directories ? wb_mode_argument(data.nr) : -1;
  if (mode < 0 || !allows(wb_judge(watch->filter, watch->filter_count, &data)))
    return 0;
  data.args[mode] &= ~(uint64_t)WB_SET_GID;
  return allows(verdict_on(watch, &data, watch->guard_behalf)) &&
         wb_share_directory(watch, caller) == 0;
}

/* Carries out what the policy says of a call. Returns 0, or -1 where the listener is of no use. */
static int decide(const struct wb_watch *watch, struct wb_pin *caller) {
  const struct seccomp_notif *notif = caller->call;
  uint32_t verdict = verdict_on(watch, &notif->data, 0);
  int error = EPERM, let = 0, behalf = 0;
  if (watch->guard_behalf && !allows(verdict)) {
    /* The policy comes first, without what the supervisor may do on behalf of the payload. */
    const uint32_t policy = verdict_on(watch, &notif->data, watch->guard_behalf);
    behalf = allows(policy);
    verdict = behalf ? verdict : policy;
  }
  switch (verdict & SECCOMP_RET_ACTION_FULL) {
  case SECCOMP_RET_ALLOW:
  case SECCOMP_RET_LOG:
    error = 0;
    let = 1;
    break;
  case SECCOMP_RET_ERRNO:
    error = (int)(verdict & SECCOMP_RET_DATA);
    break;
  case SECCOMP_RET_USER_NOTIF: /* a policy's own `notify`: no supervisor answers it */
    error = ENOSYS;
    break;
  default:
    break;
  }
  if (behalf && wb_own_thread(caller)) {
    error = behalf = 0;
    let = 1;
  }
  /* An errno of these is no refusal of the sandbox's: outside it would be the same. */
  const int emulated = let && wb_emulate(&watch->ids, caller, &error);
  int done = behalf && wb_metadata(watch, caller, &error) && !error;
  if (!let && !done && error == EPERM && shares_directory(watch, caller)) {
    error = 0;
    done = 1;
  }
  let = let && !emulated;
  if (watch->observe)
    watch->observe(watch->audit, caller, error);
  /* A network or an asker, which may answer later or in steps, does not tell whether the question
   * stood. */
  const int settles = watch->settle && (watch->network || watch->asker);
  if (settles)
    watch->settle(watch->audit, wb_pin_stands(caller));
  if (let && watch->ptys && wb_ptys_take(watch->ptys, watch, caller))
    return 0;
  if (let && watch->ports && notif->data.nr == SYS_listen)
    wb_open_ports_take(watch->ports, caller);
  /* It keeps its own account of where the payload wanted to go. */
  if (let && watch->network && watch->network->take(watch->network, watch, caller))
    return 0;
  if (let && watch->moves && wb_moves_take(watch->moves, caller)) {
    if (watch->settle && !settles)
      watch->settle(watch->audit, 1);
    return 0;
  }
  if (!done && watch->asker && watch->asker->take(watch->asker, watch, caller, verdict))
    return 0;
  if (!emulated && !done)
    wb_watch_note(watch, caller, error);
  const int sent = wb_watch_respond(watch, notif->id, error, 0, let);
  if (watch->settle && !settles)
    watch->settle(watch->audit, sent == 1);
  return sent < 0 ? -1 : 0;
}

static int answer(const struct wb_watch *watch) {
  /* The kernel's structure may have grown since the headers: it says how large it is, and fills no
   * more; it wants it zeroed. seccomp(2) */
  union {
    struct seccomp_notif notif;
    unsigned char room[REQUEST_MAX];
  } request;
  struct seccomp_notif *notif = &request.notif;
  memset(&request, 0, sizeof request);
  /* The caller was killed, or interrupted by a signal; then it will ask again. */
  if (ioctl(watch->listener, SECCOMP_IOCTL_NOTIF_RECV, notif) < 0)
    return errno == ENOENT || errno == EINTR || errno == EAGAIN ? 0 : -1;

  struct wb_pin caller;
  wb_pin_begin(&caller, watch, notif);
  const int ret = decide(watch, &caller);
  wb_pin_end(&caller);
  return ret;
}

int wb_watch_open(struct wb_watch *watch, int listener) {
  struct seccomp_notif_sizes sizes;
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
    return errno;
  if (sizes.seccomp_notif > REQUEST_MAX || sizes.seccomp_notif_resp > WB_RESPONSE_MAX)
    return E2BIG;
  /* The asking thread and this one take turns; on one processor that is five times as fast. */
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP);
  watch->listener = listener;
  return 0;
}
