/*
 * Records what a run does, as it happens. Called by notify.c for every question of a listener,
 * where an audit was asked for.
 *
 *   count ─▶ process ─▶ path, address or arguments ─▶ what stands in its way ─▶ answer ─▶ table
 *
 * What is read from the caller's memory may be changed by another of its threads before the kernel
 * reads it: the record is of what was asked, not of what was done, and it decides nothing.
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "calls.h"
#include "notify.h"
#include "pin.h"

#define CWD (-1)
#define NONE (-1)
/* Bits beside the WB_PROBE_*: the open flags are this argument; they are in memory; as for
 * creat(2). */
#define FLAGS(n) ((unsigned)(n + 1) << 16)
#define FLAGS_IN_MEMORY (8u << 16)
#define FLAGS_CREAT (9u << 16)
/* The argument that has AT_SYMLINK_NOFOLLOW. */
#define AT(n) ((unsigned)(n + 1) << 24)

struct shape {
  int named; /* 0: it names no file */
  uint32_t kind;
  int directory, path;   /* arguments; CWD where there is no descriptor */
  int directory2, path2; /* of the second path */
  unsigned how;          /* WB_PROBE_* of the path that is made or changed, and the above */
};

#define ONE(name, kind, directory, path, how)                                                      \
  [__NR_##name] = {1, WB_AUDIT_##kind, directory, path, NONE, NONE, how}
#define TWO(name, kind, d1, p1, d2, p2, how)                                                       \
  [__NR_##name] = {1, WB_AUDIT_##kind, d1, p1, d2, p2, how}
#define GONE (WB_PROBE_REMOVE | WB_PROBE_NO_FOLLOW)
#define FRESH (WB_PROBE_MAKE | WB_PROBE_NEW | WB_PROBE_NO_FOLLOW)
#define OVER (WB_PROBE_MAKE | WB_PROBE_REMOVE | WB_PROBE_NO_FOLLOW)

/* Shapes by number, as they are looked up for every call. */
static const struct shape shapes[WB_AUDIT_CALLS_MAX] = {
    ONE(openat, READ, 0, 1, FLAGS(2)),
    ONE(openat2, READ, 0, 1, FLAGS_IN_MEMORY),
    ONE(truncate, WRITE, CWD, 0, WB_PROBE_WRITE),
    ONE(unlinkat, DELETE, 0, 1, GONE),
    TWO(renameat, RENAME, 0, 1, 2, 3, OVER),
    TWO(renameat2, RENAME, 0, 1, 2, 3, OVER),
    ONE(mkdirat, DIRECTORY, 0, 1, FRESH),
    ONE(mknodat, CREATE, 0, 1, FRESH),
    TWO(linkat, LINK, 0, 1, 2, 3, FRESH),
    TWO(symlinkat, SYMLINK, NONE, 0, 1, 2, FRESH),
    ONE(fchmodat, ATTRIBUTES, 0, 1, 0),
    ONE(fchownat, ATTRIBUTES, 0, 1, AT(4)),
    ONE(utimensat, ATTRIBUTES, 0, 1, AT(3)),
    ONE(setxattr, ATTRIBUTES, CWD, 0, 0),
    ONE(lsetxattr, ATTRIBUTES, CWD, 0, WB_PROBE_NO_FOLLOW),
    ONE(removexattr, ATTRIBUTES, CWD, 0, 0),
    ONE(lremovexattr, ATTRIBUTES, CWD, 0, WB_PROBE_NO_FOLLOW),
    ONE(newfstatat, LOOK, 0, 1, AT(3)),
    ONE(statx, LOOK, 0, 1, AT(2)),
    ONE(faccessat, LOOK, 0, 1, 0),
    ONE(faccessat2, LOOK, 0, 1, AT(3)),
    ONE(readlinkat, LOOK, 0, 1, WB_PROBE_NO_FOLLOW),
    ONE(chdir, LOOK, CWD, 0, 0),
    ONE(statfs, LOOK, CWD, 0, 0),
    ONE(getxattr, LOOK, CWD, 0, 0),
    ONE(lgetxattr, LOOK, CWD, 0, WB_PROBE_NO_FOLLOW),
    ONE(inotify_add_watch, LOOK, CWD, 1, 0),
    ONE(execve, EXEC, CWD, 0, WB_PROBE_EXECUTE),
    ONE(execveat, EXEC, 0, 1, WB_PROBE_EXECUTE),
#ifdef __NR_fchmodat2
    ONE(fchmodat2, ATTRIBUTES, 0, 1, AT(3)),
#endif
#ifdef __NR_open /* not on aarch64, which has only the calls relative to a directory */
    ONE(open, READ, CWD, 0, FLAGS(1)),
    ONE(creat, READ, CWD, 0, FLAGS_CREAT),
    ONE(unlink, DELETE, CWD, 0, GONE),
    ONE(rmdir, DELETE, CWD, 0, GONE),
    TWO(rename, RENAME, CWD, 0, CWD, 1, OVER),
    ONE(mkdir, DIRECTORY, CWD, 0, FRESH),
    ONE(mknod, CREATE, CWD, 0, FRESH),
    TWO(link, LINK, CWD, 0, CWD, 1, FRESH),
    TWO(symlink, SYMLINK, NONE, 0, CWD, 1, FRESH),
    ONE(chmod, ATTRIBUTES, CWD, 0, 0),
    ONE(chown, ATTRIBUTES, CWD, 0, 0),
    ONE(lchown, ATTRIBUTES, CWD, 0, WB_PROBE_NO_FOLLOW),
    ONE(utime, ATTRIBUTES, CWD, 0, 0),
    ONE(utimes, ATTRIBUTES, CWD, 0, 0),
    ONE(stat, LOOK, CWD, 0, 0),
    ONE(lstat, LOOK, CWD, 0, WB_PROBE_NO_FOLLOW),
    ONE(access, LOOK, CWD, 0, 0),
    ONE(readlink, LOOK, CWD, 0, WB_PROBE_NO_FOLLOW),
#endif
};

static const struct shape *shape_of(uint32_t nr) {
  return nr < WB_AUDIT_CALLS_MAX && shapes[nr].named ? &shapes[nr] : NULL;
}

static uint64_t now_of(const struct wb_audit *audit) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec - audit->started_ns;
}

static int read_exactly(struct wb_pin *caller, uint64_t address, void *out, size_t size) {
  return wb_pin_copy(caller, address, out, size) == size;
}

/* One question, and the entry that it becomes: what the audit holds until it is settled. */
struct question {
  struct wb_audit *audit;
  struct wb_pin *caller;
  struct wb_audit_entry entry;
  char *text; /* 2 * WB_AUDIT_TEXT_MAX */
};

static int directory_of(const struct question *question, int argument) {
  return argument < 0 ? AT_FDCWD : (int)question->caller->call->data.args[argument];
}

/* Appends a path to the text; returns 0 where there is none. */
static int add_path(struct question *question, int directory, int argument) {
  struct wb_audit_entry *entry = &question->entry;
  int cut;
  const uint32_t size = wb_audit_path(question->caller, directory_of(question, directory),
                                      question->caller->call->data.args[argument],
                                      question->text + entry->size, WB_AUDIT_TEXT_MAX, &cut);
  if (cut && size)
    entry->flags |= WB_AUDIT_CUT;
  entry->size += size;
  return size != 0;
}

/* Adds what a symbolic link is to hold, which is no path of anything. */
static void add_content(struct question *question, int argument) {
  struct wb_audit_entry *entry = &question->entry;
  char *out = question->text + entry->size;
  size_t n = wb_pin_read(question->caller, question->caller->call->data.args[argument], out,
                         WB_AUDIT_TEXT_MAX);
  const char *end = n ? memchr(out, 0, n) : NULL;
  entry->size += (uint32_t)(end ? (size_t)(end - out) : n);
}

/* argv, as far as there is room, each behind a zero. */
static void add_arguments(struct question *question, uint64_t vector) {
  struct wb_audit_entry *entry = &question->entry;
  const uint32_t limit = entry->size + WB_AUDIT_ARGUMENTS_MAX;
  for (uint64_t argument; entry->size < limit; vector += sizeof argument) {
    if (!read_exactly(question->caller, vector, &argument, sizeof argument) || argument == 0)
      return;
    char *out = question->text + entry->size;
    *out++ = 0;
    const size_t n = wb_pin_read(question->caller, argument, out, limit - entry->size);
    const char *end = n ? memchr(out, 0, n) : NULL;
    entry->size += 1 + (uint32_t)(end ? (size_t)(end - out) : n);
    if (end == NULL)
      break;
  }
  entry->flags |= WB_AUDIT_CUT;
}

/* Returns for an open: what it is for, and how that is looked at beforehand. */
static unsigned how_opened(struct question *question, const struct shape *shape) {
  const __u64 *args = question->caller->call->data.args;
  const unsigned where = shape->how >> 16 & 15;
  uint64_t flags = where == 9 ? O_CREAT | O_WRONLY | O_TRUNC : 0;
  if (where == 8)
    read_exactly(question->caller, args[2], &flags, sizeof flags);
  else if (where < 8)
    flags = args[where - 1];
  unsigned how = flags & O_NOFOLLOW ? WB_PROBE_NO_FOLLOW : 0;
  if (flags & O_PATH) {
    question->entry.kind = WB_AUDIT_LOOK;
    return how;
  }
  if ((flags & O_ACCMODE) != O_WRONLY)
    how |= WB_PROBE_READ;
  if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC)) {
    how |= WB_PROBE_WRITE;
    question->entry.kind = WB_AUDIT_WRITE;
  }
  if (flags & O_CREAT)
    how |= flags & O_EXCL ? WB_PROBE_MAKE | WB_PROBE_NEW : WB_PROBE_MAKE;
  return how;
}

