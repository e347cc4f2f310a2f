// The socket of a session's owner (src/owner): who is at its other end, and descriptors that go
// over it. What else comes is read by a stream of Node.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "../supervisor/attach.h"
#include "../supervisor/message.h"
#include "../supervisor/supervisor.h"
#include "addon.h"

namespace wasbox {
namespace {

// connectUnix(path): a descriptor.
Napi::Value ConnectUnix(const Napi::CallbackInfo &info) {
  std::string path;
  if (!PathArgument(info[0], &path))
    return info.Env().Undefined();
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    ThrowErrno(info.Env(), ENAMETOOLONG, "connect");
    return info.Env().Undefined();
  }
  memcpy(address.sun_path, path.c_str(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int result;
  do {
    result = fd < 0 ? -1 : connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address);
  } while (result < 0 && errno == EINTR);
  if (result < 0) {
    const int error = errno;
    if (fd >= 0)
      close(fd);
    ThrowErrno(info.Env(), error, "connect");
    return info.Env().Undefined();
  }
  return NewDescriptor(info.Env(), fd);
}

// peerOf(socket): [pid, uid] of the process that made the other end (SO_PEERCRED).
Napi::Value PeerOf(const Napi::CallbackInfo &info) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (getsockopt(IntOf(info[0]), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
    ThrowErrno(info.Env(), errno, "getsockopt");
    return info.Env().Undefined();
  }
  Napi::Array both = Napi::Array::New(info.Env(), 2);
  both.Set(0u, Napi::Number::New(info.Env(), peer.pid));
  both.Set(1u, Napi::Number::New(info.Env(), peer.uid));
  return both;
}

// sendDescriptor(socket, byte, fd)
Napi::Value SendDescriptor(const Napi::CallbackInfo &info) {
  const char byte = static_cast<char>(IntOf(info[1]));
  const int fd = IntOf(info[2]);
  const int error = wb_message_send(IntOf(info[0]), &byte, 1, &fd, 1, MSG_DONTWAIT);
  if (error)
    ThrowErrno(info.Env(), error, "sendmsg");
  return info.Env().Undefined();
}

// receiveDescriptor(socket, timeoutMs): [byte, fd], where fd is undefined if none came with it.
// Undefined where nothing came in time, or the other end is closed.
Napi::Value ReceiveDescriptor(const Napi::CallbackInfo &info) {
  const int socket = IntOf(info[0]);
  pollfd wait = {socket, POLLIN, 0};
  int ready;
  do {
    ready = poll(&wait, 1, IntOf(info[1]));
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0)
    return info.Env().Undefined();
  char byte = 0;
  int fd;
  const ssize_t n = wb_message_take(socket, &byte, 1, &fd, 1, nullptr);
  if (n < 0)
    ThrowErrno(info.Env(), errno, "recvmsg");
  if (n <= 0)
    return info.Env().Undefined();
  Napi::Array both = Napi::Array::New(info.Env(), 2);
  both.Set(0u, Napi::Number::New(info.Env(), static_cast<unsigned char>(byte)));
  if (fd >= 0)
    both.Set(1u, NewDescriptor(info.Env(), fd));
  return both;
}

// attachTerminal(socket, master): relays between this process's terminal and the master, which is
// taken over, until the socket has something to read: [whether ^C was typed, the last output].
Napi::Value AttachTerminal(const Napi::CallbackInfo &info) {
  const std::unique_ptr<wb_run> run(new wb_run());
  const int stdio[] = {0, 1, 2};
  const std::unique_ptr<wb_tail> tail(new wb_tail());
  const int attached = wb_attach(run.get(), IntOf(info[0]), IntOf(info[1]), stdio, tail.get());
  if (attached) {
    ThrowErrno(info.Env(), attached, "attach");
    return info.Env().Undefined();
  }
  Napi::Array both = Napi::Array::New(info.Env(), 2);
  both.Set(0u, Napi::Boolean::New(info.Env(), run->terminal.typed_interrupt != 0));
  const size_t size = wb_tail_order(tail.get());
  both.Set(1u, Napi::Buffer<unsigned char>::Copy(info.Env(), tail->bytes, size));
  return both;
}

} // namespace

void RegisterOwners(Napi::Env env, Napi::Object exports) {
  exports.Set("connectUnix", Napi::Function::New(env, ConnectUnix, "connectUnix"));
  exports.Set("peerOf", Napi::Function::New(env, PeerOf, "peerOf"));
  exports.Set("sendDescriptor", Napi::Function::New(env, SendDescriptor, "sendDescriptor"));
  exports.Set("receiveDescriptor",
              Napi::Function::New(env, ReceiveDescriptor, "receiveDescriptor"));
  exports.Set("attachTerminal", Napi::Function::New(env, AttachTerminal, "attachTerminal"));
}

} // namespace wasbox
