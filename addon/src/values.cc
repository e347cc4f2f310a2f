// Declares what the glue files share: errors like Node's own, and paths as arguments.
#include <cstring>

#include "addon.h"
#include "errno_names.h"

namespace wasbox {

void ThrowErrno(Napi::Env env, int error, const char *syscall) {
  std::string code = ErrnoCode(error);
  std::string message = code + ": " + strerror(error) + ", " + syscall;
  Napi::Error e = Napi::Error::New(env, message);
  e.Set("code", code);
  e.Set("errno", Napi::Number::New(env, error));
  e.Set("syscall", Napi::String::New(env, syscall));
  e.ThrowAsJavaScriptException();
}

bool BooleanOf(const Napi::Value &value) {
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

int IntOf(const Napi::Value &value) {
  return value.IsNumber() ? value.As<Napi::Number>().Int32Value() : -1;
}

bool PathArgument(const Napi::Value &value, std::string *out) {
  if (value.IsString()) {
    *out = value.As<Napi::String>().Utf8Value();
  } else if (value.IsTypedArray() &&
             value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
    Napi::Uint8Array bytes = value.As<Napi::Uint8Array>();
    out->assign(reinterpret_cast<const char *>(bytes.Data()), bytes.ByteLength());
  } else {
    Napi::TypeError::New(value.Env(), "a path must be a string or a Uint8Array")
        .ThrowAsJavaScriptException();
    return false;
  }
  if (out->find('\0') != std::string::npos) {
    Napi::TypeError::New(value.Env(), "a path must not hold a NUL").ThrowAsJavaScriptException();
    return false;
  }
  return true;
}

} // namespace wasbox
