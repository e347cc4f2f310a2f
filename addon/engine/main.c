/*
 * `wasbox-engine`: the TypeScript command line in QuickJS. The native command executes it in its
 * own place, to carry a command out; or, for a start that it has no entry for, in a process beside
 * it, which makes the entry. What the engine leaves to Node, the native command executes.
 *
 * WASBOX_FASTPATH is the conversation. `make:SOCKET,START,WHOLE:KEY` comes from a native command
 * that waits for an entry (addon/fastpath/engine.c); `node:WHY` goes to the one that executes Node.
 * With `explain:KEY` the entry, or why there is none, is written to stdout, and the exit status is
 * 0, 2 for an entry that must not be saved, or 1.
 */
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "engine.h"

#define VARIABLE "WASBOX_FASTPATH"
#define EXPLAIN "explain:"
#define KEY_MAX 511
/* The memory of a start; and of any other command, which reads what a run has changed. */
#define MEMORY_MAX ((size_t)256 << 20)
#define COMMAND_MEMORY_MAX ((size_t)4 << 30)
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

static JSRuntime *runtime;

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
  execv(path, argv);
  give_up("the installation is incomplete: its native command cannot be executed");
}

/* The process that an entry is made for. */
static enum { NO_PROGRAM, READER, NATIVE_COMMAND } made_for;

/* The text that the user reads where there is no Node (addon/fastpath/node.c): no longer than
 * a cache key, as all that is executed together may be as long as the kernel takes. */
#define REASON_MAX 64
#define NO_MEMORY "wasbox-engine gets too little memory (ulimit -v)"
#define DAMAGED "wasbox-engine is damaged"
#define NO_START "wasbox-engine failed"

static _Noreturn void leave_to_node(char **argv, const char *why) {
  if (made_for == NATIVE_COMMAND)
    _exit(1); /* it has the command carried out */
  char value[REASON_MAX + 1];
  snprintf(value, sizeof value, "node:%s", why);
  execute(argv, value);
}

/* A function of the program's; undefined with the reason on stderr where it fails. */
static JSValue call(JSContext *context, JSValueConst program, const char *name, int count,
                    JSValueConst *values) {
  JSValue function = JS_GetPropertyStr(context, program, name);
  JSValue got = JS_Call(context, function, JS_UNDEFINED, count, values);
  JS_FreeValue(context, function);
  if (!JS_IsException(got) && run_jobs() >= 0)
    return got;
  if (made_for == NATIVE_COMMAND)
    return JS_UNDEFINED; /* it has the command carried out, where this is said */
  JSValue error = JS_GetException(context), stack = JS_GetPropertyStr(context, error, "stack");
  const char *text = JS_ToCString(context, error), *trace = JS_ToCString(context, stack);
  fprintf(stderr, "wasbox: internal error: %s\n%s", text ? text : "unknown", trace ? trace : "");
  return JS_UNDEFINED;
}

