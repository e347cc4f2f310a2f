/*
 * Calls that the policy allows and that inside would do something else than outside: the supervisor
 * answers them in the kernel's place. Called by notify.c before a call is left to the kernel;
 * src/plan/emulate.ts is the filter that asks about them. The kernel makes none of them as it was
 * called, so nothing is won by changing memory in time.
 *
 * - Ids that the sandbox does not have. A user namespace maps the payload's own, and of any other
 *   the kernel says EINVAL, where an ordinary user outside gets EPERM from chown(2), setuid(2) and
 *   their kin. Programs know EPERM and go on. user_namespaces(7)
 * - RLIMIT_CORE. A run has 1; at 0 a crash would start the handler that core_pattern pipes to, as
 *   root of the host and with the payload's memory. Programs set it to 0 for themselves, or raise
 *   it: both succeed, and change nothing. core(5)
 * - SO_LINGER with a time. The process that closes such a socket last waits for its peer, and the
 *   payload decides which process that is: it passes the socket through a stream that it shares
 *   with a program outside, or the supervisor has a copy. Inside, a socket never makes anyone wait:
 *   the call succeeds, and what is unsent is sent in the background, as without the option. A time
 *   of 0, which resets the connection, is set. inet_release of net/ipv4/af_inet.c, socket(7)
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/resource.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../sys/openat2_libc.h"
#include "../plan_check.h"
#include "notify.h"
#include "pin.h"
#include "rights.h"

#define READ_ONLY 1 /* ST_RDONLY, statvfs(3) */
#define NONE -1

/* Bit n: argument n is a uid, or a gid. Then where the descriptor, the path and the flags of a call
 * on a file stand. */
struct shape {
  int nr;
  unsigned char uids, gids;
  signed char fd, path, flags;
};

static const struct shape shapes[] = {
    {__NR_setuid, 1, 0, NONE, NONE, NONE},    {__NR_setgid, 0, 1, NONE, NONE, NONE},
    {__NR_setreuid, 3, 0, NONE, NONE, NONE},  {__NR_setregid, 0, 3, NONE, NONE, NONE},
    {__NR_setresuid, 7, 0, NONE, NONE, NONE}, {__NR_setresgid, 0, 7, NONE, NONE, NONE},
#ifdef __NR_chown
    {__NR_chown, 2, 4, NONE, 0, NONE},        {__NR_lchown, 2, 4, NONE, 0, NONE},
#endif
    {__NR_fchown, 2, 4, 0, NONE, NONE},       {__NR_fchownat, 4, 8, 0, 1, 4},
};

static const struct shape *shape_of(int nr) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    if (shapes[i].nr == nr)
      return &shapes[i];
  return NULL;
}

/* The kernel reads 32 bits; -1 leaves an id as it is, or is refused with EINVAL outside as well. */
static int any_foreign(const struct seccomp_data *data, unsigned arguments,
                       const struct wb_id_range *ranges, uint32_t count) {
  for (unsigned i = 0; i < 6; i++) {
    const uint32_t id = (uint32_t)data->args[i];
    if ((arguments >> i & 1) && id != UINT32_MAX && wb_id_outside(ranges, count, id) == UINT32_MAX)
      return 1;
  }
  return 0;
}

/* A path in the payload's own tree, whose links lead nowhere else. */
struct look {
  int root, no_follow, error;
  const char *path;
};

