/*
 * The policy core (wasm-core) compiled natively, for the engine that runs src/core/native.ts: the
 * functions of wasbox_core.h, with addresses that count from the start of its memory, as those of
 * the module do.
 *
 * It is as contained as the module: what reads a policy or a program runs in a process of its own,
 * the worker, which may do nothing but read a request, answer, and exit (seccomp), on a stack and
 * in memory of fixed size. That memory is shared with the engine, which looks nowhere else for
 * results. If the worker breaks off, the call is an exception and the next one gets a new worker.
 * Functions that only look a number or a name up in the tables run in the engine itself.
 *
 *     engine                               worker
 *       struct request ──────────────────▶   calls the function
 *       reads the result   ◀────────────── address of the result
 *       closes the socket  ──────────────▶ exits
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../wasm-core/src/core.h"
#include "engine.h"

/* Policies that are as entangled as the core's limits allow need less than half of it. */
#define MEMORY_SIZE ((uint32_t)512 << 20)
#define STACK_SIZE ((size_t)8 << 20) /* parentheses nest */
#define PAGE ((size_t)4096)

#if defined __x86_64__
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define OWN_ARCH AUDIT_ARCH_AARCH64
#endif

/* src/core/native.ts names them in this order. */
enum function {
  COMPILE,
  EXPLAIN,
  COMPARE,
  SIMULATE,
  DECODE,
  IMPORT,
  EXPORT,
  FIRST_OF_TABLES, /* from here on in the engine */
  ABI_VERSION = FIRST_OF_TABLES,
  ARCH_ENTRY,
  NAME_OF_CALL,
  NUMBER_OF_CALL,
  NUMBER_LIMIT,
  TABLES,
  ARGUMENT_OF_CALL,
  NAME_OF_SET,
  NAME_OF_CONSTANT,
  VALUE_OF_CONSTANT,
  NAME_OF_GROUP,
  NAME_OF_MEMBER,
  FUNCTIONS,
};

struct request {
  uint32_t function;
  uint32_t arguments[4];
  uint32_t used;              /* memory with the input in it */
  uint32_t files, file_count; /* for includes: address and size of a name, of a text, … */
};

struct answer {
  uint32_t value;
  uint32_t used; /* memory with the result in it */
};

static struct {
  unsigned char *memory; /* shared with the worker */
  uint32_t used;         /* as told: at most MEMORY_SIZE */
  pid_t pid;
  int socket;
} core = {.socket = -1};

/* --- the functions -------------------------------------------------------------------------------
 */

static const struct wb_request *request_at(uint32_t address) {
  return wb_at(address, sizeof(struct wb_request));
}

static uint32_t call(enum function function, const uint32_t *a) {
  switch (function) {
  case COMPILE:
    return wb_ref(wb_compile(request_at(a[0])));
  case EXPLAIN:
    return wb_ref(wb_explain(request_at(a[0])));
  case COMPARE:
    return wb_ref(wb_compare(request_at(a[0]), request_at(a[1])));
  case SIMULATE:
    return wb_ref(wb_simulate(wb_at(a[0], a[1]), a[1], a[2], wb_at(a[3], sizeof(struct wb_event))));
  case DECODE:
    return wb_ref(wb_decode(wb_at(a[0], a[1]), a[1], a[2]));
  case IMPORT:
    return wb_ref(wb_import(wb_at(a[0], sizeof(struct wb_import_request))));
  case EXPORT:
    return wb_ref(wb_export(request_at(a[0]), a[1]));
  case ABI_VERSION:
    return wb_abi_version();
  case ARCH_ENTRY:
    return wb_ref(wb_arch_entry(a[0]));
  case NAME_OF_CALL:
    return wb_ref(wb_name_of_call(a[0], a[1]));
  case NUMBER_OF_CALL:
    return (uint32_t)wb_number_of_call(a[0], wb_at(a[1], a[2]), a[2]);
  case NUMBER_LIMIT:
    return wb_number_limit(a[0]);
  case TABLES:
    return wb_ref(wb_tables());
  case ARGUMENT_OF_CALL:
    return wb_ref(wb_argument_of_call(a[0], a[1], a[2]));
  case NAME_OF_SET:
    return wb_ref(wb_name_of_set(a[0]));
  case NAME_OF_CONSTANT:
    return wb_ref(wb_name_of_constant(a[0], a[1]));
  case VALUE_OF_CONSTANT:
    return wb_ref(wb_value_of_constant(a[0], wb_at(a[1], a[2]), a[2]));
  case NAME_OF_GROUP:
    return wb_ref(wb_name_of_group(a[0]));
  case NAME_OF_MEMBER:
    return wb_ref(wb_name_of_member(a[0], a[1]));
  case FUNCTIONS:
    break;
  }
  __builtin_trap();
}

