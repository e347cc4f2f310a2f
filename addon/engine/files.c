/*
 * Files, as node:fs has them: src/engine/node/fs.ts makes its calls of these. A path is a string or
 * bytes; each function returns what was asked, or a negative errno.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#include "engine.h"

/* Copies a path to `out`; 0, a negative errno, or 1 with an exception pending. */
static int path_argument(JSContext *context, JSValueConst value, char out[PATH_LIMIT]) {
  size_t size;
  const char *text = NULL;
  const uint8_t *bytes;
  if (JS_IsString(value))
    bytes = (const uint8_t *)(text = JS_ToCStringLen(context, &size, value));
  else
    bytes = view_of(context, value, &size);
  if (!bytes)
    return 1;
  const int error = memchr(bytes, 0, size) ? -EINVAL : size >= PATH_LIMIT ? -ENAMETOOLONG : 0;
  if (!error) {
    memcpy(out, bytes, size);
    out[size] = 0;
  }
  if (text)
    JS_FreeCString(context, text);
  return error;
}

static JSValue failed(JSContext *context, int error) {
  return error > 0 ? JS_EXCEPTION : JS_NewInt32(context, error);
}

static JSValue result(JSContext *context, long got) {
  return JS_NewInt64(context, got < 0 ? -errno : got);
}

/* Calls with a path, or two, and numbers. */
enum { OPEN, MKDIR, RMDIR, UNLINK, CHMOD, CHOWN, LCHOWN, ACCESS, RENAME, LINK, SYMLINK };

static JSValue with_path(JSContext *context, JSValueConst self, int count, JSValueConst *values,
                         int call) {
  (void)self;
  char path[PATH_LIMIT], other[PATH_LIMIT];
  int error = path_argument(context, values[0], path);
  const int two = call == RENAME || call == LINK || call == SYMLINK;
  if (!error && two)
    error = path_argument(context, values[1], other);
  if (error)
    return failed(context, error);
  int64_t a = 0, b = 0;
  if (!two && ((count > 1 && JS_ToInt64(context, &a, values[1]) < 0) ||
               (count > 2 && JS_ToInt64(context, &b, values[2]) < 0)))
    return JS_EXCEPTION;
  long got = -1;
  do {
    switch (call) {
    case OPEN:
      got = open(path, (int)a | O_CLOEXEC, (mode_t)b);
      break;
    case MKDIR:
      got = mkdir(path, (mode_t)a);
      break;
    case RMDIR:
      got = rmdir(path);
      break;
    case UNLINK:
      got = unlink(path);
      break;
    case CHMOD:
      got = chmod(path, (mode_t)a);
      break;
    case CHOWN:
      got = chown(path, (uid_t)a, (gid_t)b);
      break;
    case LCHOWN:
      got = lchown(path, (uid_t)a, (gid_t)b);
      break;
    case ACCESS:
      got = access(path, (int)a);
      break;
    case RENAME:
      got = rename(path, other);
      break;
    case LINK:
      got = link(path, other);
      break;
    case SYMLINK:
      got = symlink(path, other);
      break;
    }
  } while (got < 0 && errno == EINTR);
  return result(context, got);
}

/* Calls with a descriptor and numbers. */
enum { CLOSE, FSYNC, FTRUNCATE, FCHMOD, FCHOWN, ISATTY, UMASK };

static JSValue with_number(JSContext *context, JSValueConst self, int count, JSValueConst *values,
                           int call) {
  (void)self;
  int fd;
  int64_t a = 0, b = 0;
  if (JS_ToInt32(context, &fd, values[0]) < 0 ||
      (count > 1 && JS_ToInt64(context, &a, values[1]) < 0) ||
      (count > 2 && JS_ToInt64(context, &b, values[2]) < 0))
    return JS_EXCEPTION;
  switch (call) {
  case CLOSE:
    return result(context, close(fd));
  case FSYNC:
    return result(context, fsync(fd));
  case FTRUNCATE:
    return result(context, ftruncate(fd, a));
  case FCHMOD:
    return result(context, fchmod(fd, (mode_t)a));
  case FCHOWN:
    return result(context, fchown(fd, (uid_t)a, (gid_t)b));
  case ISATTY:
    return JS_NewBool(context, isatty(fd));
  default:
    return result(context, (long)umask((mode_t)fd));
  }
}

