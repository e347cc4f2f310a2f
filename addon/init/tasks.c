/*
 * How many processes and threads a user has already, and how many a run leaves. Called by child.c
 * and payload.c.
 *
 * The kernel counts them for RLIMIT_NPROC, those of other containers with the same user too, and
 * tells only whether there is room for one more under a limit. Some such questions take a tenth of
 * the time that /proc takes, which knows the processes of one container alone.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/wait.h>

#include "init.h"

/* struct linux_dirent64 */
struct entry {
  uint64_t inode;
  int64_t next;
  unsigned short length;
  unsigned char type;
  char name[];
};

static int is_of(long proc, const char *process, uint64_t uid) {
  struct statx info;
  return sys5(__NR_statx, proc, process, 0, STATX_UID, &info) >= 0 && info.stx_uid == uid;
}

/* A process's directory of threads (proc_pid_task(5)) belongs to its user, and has a link for each
 * beside its own two. Most processes are another user's: their own directory says so in less time.
 */
static uint64_t tasks_of(long proc, const char *process, uint64_t uid) {
  char path[64];
  const size_t length = str_len(process);
  if (length > 32 || !is_of(proc, process, uid))
    return 0;
  memcpy(path, process, length);
  memcpy(path + length, "/task", sizeof "/task");
  struct statx info;
  if (sys5(__NR_statx, proc, path, 0, STATX_BASIC_STATS, &info) < 0 || info.stx_uid != uid)
    return 0;
  return info.stx_nlink > 2 ? info.stx_nlink - 2 : 1;
}

uint64_t each_process(uint64_t (*look)(long proc, const char *process, uint64_t argument),
                      uint64_t argument) {
  char bytes[4096] __attribute__((aligned(8)));
  const long proc = sys4(__NR_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  uint64_t sum = 0;
  if (proc < 0)
    return 0;
  for (long n; (n = sys3(__NR_getdents64, proc, bytes, sizeof bytes)) > 0;)
    for (long at = 0; at < n;) {
      const struct entry *entry = (const struct entry *)(bytes + at);
      at += entry->length;
      if (entry->name[0] >= '1' && entry->name[0] <= '9')
        sum += look(proc, entry->name, argument);
    }
  sys1(__NR_close, proc);
  return sum;
}

/* The kernel's own bound, PID_MAX_LIMIT; and where the search begins. */
#define TASKS_MAX (1u << 22)
#define TASKS_FEW 16

/* Returns whether the user may have one more task under this limit; negative where the kernel
 * does not say. The clone(2) always fails: with EAGAIN if there is no room, else with EFAULT,
 * because its pidfd has an invalid address. copy_process in kernel/fork.c */
static long has_room(uint64_t limit, uint64_t most) {
  const long nowhere = -8;
  const struct rlimit64 wanted = {limit, most};
  long ret = sys4(__NR_prlimit64, 0, RLIMIT_NPROC, &wanted, 0);
  if (ret < 0)
    return ret;
  ret = sys5(__NR_clone, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_PIDFD, 0,
             nowhere, 0, 0);
  return ret == -EFAULT ? 1 : ret == -EAGAIN ? 0 : -EINVAL;
}

/* The least limit with room, less one. 0 where there is always room, as for a process with
 * capabilities, or never. */
static uint64_t ask_kernel(void) {
  struct rlimit64 own;
  if (sys4(__NR_prlimit64, 0, RLIMIT_NPROC, 0, &own) < 0)
    return 0;
  const uint64_t most = own.rlim_max < TASKS_MAX ? own.rlim_max : TASKS_MAX;
  uint64_t without = 0, with = most < TASKS_FEW ? most : TASKS_FEW;
  long room;
  while ((room = has_room(with, own.rlim_max)) == 0 && with < most) {
    without = with;
    with = with > most / 4 ? most : with * 4;
  }
  while (room == 1 && with - without > 1) {
    const uint64_t middle = without + (with - without) / 2;
    const long has = has_room(middle, own.rlim_max);
    if (has < 0)
      room = has;
    else if (has)
      with = middle;
    else
      without = middle;
  }
  sys4(__NR_prlimit64, 0, RLIMIT_NPROC, &own, 0);
  return room == 1 ? with - 1 : 0;
}

/* A process's directory of threads has a link for each beside its own two. */
static uint64_t threads_of(long proc, const char *process, uint64_t unused) {
  (void)unused;
  char path[64];
  const size_t length = str_len(process);
  struct statx info;
  if (length > 32)
    return 0;
  memcpy(path, process, length);
  memcpy(path + length, "/task", sizeof "/task");
  if (sys5(__NR_statx, proc, path, 0, STATX_BASIC_STATS, &info) < 0)
    return 0;
  return info.stx_nlink > 2 ? info.stx_nlink - 2 : 1;
}

uint32_t count_tasks_left(void) {
  /* Orphans are init's children: without one nothing is left, and /proc need not be read. */
  if (sys4(__NR_wait4, -1, 0, WNOHANG | __WALL, 0) == -ECHILD)
    return 0;
  return (uint32_t)each_process(threads_of, 0) - 1;
}

uint64_t count_own_tasks(void) {
  const uint64_t asked = ask_kernel();
  return asked ? asked : each_process(tasks_of, (uint32_t)sys0(__NR_getuid));
}
