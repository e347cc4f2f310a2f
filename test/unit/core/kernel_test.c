/*
 * Pitfalls of system-call filters in the running kernel: policies are compiled, loaded in a child,
 * and real calls are made. What a call returned is in shared memory, since a policy may leave a
 * child nothing to speak with.
 */
#define _GNU_SOURCE
#include "harness.h"

#ifdef __x86_64__

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_RESULTS = 16 };

/* The results that the child saw: 0 or a value for success, -errno otherwise. */
static struct shared {
  bool loaded, finished;
  long results[MOST_RESULTS];
} *shared;

static long call(long nr, unsigned long a, unsigned long b, unsigned long c) {
  long result = syscall(nr, a, b, c);
  return result == -1 ? -errno : result;
}

static long by_int80(long nr, unsigned long a, unsigned long b) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(nr), "b"(a), "c"(b), "d"(0)
                   : "memory", "r8", "r9", "r10", "r11");
  return result;
}

static bool load_filter(const struct wb_program *program) {
  static struct sock_filter filter[WB_MAX_INSTRUCTIONS];
  for (uint32_t i = 0; i < program->count; i++) {
    const struct wb_insn_raw *raw = &program->insns[i];
    filter[i] = (struct sock_filter){raw->code, raw->jt, raw->jf, raw->k};
  }
  struct sock_fprog load = {(unsigned short)program->count, filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &load) == 0;
}

/* Runs `calls` in a child under a policy, or under none; returns how the child ended: 0, or the
 * signal that killed it. */
