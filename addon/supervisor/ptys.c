/*
 * See ptys.h. Without a devpts of its own the payload's terminals are among those of the machine,
 * and Landlock could open all of these to it or none. So it opens none, and the supervisor opens
 * the run's own in its place. Called by notify.c and metadata.c.
 *
 * For open("/dev/ptmx") the supervisor makes a new pair, gives the master to the payload, and keeps
 * the slave opened with O_PATH. For open("/dev/pts/N") and ioctl(TIOCGPTPEER) it looks the slave up
 * among those and opens it through that descriptor.
 *
 * Such a descriptor keeps no terminal open, so that programs hang up as ever. And it stands for
 * this pair alone: once the master is closed, devpts has removed the entry that it leads to, and
 * opening it gives EIO, even where a terminal of another program has the number by then. So what
 * the payload names only selects among its own. With any other name the kernel goes on, and
 * Landlock refuses. devpts_pty_kill and pts_unix98_lookup in fs/devpts/inode.c, drivers/tty/pty.c
 *
 * A terminal that is opened so does not become the controlling one of the session by itself; with
 * TIOCSCTTY, which login_tty(3) uses, it does.
 */
#define _GNU_SOURCE
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "directory.h"
#include "notify.h"
#include "pin.h"
#include "processes.h"
#include "ptys.h"
#include "reserve.h"

/* Character device 5:2. ptmx(4) */
#define PTMX_MAJOR 5
#define PTMX_MINOR 2
static const char ptmx[] = "/dev/ptmx";

/* The flags of open(2) that a terminal keeps. */
#define FLAGS_KEPT (O_ACCMODE | O_NONBLOCK | O_APPEND)

static int look(long file, struct statx *info) {
  return syscall(SYS_statx, file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, info) == 0 &&
         (info->stx_mode & S_IFMT) == S_IFCHR;
}

static int is_ptmx(const struct statx *info) {
  return info->stx_rdev_major == PTMX_MAJOR && info->stx_rdev_minor == PTMX_MINOR;
}

/* Returns whether its master is open still. */
static int is_alive(const struct wb_pty *pty, struct statx *info) {
  return look(pty->terminal, info) && info->stx_nlink > 0;
}

static void forget_closed(struct wb_ptys *ptys) {
  struct statx info;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < ptys->count; i++) {
    if (is_alive(&ptys->all[i], &info))
      ptys->all[kept++] = ptys->all[i];
    else
      close(ptys->all[i].terminal);
  }
  ptys->count = kept;
}

const struct wb_pty *wb_ptys_find(const struct wb_ptys *ptys, int file, struct statx *info) {
  struct statx own;
  if (!look(file, info))
    return NULL;
  for (uint32_t i = 0; i < ptys->count; i++)
    if (ptys->all[i].number == info->stx_rdev_minor && is_alive(&ptys->all[i], &own) &&
        own.stx_ino == info->stx_ino && own.stx_dev_major == info->stx_dev_major &&
        own.stx_dev_minor == info->stx_dev_minor)
      return &ptys->all[i];
  return NULL;
}

/* A descriptor of the supervisor's, or -1 with errno, becomes the answer. Returns whether the
 * payload has it. */
static int give(const struct wb_watch *watch, const struct seccomp_notif *notif, int file,
                int flags) {
  int sent = file < 0 ? -errno : wb_watch_give(watch, notif->id, file, flags & O_CLOEXEC);
  if (file >= 0)
    close(file);
  if (sent < 0)
    wb_watch_respond(watch, notif->id, -sent, 0, 0);
  return sent > 0;
}

static int refuse(const struct wb_watch *watch, const struct seccomp_notif *notif, int error) {
  errno = error;
  return give(watch, notif, -1, 0);
}

static void give_master(struct wb_ptys *ptys, const struct wb_watch *watch,
                        const struct seccomp_notif *notif, int flags) {
  struct statx info;
  int number = 0;
  forget_closed(ptys);
  if (ptys->count == WB_PTYS_MAX) {
    refuse(watch, notif, ENOSPC);
    return;
  }
  const int master = open(ptmx, (flags & FLAGS_KEPT) | O_NOCTTY | O_CLOEXEC);
  if (master < 0) {
    refuse(watch, notif, errno);
    return;
  }
  const int terminal = ioctl(master, TIOCGPTPEER, O_PATH | O_CLOEXEC);
  if (terminal < 0 || wb_reserve_reached(terminal) || ioctl(master, TIOCGPTN, &number) < 0 ||
      !look(terminal, &info)) {
    if (terminal >= 0)
      close(terminal);
    close(master);
    refuse(watch, notif, EIO);
    return;
  }
  if (give(watch, notif, master, flags))
    ptys->all[ptys->count++] = (struct wb_pty){terminal, (uint32_t)number, info.stx_mode & 07777u};
  else
    close(terminal);
}

