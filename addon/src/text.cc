// Bytes that are no text, and lines that differ (addon/text).
#include <cerrno>

#include "../text/text.h"
#include "addon.h"

namespace wasbox {
namespace {

bool BytesArgument(const Napi::Value &value, Napi::Uint8Array *bytes) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    Napi::TypeError::New(value.Env(), "the text must be bytes").ThrowAsJavaScriptException();
    return false;
  }
  *bytes = value.As<Napi::Uint8Array>();
  return true;
}

Napi::Value TextJunk(const Napi::CallbackInfo &info) {
  Napi::Uint8Array text;
  if (!BytesArgument(info[0], &text))
    return info.Env().Undefined();
  return Napi::Number::New(info.Env(),
                           static_cast<double>(wb_text_junk(text.Data(), text.ByteLength())));
}

// lineChanges(before, after, most): [added, removed].
Napi::Value LineChanges(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  Napi::Uint8Array before, after;
  if (!BytesArgument(info[0], &before) || !BytesArgument(info[1], &after))
    return env.Undefined();
  const size_t most = info[2].IsNumber() ? info[2].As<Napi::Number>().Uint32Value() : 0;
  struct wb_line_changes changes;
  if (wb_text_line_changes(before.Data(), before.ByteLength(), after.Data(), after.ByteLength(),
                           most, &changes) < 0) {
    ThrowErrno(env, errno, "malloc");
    return env.Undefined();
  }
  Napi::Array out = Napi::Array::New(env, 2);
  out.Set(0u, Napi::Number::New(env, static_cast<double>(changes.added)));
  out.Set(1u, Napi::Number::New(env, static_cast<double>(changes.removed)));
  return out;
}

} // namespace

void RegisterText(Napi::Env env, Napi::Object exports) {
  exports.Set("textJunk", Napi::Function::New(env, TextJunk, "textJunk"));
  exports.Set("lineChanges", Napi::Function::New(env, LineChanges, "lineChanges"));
}

} // namespace wasbox
