// The search for names that patterns may match (addon/search), and the digest of a tree.
#include <cerrno>
#include <cstdlib>

#include "../search/search.h"
#include "../tree_digest.h"
#include "addon.h"

namespace wasbox {
namespace {

int Progress(void *of, uint64_t names) {
  const auto &call = *static_cast<Napi::Function *>(of);
  const Napi::Env env = call.Env();
  call.Call({Napi::Number::New(env, static_cast<double>(names))});
  return env.IsExceptionPending();
}

// search(root, request, state, progress): [what wb_search found, how many names there are].
Napi::Value Search(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  std::string root, state;
  if (!PathArgument(info[0], &root) || (info[2].IsString() && !PathArgument(info[2], &state)))
    return env.Undefined();
  if (!info[1].IsTypedArray()) {
    Napi::TypeError::New(env, "the request must be bytes").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const auto request = info[1].As<Napi::Uint8Array>();
  Napi::Function progress;
  struct wb_search search = {};
  search.root = root.c_str();
  search.request = request.Data();
  search.request_size = request.ByteLength();
  search.state = info[2].IsString() ? state.c_str() : nullptr;
  if (info[3].IsFunction()) {
    progress = info[3].As<Napi::Function>();
    search.progress = Progress;
    search.of = &progress;
  }
  struct wb_bytes found = {};
  uint64_t names = 0;
  if (wb_search(&search, &found, &names) < 0) {
    const int error = errno;
    free(found.at);
    if (!env.IsExceptionPending())
      ThrowErrno(env, error, "getdents");
    return env.Undefined();
  }
  Napi::Array out = Napi::Array::New(env, 2);
  out.Set(0u, Napi::Buffer<uint8_t>::Copy(env, found.at, found.size));
  out.Set(1u, Napi::Number::New(env, static_cast<double>(names)));
  free(found.at);
  return out;
}

// treeDigest(path): what wb_tree_digest says; undefined where not all can be read.
Napi::Value TreeDigest(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  std::string path;
  char digest[WB_TREE_DIGEST_LENGTH];
  if (!PathArgument(info[0], &path) || wb_tree_digest(path.c_str(), digest) < 0)
    return env.Undefined();
  return Napi::String::New(env, digest, sizeof digest);
}

} // namespace

void RegisterSearch(Napi::Env env, Napi::Object exports) {
  exports.Set("search", Napi::Function::New(env, Search, "search"));
  exports.Set("treeDigest", Napi::Function::New(env, TreeDigest, "treeDigest"));
}

} // namespace wasbox