/* transfer(fd, bytes, offset, length, position): how many; a position below 0 is the file's own. */
static JSValue transfer(JSContext *context, JSValueConst self, int count, JSValueConst *values,
                        int writes) {
  (void)self, (void)count;
  int fd;
  size_t size;
  int64_t offset, length, position;
  uint8_t *bytes = (uint8_t *)(uintptr_t)view_of(context, values[1], &size);
  if (!bytes || JS_ToInt32(context, &fd, values[0]) < 0 ||
      JS_ToInt64(context, &offset, values[2]) < 0 || JS_ToInt64(context, &length, values[3]) < 0 ||
      JS_ToInt64(context, &position, values[4]) < 0)
    return JS_EXCEPTION;
  if (offset < 0 || length < 0 || (uint64_t)offset > size ||
      (uint64_t)length > size - (size_t)offset)
    return JS_ThrowRangeError(context, "bytes beyond the end");
  ssize_t got;
  do
    got = writes         ? position < 0 ? write(fd, bytes + offset, (size_t)length)
                                        : pwrite(fd, bytes + offset, (size_t)length, position)
          : position < 0 ? read(fd, bytes + offset, (size_t)length)
                         : pread(fd, bytes + offset, (size_t)length, position);
  while (got < 0 && errno == EINTR);
  return result(context, got);
}

/* Reads any descriptor to its end, from where it is. */
static JSValue read_rest(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  int fd;
  struct stat info;
  if (JS_ToInt32(context, &fd, values[0]) < 0)
    return JS_EXCEPTION;
  if (fstat(fd, &info) < 0)
    return result(context, -1);
  return read_all(context, fd, info.st_size > 0 ? (size_t)info.st_size + 1 : 4096, SIZE_MAX / 4);
}

static JSValue stat_result(JSContext *context, const struct statx *info) {
  const struct statx_timestamp *const times[] = {&info->stx_atime, &info->stx_mtime,
                                                 &info->stx_ctime, &info->stx_btime};
  const uint64_t fields[] = {
      info->stx_mode,
      info->stx_nlink,
      info->stx_uid,
      info->stx_gid,
      makedev(info->stx_rdev_major, info->stx_rdev_minor),
      makedev(info->stx_dev_major, info->stx_dev_minor),
      info->stx_ino,
      info->stx_size,
      info->stx_blocks,
  };
  JSValue out = JS_NewArray(context);
  uint32_t at = 0;
  for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++)
    if (put(context, out, at++,
            fields[i] >> 53 ? JS_NewBigUint64(context, fields[i])
                            : JS_NewInt64(context, (int64_t)fields[i])) < 0)
      return JS_EXCEPTION;
  for (unsigned i = 0; i < sizeof times / sizeof *times; i++)
    if (put(context, out, at++, JS_NewInt64(context, times[i]->tv_sec)) < 0 ||
        put(context, out, at++, JS_NewInt64(context, times[i]->tv_nsec)) < 0)
      return JS_EXCEPTION;
  return out;
}

enum { STAT, LSTAT, FSTAT };

/* The time of birth is 0 where the file system has none. */
static JSValue stat_call(JSContext *context, JSValueConst self, int count, JSValueConst *values,
                         int call) {
  (void)self, (void)count;
  struct statx info;
  char path[PATH_LIMIT] = "";
  int fd = AT_FDCWD;
  if (call == FSTAT) {
    if (JS_ToInt32(context, &fd, values[0]) < 0)
      return JS_EXCEPTION;
  } else {
    const int error = path_argument(context, values[0], path);
    if (error)
      return failed(context, error);
  }
  const int flags = call == FSTAT ? AT_EMPTY_PATH : call == LSTAT ? AT_SYMLINK_NOFOLLOW : 0;
  memset(&info, 0, sizeof info);
  return statx(fd, path, flags, STATX_BASIC_STATS | STATX_BTIME, &info) < 0
             ? result(context, -1)
             : stat_result(context, &info);
}

/* Asks about the file system of a path. Returns 0, or an error for failed(). */
static int file_system_of(JSContext *context, JSValueConst value, struct statfs *info) {
  char path[PATH_LIMIT];
  const int error = path_argument(context, value, path);
  return error ? error : statfs(path, info) < 0 ? -errno : 0;
}

static JSValue file_system_type(JSContext *context, JSValueConst self, int count,
                                JSValueConst *values) {
  (void)self, (void)count;
  struct statfs info;
  const int error = file_system_of(context, values[0], &info);
  return error ? failed(context, error) : JS_NewInt64(context, (uint32_t)info.f_type);
}

