/*
 * Says what the kernel reads of an argument, where that is less than its prototype says, by call
 * and, for arguments that mean different things, by command. Each row has its reason: where the
 * value is cut. test/unit/core/widths_test.c holds the rows, and what has no row, against a running
 * kernel.
 *
 * Bits above are ignored by the kernel, so a comparison must not see them either: `deny mmap where
 * fd == 3` would be passed by 0x100000003. Called by tables.c and, for commands, by conds.c.
 */
#include "tables.h"

enum {
  ALL = (1 << WB_ARCH_COUNT) - 1,
  S390X = 1 << WB_ARCH_S390X,
  IPC16 = 1 << WB_ARCH_I386 | 1 << WB_ARCH_ARM | 1 << WB_ARCH_PPC64LE,
  FIRST = 1,
  SECOND = 2,
  THIRD = 4,
  FOURTH = 8,
  FIFTH = 16,
  ALWAYS = -1
};

/* Ranges of commands, both ends included. */
/* do_fcntl: `int argi = arg` for F_DUPFD, F_SETFD, F_SETFL, F_SETOWN (8, 24 on mips), F_SETSIG,
 * F_SETLEASE, F_NOTIFY and F_DUPFD_QUERY, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_ADD_SEALS. */
static const uint32_t fcntl_int[] = {0,  0,  2,    2,    4,    4,    8,    8,    10,   10,
                                     24, 24, 1024, 1024, 1026, 1027, 1030, 1031, 1033, 1033};
/* PR_SET_UNALIGN, PR_SET_FPEMU, PR_SET_FPEXC, PR_SET_ENDIAN, PR_SET_TSC: unsigned int val;
 * prctl_set_mm(int opt); PR_SCHED_CORE: unsigned int cmd; PR_SET_PTRACER: find_task_by_vpid. */
static const uint32_t prctl_second[] = {6,  6,  10, 10, 12, 12, 20,         20,
                                        26, 26, 35, 35, 62, 62, 0x59616d61, 0x59616d61};
/* PR_SCHED_CORE: pid_t pid; PR_FUTEX_HASH: unsigned int slots. */
static const uint32_t prctl_third[] = {62, 62, 78, 78};
/* PR_SCHED_CORE: enum pid_type. */
static const uint32_t prctl_fourth[] = {62, 62};
/* The casts to key_serial_t, uid_t, gid_t, key_perm_t and unsigned of keyctl's switch. */
static const uint32_t keyctl_second[] = {0, 0, 2, 17, 19, 22, 24, 24, 29, 30, 32, 32};
static const uint32_t keyctl_third[] = {0,  0,  4,  5,  8,  9,  13, 13, 15,
                                        15, 19, 19, 22, 22, 30, 30, 32, 32};
static const uint32_t keyctl_fourth[] = {4, 4, 13, 13, 19, 20, 30, 30, 32, 32};
static const uint32_t keyctl_fifth[] = {10, 10, 12, 12, 19, 20, 30, 30};
/* KCMP_FILE: get_file_raw_ptr(task, unsigned int idx); KCMP_EPOLL_TFD: the first one. */
static const uint32_t kcmp_first[] = {0, 0, 7, 7};
static const uint32_t kcmp_second[] = {0, 0};
/* SETVAL: int val = arg. (s390x takes the upper half.) */
static const uint32_t semctl_arg[] = {16, 16};
/* fs_name(unsigned int index). */
static const uint32_t sysfs_index[] = {2, 2};
/* ksys_ipc: numbers, flags and commands are int, sizes are not. */
static const uint32_t ipc_second[] = {1, 4, 13, 14, 21, 22, 24, 24};
static const uint32_t ipc_third[] = {2, 3, 11, 12, 23, 23};

#define COMMANDS(list) sizeof list / sizeof *list / 2, list