/* Returns whether a path is in /proc: what /proc shows depends on the reader. */
static int is_proc(const char *path, uint32_t size) {
  return size >= 5 && memcmp(path, "/proc", 5) == 0 && (size == 5 || path[5] == '/');
}

static void probe(struct question *question, const struct shape *shape, unsigned how) {
  struct wb_audit_entry *entry = &question->entry;
  const unsigned at = shape->how >> 24;
  if (at && (question->caller->call->data.args[at - 1] & AT_SYMLINK_NOFOLLOW))
    how |= WB_PROBE_NO_FOLLOW;
  int error = 0, existed = 0;
  char *second = question->text + entry->first;
  if (is_proc(question->text, entry->first) || (entry->flags & WB_AUDIT_CUT)) {
    entry->flags |= WB_AUDIT_UNPROBED;
    return;
  }
  if (shape->kind == WB_AUDIT_RENAME || shape->kind == WB_AUDIT_LINK) {
    /* The name that goes must be there; the new one's directory must be writable. */
    char first[WB_AUDIT_TEXT_MAX];
    memcpy(first, question->text, entry->first);
    first[entry->first] = 0;
    const unsigned old = shape->kind == WB_AUDIT_RENAME ? GONE : WB_PROBE_NO_FOLLOW;
    error = wb_audit_probe(question->audit, question->caller, first, old, &existed);
  }
  if (error == 0) {
    const char *path = shape->path2 == NONE ? question->text : second;
    error = wb_audit_probe(question->audit, question->caller, path, how & 0xffff, &existed);
  }
  if (error < 0)
    entry->flags |= WB_AUDIT_UNPROBED;
  else
    entry->error = error;
  if ((how & WB_PROBE_MAKE) && entry->kind <= WB_AUDIT_WRITE && !existed)
    entry->kind = WB_AUDIT_CREATE;
}

