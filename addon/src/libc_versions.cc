// Defines what the addon needs of a libc that is newer than some it is loaded beside. It is linked
// with no library at all, so that one file serves glibc from 2.28 on and musl: its symbols have no
// version and are found in what Node has loaded. The engine links them with musl: what the addon is
// made of is compiled with the same headers there.
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {

// glibc 2.32: whether reference counts may go without atomics. They may not.
char __libc_single_threaded = 0;

// glibc 2.38's headers turn the calls into these, which also read 0b… numbers.
long plain_strtol(const char *, char **, int) __asm__("strtol");
unsigned long plain_strtoul(const char *, char **, int) __asm__("strtoul");
unsigned long long plain_strtoull(const char *, char **, int) __asm__("strtoull");
int plain_vsscanf(const char *, const char *, va_list) __asm__("vsscanf");
long __isoc23_strtol(const char *text, char **end, int base) {
  return plain_strtol(text, end, base);
}
unsigned long __isoc23_strtoul(const char *text, char **end, int base) {
  return plain_strtoul(text, end, base);
}
unsigned long long __isoc23_strtoull(const char *text, char **end, int base) {
  return plain_strtoull(text, end, base);
}
int __isoc23_sscanf(const char *text, const char *format, ...) {
  va_list list;
  va_start(list, format);
  const int count = plain_vsscanf(text, format, list);
  va_end(list);
  return count;
}

// glibc 2.33; inline in its headers before. The kernel's structure is the one that they declare.
int fstat(int fd, struct stat *info) {
  return static_cast<int>(syscall(SYS_fstat, fd, info));
}
int stat(const char *path, struct stat *info) {
  return static_cast<int>(syscall(SYS_newfstatat, -100 /* AT_FDCWD */, path, info, 0));
}
int lstat(const char *path, struct stat *info) {
  return static_cast<int>(
      syscall(SYS_newfstatat, -100, path, info, 0x100 /* AT_SYMLINK_NOFOLLOW */));
}
}
