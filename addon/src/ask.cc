// Questions go to JavaScript as onQuestion(id, bytes), and when one is withdrawn as onQuestion(id,
// undefined, late); src/native/decode/questions.ts reads the bytes. The supervising thread never
// waits for Node's.
#include "ask.h"

#include <errno.h>

#include <cstring>
#include <memory>
#include <vector>

#include "../supervisor/ask_calls.h"
#include "addon.h"

namespace wasbox {

bool Asking::Read(const Napi::Value &value) {
  if (value.IsUndefined())
    return true;
  Napi::Env env = value.Env();
  Napi::Object object = value.As<Napi::Object>();
  if (!value.IsObject() || !object.Get("timeoutMs").IsNumber() ||
      !object.Get("calls").IsTypedArray() || !object.Get("onQuestion").IsFunction()) {
    Napi::TypeError::New(
        env, "launch: ask: {timeoutMs, terminal, files, network, calls, onQuestion} expected")
        .ThrowAsJavaScriptException();
    return false;
  }
  wb_ask_options options = {};
  options.timeout_ns =
      static_cast<uint64_t>(object.Get("timeoutMs").As<Napi::Number>().DoubleValue() * 1e6);
  options.files = BooleanOf(object.Get("files"));
  options.terminal = BooleanOf(object.Get("terminal"));
  options.network = BooleanOf(object.Get("network"));
  if (object.Get("uid").IsNumber() && object.Get("gid").IsNumber()) {
    options.uid = object.Get("uid").As<Napi::Number>().Uint32Value();
    options.gid = object.Get("gid").As<Napi::Number>().Uint32Value();
  }
  Napi::Uint32Array calls = object.Get("calls").As<Napi::Uint32Array>();
  for (size_t i = 0; i < calls.ElementLength(); i++)
    if (calls[i] < WB_CALL_SLOTS)
      options.calls[calls[i] / 32] |= 1u << calls[i] % 32;
  const wb_ask_host host = {this, Ask, Withdraw};
  asker_ = wb_asker_new(&host, &options, wb_ask_take_call);
  if (!asker_) {
    ThrowErrno(env, errno, "epoll_create1");
    return false;
  }
  on_question_ = Napi::ThreadSafeFunction::New(env, object.Get("onQuestion").As<Napi::Function>(),
                                               "wasbox question", 0, 1);
  on_question_.Unref(env); // the run itself keeps Node going
  open_ = true;
  return true;
}

bool Asking::Tell(uint64_t id, std::vector<uint8_t> question, bool late) {
  struct Message {
    uint64_t id;
    bool late;
    std::vector<uint8_t> bytes;
    std::shared_ptr<std::atomic<unsigned>> under_way;
  };
  std::lock_guard<std::mutex> lock(mutex_);
  if (!open_)
    return false;
  const bool asks = !question.empty();
  if (asks && *under_way_ >= kUnderWayMax)
    return false;
  auto *message = new Message{id, late, std::move(question), under_way_};
  if (asks)
    ++*under_way_;
  napi_status status = on_question_.NonBlockingCall(
      message, [](Napi::Env env, Napi::Function callback, Message *message) {
        std::unique_ptr<Message> held(message);
        if (!held->bytes.empty())
          --*held->under_way;
        Napi::Value bytes = env.Undefined();
        if (!held->bytes.empty()) {
          Napi::Uint8Array array = Napi::Uint8Array::New(env, held->bytes.size());
          if (!array.IsEmpty())
            memcpy(array.Data(), held->bytes.data(), held->bytes.size());
          bytes = array;
        }
        if (!env.IsExceptionPending())
          callback.Call({Napi::Number::New(env, static_cast<double>(held->id)), bytes,
                         Napi::Boolean::New(env, held->late)});
        // Node is being torn down: the question is denied with the run.
        if (env.IsExceptionPending())
          env.GetAndClearPendingException();
      });
  if (status != napi_ok) {
    if (asks)
      --*under_way_;
    delete message;
  }
  return status == napi_ok;
}

int Asking::Ask(void *context, const wb_question *question, const unsigned char *texts) {
  const size_t size = question->target_size + question->asked_size + question->name_size +
                      question->exe_size + question->argv_size;
  std::vector<uint8_t> bytes(sizeof *question + size);
  memcpy(bytes.data(), question, sizeof *question);
  memcpy(bytes.data() + sizeof *question, texts, size);
  return static_cast<Asking *>(context)->Tell(question->id, std::move(bytes), false) ? 0 : -1;
}

void Asking::Withdraw(void *context, uint64_t id, int late) {
  static_cast<Asking *>(context)->Tell(id, {}, late != 0);
}

void Asking::Answer(const Napi::CallbackInfo &info) {
  if (!info[1].IsNumber() || !info[2].IsNumber()) {
    Napi::TypeError::New(info.Env(), "answer(handle, id, decision) expected")
        .ThrowAsJavaScriptException();
    return;
  }
  if (!asker_)
    return;
  const auto id = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
  const int error = wb_asker_answer(asker_, id, info[2].As<Napi::Number>().Uint32Value());
  if (error)
    ThrowErrno(info.Env(), error, "write");
}

void Asking::Abandon() {
  std::lock_guard<std::mutex> lock(mutex_);
  open_ = false; // the function is released with the environment
}

void Asking::End() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (open_)
    on_question_.Release();
  open_ = false;
}

} // namespace wasbox
