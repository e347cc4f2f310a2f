/*
 * `wasbox-engine`: the TypeScript command line in QuickJS, executed by the native command for a
 * start that it has no entry for. It decides what the sandbox is and executes the native command
 * again, with the entry in a file without a name; what it leaves to Node, the native command
 * executes.
 *
 * WASBOX_FASTPATH is the conversation: the cache key comes in, `entry:FD`, `once:FD` (not to be
 * saved) or `node:` goes out. With `explain:KEY` the entry, or why there is none, is written to
 * stdout, and the exit status is 0, 2 for an entry that must not be saved, or 1.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "engine.h"

#define VARIABLE "WASBOX_FASTPATH"
#define EXPLAIN "explain:"
#define MEMORY_MAX ((size_t)256 << 20)
#define STACK_MAX ((size_t)4 << 20)

/* QuickJS seeds Math.random with the time, which the image must not hold: two builds give the same
 * bytes. */
static int time_stands_still;
int __real_gettimeofday(struct timeval *now, void *zone);
int __wrap_gettimeofday(struct timeval *now, void *zone);
int __wrap_gettimeofday(struct timeval *now, void *zone) {
  if (!time_stands_still)
    return __real_gettimeofday(now, zone);
  *now = (struct timeval){.tv_sec = 1};
  return 0;
}

extern const uint8_t bytecode[];
extern const uint32_t bytecode_size;

static _Noreturn void give_up(const char *what) {
  fprintf(stderr, "wasbox: %s\n", what);
  _exit(125);
}

/* The native command, beside this file. */
static _Noreturn void execute(char **argv, const char *value) {
  char path[PATH_LIMIT];
  ssize_t size = readlink("/proc/self/exe", path, sizeof path - sizeof "wasbox");
  char *name = NULL;
  if (size > 0) {
    path[size] = 0;
    name = strrchr(path, '/');
  }
  if (!name || setenv(VARIABLE, value, 1) < 0)
    give_up("out of memory");
  strcpy(name + 1, "wasbox");
  end_core();
  execv(path, argv);
  give_up("the installation is incomplete: its native command cannot be executed");
}

/* No longer than what came in: all of it together may be as long as the kernel takes. */
static _Noreturn void leave_to_node(char **argv) {
  execute(argv, "node:");
}

static int write_all(int fd, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, bytes, size);
    if (n < 0 && errno != EINTR)
      return -1;
    if (n > 0)
      bytes += n, size -= (size_t)n;
  }
  return 0;
}

/* In a file that cannot change any more, by which the native command knows it. A limit of the
 * caller's for files is one for this, too. */
static _Noreturn void hand_over(char **argv, const uint8_t *bytes, size_t size, int lasting) {
  char value[32];
  void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
  int fd = memfd_create("wasbox-entry", MFD_ALLOW_SEALING);
  int whole = fd >= 0 && write_all(fd, bytes, size) == 0 &&
              fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0;
  signal(SIGXFSZ, before);
  if (!whole) {
    close(fd);
    leave_to_node(argv);
  }
  snprintf(value, sizeof value, "%s:%d", lasting ? "entry" : "once", fd);
  execute(argv, value);
}

/* dist, in which the native part lies: DIST/native/PLATFORM/wasbox-engine. */
static JSValue distribution(JSContext *context) {
  char path[PATH_LIMIT];
  ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
  if (size <= 0)
    return JS_UNDEFINED;
  path[size] = 0;
  for (int i = 0; i < 3; i++) {
    char *slash = strrchr(path, '/');
    if (!slash)
      return JS_UNDEFINED;
    *slash = 0;
  }
  return JS_NewString(context, path);
}

static int run_jobs(JSRuntime *runtime) {
  JSContext *context;
  int result;
  while ((result = JS_ExecutePendingJob(runtime, &context)) > 0)
    continue;
  return result;
}

/* The engine with the program in it, which has not been asked anything yet. */
static int load(JSContext **out, JSValue *start) {
  JSRuntime *runtime = arena_runtime();
  JSContext *context = runtime ? JS_NewContext(runtime) : NULL;
  if (!context)
    return -1;
  JS_SetMemoryLimit(runtime, MEMORY_MAX);
  JS_SetMaxStackSize(runtime, STACK_MAX);
  JS_SetGCThreshold(runtime, (size_t)-1); /* it ends before there is anything to collect */
  JSValue global = JS_GetGlobalObject(context);
  add_host(context, global);
  add_core(context, global);
  JSValue module = JS_ReadObject(context, bytecode, bytecode_size, JS_READ_OBJ_BYTECODE);
  if (JS_IsException(module) || JS_ResolveModule(context, module) < 0)
    return -1;
  /* A promise: an error of the program is its result. */
  JSValue evaluated = JS_EvalFunction(context, module);
  if (JS_IsException(evaluated) || run_jobs(runtime) < 0)
    return -1;
  *out = context;
  *start = JS_GetPropertyStr(context, global, "start");
  if (JS_IsFunction(context, *start))
    return 0;
  const char *why = JS_ToCString(context, JS_PromiseResult(context, evaluated));
  fprintf(stderr, "wasbox-engine: %s\n", why ? why : "missing program");
  return -1;
}

/* A quarter of the caller's limit may be words, and what is called needs some, too. */
static size_t stack_size(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur / 2 > STACK_MAX)
    return STACK_MAX;
  return (size_t)limit.rlim_cur / 2;
}

int main(int argc, char **argv) {
  const char *given = getenv(VARIABLE);
  char key[512] = "";
  const int explains = given && strncmp(given, EXPLAIN, sizeof EXPLAIN - 1) == 0;
  if (explains)
    given += sizeof EXPLAIN - 1;
  if (given && strlen(given) < sizeof key)
    strcpy(key, given);
  unsetenv(VARIABLE);
  JSContext *context;
  JSValue start;
  time_stands_still = explains && strcmp(key, "image") == 0;
  if (time_stands_still)
    return load(&context, &start) < 0 || arena_save(context, start, argv[1]) < 0;
  if (arena_restore(&context, &start) < 0 && load(&context, &start) < 0)
    leave_to_node(argv);
  JSRuntime *runtime = JS_GetRuntime(context);
  JS_SetMaxStackSize(runtime, stack_size());
  JSValue global = JS_GetGlobalObject(context);
  JS_SetPropertyStr(context, global, "distribution", distribution(context));

  JSValue words = JS_NewArray(context);
  for (int i = 1; i < argc; i++)
    if (put(context, words, (uint32_t)i - 1, new_argument(context, argv[i])) < 0)
      leave_to_node(argv);
  JSValue values[] = {words, JS_NewString(context, key)};
  JSValue outcome = JS_Call(context, start, JS_UNDEFINED, 2, values);
  if (JS_IsException(outcome) || run_jobs(runtime) < 0)
    leave_to_node(argv);

  size_t size = 0;
  JSValue entry = JS_GetPropertyStr(context, outcome, "entry");
  const uint8_t *bytes = JS_IsUndefined(entry) ? NULL : JS_GetArrayBuffer(context, &size, entry);
  const int lasting = JS_ToBool(context, JS_GetPropertyStr(context, outcome, "lasting")) > 0;
  if (explains) {
    const char *why = JS_ToCString(context, JS_GetPropertyStr(context, outcome, "why"));
    if (write_all(1, bytes ? bytes : (const uint8_t *)why, bytes ? size : strlen(why)) < 0)
      return 3;
    return !bytes ? 1 : lasting ? 0 : 2;
  }
  if (!bytes)
    leave_to_node(argv);
  hand_over(argv, bytes, size, lasting);
}
