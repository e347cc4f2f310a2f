/*
 * The part of a C library that the supervisor uses, over raw system calls: the native command links
 * the same supervisor as the addon, but must not pay for the start of a libc. The declarations are
 * those of the system's headers, glibc's and musl's alike. Called by addon/supervisor and
 * addon/fastpath.
 *
 * Each thread has its own errno (thread.c); a signal handler puts it back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "syscall.h"

int *__errno_location(void) {
  /* The thread pointer leads to its address. */
#if defined(__x86_64__)
  int *number;
  __asm__("movq %%fs:0, %0" : "=r"(number));
  return number;
#else
  int **number;
  __asm__("mrs %0, tpidr_el0" : "=r"(number));
  return *number;
#endif
}

static long result(long ret) {
  if (ret >= 0)
    return ret;
  errno = (int)-ret;
  return -1;
}

long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; i++)
    a[i] = va_arg(list, long);
  va_end(list);
  return result(sys6(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  int mode = flags & O_CREAT ? va_arg(list, int) : 0;
  va_end(list);
  return (int)result(sys4(__NR_openat, AT_FDCWD, path, flags, mode));
}

int fcntl(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  long argument = va_arg(list, long);
  va_end(list);
  return (int)result(sys3(__NR_fcntl, fd, command, argument));
}

int prctl(int option, ...) {
  va_list list;
  va_start(list, option);
  long a[4];
  for (int i = 0; i < 4; i++)
    a[i] = va_arg(list, long);
  va_end(list);
  return (int)result(sys5(__NR_prctl, option, a[0], a[1], a[2], a[3]));
}

int close(int fd) {
  return (int)result(sys1(__NR_close, fd));
}

ssize_t read(int fd, void *buffer, size_t size) {
  return result(sys3(__NR_read, fd, buffer, size));
}

ssize_t write(int fd, const void *buffer, size_t size) {
  return result(sys3(__NR_write, fd, buffer, size));
}

ssize_t sendfile(int to, int from, off_t *offset, size_t size) {
  return result(sys4(__NR_sendfile, to, from, offset, size));
}

int dup2(int from, int to) {
  /* dup3(2) refuses equal descriptors; the supervisor's sources lie above its targets. */
  return (int)result(sys3(__NR_dup3, from, to, 0));
}

int fchmod(int fd, mode_t mode) {
  return (int)result(sys2(__NR_fchmod, fd, mode));
}

int fchown(int fd, uid_t owner, gid_t group) {
  return (int)result(sys3(__NR_fchown, fd, owner, group));
}

int fstatfs(int fd, struct statfs *info) {
  return (int)result(sys2(__NR_fstatfs, fd, info));
}

int memfd_create(const char *name, unsigned flags) {
  return (int)result(sys2(__NR_memfd_create, name, flags));
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  return (void *)result(
      sys6(__NR_mmap, (long)address, (long)length, protection, flags, fd, (long)offset));
}

int munmap(void *address, size_t length) {
  return (int)result(sys2(__NR_munmap, address, length));
}

int socketpair(int domain, int type, int protocol, int fds[2]) {
  return (int)result(sys4(__NR_socketpair, domain, type, protocol, fds));
}

ssize_t send(int fd, const void *buffer, size_t size, int flags) {
  return (ssize_t)result(sys6(__NR_sendto, fd, (long)buffer, (long)size, flags, 0, 0));
}

int shutdown(int fd, int how) {
  return (int)result(sys2(__NR_shutdown, fd, how));
}

ssize_t recv(int fd, void *buffer, size_t size, int flags) {
  return result(sys6(__NR_recvfrom, fd, (long)buffer, (long)size, flags, 0, 0));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  return result(sys3(__NR_sendmsg, fd, message, flags));
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  return result(sys3(__NR_recvmsg, fd, message, flags));
}

/* The headers disagree on the type; the kernel looks at 32 bits. */
#ifdef __GLIBC__
typedef unsigned long ioctl_request;
#else
typedef int ioctl_request;
#endif

int ioctl(int fd, ioctl_request request, ...) {
  va_list list;
  va_start(list, request);
  long argument = va_arg(list, long);
  va_end(list);
  return (int)result(sys3(__NR_ioctl, fd, (unsigned)request, argument));
}

ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long local_count,
                         const struct iovec *remote, unsigned long remote_count,
                         unsigned long flags) {
  return result(sys6(__NR_process_vm_readv, pid, (long)local, (long)local_count, (long)remote,
                     (long)remote_count, (long)flags));
}

