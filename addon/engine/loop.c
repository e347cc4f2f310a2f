/*
 * Waits for what the engine waits for: calls that other threads have made for JavaScript
 * (Node-API's thread-safe functions), signals, descriptors, time. src/engine/loop.ts calls `wait`
 * until nothing is left to wait for. Also the processes that it starts.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAPI_VERSION 8
#include <node_api.h>

#include "engine.h"

struct napi_threadsafe_function__ {
  napi_env env;
  napi_ref function;
  napi_threadsafe_function_call_js call;
  void *context;
  size_t threads;
  int referenced, released;
};

struct message {
  napi_threadsafe_function to;
  void *data;
  struct message *next;
};

/* The queue of all thread-safe functions: calls are made in the order in which they came. */
static struct {
  pthread_mutex_t mutex;
  struct message *first, **last;
  int wake; /* an eventfd; 0: none yet */
  int referenced;
} queue = {.mutex = PTHREAD_MUTEX_INITIALIZER, .last = &queue.first};

static int wake_descriptor(void) {
  if (queue.wake == 0) {
    queue.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue.wake < 0) {
      queue.wake = 0;
      return -1;
    }
  }
  return queue.wake;
}

napi_status napi_create_threadsafe_function(napi_env env, napi_value function, napi_value resource,
                                            napi_value name, size_t room, size_t threads,
                                            void *finalize_data, napi_finalize finalize,
                                            void *context, napi_threadsafe_function_call_js call,
                                            napi_threadsafe_function *out) {
  (void)resource, (void)name, (void)room, (void)finalize_data, (void)finalize;
  *out = calloc(1, sizeof **out);
  if (!*out || wake_descriptor() < 0)
    return napi_generic_failure;
  **out = (struct napi_threadsafe_function__){
      .env = env, .call = call, .context = context, .threads = threads, .referenced = 1};
  queue.referenced++;
  return napi_create_reference(env, function, 1, &(*out)->function);
}

napi_status napi_call_threadsafe_function(napi_threadsafe_function to, void *data,
                                          napi_threadsafe_function_call_mode mode) {
  (void)mode; /* the queue has no end */
  struct message *message = malloc(sizeof *message);
  if (!message)
    return napi_generic_failure;
  *message = (struct message){to, data, NULL};
  const uint64_t one = 1;
  pthread_mutex_lock(&queue.mutex);
  const int closing = to->released;
  if (!closing) {
    *queue.last = message;
    queue.last = &message->next;
    if (write(queue.wake, &one, sizeof one) < 0)
      abort(); /* an eventfd takes 2^64 - 1 of them */
  }
  pthread_mutex_unlock(&queue.mutex);
  if (closing)
    free(message);
  return closing ? napi_closing : napi_ok;
}

static void set_referenced(napi_threadsafe_function it, int referenced) {
  queue.referenced += referenced - it->referenced;
  it->referenced = referenced;
}

/* A call that is in the queue is still delivered; then nothing waits for it. */
napi_status napi_release_threadsafe_function(napi_threadsafe_function it,
                                             napi_threadsafe_function_release_mode mode) {
  (void)mode;
  const uint64_t one = 1;
  pthread_mutex_lock(&queue.mutex);
  if (it->threads > 0 && --it->threads == 0) {
    it->released = 1;
    set_referenced(it, 0);
    if (write(queue.wake, &one, sizeof one) < 0)
      abort();
  }
  pthread_mutex_unlock(&queue.mutex);
  return napi_ok;
}

napi_status napi_ref_threadsafe_function(node_api_basic_env env, napi_threadsafe_function it) {
  (void)env;
  pthread_mutex_lock(&queue.mutex);
  if (!it->released)
    set_referenced(it, 1);
  pthread_mutex_unlock(&queue.mutex);
  return napi_ok;
}

napi_status napi_unref_threadsafe_function(node_api_basic_env env, napi_threadsafe_function it) {
  (void)env;
  pthread_mutex_lock(&queue.mutex);
  set_referenced(it, 0);
  pthread_mutex_unlock(&queue.mutex);
  return napi_ok;
}

static struct message *next_message(void) {
  pthread_mutex_lock(&queue.mutex);
  struct message *message = queue.first;
  if (message) {
    queue.first = message->next;
    if (!queue.first)
      queue.last = &queue.first;
  }
  pthread_mutex_unlock(&queue.mutex);
  return message;
}

