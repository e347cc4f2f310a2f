/*
 * The weakened control of pins.test.ts, linked in place of addon/supervisor/pin.c: whatever is done
 * to the caller is done by its number, after one look whether the notification stands, as it was
 * before there were pins.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../../../addon/supervisor/directory.h"
#include "../../../addon/supervisor/notify.h"
#include "../../../addon/supervisor/pin.h"

int wb_process_open(uint32_t number) {
  char path[24];
  snprintf(path, sizeof path, "/proc/%u", number);
  return open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int wb_process_signal(int process, int signal) {
  const int directory = openat(process, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int error = syscall(SYS_pidfd_send_signal, directory, signal, NULL, 0) < 0 ? errno : 0;
  close(directory);
  return error;
}

int wb_process_pidfd(int process, uint32_t number) {
  (void)process;
  return (int)syscall(SYS_pidfd_open, number, 0);
}

int wb_process_take(int pidfd, int number) {
  return (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
}

void wb_pin_begin(struct wb_pin *caller, const struct wb_watch *watch,
                  const struct seccomp_notif *call) {
  *caller = (struct wb_pin){watch->listener, call, -1, -1, 1};
}

void wb_pin_end(struct wb_pin *caller) {
  (void)caller;
}

int wb_pin_stands(const struct wb_pin *caller) {
  return wb_listener_stands(caller->listener, caller->call->id);
}

size_t wb_pin_copy(struct wb_pin *caller, uint64_t address, void *out, size_t size) {
  struct iovec local = {out, size}, remote = {(void *)(uintptr_t)address, size};
  const ssize_t n = process_vm_readv((pid_t)caller->call->pid, &local, 1, &remote, 1, 0);
  return n < 0 ? 0 : (size_t)n;
}

size_t wb_pin_read(struct wb_pin *caller, uint64_t address, void *out, size_t size) {
  size_t done = 0;
  while (done < size) {
    size_t chunk = 4096 - (address + done) % 4096;
    chunk = chunk > size - done ? size - done : chunk;
    const size_t n = wb_pin_copy(caller, address + done, (char *)out + done, chunk);
    done += n;
    if (n < chunk || memchr((char *)out + done - n, 0, n))
      break;
  }
  return done;
}

size_t wb_pin_write(struct wb_pin *caller, uint64_t address, const void *bytes, size_t size) {
  struct iovec local = {(void *)(uintptr_t)bytes, size},
               remote = {(void *)(uintptr_t)address, size};
  const ssize_t n = process_vm_writev((pid_t)caller->call->pid, &local, 1, &remote, 1, 0);
  return n < 0 ? 0 : (size_t)n;
}

static void place(const struct wb_pin *caller, const char *name, char path[64]) {
  snprintf(path, 64, "/proc/%u/%s", caller->call->pid, name);
}

int wb_pin_open(struct wb_pin *caller, const char *name, int flags) {
  char path[64];
  place(caller, name, path);
  return open(path, flags | O_CLOEXEC);
}

static void name_base(int fd, char name[16]) {
  if (fd == AT_FDCWD)
    strcpy(name, "cwd");
  else
    snprintf(name, 16, "fd/%d", fd);
}

int wb_pin_open_base(struct wb_pin *caller, int fd, int flags) {
  char name[16];
  name_base(fd, name);
  return wb_pin_open(caller, name, flags);
}

ssize_t wb_pin_link(struct wb_pin *caller, const char *name, char *out, size_t size) {
  char path[64];
  place(caller, name, path);
  const ssize_t n = readlink(path, out, size - 1);
  out[n < 0 ? 0 : n] = 0;
  return n;
}

ssize_t wb_pin_link_base(struct wb_pin *caller, int fd, char *out, size_t size) {
  char name[16];
  name_base(fd, name);
  return wb_pin_link(caller, name, out, size);
}

ssize_t wb_pin_text(struct wb_pin *caller, const char *name, char *out, size_t size) {
  char path[64];
  place(caller, name, path);
  return wb_read_text(AT_FDCWD, path, out, size);
}

int wb_pin_pidfd(struct wb_pin *caller) {
  return (int)syscall(SYS_pidfd_open, caller->call->pid, O_EXCL);
}

int wb_pin_take(struct wb_pin *caller, int number) {
  const int pidfd = wb_pin_pidfd(caller);
  const int file = pidfd < 0 ? -1 : wb_process_take(pidfd, number);
  if (pidfd >= 0)
    close(pidfd);
  return file;
}
