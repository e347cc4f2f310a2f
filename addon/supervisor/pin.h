/*
 * The one hand on other processes. What the supervisor does to a process, or reads of it, goes
 * through descriptors that this module opened; no other file of the supervisor names a process by
 * its number (test/unit/native/pins.test.ts reads the sources).
 *
 * A number is another process's as soon as its process was reaped, and the payload decides when
 * that is. So the caller of a notification is pinned first, then the kernel is asked whether the
 * notification still stands. If it does, the number was the caller's when it was opened. The
 * descriptors lead to that process for good: once it has ended they lead nowhere. Only the first
 * bytes of a caller, and one that is closed to all but root, are read by number: the kernel is
 * asked afterwards, and only what was read while it still waits counts. Nothing is written so.
 */
#ifndef WASBOX_PIN_H
#define WASBOX_PIN_H

#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wb_watch;

/* The caller of a notification. Nothing is opened before it is needed. */
struct wb_pin {
  int listener;                     /* borrowed */
  const struct seccomp_notif *call; /* borrowed */
  int process;                      /* owned: its directory in /proc; negative: none */
  int memory;                       /* owned: its memory; negative: none */
  int was_read;                     /* its first bytes were asked for */
};

/* Names a caller. Ended by wb_pin_end, which closes what was opened. */
void wb_pin_begin(struct wb_pin *caller, const struct wb_watch *watch,
                  const struct seccomp_notif *call);
void wb_pin_end(struct wb_pin *caller);

/* Returns whether the caller waits for the answer: what was read of it before was its own. */
int wb_pin_stands(const struct wb_pin *caller);

/* Reads up to `size` bytes of the caller's memory, up to the end of the page that holds a NUL or
 * that cannot be read; how many. */
size_t wb_pin_read(struct wb_pin *caller, uint64_t address, void *out, size_t size);

/* Reads into `out` whatever bytes there are. */
size_t wb_pin_copy(struct wb_pin *caller, uint64_t address, void *out, size_t size);

/* Writes into the caller's memory. Returns how many bytes. */
size_t wb_pin_write(struct wb_pin *caller, uint64_t address, const void *bytes, size_t size);

/* Opens something in the caller's directory of /proc: "root", "cwd", "fd/7", "fdinfo/7", "fd".
 * Returns a descriptor (O_CLOEXEC), or -1 with errno; ESRCH where the caller is gone. */
int wb_pin_open(struct wb_pin *caller, const char *name, int flags);

/* Opens what a descriptor of the caller's leads to, or with AT_FDCWD its working directory.
 * EBADF where there is none. */
int wb_pin_open_base(struct wb_pin *caller, int fd, int flags);

/* Where a link of that directory leads, ended by a NUL. Returns the length, or -1 with errno. */
ssize_t wb_pin_link(struct wb_pin *caller, const char *name, char *out, size_t size);
ssize_t wb_pin_link_base(struct wb_pin *caller, int fd, char *out, size_t size);

/* The beginning of a text of that directory, ended by a NUL. Returns its length, or -1. */
ssize_t wb_pin_text(struct wb_pin *caller, const char *name, char *out, size_t size);

/* A pidfd of the caller's thread, for a child that has a table of descriptors of its own; -1 with
 * errno. */
int wb_pin_pidfd(struct wb_pin *caller);

/* A copy of a socket of the caller's, or -1 with errno: EBADF where nothing has the number,
 * ENOTSOCK for another kind of file. pidfd_getfd(2), Linux 5.6
 *
 * Closing a copy of a file takes the locks of this process on that file away, as fcntl(2) has them,
 * and this process may be a program that uses the library, with a database that the payload may
 * read. So no copy of another kind of file is ever closed in this process's table. */
int wb_pin_take(struct wb_pin *caller, int number);

/* --- processes that are not the caller of a notification -------------------------------------- */

/* A process's directory in the supervisor's own /proc (O_PATH): from here on this process, or none.
 * Returns -1 with errno. The caller of this function makes sure afterwards, through the descriptor,
 * that it is the process that is meant. */
int wb_process_open(uint32_t number);

/* Signals the process whose directory this is. Returns 0 or an errno. pidfd_send_signal(2) */
int wb_process_signal(int process, int signal);

/* A pidfd of the process whose directory this is, and whose number this is; -1 with errno. */
int wb_process_pidfd(int process, uint32_t number);

/* A copy of a descriptor of that process, or -1 with errno. pidfd_getfd(2), Linux 5.6 */
int wb_process_take(int pidfd, int number);

#ifdef __cplusplus
}
#endif
#endif
