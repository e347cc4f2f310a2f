/*
 * Compiles modules of JavaScript to bytecode when the engine is built, and is no part of it:
 * `bytecode DIRECTORY NAME...` writes NAME.bin beside each NAME, and beside what those import.
 * Called by addon/engine/build.mjs.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <quickjs/quickjs.h>

static _Noreturn void fail(const char *what, const char *name) {
  fprintf(stderr, "bytecode: %s: %s\n", what, name);
  exit(1);
}

static char *read_file(const char *name, size_t *size) {
  FILE *file = fopen(name, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0)
    fail(strerror(errno), name);
  *size = (size_t)ftell(file);
  rewind(file);
  char *text = malloc(*size + 1);
  if (!text || fread(text, 1, *size, file) != *size)
    fail("cannot read it", name);
  text[*size] = 0; /* JS_Eval reads it */
  fclose(file);
  return text;
}

static void write_file(const char *name, const uint8_t *bytes, size_t size) {
  char out[256];
  if (snprintf(out, sizeof out, "%s.bin", name) >= (int)sizeof out)
    fail("its name is too long", name);
  FILE *file = fopen(out, "wb");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
    fail("cannot write its bytecode", name);
}

/* Called for a module once: for what a module imports, and for those that are named. */
static JSModuleDef *compile(JSContext *context, const char *name, void *opaque) {
  (void)opaque;
  size_t size;
  char *text = read_file(name, &size);
  JSValue module =
      JS_Eval(context, text, size, name, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  free(text);
  if (JS_IsException(module)) {
    const char *why = JS_ToCString(context, JS_GetException(context));
    fail(why ? why : "cannot be compiled", name);
  }
  size_t length;
  uint8_t *bytes = JS_WriteObject(context, &length, module, JS_WRITE_OBJ_BYTECODE);
  if (!bytes)
    fail("has no bytecode", name);
  write_file(name, bytes, length);
  js_free(context, bytes);
  JSModuleDef *definition = JS_VALUE_GET_PTR(module);
  JS_FreeValue(context, module); /* the context keeps it */
  return definition;
}

int main(int argc, char **argv) {
  if (argc < 3 || chdir(argv[1]) < 0)
    fail("usage", "bytecode DIRECTORY NAME...");
  JSRuntime *runtime = JS_NewRuntime();
  JSContext *context = runtime ? JS_NewContext(runtime) : NULL;
  if (!context)
    fail("out of memory", "");
  JS_SetStripInfo(runtime, JS_STRIP_DEBUG);
  JS_SetModuleLoaderFunc(runtime, NULL, compile, NULL);
  for (int i = 2; i < argc; i++)
    if (access(argv[i], F_OK) < 0)
      fail(strerror(errno), argv[i]);
  for (int i = 2; i < argc; i++) {
    char out[256];
    snprintf(out, sizeof out, "%s.bin", argv[i]);
    if (access(out, F_OK) < 0) /* another one imports it */
      compile(context, argv[i], NULL);
  }
  return 0;
}
