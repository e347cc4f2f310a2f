/*
 * The payload may take from itself, and so from the user, the right to read a directory of its own:
 * mode 0. In the sandbox's user namespace the supervisor may read it nevertheless. A thread of a
 * process that has others cannot join one: a child does, which ends at once. It stays in the
 * supervisor's pid namespace, where the payload cannot reach it. Called by meter_disk.c.
 * user_namespaces(7), ioctl_nsfs(2)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rights.h"
#include "visit.h"

struct call {
  int users, error;
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
  const int error = wb_visit(run_child, &call, CLONE_FILES);
  close(call.users);
  return error ? error : call.error;
}
