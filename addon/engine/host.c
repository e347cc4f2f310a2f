/*
 * Answers what TypeScript asks of this machine (src/host/interface.ts), as functions of the
 * engine. Called by src/engine/host.ts. Each returns what was asked, or a negative errno; a name
 * or text that is not UTF-8 is -EILSEQ, since a JavaScript string could not hold it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../search/search.h"
#include "../tree_digest.h"
#include "../supervisor/supervisor.h"
#include "engine.h"

extern char **environ;

JSValue new_argument(JSContext *context, const char *word) {
  size_t size = strlen(word);
  return is_utf8(word, size) ? JS_NewStringLen(context, word, size) : JS_UNDEFINED;
}

int put(JSContext *context, JSValueConst array, uint32_t at, JSValue value) {
  return JS_IsException(value) ? -1 : JS_SetPropertyUint32(context, array, at, value);
}

/* An array of values; an exception where one of them is. */
static JSValue array_of(JSContext *context, const JSValue *values, uint32_t count) {
  JSValue out = JS_NewArray(context);
  for (uint32_t i = 0; i < count && !JS_IsException(out); i++)
    if (put(context, out, i, values[i]) < 0)
      out = JS_EXCEPTION;
  return out;
}

static JSValue failure(JSContext *context, int error) {
  return JS_NewInt32(context, -error);
}

static JSValue new_text(JSContext *context, const char *text, size_t size) {
  return is_utf8(text, size) ? JS_NewStringLen(context, text, size) : failure(context, EILSEQ);
}

/* A path argument without a NUL in it; NULL with an exception pending, or, where `*nul` is set,
 * none. */
static const char *path_of(JSContext *context, JSValueConst value, int *nul) {
  size_t size;
  const char *path = JS_ToCStringLen(context, &size, value);
  *nul = path && strlen(path) != size;
  return path;
}

static JSValue info_of(JSContext *context, const struct stat *info) {
  const JSValue fields[] = {
      JS_NewUint32(context, info->st_mode),   JS_NewBigUint64(context, info->st_dev),
      JS_NewBigUint64(context, info->st_ino), JS_NewUint32(context, info->st_uid),
      JS_NewUint32(context, info->st_gid),
  };
  return array_of(context, fields, sizeof fields / sizeof *fields);
}

static JSValue stat_with(JSContext *context, JSValueConst value, int flags) {
  int nul;
  const char *path = path_of(context, value, &nul);
  if (!path)
    return JS_EXCEPTION;
  struct stat info;
  int error = nul ? ENOENT : fstatat(AT_FDCWD, path, &info, flags) < 0 ? errno : 0;
  JS_FreeCString(context, path);
  return error ? failure(context, error) : info_of(context, &info);
}

static JSValue host_lstat(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  return stat_with(context, values[0], AT_SYMLINK_NOFOLLOW);
}

static JSValue host_stat(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  return stat_with(context, values[0], 0);
}

/* Returns when a directory was made, in nanoseconds, as digits; "0" where the file system does not
 * say. */
static JSValue host_birth(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  int nul;
  const char *path = path_of(context, values[0], &nul);
  if (!path)
    return JS_EXCEPTION;
  struct statx info = {0};
  const int error = nul ? ENOENT : statx(AT_FDCWD, path, 0, STATX_BTIME, &info) < 0 ? errno : 0;
  JS_FreeCString(context, path);
  if (error)
    return failure(context, error);
  char digits[32];
  const int size = snprintf(digits, sizeof digits, "%lld",
                            (long long)info.stx_btime.tv_sec * 1000000000 + info.stx_btime.tv_nsec);
  return JS_NewStringLen(context, digits, (size_t)size);
}

static JSValue host_readlink(JSContext *context, JSValueConst self, int count,
                             JSValueConst *values) {
  (void)self, (void)count;
  int nul;
  char target[PATH_LIMIT];
  const char *path = path_of(context, values[0], &nul);
  if (!path)
    return JS_EXCEPTION;
  ssize_t size = nul ? -1 : readlink(path, target, sizeof target);
  int error = nul ? ENOENT : errno;
  JS_FreeCString(context, path);
  return size < 0 ? failure(context, error) : new_text(context, target, (size_t)size);
}

