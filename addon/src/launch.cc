// launch(request, onEnd): one supervisor thread a run; onEnd gets its outcome as an ArrayBuffer.
// The thread starts init, so that it is the parent whose death ends the sandbox, and stays until
// the last process is gone. Nothing of it waits on Node's own thread.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <mutex>
#include <vector>

#include "../plan_check.h"
#include "../supervisor/audit.h"
#include "../supervisor/network.h"
#include "../supervisor/supervisor.h"
#include "addon.h"
#include "ask.h"
#include "held_runs.h"
#include "run_creation.h"
#include "run_end.h"
#include "run_pages.h"
#include "threads.h"

namespace wasbox {
namespace {

struct Run {
  std::vector<uint64_t> plan; // 64-bit aligned
  uint32_t plan_size = 0;
  std::string init;
  wb_request request = {};
  RunPages run; // until it is released
  int pid = 0;
  wb_failure failure = {};
  wb_result result = {};
  std::mutex mutex;
  bool started = false;
  bool start_failed = false;
  bool finished = false;
  bool abandoned = false; // Node's thread ends: it gets no more events
  bool lost = false;      // a thread still uses it: nothing of it is freed (wb_is_lost)
  std::vector<int> early; // signals that came before the start
  std::unique_ptr<Napi::Promise::Deferred> started_promise;
  bool released = false;
  void (*after_release)(void *) = nullptr;
  void *after_argument = nullptr;
  void *hook = nullptr; // of the environment's end
  napi_env env = nullptr;
  std::unique_ptr<RunCreation> creation; // of the run's directory, which is made before the start
  std::string directory;                 // of that run, or the one that the caller has made
  int lock = -1;                         // of the run's directory, where it has one
  uint64_t use = 0;                      // of that run, while it is held
  std::unique_ptr<RunEnd> layer;         // looked at when the payload has ended
  void *retired = nullptr;               // that run, once it was ended
  int memory = -1;                       // the private tmpfs, if its layers must be saved
  Napi::ThreadSafeFunction on_end;
  Asking asking;
  std::unique_ptr<wb_refusals, decltype(&wb_refusals_free)> refusals{nullptr, wb_refusals_free};
  std::unique_ptr<wb_audit, decltype(&wb_audit_free)> audit{nullptr, wb_audit_free};
  std::unique_ptr<wb_network, decltype(&wb_network_free)> network{nullptr, wb_network_free};
  ~Run() {
    if (memory >= 0)
      close(memory);
  }
};

// The reference that JavaScript has to a run.
using Handle = Napi::External<std::shared_ptr<Run>>;

// How the run ended, as one record; src/native/decode/outcome.ts reads it.
Napi::Value OutcomeRecord(Napi::Env env, Run &run) {
  const wb_tables tables = {run.refusals.get(), run.audit.get(), run.network.get()};
  // The meter knows who had as many files as it may have, the audit who wanted one more.
  if (run.audit && run.audit->files_counted)
    run.result.usage.reached &= ~(1u << WB_LIMIT_OPEN_FILES);
  if (run.audit && run.audit->files_full)
    run.result.usage.reached |= 1u << WB_LIMIT_OPEN_FILES;
  iovec parts[WB_OUTCOME_PARTS];
  const unsigned count = wb_outcome_record(&run.result, &tables, parts);
  Napi::ArrayBuffer record = Napi::ArrayBuffer::New(env, run.result.outcome.size);
  if (record.IsEmpty())
    return env.Undefined();
  auto *to = static_cast<unsigned char *>(record.Data());
  for (unsigned i = 0; i < count; to += parts[i++].iov_len)
    memcpy(to, parts[i].iov_base, parts[i].iov_len);
  return record;
}

// Drops what only a run that goes on needs. The handle lives until V8 collects it, which knows
// nothing of these descriptors and this memory, and would let those of hundreds of runs pile up.
void DropTables(Run &run) {
  if (run.lost)
    return;
  run.refusals.reset();
  run.audit.reset();
  run.network.reset();
  run.asking.Drop();
  std::vector<uint64_t>().swap(run.plan);
}

// Calls `use` on Node's thread; it is given up where the environment is being torn down.
void Tell(const std::shared_ptr<Run> &run, void (*use)(Napi::Env, Napi::Function, Run &)) {
  struct Message {
    std::shared_ptr<Run> run;
    void (*use)(Napi::Env, Napi::Function, Run &);
  };
  std::lock_guard<std::mutex> lock(run->mutex);
  if (run->abandoned)
    return;
  auto *message = new Message{run, use};
  napi_status status = run->on_end.BlockingCall(
      message, [](Napi::Env env, Napi::Function callback, Message *message) {
        std::unique_ptr<Message> held(message);
        held->use(env, callback, *held->run);
        // Node is being torn down: the exception has no receiver.
        if (env.IsExceptionPending())
          env.GetAndClearPendingException();
      });
  if (status != napi_ok)
    delete message;
}

void EnvironmentEnds(void *data);

// Notes init for the next process, should this one be killed: src/changes/store/init-of-run.ts
// reads it.
void NoteInit(int lock, int pid) {
  char line[12];
  wb_put_digits(line, static_cast<uint64_t>(pid), 10, 10);
  line[10] = '\n';
  if (pwrite(lock, line, 11, 0) < 0)
    return; // the next process only fails to find init then
}

// Creates the run that the plan is for. False if nothing may be started: the run could not be
// created, or Node's thread is ending.
bool MakeRun(Run &run) {
  {
    std::lock_guard<std::mutex> lock(run.mutex);
    if (run.abandoned)
      return false;
  }
  if (!run.creation->Make())
    return false;
  const HeldRun held = run.creation->Held();
  std::lock_guard<std::mutex> lock(run.mutex);
  if (run.abandoned) {
    Settle(held); // the environment may have ended its runs already
    return false;
  }
  Hold(run.env, held);
  run.lock = held.lock;
  run.use = UseHeld(held.lock);
  run.directory = held.state + "/runs/" + held.id;
  run.request.directory = run.directory.c_str();
  if (run.layer)
    run.creation->Describe(&run.layer->made);
  return true;
}

// Returns what `started` is fulfilled with.
Napi::Value StartRecord(Napi::Env env, const Run &run) {
  Napi::Object record = Napi::Object::New(env);
  record.Set("pid", Napi::Number::New(env, run.pid));
  if (run.creation)
    record.Set("run", run.creation->Result(env));
  return record;
}

// The sandbox has ended: it need not know any more when the environment ends.
void Detach(Napi::Env env, Run &run) {
  DropTables(run);
  napi_remove_env_cleanup_hook(env, EnvironmentEnds, run.hook);
  delete static_cast<std::shared_ptr<Run> *>(run.hook);
  run.hook = nullptr;
}

void LetGoOfNode(Run &run) {
  std::lock_guard<std::mutex> lock(run.mutex);
  if (!run.abandoned)
    run.on_end.Release();
}

// Nothing was started, since its run could not be made.
void GiveUp(const std::shared_ptr<Run> &run) {
  run->asking.End();
  Tell(run, [](Napi::Env env, Napi::Function, Run &run) {
    run.creation->Result(env);
    run.started_promise->Reject(env.GetAndClearPendingException().Value());
    Detach(env, run);
  });
  LetGoOfNode(*run);
  std::lock_guard<std::mutex> lock(run->mutex);
  run->start_failed = run->started = true;
  run->run.reset();
  run->released = true;
}

void Supervise(const std::shared_ptr<Run> &run) {
  if (run->creation && !MakeRun(*run)) {
    GiveUp(run);
    return;
  }
  int ret = wb_start(run->run.get(), &run->request, &run->failure);
  if (ret == 0 && run->lock >= 0)
    NoteInit(run->lock, run->run->pid);
  {
    std::lock_guard<std::mutex> lock(run->mutex);
    run->started = true;
    run->start_failed = ret < 0;
    run->pid = ret < 0 ? 0 : run->run->pid;
    for (int signal : run->early)
      if (ret == 0)
        wb_signal(run->run.get(), signal);
  }
  Tell(run, [](Napi::Env env, Napi::Function, Run &run) {
    run.started_promise->Resolve(StartRecord(env, run));
  });
  if (ret < 0) {
    wb_result_failed(&run->result, &run->failure);
  } else {
    wb_supervise(run->run.get(), &run->result);
    if (wb_is_lost(run->run.get())) {
      run->lost = true;
      new std::shared_ptr<Run>(run); // for as long as this process lives
    }
    // This descriptor, made before the sandbox is released, keeps the files. If it cannot be made,
    // the caller reports that they are lost.
    if (wb_plan_saves_memory(static_cast<const wb_plan *>(run->request.plan)) &&
        run->run->meter.scratch >= 0)
      run->memory = fcntl(run->run->meter.scratch, F_DUPFD_CLOEXEC, 3);
    {
      std::lock_guard<std::mutex> lock(run->mutex);
      run->finished = true;
      wb_close(run->run.get());
    }
    if (run->layer && !run->lost && run->result.outcome.kind == WB_ENDED)
      run->retired = RetireUntouched(*run->layer);
  }
  if (run->network && !run->lost)
    wb_network_close(run->network.get());
  run->asking.End();
  Tell(run, [](Napi::Env env, Napi::Function callback, Run &run) {
    run.result.outcome.questions_turned_away = run.asking.turned_away();
    Napi::Value record = OutcomeRecord(env, run);
    Detach(env, run);
    const Napi::Value ended = Napi::Boolean::New(env, run.retired != nullptr);
    if (!env.IsExceptionPending())
      callback.Call({record, ended});
  });
  LetGoOfNode(*run);
  if (ret == 0)
    wb_release(run->run.get());
  {
    std::lock_guard<std::mutex> lock(run->mutex);
    if (!run->lost)
      run->run.reset();
    run->released = true;
  }
  if (run->retired)
    RecycleRun(run->retired);
  if (run->after_release)
    run->after_release(run->after_argument);
  if (run->use != 0)
    ReleaseHeld(run->use);
}

// Has `job` run when the kernel has let go of the sandbox's mounts. For one job.
void OnRelease(void *sandbox, void (*job)(void *), void *argument) {
  Run &run = *static_cast<Run *>(sandbox);
  {
    std::lock_guard<std::mutex> lock(run.mutex);
    if (!run.released) {
      run.after_release = job;
      run.after_argument = argument;
      return;
    }
  }
  if (OnThread(job, argument) != 0)
    job(argument);
}

// signal(handle, signal)
Napi::Value Signal(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  if (!info[1].IsNumber()) {
    Napi::TypeError::New(info.Env(), "signal must be a number").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  std::lock_guard<std::mutex> lock(run->mutex);
  const int signal = info[1].As<Napi::Number>().Int32Value();
  if (!run->started)
    run->early.push_back(signal);
  else if (!run->start_failed && !run->finished)
    wb_signal(run->run.get(), signal);
  return info.Env().Undefined();
}

// refusals(handle): what was refused so far, as the outcome's table of refusals has it.
Napi::Value Refusals(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  const void *entries = nullptr;
  const size_t size = run->refusals ? wb_refusals_so_far(run->refusals.get(), &entries) : 0;
  Napi::ArrayBuffer copy = Napi::ArrayBuffer::New(info.Env(), size);
  if (!copy.IsEmpty() && size > 0)
    memcpy(copy.Data(), entries, size);
  return copy;
}

// takeMemory(handle): once the sandbox has ended, a descriptor of the private tmpfs if its layers
// must be saved, else undefined. It belongs to the caller.
Napi::Value TakeMemory(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  const int fd = run->memory;
  run->memory = -1;
  return fd < 0 ? info.Env().Undefined() : NewDescriptor(info.Env(), fd);
}

// suspendRelay(handle): what to write to the terminal before and after a question, {begin, end,
// redraw}, or undefined while something is still relayed. The terminal is held until resumeRelay().
Napi::Value SuspendRelay(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  char begin[WB_SCREEN_RESET_MAX], end[WB_SCREEN_RESET_MAX];
  int redraw = 0;
  std::lock_guard<std::mutex> lock(run->mutex);
  wb_asker *asker = run->asking.asker();
  if (!asker || !run->started || run->start_failed || run->finished)
    return info.Env().Undefined();
  wb_asker_show(asker, 1);
  const wb_terminal &terminal = run->run->terminal;
  const size_t size = wb_terminal_suspension(&terminal, 1, begin, &redraw);
  if (size == 0) {
    wb_asker_show(asker, 0);
    return info.Env().Undefined();
  }
  const size_t end_size = wb_terminal_suspension(&terminal, 0, end, &redraw);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("begin", Napi::String::New(info.Env(), begin, size));
  result.Set("end", Napi::String::New(info.Env(), end, end_size));
  result.Set("redraw", Napi::Boolean::New(info.Env(), redraw != 0));
  return result;
}

// resumeRelay(handle)
Napi::Value ResumeRelay(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  if (run->asking.asker())
    wb_asker_show(run->asking.asker(), 0);
  return info.Env().Undefined();
}

// redraw(handle, shrunk): the two steps by which the program inside is made to draw its screen
// again.
Napi::Value Redraw(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  std::lock_guard<std::mutex> lock(run->mutex);
  if (!run->started || run->start_failed || run->finished)
    return info.Env().Undefined();
  if (BooleanOf(info[1]))
    wb_terminal_shrink(&run->run->terminal);
  else
    wb_terminal_refresh(&run->run->terminal);
  return info.Env().Undefined();
}

// resize(handle, rows, columns): of a terminal that this program shows by itself.
Napi::Value Resize(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  const uint32_t rows = static_cast<uint32_t>(IntOf(info[1]));
  const uint32_t columns = static_cast<uint32_t>(IntOf(info[2])) & 0xffff;
  std::lock_guard<std::mutex> lock(run->mutex);
  if (!run->started || run->start_failed || run->finished)
    return info.Env().Undefined();
  wb_terminal_want(&run->run->terminal, rows << 16 | columns);
  wb_wake(run->run.get());
  return info.Env().Undefined();
}

// dialInside(handle, port): a descriptor of a connection to a port of the sandbox's own loopback,
// over IPv4 or else IPv6, which is on its way where the server takes no more at the moment. Throws
// ECONNREFUSED where no process listens, ESRCH where the sandbox has ended.
Napi::Value DialInside(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  const int port = IntOf(info[1]);
  int file = -1, error = ESRCH;
  {
    std::lock_guard<std::mutex> lock(run->mutex);
    if (run->started && !run->start_failed && !run->finished) {
      file = wb_dial_inside(run->run->pidfd, static_cast<uint16_t>(port));
      error = errno;
    }
  }
  if (file >= 0)
    return NewDescriptor(info.Env(), file);
  ThrowErrno(info.Env(), error, "connect");
  return info.Env().Undefined();
}

// Node is about to end: the sandbox does, too, and its thread leaves Node alone from here on.
void Abandon(const std::shared_ptr<Run> &run) {
  std::lock_guard<std::mutex> lock(run->mutex);
  run->abandoned = true;
  run->asking.Abandon();
  if (run->started && !run->start_failed && !run->finished)
    wb_signal(run->run.get(), SIGKILL);
  else
    run->early.push_back(SIGKILL);
}

// abandon(handle)
Napi::Value AbandonSandbox(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  Abandon(run);
  return info.Env().Undefined();
}

// hold(handle, hold)
Napi::Value Hold(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  if (run->abandoned)
    return info.Env().Undefined();
  if (BooleanOf(info[1]))
    run->on_end.Ref(info.Env());
  else
    run->on_end.Unref(info.Env());
  return info.Env().Undefined();
}

// answer(handle, id, decision)
Napi::Value Answer(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  run->asking.Answer(info);
  return info.Env().Undefined();
}

// endUntouched(handle, state, run, workdir, placed)
Napi::Value EndUntouchedRun(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  return EndRun(info, OnRelease, run, false);
}

// endDiscarded(handle, state, run, workdir, placed, reuse)
Napi::Value EndDiscardedRun(const Napi::CallbackInfo &info, const std::shared_ptr<Run> &run) {
  return EndRun(info, OnRelease, run, true);
}

// The environment ends before the run, as that of a terminated worker thread: what was made for it
// after its function is taken apart before that.
void EnvironmentEnds(void *data) {
  std::unique_ptr<std::shared_ptr<Run>> run(static_cast<std::shared_ptr<Run> *>(data));
  Abandon(*run);
}

// Reads `create`, {request, end}: a run that must be created first.
bool ReadCreation(const Napi::Object &object, Run *run) {
  const Napi::Env env = object.Env();
  const Napi::Value request = object.Get("request"), end = object.Get("end");
  if (!request.IsArray()) {
    Napi::TypeError::New(env, "launch: create: {request} expected").ThrowAsJavaScriptException();
    return false;
  }
  const Napi::Array list = request.As<Napi::Array>();
  std::vector<Napi::Value> given;
  for (uint32_t i = 0; i < list.Length(); i++)
    given.push_back(list.Get(i));
  run->creation = std::make_unique<RunCreation>();
  if (!run->creation->Read(env, given))
    return false;
  if (!end.IsObject())
    return true;
  const Napi::Object paths = end.As<Napi::Object>();
  run->layer = std::make_unique<RunEnd>();
  return run->layer->ReadPaths(paths.Get("state"), paths.Get("workdir"), paths.Get("placed"));
}

bool ReadRequest(const Napi::Object &object, Run *run) {
  Napi::Env env = object.Env();
  Napi::Value plan = object.Get("plan"), stdio = object.Get("stdio");
  if (!plan.IsTypedArray() || !object.Get("init").IsString() || !stdio.IsArray() ||
      !object.Get("timeoutMs").IsNumber() || !object.Get("graceMs").IsNumber() ||
      !object.Get("attended").IsBoolean()) {
    Napi::TypeError::New(env, "launch: {plan, init, stdio, timeoutMs, graceMs, attended} expected")
        .ThrowAsJavaScriptException();
    return false;
  }
  Napi::Uint8Array bytes = plan.As<Napi::Uint8Array>();
  run->plan_size = static_cast<uint32_t>(bytes.ByteLength());
  run->plan.resize((bytes.ByteLength() + 7) / 8);
  memcpy(run->plan.data(), bytes.Data(), bytes.ByteLength());
  run->init = object.Get("init").As<Napi::String>().Utf8Value();
  run->request.plan = run->plan.data();
  run->request.plan_size = run->plan_size;
  run->request.init_path = run->init.c_str();
  if (!run->asking.Read(object.Get("ask")))
    return false;
  run->request.asker = run->asking.asker();
  run->refusals.reset(wb_refusals_new());
  run->request.refusals = run->refusals.get();
  if (BooleanOf(object.Get("audit"))) {
    run->audit.reset(wb_audit_new());
    run->request.observe = wb_audit_observe;
    run->request.settle = wb_audit_settle;
    run->request.audit = run->audit.get();
    if (!run->audit) {
      ThrowErrno(env, ENOMEM, "calloc");
      return false;
    }
    run->audit->ids = &run->run->watch.ids;
  }
  // Checked in full by wb_start; here only for its limit on files and whether it asks for a
  // network.
  const auto *wanted = run->plan_size >= sizeof(wb_plan)
                           ? reinterpret_cast<const wb_plan *>(run->plan.data())
                           : nullptr;
  if (wanted && run->audit)
    run->audit->files_max = wanted->open_files;
  if (wanted && wanted->net == WB_NET_RULES) {
    run->network.reset(wb_network_new());
    if (!run->network) {
      ThrowErrno(env, errno, "epoll_create1");
      return false;
    }
    run->request.network = run->network.get();
  }
  for (uint32_t i = 0; i < 3; i++) {
    Napi::Value fd = stdio.As<Napi::Array>().Get(i);
    int number = fd.IsNumber() ? fd.As<Napi::Number>().Int32Value() : -1;
    if (number < 0 || fcntl(number, F_GETFD) < 0) {
      ThrowErrno(env, EBADF, "fcntl");
      return false;
    }
    run->request.stdio[i] = number;
  }
  run->request.timeout_ns =
      static_cast<uint64_t>(object.Get("timeoutMs").As<Napi::Number>().DoubleValue() * 1e6);
  run->request.grace_ns =
      static_cast<uint64_t>(object.Get("graceMs").As<Napi::Number>().DoubleValue() * 1e6);
  Napi::Value umask = object.Get("umask");
  run->request.umask = umask.IsNumber() ? umask.As<Napi::Number>().Int32Value() & 0777 : -1;
  if (object.Get("directory").IsString()) {
    run->directory = object.Get("directory").As<Napi::String>().Utf8Value();
    run->request.directory = run->directory.c_str();
  }
  if (object.Get("lock").IsNumber())
    run->lock = object.Get("lock").As<Napi::Number>().Int32Value();
  Napi::Value layer = object.Get("layer");
  if (layer.IsObject()) {
    const Napi::Object end = layer.As<Napi::Object>();
    run->layer = std::make_unique<RunEnd>();
    if (!run->layer->Read(end.Get("state"), end.Get("run"), end.Get("workdir"), end.Get("placed")))
      return false;
  }
  const Napi::Value create = object.Get("create");
  if (create.IsObject() && !ReadCreation(create.As<Napi::Object>(), run))
    return false;
  if (object.Get("session").IsNumber())
    run->request.session = object.Get("session").As<Napi::Number>().Int32Value();
  if (object.Get("ports").IsNumber())
    run->request.ports = object.Get("ports").As<Napi::Number>().Int32Value();
  run->request.attended = object.Get("attended").As<Napi::Boolean>().Value() ? 1 : 0;
  return true;
}

Napi::Value Launch(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  if (!info[0].IsObject() || !info[1].IsFunction()) {
    Napi::TypeError::New(env, "launch(request, onEnd) expected").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  auto run = std::make_shared<Run>();
  run->env = env;
  run->run = NewRunPages();
  if (!run->run) {
    ThrowErrno(env, errno, "mmap");
    return env.Undefined();
  }
  if (!ReadRequest(info[0].As<Napi::Object>(), run.get()))
    return env.Undefined();
  run->started_promise = std::make_unique<Napi::Promise::Deferred>(env);
  run->on_end =
      Napi::ThreadSafeFunction::New(env, info[1].As<Napi::Function>(), "wasbox launch", 0, 1);
  if (run->lock >= 0)
    run->use = UseHeld(run->lock);
  auto *held = new std::shared_ptr<Run>(run);
  const int error = OnThread(
      [](void *argument) {
        std::unique_ptr<std::shared_ptr<Run>> held(static_cast<std::shared_ptr<Run> *>(argument));
        Supervise(*held);
      },
      held);
  if (error) {
    delete held;
    run->on_end.Release();
    run->asking.End();
    if (run->use != 0)
      ReleaseHeld(run->use);
    ThrowErrno(env, error, "pthread_create");
    return env.Undefined();
  }
  run->hook = new std::shared_ptr<Run>(run);
  napi_add_env_cleanup_hook(env, EnvironmentEnds, run->hook);
  Napi::Object launched = Napi::Object::New(env);
  launched.Set("started", run->started_promise->Promise());
  launched.Set("handle", Handle::New(env, new std::shared_ptr<Run>(run),
                                     [](Napi::Env, std::shared_ptr<Run> *held) { delete held; }));
  return launched;
}

// A function whose first argument is the handle of a sandbox.
template <Napi::Value (*use)(const Napi::CallbackInfo &, const std::shared_ptr<Run> &)>
Napi::Value OfSandbox(const Napi::CallbackInfo &info) {
  if (info[0].IsExternal())
    return use(info, *info[0].As<Handle>().Data());
  Napi::TypeError::New(info.Env(), "a sandbox expected").ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

// One function for all sandboxes. A function made for a single sandbox takes as much memory as ten
// handles, and an idle session holds its sandbox for a long time.
template <Napi::Value (*use)(const Napi::CallbackInfo &, const std::shared_ptr<Run> &)>
void Register(Napi::Object functions, const char *name) {
  functions.Set(name, Napi::Function::New<OfSandbox<use>>(functions.Env(), name));
}

} // namespace

void RegisterLaunch(Napi::Env env, Napi::Object exports) {
  exports.Set("launch", Napi::Function::New(env, Launch, "launch"));
  Napi::Object sandboxes = Napi::Object::New(env);
  Register<Hold>(sandboxes, "hold");
  Register<AbandonSandbox>(sandboxes, "abandon");
  Register<EndUntouchedRun>(sandboxes, "endUntouched");
  Register<EndDiscardedRun>(sandboxes, "endDiscarded");
  Register<TakeMemory>(sandboxes, "takeMemory");
  Register<Answer>(sandboxes, "answer");
  Register<Refusals>(sandboxes, "refusals");
  Register<SuspendRelay>(sandboxes, "suspendRelay");
  Register<ResumeRelay>(sandboxes, "resumeRelay");
  Register<Redraw>(sandboxes, "redraw");
  Register<Resize>(sandboxes, "resize");
  Register<Signal>(sandboxes, "signal");
  Register<DialInside>(sandboxes, "dialInside");
  exports.Set("sandboxes", sandboxes);
}

} // namespace wasbox
