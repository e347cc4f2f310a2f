// Facts about the host: errno names, what the kernel offers.
#include <string.h>

#include "../supervisor/supervisor.h"
#include "addon.h"
#include "errno_names.h"

namespace wasbox {
namespace {

Napi::Value ErrnoName(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  int error = IntOf(info[0]);
  Napi::Object out = Napi::Object::New(env);
  out.Set("code", ErrnoCode(error));
  out.Set("message", strerror(error));
  return out;
}

Napi::Value Probe(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  std::string directory;
  if (!PathArgument(info[0], &directory))
    return env.Undefined();
  struct wb_probe probe;
  wb_probe(&probe, directory.c_str());
  Napi::Object out = Napi::Object::New(env);
  out.Set("landlockAbi", probe.landlock_abi);
  out.Set("namespacesErrno", probe.namespaces_error);
  out.Set("procErrno", probe.proc_error);
  out.Set("overlayErrno", probe.overlay_error);
  out.Set("seccompErrno", probe.seccomp_error);
  out.Set("seccompNotify", Napi::Boolean::New(env, probe.seccomp_notify != 0));
  out.Set("idmapErrno", probe.idmap_error);
  return out;
}

Napi::Value LandlockAbi(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), wb_landlock_abi());
}

Napi::Value NamespacesErrno(const Napi::CallbackInfo &info) {
  return Napi::Number::New(info.Env(), wb_namespaces_error());
}

} // namespace

void RegisterHost(Napi::Env env, Napi::Object exports) {
  exports.Set("errnoName", Napi::Function::New(env, ErrnoName, "errnoName"));
  exports.Set("probe", Napi::Function::New(env, Probe, "probe"));
  exports.Set("landlockAbi", Napi::Function::New(env, LandlockAbi, "landlockAbi"));
  exports.Set("namespacesErrno", Napi::Function::New(env, NamespacesErrno, "namespacesErrno"));
}

} // namespace wasbox