static void find(void *argument) {
  struct look *look = argument;
  struct open_how how = {.flags = O_PATH | O_CLOEXEC | (look->no_follow ? O_NOFOLLOW : 0),
                         .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  struct statfs info;
  const int fd = wb_openat2(look->root, look->path, &how);
  look->error = fd < 0 ? errno : 0;
  if (fd >= 0 && fstatfs(fd, &info) == 0 && (info.f_flags & READ_ONLY))
    look->error = EROFS;
  if (fd >= 0)
    close(fd);
}

/* Returns what the kernel would say of a file before it looks at the ids: that there is none,
 * that the way to it is closed, or that its mount is read-only. Root looks with the payload's
 * rights. */
static int look_up(const struct wb_ids *ids, struct wb_pin *caller, const char *path,
                   int no_follow) {
  struct look look = {wb_pin_open(caller, "root", O_PATH | O_DIRECTORY), no_follow, 0, path};
  if (look.root < 0)
    return 0;
  if (syscall(SYS_geteuid) != 0)
    find(&look);
  else if (wb_without_rights(ids->host_uid, ids->host_gid, find, &look) != 0)
    look.error = EPERM;
  close(look.root);
  return look.error;
}

static int on_descriptor(struct wb_pin *caller, int fd) {
  char target[WB_PAYLOAD_PATH_MAX];
  return wb_pin_link_base(caller, fd, target, sizeof target) < 0 ? EBADF : 0;
}

static int on_path(const struct wb_ids *ids, const struct shape *shape, struct wb_pin *caller) {
  const __u64 *args = caller->call->data.args;
  char path[WB_PAYLOAD_PATH_MAX];
  const int flags = shape->flags == NONE ? 0 : (int)args[shape->flags];
  const int directory = shape->fd == NONE ? AT_FDCWD : (int)args[shape->fd];
#ifdef __NR_lchown
  const int is_link = caller->call->data.nr == __NR_lchown;
#else
  const int is_link = 0;
#endif
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
    return EINVAL;
  const size_t size = wb_pin_read(caller, args[shape->path], path, sizeof path);
  if (size == 0)
    return EFAULT;
  if (!memchr(path, 0, size))
    return size == sizeof path ? ENAMETOOLONG : EFAULT;
  if (!path[0])
    return !(flags & AT_EMPTY_PATH) ? ENOENT
           : directory == AT_FDCWD  ? 0
                                    : on_descriptor(caller, directory);
  const int error = wb_payload_absolute(caller, directory, path);
  return error ? error : look_up(ids, caller, path, is_link || (flags & AT_SYMLINK_NOFOLLOW));
}

static int takes_ids(const struct wb_ids *ids, struct wb_pin *caller, int *error) {
  const struct seccomp_data *data = &caller->call->data;
  const struct shape *shape = shape_of(data->nr);
  if (!shape || !ids->uid_count ||
      (!any_foreign(data, shape->uids, ids->uids, ids->uid_count) &&
       !any_foreign(data, shape->gids, ids->gids, ids->gid_count)))
    return 0;
  *error = shape->path != NONE ? on_path(ids, shape, caller)
           : shape->fd != NONE ? on_descriptor(caller, (int)data->args[shape->fd])
                               : 0;
  *error = *error ? *error : EPERM;
  return 1;
}

/* One that asks for the old limit in the same call is refused: the answer would lie in memory. */
static int takes_core_limit(const struct seccomp_data *data, int *error) {
  const int is_set = data->nr == __NR_setrlimit && (uint32_t)data->args[0] == RLIMIT_CORE;
  const int is_both =
      data->nr == __NR_prlimit64 && (uint32_t)data->args[1] == RLIMIT_CORE && data->args[2];
  *error = is_both && data->args[3] ? EPERM : 0;
  return is_set || is_both;
}

/* Sets the option on a copy of the socket. Where none can be had, it does not linger either. */
static int set_linger(struct wb_pin *caller, int number, const struct linger *wanted) {
  const struct linger linger = {wanted->l_onoff && wanted->l_linger == 0, 0};
  const int file = wb_pin_take(caller, number);
  if (file < 0)
    return errno == EBADF || errno == ENOTSOCK ? errno : 0;
  const long ret = syscall(SYS_setsockopt, file, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  const int error = ret < 0 ? errno : 0;
  close(file);
  return error;
}

static int takes_linger(struct wb_pin *caller, int *error) {
  const struct seccomp_data *data = &caller->call->data;
  struct linger wanted;
  if (data->nr != __NR_setsockopt || (int)data->args[1] != SOL_SOCKET ||
      (int)data->args[2] != SO_LINGER)
    return 0;
  if ((int)data->args[4] < (int)sizeof wanted)
    *error = EINVAL;
  else if (wb_pin_copy(caller, data->args[3], &wanted, sizeof wanted) != sizeof wanted)
    *error = EFAULT;
  else
    *error = set_linger(caller, (int)data->args[0], &wanted);
  return 1;
}

int wb_emulate(const struct wb_ids *ids, struct wb_pin *caller, int *error) {
  return takes_core_limit(&caller->call->data, error) || takes_linger(caller, error) ||
         takes_ids(ids, caller, error);
}