/* Returns what Node's realpathSync.native returns. */
static JSValue host_realpath(JSContext *context, JSValueConst self, int count,
                             JSValueConst *values) {
  (void)self, (void)count;
  int nul;
  const char *path = path_of(context, values[0], &nul);
  if (!path)
    return JS_EXCEPTION;
  char *found = nul ? NULL : realpath(path, NULL);
  int error = nul ? ENOENT : errno;
  JS_FreeCString(context, path);
  JSValue out = found ? new_text(context, found, strlen(found)) : failure(context, error);
  free(found);
  return out;
}

static JSValue host_access(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  int nul, mode;
  const char *path = path_of(context, values[0], &nul);
  if (!path || JS_ToInt32(context, &mode, values[1]) < 0)
    return JS_EXCEPTION;
  int good = !nul && access(path, mode) == 0;
  JS_FreeCString(context, path);
  return JS_NewBool(context, good);
}

/* Answers like src/host/node.ts: only a directory has the attribute that overlayfs reads with
 * userxattr. */
static JSValue host_is_opaque(JSContext *context, JSValueConst self, int count,
                              JSValueConst *values) {
  (void)self, (void)count;
  int nul;
  char value[2];
  const char *path = path_of(context, values[0], &nul);
  if (!path)
    return JS_EXCEPTION;
  ssize_t size = nul ? -1 : lgetxattr(path, "user.overlay.opaque", value, sizeof value);
  JS_FreeCString(context, path);
  return JS_NewBool(context, size >= 1 && value[0] == 'y');
}

JSValue read_all(JSContext *context, int fd, size_t room, size_t most) {
  size_t size = 0;
  if (room > most)
    room = most;
  uint8_t *bytes = js_malloc(context, room ? room : 1);
  if (!bytes)
    return JS_EXCEPTION;
  while (size < most) {
    if (size == room) {
      room = room < most / 2 ? room * 2 : most;
      uint8_t *larger = js_realloc(context, bytes, room);
      if (!larger) {
        js_free(context, bytes);
        return JS_EXCEPTION;
      }
      bytes = larger;
    }
    ssize_t got = read(fd, bytes + size, room - size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      int error = errno;
      js_free(context, bytes);
      return failure(context, error);
    }
    if (got == 0)
      break;
    size += (size_t)got;
  }
  return new_owner(context, bytes, size);
}

/* The beginning of a descriptor's file, as src/host/node.ts reads it. */
static JSValue read_start(JSContext *context, int fd, double limit) {
  struct stat info;
  if (fstat(fd, &info) < 0)
    return failure(context, errno);
  if (!S_ISREG(info.st_mode))
    return failure(context, EINVAL);
  /* A file that the kernel makes up, as in /proc, has no size. */
  return read_all(context, fd, info.st_size > 4096 ? (size_t)info.st_size + 1 : 4096,
                  (size_t)limit);
}

static JSValue host_read(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  int nul;
  double limit;
  const char *path = path_of(context, values[0], &nul);
  if (!path || JS_ToFloat64(context, &limit, values[1]) < 0)
    return JS_EXCEPTION;
  /* A FIFO must not block the start of a run. */
  int fd = nul ? -1 : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  int error = nul ? ENOENT : errno;
  JS_FreeCString(context, path);
  if (fd < 0)
    return failure(context, error);
  JSValue out = read_start(context, fd, limit);
  close(fd);
  return out;
}

