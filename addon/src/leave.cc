// The end of the command's process. Node takes its own memory and threads apart before it ends,
// which the kernel does anyway, faster.
#include <fcntl.h>
#include <unistd.h>

#include "addon.h"

namespace wasbox {
namespace {

constexpr int kStandard = 3;

// The flags as Node found them: it gives them back so, and others may go on with the same pipe.
int flags_before[kStandard];

// leave(status): ends this process at once. Returns where Node must end it, which puts terminals
// right.
void Leave(const Napi::CallbackInfo &info) {
  for (int fd = 0; fd < kStandard; fd++)
    if (isatty(fd))
      return;
  for (int fd = 0; fd < kStandard; fd++) {
    const int before = flags_before[fd], now = fcntl(fd, F_GETFL);
    if (before >= 0 && now >= 0 && ((before ^ now) & O_NONBLOCK))
      fcntl(fd, F_SETFL, (now & ~O_NONBLOCK) | (before & O_NONBLOCK));
  }
  _exit(IntOf(info[0]));
}

} // namespace

void RegisterLeave(Napi::Env env, Napi::Object exports) {
  for (int fd = 0; fd < kStandard; fd++)
    flags_before[fd] = fcntl(fd, F_GETFL);
  exports.Set("leave", Napi::Function::New(env, Leave, "leave"));
}

} // namespace wasbox
