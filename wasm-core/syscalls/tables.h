/*
 * Syscall tables: numbers, names and typed arguments for every architecture, symbolic constants
 * and groups. Called by resolve, disasm, simulate, import. The data is generated (see gen/) from
 * the kernel's own headers; this interface hides how compactly it is stored.
 */
#ifndef WASBOX_SYSCALLS_TABLES_H
#define WASBOX_SYSCALLS_TABLES_H

#include <stddef.h>
#include <stdint.h>

enum wb_arch {
  WB_ARCH_X86_64,
  WB_ARCH_I386,
  WB_ARCH_X32,
  WB_ARCH_AARCH64,
  WB_ARCH_ARM,
  WB_ARCH_RISCV64,
  WB_ARCH_PPC64LE,
  WB_ARCH_S390X,
  WB_ARCH_MIPS64EL,
  WB_ARCH_LOONGARCH64,
  WB_ARCH_COUNT
};

struct wb_arch_info {
  const char *name; /* as written in a policy: "x86_64" */
  uint32_t audit;   /* AUDIT_ARCH_*; x32 has x86_64's */
  uint32_t nr_base; /* added to each number: 0x40000000 for x32, 0 elsewhere */
  uint8_t bits;     /* width of a long and of a pointer: 32 or 64 */
  uint8_t big_endian;
};

/* How an argument is compared. POINTER cannot be inspected. */
enum wb_arg_class {
  WB_ARG_INT,
  WB_ARG_UINT,
  WB_ARG_LONG,
  WB_ARG_ULONG,
  WB_ARG_S64,
  WB_ARG_U64,
  WB_ARG_POINTER
};

struct wb_arg {
  const char *name; /* kernel's parameter name: "domain" */
  enum wb_arg_class type;
  int constants;     /* id of the set of symbolic constants that belong here, or -1 */
  const char *alias; /* another name that is accepted (the kernel's own: "family"), or NULL */
  int bits; /* low bits that the kernel reads: 16 (umode_t …), 32 or 64. Higher ones are ignored */
};

const struct wb_arch_info *wb_arch_info(enum wb_arch arch);
/* -1 where there is no such architecture. Names are not NUL-terminated here and below. */
int wb_arch_by_name(const char *name, size_t len);

/* The call's id, common to all architectures, or -1. Ids run from 0 to wb_syscall_count() - 1. */
int wb_syscall_by_name(const char *name, size_t len);
int wb_syscall_count(void);
const char *wb_syscall_name(int id);
/* Number on an architecture without nr_base, or -1 where the architecture lacks the call. The
 * numbers of mips64el (n64) start at 5000, and ARM's private calls at 0xf0001, as seccomp sees
 * them; x32 has its own calls from 512 to 547. */
int wb_syscall_number(int id, enum wb_arch arch);
int wb_syscall_by_number(enum wb_arch arch, uint32_t number);
/* First number that is newer than the table on this architecture (without nr_base). x32's own
 * calls and ARM's private ones are above it, and are known all the same. */
uint32_t wb_syscall_limit(enum wb_arch arch);
/* Kernel version that introduced it as major << 8 | minor, or 0 where it always was there. */
int wb_syscall_since(int id);
/* Arguments on this architecture: 0 to 6. `out` has room for 6. A 64-bit value that takes two
 * registers of a 32-bit architecture is two arguments. On x32 a `long` of a call without an entry
 * of its own is S64 or U64, since the kernel reads the whole register. */
int wb_syscall_args(int id, enum wb_arch arch, struct wb_arg out[6]);
/* Low bits that the kernel reads of an argument which is wider in its prototype: always, or for
 * some commands in another argument of the call. */
struct wb_width {
  uint8_t bits;
  int8_t selector; /* the argument with the command, -1: always */
  uint8_t count;
  const uint32_t *commands; /* `count` ranges: first and last */
};
/* NULL where the argument is read as its prototype says. wb_syscall_args knows those of all calls
 * already; with `by_command`, that for commands. */
const struct wb_width *wb_narrow_width(int id, enum wb_arch arch, int arg, int by_command);
/* Position of the argument with this name or alias, or -1. */
int wb_arg_by_name(int id, enum wb_arch arch, const char *name, size_t len);
/* How often programs make this call, in calls of a million of a measured mix (weights.txt), for
 * ordering a filter by heat. At least 1. */
uint32_t wb_syscall_weight(int id);

/* Value of a symbolic constant. Returns 0, or -1 where the name is unknown on this architecture.
 * `set` narrows the search to one argument's constants and may be -1 for all. */
int wb_constant(enum wb_arch arch, int set, const char *name, size_t len, uint64_t *value);
/* The set with this name ("errno", "signal", "domain", "ioctl" …), or -1. */
int wb_constant_set(const char *name, size_t len);
const char *wb_constant_set_name(int set);
/* A constant of the set with exactly this value on the architecture, for disassembly and export, or
 * NULL. */
const char *wb_constant_by_value(enum wb_arch arch, int set, uint64_t value);
/* The constants of a set, for completion and suggestions; NULL past the end. */
const char *wb_constant_name(int set, int index);

/* Groups: "@file" without the "@". Members are syscall ids or further groups (flattened here). */
int wb_group_count(void);
const char *wb_group_name(int group);
int wb_group_by_name(const char *name, size_t len);
/* Writes up to `max` member ids, ascending; returns how many there are. */
int wb_group_members(int group, int *out, int max);

/* Version of the kernel headers that the tables come from: "6.12.118". */
const char *wb_tables_version(void);

#endif
