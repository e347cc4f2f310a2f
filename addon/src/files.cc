// File calls that Node lacks: openat2, renameat2, extended attributes, reflinks, pipes.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <mutex>
#include <vector>

#include "../sys/openat2_libc.h"
#include "addon.h"

namespace wasbox {
namespace {

bool IsNumbers(const Napi::CallbackInfo &info, std::initializer_list<size_t> positions) {
  for (size_t i : positions)
    if (!info[i].IsNumber()) {
      Napi::TypeError::New(info.Env(), "argument " + std::to_string(i) + " must be a number")
          .ThrowAsJavaScriptException();
      return false;
    }
  return true;
}

int Int(const Napi::CallbackInfo &info, size_t i) {
  return info[i].As<Napi::Number>().Int32Value();
}

// Descriptors of worker threads: one that is terminated, wherever it is, closes them no more.
struct Owned {
  napi_env env;
  int fd;
  // True if something of Node's may have taken it over by now. Then it must still be this file.
  bool lent = false;
  dev_t dev = 0;
  ino_t ino = 0;
};
std::mutex owned_mutex;
// The lists are never destroyed: threads that supervise go on while the process ends.
std::vector<napi_env> &owners = *new std::vector<napi_env>();
std::vector<Owned> &owned = *new std::vector<Owned>();

void Forget(int fd) {
  std::lock_guard<std::mutex> lock(owned_mutex);
  for (Owned &one : owned)
    if (one.fd == fd) {
      one = owned.back();
      owned.pop_back();
      return;
    }
}

// Node has closed its own handles before the hooks of the environment's end: what had been taken
// over is closed, and the number may be another thread's file by now.
bool IsOurs(const Owned &one) {
  struct stat info;
  return !one.lent ||
         (fstat(one.fd, &info) == 0 && info.st_dev == one.dev && info.st_ino == one.ino);
}

void CloseOwned(void *env) {
  std::lock_guard<std::mutex> lock(owned_mutex);
  for (size_t i = 0; i < owned.size();) {
    if (owned[i].env != env) {
      i++;
      continue;
    }
    if (IsOurs(owned[i]))
      close(owned[i].fd);
    owned[i] = owned.back();
    owned.pop_back();
  }
  owners.erase(std::remove(owners.begin(), owners.end(), env), owners.end());
}

// ownDescriptors(): what this environment opens from now on is closed with it.
Napi::Value OwnDescriptors(const Napi::CallbackInfo &info) {
  std::lock_guard<std::mutex> lock(owned_mutex);
  owners.push_back(info.Env());
  return info.Env().Undefined();
}

Napi::Value Close(const Napi::CallbackInfo &info) {
  const int fd = IntOf(info[0]);
  Forget(fd);
  if (close(fd) < 0)
    ThrowErrno(info.Env(), errno, "close");
  return info.Env().Undefined();
}

// lendDescriptor(fd): something else may take it over, such as a stream. If the thread is
// terminated before forgetDescriptor(fd), it is closed unless that closed it.
Napi::Value LendDescriptor(const Napi::CallbackInfo &info) {
  const int fd = IntOf(info[0]);
  struct stat now;
  std::lock_guard<std::mutex> lock(owned_mutex);
  for (Owned &one : owned)
    if (one.fd == fd && fstat(fd, &now) == 0) {
      one.dev = now.st_dev;
      one.ino = now.st_ino;
      one.lent = true;
    }
  return info.Env().Undefined();
}

// forgetDescriptor(fd): something else closes it, such as a stream.
Napi::Value ForgetDescriptor(const Napi::CallbackInfo &info) {
  Forget(IntOf(info[0]));
  return info.Env().Undefined();
}

Napi::Value Pipe(const Napi::CallbackInfo &info) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) < 0) {
    ThrowErrno(info.Env(), errno, "pipe2");
    return info.Env().Undefined();
  }
  return NewDescriptors(info.Env(), fds);
}

