/*
 * Limits what the kernel counts for each user, or for all users together: a run takes a part of
 * it at most. A user namespace has limits of its own below those of its parents. Called by
 * main.c and child.c; in the payload's process, while init builds the file tree.
 * Documentation/admin-guide/sysctl/user.rst
 *
 * These do not isolate: where /proc/sys is read-only, as in some containers, the caller's own
 * limits are in force, and nothing more.
 *
 * A limit of the network namespace is lifted by the way: low ports are not root's in it.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>

#include "../sys/openat2.h"
#include "init.h"

/* One part in so many of what the caller may have. */
#define SHARE 4

static long open_below(long directory, const char *path, uint64_t flags) {
  struct open_how how = {.flags = flags | O_CLOEXEC,
                         .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
  return sys_openat2(directory, path, &how);
}

/* Opens them in the host's tree. Returns a negative errno where it is not procfs
 * (CVE-2025-52881). */
long open_quotas(const struct wb_plan *plan) {
  long words[16] = {0}; /* struct statfs; its first word is the type on both architectures */
  if (!(plan->layers & WB_LAYER_QUOTAS))
    return -ENOENT;
  long fd = open_below(AT_FDCWD, "/proc/sys", O_PATH | O_DIRECTORY);
  if (fd >= 0 && (sys2(__NR_fstatfs, fd, words) < 0 || words[0] != PROC_SUPER_MAGIC)) {
    sys1(__NR_close, fd);
    return -EOPNOTSUPP;
  }
  return fd;
}

static void write_quota(long quotas, const char *path, const char *text) {
  long fd = open_below(quotas, path, O_WRONLY);
  if (fd < 0)
    return;
  sys3(__NR_write, fd, text, str_len(text));
  sys1(__NR_close, fd);
}

/* A share of the number that another file has. */
static void write_share(long quotas, const char *path, const char *whole) {
  char text[24];
  long fd = open_below(quotas, whole, O_RDONLY);
  if (fd < 0)
    return;
  long n = sys3(__NR_read, fd, text, sizeof text - 1);
  sys1(__NR_close, fd);
  uint64_t number = 0;
  for (long i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
    number = number * 10 + (uint64_t)(text[i] - '0');
  format_number(text, number < SHARE ? 1 : number / SHARE);
  write_quota(quotas, path, text);
}

/* fanotify(7) and new namespaces are refused by the default policy. Where another allows them, no
 * namespace comes without a user namespace. */
void set_quotas(const struct wb_plan *plan, long quotas) {
  if (quotas < 0)
    return;
  /* A server of port 80 hears its own namespace alone. The file is that of the caller's network
   * namespace: with the host's, nothing is written. ip-sysctl.rst, Linux 4.11 */
  if (plan->namespaces & CLONE_NEWNET)
    write_quota(quotas, "net/ipv4/ip_unprivileged_port_start", "0");
  write_share(quotas, "user/max_inotify_instances", "fs/inotify/max_user_instances");
  write_share(quotas, "user/max_inotify_watches", "fs/inotify/max_user_watches");
  write_quota(quotas, "user/max_user_namespaces", "256");
  sys1(__NR_close, quotas);
}
