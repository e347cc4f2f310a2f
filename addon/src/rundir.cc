// The directories of runs (addon/rundir) for TypeScript: types are checked here, and what may take
// a while, emptying a layer for the next run, happens on the thread that supervised the run.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "../rundir/rundir.h"
#include "addon.h"
#include "descriptor.h"
#include "held_runs.h"
#include "run_creation.h"
#include "run_end.h"
#include "work.h"

namespace wasbox {
namespace {

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
  const bool create = BooleanOf(info[2]);
  const Descriptor state(wb_state_open(text[0].c_str(), create));
  const int fd = state < 0 ? -1 : wb_state_open_in(state, text[1].c_str(), create);
  return fd < 0 ? Failed(info.Env(), "openat2") : NewDescriptor(info.Env(), fd);
}

// closeRun(lock): releases the lock of a run that createRun made.
Napi::Value CloseRun(const Napi::CallbackInfo &info) {
  const int lock = info[0].IsNumber() ? info[0].As<Napi::Number>().Int32Value() : -1;
  LetGo(lock);
  if (close(lock) < 0)
    return Failed(info.Env(), "close");
  return info.Env().Undefined();
}

// lockRun(directory, shared): a descriptor; undefined where another process has it or has removed
// it.
Napi::Value LockRun(const Napi::CallbackInfo &info) {
  const int directory = info[0].IsNumber() ? info[0].As<Napi::Number>().Int32Value() : -1;
  const int lock = BooleanOf(info[1]) ? wb_rundir_share(directory) : wb_rundir_lock(directory);
  if (lock >= 0)
    return NewDescriptor(info.Env(), lock);
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
struct Retired {
  wb_rundir run;
  std::string paths; // of wb_rundir::placed
  bool untouched;
  bool reuse;
};

// Each retired run holds three descriptors and a thread.
constexpr size_t kMostRetired = 64;

std::mutex retired_mutex;
// The list is never destroyed: threads that supervise go on while the process ends.
std::vector<Retired *> &retired = *new std::vector<Retired *>();
size_t recycling = 0; // that are in no list any more, and not ended
pthread_cond_t one_is_gone = PTHREAD_COND_INITIALIZER;

// A program that ends runs faster than their layers are emptied waits, in the end of a run, for a
// while; it would run out of descriptors.
void WaitForRoom(std::unique_lock<std::mutex> &lock) {
  timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 10;
  while (retired.size() + recycling >= kMostRetired &&
         pthread_cond_timedwait(&one_is_gone, lock.mutex()->native_handle(), &end) == 0)
    ;
}

// removeRetired(): for the end of the process, whose supervising threads end with it.
Napi::Value RemoveRetired(const Napi::CallbackInfo &info) {
  std::vector<Retired *> rest;
  std::unique_lock<std::mutex> lock(retired_mutex);
  rest.swap(retired);
  pthread_cond_broadcast(&one_is_gone);
  lock.unlock();
  for (Retired *one : rest) {
    wb_rundir_discard(&one->run, 0);
    wb_rundir_close(&one->run);
    // It is not deleted: its job may still come, and must not meet another run at its address.
  }
  lock.lock();
  while (recycling > 0)
    pthread_cond_wait(&one_is_gone, retired_mutex.native_handle());
  return info.Env().Undefined();
}

class TreeRemoval : public Work {
public:
  TreeRemoval(int parent, std::string name) : parent_(parent), name_(std::move(name)) {}
  void Execute() override { error_ = wb_tree_remove(parent_, name_.c_str()) < 0 ? errno : 0; }
  Napi::Value Result(Napi::Env env) override {
    if (error_)
      ThrowErrno(env, error_, "unlinkat");
    return env.Undefined();
  }

private:
  Descriptor parent_;
  std::string name_;
  int error_ = 0;
};

// Reads `directory, name` of a tree to be removed.
bool TreeArguments(const Napi::CallbackInfo &info, std::string *name) {
  if (info[0].IsNumber() && PathArgument(info[1], name) && !name->empty() &&
      name->find('/') == std::string::npos)
    return true;
  if (!info.Env().IsExceptionPending())
    Napi::TypeError::New(info.Env(), "a directory and a name in it expected")
        .ThrowAsJavaScriptException();
  return false;
}

// removeTree(directory, name, most): removes a name from an open directory with everything below
// it, `most` entries or a few more, and returns how many.
Napi::Value RemoveTree(const Napi::CallbackInfo &info) {
  std::string name;
  if (!TreeArguments(info, &name))
    return info.Env().Undefined();
  const long removed =
      wb_tree_remove_some(IntOf(info[0]), name.c_str(), info[2].As<Napi::Number>().Uint32Value());
  if (removed < 0)
    return Failed(info.Env(), "unlinkat");
  return Napi::Number::New(info.Env(), static_cast<double>(removed));
}

// removeTreeSoon(directory, name): removes everything at once, on another thread; the descriptor
// may be closed meanwhile.
Napi::Value RemoveTreeSoon(const Napi::CallbackInfo &info) {
  std::string name;
  if (!TreeArguments(info, &name))
    return info.Env().Undefined();
  const int parent = fcntl(info[0].As<Napi::Number>().Int32Value(), F_DUPFD_CLOEXEC, 3);
  if (parent < 0)
    return Failed(info.Env(), "fcntl");
  return Promised(info.Env(), std::make_unique<TreeRemoval>(parent, std::move(name)));
}

uint32_t NumberOr0(const Napi::Value &value) {
  return value.IsNumber() ? value.As<Napi::Number>().Uint32Value() : 0;
}

// Reads a run as createRun returns it.
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
  run->home_mode = NumberOr0(home);
  run->home_uid = NumberOr0(object.Get("homeUid"));
  run->home_gid = NumberOr0(object.Get("homeGid"));
  return true;
}

// Returns a run that is over, and whether its layer is as it was made, if that is asked. `state`
// stays open until it is retired or removed.
std::unique_ptr<Retired> Reopen(int state, const RunEnd &end, bool untouched, bool *opened) {
  auto one = std::make_unique<Retired>();
  wb_rundir *run = &one->run;
  *opened = wb_rundir_reopen(run, state, end.made.id, end.made.lock) == 0;
  run->mode = end.made.mode;
  run->workdir_ino = end.made.workdir_ino;
  run->home = end.made.home;
  run->home_mode = end.made.home_mode;
  run->home_uid = end.made.home_uid;
  run->home_gid = end.made.home_gid;
  one->paths = end.placed;
  run->placed = {one->paths.data(), static_cast<uint32_t>(one->paths.size())};
  one->untouched = *opened && untouched && wb_rundir_untouched(run, end.workdir.c_str());
  return one;
}

// Keeps a run until its job ends it, or the end of the process.
Retired *Enlist(std::unique_ptr<Retired> one) {
  Retired *last = one.release();
  std::unique_lock<std::mutex> lock(retired_mutex);
  WaitForRoom(lock);
  retired.push_back(last);
  return last;
}

// The end of a run whose sandbox has told its outcome.
class Ending : public Work {
public:
  Ending(AfterRelease after, std::shared_ptr<void> sandbox, bool discard)
      : after_(after), sandbox_(std::move(sandbox)), discard_(discard) {}

