/*
 * The end of the executable: the program as bytecode, a part for each module, and the image of the
 * engine with what every command needs already loaded (arena.c). A command loads the modules that
 * it needs beyond those when it comes to them. addon/engine/build.mjs writes the parts, and the
 * engine itself the image, when it is built. Called by main.c.
 *
 *     executable | parts, deflated | table of parts | image, from a page on | trailer
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "engine.h"

#define PAGE ((uint64_t)4096)
#define TRAILER_MAGIC 0x32656e69676e6577ul /* "wengine2" */
#define MODULE_MAX ((uint32_t)16 << 20)

/* A module as bytecode. build.mjs writes these two structures, too. */
struct part {
  char name[32]; /* as imports name it, without `./` */
  uint64_t offset;
  uint32_t stored, size; /* bytes in the file, and inflated */
};

struct trailer {
  uint64_t magic;
  uint64_t parts, part_count; /* the table */
  uint64_t image, image_size; /* 0 until there is one */
};

/* This executable, as far as it is needed; the trailer of a file that was checked. */
struct end {
  int fd;
  uint64_t size; /* without the trailer */
  struct trailer trailer;
};

static int read_end(const char *file, int flags, struct end *out) {
  struct stat info;
  struct trailer *trailer = &out->trailer;
  out->fd = open(file, flags | O_CLOEXEC);
  if (out->fd < 0)
    return -1;
  const off_t size = fstat(out->fd, &info) < 0 ? 0 : info.st_size - (off_t)sizeof *trailer;
  out->size = (uint64_t)size;
  if (size > 0 && pread(out->fd, trailer, sizeof *trailer, size) == sizeof *trailer &&
      trailer->magic == TRAILER_MAGIC && trailer->parts <= out->size &&
      trailer->part_count <= (out->size - trailer->parts) / sizeof(struct part) &&
      trailer->image <= out->size && trailer->image_size <= out->size - trailer->image)
    return 0;
  close(out->fd);
  return -1;
}

int restore_program(JSContext **context, JSValue *program) {
  struct end end;
  if (read_end("/proc/self/exe", O_RDONLY, &end) < 0)
    return -1;
  const struct trailer *trailer = &end.trailer;
  int got = arena_restore(context, program, end.fd, trailer->image, trailer->image_size);
  close(end.fd);
  return got;
}

static int write_at(int fd, const void *bytes, uint64_t size, uint64_t offset) {
  for (uint64_t done = 0; done < size;) {
    ssize_t n = pwrite(fd, (const char *)bytes + done, size - done, (off_t)(offset + done));
    if (n < 0 && errno != EINTR)
      return -1;
    done += n > 0 ? (uint64_t)n : 0;
  }
  return 0;
}

int save_program(JSContext *context, JSValue program, const char *file) {
  struct end end;
  if (read_end(file, O_RDWR, &end) < 0)
    return -1;
  struct trailer trailer = end.trailer;
  size_t size;
  const void *image = arena_image(context, program, &size);
  trailer.image = (end.size + PAGE - 1) & ~(PAGE - 1);
  trailer.image_size = size;
  if (write_at(end.fd, image, size, trailer.image) < 0 ||
      write_at(end.fd, &trailer, sizeof trailer, trailer.image + size) < 0)
    return -1;
  return close(end.fd);
}

/* The bytecode of a part, for free, since the image holds what is freed in the arena; NULL where
 * there is none, or it is damaged. */
static uint8_t *read_part(const char *name, size_t *size) {
  struct end end;
  uint8_t *out = NULL;
  if (strlen(name) >= sizeof(((struct part *)NULL)->name) ||
      read_end("/proc/self/exe", O_RDONLY, &end) < 0)
    return NULL;
  const uint8_t *file = mmap(NULL, end.size, PROT_READ, MAP_PRIVATE, end.fd, 0);
  close(end.fd);
  if (file == MAP_FAILED)
    return NULL;
  for (uint64_t i = 0; i < end.trailer.part_count; i++) {
    struct part part;
    memcpy(&part, file + end.trailer.parts + i * sizeof part, sizeof part);
    if (strncmp(part.name, name, sizeof part.name) != 0)
      continue;
    uLongf inflated = part.size;
    if (part.size <= MODULE_MAX && part.offset <= end.size &&
        part.stored <= end.size - part.offset && (out = malloc(part.size)) != NULL &&
        (uncompress(out, &inflated, file + part.offset, part.stored) != Z_OK ||
         inflated != part.size)) {
      free(out);
      out = NULL;
    }
    *size = part.size;
    break;
  }
  munmap((void *)(uintptr_t)file, end.size);
  return out;
}

/* A module that is not in memory yet. */
static JSModuleDef *load_part(JSContext *context, const char *name, void *opaque) {
  (void)opaque;
  size_t size;
  uint8_t *bytes = read_part(name, &size);
  if (!bytes) {
    JS_ThrowReferenceError(context, "the installation is incomplete or damaged: no module %s",
                           name);
    return NULL;
  }
  JSValue module = JS_ReadObject(context, bytes, size, JS_READ_OBJ_BYTECODE);
  free(bytes);
  if (JS_IsException(module))
    return NULL;
  JSModuleDef *found = JS_VALUE_GET_PTR(module);
  JS_FreeValue(context, module); /* the context keeps it */
  return found;
}

/* loadModule(NAME): as import(NAME), which needs the names of files in the bytecode. */
static JSValue load_module(JSContext *context, JSValueConst self, int count, JSValueConst *values) {
  (void)self, (void)count;
  const char *name = JS_ToCString(context, values[0]);
  if (!name)
    return JS_EXCEPTION;
  JSValue promise = JS_LoadModule(context, "", name);
  JS_FreeCString(context, name);
  return promise;
}

int run_program(JSContext *context, JSValueConst global, JSValue *evaluated) {
  JS_SetModuleLoaderFunc(JS_GetRuntime(context), NULL, load_part, NULL);
  JSValue function = JS_NewCFunction(context, load_module, "loadModule", 1);
  size_t size;
  uint8_t *bytes = read_part("engine.js", &size);
  if (!bytes || JS_SetPropertyStr(context, global, "loadModule", function) < 0)
    return -1;
  JSValue module = JS_ReadObject(context, bytes, size, JS_READ_OBJ_BYTECODE);
  free(bytes);
  if (JS_IsException(module) || JS_ResolveModule(context, module) < 0)
    return -1;
  *evaluated = JS_EvalFunction(context, module);
  return JS_IsException(*evaluated) ? -1 : 0;
}
