// Module entry.
#include "addon.h"

#include "../wire.h"

namespace wasbox {

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("wireVersion", Napi::Number::New(env, WB_WIRE_VERSION));
  RegisterLaunch(env, exports);
  RegisterFiles(env, exports);
  RegisterHost(env, exports);
  RegisterLeave(env, exports);
  RegisterRunDirectory(env, exports);
  RegisterRunIds(env, exports);
  RegisterSearch(env, exports);
  RegisterText(env, exports);
  RegisterWorkingCopy(env, exports);
  if (RegisterUsers)
    RegisterUsers(env, exports);
  if (RegisterReads)
    RegisterReads(env, exports);
  if (RegisterSessions)
    RegisterSessions(env, exports);
  if (RegisterOwners)
    RegisterOwners(env, exports);
  return exports;
}

NODE_API_MODULE(wasbox, Init)

} // namespace wasbox
