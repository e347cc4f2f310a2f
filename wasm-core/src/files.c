/*
 * Reading an include. In the module: from the directory that the WASI host opened for it as
 * descriptor 3, in memory. In tests: from the list in wb_test_files. Called by resolve.c.
 */
#include "core.h"

#include <string.h>

#ifdef __wasm__

#include <wasi/api.h>

int wb_read_file(struct wb_text name, struct wb_text *out) {
  char path[256];
  if (name.size == 0 || name.size >= sizeof path)
    return -1;
  memcpy(path, name.at, name.size);
  path[name.size] = 0;
  __wasi_fd_t fd;
  if (__wasi_path_open(3, 0, path, 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd) != 0)
    return -1;
  char *text = NULL;
  uint32_t size = 0, capacity = 0;
  int status = 0;
  for (;;) {
    if (size == capacity) {
      if (capacity > WB_MAX_SOURCE) {
        status = -2;
        break;
      }
      capacity = capacity == 0 ? 8192 : capacity * 2;
      char *wider = wb_alloc(capacity);
      if (size > 0)
        memcpy(wider, text, size);
      text = wider;
    }
    __wasi_iovec_t vector = {(uint8_t *)text + size, capacity - size};
    __wasi_size_t got = 0;
    if (__wasi_fd_read(fd, &vector, 1, &got) != 0) {
      status = -1;
      break;
    }
    if (got == 0)
      break;
    size += got;
  }
  (void)__wasi_fd_close(fd);
  if (status == 0 && size > WB_MAX_SOURCE)
    status = -2;
  *out = (struct wb_text){text, size};
  return status;
}

#else

/* Name, text, name, text, …, NULL. */
const char *const *wb_test_files;

int wb_read_file(struct wb_text name, struct wb_text *out) {
  for (const char *const *at = wb_test_files; at != NULL && *at != NULL; at += 2)
    if (wb_text_is(name, at[0])) {
      *out = wb_text_of(at[1]);
      return out->size > WB_MAX_SOURCE ? -2 : 0;
    }
  return -1;
}

#endif
