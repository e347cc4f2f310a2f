// See run_creation.h.
#include "run_creation.h"

#include <cerrno>
#include <memory>
#include <utility>

#include "descriptor.h"
#include "work.h"

namespace wasbox {

bool RunCreation::Read(Napi::Env env, const std::vector<Napi::Value> &given) {
  if (given.size() < 7 || !PathArgument(given[0], &state_) || !PathArgument(given[2], &record_) ||
      !given[1].IsArray() || !given[3].IsNumber()) {
    if (!env.IsExceptionPending())
      Napi::TypeError::New(env, "createRun: state, trees, record, startedMs expected")
          .ThrowAsJavaScriptException();
    return false;
  }
  const Napi::Array list = given[1].As<Napi::Array>();
  trees_.resize(list.Length());
  for (uint32_t i = 0; i < trees_.size(); i++)
    if (!PathArgument(list.Get(i), &trees_[i]))
      return false;
  started_ms_ = static_cast<uint64_t>(given[3].As<Napi::Number>().Int64Value());
  reuse_ = BooleanOf(given[4]);
  home_ = BooleanOf(given[5]);
  discard_ = BooleanOf(given[6]);
  if (!trees_.empty())
    return true;
  Napi::RangeError::New(env, "createRun: no tree").ThrowAsJavaScriptException();
  return false;
}

bool RunCreation::Make() {
  std::vector<const char *> names;
  for (const std::string &tree : trees_)
    names.push_back(tree.c_str());
  wb_rundir_request request = {};
  request.trees = names.data();
  request.tree_count = static_cast<uint32_t>(names.size());
  request.record = record_.data();
  request.record_size = static_cast<uint32_t>(record_.size());
  request.started_ms = started_ms_;
  request.reuse = reuse_;
  request.home = home_;
  const Descriptor state(wb_state_open(state_.c_str(), 1));
  if (state < 0 || wb_rundir_create(&run_, state, &request) < 0) {
    error_ = errno;
    return false;
  }
  lock_ = run_.lock;
  run_.lock = -1;
  wb_rundir_close(&run_);
  return true;
}

HeldRun RunCreation::Held() const {
  return {state_, trees_[0], run_.id, lock_, run_.mode, run_.workdir_ino, home_, discard_};
}

void RunCreation::Describe(wb_rundir *made) const {
  memcpy(made->id, run_.id, sizeof made->id);
  made->lock = lock_;
  made->mode = run_.mode;
  made->workdir_ino = run_.workdir_ino;
  made->home = run_.home;
  made->home_mode = run_.home_mode;
  made->home_uid = run_.home_uid;
  made->home_gid = run_.home_gid;
}

Napi::Value RunCreation::Result(Napi::Env env) const {
  if (error_ != 0) {
    ThrowErrno(env, error_, "createRun");
    return env.Undefined();
  }
  Napi::Object out = Napi::Object::New(env);
  out.Set("id", Napi::String::New(env, run_.id));
  out.Set("lock", lock_);
  out.Set("mode", run_.mode);
  out.Set("ino", Napi::BigInt::New(env, run_.workdir_ino));
  if (run_.home) {
    out.Set("homeMode", run_.home_mode);
    out.Set("homeUid", run_.home_uid);
    out.Set("homeGid", run_.home_gid);
  }
  return out;
}

namespace {

class Creation : public Work {
public:
  explicit Creation(Napi::Env env) : env_(env) {}

  bool Read(const Napi::CallbackInfo &info) {
    std::vector<Napi::Value> given;
    for (size_t i = 0; i < 7; i++)
      given.push_back(info[i]);
    return creation_.Read(info.Env(), given);
  }

  void Execute() override {
    if (creation_.Make())
      Hold(env_, creation_.Held());
  }

  Napi::Value Result(Napi::Env env) override { return creation_.Result(env); }

private:
  napi_env env_;
  RunCreation creation_;
};

// createRun(state, trees, record, startedMs, reuse, home, discard): {id, lock, mode, ino, homeMode,
// homeUid, homeGid}.
Napi::Value CreateRun(const Napi::CallbackInfo &info) {
  Creation creation(info.Env());
  if (!creation.Read(info))
    return info.Env().Undefined();
  creation.Execute();
  return creation.Result(info.Env());
}

// createRunSoon(…): the same, as a promise.
Napi::Value CreateRunSoon(const Napi::CallbackInfo &info) {
  auto creation = std::make_unique<Creation>(info.Env());
  if (!creation->Read(info))
    return info.Env().Undefined();
  return Promised(info.Env(), std::move(creation));
}

} // namespace

void RegisterRunCreation(Napi::Env env, Napi::Object exports) {
  exports.Set("createRun", Napi::Function::New(env, CreateRun, "createRun"));
  exports.Set("createRunSoon", Napi::Function::New(env, CreateRunSoon, "createRunSoon"));
}

} // namespace wasbox
