/*
 * Payload of the attack tests: makes one system call that a sandbox must refuse, for real and with
 * arguments with which it works elsewhere, and says what came of it.
 *
 *   attempt NAME...   prints "NAME ok VALUE", "NAME errno N" or "NAME signal N" for each
 *
 * Built by the tests with cc; called by test/attacks/calls.test.ts and others.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __NR_open_tree
#define __NR_open_tree 428
#define __NR_move_mount 429
#define __NR_fsopen 430
#endif

static long attempt_tiocsti(void) {
  return syscall(SYS_ioctl, 0, TIOCSTI, "X");
}
static long attempt_tiocsti_high(void) {
  return syscall(SYS_ioctl, 0, TIOCSTI | 1ul << 32, "X");
}
static long attempt_tioclinux(void) {
  char command[2] = {6, 0}; /* TIOCL_GETSHIFTSTATE: harmless where it works */
  return syscall(SYS_ioctl, 0, TIOCLINUX, command);
}
static long attempt_tioclinux_high(void) {
  char command[2] = {6, 0};
  return syscall(SYS_ioctl, 0, TIOCLINUX | 1ul << 32, command);
}

static long by_int80(long number, long a, long b, long c) {
#if defined(__x86_64__)
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(a), "c"(b), "d"(c), "S"(0), "D"(0)
                   : "memory", "r8", "r9", "r10", "r11");
  result = (int)result;
  if (result < 0 && result > -4096) {
    errno = (int)-result;
    return -1;
  }
  return result;
#else
  (void)number, (void)a, (void)b, (void)c;
  errno = ENOSYS;
  return -1;
#endif
}
static long attempt_i386_getpid(void) { return by_int80(20, 0, 0, 0); }
static long attempt_i386_ptrace(void) { return by_int80(26, PTRACE_TRACEME, 0, 0); }
static long attempt_i386_unshare(void) { return by_int80(310, CLONE_NEWUSER, 0, 0); }
static long attempt_i386_keyctl(void) { return by_int80(288, 0, -3, 1); }
static long attempt_i386_socketcall(void) {
  /* The arguments of socket(AF_ALG, SOCK_SEQPACKET, 0) must lie below 4 GB. */
  static uint32_t *args;
  args = (uint32_t *)syscall(SYS_mmap, 0x10000000, 4096, 3, 0x22 | 0x10, -1, 0);
  args[0] = 38, args[1] = SOCK_SEQPACKET, args[2] = 0;
  return by_int80(102, 1, (long)args, 0);
}
static long attempt_x32_getpid(void) { return syscall(39 | 0x40000000); }
static long attempt_x32_ptrace(void) { return syscall(521 | 0x40000000, PTRACE_TRACEME, 0, 0, 0); }
static long attempt_x32_unshare(void) { return syscall(272 | 0x40000000, CLONE_NEWUSER); }

static long attempt_io_uring(void) {
  char params[120] = {0};
  return syscall(SYS_io_uring_setup, 4, params);
}

static long attempt_clone3_newuser(void) {
  struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0)
    _exit(0);
  return pid;
}
static long attempt_clone3(void) {
  struct clone_args args = {.exit_signal = SIGCHLD};
  long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0)
    _exit(0);
  return pid;
}
static long clone_with(unsigned long flags) {
  long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0)
    _exit(0);
  return pid;
}
static long attempt_clone_newuser(void) { return clone_with(CLONE_NEWUSER); }
static long attempt_clone_newuser_high(void) { return clone_with(CLONE_NEWUSER | 1ul << 40); }
static long attempt_clone_newns_newuser(void) { return clone_with(CLONE_NEWUSER | CLONE_NEWNS); }
static long attempt_unshare_user(void) { return unshare(CLONE_NEWUSER); }
static long attempt_unshare_high(void) {
  return syscall(SYS_unshare, CLONE_NEWUSER | 1ul << 32);
}
static long attempt_unshare_net(void) { return unshare(CLONE_NEWNET); }
static long attempt_unshare_mount(void) { return unshare(CLONE_NEWNS); }
static long attempt_setns(void) {
  int fd = open("/proc/self/ns/uts", O_RDONLY);
  return fd < 0 ? -1 : setns(fd, 0);
}