static const struct row {
  const char *calls; /* names, each with a blank after it */
  uint16_t archs;
  uint8_t args;
  struct wb_width width;
} rows[] = {
    /* fget(unsigned int fd); of prot and flags, bits up to 31 are looked at one by one */
    {"mmap ", ALL, THIRD | FOURTH | FIFTH, {32, ALWAYS, 0, NULL}},
    /* kernel_clone_args.flags = lower_32_bits(clone_flags) */
    {"clone ", ALL & ~S390X, FIRST, {32, ALWAYS, 0, NULL}},
    {"clone ", S390X, SECOND, {32, ALWAYS, 0, NULL}},
    /* fdget(unsigned int fd), import_iovec(unsigned nr_segs) */
    {"readv writev preadv pwritev preadv2 pwritev2 ", ALL, FIRST | THIRD, {32, ALWAYS, 0, NULL}},
    /* import_iovec again; the remote list's count is read whole */
    {"vmsplice process_madvise process_vm_readv process_vm_writev ",
     ALL,
     THIRD,
     {32, ALWAYS, 0, NULL}},
    /* kernel_mbind: int lmode = mode */
    {"mbind ", ALL, THIRD, {32, ALWAYS, 0, NULL}},
    /* path_mount looks at bits up to 31 one by one */
    {"mount ", ALL, FOURTH, {32, ALWAYS, 0, NULL}},
    /* find_get_task_by_vpid(pid_t) */
    {"ptrace ", ALL, SECOND, {32, ALWAYS, 0, NULL}},
    /* flags & MAP_NONBLOCK is all that is read */
    {"remap_file_pages ", ALL, FIFTH, {32, ALWAYS, 0, NULL}},
    /* ppc64le: ksys_personality(unsigned int) */
    {"personality ", ALL, FIRST, {32, ALWAYS, 0, NULL}},
    /* offset_high << 32 */
    {"_llseek ", ALL, SECOND, {32, ALWAYS, 0, NULL}},
    /* call & 0xffff; the version above it does not change which call is made. s390x refuses one. */
    {"ipc ", IPC16, FIRST, {16, ALWAYS, 0, NULL}},
    {"fcntl ", ALL, THIRD, {32, 1, COMMANDS(fcntl_int)}},
    {"prctl ", ALL, SECOND, {32, 0, COMMANDS(prctl_second)}},
    {"prctl ", ALL, THIRD, {32, 0, COMMANDS(prctl_third)}},
    {"prctl ", ALL, FOURTH, {32, 0, COMMANDS(prctl_fourth)}},
    {"keyctl ", ALL, SECOND, {32, 0, COMMANDS(keyctl_second)}},
    {"keyctl ", ALL, THIRD, {32, 0, COMMANDS(keyctl_third)}},
    {"keyctl ", ALL, FOURTH, {32, 0, COMMANDS(keyctl_fourth)}},
    {"keyctl ", ALL, FIFTH, {32, 0, COMMANDS(keyctl_fifth)}},
    {"kcmp ", ALL, FOURTH, {32, 2, COMMANDS(kcmp_first)}},
    {"kcmp ", ALL, FIFTH, {32, 2, COMMANDS(kcmp_second)}},
    {"semctl ", ALL & ~S390X, FOURTH, {32, 2, COMMANDS(semctl_arg)}},
    {"sysfs ", ALL, SECOND, {32, 0, COMMANDS(sysfs_index)}},
    {"ipc ", ALL, THIRD, {32, 0, COMMANDS(ipc_second)}},
    {"ipc ", ALL, FOURTH, {32, 0, COMMANDS(ipc_third)}},
};

/* Returns whether a name is one of the list. */
static int names(const char *calls, const char *name) {
  while (*calls != 0) {
    const char *rest = name;
    while (*rest != 0 && *rest == *calls)
      rest++, calls++;
    if (*rest == 0 && *calls == ' ')
      return 1;
    while (*calls++ != ' ')
      ;
  }
  return 0;
}

const struct wb_width *wb_narrow_width(int id, enum wb_arch arch, int arg, int by_command) {
  const char *name = wb_syscall_name(id);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct row *row = &rows[i];
    if ((row->args >> arg & 1) && (row->archs >> arch & 1) &&
        (row->width.selector != ALWAYS) == by_command && names(row->calls, name))
      return &row->width;
  }
  return NULL;
}
