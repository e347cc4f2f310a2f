/*
 * Taking rights away. Everything here only ever narrows; called by main.c between the file tree
 * and the payload, except for the id maps, which come first because files need owners.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <linux/sockios.h>
#include <linux/stat.h>

#include "../sys/openat2.h"
#include "init.h"

/* landlock(7), spelled out so that the headers of an older system will do. */
struct landlock_ruleset {
  uint64_t handled_access_fs;
  uint64_t handled_access_net; /* ABI 4 */
  uint64_t scoped;             /* ABI 6 */
};
struct landlock_path_beneath {
  uint64_t allowed_access;
  int32_t parent_fd;
} __attribute__((packed));
#define LANDLOCK_RULE_PATH_BENEATH 1
#define LANDLOCK_ACCESS_FS_WRITE_FILE (1ull << 1)
#define LANDLOCK_ACCESS_FS_READ_FILE (1ull << 2)
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ull << 14)
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ull << 15)

/* netdevice(7); <linux/if.h> would pull in a libc. */
struct interface_request {
  char name[16];
  short flags;
  char rest[22];
};
#define IFF_UP 1
#define AF_INET 2
#define SOCK_DGRAM_CLOEXEC (2 | 02000000)

/* A file under /proc counts only if it really is procfs (CVE-2019-19921, CVE-2025-52881). */
static void write_proc(const char *path, const char *text) {
  struct open_how how = {.flags = O_WRONLY | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
  long fd = check(sys_openat2(AT_FDCWD, path, &how), WB_STEP_ID_MAPS, path);
  long words[16] = {0}; /* struct statfs; its first word is the type on both architectures */
  check(sys2(__NR_fstatfs, fd, words), WB_STEP_ID_MAPS, path);
  if (words[0] != PROC_SUPER_MAGIC)
    die(WB_STEP_ID_MAPS, EOPNOTSUPP, path);
  check(sys3(__NR_write, fd, text, str_len(text)), WB_STEP_ID_MAPS, path);
  sys1(__NR_close, fd);
}

static const char *map_line(char out[64], const struct wb_id_range *range) {
  size_t n = format_number(out, range->inside);
  out[n++] = ' ';
  n += format_number(out + n, range->outside);
  out[n++] = ' ';
  format_number(out + n, range->count);
  return out;
}

/* user_namespaces(7): an unprivileged process may map its own ids, and nothing else, once it has
 * given up setgroups(2) (CVE-2014-8989). */
void write_own_id_maps(const struct wb_plan *plan) {
  char line[64];
  write_proc("/proc/self/setgroups", "deny");
  write_proc("/proc/self/uid_map", map_line(line, wb_plan_ids(plan, plan->uid_ranges)));
  write_proc("/proc/self/gid_map", map_line(line, wb_plan_ids(plan, plan->gid_ranges)));
}

/* Root of a machine or container: bounds what execve(2) could bring back while it may, then takes
 * the payload's ids. Without a mapped or permitted id of its own, the launch ends. */
void give_up_root(const struct wb_plan *plan) {
  if (plan->layers & WB_LAYER_CAPABILITIES)
    for (int cap = 0; sys5(__NR_prctl, PR_CAPBSET_DROP, cap, 0, 0, 0) >= 0; cap++)
      ;
  check(sys2(__NR_setgroups, 0, 0), WB_STEP_IDENTITY, NULL);
  check(sys3(__NR_setresgid, plan->gid, plan->gid, plan->gid), WB_STEP_IDENTITY, NULL);
  check(sys3(__NR_setresuid, plan->uid, plan->uid, plan->uid), WB_STEP_IDENTITY, NULL);
}

/* As root, init starts with an unmapped uid and takes its place in the map that it was given. */
void become_payload_user(const struct wb_plan *plan) {
  if (plan->ids == WB_IDS_PRIVILEGED) {
    check(sys3(__NR_setresgid, plan->gid, plan->gid, plan->gid), WB_STEP_IDENTITY, NULL);
    check(sys3(__NR_setresuid, plan->uid, plan->uid, plan->uid), WB_STEP_IDENTITY, NULL);
  }
  if (sys0(__NR_getuid) != (long)plan->uid || sys0(__NR_getgid) != (long)plan->gid)
    die(WB_STEP_IDENTITY, EPERM, NULL);
}

/* Programs expect localhost to work; nothing else is reachable from a network namespace of one's
 * own. Returns a socket of that namespace. netdevice(7) */
long bring_up_loopback(void) {
  struct interface_request request = {.name = "lo", .flags = IFF_UP};
  long fd = check(sys3(__NR_socket, AF_INET, SOCK_DGRAM_CLOEXEC, 0), WB_STEP_LOOPBACK, NULL);
  check(sys3(__NR_ioctl, fd, SIOCSIFFLAGS, &request), WB_STEP_LOOPBACK, NULL);
  return fd;
}

/* The network namespace of a socket becomes that of the caller. Asked of the socket, this takes
 * neither /proc nor rights over another process. */
void join_network(long socket) {
  long fd = check(sys3(__NR_ioctl, socket, SIOCGSKNS, 0), WB_STEP_NAMESPACES, NULL);
  check(sys2(__NR_setns, fd, CLONE_NEWNET), WB_STEP_NAMESPACES, NULL);
  sys1(__NR_close, fd);
}

/* No capability can come back once it is dropped. Without a user namespace of its own, init may
 * have no right to do that; no_new_privs, which such a plan has, is enough then. */
static void bound_capabilities(int own_rights) {
  for (int cap = 0;; cap++) {
    long ret = sys5(__NR_prctl, PR_CAPBSET_DROP, cap, 0, 0, 0);
    if (ret == -EPERM && cap == 0 && !own_rights)
      return;
    if (ret == -EINVAL && cap > 0)
      break; /* past the kernel's last capability */
    check(ret, WB_STEP_CAPABILITIES, NULL);
  }
  check(sys5(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), WB_STEP_CAPABILITIES,
        NULL);
  /* SECBIT_KEEP_CAPS stays free: programs set it before they change ids (PR_SET_KEEPCAPS), and
   * where no set of capabilities holds any, there is nothing to keep. capabilities(7) */
  const long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                    SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                    SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  check(sys5(__NR_prctl, PR_SET_SECUREBITS, bits, 0, 0, 0), WB_STEP_CAPABILITIES, NULL);
}

void drop_capabilities(const struct wb_plan *plan) {
  if (!(plan->layers & WB_LAYER_CAPABILITIES))
    return;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
  memset(none, 0, sizeof none);
  check(sys2(__NR_capset, &header, none), WB_STEP_CAPABILITIES, NULL);
}

/* Called by init and by the payload's process; what is left to each is to drop the capabilities
 * that it has, when it needs them no more. */
void bound_rights(const struct wb_plan *plan) {
  if (plan->layers & WB_LAYER_CAPABILITIES)
    bound_capabilities((plan->namespaces & CLONE_NEWUSER) != 0);
  if (plan->layers & WB_LAYER_NO_NEW_PRIVS)
    check(sys5(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), WB_STEP_NO_NEW_PRIVS, NULL);
}

/* The payload shares init's user: this keeps /proc/1 (exe, fd, mem, root) closed to it. Of the
 * memory that init and the payload's process share; the file tree is built with /proc/self. */
void close_memory(const struct wb_plan *plan) {
  if (plan->layers & WB_LAYER_DUMPABLE)
    check(sys5(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0), WB_STEP_CAPABILITIES, NULL);
}

static long try_rule(long ruleset, long fd, uint64_t access) {
  struct landlock_path_beneath rule = {.allowed_access = access, .parent_fd = (int)fd};
  return sys4(__NR_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static void add_rule(long ruleset, long fd, uint64_t access, const char *path) {
  check(try_rule(ruleset, fd, access), WB_STEP_LANDLOCK, path);
}

/* Landlock has no rule for a memfd and lets it be opened again, for writing as well unless it is
 * sealed. What was given for writing may be. memfd_create(2) */
static void check_memfd(int fd, long flags) {
  long seals = sys2(__NR_fcntl, fd, F_GET_SEALS);
  if ((flags & O_ACCMODE) == O_RDONLY &&
      (seals < 0 || !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))))
    die(WB_STEP_STDIO, EROFS, NULL);
}

/*
 * A host file that the caller redirected to (`> out.txt`) lies outside the tree, yet /dev/stdout
 * must open it again: it gets the accesses that the descriptor has. Pipes and sockets need none.
 */
static void add_stdio_rules(const struct wb_plan *plan, long ruleset) {
  for (int fd = 0; fd <= 2; fd++) {
    struct statx info;
    if (sys5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &info) < 0)
      continue;
    int type = info.stx_mode & S_IFMT;
    long flags = sys2(__NR_fcntl, fd, F_GETFL);
    if ((type != S_IFREG && type != S_IFCHR) || flags < 0 || (flags & O_PATH))
      continue;
    uint64_t access = LANDLOCK_ACCESS_FS_IOCTL_DEV;
    if ((flags & O_ACCMODE) != O_WRONLY)
      access |= LANDLOCK_ACCESS_FS_READ_FILE;
    if ((flags & O_ACCMODE) != O_RDONLY)
      access |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
    long ret = try_rule(ruleset, fd, access & plan->landlock_fs);
    if (ret == -EBADFD)
      check_memfd(fd, flags);
    else
      check(ret, WB_STEP_LANDLOCK, NULL);
  }
}