/* --- the worker ----------------------------------------------------------------------------------
 */

/* Nothing but read(2), write(2) and exit_group(2). -1 where the kernel does not take the filter. */
static int contain(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_read, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_write, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit_group, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  const struct rlimit none = {0, 0};
  /* No core dump, not even to a program that collects them. */
  if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

/* The functions of the core see the files as texts. */
static void use_files(const struct request *request) {
  const uint32_t *words = wb_at(request->files, (size_t)request->file_count * 4 * sizeof *words);
  struct wb_source *list = wb_alloc((request->file_count + 1) * sizeof *list);
  for (uint32_t i = 0; i < request->file_count; i++, words += 4)
    list[i] = (struct wb_source){wb_text_at(words[0], words[1]), wb_text_at(words[2], words[3])};
  wb_use_files(list, request->file_count);
}

struct beginning {
  int socket;
  pid_t engine;
};

static int work(void *given) {
  const struct beginning *from = given;
  leave_crashes(); /* the engine says how it ended */
  /* This process ends with its parent, also where it computes for long. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != from->engine)
    _exit(1);
  if (dup2(from->socket, 0) < 0 || syscall(SYS_close_range, 1u, ~0u, 0u) < 0 || contain() < 0)
    _exit(1);
  struct request request;
  while (read(0, &request, sizeof request) == sizeof request) {
    wb_arena_use(core.memory, MEMORY_SIZE, request.used);
    use_files(&request);
    const uint32_t value = call(request.function, request.arguments);
    const struct answer answer = {value, wb_arena_used()};
    if (write(0, &answer, sizeof answer) != sizeof answer)
      break;
  }
  _exit(0);
}

static void *map(size_t size, int flags) {
  void *memory =
      mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

/* 0, or -1 with errno. */
static int start_worker(void) {
  int ends[2];
  unsigned char *stack = map(STACK_SIZE + PAGE, MAP_PRIVATE | MAP_STACK);
  if (!stack)
    return -1;
  /* Messages, so that each is read whole. */
  int done = -1;
  if (mprotect(stack, PAGE, PROT_NONE) == 0 &&
      socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
    struct beginning from = {ends[1], getpid()};
    core.pid = clone(work, stack + STACK_SIZE + PAGE, SIGCHLD, &from);
    done = core.pid < 0 ? -1 : 0;
    close(ends[1]);
    if (done == 0)
      core.socket = ends[0];
    else
      close(ends[0]);
  }
  const int error = errno;
  munmap(stack, STACK_SIZE + PAGE);
  errno = error;
  return done;
}

/* The status of its end, or -1 where the caller's SIGCHLD is ignored. */
static int end_worker(void) {
  int status = -1;
  close(core.socket);
  core.socket = -1;
  kill(core.pid, SIGKILL);
  while (waitpid(core.pid, &status, 0) < 0)
    if (errno != EINTR) {
      status = -1;
      break;
    }
  return status;
}

void end_core(void) {
  if (core.socket >= 0)
    end_worker();
}

/* --- for TypeScript ------------------------------------------------------------------------------
 */

static JSValue broken(JSContext *context) {
  char byte;
  /* A worker that ended by itself has ended before it is killed. */
  while (recv(core.socket, &byte, 1, 0) < 0 && errno == EINTR)
    continue;
  const int status = end_worker();
  if (status >= 0 && WIFSIGNALED(status))
    return JS_ThrowInternalError(context, "the policy core was killed by signal %d",
                                 WTERMSIG(status));
  return JS_ThrowInternalError(context, "the policy core ended");
}

/* Throws an error for src/core/marshal.ts, which says what to do. */
static JSValue throw_errno(JSContext *context, int error) {
  JSValue thrown = JS_NewError(context);
  JS_SetPropertyStr(context, thrown, "code", JS_NewString(context, error_name(error)));
  return JS_Throw(context, thrown);
}

static JSValue core_reset(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  if (!core.memory && !(core.memory = map(MEMORY_SIZE, MAP_SHARED)))
    return throw_errno(context, errno);
  wb_arena_use(core.memory, MEMORY_SIZE, 0);
  core.used = wb_arena_used();
  return JS_UNDEFINED;
}

static int number(JSContext *context, JSValueConst value, uint32_t *out) {
  return JS_ToUint32(context, out, value);
}

/* put(BUFFER, FROM, SIZE): the address of a copy of these bytes. */
static JSValue core_put(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  size_t whole;
  uint32_t from, size;
  const uint8_t *bytes = JS_GetArrayBuffer(context, &whole, values[0]);
  if (!bytes || number(context, values[1], &from) < 0 || number(context, values[2], &size) < 0)
    return JS_EXCEPTION;
  if (from > whole || size > whole - from || !core.memory ||
      ((uint64_t)size + 15) / 16 * 16 > MEMORY_SIZE - core.used)
    return JS_ThrowRangeError(context, "too much for the policy core");
  const uint32_t at = core.used;
  memcpy(core.memory + at, bytes + from, size);
  core.used += (size + 15) & ~(uint32_t)15;
  return JS_NewUint32(context, at);
}

/* bytes(ADDRESS, SIZE): a copy. */
static JSValue core_bytes(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  uint32_t at, size;
  if (number(context, values[0], &at) < 0 || number(context, values[1], &size) < 0)
    return JS_EXCEPTION;
  if (!core.memory || at > MEMORY_SIZE || size > MEMORY_SIZE - at)
    return JS_ThrowRangeError(context, "outside of the policy core's memory");
  return JS_NewArrayBufferCopy(context, core.memory + at, size);
}

/* call(FUNCTION, FOUR ARGUMENTS, FILES, THEIR COUNT): what the function returns. */
static JSValue core_call(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  struct request request = {.used = core.used};
  struct answer answer;
  uint32_t *const words[] = {&request.function,     &request.arguments[0], &request.arguments[1],
                             &request.arguments[2], &request.arguments[3], &request.files,
                             &request.file_count};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (number(context, values[i], words[i]) < 0)
      return JS_EXCEPTION;
  if (!core.memory || request.function >= FUNCTIONS)
    return JS_ThrowRangeError(context, "no such function of the policy core");
  if (request.function >= FIRST_OF_TABLES) {
    wb_arena_use(core.memory, MEMORY_SIZE, core.used);
    const uint32_t value = call(request.function, request.arguments);
    core.used = wb_arena_used();
    return JS_NewUint32(context, value);
  }
  if (core.socket < 0 && start_worker() < 0)
    return JS_ThrowInternalError(context, "the policy core cannot be started: errno %d", errno);
  if (send(core.socket, &request, sizeof request, MSG_NOSIGNAL) != sizeof request)
    return broken(context);
  ssize_t got;
  while ((got = recv(core.socket, &answer, sizeof answer, 0)) < 0 && errno == EINTR)
    continue;
  if (got != sizeof answer || answer.used > MEMORY_SIZE)
    return broken(context);
  core.used = (answer.used + 15) & ~(uint32_t)15;
  return JS_NewUint32(context, answer.value);
}

static JSValue core_end(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)context, (void)self, (void)count, (void)values;
  end_core();
  return JS_UNDEFINED;
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("reset", 0, core_reset), JS_CFUNC_DEF("put", 3, core_put),
    JS_CFUNC_DEF("bytes", 2, core_bytes), JS_CFUNC_DEF("call", 7, core_call),
    JS_CFUNC_DEF("end", 0, core_end),
};

void add_core(JSContext *context, JSValueConst global) {
  JSValue object = JS_NewObject(context);
  JS_SetPropertyFunctionList(context, object, functions, sizeof functions / sizeof *functions);
  JS_SetPropertyStr(context, global, "policyCore", object);
}
