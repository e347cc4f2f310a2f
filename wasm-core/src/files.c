/*
 * Reading an include. In the module: from the directory that the WASI host opened for it as
 * descriptor 3, in memory. In a native program that uses the ABI: from a list that it gives. In
 * tests: from the list in wb_test_files. Called by resolve.c.
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

#elif defined WB_NATIVE

static const struct wb_source *files;
static uint32_t file_count;

void wb_use_files(const struct wb_source *list, uint32_t count) {
  files = list;
  file_count = count;
}

/* The path that a name means to the module's host, or an empty text: none that leads out of the
 * folder, and none of a folder. */
static struct wb_text normal_path(struct wb_text name, char *path) {
  const char *at = name.at, *end = memchr(name.at, 0, name.size);
  uint32_t size = 0;
  if (end == NULL)
    end = name.at + name.size;
  if (at == end || *at == '/' || end[-1] == '/')
    return (struct wb_text){path, 0};
  while (at < end) {
    const char *slash = memchr(at, '/', (size_t)(end - at)), *stop = slash == NULL ? end : slash;
    const struct wb_text part = {at, (uint32_t)(stop - at)};
    at = slash == NULL ? end : slash + 1;
    if (part.size == 0 || wb_text_is(part, "."))
      continue;
    if (wb_text_is(part, "..")) {
      if (size == 0)
        return (struct wb_text){path, 0};
      while (size > 0 && path[--size] != '/')
        continue;
      continue;
    }
    if (size > 0)
      path[size++] = '/';
    memcpy(path + size, part.at, part.size);
    size += part.size;
  }
  return (struct wb_text){path, size};
}

int wb_read_file(struct wb_text name, struct wb_text *out) {
  char room[256];
  if (name.size == 0 || name.size >= sizeof room)
    return -1;
  const struct wb_text path = normal_path(name, room);
  for (uint32_t i = 0; i < file_count; i++) {
    if (path.size == 0 || path.size != files[i].name.size ||
        memcmp(path.at, files[i].name.at, path.size) != 0)
      continue;
    *out = files[i].text;
    return out->size > WB_MAX_SOURCE ? -2 : 0;
  }
  return -1;
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
