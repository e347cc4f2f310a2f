/*
 * The pitfalls that other filter compilers fell into, each by its name. kernel_test.c has those
 * that the running kernel can be asked about.
 */
#include "harness.h"

enum {
  X86_64 = 1 << WB_ARCH_X86_64,
  AARCH64 = 1 << WB_ARCH_AARCH64,
  S390X = 1 << WB_ARCH_S390X,
  I386 = 1 << WB_ARCH_I386,
  X32 = 1 << WB_ARCH_X32
};
enum { AUDIT_X86_64 = (int)0xc000003e, AUDIT_I386 = 0x40000003, AUDIT_S390X = (int)0x80000016 };

static struct wb_compiled *compiled(const char *text, uint32_t targets) {
  struct wb_compiled *c = compile_text(text, targets);
  EXPECT(c->program != NULL, "does not compile (code %d): %s",
         c->cx.diag_count > 0 ? (int)c->cx.diags[0].code : -1, text);
  return c;
}

static uint32_t decide(const struct wb_compiled *c, enum wb_arch arch, const char *call,
                       uint64_t first, uint64_t second) {
  const struct wb_arch_info *info = wb_arch_info(arch);
  int id = wb_syscall_by_name(call, strlen(call));
  struct wb_data data = {.nr = (uint32_t)wb_syscall_number(id, arch) + info->nr_base,
                         .arch = info->audit,
                         .args = {first, second}};
  return c->program == NULL ? 0xdeadbeef : run_program(c, &data);
}

#define DECIDES(c, arch, call, first, second, want)                                                \
  EXPECT(decide(c, arch, call, first, second) == (want), "%s(%#llx, %#llx): %#x, not %#x", call,   \
         (unsigned long long)(first), (unsigned long long)(second),                                \
         decide(c, arch, call, first, second), (uint32_t)(want))

static void comparisons_of_64_bits_in_halves_as_in_cve_2019_9893(void) {
  struct wb_compiled *c = compiled("allow prctl where arg2 > 0x100000005\n"
                                   "errno(7) prctl where arg2 >= 5\n",
                                   X86_64);
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 0x100000006, RET_ALLOW);
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 0x200000000, RET_ALLOW);
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 0x100000005, RET_ERRNO(7));
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 0x100000000, RET_ERRNO(7));
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 0x0ffffffff, RET_ERRNO(7));
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 4, RET_ERRNO(1));
}

static void merged_ranges_on_one_argument(void) {
  struct wb_compiled *c =
      compiled("allow prctl where arg2 in [1..5, 3..9, 0x700000000..0x7ffffffff]\n"
               "errno(7) prctl where arg2 in 4..12\n",
               X86_64);
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 9, RET_ALLOW);
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 10, RET_ERRNO(7));
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 13, RET_ERRNO(1));
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 0x700000004, RET_ALLOW);
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 0x800000004, RET_ERRNO(1));
}

static void an_accumulator_reused_across_a_join_after_its_load_went(void) {
  struct wb_compiled *c = compiled("allow prctl where arg2 == 1 and arg3 == 2\n"
                                   "errno(7) prctl where arg4 == 3\n"
                                   "allow prctl where arg2 == 3 and arg4 == 1\n",
                                   X86_64);
  int id = wb_syscall_by_name("prctl", 5);
  for (uint64_t a = 0; a < 4; a++)
    for (uint64_t b = 0; b < 4; b++)
      for (uint64_t d = 0; d < 4; d++) {
        struct wb_data data = {.nr = (uint32_t)wb_syscall_number(id, WB_ARCH_X86_64),
                               .arch = (uint32_t)AUDIT_X86_64,
                               .args = {0, a, b, d}};
        uint32_t want = a == 1 && b == 2   ? RET_ALLOW
                        : d == 3           ? RET_ERRNO(7)
                        : a == 3 && d == 1 ? RET_ALLOW
                                           : RET_ERRNO(1);
        EXPECT(run_program(c, &data) == want, "prctl(0, %d, %d, %d)", (int)a, (int)b, (int)d);
      }
}