static void give_terminal(const struct wb_pty *pty, const struct wb_watch *watch,
                          const struct seccomp_notif *notif, int flags) {
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", pty->terminal);
  give(watch, notif, open(link, (flags & FLAGS_KEPT) | O_NOCTTY | O_CLOEXEC), flags);
}

/* Returns whether an open(2) with these flags is asked about: src/plan/terminal-calls.ts. */
static int may_be_terminal(int flags) {
  const int both = O_RDWR, written = O_WRONLY | O_CREAT;
  return (flags & (O_ACCMODE | O_CREAT | O_DIRECTORY | O_PATH)) == both ||
         (flags & (O_ACCMODE | O_CREAT | O_DIRECTORY | O_EXCL)) == written;
}

static int begins(const char *path, const char *with) {
  return memcmp(path, with, strlen(with)) == 0;
}

static int take_path(struct wb_ptys *ptys, const struct wb_watch *watch, struct wb_pin *caller,
                     int base, uint64_t address, int flags) {
  char path[WB_PAYLOAD_PATH_MAX];
  struct statx info;
  if (!may_be_terminal(flags))
    return 0;
  const size_t size = wb_pin_read(caller, address, path, sizeof path);
  if (size == 0 || !memchr(path, 0, size))
    return 0;
  /* Most files that are written are no terminals. */
  if ((flags & O_CREAT) && !begins(path, "/dev/") && !begins(path, "/proc/"))
    return 0;
  const long file = wb_payload_open(caller, base, path, flags & O_NOFOLLOW);
  if (file < 0)
    return 0;
  const int makes = look(file, &info) && is_ptmx(&info);
  const struct wb_pty *pty = makes ? NULL : wb_ptys_find(ptys, (int)file, &info);
  close((int)file);
  if (makes)
    give_master(ptys, watch, caller->call, flags);
  else if (pty)
    give_terminal(pty, watch, caller->call, flags);
  return makes || pty;
}

/* The slave of a master, which its number in /proc tells. proc_pid_fdinfo(5) */
static int take_peer(const struct wb_ptys *ptys, const struct wb_watch *watch,
                     struct wb_pin *caller, int master, int flags) {
  static const char name[] = "tty-index:";
  char path[24], text[512 + sizeof name] = {0};
  struct statx info;
  const long file = master < 0 ? -EBADF : wb_payload_descriptor(caller, master);
  if (file < 0)
    return 0;
  const int is_master = look(file, &info) && is_ptmx(&info);
  close((int)file);
  snprintf(path, sizeof path, "fdinfo/%d", master);
  if (!is_master || wb_pin_text(caller, path, text, 512) <= 0)
    return 0;
  const uint64_t number = wb_processes_field(text, name);
  for (uint32_t i = 0; i < ptys->count; i++) {
    if (ptys->all[i].number != number || !is_alive(&ptys->all[i], &info))
      continue;
    give_terminal(&ptys->all[i], watch, caller->call, flags);
    return 1;
  }
  return 0;
}

int wb_ptys_take(struct wb_ptys *ptys, const struct wb_watch *watch, struct wb_pin *caller) {
  const __u64 *args = caller->call->data.args;
  switch (caller->call->data.nr) {
#ifdef __NR_open
  case __NR_open:
    return take_path(ptys, watch, caller, AT_FDCWD, args[0], (int)args[1]);
#endif
  case __NR_openat:
    return take_path(ptys, watch, caller, (int)args[0], args[1], (int)args[2]);
  case __NR_ioctl:
    return (uint32_t)args[1] == TIOCGPTPEER &&
           take_peer(ptys, watch, caller, (int)args[0], (int)args[2]);
  default:
    return 0;
  }
}

void wb_ptys_close(struct wb_ptys *ptys) {
  for (uint32_t i = 0; i < ptys->count; i++)
    close(ptys->all[i].terminal);
  ptys->count = 0;
}
