/*
 * /etc/resolv.conf of a run that has no mounts: who opens it by this name reads that the resolver
 * of the run (resolver.c) is to be asked. Called by engine.c. It is a convenience: any
 * other way to the file shows the machine's own, whose resolvers are not to be reached.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net.h"

static const char name[] = "/etc/resolv.conf";
/* resolv.conf(5): TCP where a program can, which takes the supervisor fewer answers. */
static const char text[] = "nameserver 127.0.0.53\noptions use-vc\n";

int resolv_conf_begin(struct net *net) {
  const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  net->resolv_conf = memfd_create("resolv.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (net->resolv_conf < 0 ||
      write(net->resolv_conf, text, sizeof text - 1) != (ssize_t)sizeof text - 1)
    return -1;
  return fcntl(net->resolv_conf, F_ADD_SEALS, seals);
}

int resolv_conf_take(const struct net *net, struct wb_pin *caller) {
  const struct seccomp_notif *notif = caller->call;
  const __u64 *args = notif->data.args;
  const int nr = notif->data.nr;
  char path[sizeof name], link[40];
#ifdef __NR_open
  const int plain = nr == __NR_open;
#else
  const int plain = 0;
#endif
  if (!plain && nr != __NR_openat && nr != __NR_openat2)
    return 0;
  /* The flags of openat2(2) are in memory: a file that cannot be written is no harm. */
  const int flags = nr == __NR_openat2 ? O_CLOEXEC : (int)args[plain ? 1 : 2];
  if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_PATH | O_DIRECTORY)) ||
      wb_pin_read(caller, args[plain ? 0 : 1], path, sizeof path) != sizeof path ||
      memcmp(path, name, sizeof path) != 0)
    return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", net->resolv_conf);
  const int file = open(link, O_RDONLY | O_CLOEXEC); /* with an offset of its own */
  if (file < 0)
    return 0;
  const int sent = wb_watch_give(net->watch, notif->id, file, flags & O_CLOEXEC);
  close(file);
  return sent > 0;
}