  // `at`: the index of the first argument of (state, run, workdir, placed, reuse).
  bool Read(const Napi::CallbackInfo &info, size_t at) {
    reuse_ = BooleanOf(info[at + 4]);
    return end_.Read(info[at], info[at + 1], info[at + 2], info[at + 3]);
  }

  void Execute() override {
    bool opened;
    const Descriptor state(wb_state_open(end_.state.c_str(), 0));
    auto one = Reopen(state, end_, !discard_, &opened);
    wb_rundir *run = &one->run;
    one->reuse = reuse_;
    ended_ = opened && (discard_ || one->untouched);
    if (ended_ && after_ && wb_rundir_retire(run) == 0) {
      LetGo(end_.made.lock);
      after_(sandbox_.get(), RecycleRun, Enlist(std::move(one)));
      return;
    }
    ended_ = ended_ && !discard_ && wb_rundir_remove(run) == 0;
    if (ended_)
      LetGo(end_.made.lock);
    else
      run->lock = -1; // stays the caller's
    wb_rundir_close(run);
  }

  Napi::Value Result(Napi::Env env) override { return Napi::Boolean::New(env, ended_); }

private:
  AfterRelease after_;
  std::shared_ptr<void> sandbox_;
  bool discard_;
  RunEnd end_;
  bool reuse_ = false, ended_ = false;
};

} // namespace