Napi::Value OpenAt2(const Napi::CallbackInfo &info) {
  std::string path;
  if (!IsNumbers(info, {0, 2, 3, 4}) || !PathArgument(info[1], &path))
    return info.Env().Undefined();
  struct open_how how = {};
  how.flags = static_cast<uint64_t>(info[2].As<Napi::Number>().Int64Value()) | O_CLOEXEC;
  how.mode = static_cast<uint64_t>(info[3].As<Napi::Number>().Int64Value());
  how.resolve = static_cast<uint64_t>(info[4].As<Napi::Number>().Int64Value());
  int fd;
  do {
    fd = wb_openat2(Int(info, 0), path.c_str(), &how);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    ThrowErrno(info.Env(), errno, "openat2");
    return info.Env().Undefined();
  }
  return NewDescriptor(info.Env(), fd);
}

Napi::Value RenameAt2(const Napi::CallbackInfo &info) {
  std::string from, to;
  if (IsNumbers(info, {0, 2, 4}) && PathArgument(info[1], &from) && PathArgument(info[3], &to) &&
      syscall(SYS_renameat2, Int(info, 0), from.c_str(), Int(info, 2), to.c_str(), Int(info, 4)) <
          0)
    ThrowErrno(info.Env(), errno, "renameat2");
  return info.Env().Undefined();
}

// makeNode(dirfd, name, mode): a FIFO, or the device 0:0, which is an overlay's whiteout and which
// anyone may make.
Napi::Value MakeNode(const Napi::CallbackInfo &info) {
  std::string name;
  if (!IsNumbers(info, {0, 2}) || !PathArgument(info[1], &name))
    return info.Env().Undefined();
  const mode_t mode = static_cast<mode_t>(Int(info, 2));
  if (mknodat(Int(info, 0), name.c_str(), mode, 0) < 0)
    ThrowErrno(info.Env(), errno, "mknodat");
  return info.Env().Undefined();
}

// tryLock(fd, shared): whether flock(2) gave the lock, which goes with the descriptor.
Napi::Value TryLock(const Napi::CallbackInfo &info) {
  if (!IsNumbers(info, {0}))
    return info.Env().Undefined();
  int ret;
  do {
    ret = flock(Int(info, 0), (BooleanOf(info[1]) ? LOCK_SH : LOCK_EX) | LOCK_NB);
  } while (ret < 0 && errno == EINTR);
  if (ret < 0 && errno != EWOULDBLOCK)
    ThrowErrno(info.Env(), errno, "flock");
  return Napi::Boolean::New(info.Env(), ret == 0);
}

Napi::Value SyncFs(const Napi::CallbackInfo &info) {
  if (!IsNumbers(info, {0}))
    return info.Env().Undefined();
  if (syscall(SYS_syncfs, Int(info, 0)) < 0)
    ThrowErrno(info.Env(), errno, "syncfs");
  return info.Env().Undefined();
}

Napi::Value FGetXattr(const Napi::CallbackInfo &info) {
  std::string name;
  if (!IsNumbers(info, {0}) || !PathArgument(info[1], &name))
    return info.Env().Undefined();
  uint8_t value[65536]; // XATTR_SIZE_MAX
  ssize_t n = fgetxattr(Int(info, 0), name.c_str(), value, sizeof value);
  if (n < 0) {
    if (errno != ENODATA && errno != EOPNOTSUPP)
      ThrowErrno(info.Env(), errno, "fgetxattr");
    return info.Env().Undefined();
  }
  return Napi::Buffer<uint8_t>::Copy(info.Env(), value, static_cast<size_t>(n));
}

Napi::Value FListXattr(const Napi::CallbackInfo &info) {
  if (!IsNumbers(info, {0}))
    return info.Env().Undefined();
  char names[65536]; // XATTR_LIST_MAX
  ssize_t n = flistxattr(Int(info, 0), names, sizeof names);
  if (n < 0 && errno == EOPNOTSUPP)
    n = 0;
  if (n < 0) {
    ThrowErrno(info.Env(), errno, "flistxattr");
    return info.Env().Undefined();
  }
  Napi::Array list = Napi::Array::New(info.Env());
  uint32_t count = 0;
  for (ssize_t i = 0; i < n;) {
    std::string name(names + i);
    list.Set(count++, name);
    i += static_cast<ssize_t>(name.size()) + 1;
  }
  return list;
}