#undef ntohl
uint32_t ntohl(uint32_t number) {
  return __builtin_bswap32(number); /* every platform with a build is little-endian */
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
  struct timespec time = {timeout_ms / 1000, timeout_ms % 1000 * 1000000l};
  return (int)result(sys5(__NR_ppoll, fds, count, timeout_ms < 0 ? NULL : &time, NULL, 0));
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options) {
  return (int)result(sys5(__NR_waitid, type, id, info, options, NULL));
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  return (int)result(sys2(__NR_clock_gettime, clock, time));
}

void _exit(int status) {
  for (;;)
    sys1(__NR_exit_group, status);
}

/* clone(2) with a stack of the child's own: the fifth argument is where CLONE_PIDFD writes. */
int clone(int (*fn)(void *), void *stack, int flags, void *argument, ...) {
  va_list list;
  va_start(list, argument);
  int *pidfd = flags & 0x1000 /* CLONE_PIDFD */ ? va_arg(list, int *) : NULL;
  va_end(list);
  return (int)result(sys_clone(fn, argument, stack, (long)(unsigned)flags, pidfd));
}

size_t strlen(const char *s) {
  size_t n = 0;
  while (s[n])
    n++;
  return n;
}

int strcmp(const char *a, const char *b) {
  while (*a && *a == *b)
    a++, b++;
  return (unsigned char)*a - (unsigned char)*b;
}

/* A word at any address, of whatever type. */
typedef uint64_t __attribute__((aligned(1), may_alias)) any_word;

int memcmp(const void *a, const void *b, size_t n) {
  const unsigned char *x = a, *y = b;
  for (; n >= 8 && *(const any_word *)x == *(const any_word *)y; n -= 8)
    x += 8, y += 8;
  for (; n; n--, x++, y++)
    if (*x != *y)
      return *x - *y;
  return 0;
}

void *memchr(const void *bytes, int byte, size_t n) {
  const unsigned char *b = bytes;
  for (; n; n--, b++)
    if (*b == (unsigned char)byte)
      return (void *)(uintptr_t)b;
  return NULL;
}

static size_t digits(char out[24], unsigned long number) {
  char reverse[24];
  size_t n = 0;
  do {
    reverse[n++] = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  for (size_t i = 0; i < n; i++)
    out[i] = reverse[n - 1 - i];
  return n;
}

/* %d, %u, %s and %.Ns, which is all that is asked for; anything else ends the program. */
int vsnprintf(char *out, size_t size, const char *format, va_list list) {
  size_t n = 0;
  for (; *format; format++) {
    char number[24];
    const char *text = format;
    size_t length = 1;
    if (*format == '%') {
      size_t most = (size_t)-1;
      format++;
      if (*format == '.')
        for (most = 0; *++format >= '0' && *format <= '9';)
          most = most * 10 + (size_t)(*format - '0');
      if (*format == 'd' || *format == 'u') {
        const unsigned value = va_arg(list, unsigned);
        if (*format == 'd' && (int)value < 0)
          _exit(125);
        text = number;
        length = digits(number, value);
      } else if (*format == 's') {
        text = va_arg(list, const char *);
        for (length = 0; length < most && text[length];)
          length++;
      } else {
        _exit(125);
      }
    }
    for (size_t i = 0; i < length; i++, n++)
      if (n + 1 < size)
        out[n] = text[i];
  }
  if (size)
    out[n < size ? n : size - 1] = 0;
  return (int)n;
}

int snprintf(char *out, size_t size, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int n = vsnprintf(out, size, format, list);
  va_end(list);
  return n;
}

/* One thread: nothing to wait for. */
int pthread_mutex_lock(pthread_mutex_t *mutex) {
  (void)mutex;
  return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex) {
  (void)mutex;
  return 0;
}
