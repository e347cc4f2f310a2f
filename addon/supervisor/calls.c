/*
 * What tells two uses of one system call apart for a person: the path or address that it names, or
 * the values of a few arguments. Called by notify.c. A call that is not listed has neither; its
 * refusals are counted together.
 */
#include <asm/unistd.h>
#include <stddef.h>

#include "calls.h"
#include "notify.h"

#define A(n) (1u << (n))
#define PATH(name, arg) [__NR_##name] = {WB_TARGET_PATH, (arg), 0}
#define ADDRESS(name, arg) [__NR_##name] = {WB_TARGET_ADDRESS, (arg), 0}
#define VALUES(name, selectors) [__NR_##name] = {WB_TARGET_NONE, 0, (selectors)}

/* By number: looked at for every question. Zeros where a call is not listed. */
static const struct wb_call_shape shapes[WB_CALL_SLOTS] = {
    ADDRESS(connect, 1),
    ADDRESS(bind, 1),
    ADDRESS(sendto, 4),
    VALUES(socket, A(0) | A(1) | A(2)),
    VALUES(socketpair, A(0) | A(1) | A(2)),
    VALUES(setsockopt, A(1) | A(2)),
    VALUES(getsockopt, A(1) | A(2)),
    VALUES(ioctl, A(1)),
    VALUES(fcntl, A(1)),
    VALUES(prctl, A(0)),
    VALUES(seccomp, A(0) | A(1)),
    VALUES(personality, A(0)),
    VALUES(ptrace, A(0)),
    VALUES(unshare, A(0)),
    VALUES(setns, A(1)),
    VALUES(clone, A(0)),
    VALUES(keyctl, A(0)),
    VALUES(bpf, A(0)),
    VALUES(reboot, A(2)),
    VALUES(syslog, A(0)),
    VALUES(kcmp, A(2)),
    VALUES(clock_settime, A(0)),
    VALUES(clock_adjtime, A(0)),
    VALUES(madvise, A(2)),
    VALUES(mmap, A(2) | A(3)),
    VALUES(mprotect, A(2)),
    VALUES(prlimit64, A(1)),
    VALUES(fanotify_init, A(0)),
    VALUES(quotactl_fd, A(1)),
    PATH(quotactl, 1),
    PATH(add_key, 0),
    PATH(request_key, 0),
    PATH(mount, 1),
    PATH(umount2, 0),
    PATH(pivot_root, 0),
    PATH(chroot, 0),
    PATH(fsopen, 0),
    PATH(fspick, 1),
    PATH(open_tree, 1),
    PATH(move_mount, 3),
    PATH(mount_setattr, 1),
    PATH(fanotify_mark, 4),
    PATH(inotify_add_watch, 1),
    PATH(name_to_handle_at, 1),
    PATH(delete_module, 0),
    PATH(swapon, 0),
    PATH(swapoff, 0),
    PATH(acct, 0),
    PATH(sethostname, 0),
    PATH(setdomainname, 0),
    PATH(openat, 1),
    PATH(openat2, 1),
    PATH(execve, 0),
    PATH(execveat, 1),
    PATH(faccessat, 1),
    PATH(faccessat2, 1),
    PATH(newfstatat, 1),
    PATH(statx, 1),
    PATH(statfs, 0),
    PATH(readlinkat, 1),
    PATH(unlinkat, 1),
    PATH(renameat, 1),
    PATH(renameat2, 1),
    PATH(mkdirat, 1),
    PATH(mknodat, 1),
    PATH(linkat, 1),
    PATH(symlinkat, 2),
    PATH(fchmodat, 1),
    PATH(fchownat, 1),
    PATH(utimensat, 1),
    PATH(truncate, 0),
    PATH(chdir, 0),
    PATH(setxattr, 0),
    PATH(lsetxattr, 0),
    PATH(removexattr, 0),
    PATH(lremovexattr, 0),
    PATH(getxattr, 0),
    PATH(lgetxattr, 0),
#ifdef __NR_open /* not on aarch64, which has only the calls relative to a directory */
    PATH(open, 0),
    PATH(creat, 0),
    PATH(access, 0),
    PATH(stat, 0),
    PATH(lstat, 0),
    PATH(readlink, 0),
    PATH(unlink, 0),
    PATH(rename, 0),
    PATH(mkdir, 0),
    PATH(rmdir, 0),
    PATH(mknod, 0),
    PATH(link, 0),
    PATH(symlink, 1),
    PATH(chmod, 0),
    PATH(chown, 0),
    PATH(lchown, 0),
    PATH(utime, 0),
    PATH(utimes, 0),
    VALUES(arch_prctl, A(0)),
#endif
};

const struct wb_call_shape *wb_call_shape(uint32_t nr) {
  static const struct wb_call_shape plain = {WB_TARGET_NONE, 0, 0};
  return nr < WB_CALL_SLOTS ? &shapes[nr] : &plain;
}