/* Makes the calls that are in the queue, and lets what they resolve go on. */
static void deliver(void) {
  uint64_t count;
  if (queue.wake > 0 && read(queue.wake, &count, sizeof count) < 0 && errno != EAGAIN)
    return;
  for (struct message *message; (message = next_message());) {
    const napi_threadsafe_function to = message->to;
    napi_handle_scope scope;
    napi_value function;
    napi_open_handle_scope(to->env, &scope);
    if (napi_get_reference_value(to->env, to->function, &function) == napi_ok)
      to->call(to->env, function, to->context, message->data);
    napi_close_handle_scope(to->env, scope);
    free(message);
    run_jobs();
  }
}

/* held(): whether a call of another thread is waited for. */
static JSValue held(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  pthread_mutex_lock(&queue.mutex);
  const int waited_for = queue.referenced > 0 || queue.first;
  pthread_mutex_unlock(&queue.mutex);
  return JS_NewBool(context, waited_for);
}

/* Signals */

static int signal_pipe[2] = {-1, -1};

static void note_signal(int number) {
  const int before = errno;
  const unsigned char byte = (unsigned char)number;
  if (write(signal_pipe[1], &byte, 1) < 0)
    errno = before; /* so many of them wait already */
  errno = before;
}

/* catchSignal(number, caught): a negative errno where it cannot be. */
static JSValue catch_signal(JSContext *context, JSValueConst self, int count,
                            JSValueConst *values) {
  (void)self, (void)count;
  int number;
  if (JS_ToInt32(context, &number, values[0]) < 0)
    return JS_EXCEPTION;
  if (signal_pipe[0] < 0 && pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
    return JS_NewInt32(context, -errno);
  struct sigaction action = {.sa_flags = SA_RESTART};
  action.sa_handler = JS_ToBool(context, values[1]) > 0 ? note_signal : SIG_DFL;
  return JS_NewInt32(context, sigaction(number, &action, NULL) < 0 ? -errno : 0);
}

static JSValue send_signal(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  int pid, number;
  if (JS_ToInt32(context, &pid, values[0]) < 0 || JS_ToInt32(context, &number, values[1]) < 0)
    return JS_EXCEPTION;
  return JS_NewInt32(context, kill(pid, number) < 0 ? -errno : 0);
}

#define DESCRIPTORS_MAX 16

/* wait(timeoutMs, descriptors): waits until something has come, makes the calls of other threads,
 * and returns the signals as negative numbers and the places of descriptors that have something to
 * read. Below 0 there is no end of the time. */
static JSValue wait_for(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  struct pollfd polled[DESCRIPTORS_MAX + 2];
  int timeout;
  uint32_t descriptors = 0;
  JSValue length = JS_GetPropertyStr(context, values[1], "length");
  if (JS_ToInt32(context, &timeout, values[0]) < 0 ||
      JS_ToUint32(context, &descriptors, length) < 0)
    return JS_EXCEPTION;
  if (descriptors > DESCRIPTORS_MAX)
    return JS_ThrowRangeError(context, "too many descriptors");
  for (uint32_t i = 0; i < descriptors; i++) {
    int fd;
    JSValue number = JS_GetPropertyUint32(context, values[1], i);
    if (JS_ToInt32(context, &fd, number) < 0)
      return JS_EXCEPTION;
    polled[i] = (struct pollfd){.fd = fd, .events = POLLIN};
  }
  polled[descriptors] = (struct pollfd){.fd = signal_pipe[0], .events = POLLIN};
  polled[descriptors + 1] = (struct pollfd){.fd = queue.wake ? queue.wake : -1, .events = POLLIN};
  if (poll(polled, descriptors + 2, timeout) < 0 && errno != EINTR)
    return JS_ThrowInternalError(context, "poll: %s", error_text(errno));
  JSValue out = JS_NewArray(context);
  uint32_t found = 0;
  unsigned char signals[64];
  ssize_t got = signal_pipe[0] >= 0 ? read(signal_pipe[0], signals, sizeof signals) : 0;
  for (ssize_t i = 0; i < got; i++)
    if (put(context, out, found++, JS_NewInt32(context, -signals[i])) < 0)
      return JS_EXCEPTION;
  for (uint32_t i = 0; i < descriptors; i++)
    if (polled[i].revents && put(context, out, found++, JS_NewInt32(context, (int)i)) < 0)
      return JS_EXCEPTION;
  deliver();
  return out;
}

static JSValue jobs(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)context, (void)self, (void)count, (void)values;
  run_jobs();
  return JS_UNDEFINED;
}

