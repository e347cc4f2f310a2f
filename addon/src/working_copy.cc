// Private copies of directories (addon/rundir/working_copy.h) for TypeScript.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "../rundir/working_copy.h"
#include "addon.h"

namespace wasbox {
namespace {

uint32_t Id(const Napi::Value &value) {
  return value.IsNumber() ? value.As<Napi::Number>().Uint32Value() : UINT32_MAX;
}

uint64_t Limit(const Napi::Value &value) {
  return value.IsNumber() ? static_cast<uint64_t>(value.As<Napi::Number>().Int64Value()) : 0;
}

// A copy as TypeScript names it, with what it borrows.
struct Request {
  std::string source, place, name, left_out;
  wb_copy_request native = {};
  int fd = -1;

  ~Request() {
    if (fd >= 0)
      close(fd);
  }

  bool Read(const Napi::Value &value) {
    const Napi::Env env = value.Env();
    const Napi::Object object =
        value.IsObject() ? value.As<Napi::Object>() : Napi::Object::New(env);
    const Napi::Value from = object.Get("source"), left = object.Get("leftOut");
    if ((from.IsString() && !PathArgument(from, &source)) ||
        !PathArgument(object.Get("place"), &place) || !PathArgument(object.Get("name"), &name) ||
        name.find('/') != std::string::npos || name.size() > 32) {
      if (!env.IsExceptionPending())
        Napi::TypeError::New(env, "a working copy: place and name expected")
            .ThrowAsJavaScriptException();
      return false;
    }
    if (left.IsString())
      left_out = left.As<Napi::String>().Utf8Value();
    fd = open(place.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
      ThrowErrno(env, errno, "open");
      return false;
    }
    native = {from.IsString() ? source.c_str() : nullptr,
              fd,
              name.c_str(),
              left_out.data(),
              left_out.size(),
              Id(object.Get("uid")),
              Id(object.Get("gid")),
              Limit(object.Get("maxBytes")),
              Limit(object.Get("maxFiles")),
              0};
    return true;
  }
};

// Throws an error with the path of the file that was in the way.
Napi::Value Failure(Napi::Env env, const wb_copy_failure &failure, const char *call) {
  ThrowErrno(env, failure.error, call);
  const Napi::Value error = env.GetAndClearPendingException().Value();
  error.As<Napi::Object>().Set("path", Napi::String::New(env, failure.path));
  Napi::Error(env, error).ThrowAsJavaScriptException();
  return env.Undefined();
}

// makeWorkingCopy({source?, place, name, leftOut?, uid?, gid?, maxBytes?, maxFiles?})
Napi::Value Make(const Napi::CallbackInfo &info) {
  Request request;
  auto failure = std::make_unique<wb_copy_failure>();
  if (!request.Read(info[0]))
    return info.Env().Undefined();
  if (wb_copy_make(&request.native, failure.get()) < 0)
    return Failure(info.Env(), *failure, "makeWorkingCopy");
  return info.Env().Undefined();
}

// captureWorkingCopy({source?, place, name}, upper, uid?, gid?): whether the layer is all that was
// done
Napi::Value Capture(const Napi::CallbackInfo &info) {
  Request request;
  std::string path;
  auto failure = std::make_unique<wb_copy_failure>();
  if (!request.Read(info[0]) || !PathArgument(info[1], &path))
    return info.Env().Undefined();
  const int upper = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (upper < 0) {
    ThrowErrno(info.Env(), errno, "open");
    return info.Env().Undefined();
  }
  const int ret = wb_copy_capture(&request.native, upper, Id(info[2]), Id(info[3]), failure.get());
  close(upper);
  if (ret < 0)
    return Failure(info.Env(), *failure, "captureWorkingCopy");
  return Napi::Boolean::New(info.Env(), ret == 0);
}

} // namespace

void RegisterWorkingCopy(Napi::Env env, Napi::Object exports) {
  exports.Set("makeWorkingCopy", Napi::Function::New(env, Make, "makeWorkingCopy"));
  exports.Set("captureWorkingCopy", Napi::Function::New(env, Capture, "captureWorkingCopy"));
}

} // namespace wasbox
