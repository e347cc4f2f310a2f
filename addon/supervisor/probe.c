/* Finds what this kernel and its configuration offer, each by trying it. Called for
 * `wasbox doctor`. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "supervisor.h"

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#endif

#define STACK_SIZE 65536

struct trial {
  struct wb_probe *probe;
  const char *directory;
  uid_t uid;
  gid_t gid;
};

static int put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return errno;
  ssize_t length = (ssize_t)strlen(text);
  int error = write(fd, text, (size_t)length) == length ? 0 : errno;
  close(fd);
  return error;
}

static int try_mount(const char *type, const char *const options[][2], int count) {
  int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
  if (context < 0)
    return errno;
  int error = 0;
  for (int i = 0; i < count && !error; i++) {
    int flag = options[i][1] == NULL;
    if (syscall(SYS_fsconfig, context, flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING,
                options[i][0], options[i][1], 0) < 0)
      error = errno;
  }
  if (!error && syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
    error = errno;
  if (!error) {
    int mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                             MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    error = mount < 0 ? errno : 0;
    if (mount >= 0)
      close(mount);
  }
  close(context);
  return error;
}

/* Asks what init asks: addon/init/overlay.c. */
static int lacks_attributes(const char *upper) {
  return getxattr(upper, "user.overlay.opaque", NULL, 0) < 0 && errno == EOPNOTSUPP;
}

/* Runs in a child that shares this memory: its answers are written where the caller reads them. */
static int in_namespaces(void *argument) {
  struct trial *trial = argument;
  char map[64];
  int error = put("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "%u %u 1", trial->uid, trial->uid);
  error = error ? error : put("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "%u %u 1", trial->gid, trial->gid);
  error = error ? error : put("/proc/self/gid_map", map);
  trial->probe->namespaces_error = error;
  if (error)
    _exit(1);
  trial->probe->proc_error = try_mount("proc", NULL, 0);
  if (!trial->directory)
    _exit(0);
  char lower[WB_PATH_MAX], upper[WB_PATH_MAX], work[WB_PATH_MAX];
  snprintf(lower, sizeof lower, "%s/lower", trial->directory);
  snprintf(upper, sizeof upper, "%s/upper", trial->directory);
  snprintf(work, sizeof work, "%s/work", trial->directory);
  const char *const options[][2] = {
      {"lowerdir", lower}, {"upperdir", upper}, {"workdir", work}, {"userxattr", NULL}};
  trial->probe->overlay_error =
      lacks_attributes(upper) ? EOPNOTSUPP : try_mount("overlay", options, 4);
  _exit(0);
}

int wb_landlock_abi(void) {
  const int version = 1; /* LANDLOCK_CREATE_RULESET_VERSION */
  long abi = syscall(__NR_landlock_create_ruleset, NULL, 0, version);
  return abi > 0 ? (int)abi : 0;
}

/* `others`: CLONE_NEW* beside user, mount and pid. */
static void try_namespaces(struct wb_probe *probe, const char *directory, int others) {
  struct trial trial = {probe, directory, geteuid(), getegid()};
  probe->proc_error = probe->overlay_error = ECANCELED; /* until they are tried */
  char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) {
    probe->namespaces_error = errno;
    return;
  }
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid =
      clone(in_namespaces, stack + STACK_SIZE,
            CLONE_VM | CLONE_VFORK | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | others, &trial);
  if (pid < 0)
    probe->namespaces_error = errno;
  else
    waitpid(pid, NULL, __WALL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  munmap(stack, STACK_SIZE);
}

void wb_probe(struct wb_probe *probe, const char *directory) {
  memset(probe, 0, sizeof *probe);
  probe->landlock_abi = wb_landlock_abi();

  uint32_t action = SECCOMP_RET_ERRNO;
  if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0)
    probe->seccomp_error = errno;
  struct seccomp_notif_sizes sizes;
  probe->seccomp_notify = syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0;

  /* An id map needs a user namespace: with a descriptor of something else, a kernel that knows the
   * attribute says EBADF, any other EINVAL or ENOSYS. */
  int mount = (int)syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (mount < 0) {
    probe->idmap_error = errno;
  } else {
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)0x7ffffffe};
    syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &attr, sizeof attr);
    probe->idmap_error = errno == EBADF ? 0 : errno;
    close(mount);
  }

  try_namespaces(probe, directory, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
}

int wb_namespaces_error(void) {
  struct wb_probe probe;
  memset(&probe, 0, sizeof probe);
  try_namespaces(&probe, NULL, 0);
  return probe.namespaces_error ? probe.namespaces_error : probe.proc_error;
}