static int kind_of(const char *directory, const struct dirent *entry) {
  static const int kinds[] = {
      [DT_REG] = 'f', [DT_DIR] = 'd', [DT_LNK] = 'l', [DT_SOCK] = 's', [DT_FIFO] = 'p'};
  if (entry->d_type != DT_UNKNOWN)
    return entry->d_type < sizeof kinds / sizeof *kinds && kinds[entry->d_type]
               ? kinds[entry->d_type]
               : 'o';
  char path[PATH_LIMIT * 2];
  struct stat info;
  if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >= sizeof path ||
      lstat(path, &info) < 0)
    return 'o';
  return S_ISREG(info.st_mode)    ? 'f'
         : S_ISDIR(info.st_mode)  ? 'd'
         : S_ISLNK(info.st_mode)  ? 'l'
         : S_ISSOCK(info.st_mode) ? 's'
         : S_ISFIFO(info.st_mode) ? 'p'
                                  : 'o';
}

static int by_bytes(const void *a, const void *b) {
  return strcmp(*(char *const *)a + 1, *(char *const *)b + 1);
}

struct names {
  char **list;
  size_t count, room;
};

static int add_name(struct names *names, char kind, const char *name, size_t size) {
  if (names->count == names->room) {
    const size_t room = names->room ? 2 * names->room : 64;
    char **list = realloc(names->list, room * sizeof *list);
    if (!list)
      return ENOMEM;
    names->list = list;
    names->room = room;
  }
  char *text = malloc(size + 2);
  if (!text)
    return ENOMEM;
  text[0] = kind;
  memcpy(text + 1, name, size + 1);
  names->list[names->count++] = text;
  return 0;
}

/* Names, each with a letter for its kind in front, in the order that Node has them in: a plan says
 * one after the other. */
static JSValue host_list(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  int nul;
  const char *path = path_of(context, values[0], &nul);
  if (!path)
    return JS_EXCEPTION;
  DIR *directory = nul ? NULL : opendir(path);
  if (!directory) {
    int error = nul ? ENOENT : errno;
    JS_FreeCString(context, path);
    return failure(context, error);
  }
  struct names names = {0};
  int error = 0;
  for (const struct dirent *entry; !error && (entry = readdir(directory));) {
    const char *name = entry->d_name;
    if (!strcmp(name, ".") || !strcmp(name, ".."))
      continue;
    const size_t size = strlen(name);
    error = is_utf8(name, size) ? add_name(&names, (char)kind_of(path, entry), name, size) : EILSEQ;
  }
  closedir(directory);
  JS_FreeCString(context, path);
  qsort(names.list, names.count, sizeof *names.list, by_bytes);
  JSValue out = error ? failure(context, error) : JS_NewArray(context);
  for (size_t i = 0; i < names.count; i++) {
    if (!error && !JS_IsException(out) &&
        put(context, out, (uint32_t)i,
            JS_NewStringLen(context, names.list[i], strlen(names.list[i]))) < 0)
      out = JS_EXCEPTION;
    free(names.list[i]);
  }
  free(names.list);
  return out;
}

/* Searches like addon/src/search.cc, without an index. */
static JSValue host_search(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  int nul;
  struct wb_bytes found = {0};
  uint64_t names = 0;
  struct wb_search search = {.root = path_of(context, values[0], &nul)};
  if (!search.root)
    return JS_EXCEPTION;
  search.request = view_of(context, values[1], &search.request_size);
  const int good = search.request && !nul && wb_search(&search, &found, &names) == 0;
  const int error = nul ? ENOENT : errno;
  JS_FreeCString(context, search.root);
  if (!good) {
    free(found.at);
    return search.request ? failure(context, error) : JS_EXCEPTION;
  }
  uint8_t *bytes;
  const JSValue parts[] = {new_bytes(context, found.size, &bytes),
                           JS_NewInt64(context, (int64_t)names)};
  if (!JS_IsException(parts[0]) && found.size)
    memcpy(bytes, found.at, found.size);
  free(found.at);
  return array_of(context, parts, 2);
}

