// Accounts, from all sources that the machine has. Not in the engine: a static program loads none
// of their modules, and reads /etc/passwd (src/engine/accounts.ts).
#include <pwd.h>

#include <vector>

#include "addon.h"

namespace wasbox {
namespace {

Napi::Value UserById(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  if (!info[0].IsNumber()) {
    Napi::TypeError::New(env, "uid must be a number").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  struct passwd entry, *found = nullptr;
  std::vector<char> buffer(16384);
  int error = getpwuid_r(info[0].As<Napi::Number>().Uint32Value(), &entry, buffer.data(),
                         buffer.size(), &found);
  if (error || !found)
    return env.Undefined();
  Napi::Object user = Napi::Object::New(env);
  user.Set("name", found->pw_name);
  user.Set("gid", Napi::Number::New(env, found->pw_gid));
  user.Set("home", found->pw_dir);
  user.Set("shell", found->pw_shell);
  return user;
}

} // namespace

void RegisterUsers(Napi::Env env, Napi::Object exports) {
  exports.Set("userById", Napi::Function::New(env, UserById, "userById"));
}

} // namespace wasbox
