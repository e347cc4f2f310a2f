// The N-API glue: types are checked here, values in TypeScript. Each file registers its functions
// on the exports object; errors carry code, errno and syscall like Node's own.
#ifndef WASBOX_ADDON_H
#define WASBOX_ADDON_H

#include <napi.h>

#include <memory>
#include <string>

namespace wasbox {

  void RegisterLaunch(Napi::Env env, Napi::Object exports);
  void RegisterFiles(Napi::Env env, Napi::Object exports);
  void RegisterHost(Napi::Env env, Napi::Object exports);
  void RegisterLeave(Napi::Env env, Napi::Object exports);
  void RegisterRunDirectory(Napi::Env env, Napi::Object exports);
  void RegisterRunIds(Napi::Env env, Napi::Object exports);
  void RegisterSearch(Napi::Env env, Napi::Object exports);
  void RegisterText(Napi::Env env, Napi::Object exports);
  void RegisterWorkingCopy(Napi::Env env, Napi::Object exports);
  // Node's addon has these; the engine has none (napi.c).
  __attribute__((weak)) void RegisterUsers(Napi::Env env, Napi::Object exports);
  __attribute__((weak)) void RegisterReads(Napi::Env env, Napi::Object exports);
  __attribute__((weak)) void RegisterSessions(Napi::Env env, Napi::Object exports);
  __attribute__((weak)) void RegisterOwners(Napi::Env env, Napi::Object exports);

  // values.cc: throws an Error {code: 'EPERM', errno, syscall, message}.
  void ThrowErrno(Napi::Env env, int error, const char *syscall);

  // files.cc: a descriptor for JavaScript; it is closed with an environment that owns what it
  // opens.
  Napi::Value NewDescriptor(Napi::Env env, int fd);
  // files.cc: both ends of a pipe or of a pair of sockets, in an array.
  Napi::Value NewDescriptors(Napi::Env env, const int (&fds)[2]);

  // rundir.cc: (handle, state, run, workdir, placed, reuse) of a sandbox whose payload has ended.
  // Returns a promise of whether the run was ended, too: it is if it changed nothing, or with
  // `discard`. `after` runs a job when the sandbox's mounts are gone.
  using AfterRelease = void (*)(void *sandbox, void (*job)(void *), void *argument);
  Napi::Value EndRun(const Napi::CallbackInfo &info, AfterRelease after,
                     std::shared_ptr<void> sandbox, bool discard);

  // values.cc: a path given as a string or as bytes; false (and a pending TypeError) where it is
  // neither or holds a NUL.
  bool PathArgument(const Napi::Value &value, std::string *out);

  // values.cc: false, and -1, for a value of another type. Unlike ToBoolean and ToNumber they do
  // not run JavaScript, which fails while a worker thread is terminated; what those return then
  // ends the process when it is read.
  bool BooleanOf(const Napi::Value &value);
  int IntOf(const Napi::Value &value);

} // namespace wasbox

#endif