static void a_32_bit_argument_compares_its_low_half_only(void) {
  struct wb_compiled *c = compiled("deny ioctl where request == 0x5412\nallow ioctl\n"
                                   "deny socket where domain == 40\nallow socket\n",
                                   X86_64);
  DECIDES(c, WB_ARCH_X86_64, "ioctl", 0, 0x5412, RET_ERRNO(1));
  DECIDES(c, WB_ARCH_X86_64, "ioctl", 0, 0x100005412, RET_ERRNO(1));
  DECIDES(c, WB_ARCH_X86_64, "socket", 40 | (uint64_t)1 << 40, 0, RET_ERRNO(1));
}

static void a_64_bit_argument_compares_both_halves(void) {
  struct wb_compiled *c = compiled("allow prctl where arg2 == 5\n", X86_64);
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 5, RET_ALLOW);
  DECIDES(c, WB_ARCH_X86_64, "prctl", 0, 0x100000005, RET_ERRNO(1));
}

static void sign_extension_of_minus_one_in_32_and_64_bits(void) {
  struct wb_compiled *c =
      compiled("allow kill where pid == -1\nerrno(7) kill where pid < 0\n", X86_64);
  DECIDES(c, WB_ARCH_X86_64, "kill", 0xffffffff, 0, RET_ALLOW);
  DECIDES(c, WB_ARCH_X86_64, "kill", UINT64_MAX, 0, RET_ALLOW);
  DECIDES(c, WB_ARCH_X86_64, "kill", 0x80000000, 0, RET_ERRNO(7));
  DECIDES(c, WB_ARCH_X86_64, "kill", 0x7fffffff, 0, RET_ERRNO(1));
  c = compiled("allow lseek where arg1 == -1\nerrno(7) lseek where arg1 < 0\n", X86_64);
  DECIDES(c, WB_ARCH_X86_64, "lseek", 0, UINT64_MAX, RET_ALLOW);
  DECIDES(c, WB_ARCH_X86_64, "lseek", 0, 0xffffffff, RET_ERRNO(1));
  DECIDES(c, WB_ARCH_X86_64, "lseek", 0, (uint64_t)1 << 63, RET_ERRNO(7));
}

static void big_endian_halves_on_s390x(void) {
  struct wb_compiled *c = compiled("allow prctl where arg2 == 0x100000002\n", S390X);
  DECIDES(c, WB_ARCH_S390X, "prctl", 0, 0x100000002, RET_ALLOW);
  DECIDES(c, WB_ARCH_S390X, "prctl", 0, 0x200000001, RET_ERRNO(1));
  EXPECT(c->policy != NULL && c->policy->big_endian, "s390x is big-endian");
  EXPECT(says("target x86_64, s390x\nallow read", 0, WB_E_ENDIAN), "mixed byte orders");
}

static void x32_with_a_default_of_allow(void) {
  struct wb_compiled *c = compiled("default allow\nunknown allow\ndeny ptrace\n", X86_64);
  struct wb_data data = {.nr = 0x40000000 | 101, .arch = (uint32_t)AUDIT_X86_64};
  EXPECT(run_program(c, &data) == RET_KILL, "x32 rides on x86_64");
  data.nr = 0x40000000;
  EXPECT(run_program(c, &data) == RET_KILL, "x32 rides on x86_64");
  data.nr = 0x3fffffff;
  EXPECT(run_program(c, &data) == RET_ALLOW, "unknown numbers of x86_64");
  c = compiled("default allow\ndeny ptrace\n", X86_64 | X32);
  DECIDES(c, WB_ARCH_X32, "ptrace", 0, 0, RET_ERRNO(1));
  DECIDES(c, WB_ARCH_X32, "read", 0, 0, RET_ALLOW);
  c = compiled("default allow\n", X32);
  data.nr = 0;
  EXPECT(run_program(c, &data) == RET_KILL, "x86_64 rides on x32");
}

static void foreign_architectures_are_killed(void) {
  struct wb_compiled *c = compiled("default allow\nunknown allow\n", X86_64);
  struct wb_data data = {.nr = 1, .arch = AUDIT_I386};
  EXPECT(run_program(c, &data) == RET_KILL, "i386 rides on x86_64");
}