/* landlock(7): a second wall behind the mounts. Returns the ruleset, or -1 where it is off. */
int make_landlock_ruleset(const struct wb_plan *plan) {
  if (!(plan->layers & WB_LAYER_LANDLOCK))
    return -1;
  struct landlock_ruleset attr = {
      .handled_access_fs = plan->landlock_fs,
      .handled_access_net = plan->landlock_net,
      .scoped = plan->landlock_scoped,
  };
  /* Older ABIs refuse a longer structure unless the rest is zero, which is what we want. */
  long ruleset =
      check(sys3(__NR_landlock_create_ruleset, &attr, sizeof attr, 0), WB_STEP_LANDLOCK, NULL);
  const struct wb_landlock_rule *rules =
      (const struct wb_landlock_rule *)(const void *)wb_plan_at(plan, plan->rules);
  for (uint32_t i = 0; i < plan->rule_count; i++) {
    const char *path = wb_plan_at(plan, rules[i].path);
    struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    long fd = sys_openat2(AT_FDCWD, path, &how);
    /* Without mounts a place is as closed to the payload's ids as it is, with a rule or without. */
    if (fd == -EACCES && plan->private_root && !(rules[i].access & LANDLOCK_ACCESS_FS_WRITE_FILE))
      continue;
    check(fd, WB_STEP_LANDLOCK, path);
    add_rule(ruleset, fd, rules[i].access, path);
    sys1(__NR_close, fd);
  }
  add_stdio_rules(plan, ruleset);
  return (int)ruleset;
}
