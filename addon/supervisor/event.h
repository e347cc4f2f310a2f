/* An eventfd by which one thread tells another. eventfd(2) */
#ifndef WASBOX_EVENT_H
#define WASBOX_EVENT_H

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns the descriptor, or -1 with errno. */
static inline int wb_event_new(void) {
  return (int)syscall(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static inline void wb_event_tell(int file, uint64_t word) {
  while (write(file, &word, sizeof word) < 0 && errno == EINTR)
    ;
}

/* Returns the sum of what was told; 0: nothing. */
static inline uint64_t wb_event_hear(int file) {
  uint64_t words = 0;
  return read(file, &words, sizeof words) == sizeof words ? words : 0;
}

#endif
