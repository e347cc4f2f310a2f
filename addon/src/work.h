// Work that takes a while, on a thread of libuv's pool, with a promise for its end.
#ifndef WASBOX_WORK_H
#define WASBOX_WORK_H

#include <napi.h>

#include <memory>

namespace wasbox {

  class Work {
  public:
    virtual ~Work() = default;
    // Runs on another thread: calls nothing of Node's.
    virtual void Execute() = 0;
    // Returns, on Node's thread, what the promise is fulfilled with; with a pending exception it is
    // rejected. Without this call, the environment ended first, and nothing gets the result.
    virtual Napi::Value Result(Napi::Env env) = 0;
  };

  // Takes `work`.
  inline Napi::Value Promised(Napi::Env env, std::unique_ptr<Work> work) {
    struct Queued {
      std::unique_ptr<Work> work;
      Napi::Promise::Deferred deferred;
      napi_async_work handle;
    };
    auto *queued = new Queued{std::move(work), Napi::Promise::Deferred::New(env), nullptr};
    napi_create_async_work(
        env, nullptr, Napi::String::New(env, "wasbox"),
        [](napi_env, void *data) { static_cast<Queued *>(data)->work->Execute(); },
        [](napi_env raw, napi_status status, void *data) {
          std::unique_ptr<Queued> queued(static_cast<Queued *>(data));
          Napi::Env env(raw);
          Napi::HandleScope scope(env);
          if (status == napi_ok) {
            Napi::Value result = queued->work->Result(env);
            if (env.IsExceptionPending())
              queued->deferred.Reject(env.GetAndClearPendingException().Value());
            else
              queued->deferred.Resolve(result);
          }
          napi_delete_async_work(raw, queued->handle);
        },
        queued, &queued->handle);
    Napi::Promise promise = queued->deferred.Promise();
    napi_queue_async_work(env, queued->handle);
    return promise;
  }

} // namespace wasbox

#endif