/* Returns what addon/src/search.cc returns. */
static JSValue host_tree_digest(JSContext *context, JSValueConst self, int count,
                                JSValueConst *values) {
  (void)self, (void)count;
  int nul;
  char digest[WB_TREE_DIGEST_LENGTH];
  const char *path = path_of(context, values[0], &nul);
  if (!path)
    return JS_EXCEPTION;
  const int error = nul ? -ENOENT : wb_tree_digest(path, digest);
  JS_FreeCString(context, path);
  return error < 0 ? failure(context, -error) : JS_NewStringLen(context, digest, sizeof digest);
}

static JSValue host_cwd(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  char path[PATH_LIMIT];
  if (!getcwd(path, sizeof path))
    return failure(context, errno);
  /* getcwd(3): a directory that cannot be reached from the root. */
  return path[0] != '/' ? failure(context, ENOENT) : new_text(context, path, strlen(path));
}

static JSValue host_env(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  JSValue out = JS_NewObjectProto(context, JS_NULL);
  for (char **entry = environ; *entry; entry++) {
    const char *equals = strchr(*entry, '=');
    if (!equals)
      continue;
    if (!is_utf8(*entry, strlen(*entry))) {
      JS_FreeValue(context, out);
      return failure(context, EILSEQ);
    }
    JSAtom name = JS_NewAtomLen(context, *entry, (size_t)(equals - *entry));
    /* If a name stands twice, the first counts: as getenv(3), and as Node has it. */
    const int known = name == JS_ATOM_NULL ? -1 : JS_HasProperty(context, out, name);
    JSValue value = known == 0 ? JS_NewString(context, equals + 1) : JS_UNDEFINED;
    if (known < 0 || JS_IsException(value) ||
        (known == 0 && JS_SetProperty(context, out, name, value) < 0))
      return JS_EXCEPTION;
    JS_FreeAtom(context, name);
  }
  return out;
}

static JSValue host_random(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  uint32_t number;
  if (getrandom(&number, sizeof number, 0) != sizeof number)
    return failure(context, errno);
  return JS_NewUint32(context, number);
}

static JSValue host_ids(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count, (void)values;
  const JSValue ids[] = {JS_NewUint32(context, geteuid()), JS_NewUint32(context, getegid())};
  return array_of(context, ids, sizeof ids / sizeof *ids);
}

/* Returns what a descriptor is, as src/host/streams.ts tells them apart. */
static JSValue host_stream(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  int fd;
  struct stat info;
  if (JS_ToInt32(context, &fd, values[0]) < 0)
    return JS_EXCEPTION;
  if (fstat(fd, &info) < 0)
    return failure(context, errno);
  const char *kind = "other";
  if (S_ISREG(info.st_mode)) {
    int fixed = info.st_nlink != 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
    kind = fixed ? "read-only-file" : "file";
  } else if (S_ISFIFO(info.st_mode)) {
    kind = "pipe";
  } else if (S_ISSOCK(info.st_mode)) {
    kind = "socket";
  } else if (S_ISCHR(info.st_mode)) {
    kind = major(info.st_rdev) == 1 /* mem(4) */ ? "memory-device" : "terminal";
  }
  return JS_NewString(context, kind);
}

/* The id of the mount that a directory lies on, not following a link at its end. */
static JSValue host_mount_id(JSContext *context, JSValueConst self, int count,
                             JSValueConst *values) {
  (void)self, (void)count;
  int nul;
  const char *path = path_of(context, values[0], &nul);
  if (!path)
    return JS_EXCEPTION;
  int fd = nul ? -1 : open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int error = nul ? ENOENT : errno;
  JS_FreeCString(context, path);
  if (fd < 0)
    return failure(context, error);
  struct statx info;
  int got = statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &info);
  close(fd);
  if (got < 0 || !(info.stx_mask & STATX_MNT_ID))
    return failure(context, ENOSYS);
  return JS_NewInt64(context, (int64_t)info.stx_mnt_id);
}

static JSValue host_release(JSContext *context, JSValueConst self, int count,
                            JSValueConst *values) {
  (void)self, (void)count, (void)values;
  struct utsname names;
  return uname(&names) < 0 ? failure(context, errno) : JS_NewString(context, names.release);
}

