/* See pin.h. Called by whatever answers notifications, and by what looks at the run's processes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "directory.h"
#include "message.h"
#include "notify.h"
#include "pin.h"
#include "processes.h"
#include "run_in_namespaces.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL /* Linux 6.9 */
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

#define UNTRIED (-1)
#define GONE (-2)

/* Opens what has this number in /proc, or with a name a file of it. Not open(2): musl's makes a
 * second call for O_CLOEXEC. */
static int open_number(uint32_t number, const char *name, int flags) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%u%s", number, name);
  return openat(AT_FDCWD, path, flags | O_NOFOLLOW | O_CLOEXEC);
}

int wb_process_open(uint32_t number) {
  return open_number(number, "", O_PATH | O_DIRECTORY);
}

int wb_process_signal(int process, int signal) {
  /* The kernel takes a directory of /proc for a pidfd, and wants one that is not O_PATH. */
  const int directory = openat(process, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return errno;
  const int error = syscall(SYS_pidfd_send_signal, directory, signal, NULL, 0) < 0 ? errno : 0;
  close(directory);
  return error;
}

/* Returns whether the process still has its number: it loses both at once, when it is reaped. */
static int is_there(int process) {
  char text[16];
  return wb_read_text(process, "stat", text, sizeof text) > 0;
}

int wb_process_pidfd(int process, uint32_t number) {
  const int pidfd = (int)syscall(SYS_pidfd_open, number, 0);
  if (pidfd < 0 || is_there(process))
    return pidfd;
  close(pidfd);
  errno = ESRCH;
  return -1;
}

int wb_process_take(int pidfd, int number) {
  return (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
}

void wb_pin_begin(struct wb_pin *caller, const struct wb_watch *watch,
                  const struct seccomp_notif *call) {
  *caller = (struct wb_pin){watch->listener, call, UNTRIED, UNTRIED, 0};
}

void wb_pin_end(struct wb_pin *caller) {
  if (caller->memory >= 0)
    close(caller->memory);
  if (caller->process >= 0)
    close(caller->process);
  caller->process = caller->memory = GONE;
}

int wb_pin_stands(const struct wb_pin *caller) {
  return wb_listener_stands(caller->listener, caller->call->id);
}

/* A descriptor that was opened by number, if it is the caller's: it still waits. GONE if not. */
static int checked(const struct wb_pin *caller, int opened) {
  if (opened >= 0 && wb_pin_stands(caller))
    return opened;
  if (opened >= 0)
    close(opened);
  return GONE;
}

/* The caller's directory, or -1. */
static int hold(struct wb_pin *caller) {
  if (caller->process == UNTRIED)
    caller->process = checked(caller, wb_process_open(caller->call->pid));
  if (caller->process >= 0)
    return caller->process;
  errno = ESRCH;
  return -1;
}

/* The caller's memory, or -1. It stays this address space's, which ends with its last thread:
 * nothing more is read or written then, whichever process has the number. mem_rw in fs/proc/base.c
 */
static int hold_memory(struct wb_pin *caller) {
  if (caller->memory == UNTRIED)
    caller->memory = checked(caller, open_number(caller->call->pid, "/mem", O_RDWR));
  return caller->memory;
}

/*
 * Reads by number, and asks afterwards: if the caller still waits, it had the number all the time.
 * If it is gone, the bytes may be another process's, and are dropped. There is no such way to
 * write.
 */
static size_t copy_by_number(const struct wb_pin *caller, uint64_t address, void *out,
                             size_t size) {
  struct iovec local = {out, size}, remote = {(void *)(uintptr_t)address, size};
  const ssize_t n = process_vm_readv((pid_t)caller->call->pid, &local, 1, &remote, 1, 0);
  if (n > 0 && wb_pin_stands(caller))
    return (size_t)n;
  memset(out, 0, size);
  return 0;
}

/*
 * Most callers are read once, a path: half the calls that a descriptor takes. A caller that has
 * closed itself to all but root has no other way: PR_SET_DUMPABLE, as ssh does, or the payload's
 * process before it executes the program. Its files in /proc are root's, but the owner of its user
 * namespace may read its memory. ptrace(2)
 */
size_t wb_pin_copy(struct wb_pin *caller, uint64_t address, void *out, size_t size) {
  size_t done = 0;
  if (caller->memory == UNTRIED && !caller->was_read) {
    caller->was_read = 1;
    done = copy_by_number(caller, address, out, size);
    if (done)
      return done;
  }
  const int memory = hold_memory(caller);
  if (memory < 0)
    return copy_by_number(caller, address, out, size);
  while (done < size) {
    const ssize_t n = pread(memory, (char *)out + done, size - done, (off_t)(address + done));
    if (n <= 0)
      break;
    done += (size_t)n;
  }
  return done;
}

size_t wb_pin_read(struct wb_pin *caller, uint64_t address, void *out, size_t size) {
  size_t done = 0;
  while (done < size) {
    /* A page at a time: the next one may not be there, or may be slow to come. */
    size_t chunk = 4096 - (address + done) % 4096;
    if (chunk > size - done)
      chunk = size - done;
    const size_t n = wb_pin_copy(caller, address + done, (char *)out + done, chunk);
    done += n;
    if (n < chunk || memchr((char *)out + done - n, 0, n))
      break; /* the end of a string; addresses are shorter than a page */
  }
  return done;
}

size_t wb_pin_write(struct wb_pin *caller, uint64_t address, const void *bytes, size_t size) {
  const int memory = hold_memory(caller);
  size_t done = 0;
  while (memory >= 0 && done < size) {
    const ssize_t n =
        pwrite(memory, (const char *)bytes + done, size - done, (off_t)(address + done));
    if (n <= 0)
      break;
    done += (size_t)n;
  }
  return done;
}

int wb_pin_open(struct wb_pin *caller, const char *name, int flags) {
  const int process = hold(caller);
  return process < 0 ? -1 : openat(process, name, flags | O_CLOEXEC);
}

/* The name in /proc of what a descriptor leads to. Returns 0, or -1 with errno. */
static int name_base(int fd, char name[16]) {
  if (fd < 0 && fd != AT_FDCWD) {
    errno = EBADF;
    return -1;
  }
  if (fd == AT_FDCWD)
    memcpy(name, "cwd", sizeof "cwd");
  else
    snprintf(name, 16, "fd/%d", fd);
  return 0;
}

int wb_pin_open_base(struct wb_pin *caller, int fd, int flags) {
  char name[16];
  const int found = name_base(fd, name) < 0 ? -1 : wb_pin_open(caller, name, flags);
  if (found < 0 && errno == ENOENT)
    errno = EBADF;
  return found;
}

ssize_t wb_pin_link(struct wb_pin *caller, const char *name, char *out, size_t size) {
  const int process = hold(caller);
  const ssize_t n =
      process < 0 ? -1 : (ssize_t)syscall(SYS_readlinkat, process, name, out, size - 1);
  out[n < 0 ? 0 : n] = 0;
  return n;
}

ssize_t wb_pin_link_base(struct wb_pin *caller, int fd, char *out, size_t size) {
  char name[16];
  return name_base(fd, name) < 0 ? -1 : wb_pin_link(caller, name, out, size);
}

ssize_t wb_pin_text(struct wb_pin *caller, const char *name, char *out, size_t size) {
  const int process = hold(caller);
  return process < 0 ? -1 : wb_read_text(process, name, out, size);
}

/* The process that the caller is a thread of, for kernels without PIDFD_THREAD; 0: unknown. */
static uint32_t group_of(struct wb_pin *caller) {
  char text[1024 + 16] = {0};
  return wb_pin_text(caller, "status", text, 1024) > 0 ? (uint32_t)wb_processes_field(text, "Tgid:")
                                                       : 0;
}

int wb_pin_pidfd(struct wb_pin *caller) {
  int pidfd = (int)syscall(SYS_pidfd_open, caller->call->pid, PIDFD_THREAD);
  if (pidfd < 0 && errno == EINVAL)
    pidfd = (int)syscall(SYS_pidfd_open, group_of(caller), 0);
  if (pidfd < 0 || wb_pin_stands(caller))
    return pidfd;
  close(pidfd);
  errno = ESRCH;
  return -1;
}

/* The kind of a file, as stat(2) has it; 0 where that cannot be found out. */
static unsigned kind_of(int file) {
  struct statx info;
  return syscall(SYS_statx, file, "", AT_EMPTY_PATH, STATX_TYPE, &info) < 0
             ? 0
             : info.stx_mode & S_IFMT;
}

/* Another thread of a payload put a file in the place of a socket while that was copied. Its copy
 * stays open, and from then on this process copies the slow way: atomic. */
static int astray;

/* A copy, straight into this process's table, of what was a socket a moment ago. */
static int take_straight(int pidfd, int number) {
  const int file = wb_process_take(pidfd, number);
  const unsigned kind = file < 0 ? 0 : kind_of(file);
  if (file < 0 || kind == S_IFSOCK)
    return file;
  if (kind == S_IFREG || kind == S_IFDIR)
    __atomic_store_n(&astray, 1, __ATOMIC_RELAXED);
  else
    close(file); /* no program has locks on it */
  errno = ENOTSOCK;
  return -1;
}

/* A copy in a child's own table, which passes sockets on. */
struct visit {
  int pidfd, number, channel, error;
};

static int visit(void *argument) {
  struct visit *visit = argument;
  const int file = wb_process_take(visit->pidfd, visit->number);
  visit->error = file < 0 ? errno : kind_of(file) == S_IFSOCK ? 0 : ENOTSOCK;
  if (!visit->error) {
    const char byte = 0;
    visit->error = wb_message_send(visit->channel, &byte, 1, &file, 1, MSG_DONTWAIT);
  }
  _exit(0);
}

static int receive(int channel) {
  char byte;
  int file;
  wb_message_take(channel, &byte, 1, &file, 1, NULL);
  if (file < 0)
    errno = EMFILE;
  return file;
}

static int take_by_child(int pidfd, int number) {
  int ends[2], file = -1;
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0)
    return -1;
  struct visit request = {pidfd, number, ends[1], 0};
  int error = wb_run_in_namespaces(visit, &request, 0);
  error = error ? error : request.error;
  if (!error && (file = receive(ends[0])) < 0)
    error = errno;
  close(ends[0]);
  close(ends[1]);
  errno = error;
  return file;
}

int wb_pin_take(struct wb_pin *caller, int number) {
  static const char socket[] = "socket:[";
  char target[sizeof socket] = "";
  const ssize_t n = number < 0 ? 0 : wb_pin_link_base(caller, number, target, sizeof target);
  if (n >= 0 && strcmp(target, socket) != 0) {
    errno = number < 0 ? EBADF : ENOTSOCK;
    return -1;
  }
  if (n < 0 && (errno == ENOENT || errno == ESRCH)) {
    errno = errno == ENOENT ? EBADF : ESRCH;
    return -1;
  }
  const int pidfd = wb_pin_pidfd(caller);
  if (pidfd < 0)
    return -1;
  /* A caller that is closed to all but root does not show what its descriptors are. */
  const int slow = n < 0 || __atomic_load_n(&astray, __ATOMIC_RELAXED);
  const int file = slow ? take_by_child(pidfd, number) : take_straight(pidfd, number);
  const int error = errno;
  close(pidfd);
  errno = error;
  return file;
}