/* Returns whether a call makes a device file, which Landlock refuses where the directory would
 * allow it. */
static int makes_device(const struct seccomp_data *data) {
  uint64_t mode;
  switch (data->nr) {
#ifdef __NR_mknod
  case __NR_mknod:
    mode = data->args[1];
    break;
#endif
  case __NR_mknodat:
    mode = data->args[2];
    break;
  default:
    return 0;
  }
  return (mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK;
}

/* Fills the entry of a call that names files; returns 0 where there is nothing to keep. */
static int look_at_path(struct question *question, const struct shape *shape) {
  struct wb_audit_entry *entry = &question->entry;
  unsigned how = shape->how;
  entry->kind = shape->kind;
  if (shape->kind == WB_AUDIT_READ)
    how = how_opened(question, shape);
  if (shape->kind == WB_AUDIT_SYMLINK)
    add_content(question, shape->path);
  else if (!add_path(question, shape->directory, shape->path))
    return 0;
  entry->first = entry->size;
  if (shape->path2 != NONE && !add_path(question, shape->directory2, shape->path2))
    return 0;
  question->text[entry->size] = 0;
  if (!(entry->flags & WB_AUDIT_REFUSED))
    probe(question, shape, how);
  if (!entry->error && makes_device(&question->caller->call->data)) {
    entry->error = EACCES;
    entry->flags |= WB_AUDIT_DEVICE;
  }
  if (shape->kind == WB_AUDIT_EXEC)
    add_arguments(question, question->caller->call->data.args[shape->directory == CWD ? 1 : 2]);
  return 1;
}

/* Looks at a call that names an address. */
static int look_at_address(struct question *question) {
  const struct seccomp_data *data = &question->caller->call->data;
  struct wb_audit_entry *entry = &question->entry;
  uint64_t address, size;
  switch (data->nr) {
  case __NR_connect:
  case __NR_bind:
    entry->kind = data->nr == __NR_bind ? WB_AUDIT_BIND : WB_AUDIT_CONNECT;
    address = data->args[1], size = data->args[2];
    break;
  case __NR_sendto:
    entry->kind = WB_AUDIT_SEND;
    address = data->args[4], size = data->args[5];
    break;
  default: { /* sendmsg(2) and the first message of sendmmsg(2) */
    struct {
      uint64_t name;
      uint32_t size;
    } message;
    if (!read_exactly(question->caller, data->args[1], &message, sizeof message))
      return 0;
    entry->kind = WB_AUDIT_SEND;
    address = message.name, size = message.size;
  }
  }
  if (address == 0)
    return 0;
  if (size > sizeof(struct sockaddr_storage))
    size = sizeof(struct sockaddr_storage);
  if (size == 0 || !read_exactly(question->caller, address, question->text, size))
    return 0;
  entry->flags |= WB_AUDIT_ADDRESS;
  entry->size = entry->first = (uint32_t)size;
  return 1;
}

static int names_address(int nr) {
  return nr == __NR_connect || nr == __NR_bind || nr == __NR_sendto || nr == __NR_sendmsg ||
         nr == __NR_sendmmsg;
}

/* Notes a process that opens a file while it has all the descriptors that it may have. The size of
 * its directory of them is their number since Linux 6.2: proc_fd_getattr in fs/proc/fd.c */
static void note_files(struct wb_audit *audit, struct wb_pin *caller) {
  struct stat info;
  const int files = audit->files_max ? wb_pin_open(caller, "fd", O_PATH | O_DIRECTORY) : -1;
  if (files < 0)
    return;
  if (fstat(files, &info) == 0 && info.st_size > 0) {
    audit->files_counted = 1;
    audit->files_full |= (uint64_t)info.st_size >= audit->files_max;
  }
  close(files);
}

static void take_values(struct wb_audit *audit, const struct seccomp_data *data) {
  uint32_t selectors = wb_call_shape((uint32_t)data->nr)->selectors;
  for (uint32_t n = 0; n < 6; n++)
    if (selectors >> n & 1)
      wb_audit_add_value(audit, (uint32_t)data->nr, n, data->args[n]);
}

void wb_audit_observe(struct wb_audit *audit, struct wb_pin *caller, int error) {
  const struct seccomp_data *data = &caller->call->data;
  const uint32_t nr = (uint32_t)data->nr;
  const uint64_t now = now_of(audit);
  audit->totals.calls++;
  if (nr < WB_AUDIT_CALLS_MAX) {
    audit->counts[nr].count++;
    audit->counts[nr].refused += error != 0;
  }
  const uint32_t process = wb_audit_process_of(audit, caller, now);
  if (process)
    audit->process[process - 1].calls++;
  take_values(audit, data);

  struct question question = {.audit = audit, .caller = caller, .text = audit->pending_text};
  question.entry.nr = nr;
  question.entry.process = process;
  question.entry.first_ns = question.entry.last_ns = now;
  question.entry.error = error;
  question.entry.flags = error ? WB_AUDIT_REFUSED : 0;
  const struct shape *shape = shape_of(nr);
  if (shape && shape->kind == WB_AUDIT_READ)
    note_files(audit, caller);
  if (shape || names_address(data->nr)) {
    const int found = shape ? look_at_path(&question, shape) : look_at_address(&question);
    audit->pending = question.entry;
    audit->pends = found ? WB_AUDIT_FOUND : WB_AUDIT_UNREAD;
    if (!shape || shape->kind == WB_AUDIT_LOOK)
      audit->pends |= WB_AUDIT_MAY_BE_LOST;
  } else if (nr == __NR_exit_group ||
             (nr == __NR_exit && process && audit->process[process - 1].threads == 1)) {
    wb_audit_process_ends(audit, process, caller, (int32_t)(data->args[0] & 0xff), now);
  } else if (nr == __NR_exit) {
    wb_audit_thread_ends(audit, caller->call->pid);
  }
}

void wb_audit_settle(struct wb_audit *audit, int stood) {
  const unsigned pends = audit->pends;
  audit->pends = 0;
  if ((pends & WB_AUDIT_FOUND) && stood)
    wb_audit_add(audit, &audit->pending, audit->pending_text);
  else if (pends && !(pends & WB_AUDIT_MAY_BE_LOST))
    audit->totals.unread++;
}

void wb_audit_free(struct wb_audit *audit) {
  if (audit && audit->root >= 0)
    close(audit->root);
  free(audit);
}