static JSValue host_landlock(JSContext *context, JSValueConst self, int count,
                             JSValueConst *values) {
  (void)self, (void)count, (void)values;
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
  return JS_NewInt32(context, abi < 0 ? 0 : (int)abi);
}

/* The native command's socket, from which the errno comes as a byte where that has tried already;
 * or -1. */
static int namespaces_known = -1;

void know_namespaces(int fd) {
  namespaces_known = fd;
}

static JSValue host_namespaces(JSContext *context, JSValueConst self, int count,
                               JSValueConst *values) {
  (void)self, (void)count, (void)values;
  uint8_t error;
  const int known = namespaces_known >= 0 && read(namespaces_known, &error, 1) == 1;
  namespaces_known = -1; /* it is said once */
  return JS_NewInt32(context, known ? error : wb_user_namespace_error());
}

/* The bytes of an ArrayBuffer from one place on; NULL with an exception pending. */
static const uint8_t *bytes_of(JSContext *context, JSValueConst *values, uint32_t *size) {
  size_t whole;
  uint32_t from;
  const uint8_t *bytes = JS_GetArrayBuffer(context, &whole, values[0]);
  if (!bytes && whole)
    return NULL;
  if (JS_ToUint32(context, &from, values[1]) < 0 || JS_ToUint32(context, size, values[2]) < 0)
    return NULL;
  if (from > whole || *size > whole - from) {
    JS_ThrowRangeError(context, "bytes beyond the end");
    return NULL;
  }
  return bytes + from;
}

/* Returns the checksum of an entry (addon/fastpath/entry.c), over whole words. */
static JSValue host_check(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  uint32_t size, hash = 0x811c9dc5u, word;
  const uint8_t *bytes = bytes_of(context, values, &size);
  if (!bytes)
    return JS_EXCEPTION;
  for (uint32_t at = 0; at + sizeof word <= size; at += sizeof word) {
    memcpy(&word, bytes + at, sizeof word);
    hash = (hash ^ word) * 0x01000193u;
  }
  return JS_NewUint32(context, hash);
}

static const JSCFunctionListEntry functions[] = {
    JS_CFUNC_DEF("lstat", 1, host_lstat),
    JS_CFUNC_DEF("stat", 1, host_stat),
    JS_CFUNC_DEF("birth", 1, host_birth),
    JS_CFUNC_DEF("readlink", 1, host_readlink),
    JS_CFUNC_DEF("realpath", 1, host_realpath),
    JS_CFUNC_DEF("access", 2, host_access),
    JS_CFUNC_DEF("read", 2, host_read),
    JS_CFUNC_DEF("list", 1, host_list),
    JS_CFUNC_DEF("search", 2, host_search),
    JS_CFUNC_DEF("treeDigest", 1, host_tree_digest),
    JS_CFUNC_DEF("cwd", 0, host_cwd),
    JS_CFUNC_DEF("env", 0, host_env),
    JS_CFUNC_DEF("random", 0, host_random),
    JS_CFUNC_DEF("ids", 0, host_ids),
    JS_CFUNC_DEF("landlock", 0, host_landlock),
    JS_CFUNC_DEF("namespaces", 0, host_namespaces),
    JS_CFUNC_DEF("stream", 1, host_stream),
    JS_CFUNC_DEF("mountId", 1, host_mount_id),
    JS_CFUNC_DEF("release", 0, host_release),
    JS_CFUNC_DEF("check", 3, host_check),
    JS_CFUNC_DEF("isOpaque", 1, host_is_opaque),
};

void add_host(JSContext *context, JSValueConst global) {
  JSValue host = JS_NewObject(context);
  JS_SetPropertyFunctionList(context, host, functions, sizeof functions / sizeof *functions);
  add_text(context, host);
  add_files(context, host);
  add_loop(context, host);
  add_system(context, host);
  JS_SetPropertyStr(context, global, "machine", host);
}
