/* See rundir.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "layer.h"

int wb_layer_adopt(const struct wb_rundir *run, const char *upper, const char *tree,
                   struct wb_adopted *adopted) {
  struct statx host, made;
  if (syscall(SYS_statx, AT_FDCWD, tree, 0, STATX_BASIC_STATS, &host) < 0 ||
      syscall(SYS_statx, run->directory, upper, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &made) < 0)
    return -1;
  /* overlayfs shows the upper root's owner and mode as the merged root's. */
  if (syscall(SYS_geteuid) == 0 && syscall(SYS_fchownat, run->directory, upper, host.stx_uid,
                                           host.stx_gid, AT_SYMLINK_NOFOLLOW) < 0)
    return -1;
  if (made.stx_mode != host.stx_mode &&
      syscall(SYS_fchmodat, run->directory, upper, host.stx_mode & 07777) < 0)
    return -1;
  /* chmod(2) leaves out the set-group-ID bit where the group is not one of the user's. */
  adopted->mode = host.stx_mode;
  adopted->uid = host.stx_uid;
  adopted->gid = host.stx_gid;
  if ((host.stx_mode & S_ISGID) && made.stx_mode != host.stx_mode) {
    if (syscall(SYS_statx, run->directory, upper, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &made) <
        0)
      return -1;
    adopted->mode = made.stx_mode;
  }
  adopted->dev = wb_device_number(host.stx_dev_major, host.stx_dev_minor);
  adopted->ino = host.stx_ino;
  return 0;
}

int wb_layers_adopt(struct wb_rundir *run, const char *const *trees) {
  struct wb_adopted workdir, home = {0};
  if (wb_layer_adopt(run, WB_UPPER, trees[0], &workdir) < 0 ||
      (run->home && wb_layer_adopt(run, WB_HOME_UPPER, trees[1], &home) < 0))
    return -1;
  run->workdir_dev = workdir.dev;
  run->workdir_ino = workdir.ino;
  run->mode = workdir.mode;
  run->home_mode = home.mode;
  run->home_uid = home.uid;
  run->home_gid = home.gid;
  return 0;
}

int wb_begins_with(const char *name, const char *start) {
  return strlen(name) >= strlen(start) && memcmp(name, start, strlen(start)) == 0;
}

/* Returns whether the system sets it by itself. */
static int is_label(const char *name) {
  static const char *const labels[] = {"selinux", "SMACK64", "apparmor", "ima", "evm"};
  for (unsigned i = 0; i < sizeof labels / sizeof *labels; i++)
    if (strcmp(name + sizeof "security." - 1, labels[i]) == 0)
      return 1;
  return 0;
}

static int is_overlays(const char *name) {
  return wb_begins_with(name, "user.overlay.") || wb_begins_with(name, "trusted.overlay.");
}

/* Extended attributes but those of overlayfs and labels: src/changes/files/attributes.ts decides
 * whether they are the host's. Of file systems' own, such as system.nfs4_acl, it knows the same. */
int wb_has_attributes(int fd, int overlay) {
  char names[1024];
  const long n = syscall(SYS_flistxattr, fd, names, sizeof names);
  if (n < 0)
    return errno != EOPNOTSUPP;
  for (const char *name = names; name < names + n; name += strlen(name) + 1)
    if (!(wb_begins_with(name, "security.") && is_label(name)) && !(overlay && is_overlays(name)) &&
        (wb_begins_with(name, "system.posix_acl_") || !wb_begins_with(name, "system.")))
      return 1;
  return 0;
}

int wb_is_owned(const struct statx *upper, uint32_t uid, uint32_t gid) {
  return syscall(SYS_geteuid) != 0 || (upper->stx_uid == uid && upper->stx_gid == gid);
}

/* 2026-01-31T12:34:56.789Z. The civil calendar from days since 1970: eras of 400 years that begin
 * on the first of March. */
static void put_time(char *out, uint64_t ms) {
  uint64_t seconds = ms / 1000, day = seconds / 86400, rest = seconds % 86400;
  uint64_t z = day + 719468, era = z / 146097, of_era = z % 146097;
  uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  uint64_t shifted = (5 * of_year + 2) / 153;
  uint64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  uint64_t year = year_of_era + era * 400 + (month <= 2);
  wb_put_digits(out, year, 10, 4);
  wb_put_digits(out + 5, month, 10, 2);
  wb_put_digits(out + 8, of_year - (153 * shifted + 2) / 5 + 1, 10, 2);
  wb_put_digits(out + 11, rest / 3600, 10, 2);
  wb_put_digits(out + 14, rest / 60 % 60, 10, 2);
  wb_put_digits(out + 17, rest % 60, 10, 2);
  wb_put_digits(out + 20, ms % 1000, 10, 3);
}

/* The size of the record's first fields, which all have a length of their own. */
#define ID_AT 9
#define STARTED_AT 33
#define BASELINE_AT 75

long wb_write_record(const struct wb_rundir *run, const struct wb_rundir_request *request, int fd) {
  static const char end[] = "]\n}\n";
  char head[] = "{\n\"id\": \"000000000\",\n"
                "\"started\": \"0000-00-00T00:00:00.000Z\",\n"
                "\"baselineNs\": \"0000000000000000000\",";
  memcpy(head + ID_AT, run->id, WB_RUN_ID);
  put_time(head + STARTED_AT, request->started_ms);
  /* The kernel's file time, rounded up: nothing that is older can have been changed since. */
  wb_put_digits(head + BASELINE_AT, (request->started_ms + 1) * 1000000, 10, 19);
  const struct iovec parts[] = {
      {head, sizeof head - 1},
      {(void *)(uintptr_t)request->record, request->record_size},
      {(void *)(uintptr_t)request->more_argv, request->more_argv_size},
      {(void *)(uintptr_t)end, sizeof end - 1},
  };
  const long size =
      (long)(sizeof head - 1 + request->record_size + request->more_argv_size + sizeof end - 1);
  const long n = syscall(SYS_writev, fd, parts, sizeof parts / sizeof *parts);
  if (n >= 0 && n < size)
    errno = ENOSPC;
  return n == size ? n : -1;
}

int wb_remove_name(int directory, const char *name, int flags) {
  return syscall(SYS_unlinkat, directory, name, flags) == 0 || errno == ENOENT ? 0 : -1;
}

/* overlayfs makes the first. */
int wb_layer_remove(int directory) {
  return wb_remove_name(directory, WB_WORK "/work", AT_REMOVEDIR) == 0 &&
                 wb_remove_name(directory, WB_WORK, AT_REMOVEDIR) == 0 &&
                 wb_remove_name(directory, WB_UPPER, AT_REMOVEDIR) == 0
             ? 0
             : -1;
}
