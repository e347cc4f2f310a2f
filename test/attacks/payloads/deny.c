/*
 * Control of the fail-closed tests: runs a command under a filter that answers one system call with
 * an errno, as a kernel that refuses it would.
 *
 *   deny NUMBER ERRNO [LOW-32-BITS-OF-ARGUMENT-0 | INDEX:LOW-32-BITS | -] COMMAND...
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 5)
    return 2;
  unsigned number = (unsigned)atoi(argv[1]), error = (unsigned)atoi(argv[2]);
  int any = strcmp(argv[3], "-") == 0;
  const char *colon = strchr(argv[3], ':');
  unsigned index = colon ? (unsigned)atoi(argv[3]) : 0;
  unsigned argument = any ? 0 : (unsigned)strtoul(colon ? colon + 1 : argv[3], 0, 0);
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + 8 * index),
      BPF_JUMP(BPF_JMP | (any ? BPF_JGE : BPF_JEQ) | BPF_K, argument, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
    perror("deny");
    return 3;
  }
  execvp(argv[4], argv + 4);
  perror(argv[4]);
  return 4;
}
