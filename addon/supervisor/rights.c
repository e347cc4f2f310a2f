/*
 * Runs work with other rights than the supervisor's. A thread of a process that has others
 * cannot join a user namespace, and ids are each process's: a child does it, which ends at once. It
 * stays in the supervisor's pid namespace, where the payload cannot reach it.
 *
 * More: the payload may take from itself, and so from the user, the right to read a directory of
 * its own: mode 0. In the sandbox's user namespace the supervisor may read it nevertheless. Less:
 * root sees what is closed to the payload, and would tell it. Called by meter_disk.c and emulate.c.
 * user_namespaces(7), ioctl_nsfs(2), credentials(7)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rights.h"
#include "run_in_namespaces.h"

struct call {
  int users, error;
  uint32_t uid, gid;
  void (*function)(void *);
  void *argument;
};

static int run_child(void *argument) {
  struct call *call = argument;
  call->error = syscall(SYS_setns, call->users, CLONE_NEWUSER) < 0 ? errno : 0;
  if (!call->error)
    call->function(call->argument);
  _exit(0);
}

int wb_with_rights(int mounts, void (*function)(void *), void *argument) {
  struct call call = {.function = function, .argument = argument};
  call.users = mounts < 0 ? -1 : ioctl(mounts, NS_GET_USERNS);
  if (call.users < 0)
    return mounts < 0 ? ENOENT : errno;
  const int error = wb_run_in_namespaces(run_child, &call, CLONE_FILES);
  close(call.users);
  return error ? error : call.error;
}

/* System calls alone: the C library's own would change the supervisor's threads as well. */
static int give_up(uint32_t uid, uint32_t gid) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  if (uid && (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, gid, gid, gid) < 0 ||
              syscall(SYS_setresuid, uid, uid, uid) < 0))
    return errno;
  return syscall(SYS_capset, &header, none) < 0 ? errno : 0;
}

static int run_without(void *argument) {
  struct call *call = argument;
  call->error = give_up(call->uid, call->gid);
  if (!call->error)
    call->function(call->argument);
  _exit(0);
}

int wb_without_rights(uint32_t uid, uint32_t gid, void (*function)(void *), void *argument) {
  struct call call = {.uid = uid, .gid = gid, .function = function, .argument = argument};
  const int error = wb_run_in_namespaces(run_without, &call, CLONE_FILES);
  return error ? error : call.error;
}