static int under(const char *policy, void (*calls)(void)) {
  memset(shared, 0, sizeof *shared);
  const struct wb_program *program = NULL;
  if (policy != NULL) {
    struct wb_compiled *c = compile_text(policy, 0);
    EXPECT(c->program != NULL, "not compiled:\n%.400s", policy);
    if (c->program == NULL)
      return -1;
    program = c->program;
  }
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    shared->loaded = program == NULL || load_filter(program);
    if (shared->loaded)
      calls();
    shared->finished = true;
    for (;;) /* a policy may refuse to let it exit */
      kill(getpid(), SIGKILL), __builtin_trap();
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT(shared->loaded, "not loaded:\n%.400s", policy == NULL ? "" : policy);
  wb_arena_reset();
  return shared->finished ? 0 : WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

#define RETURNED(index, want)                                                                      \
  EXPECT(shared->results[index] == (want), "call %d returned %ld, not %ld", index,                 \
         shared->results[index], (long)(want))

/* --- whose numbers
 * --------------------------------------------------------------------------------
 */

static void call_x32(void) {
  shared->results[0] = call(0x40000000 | SYS_getpid, 0, 0, 0);
}
static void call_i386(void) {
  shared->results[0] = by_int80(20, 0, 0);
}

static void x32_does_not_ride_on_x86_64_with_a_default_of_allow(void) {
  EXPECT(under("target x86_64\ndefault allow\nunknown allow\n", call_x32) == SIGSYS, "not killed");
  EXPECT(under(NULL, call_x32) == 0, "control: killed without a filter");
}

static void int80_does_not_ride_on_x86_64_with_a_default_of_allow(void) {
  int without = under(NULL, call_i386);
  int with = under("target x86_64\ndefault allow\nunknown allow\n", call_i386);
  /* A kernel without the emulation raises SIGSEGV before it comes to the filter. */
  EXPECT(with == (without == 0 ? SIGSYS : without), "ended with %d, without a filter %d", with,
         without);
}

static void call_multiplexer(void) {
  shared->results[0] = by_int80(102, 1, 0);  /* socketcall(SYS_SOCKET, NULL) */
  shared->results[1] = by_int80(102, 99, 0); /* no such call: EINVAL */
  shared->results[2] = by_int80(359, 0, 0);  /* socket */
  shared->results[3] = by_int80(117, 1, 0);  /* ipc(SEMOP) */
}

static void socketcall_and_ipc_of_i386_have_rules_of_their_own(void) {
  if (under(NULL, call_i386) != 0)
    return;
  int ended = under("target x86_64, i386\ndefault allow\nunknown allow\n"
                    "errno(1001) socketcall where call == 1\nerrno(1002) socket\nerrno(1003) ipc\n",
                    call_multiplexer);
  EXPECT(ended == 0, "ended with %d", ended);
  RETURNED(0, -1001);
  RETURNED(1, -EINVAL);
  RETURNED(2, -1002);
  RETURNED(3, -1003);
}

/* --- values --------------------------------------------------------------------------------------
 */

static void call_prctl_with_halves(void) {
  static const unsigned long values[] = {0x100000006, 0x200000000, 0x100000005,
                                         0x100000000, 0xffffffff,  4};
  for (int i = 0; i < 6; i++)
    shared->results[i] = call(SYS_prctl, 0x7ffffff0, values[i], 0);
}

static void comparisons_of_64_bits_in_halves_as_in_cve_2019_9893(void) {
  EXPECT(under("target x86_64\ndefault allow\nerrno(1001) prctl where arg2 > 0x100000005\n"
               "errno(1002) prctl where arg2 >= 5\n",
               call_prctl_with_halves) == 0,
         "died");
  RETURNED(0, -1001);
  RETURNED(1, -1001);
  RETURNED(2, -1002);
  RETURNED(3, -1002);
  RETURNED(4, -1002);
  RETURNED(5, -EINVAL);
}

static void call_ioctl_with_high_bits(void) {
  shared->results[0] = call(SYS_ioctl, ~0ul, TIOCSTI, 0);
  shared->results[1] = call(SYS_ioctl, ~0ul, TIOCSTI | 1ul << 40, 0);
  shared->results[2] = call(SYS_ioctl, ~0ul, TIOCGWINSZ, 0);
}

static void high_bits_do_not_hide_an_ioctl_request(void) {
  EXPECT(under("target x86_64\ndefault allow\nerrno(1001) ioctl where request == TIOCSTI\n",
               call_ioctl_with_high_bits) == 0,
         "died");
  RETURNED(0, -1001);
  RETURNED(1, -1001);
  RETURNED(2, -EBADF);
}

static void call_with_minus_one(void) {
  shared->results[0] = call(SYS_prctl, 0xffffffff, 0, 0);
  shared->results[1] = call(SYS_prctl, ~0ul, 0, 0);
  shared->results[2] = call(SYS_prctl, 0x80000000, 0, 0);
  shared->results[3] = call(SYS_prctl, 0x7ffffff0, 0, 0);
  shared->results[4] = call(SYS_lseek, 99, ~0ul, 0);
  shared->results[5] = call(SYS_lseek, 99, 0xffffffff, 0);
}

static void minus_one_of_an_int_and_of_a_long(void) {
  EXPECT(under("target x86_64\ndefault allow\nerrno(1001) prctl where option == -1\n"
               "errno(1002) prctl where option < 0\nerrno(1003) lseek where offset == -1\n",
               call_with_minus_one) == 0,
         "died");
  RETURNED(0, -1001);
  RETURNED(1, -1001);
  RETURNED(2, -1002);
  RETURNED(3, -EINVAL);
  RETURNED(4, -1003);
  RETURNED(5, -EBADF);
}

/* --- size ----------------------------------------------------------------------------------------
 */

static void call_ioctl_of_a_long_list(void) {
  shared->results[0] = call(SYS_ioctl, ~0ul, 0, 0);
  shared->results[1] = call(SYS_ioctl, ~0ul, 0, 7 * 300);
  shared->results[2] = call(SYS_ioctl, ~0ul, 0, 7 * 699);
  shared->results[3] = call(SYS_ioctl, ~0ul, 0, 7 * 300 + 1);
}

static void jumps_longer_than_255(void) {
  static char text[65536];
  size_t at = (size_t)snprintf(text, sizeof text, "target x86_64\ndefault allow\n");
  for (int i = 0; i < 700; i++)
    at += (size_t)snprintf(text + at, sizeof text - at, "errno(%d) ioctl where arg == %d\n",
                           1001 + i, i * 7);
  EXPECT(under(text, call_ioctl_of_a_long_list) == 0, "died");
  RETURNED(0, -1001);
  RETURNED(1, -1301);
  RETURNED(2, -1700);
  RETURNED(3, -EBADF);
}

static void write_list(char *text, size_t size, uint32_t rules) {
  size_t at = (size_t)snprintf(text, size, "target x86_64\ndefault allow\n");
  for (uint32_t i = 0; i < rules; i++)
    at += (size_t)snprintf(text + at, size - at, "errno(%u) ioctl where arg as u64 == %u\n", 1 + i,
                           i * 7);
}

/* The longest list of rules whose program has no more instructions than the kernel takes is
 * compiled, proved and loaded; whatever is longer is refused for its size, and for nothing else. */
static void as_many_instructions_as_the_kernel_takes(void) {
  static char text[262144];
  uint32_t rules = 3000, count = 0;
  while (rules > 1000 && count == 0) {
    write_list(text, sizeof text, rules);
    struct wb_compiled *c = compile_text(text, 0);
    if (c->program != NULL) {
      count = c->program->count;
    } else {
      EXPECT(c->cx.diags[0].code == WB_E_PROGRAM_SIZE, "%u rules: code %d", rules,
             (int)c->cx.diags[0].code);
      uint32_t size = c->cx.diags[0].number;
      rules =
          size > WB_MAX_INSTRUCTIONS + 100 ? rules * (WB_MAX_INSTRUCTIONS + 50) / size : rules - 2;
    }
    wb_arena_reset();
  }
  EXPECT(count > WB_MAX_INSTRUCTIONS - 64, "%u instructions for %u rules", count, rules);
  EXPECT(under(text, call_ioctl_of_a_long_list) == 0, "died");
  RETURNED(1, -301);
  RETURNED(3, -EBADF);
}

/* --- actions -------------------------------------------------------------------------------------
 */

static void note_trap(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  shared->results[1] = info->si_syscall;
}

static void call_getppid(void) {
  struct sigaction action = {.sa_sigaction = note_trap, .sa_flags = SA_SIGINFO};
  sigaction(SIGSYS, &action, NULL);
  shared->results[0] = call(SYS_getppid, 0, 0, 0);
}

static void every_action_does_what_it_says(void) {
  static const struct {
    const char *policy;
    int ended;
    long result, trapped;
  } cases[] = {
      {"target x86_64\ndefault allow\nerrno(4095) getppid\n", 0, -4095, 0},
      {"target x86_64\ndefault allow\nerrno(0) getppid\n", 0, 0, 0},
      {"target x86_64\ndefault allow\ntrace(7) getppid\n", 0, -ENOSYS, 0}, /* no tracer */
      {"target x86_64\ndefault allow\nnotify getppid\n", 0, -ENOSYS, 0},   /* no listener */
      {"target x86_64\ndefault allow\ntrap getppid\n", 0, SYS_getppid, SYS_getppid},
      {"target x86_64\ndefault allow\nkill_thread getppid\n", SIGSYS, 0, 0},
      {"target x86_64\ndefault allow\nkill getppid\n", SIGSYS, 0, 0},
      {"target x86_64\ndefault errno(1001)\nallow rt_sigaction getpid kill\n", 0, -1001, 0},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int ended = under(cases[i].policy, call_getppid);
    EXPECT(ended == cases[i].ended, "ended with %d under\n%s", ended, cases[i].policy);
    if (ended != 0)
      continue;
    RETURNED(0, cases[i].result);
    RETURNED(1, cases[i].trapped);
  }
  static const char *const letting[] = {"target x86_64\ndefault kill\nallow rt_sigaction getppid\n",
                                        "target x86_64\ndefault allow\nlog getppid\n"};
  for (uint32_t i = 0; i < 2; i++) {
    under(letting[i], call_getppid);
    RETURNED(0, getpid());
  }
}

static void call_unknown(void) {
  shared->results[0] = call(100000, 0, 0, 0);
  shared->results[1] = call(SYS_getppid, 0, 0, 0);
}

static void an_empty_policy_refuses_everything(void) {
  under("target x86_64\n", call_unknown);
  RETURNED(0, -ENOSYS);
  RETURNED(1, -EPERM);
}

static void numbers_newer_than_the_table_get_unknown(void) {
  under("target x86_64\ndefault allow\nunknown errno(1001)\n", call_unknown);
  RETURNED(0, -1001);
  RETURNED(1, getpid());
}

int main(void) {
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    return 1;
  TEST(x32_does_not_ride_on_x86_64_with_a_default_of_allow);
  TEST(int80_does_not_ride_on_x86_64_with_a_default_of_allow);
  TEST(socketcall_and_ipc_of_i386_have_rules_of_their_own);
  TEST(comparisons_of_64_bits_in_halves_as_in_cve_2019_9893);
  TEST(high_bits_do_not_hide_an_ioctl_request);
  TEST(minus_one_of_an_int_and_of_a_long);
  TEST(jumps_longer_than_255);
  TEST(as_many_instructions_as_the_kernel_takes);
  TEST(every_action_does_what_it_says);
  TEST(an_empty_policy_refuses_everything);
  TEST(numbers_newer_than_the_table_get_unknown);
  return report_and_exit("pitfalls in the kernel");
}

#else

int main(void) {
  printf("pitfalls in the kernel: not run, this machine is not x86_64\n");
  return 0;
}

#endif