static long attempt_ptrace_traceme(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0); }
static pid_t sleeping_child(void) {
  pid_t pid = fork();
  if (pid == 0) {
    for (;;)
      pause();
  }
  return pid;
}
static long then_kill(pid_t pid, long result) {
  int saved = errno;
  kill(pid, SIGKILL);
  errno = saved;
  return result;
}
static long attempt_ptrace_seize(void) {
  pid_t pid = sleeping_child();
  return then_kill(pid, ptrace(PTRACE_SEIZE, pid, 0, 0));
}
static char secret[4] = "abc";
static long attempt_process_vm_readv(void) {
  char copy[4];
  struct iovec here = {copy, 4}, there = {secret, 4};
  pid_t pid = sleeping_child();
  return then_kill(pid, process_vm_readv(pid, &here, 1, &there, 1, 0));
}
static long attempt_process_vm_writev(void) {
  struct iovec here = {secret, 4}, there = {secret, 4};
  pid_t pid = sleeping_child();
  return then_kill(pid, process_vm_writev(pid, &here, 1, &there, 1, 0));
}
static long attempt_pidfd_getfd(void) {
  pid_t pid = sleeping_child();
  long fd = syscall(SYS_pidfd_open, pid, 0);
  return then_kill(pid, fd < 0 ? -1 : syscall(SYS_pidfd_getfd, fd, 1, 0));
}
static long attempt_kcmp(void) { return syscall(SYS_kcmp, getpid(), getpid(), 1, 0, 0); }

static long attempt_keyctl(void) { return syscall(SYS_keyctl, 0, -3, 1); }
static long attempt_add_key(void) { return syscall(SYS_add_key, "user", "wasbox", "x", 1, -2); }
static long attempt_request_key(void) {
  syscall(SYS_add_key, "user", "wasbox-own", "x", 1, -2);
  return syscall(SYS_request_key, "user", "wasbox-own", 0, -2);
}

static long attempt_alg(void) { return socket(38, SOCK_SEQPACKET, 0); }
static long attempt_alg_high(void) { return syscall(SYS_socket, 38 | 1ul << 32, SOCK_SEQPACKET, 0); }
static long attempt_vsock(void) { return socket(40, SOCK_STREAM, 0); }
static long attempt_vsock_high(void) { return syscall(SYS_socket, 40 | 1ul << 32, SOCK_STREAM, 0); }
static long attempt_packet(void) { return socket(17, SOCK_RAW, 0x0300); }
static long attempt_raw_socket(void) { return socket(AF_INET, SOCK_RAW, 1); }
static long attempt_netlink_generic(void) { return socket(16, SOCK_RAW, 16); }
static long attempt_netlink_netfilter(void) { return socket(16, SOCK_RAW, 12); }
static long attempt_netlink_uevent(void) { return socket(16, SOCK_RAW, 15); }
static long attempt_vsock_pair(void) { return syscall(SYS_socketpair, 40, SOCK_STREAM, 0, (int[2]){0, 0}); }

static long attempt_mount(void) { return mount("none", "/tmp", "tmpfs", 0, 0); }
static long attempt_bind(void) { return mount("/etc", "/tmp", 0, MS_BIND, 0); }
static long attempt_remount_rw(void) {
  return mount(0, "/usr", 0, MS_REMOUNT | MS_BIND, 0);
}
static long attempt_umount(void) { return umount2("/proc", MNT_DETACH); }
static long attempt_umount_tmp(void) { return umount2("/tmp", MNT_DETACH); }
static long attempt_open_tree(void) { return syscall(__NR_open_tree, -100, "/", 1); }
static long attempt_move_mount(void) { return syscall(__NR_move_mount, -100, "/tmp", -100, "/var", 0); }
static long attempt_fsopen(void) { return syscall(__NR_fsopen, "tmpfs", 0); }
static long attempt_pivot_root(void) { return syscall(SYS_pivot_root, "/tmp", "/tmp"); }
static long attempt_chroot(void) { return chroot("/usr"); }
static long attempt_sethostname(void) { return sethostname("taken", 5); }

