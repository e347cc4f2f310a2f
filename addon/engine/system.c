/*
 * The process and its system: arguments, environment, ids, clock, names of errors and signals.
 * src/engine/process.ts and src/engine/node make Node's modules of it.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"

extern char **environ;

static int argument_count;
static char **arguments;

void set_arguments(int argc, char **argv) {
  argument_count = argc;
  arguments = argv;
}

static JSValue list_of(JSContext *context, char **words) {
  JSValue out = JS_NewArray(context);
  for (uint32_t i = 0; words && words[i]; i++)
    if (put(context, out, i, new_lossy_text(context, (const uint8_t *)words[i], strlen(words[i]))) <
        0) {
      JS_FreeValue(context, out);
      return JS_EXCEPTION;
    }
  return out;
}

static JSValue get_argv(JSContext *context, JSValueConst self) {
  (void)self;
  return list_of(context, argument_count > 0 ? arguments + 1 : NULL);
}

static JSValue environment(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  return list_of(context, environ);
}

static JSValue get_pid(JSContext *context, JSValueConst self) {
  (void)self;
  return JS_NewInt32(context, getpid());
}

static JSValue ids(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  const uint32_t numbers[] = {getuid(), geteuid(), getegid()};
  JSValue out = JS_NewArray(context);
  for (uint32_t i = 0; i < 3; i++)
    if (put(context, out, i, JS_NewUint32(context, numbers[i])) < 0)
      return JS_EXCEPTION;
  return out;
}

static JSValue cwd(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  char path[PATH_LIMIT];
  if (!getcwd(path, sizeof path))
    return JS_NewInt32(context, -errno);
  /* getcwd(3): a directory that cannot be reached from the root. */
  return path[0] == '/' ? JS_NewArrayBufferCopy(context, (const uint8_t *)path, strlen(path))
                        : JS_NewInt32(context, -ENOENT);
}

static JSValue now(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return JS_NewBigInt64(context, (int64_t)time.tv_sec * 1000000000 + time.tv_nsec);
}

static JSValue pause_for(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  double ms;
  if (JS_ToFloat64(context, &ms, values[0]) < 0)
    return JS_EXCEPTION;
  const struct timespec time = {(time_t)(ms / 1000), (long)(ms * 1e6) % 1000000000};
  nanosleep(&time, NULL);
  return JS_UNDEFINED;
}

static JSValue release(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  struct utsname names;
  return JS_NewString(context, uname(&names) < 0 ? "" : names.release);
}

static JSValue error_words(JSContext *context, JSValueConst self, int count, JSValueConst *values,
                           int text) {
  (void)self, (void)count;
  int number;
  if (JS_ToInt32(context, &number, values[0]) < 0)
    return JS_EXCEPTION;
  const char *words = text ? error_text(number) : error_name(number);
  return JS_NewString(context, words);
}

static JSValue get_executable(JSContext *context, JSValueConst self) {
  (void)self;
  char path[PATH_LIMIT];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  return size < 0 ? JS_NewString(context, "")
                  : new_lossy_text(context, (const uint8_t *)path, (size_t)size);
}

static JSValue addon(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  return load_addon(context);
}

#define NUMBER(name) JS_PROP_INT32_DEF(#name, name, JS_PROP_ENUMERABLE)

static const JSCFunctionListEntry signals[] = {
    NUMBER(SIGHUP),    NUMBER(SIGINT),    NUMBER(SIGQUIT),  NUMBER(SIGILL),  NUMBER(SIGTRAP),
    NUMBER(SIGABRT),   NUMBER(SIGBUS),    NUMBER(SIGFPE),   NUMBER(SIGKILL), NUMBER(SIGUSR1),
    NUMBER(SIGSEGV),   NUMBER(SIGUSR2),   NUMBER(SIGPIPE),  NUMBER(SIGALRM), NUMBER(SIGTERM),
    NUMBER(SIGCHLD),   NUMBER(SIGSTKFLT), NUMBER(SIGCONT),  NUMBER(SIGSTOP), NUMBER(SIGTSTP),
    NUMBER(SIGTTIN),   NUMBER(SIGTTOU),   NUMBER(SIGURG),   NUMBER(SIGXCPU), NUMBER(SIGXFSZ),
    NUMBER(SIGVTALRM), NUMBER(SIGPROF),   NUMBER(SIGWINCH), NUMBER(SIGIO),   NUMBER(SIGPWR),
    NUMBER(SIGSYS),
};

static const JSCFunctionListEntry errnos[] = {
    NUMBER(EAGAIN),
    NUMBER(EINVAL),
    NUMBER(ENOENT),
    NUMBER(ENOTDIR),
};

static const JSCFunctionListEntry functions[] = {
    JS_CGETSET_DEF("argv", get_argv, NULL),
    JS_CGETSET_DEF("pid", get_pid, NULL),
    JS_CGETSET_DEF("executable", get_executable, NULL),
    JS_CFUNC_DEF("environment", 0, environment),
    JS_CFUNC_DEF("ids", 0, ids),
    JS_CFUNC_DEF("cwd", 0, cwd),
    JS_CFUNC_DEF("now", 0, now),
    JS_CFUNC_DEF("sleep", 1, pause_for),
    JS_CFUNC_DEF("release", 0, release),
    JS_CFUNC_MAGIC_DEF("errorName", 1, error_words, 0),
    JS_CFUNC_MAGIC_DEF("errorText", 1, error_words, 1),
    JS_CFUNC_DEF("addon", 0, addon),
    JS_OBJECT_DEF("signals", signals, sizeof signals / sizeof *signals, JS_PROP_ENUMERABLE),
    JS_OBJECT_DEF("errnos", errnos, sizeof errnos / sizeof *errnos, JS_PROP_ENUMERABLE),
};

void add_system(JSContext *context, JSValueConst machine) {
  JSValue system = JS_NewObject(context);
  JS_SetPropertyFunctionList(context, system, functions, sizeof functions / sizeof *functions);
  JS_SetPropertyStr(context, machine, "system", system);
}
