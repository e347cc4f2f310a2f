// Sessions: the socket to init (wire.h), and what goes over it with descriptors. What comes back is
// read by a stream of Node.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>
#include <mutex>

#include "../supervisor/message.h"
#include "../supervisor/program_terminal.h"
#include "../supervisor/pump.h"
#include "../supervisor/supervisor.h"
#include "../wire.h"
#include "addon.h"
#include "run_pages.h"
#include "threads.h"

namespace wasbox {
namespace {

// socketPair(): [this process's end, init's end]; both close-on-exec.
Napi::Value SocketPair(const Napi::CallbackInfo &info) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
    ThrowErrno(info.Env(), errno, "socketpair");
    return info.Env().Undefined();
  }
  return NewDescriptors(info.Env(), fds);
}

// The bytes in a memfd that nothing can change any more; -1 with errno.
int SealedMemfd(const Napi::Uint8Array &bytes) {
  const int fd =
      static_cast<int>(syscall(SYS_memfd_create, "wasbox-exec", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd < 0)
    return -1;
  for (size_t done = 0; done < bytes.ByteLength();) {
    const ssize_t n = write(fd, bytes.Data() + done, bytes.ByteLength() - done);
    if (n < 0) {
      const int error = errno;
      close(fd);
      errno = error;
      return -1;
    }
    done += static_cast<size_t>(n);
  }
  if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

// Returns 0 or an errno; EAGAIN where init has not read what was sent before.
int Send(int socket, const wb_session_command &command, const int *fds, uint32_t count) {
  return wb_message_send(socket, &command, sizeof command, fds, count, MSG_DONTWAIT);
}

bool Numbers(const Napi::CallbackInfo &info, std::initializer_list<unsigned> which) {
  for (const unsigned i : which) {
    if (info[i].IsNumber())
      continue;
    Napi::TypeError::New(info.Env(), "a number expected").ThrowAsJavaScriptException();
    return false;
  }
  return true;
}

Napi::Value Answer(const Napi::CallbackInfo &info, int error) {
  if (error != 0 && error != EAGAIN) {
    ThrowErrno(info.Env(), error, "sendmsg");
    return info.Env().Undefined();
  }
  return Napi::Boolean::New(info.Env(), error == 0);
}

// sendExec(socket, id, exec, [stdin, stdout, stderr] or [socket]): whether there was room for it.
Napi::Value SendExec(const Napi::CallbackInfo &info) {
  if (!Numbers(info, {0, 1}))
    return info.Env().Undefined();
  const uint32_t given = info[3].IsArray() ? info[3].As<Napi::Array>().Length() : 0;
  if (!info[2].IsTypedArray() || (given != 1 && given != 3)) {
    Napi::TypeError::New(info.Env(), "sendExec(socket, id, exec, stdio) expected")
        .ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  int fds[WB_SESSION_FDS];
  for (uint32_t i = 0; i < given; i++)
    fds[i + 1] = IntOf(info[3].As<Napi::Array>().Get(i));
  if ((fds[0] = SealedMemfd(info[2].As<Napi::Uint8Array>())) < 0) {
    ThrowErrno(info.Env(), errno, "memfd_create");
    return info.Env().Undefined();
  }
  wb_session_command command = {};
  command.kind = WB_SESSION_EXEC;
  command.id = info[1].As<Napi::Number>().Uint32Value();
  const int error = Send(info[0].As<Napi::Number>().Int32Value(), command, fds, given + 1);
  close(fds[0]);
  return Answer(info, error);
}

// sendExecSignal(socket, id, signal): whether there was room for it.
Napi::Value SendSignal(const Napi::CallbackInfo &info) {
  if (!Numbers(info, {0, 1, 2}))
    return info.Env().Undefined();
  wb_session_command command = {};
  command.kind = WB_SESSION_SIGNAL;
  command.id = info[1].As<Napi::Number>().Uint32Value();
  command.value = info[2].As<Napi::Number>().Uint32Value();
  return Answer(info, Send(info[0].As<Napi::Number>().Int32Value(), command, nullptr, 0));
}

// payloadPipe(isInput): a pipe for the payload: {own, given, written()} (supervisor/pump.h).
Napi::Value PayloadPipe(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  int fds[2];
  struct wb_pump *pump = nullptr;
  const int error = wb_pump_begin(BooleanOf(info[0]), &fds[0], &fds[1], &pump);
  if (error) {
    ThrowErrno(env, error, "pipe");
    return env.Undefined();
  }
  const std::shared_ptr<wb_pump> held(pump, wb_pump_release);
  const auto written = [held, own = fds[0]](const Napi::CallbackInfo &info) -> Napi::Value {
    const int64_t bytes = wb_pump_written(held.get(), own);
    if (bytes < 0)
      return info.Env().Undefined();
    const bool all = bytes == WB_PUMP_ALL;
    return Napi::Number::New(info.Env(), all ? HUGE_VAL : static_cast<double>(bytes));
  };
  Napi::Object pipe = Napi::Object::New(env);
  pipe.Set("own", NewDescriptor(env, fds[0]));
  pipe.Set("given", NewDescriptor(env, fds[1]));
  pipe.Set("written", Napi::Function::New(env, written, "written"));
  return pipe;
}

struct Relay {
  RunPages run;
  std::mutex mutex;
  bool finished = false;
  void *hook = nullptr; // of the environment's end, until it is told of an end
};

// Calls `use` where the relay goes on.
template <typename Use> void With(Relay &relay, Use use) {
  std::lock_guard<std::mutex> lock(relay.mutex);
  if (!relay.finished)
    use(relay.run.get());
}

void RelayEnvironmentEnds(void *data) {
  std::unique_ptr<std::shared_ptr<Relay>> relay(static_cast<std::shared_ptr<Relay> *>(data));
  With(**relay, wb_program_terminal_hang_up);
}

void EndRelay(Napi::Env env, Relay &relay) {
  if (relay.hook) {
    napi_remove_env_cleanup_hook(env, RelayEnvironmentEnds, relay.hook);
    delete static_cast<std::shared_ptr<Relay> *>(relay.hook);
    relay.hook = nullptr;
  }
  With(relay, wb_program_terminal_ended);
}

void ServeRelay(void *argument) {
  std::unique_ptr<std::shared_ptr<Relay>> held(static_cast<std::shared_ptr<Relay> *>(argument));
  Relay &relay = **held;
  wb_program_terminal_serve(relay.run.get());
  std::lock_guard<std::mutex> lock(relay.mutex);
  wb_program_terminal_close(relay.run.get());
  relay.finished = true;
  relay.run.reset();
}

// relayTerminal(master, input, output): relays between a terminal and pipes on a thread of its own;
// opens all of them once more. A handle {resize(rows, columns), ended()}.
Napi::Value RelayTerminal(const Napi::CallbackInfo &info) {
  Napi::Env env = info.Env();
  if (!Numbers(info, {0, 1, 2}))
    return env.Undefined();
  auto relay = std::make_shared<Relay>();
  relay->run = NewRunPages();
  if (!relay->run) {
    ThrowErrno(env, errno, "mmap");
    return env.Undefined();
  }
  const int opened =
      wb_program_terminal_open(relay->run.get(), IntOf(info[0]), IntOf(info[1]), IntOf(info[2]));
  if (opened) {
    ThrowErrno(env, opened, "open");
    return env.Undefined();
  }
  auto *held = new std::shared_ptr<Relay>(relay);
  const int error = OnThread(ServeRelay, held);
  if (error) {
    wb_program_terminal_hang_up(relay->run.get());
    ServeRelay(held); // closes all of it
    ThrowErrno(env, error, "pthread_create");
    return env.Undefined();
  }
  relay->hook = new std::shared_ptr<Relay>(relay);
  napi_add_env_cleanup_hook(env, RelayEnvironmentEnds, relay->hook);
  Napi::Object handle = Napi::Object::New(env);
  const auto resize = [relay](const Napi::CallbackInfo &info) {
    const uint32_t size = static_cast<uint32_t>(IntOf(info[0])) << 16 |
                          (static_cast<uint32_t>(IntOf(info[1])) & 0xffff);
    With(*relay, [size](wb_run *run) { wb_program_terminal_resize(run, size); });
  };
  const auto ended = [relay](const Napi::CallbackInfo &info) { EndRelay(info.Env(), *relay); };
  handle.Set("resize", Napi::Function::New(env, resize, "resize"));
  handle.Set("ended", Napi::Function::New(env, ended, "ended"));
  return handle;
}

} // namespace

void RegisterSessions(Napi::Env env, Napi::Object exports) {
  exports.Set("socketPair", Napi::Function::New(env, SocketPair, "socketPair"));
  exports.Set("sendExec", Napi::Function::New(env, SendExec, "sendExec"));
  exports.Set("sendExecSignal", Napi::Function::New(env, SendSignal, "sendExecSignal"));
  exports.Set("relayTerminal", Napi::Function::New(env, RelayTerminal, "relayTerminal"));
  exports.Set("payloadPipe", Napi::Function::New(env, PayloadPipe, "payloadPipe"));
}

} // namespace wasbox
