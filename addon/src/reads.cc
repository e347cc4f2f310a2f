// readsAgree(table, count): whether the host answers the questions about files that a table begins
// with as it did when src/plan/read-table.ts wrote it. One call in place of a hundred of node:fs.
#include <cstdint>

#include "../reads_check.h"
#include "addon.h"

namespace wasbox {
namespace {

Napi::Value ReadsAgree(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  if (!info[0].IsTypedArray() || !info[1].IsNumber()) {
    Napi::TypeError::New(env, "readsAgree(table, count) expected").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const Napi::Uint8Array table = info[0].As<Napi::Uint8Array>();
  const uint32_t count = info[1].As<Napi::Number>().Uint32Value();
  const auto *base = reinterpret_cast<const char *>(table.Data());
  const size_t size = table.ByteLength();
  const uint64_t rows = uint64_t{count} * sizeof(wb_recorded_read);
  if (size > UINT32_MAX || rows > size ||
      !wb_reads_fit(base, static_cast<uint32_t>(size), static_cast<uint32_t>(rows), 0, count)) {
    Napi::RangeError::New(env, "readsAgree: not a table of as many reads")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  wb_reads reads;
  reads.base = base;
  reads.plain = nullptr;
  const wb_recorded_read *recorded = wb_reads_at(base, 0);
  for (uint32_t i = 0; i < count; i++)
    if (!wb_read_agrees(&reads, recorded + i))
      return Napi::Boolean::New(env, false);
  return Napi::Boolean::New(env, true);
}

} // namespace

void RegisterReads(Napi::Env env, Napi::Object exports) {
  exports.Set("readsAgree", Napi::Function::New(env, ReadsAgree, "readsAgree"));
}

} // namespace wasbox