/* Processes */

static char **words_of(JSContext *context, JSValueConst list) {
  uint32_t count = 0;
  JSValue length = JS_GetPropertyStr(context, list, "length");
  if (JS_ToUint32(context, &count, length) < 0)
    return NULL;
  char **words = calloc(count + 1, sizeof *words);
  for (uint32_t i = 0; words && i < count; i++) {
    JSValue word = JS_GetPropertyUint32(context, list, i);
    const char *text = JS_ToCString(context, word);
    words[i] = text ? strdup(text) : NULL;
    JS_FreeCString(context, text);
    JS_FreeValue(context, word);
    if (!words[i])
      return NULL;
  }
  return words;
}

/* start(file, argv, envp, [stdin, stdout, stderr], cwd): a pidfd, or a negative errno. An empty cwd
 * is that of this process. */
static JSValue start_process(JSContext *context, JSValueConst self, int count,
                             JSValueConst *values) {
  (void)self, (void)count;
  const char *file = JS_ToCString(context, values[0]);
  const char *cwd = JS_ToCString(context, values[4]);
  char **argv = words_of(context, values[1]), **envp = words_of(context, values[2]);
  if (!file || !cwd || !argv || !envp)
    return JS_EXCEPTION;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t reset;
  sigfillset(&reset);
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &reset);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  for (uint32_t i = 0; i < 3; i++) {
    int fd = -1;
    JSValue number = JS_GetPropertyUint32(context, values[3], i);
    if (JS_ToInt32(context, &fd, number) < 0)
      return JS_EXCEPTION;
    posix_spawn_file_actions_adddup2(&actions, fd, (int)i);
  }
  if (*cwd)
    posix_spawn_file_actions_addchdir_np(&actions, cwd);
  pid_t pid;
  const int error = posix_spawn(&pid, file, &actions, &attributes, argv, envp);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  JS_FreeCString(context, file);
  JS_FreeCString(context, cwd);
  if (error)
    return JS_NewInt32(context, -error);
  const long fd = syscall(SYS_pidfd_open, pid, 0);
  return JS_NewInt64(context, fd < 0 ? -errno : fd);
}

/* ended(pidfd): [exit status, signal]; closes it. For one that can be read. */
static JSValue process_ended(JSContext *context, JSValueConst self, int count,
                             JSValueConst *values) {
  (void)self, (void)count;
  int fd;
  if (JS_ToInt32(context, &fd, values[0]) < 0)
    return JS_EXCEPTION;
  siginfo_t info = {0};
  waitid(P_PIDFD, (id_t)fd, &info, WEXITED);
  close(fd);
  JSValue out = JS_NewArray(context);
  const int exited = info.si_code == CLD_EXITED;
  put(context, out, 0, JS_NewInt32(context, exited ? info.si_status : -1));
  put(context, out, 1, JS_NewInt32(context, exited ? 0 : info.si_status));
  return out;
}

static JSValue new_pipe(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) < 0)
    return JS_NewInt32(context, -errno);
  JSValue out = JS_NewArray(context);
  put(context, out, 0, JS_NewInt32(context, fds[0]));
  put(context, out, 1, JS_NewInt32(context, fds[1]));
  return out;
}

static JSValue end_process(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  int code = 125;
  JS_ToInt32(context, &code, values[0]);
  _exit(code);
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("wait", 2, wait_for),
    JS_CFUNC_DEF("held", 0, held),
    JS_CFUNC_DEF("jobs", 0, jobs),
    JS_CFUNC_DEF("catchSignal", 2, catch_signal),
    JS_CFUNC_DEF("sendSignal", 2, send_signal),
    JS_CFUNC_DEF("start", 5, start_process),
    JS_CFUNC_DEF("ended", 1, process_ended),
    JS_CFUNC_DEF("pipe", 0, new_pipe),
    JS_CFUNC_DEF("end", 1, end_process),
};

void add_loop(JSContext *context, JSValueConst machine) {
  JSValue loop = JS_NewObject(context);
  JS_SetPropertyFunctionList(context, loop, functions, sizeof functions / sizeof *functions);
  JS_SetPropertyStr(context, machine, "loop", loop);
}
