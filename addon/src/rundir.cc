// The directories of runs (addon/rundir) for TypeScript: types are checked here, and what may take
// a while, emptying a layer for the next run, happens on the thread that supervised the run.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <vector>

#include "../rundir/rundir.h"
#include "addon.h"

namespace wasbox {
namespace {

// Closes a descriptor and leaves errno as it is.
class Descriptor {
public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    const int error = errno;
    if (fd_ >= 0)
      close(fd_);
    errno = error;
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  operator int() const { return fd_; }

private:
  int fd_;
};

Napi::Value Failed(Napi::Env env, const char *call) {
  ThrowErrno(env, errno, call);
  return env.Undefined();
}

bool Strings(const Napi::CallbackInfo &info, size_t from, size_t count, std::string *out) {
  for (size_t i = 0; i < count; i++)
    if (!PathArgument(info[from + i], &out[i]))
      return false;
  return true;
}

// openOwn(state, name, create): a descriptor.
Napi::Value OpenOwn(const Napi::CallbackInfo &info) {
  std::string text[2];
  if (!Strings(info, 0, 2, text))
    return info.Env().Undefined();
  const bool create = info[2].ToBoolean();
  const Descriptor state(wb_state_open(text[0].c_str(), create));
  const int fd = state < 0 ? -1 : wb_state_open_in(state, text[1].c_str(), create);
  return fd < 0 ? Failed(info.Env(), "openat2") : Napi::Number::New(info.Env(), fd);
}

// createRun(state, trees, record, recordId, startedMs, reuse, home): {id, lock, mode, ino,
// homeMode}.
Napi::Value CreateRun(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  std::string text[2];
  if (!PathArgument(info[0], &text[0]) || !PathArgument(info[2], &text[1]) || !info[1].IsArray() ||
      !info[3].IsNumber() || !info[4].IsNumber()) {
    if (!env.IsExceptionPending())
      Napi::TypeError::New(env, "createRun: state, trees, record, recordId, startedMs expected")
          .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const Napi::Array list = info[1].As<Napi::Array>();
  std::vector<std::string> trees(list.Length());
  std::vector<const char *> names;
  for (uint32_t i = 0; i < trees.size(); i++) {
    if (!PathArgument(list.Get(i), &trees[i]))
      return env.Undefined();
    names.push_back(trees[i].c_str());
  }
  wb_rundir_request request = {};
  request.trees = names.data();
  request.tree_count = static_cast<uint32_t>(names.size());
  request.record = text[1].data();
  request.record_size = static_cast<uint32_t>(text[1].size());
  request.record_id = info[3].As<Napi::Number>().Uint32Value();
  request.started_ms = static_cast<uint64_t>(info[4].As<Napi::Number>().Int64Value());
  request.reuse = info[5].ToBoolean();
  request.home = info[6].ToBoolean();
  if (names.empty() || text[1].size() < WB_RUN_ID ||
      request.record_id > text[1].size() - WB_RUN_ID) {
    Napi::RangeError::New(env, "createRun: no tree, or an id outside of the record")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const Descriptor state(wb_state_open(text[0].c_str(), 1));
  wb_rundir run;
  if (state < 0 || wb_rundir_create(&run, state, &request) < 0)
    return Failed(env, "createRun");
  Napi::Object out = Napi::Object::New(env);
  out.Set("id", Napi::String::New(env, run.id));
  out.Set("lock", run.lock);
  out.Set("mode", run.mode);
  out.Set("ino", Napi::BigInt::New(env, run.workdir_ino));
  if (run.home)
    out.Set("homeMode", run.home_mode);
  run.lock = -1;
  wb_rundir_close(&run);
  return out;
}

// lockRun(directory): a descriptor; undefined where another process has it, or just makes the run.
Napi::Value LockRun(const Napi::CallbackInfo &info) {
  const int directory = info[0].IsNumber() ? info[0].As<Napi::Number>().Int32Value() : -1;
  const int lock = wb_rundir_lock(directory);
  if (lock >= 0)
    return Napi::Number::New(info.Env(), lock);
  return errno == EBUSY || errno == ENOENT ? info.Env().Undefined() : Failed(info.Env(), "lockRun");
}

// moveRun(state, id, from, to)
Napi::Value MoveRun(const Napi::CallbackInfo &info) {
  std::string text[4];
  if (!Strings(info, 0, 4, text))
    return info.Env().Undefined();
  const Descriptor state(wb_state_open(text[0].c_str(), 0));
  if (state < 0 || wb_rundir_move(state, text[1].c_str(), text[2].c_str(), text[3].c_str()) < 0)
    return Failed(info.Env(), "renameat2");
  return info.Env().Undefined();
}

// hasInterruptedRuns(state)
Napi::Value HasInterruptedRuns(const Napi::CallbackInfo &info) {
  std::string path;
  if (!PathArgument(info[0], &path))
    return info.Env().Undefined();
  const Descriptor state(wb_state_open(path.c_str(), 0));
  const Descriptor runs(state < 0 ? -1 : wb_state_open_in(state, "runs", 0));
  return Napi::Boolean::New(info.Env(), runs >= 0 && wb_rundir_interrupted(runs, nullptr));
}

// Runs that are over and whose mounts are being taken apart. What takes one out of the list ends
// it.
struct Retired : wb_rundir {
  std::string paths; // of wb_rundir::placed
};
std::mutex retired_mutex;
std::vector<Retired *> retired;
std::mutex recycling; // held longer: only the end of the process waits for it on Node's thread

void Recycle(void *argument) {
  auto *run = static_cast<Retired *>(argument);
  std::lock_guard<std::mutex> whole(recycling);
  {
    std::lock_guard<std::mutex> lock(retired_mutex);
    size_t i = 0;
    while (i < retired.size() && retired[i] != run)
      i++;
    if (i == retired.size())
      return; // removed as the process ended
    retired[i] = retired.back();
    retired.pop_back();
  }
  wb_rundir_recycle(run);
  wb_rundir_close(run);
  delete run;
}

// removeRetired(): for the end of the process, whose supervising threads end with it.
Napi::Value RemoveRetired(const Napi::CallbackInfo &info) {
  std::lock_guard<std::mutex> whole(recycling);
  std::lock_guard<std::mutex> lock(retired_mutex);
  for (Retired *run : retired) {
    wb_rundir_remove(run);
    wb_rundir_close(run);
    // Not deleted: its job may still come, and must not meet another run at its address.
  }
  retired.clear();
  return info.Env().Undefined();
}

// A run as createRun returns it.
bool ReadRun(const Napi::Value &value, std::string *id, wb_rundir *run) {
  const Napi::Object object =
      value.IsObject() ? value.As<Napi::Object>() : Napi::Object::New(value.Env());
  const Napi::Value lock = object.Get("lock"), mode = object.Get("mode"), ino = object.Get("ino");
  if (!lock.IsNumber() || !mode.IsNumber() || !ino.IsBigInt() ||
      !PathArgument(object.Get("id"), id) || id->size() != WB_RUN_ID) {
    if (!value.Env().IsExceptionPending())
      Napi::TypeError::New(value.Env(), "no run of createRun's").ThrowAsJavaScriptException();
    return false;
  }
  bool lossless;
  run->lock = lock.As<Napi::Number>().Int32Value();
  run->mode = mode.As<Napi::Number>().Uint32Value();
  run->workdir_ino = ino.As<Napi::BigInt>().Uint64Value(&lossless);
  const Napi::Value home = object.Get("homeMode");
  run->home = home.IsNumber();
  run->home_mode = run->home ? home.As<Napi::Number>().Uint32Value() : 0;
  return true;
}

} // namespace

Napi::Value EndUntouched(const Napi::CallbackInfo &info, AfterRelease after, void *sandbox) {
  Napi::Env env = info.Env();
  std::string text[2], id;
  wb_rundir made = {};
  if (!PathArgument(info[0], &text[0]) || !PathArgument(info[2], &text[1]) ||
      !ReadRun(info[1], &id, &made))
    return env.Undefined();
  if (!info[3].IsString()) {
    Napi::TypeError::New(env, "endUntouched: what was placed expected")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const Descriptor state(wb_state_open(text[0].c_str(), 0));
  auto *run = new Retired;
  const bool opened = wb_rundir_reopen(run, state, id.c_str(), made.lock) == 0;
  run->mode = made.mode;
  run->workdir_ino = made.workdir_ino;
  run->home = made.home;
  run->home_mode = made.home_mode;
  run->paths = info[3].As<Napi::String>().Utf8Value();
  run->placed = {run->paths.data(), static_cast<uint32_t>(run->paths.size())};
  bool ended = opened && wb_rundir_untouched(run, text[1].c_str());
  if (ended && after && wb_rundir_retire(run) == 0) {
    {
      std::lock_guard<std::mutex> lock(retired_mutex);
      retired.push_back(run);
    }
    after(sandbox, Recycle, run);
    return Napi::Boolean::New(env, true);
  }
  ended = ended && wb_rundir_remove(run) == 0;
  if (!ended)
    run->lock = -1; // stays the caller's
  wb_rundir_close(run);
  delete run;
  return Napi::Boolean::New(env, ended);
}

void RegisterRunDirectory(Napi::Env env, Napi::Object exports) {
  exports.Set("openOwn", Napi::Function::New(env, OpenOwn, "openOwn"));
  exports.Set("createRun", Napi::Function::New(env, CreateRun, "createRun"));
  exports.Set("lockRun", Napi::Function::New(env, LockRun, "lockRun"));
  exports.Set("moveRun", Napi::Function::New(env, MoveRun, "moveRun"));
  exports.Set("hasInterruptedRuns",
              Napi::Function::New(env, HasInterruptedRuns, "hasInterruptedRuns"));
  exports.Set("removeRetired", Napi::Function::New(env, RemoveRetired, "removeRetired"));
  exports.Set(
      "endUntouched",
      Napi::Function::New(
          env, [](const Napi::CallbackInfo &info) { return EndUntouched(info, nullptr, nullptr); },
          "endUntouched"));
}

} // namespace wasbox
