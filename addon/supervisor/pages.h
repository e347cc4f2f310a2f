/* Large zeroed memory, of which only the used pages take up room. From the heap, it would be
 * cleared for each run, and so be resident as a whole. */
#ifndef WASBOX_PAGES_H
#define WASBOX_PAGES_H

#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* NULL with errno. */
static inline void *wb_pages_new(size_t size) {
  const long address =
      syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
  return address == -1 ? NULL : (void *)address;
}

static inline void wb_pages_free(void *pages, size_t size) {
  if (pages)
    syscall(SYS_munmap, pages, size);
}

#endif