static void several_targets_in_one_filter(void) {
  struct wb_compiled *c =
      compiled("allow read\nkill getpid\nallow clone on i386\n", X86_64 | I386 | AARCH64);
  DECIDES(c, WB_ARCH_X86_64, "read", 0, 0, RET_ALLOW);
  DECIDES(c, WB_ARCH_I386, "read", 0, 0, RET_ALLOW);
  DECIDES(c, WB_ARCH_AARCH64, "getpid", 0, 0, RET_KILL);
  DECIDES(c, WB_ARCH_I386, "clone", 0, 0, RET_ALLOW);
  DECIDES(c, WB_ARCH_AARCH64, "clone", 0, 0, RET_ERRNO(1));
}

static void multiplexers_socketcall_and_ipc_on_i386(void) {
  const char *text = "allow socketcall\nallow socket where domain == AF_UNIX\n";
  EXPECT(says(text, I386, WB_W_MULTIPLEXER), "socketcall passes by the rule on socket");
  EXPECT(!says(text, X86_64, WB_W_MULTIPLEXER), "x86_64 has no socketcall");
  EXPECT(says("allow ipc\ndeny semget where key == 1\nallow semget\n", I386, WB_W_MULTIPLEXER),
         "ipc passes by the rule on semget");
}

static void a_rule_equal_to_the_default_survives_a_merge(void) {
  struct wb_compiled *c = compiled("default errno(EPERM)\ndeny ioctl where request == 5\n"
                                   "allow ioctl where request in 3..8\n",
                                   X86_64);
  DECIDES(c, WB_ARCH_X86_64, "ioctl", 0, 4, RET_ALLOW);
  DECIDES(c, WB_ARCH_X86_64, "ioctl", 0, 5, RET_ERRNO(1));
}

static void an_empty_policy_refuses_and_warns(void) {
  struct wb_compiled *c = compiled("", X86_64);
  DECIDES(c, WB_ARCH_X86_64, "read", 0, 0, RET_ERRNO(1));
  struct wb_data data = {.nr = 5000, .arch = (uint32_t)AUDIT_X86_64};
  EXPECT(run_program(c, &data) == RET_ERRNO(ENOSYS), "unknown numbers");
  EXPECT(says("", X86_64, WB_W_EMPTY), "an empty policy is worth a warning");
}

static void action_precedence_is_the_first_match(void) {
  struct wb_compiled *c = compiled("allow getpid\nkill getpid\nkill @process\n", X86_64);
  DECIDES(c, WB_ARCH_X86_64, "getpid", 0, 0, RET_ALLOW);
  DECIDES(c, WB_ARCH_X86_64, "fork", 0, 0, RET_KILL);
  EXPECT(says("allow getpid\nkill getpid\n", X86_64, WB_W_SHADOWED), "a dead rule");
  EXPECT(says("allow ioctl where request in 1..9\nkill ioctl where request == 4\n", X86_64,
              WB_W_SHADOWED),
         "a rule that another one covers");
  EXPECT(says("allow getpid\nkill getpid getppid\n", X86_64, WB_W_SHADOWED), "a dead name");
}

static void an_errno_above_4095_is_an_error(void) {
  struct wb_compiled *c = compiled("errno(4095) getpid\ntrace(65535) getppid\n", X86_64);
  DECIDES(c, WB_ARCH_X86_64, "getpid", 0, 0, RET_ERRNO(4095));
  DECIDES(c, WB_ARCH_X86_64, "getppid", 0, 0, 0x7ff0ffff);
  EXPECT(says("errno(4096) getpid\n", X86_64, WB_E_ERRNO_RANGE), "errno above 4095");
  EXPECT(says("trace(65536) getpid\n", X86_64, WB_E_TRACE_RANGE), "trace above 65535");
}

static void jumps_longer_than_255(void) {
  static char text[65536];
  size_t at = 0;
  for (int i = 0; i < 600; i++)
    at += (size_t)snprintf(text + at, sizeof text - at, "errno(%d) ioctl where arg == %d\n", i + 2,
                           i * 7);
  struct wb_compiled *c = compiled(text, X86_64);
  EXPECT(c->program != NULL && c->program->count > 1000, "a long program");
  for (int i = 0; i < 600; i += 37) {
    int id = wb_syscall_by_name("ioctl", 5);
    struct wb_data data = {.nr = (uint32_t)wb_syscall_number(id, WB_ARCH_X86_64),
                           .arch = (uint32_t)AUDIT_X86_64,
                           .args = {0, 0, (uint64_t)i * 7}};
    EXPECT(run_program(c, &data) == RET_ERRNO((uint32_t)i + 2), "rule %d", i);
  }
}