/* Streams are as Node finds them: 0, 1 and 2 are open, and a reader that is gone is an error. */
static void prepare_streams(void) {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
      give_up("cannot open /dev/null");
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

/* The whole command; what comes back is for Node. */
static _Noreturn void run_command(JSContext *context, JSValueConst program, char **argv) {
  prepare_streams();
  JS_SetMemoryLimit(runtime, COMMAND_MEMORY_MAX);
  JS_SetGCThreshold(runtime, (size_t)128 << 20);
  JSValue why = call(context, program, "command", 0, NULL);
  if (JS_IsUndefined(why))
    _exit(125);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  const char *text = JS_ToCString(context, why);
  leave_to_node(argv, text ? text : NO_START);
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

/* The native command's descriptors: a socket to it, through which is said what is ready. */
static int native_command = -1, ready_files[2] = {-1, -1};
static unsigned ready_count;
/* The last entry, and whether it may be saved, for who reads it. */
static uint8_t *read_entry;
static size_t read_size;
static int read_lasting;

/* Fills a file, which cannot change any more. The caller's limit for files holds for it, too. */
static int fill_file(int fd, const uint8_t *bytes, size_t size) {
  signal(SIGXFSZ, SIG_IGN);
  if (write_all(fd, bytes, size) < 0)
    return -1;
  return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
}

/* handOver(BYTES, LASTING): an entry that is enough for a start, then the same one whole. */
static JSValue hand_over(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  size_t size;
  const uint8_t *bytes = JS_GetArrayBuffer(context, &size, values[0]);
  const int lasting = JS_ToBool(context, values[1]) > 0;
  if (!bytes)
    return JS_EXCEPTION;
  if (made_for == READER) {
    free(read_entry);
    read_entry = malloc(size);
    if (!read_entry)
      return JS_ThrowOutOfMemory(context);
    memcpy(read_entry, bytes, size);
    read_size = size;
    read_lasting = lasting;
  } else if (made_for == NATIVE_COMMAND) {
    if (ready_count >= 2 || fill_file(ready_files[ready_count], bytes, size) < 0)
      _exit(1); /* what was not said to be ready is not taken */
    ready_count++;
    if (write_all(native_command, (const uint8_t *)(lasting ? "l" : "o"), 1) < 0)
      _exit(1);
  }
  return JS_UNDEFINED;
}

/* Returns the address of the program's bundle, a file in dist, where the native part lies in
 * DIST/native/PLATFORM/wasbox-engine. */
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
  if (strlen(path) + sizeof "/engine.js" > sizeof path)
    return JS_UNDEFINED;
  strcat(path, "/engine.js");
  return JS_NewString(context, path);
}

int run_jobs(void) {
  JSContext *context;
  int result;
  while ((result = JS_ExecutePendingJob(runtime, &context)) > 0)
    continue;
  return result;
}

/* The program gets what it needs of JavaScript, and no more: no compiler of JavaScript (bytecode.c
 * made the bytecode), no weak references. A hole in what is left out cannot be reached;
 * addon/engine/bundle.mjs refuses a program that names it. */
static JSContext *new_context(void) {
  JSContext *context = runtime ? JS_NewContextRaw(runtime) : NULL;
  if (!context)
    return NULL;
  JS_AddIntrinsicBaseObjects(context);
  JS_AddIntrinsicDate(context);
  JS_AddIntrinsicStringNormalize(context);
  JS_AddIntrinsicRegExp(context);
  JS_AddIntrinsicJSON(context);
  JS_AddIntrinsicProxy(context);
  JS_AddIntrinsicMapSet(context);
  JS_AddIntrinsicTypedArrays(context);
  JS_AddIntrinsicPromise(context);
  return context;
}

/* Loads the engine with the program in it while the engine is built: nothing has been asked yet. */
static int load(JSContext **out, JSValue *program) {
  runtime = arena_runtime();
  JSContext *context = new_context();
  if (!context)
    return -1;
  JS_SetMemoryLimit(runtime, MEMORY_MAX);
  JS_SetMaxStackSize(runtime, STACK_MAX);
  JS_SetGCThreshold(runtime, (size_t)-1); /* it ends before there is anything to collect */
  JSValue global = JS_GetGlobalObject(context);
  add_host(context, global);
  add_core(context, global);
  /* A promise: an error of the program is its result. */
  JSValue evaluated;
  if (run_program(context, global, &evaluated) < 0 || run_jobs() < 0)
    return -1;
  *out = context;
  *program = global;
  JSValue start = JS_GetPropertyStr(context, global, "start");
  if (JS_IsFunction(context, start))
    return 0;
  JSValue error = JS_PromiseResult(context, evaluated);
  const char *why = JS_ToCString(context, error);
  const char *stack = JS_ToCString(context, JS_GetPropertyStr(context, error, "stack"));
  fprintf(stderr, "wasbox-engine: %s\n%s", why ? why : "missing program", stack ? stack : "");
  return -1;
}

/* Takes the conversation's variable out of the environment. The key is for TypeScript. */
static void read_variable(char key[KEY_MAX + 1]) {
  const char *given = getenv(VARIABLE);
  const size_t explain = sizeof EXPLAIN - 1;
  *key = 0;
  if (!given)
    return;
  int *files = ready_files;
  if (strncmp(given, EXPLAIN, explain) == 0 && strlen(given + explain) <= KEY_MAX) {
    made_for = READER;
    strcpy(key, given + explain);
  } else if (sscanf(given, "make:%d,%d,%d:%511[0-9a-f]", &native_command, files, files + 1, key) ==
             4) {
    made_for = NATIVE_COMMAND;
    const int given[] = {native_command, files[0], files[1]};
    for (int i = 0; i < 3; i++)
      fcntl(given[i], F_SETFD, FD_CLOEXEC);
    know_namespaces(native_command);
  }
  unsetenv(VARIABLE);
}

/* Makes the entry of the command line; the exit status. */
static int make_entry(JSContext *context, JSValueConst program, char **argv, const char *key) {
  JSValue words = JS_NewArray(context);
  for (int i = 1; argv[i]; i++)
    if (put(context, words, (uint32_t)i - 1, new_argument(context, argv[i])) < 0)
      leave_to_node(argv, NO_START);
  const JSValue values[] = {words, JS_NewString(context, key),
                            JS_NewCFunction(context, hand_over, "handOver", 2)};
  JSValue outcome = call(context, program, "start", 3, (JSValueConst *)values);
  if (JS_IsUndefined(outcome))
    leave_to_node(argv, NO_START);
  if (made_for == NATIVE_COMMAND)
    return ready_count == 2 ? 0 : 1;
  JSValue refusal = JS_GetPropertyStr(context, outcome, "why");
  const char *why = JS_IsUndefined(refusal) && read_entry ? NULL : JS_ToCString(context, refusal);
  if (write_all(1, why ? (const uint8_t *)why : read_entry, why ? strlen(why) : read_size) < 0)
    return 3;
  return why ? 1 : read_lasting ? 0 : 2;
}

static int run(int argc, char **argv, size_t stack) {
  char key[KEY_MAX + 1];
  read_variable(key);
  if (made_for != NATIVE_COMMAND) /* which has the command carried out, where the line is said */
    catch_crashes();
  set_arguments(argc, argv);
  JSContext *context;
  JSValue program;
  time_stands_still = made_for == READER && strcmp(key, "image") == 0;
  if (time_stands_still)
    return load(&context, &program) < 0 || save_program(context, program, argv[1]) < 0;
  if (restore_program(&context, &program) < 0)
    leave_to_node(argv, errno == ENOMEM ? NO_MEMORY : DAMAGED);
  runtime = JS_GetRuntime(context);
  arena_map_large();
  JS_SetMaxStackSize(runtime, stack);
  JS_SetPropertyStr(context, program, "distribution", distribution(context));
  if (made_for == NO_PROGRAM)
    run_command(context, program, argv);
  return make_entry(context, program, argv, key);
}

struct invocation {
  int argc, status;
  char **argv;
};

static void *run_on_thread(void *argument) {
  struct invocation *own = argument;
  own->status = run(own->argc, own->argv, STACK_MAX);
  return NULL;
}

/* Tables with addresses of functions are not written to any more; a dynamic program's loader does
 * this. */
static void protect_tables(void) {
  const ElfW(Phdr) *part = (const ElfW(Phdr) *)getauxval(AT_PHDR);
  const uintptr_t page = getauxval(AT_PAGESZ);
  for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
    const uintptr_t start = part[i].p_vaddr & -page;
    const uintptr_t end = (part[i].p_vaddr + part[i].p_memsz) & -page;
    if (part[i].p_type == PT_GNU_RELRO && end > start &&
        mprotect((void *)start, end - start, PROT_READ) < 0)
      give_up("cannot protect its memory");
  }
}

/* JavaScript gets half of the stack: a quarter of the caller's limit may be words, and what is
 * called needs some, too. Where the caller allows less than that, a thread has a stack of its own.
 */
int main(int argc, char **argv) {
  protect_tables();
  signal(SIGCHLD, SIG_DFL); /* the caller may ignore it: no process could be waited for then */
  struct rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur / 2 >= STACK_MAX)
    return run(argc, argv, STACK_MAX);
  struct invocation own = {.argc = argc, .argv = argv};
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstacksize(&attributes, 2 * STACK_MAX) != 0 ||
      pthread_create(&thread, &attributes, run_on_thread, &own) != 0)
    return run(argc, argv, (size_t)limit.rlim_cur / 2);
  pthread_join(thread, NULL);
  return own.status;
}
