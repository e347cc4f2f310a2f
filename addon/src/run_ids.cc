// IDs of runs by the names in a directory (src/changes/store/run-ids.ts). In C++, because there may
// be ten thousand names, of which TypeScript wants one.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "../rundir/rundir.h"
#include "addon.h"

namespace wasbox {
namespace {

// Names in `directory` that `wanted` takes. Returns 0, or an errno.
template <typename Wanted>
int Names(int directory, Wanted wanted, std::vector<std::string> *found) {
  const int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return errno;
  DIR *stream = fdopendir(fd);
  if (stream == nullptr) {
    const int error = errno;
    close(fd);
    return error;
  }
  errno = 0;
  while (const dirent *entry = readdir(stream))
    if (wanted(entry->d_name))
      found->emplace_back(entry->d_name);
  const int error = errno;
  closedir(stream);
  return error;
}

// runIds(directory, prefix, before, most): IDs that begin with `prefix` and are older than `before`
// (empty: all), the newest first, at most `most`.
Napi::Value RunIds(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  std::string prefix, before;
  if (!PathArgument(info[1], &prefix) || !PathArgument(info[2], &before))
    return env.Undefined();
  const int directory = info[0].IsNumber() ? info[0].As<Napi::Number>().Int32Value() : -1;
  const size_t most = info[3].IsNumber() ? info[3].As<Napi::Number>().Uint32Value() : 0;
  std::vector<std::string> found;
  const auto wanted = [&](const char *name) {
    return wb_is_run_id(name) && strncmp(name, prefix.c_str(), prefix.size()) == 0 &&
           (before.empty() || name < before);
  };
  const int error = Names(directory, wanted, &found);
  if (error != 0) {
    ThrowErrno(env, error, "scandir");
    return env.Undefined();
  }
  const size_t count = std::min(most, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<ptrdiff_t>(count), found.end(),
                    std::greater<>());
  Napi::Array list = Napi::Array::New(env, count);
  for (size_t i = 0; i < count; i++)
    list.Set(static_cast<uint32_t>(i), Napi::String::New(env, found[i]));
  return list;
}

} // namespace

void RegisterRunIds(Napi::Env env, Napi::Object exports) {
  exports.Set("runIds", Napi::Function::New(env, RunIds, "runIds"));
}

} // namespace wasbox