static void a_clean_error_above_4096_instructions(void) {
  static char text[262144];
  size_t at = 0;
  for (int i = 0; i < 3000; i++)
    at += (size_t)snprintf(text + at, sizeof text - at, "errno(%d) ioctl where arg == %d\n", i + 2,
                           i * 7);
  snprintf(text + at, sizeof text - at, "allow prctl where arg2 in [1, 3, 5, 7]\n");
  struct wb_compiled *c = compile_text(text, X86_64);
  EXPECT(c->program == NULL && c->cx.diags[0].code == WB_E_PROGRAM_SIZE &&
             c->cx.diags[0].number > 4096,
         "too long a program is an error");
  EXPECT(says(text, X86_64, WB_E_RULE_COST), "the costly rules are named");
}

static void pointers_cannot_be_inspected(void) {
  EXPECT(says("deny clone3 where flags & 5\n", X86_64, WB_E_POINTER),
         "clone3 keeps its flags in memory");
  EXPECT(says("allow openat where filename == 5\n", X86_64, WB_W_POINTER) ||
             says("allow openat where arg1 == 5\n", X86_64, WB_W_POINTER),
         "a pointer compared with a number");
  EXPECT(!says("allow openat where arg1 == NULL\n", X86_64, WB_W_POINTER), "NULL is worth a test");
}

static void user_notification_is_no_boundary_by_itself(void) {
  EXPECT(says("notify connect\n", X86_64, WB_W_NOTIFY), "notify is not a boundary");
  EXPECT(!says("deny connect\n", X86_64, WB_W_NOTIFY), "a refusal is one");
  EXPECT(says("kernel >= 4.4\nnotify connect\n", X86_64, WB_W_ACTION_KERNEL), "notify needs 5.0");
}

static void tioclinux_is_forgotten_beside_tiocsti(void) {
  EXPECT(says("deny ioctl where request == TIOCSTI\nallow ioctl\n", X86_64, WB_W_SIBLING),
         "TIOCLINUX beside TIOCSTI");
  EXPECT(!says("deny ioctl where request in [TIOCSTI, TIOCLINUX]\nallow ioctl\n", X86_64,
               WB_W_SIBLING),
         "both refused");
}

static void io_uring_passes_by_every_filter(void) {
  EXPECT(says("allow io_uring_setup io_uring_enter io_uring_register\n", X86_64, WB_W_IO_URING),
         "io_uring");
  EXPECT(!says("default allow\ndeny io_uring_setup io_uring_enter io_uring_register\n", X86_64,
               WB_W_IO_URING),
         "refused");
}

static void ptrace_of_old_kernels_changes_calls_after_the_filter(void) {
  EXPECT(says("kernel >= 4.4\nallow ptrace\n", X86_64, WB_W_PTRACE), "old kernels' ptrace");
  EXPECT(!says("kernel >= 4.8\nallow ptrace\n", X86_64, WB_W_PTRACE), "newer kernels' ptrace");
}

static void clone3_makes_what_a_rule_on_clone_refuses(void) {
  EXPECT(says("allow clone3\ndeny clone where flags & CLONE_NEWUSER\nallow clone\n", X86_64,
              WB_W_CLONE3),
         "clone3");
}

static void names_unknown_to_the_table(void) {
  EXPECT(says("allow raed\n", X86_64, WB_E_SYSCALL), "no such call anywhere");
  EXPECT(compile_text("allow raed\n", X86_64)->program == NULL, "no program of half a policy");
  EXPECT(says("target aarch64\nallow fork\n", 0, WB_W_NO_TARGET), "not on this target");
  struct wb_compiled *c = compiled("default kill\nallow fork getppid\n", AARCH64);
  DECIDES(c, WB_ARCH_AARCH64, "getppid", 0, 0, RET_ALLOW);
}