/* Returns the free space in bytes, for this user. */
static JSValue free_space(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  struct statfs info;
  const int error = file_system_of(context, values[0], &info);
  return error ? failed(context, error)
               : JS_NewInt64(context, (int64_t)info.f_bavail * info.f_bsize);
}

static JSValue bytes_result(JSContext *context, const char *text, size_t size) {
  return JS_NewArrayBufferCopy(context, (const uint8_t *)text, size);
}

static JSValue read_link(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  char path[PATH_LIMIT], target[PATH_LIMIT];
  const int error = path_argument(context, values[0], path);
  if (error)
    return failed(context, error);
  const ssize_t size = readlink(path, target, sizeof target);
  return size < 0 ? result(context, -1) : bytes_result(context, target, (size_t)size);
}

static JSValue real_path(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  char path[PATH_LIMIT];
  const int error = path_argument(context, values[0], path);
  if (error)
    return failed(context, error);
  char *found = realpath(path, NULL);
  if (!found)
    return result(context, -1);
  JSValue out = bytes_result(context, found, strlen(found));
  free(found);
  return out;
}

/* Two elements a name, its bytes and its d_type, in the order of the names' bytes, as Node has
 * them; or where only one is looked for, the whole list all the same. */
static int entry_order(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_entry(const struct dirent *entry) {
  return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static JSValue read_directory(JSContext *context, JSValueConst self, int count,
                              JSValueConst *values) {
  (void)self, (void)count;
  char path[PATH_LIMIT];
  int encoding;
  const int error = path_argument(context, values[0], path);
  if (error)
    return failed(context, error);
  if (JS_ToInt32(context, &encoding, values[1]) < 0)
    return JS_EXCEPTION;
  struct dirent **list;
  const int found = scandir(path, &list, is_entry, entry_order);
  if (found < 0)
    return result(context, -1);
  JSValue out = JS_NewArray(context);
  for (int i = 0; i < found; i++) {
    const char *name = list[i]->d_name;
    const size_t size = strlen(name);
    if (!JS_IsException(out) &&
        (put(context, out, 2 * (uint32_t)i,
             encoding < 0 ? bytes_result(context, name, size)
                          : text_in(context, (const uint8_t *)name, size, encoding)) < 0 ||
         put(context, out, 2 * (uint32_t)i + 1, JS_NewInt32(context, list[i]->d_type)) < 0)) {
      JS_FreeValue(context, out);
      out = JS_EXCEPTION;
    }
    free(list[i]);
  }
  free(list);
  return out;
}

/* setTimes(path, atime, mtime): seconds */
static JSValue set_times(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  char path[PATH_LIMIT];
  double seconds[2];
  const int error = path_argument(context, values[0], path);
  if (error)
    return failed(context, error);
  if (JS_ToFloat64(context, &seconds[0], values[1]) < 0 ||
      JS_ToFloat64(context, &seconds[1], values[2]) < 0)
    return JS_EXCEPTION;
  struct timespec times[2];
  for (int i = 0; i < 2; i++) {
    times[i].tv_sec = (time_t)floor(seconds[i]);
    times[i].tv_nsec = (long)((seconds[i] - (double)times[i].tv_sec) * 1e9);
  }
  return result(context, utimensat(AT_FDCWD, path, times, 0));
}

/* setRaw(fd, raw): as cfmakeraw(3), but output is still processed, as Node has it. */
static JSValue set_raw(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  static struct termios before;
  static int is_raw;
  int fd;
  if (JS_ToInt32(context, &fd, values[0]) < 0)
    return JS_EXCEPTION;
  const int raw = JS_ToBool(context, values[1]) > 0;
  if (raw && !is_raw && tcgetattr(fd, &before) < 0)
    return result(context, -1);
  if (raw == is_raw)
    return JS_NewInt32(context, 0);
  struct termios mode = before;
  if (raw) {
    mode.c_iflag &= (tcflag_t) ~(BRKINT | ICRNL | INPCK | ISTRIP | IXON);
    mode.c_oflag |= ONLCR;
    mode.c_cflag |= CS8;
    mode.c_lflag &= (tcflag_t) ~(ECHO | ICANON | IEXTEN | ISIG);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
  }
  const int set = tcsetattr(fd, TCSADRAIN, &mode);
  if (set == 0)
    is_raw = raw;
  return result(context, set);
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("setRaw", 2, set_raw),
    JS_CFUNC_MAGIC_DEF("open", 3, with_path, OPEN),
    JS_CFUNC_MAGIC_DEF("mkdir", 2, with_path, MKDIR),
    JS_CFUNC_MAGIC_DEF("rmdir", 1, with_path, RMDIR),
    JS_CFUNC_MAGIC_DEF("unlink", 1, with_path, UNLINK),
    JS_CFUNC_MAGIC_DEF("chmod", 2, with_path, CHMOD),
    JS_CFUNC_MAGIC_DEF("chown", 3, with_path, CHOWN),
    JS_CFUNC_MAGIC_DEF("lchown", 3, with_path, LCHOWN),
    JS_CFUNC_MAGIC_DEF("access", 2, with_path, ACCESS),
    JS_CFUNC_MAGIC_DEF("rename", 2, with_path, RENAME),
    JS_CFUNC_MAGIC_DEF("link", 2, with_path, LINK),
    JS_CFUNC_MAGIC_DEF("symlink", 2, with_path, SYMLINK),
    JS_CFUNC_MAGIC_DEF("close", 1, with_number, CLOSE),
    JS_CFUNC_MAGIC_DEF("fsync", 1, with_number, FSYNC),
    JS_CFUNC_MAGIC_DEF("ftruncate", 2, with_number, FTRUNCATE),
    JS_CFUNC_MAGIC_DEF("fchmod", 2, with_number, FCHMOD),
    JS_CFUNC_MAGIC_DEF("fchown", 3, with_number, FCHOWN),
    JS_CFUNC_MAGIC_DEF("isatty", 1, with_number, ISATTY),
    JS_CFUNC_MAGIC_DEF("umask", 1, with_number, UMASK),
    JS_CFUNC_MAGIC_DEF("readSome", 5, transfer, 0),
    JS_CFUNC_MAGIC_DEF("writeSome", 5, transfer, 1),
    JS_CFUNC_MAGIC_DEF("stat", 1, stat_call, STAT),
    JS_CFUNC_MAGIC_DEF("lstat", 1, stat_call, LSTAT),
    JS_CFUNC_MAGIC_DEF("fstat", 1, stat_call, FSTAT),
    JS_CFUNC_DEF("readRest", 1, read_rest),
    JS_CFUNC_DEF("fileSystemType", 1, file_system_type),
    JS_CFUNC_DEF("freeSpace", 1, free_space),
    JS_CFUNC_DEF("readlink", 1, read_link),
    JS_CFUNC_DEF("realpath", 1, real_path),
    JS_CFUNC_DEF("readDirectory", 2, read_directory),
    JS_CFUNC_DEF("setTimes", 3, set_times),
};

#define CONSTANT(name) JS_PROP_INT32_DEF(#name, name, JS_PROP_ENUMERABLE)

static const JSCFunctionListEntry constants[] = {
    CONSTANT(O_RDONLY),    CONSTANT(O_WRONLY),   CONSTANT(O_RDWR),   CONSTANT(O_CREAT),
    CONSTANT(O_EXCL),      CONSTANT(O_TRUNC),    CONSTANT(O_APPEND), CONSTANT(O_NONBLOCK),
    CONSTANT(O_DIRECTORY), CONSTANT(O_NOFOLLOW), CONSTANT(O_NOCTTY), CONSTANT(O_NOATIME),
    CONSTANT(O_SYNC),      CONSTANT(O_DSYNC),    CONSTANT(O_DIRECT), CONSTANT(F_OK),
    CONSTANT(R_OK),        CONSTANT(W_OK),       CONSTANT(X_OK),     CONSTANT(S_IFMT),
    CONSTANT(S_IFREG),     CONSTANT(S_IFDIR),    CONSTANT(S_IFLNK),  CONSTANT(S_IFIFO),
    CONSTANT(S_IFSOCK),    CONSTANT(S_IFCHR),    CONSTANT(S_IFBLK),  CONSTANT(S_IRWXU),
};

void add_files(JSContext *context, JSValueConst machine) {
  JSValue files = JS_NewObject(context), values = JS_NewObject(context);
  JS_SetPropertyFunctionList(context, files, functions, sizeof functions / sizeof *functions);
  JS_SetPropertyFunctionList(context, values, constants, sizeof constants / sizeof *constants);
  JS_SetPropertyStr(context, files, "constants", values);
  JS_SetPropertyStr(context, machine, "files", files);
}