bool RunEnd::Read(const Napi::Value &state_path, const Napi::Value &run,
                  const Napi::Value &workdir_path, const Napi::Value &placed_paths) {
  std::string id;
  if (!ReadPaths(state_path, workdir_path, placed_paths) || !ReadRun(run, &id, &made))
    return false;
  memcpy(made.id, id.c_str(), WB_RUN_ID);
  return true;
}

bool RunEnd::ReadPaths(const Napi::Value &state_path, const Napi::Value &workdir_path,
                       const Napi::Value &placed_paths) {
  if (!PathArgument(state_path, &state) || !PathArgument(workdir_path, &workdir))
    return false;
  if (!placed_paths.IsString()) {
    Napi::TypeError::New(state_path.Env(), "the end of a run: what was placed expected")
        .ThrowAsJavaScriptException();
    return false;
  }
  placed = placed_paths.As<Napi::String>().Utf8Value();
  return true;
}

void *RetireUntouched(const RunEnd &end) {
  bool opened;
  const Descriptor state(wb_state_open(end.state.c_str(), 0));
  auto one = Reopen(state, end, true, &opened);
  if (!one->untouched || wb_rundir_retire(&one->run) < 0) {
    one->run.lock = -1; // stays the caller's
    wb_rundir_close(&one->run);
    return nullptr;
  }
  LetGo(end.made.lock);
  return Enlist(std::move(one));
}

// Recycles each run in the thread that supervised it: then the more of them are left behind, the
// larger is their share of the processors.
void RecycleRun(void *argument) {
  Retired *one = static_cast<Retired *>(argument);
  {
    std::lock_guard<std::mutex> lock(retired_mutex);
    size_t i = 0;
    while (i < retired.size() && retired[i] != one)
      i++;
    if (i == retired.size())
      return; // removed as the process ended
    retired[i] = retired.back();
    retired.pop_back();
    recycling++;
  }
  if (one->untouched)
    wb_rundir_recycle(&one->run);
  else
    wb_rundir_discard(&one->run, one->reuse);
  wb_rundir_close(&one->run);
  delete one;
  std::lock_guard<std::mutex> lock(retired_mutex);
  recycling--;
  pthread_cond_broadcast(&one_is_gone);
}

Napi::Value EndRun(const Napi::CallbackInfo &info, AfterRelease after,
                   std::shared_ptr<void> sandbox, bool discard) {
  auto ending = std::make_unique<Ending>(after, std::move(sandbox), discard);
  if (!ending->Read(info, 1))
    return info.Env().Undefined();
  return Promised(info.Env(), std::move(ending));
}

// endUntouched(state, run, workdir, placed): whether the run was ended.
Napi::Value EndUntouched(const Napi::CallbackInfo &info) {
  Ending ending(nullptr, nullptr, false);
  if (!ending.Read(info, 0))
    return info.Env().Undefined();
  ending.Execute();
  return ending.Result(info.Env());
}

void RegisterRunDirectory(Napi::Env env, Napi::Object exports) {
  RegisterHeldRuns(env);
  exports.Set("openOwn", Napi::Function::New(env, OpenOwn, "openOwn"));
  RegisterRunCreation(env, exports);
  exports.Set("closeRun", Napi::Function::New(env, CloseRun, "closeRun"));
  exports.Set("lockRun", Napi::Function::New(env, LockRun, "lockRun"));
  exports.Set("moveRun", Napi::Function::New(env, MoveRun, "moveRun"));
  exports.Set("hasInterruptedRuns",
              Napi::Function::New(env, HasInterruptedRuns, "hasInterruptedRuns"));
  exports.Set("removeRetired", Napi::Function::New(env, RemoveRetired, "removeRetired"));
  exports.Set("removeTree", Napi::Function::New(env, RemoveTree, "removeTree"));
  exports.Set("removeTreeSoon", Napi::Function::New(env, RemoveTreeSoon, "removeTreeSoon"));
  exports.Set("endUntouched", Napi::Function::New(env, EndUntouched, "endUntouched"));
}

} // namespace wasbox