static long attempt_bpf(void) {
  char attr[128] = {0};
  ((int *)attr)[0] = 2, ((int *)attr)[1] = 4, ((int *)attr)[2] = 4, ((int *)attr)[3] = 1;
  return syscall(SYS_bpf, 0, attr, sizeof attr);
}
/* The kernel looks at the size before it asks for rights: E2BIG says that the call got there. */
static long attempt_bpf_reach(void) { return syscall(SYS_bpf, 0, secret, 1u << 20); }
static long attempt_perf(void) {
  char attr[128] = {0};
  ((int *)attr)[0] = 1, ((int *)attr)[1] = 112;
  attr[40] = 0x61;
  return syscall(SYS_perf_event_open, attr, 0, -1, -1, 0);
}
static long attempt_userfaultfd(void) { return syscall(SYS_userfaultfd, 1 | O_CLOEXEC); }
static long attempt_init_module(void) { return syscall(SYS_init_module, "x", 1, ""); }
static long attempt_finit_module(void) { return syscall(SYS_finit_module, -1, "", 0); }
static long attempt_delete_module(void) { return syscall(SYS_delete_module, "nosuchmodule", O_NONBLOCK); }
static long attempt_kexec(void) { return syscall(SYS_kexec_load, 0, 0, 0, 1ul << 31); }
static long attempt_open_by_handle(void) {
  char handle[136] = {0};
  return syscall(SYS_open_by_handle_at, -100, handle, 0);
}
static long attempt_fanotify(void) { return syscall(SYS_fanotify_init, 0x400, 0); }
static long attempt_swapoff(void) { return syscall(SYS_swapoff, "/nonexistent"); }
static long attempt_acct(void) { return syscall(SYS_acct, "/nonexistent"); }
static long attempt_settimeofday(void) { return syscall(SYS_settimeofday, 0, 0); }
static long attempt_syslog(void) { return syscall(SYS_syslog, 10, 0, 0); }
/* Calls newer than the headers that this is compiled with, by number. */
static long attempt_setxattrat(void) {
  unsigned long long value[2] = {0, 0};
  return syscall(463, AT_FDCWD, "/nonexistent", 0, "user.x", value, sizeof value);
}
static long attempt_open_tree_attr(void) {
  unsigned long long attributes[4] = {0, 0, 0, 0};
  return syscall(467, AT_FDCWD, ".", 1, attributes, sizeof attributes);
}
static long attempt_file_getattr(void) {
  unsigned char attributes[24] = {0};
  return syscall(468, AT_FDCWD, ".", attributes, sizeof attributes, 0);
}
static long attempt_file_setattr(void) {
  unsigned char attributes[24] = {0};
  return syscall(469, AT_FDCWD, "/nonexistent", attributes, sizeof attributes, 0);
}
static long attempt_listns(void) { return syscall(470, 0, 0, 0, 0); }
static long attempt_fchroot(void) { return syscall(472, -1, 0); }
static long attempt_unknown_number(void) { return syscall(1000000); }

struct attempt {
  const char *name;
  long (*make)(void);
};
#define ROW(name) {#name, attempt_##name}
static const struct attempt attempts[] = {
    ROW(tiocsti), ROW(tiocsti_high), ROW(tioclinux), ROW(tioclinux_high), ROW(i386_getpid),
    ROW(i386_ptrace), ROW(i386_unshare), ROW(i386_keyctl), ROW(i386_socketcall), ROW(x32_getpid),
    ROW(x32_ptrace), ROW(x32_unshare), ROW(io_uring), ROW(clone3), ROW(clone3_newuser),
    ROW(clone_newuser), ROW(clone_newuser_high), ROW(clone_newns_newuser), ROW(unshare_user),
    ROW(unshare_high), ROW(unshare_net), ROW(unshare_mount), ROW(setns), ROW(ptrace_traceme),
    ROW(ptrace_seize), ROW(process_vm_readv), ROW(process_vm_writev), ROW(pidfd_getfd), ROW(kcmp),
    ROW(keyctl), ROW(add_key), ROW(request_key), ROW(alg), ROW(alg_high), ROW(vsock),
    ROW(vsock_high), ROW(packet), ROW(raw_socket), ROW(netlink_generic), ROW(netlink_netfilter),
    ROW(netlink_uevent), ROW(vsock_pair), ROW(mount), ROW(bind), ROW(remount_rw), ROW(umount),
    ROW(umount_tmp), ROW(open_tree), ROW(move_mount), ROW(fsopen), ROW(pivot_root), ROW(chroot),
    ROW(sethostname), ROW(bpf), ROW(bpf_reach), ROW(perf), ROW(userfaultfd), ROW(init_module), ROW(finit_module),
    ROW(delete_module), ROW(kexec), ROW(open_by_handle), ROW(fanotify), ROW(swapoff), ROW(acct),
    ROW(settimeofday), ROW(syslog), ROW(setxattrat), ROW(open_tree_attr), ROW(file_getattr),
    ROW(file_setattr), ROW(listns), ROW(fchroot), ROW(unknown_number),
};

/* Tries in a child, so that a call that ends the process ends only that. */
static void try_one(const struct attempt *one) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    errno = 0;
    long result = one->make();
    if (result < 0)
      printf("%s errno %d\n", one->name, errno);
    else
      printf("%s ok %ld\n", one->name, result);
    fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFSIGNALED(status))
    printf("%s signal %d\n", one->name, WTERMSIG(status));
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    int found = 0;
    for (size_t n = 0; n < sizeof attempts / sizeof *attempts; n++) {
      if (strcmp(attempts[n].name, argv[i]) == 0) {
        try_one(&attempts[n]);
        found = 1;
      }
    }
    if (!found) {
      fprintf(stderr, "no attempt is called %s\n", argv[i]);
      return 2;
    }
  }
  return 0;
}
