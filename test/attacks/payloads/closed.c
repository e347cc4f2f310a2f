/* Runs a program under a filter like Docker's default one: no namespaces, no mounts, no
 * pidfd_getfd, no keys. What wasbox meets in most containers. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAMESPACES 0x7e020000
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ON(nr, result) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), result

int main(int argc, char **argv) {
  struct sock_filter filter[] = {
      LOAD(nr),
      ON(SYS_unshare, REFUSE(EPERM)),
      ON(SYS_setns, REFUSE(EPERM)),
      ON(SYS_mount, REFUSE(EPERM)),
      ON(SYS_umount2, REFUSE(EPERM)),
      ON(SYS_open_tree, REFUSE(EPERM)),
      ON(SYS_fsopen, REFUSE(EPERM)),
      ON(SYS_move_mount, REFUSE(EPERM)),
      ON(SYS_keyctl, REFUSE(EPERM)),
      ON(438 /* pidfd_getfd */, REFUSE(EPERM)),
      ON(435 /* clone3 */, REFUSE(ENOSYS)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
      LOAD(args[0]),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, 0, 1),
      REFUSE(EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
    return 99;
  execv(argv[1], argv + 1);
  perror(argv[1]);
  return 98;
}