Napi::Value FSetXattr(const Napi::CallbackInfo &info) {
  std::string name;
  if (!IsNumbers(info, {0}) || !PathArgument(info[1], &name))
    return info.Env().Undefined();
  if (!info[2].IsTypedArray()) {
    Napi::TypeError::New(info.Env(), "the value must be bytes").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  Napi::Uint8Array value = info[2].As<Napi::Uint8Array>();
  if (fsetxattr(Int(info, 0), name.c_str(), value.Data(), value.ByteLength(), 0) < 0)
    ThrowErrno(info.Env(), errno, "fsetxattr");
  return info.Env().Undefined();
}

Napi::Value FRemoveXattr(const Napi::CallbackInfo &info) {
  std::string name;
  if (IsNumbers(info, {0}) && PathArgument(info[1], &name) &&
      fremovexattr(Int(info, 0), name.c_str()) < 0)
    ThrowErrno(info.Env(), errno, "fremovexattr");
  return info.Env().Undefined();
}

// A read lease is granted only while no process has the file open for writing (fcntl(2)). It is
// given back at once; if an open breaks it in between, the signal is one that is ignored.
Napi::Value HasNoWriter(const Napi::CallbackInfo &info) {
  if (!IsNumbers(info, {0}))
    return info.Env().Undefined();
  int fd = Int(info, 0);
  bool none = fcntl(fd, F_SETSIG, SIGURG) == 0 && fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
  if (none)
    fcntl(fd, F_SETLEASE, F_UNLCK);
  return Napi::Boolean::New(info.Env(), none);
}

Napi::Value Reflink(const Napi::CallbackInfo &info) {
  if (!IsNumbers(info, {0, 1}))
    return info.Env().Undefined();
  if (ioctl(Int(info, 0), FICLONE, Int(info, 1)) == 0)
    return Napi::Boolean::New(info.Env(), true);
  if (errno != EOPNOTSUPP && errno != EXDEV && errno != EINVAL && errno != ENOTTY)
    ThrowErrno(info.Env(), errno, "ioctl");
  return Napi::Boolean::New(info.Env(), false);
}

/* Nanoseconds since the epoch, of any size: times after the year 2262 need more than 64 bits. */
bool TimeArgument(const Napi::Value &value, struct timespec *time) {
  if (!value.IsBigInt()) {
    Napi::TypeError::New(value.Env(), "times must be bigints").ThrowAsJavaScriptException();
    return false;
  }
  int negative = 0;
  size_t count = 2;
  uint64_t words[2] = {0, 0};
  value.As<Napi::BigInt>().ToWords(&negative, &count, words);
  if (count > 2 || words[1] > 1000000000) {
    Napi::RangeError::New(value.Env(), "the time is out of range").ThrowAsJavaScriptException();
    return false;
  }
  __extension__ typedef __int128 wide;
  wide ns = static_cast<wide>(words[1]) << 64 | words[0];
  if (negative)
    ns = -ns;
  wide seconds = ns / 1000000000, rest = ns % 1000000000;
  if (rest < 0) {
    rest += 1000000000;
    seconds--;
  }
  time->tv_sec = static_cast<time_t>(seconds);
  time->tv_nsec = static_cast<long>(rest);
  return true;
}

Napi::Value SetTimes(const Napi::CallbackInfo &info) {
  struct timespec times[2];
  if (IsNumbers(info, {0}) && TimeArgument(info[1], &times[0]) &&
      TimeArgument(info[2], &times[1]) && futimens(Int(info, 0), times) < 0)
    ThrowErrno(info.Env(), errno, "futimens");
  return info.Env().Undefined();
}

Napi::Value SetTimesAt(const Napi::CallbackInfo &info) {
  std::string name;
  struct timespec times[2];
  if (IsNumbers(info, {0}) && PathArgument(info[1], &name) && TimeArgument(info[2], &times[0]) &&
      TimeArgument(info[3], &times[1]) &&
      utimensat(Int(info, 0), name.c_str(), times, AT_SYMLINK_NOFOLLOW) < 0)
    ThrowErrno(info.Env(), errno, "utimensat");
  return info.Env().Undefined();
}

Napi::Value DataRange(const Napi::CallbackInfo &info) {
  if (!IsNumbers(info, {0}))
    return info.Env().Undefined();
  if (!info[1].IsBigInt()) {
    Napi::TypeError::New(info.Env(), "offset must be a bigint").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  bool lossless;
  off_t begin = lseek(Int(info, 0), info[1].As<Napi::BigInt>().Int64Value(&lossless), SEEK_DATA);
  off_t end = begin < 0 ? -1 : lseek(Int(info, 0), begin, SEEK_HOLE);
  if (end < 0) {
    if (errno != ENXIO)
      ThrowErrno(info.Env(), errno, "lseek");
    return info.Env().Undefined();
  }
  Napi::Array range = Napi::Array::New(info.Env(), 2);
  range.Set(0u, Napi::BigInt::New(info.Env(), static_cast<int64_t>(begin)));
  range.Set(1u, Napi::BigInt::New(info.Env(), static_cast<int64_t>(end)));
  return range;
}

} // namespace

Napi::Value NewDescriptor(Napi::Env env, int fd) {
  std::lock_guard<std::mutex> lock(owned_mutex);
  if (std::find(owners.begin(), owners.end(), static_cast<napi_env>(env)) != owners.end())
    owned.push_back({.env = env, .fd = fd});
  return Napi::Number::New(env, fd);
}

Napi::Value NewDescriptors(Napi::Env env, const int (&fds)[2]) {
  Napi::Array pair = Napi::Array::New(env, 2);
  for (uint32_t i = 0; i < 2; i++)
    pair.Set(i, NewDescriptor(env, fds[i]));
  return pair;
}

void RegisterFiles(Napi::Env env, Napi::Object exports) {
  napi_add_env_cleanup_hook(env, CloseOwned, static_cast<napi_env>(env));
  exports.Set("lendDescriptor", Napi::Function::New(env, LendDescriptor, "lendDescriptor"));
  exports.Set("forgetDescriptor", Napi::Function::New(env, ForgetDescriptor, "forgetDescriptor"));
  exports.Set("ownDescriptors", Napi::Function::New(env, OwnDescriptors, "ownDescriptors"));
  exports.Set("close", Napi::Function::New(env, Close, "close"));
  exports.Set("pipe", Napi::Function::New(env, Pipe, "pipe"));
  exports.Set("openat2", Napi::Function::New(env, OpenAt2, "openat2"));
  exports.Set("renameat2", Napi::Function::New(env, RenameAt2, "renameat2"));
  exports.Set("makeNode", Napi::Function::New(env, MakeNode, "makeNode"));
  exports.Set("tryLock", Napi::Function::New(env, TryLock, "tryLock"));
  exports.Set("syncfs", Napi::Function::New(env, SyncFs, "syncfs"));
  exports.Set("fgetxattr", Napi::Function::New(env, FGetXattr, "fgetxattr"));
  exports.Set("flistxattr", Napi::Function::New(env, FListXattr, "flistxattr"));
  exports.Set("fsetxattr", Napi::Function::New(env, FSetXattr, "fsetxattr"));
  exports.Set("fremovexattr", Napi::Function::New(env, FRemoveXattr, "fremovexattr"));
  exports.Set("hasNoWriter", Napi::Function::New(env, HasNoWriter, "hasNoWriter"));
  exports.Set("reflink", Napi::Function::New(env, Reflink, "reflink"));
  exports.Set("setTimes", Napi::Function::New(env, SetTimes, "setTimes"));
  exports.Set("setTimesAt", Napi::Function::New(env, SetTimesAt, "setTimesAt"));
  exports.Set("dataRange", Napi::Function::New(env, DataRange, "dataRange"));
}

} // namespace wasbox