static void what_no_filter_can_enforce_or_meet(void) {
  EXPECT(says("deny uretprobe\n", X86_64, WB_W_UNENFORCEABLE), "uretprobe ignores filters");
  EXPECT(says("allow kill where pid & 4 == 3\n", X86_64, WB_W_NEVER), "bits outside the mask");
}

/* The value that a rule refuses, with bits set that the kernel does not read. */
static void refuses_with_high_bits(const char *text, uint32_t target, const char *call,
                                   const uint64_t args[6], int arg, int bits) {
  struct wb_compiled *c = compiled(text, target);
  enum wb_arch arch = (enum wb_arch)__builtin_ctz(target);
  int id = wb_syscall_by_name(call, strlen(call));
  struct wb_data data = {.nr = (uint32_t)wb_syscall_number(id, arch),
                         .arch = wb_arch_info(arch)->audit};
  memcpy(data.args, args, sizeof data.args);
  EXPECT(run_program(c, &data) == RET_ERRNO(1), "not refused: %s", text);
  data.args[arg] += (uint64_t)1 << bits;
  EXPECT(run_program(c, &data) == RET_ERRNO(1), "passed by bit %d: %s", bits, text);
  data.args[arg] ^= 8;
  EXPECT(run_program(c, &data) == RET_ALLOW, "refuses another value, too: %s", text);
}

static void bits_that_the_kernel_does_not_read_pass_no_rule(void) {
  static const struct {
    const char *rule;
    uint32_t target;
    const char *call;
    uint64_t args[6];
    int arg, bits;
  } cases[] = {
      {"deny mmap where fd == 3", X86_64, "mmap", {0, 0, 0, 0, 3}, 4, 32},
      {"deny mmap where prot == 7", X86_64, "mmap", {0, 0, 7}, 2, 32},
      {"deny clone where flags == 0x10000011", X86_64, "clone", {0x10000011}, 0, 32},
      {"deny clone where flags == 0x10000011", S390X, "clone", {0, 0x10000011}, 1, 32},
      {"deny ipc where call == 23", I386, "ipc", {23}, 0, 16},
      {"deny fcntl where arg == 100", X86_64, "fcntl", {0, 0, 100}, 2, 32},
      {"deny fcntl where cmd == F_DUPFD and arg == 100", X86_64, "fcntl", {0, 0, 100}, 2, 32},
      {"deny fcntl where arg in [7, 100]", X86_64, "fcntl", {0, 1030, 100}, 2, 32},
      {"deny personality where persona == 4", 1 << WB_ARCH_PPC64LE, "personality", {4}, 0, 32},
      {"deny ptrace where pid == 7", X86_64, "ptrace", {0, 7}, 1, 32},
      {"deny readv where fd == 3", X86_64, "readv", {3}, 0, 32},
      {"deny prctl where option == PR_SET_TSC and arg2 == 1", X86_64, "prctl", {26, 1}, 1, 32},
      {"deny keyctl where arg2 == 5 and arg3 == 7", X86_64, "keyctl", {8, 5, 7}, 2, 32},
      {"deny semctl where arg == 3", X86_64, "semctl", {0, 0, 16, 3}, 3, 32},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[256];
    snprintf(text, sizeof text, "default allow\nunknown allow\n%s\n", cases[i].rule);
    refuses_with_high_bits(text, cases[i].target, cases[i].call, cases[i].args, cases[i].arg,
                           cases[i].bits);
  }
  /* A value keeps its narrow meaning within a range that has none. */
  struct wb_compiled *listed = compiled(
      "allow prctl where arg2 not in [0x1d16bc8d1..0xffffffffffffffff, 0xffffffff80000000]\n",
      X86_64);
  DECIDES(listed, WB_ARCH_X86_64, "prctl", 26, 0x80000000, RET_ERRNO(1));
  DECIDES(listed, WB_ARCH_X86_64, "prctl", 26, 0x80000001, RET_ALLOW);
  DECIDES(listed, WB_ARCH_X86_64, "prctl", 1, 0x80000000, RET_ALLOW);
  DECIDES(listed, WB_ARCH_X86_64, "prctl", 1, 0xffffffff80000000, RET_ERRNO(1));
  /* An argument that the kernel reads whole stays whole; a cast decides by itself. */
  const char *text = "default allow\ndeny fcntl where arg == 100\ndeny lseek where offset == 5\n"
                     "deny prctl where option == PR_SET_PDEATHSIG and arg2 == 9\n"
                     "deny fcntl where arg as u64 == 50\n";
  struct wb_compiled *c = compiled(text, X86_64);
  DECIDES(c, WB_ARCH_X86_64, "lseek", 0, 0x100000005, RET_ALLOW);
  DECIDES(c, WB_ARCH_X86_64, "prctl", 1, 9, RET_ERRNO(1));
  DECIDES(c, WB_ARCH_X86_64, "prctl", 1, 0x100000009, RET_ALLOW);
  struct wb_data data = {.nr = 72, .arch = (uint32_t)AUDIT_X86_64, .args = {0, 5, 0x100000064}};
  EXPECT(run_program(c, &data) == RET_ALLOW, "a pointer of F_GETLK is cut to 32 bits");
  data.args[1] = 0, data.args[2] = 0x100000032;
  EXPECT(run_program(c, &data) == RET_ALLOW, "as u64 compares 64 bits");
}

