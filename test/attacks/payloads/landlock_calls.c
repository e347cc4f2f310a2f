/*
 * Ways to a file of the host by old and new calls: `landlock_calls FILE`, whose directory the caller
 * cannot list. Each call is made by its number, some by the 32-bit entry. Prints `NAME` for each that
 * succeeds, and for one that reads the file what it read.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#define SETXATTRAT 463
#define REMOVEXATTRAT 466
#define FILE_GETATTR 468
#define FILE_SETATTR 469

static void say(const char *name, long result) {
  if (result >= 0)
    puts(name);
}

static void show(const char *name, long fd) {
  char text[256];
  const ssize_t n = fd < 0 ? -1 : read((int)fd, text, sizeof text);
  if (n > 0)
    printf("%s %.*s\n", name, (int)n, text);
  if (fd >= 0)
    close((int)fd);
}

static void by_handle(const char *file) {
  struct {
    struct file_handle head;
    unsigned char bytes[MAX_HANDLE_SZ];
  } handle = {.head = {.handle_bytes = MAX_HANDLE_SZ}};
  int mount;
  const int here = open(".", O_RDONLY | O_DIRECTORY);
  if (syscall(SYS_name_to_handle_at, AT_FDCWD, file, &handle, &mount, 0) == 0)
    show("handle", syscall(SYS_open_by_handle_at, here, &handle, O_RDONLY));
}

#if defined(__x86_64__)
static long by_int80(long number, const void *a, long b, long c) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(a), "c"(b), "d"(c), "S"(0), "D"(0)
                   : "memory", "r8", "r9", "r10", "r11");
  return (int)result;
}

/* The calls name memory that must lie below 4 GB. */
static void by_old_calls(const char *file) {
  char *low = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  strcpy(low, file);
  /* A filter may kill who makes one: each in a process of its own. */
  static const struct {
    const char *name;
    long number, argument;
  } calls[] = {{"old-open", 5, O_RDONLY}, {"old-chmod", 15, 0751}, {"old-truncate", 92, 3},
               {"old-utime", 30, 0}};
  for (int i = 0; i < 4; i++) {
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) {
      const long result = by_int80(calls[i].number, low, calls[i].argument, 0);
      say(calls[i].name, result);
      if (i == 0)
        show("old-read", result);
      fflush(stdout);
      _exit(0);
    }
    waitpid(pid, NULL, 0);
  }
}
#else
static void by_old_calls(const char *file) {
  (void)file;
}
#endif

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  const char *file = argv[1];
  struct open_how how = {.flags = O_RDONLY};
  show("openat2", syscall(SYS_openat2, AT_FDCWD, file, &how, sizeof how));
  by_handle(file);
  say("fchmodat2", syscall(SYS_fchmodat2, AT_FDCWD, file, 0754, 0));
  struct {
    uint64_t value;
    uint32_t size, flags;
  } attribute = {(uint64_t)(uintptr_t) "x", 1, 0};
  say("setxattrat", syscall(SETXATTRAT, AT_FDCWD, file, 0, "user.new", &attribute, 16));
  say("removexattrat", syscall(REMOVEXATTRAT, AT_FDCWD, file, 0, "user.old"));
  struct {
    uint64_t xflags;
    uint32_t extsize, nextents, projid, cowextsize;
  } flags;
  if (syscall(FILE_GETATTR, AT_FDCWD, file, &flags, sizeof flags, 0) == 0) {
    puts("file_getattr");
    flags.xflags |= 0x80; /* FS_XFLAG_NODUMP */
    say("file_setattr", syscall(FILE_SETATTR, AT_FDCWD, file, &flags, sizeof flags, 0));
  }
  by_old_calls(file);
  return 0;
}