static void refusing_a_wide_value_warns(void) {
  EXPECT(says("default allow\ndeny fcntl where arg == 100\n", X86_64, WB_W_WIDE), "fcntl");
  EXPECT(says("default allow\ndeny ioctl where arg in [1, 2]\n", X86_64, WB_W_WIDE), "ioctl");
  EXPECT(says("allow ioctl where arg != 1\n", X86_64, WB_W_WIDE), "allowing all but one");
  EXPECT(
      !says("default allow\ndeny fcntl where cmd == F_DUPFD and arg == 100\n", X86_64, WB_W_WIDE),
      "the command says that it is 32 bits");
  EXPECT(!says("default allow\ndeny fcntl where arg as u32 == 100\n", X86_64, WB_W_WIDE), "a cast");
  EXPECT(!says("default allow\ndeny mmap where fd == 3\n", X86_64, WB_W_WIDE), "32 bits");
  EXPECT(!says("deny ioctl where arg == 1\n", X86_64, WB_W_WIDE), "the default refuses the rest");
  EXPECT(says("deny ioctl where arg == 1\nallow ioctl\n", X86_64, WB_W_WIDE), "a rule allows it");
  EXPECT(!says("allow ioctl where arg == 1\n", X86_64, WB_W_WIDE), "allowing one value");
}

int main(void) {
  TEST(comparisons_of_64_bits_in_halves_as_in_cve_2019_9893);
  TEST(merged_ranges_on_one_argument);
  TEST(an_accumulator_reused_across_a_join_after_its_load_went);
  TEST(a_32_bit_argument_compares_its_low_half_only);
  TEST(a_64_bit_argument_compares_both_halves);
  TEST(sign_extension_of_minus_one_in_32_and_64_bits);
  TEST(big_endian_halves_on_s390x);
  TEST(x32_with_a_default_of_allow);
  TEST(foreign_architectures_are_killed);
  TEST(several_targets_in_one_filter);
  TEST(multiplexers_socketcall_and_ipc_on_i386);
  TEST(a_rule_equal_to_the_default_survives_a_merge);
  TEST(an_empty_policy_refuses_and_warns);
  TEST(action_precedence_is_the_first_match);
  TEST(an_errno_above_4095_is_an_error);
  TEST(jumps_longer_than_255);
  TEST(a_clean_error_above_4096_instructions);
  TEST(pointers_cannot_be_inspected);
  TEST(user_notification_is_no_boundary_by_itself);
  TEST(tioclinux_is_forgotten_beside_tiocsti);
  TEST(io_uring_passes_by_every_filter);
  TEST(ptrace_of_old_kernels_changes_calls_after_the_filter);
  TEST(clone3_makes_what_a_rule_on_clone_refuses);
  TEST(names_unknown_to_the_table);
  TEST(what_no_filter_can_enforce_or_meet);
  TEST(bits_that_the_kernel_does_not_read_pass_no_rule);
  TEST(refusing_a_wide_value_warns);
  return report_and_exit("pitfalls");
}
