/* Declares what the files of the engine share: QuickJS in the native command. */
#ifndef WASBOX_ENGINE_H
#define WASBOX_ENGINE_H

#include <quickjs/quickjs.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PATH_LIMIT 4096

/* arena.c: returns a runtime whose memory is the arena; NULL where its addresses are taken. */
JSRuntime *arena_runtime(void);
/* Returns the image, which is the arena with the program's value `program`, in whole pages. */
const void *arena_image(JSContext *context, JSValue program, size_t *size);
/* Maps the image that is in a file. Returns 0, or -1 where the bytes are no image. */
int arena_restore(JSContext **context, JSValue *program, int fd, uint64_t offset, uint64_t size);
/* From now on, a large allocation gets a mapping of its own. Called once the arena has been
 * restored, or where it will not be saved. */
void arena_map_large(void);

/* program.c: maps the image of the program at the end of this executable. Returns 0, or -1 where
 * there is none. */
int restore_program(JSContext **context, JSValue *program);
/* They build the engine: one runs the main module, whose promise is `*evaluated`; the other writes
 * an image to the end of another executable that is built like this one. Both return 0 or -1. */
int run_program(JSContext *context, JSValueConst global, JSValue *evaluated);
int save_program(JSContext *context, JSValue program, const char *file);

/* errors.c: the name of an errno, such as `ENOENT`, and its description; an unknown number is
 * `UNKNOWN`. */
const char *error_name(int number);
const char *error_text(int number);

/* core.c: the object `WebAssembly` of the global scope, for the policy core alone. */
void add_core(JSContext *context, JSValueConst global);

/* host.c: the object `machine` of the global scope. */
void add_host(JSContext *context, JSValueConst global);
/* Sets the socket on which the native command tells whether user namespaces work, if it has tried.
 */
void know_namespaces(int fd);
/* Sets an element of an array. Returns -1 with an exception pending where that failed or `value` is
 * an exception: a list that silently lost an element could hide one file fewer. */
int put(JSContext *context, JSValueConst array, uint32_t at, JSValue value);
/* Reads what can be read from a descriptor, at most `most` bytes, as an ArrayBuffer; or
 * returns a negative errno. `room` is how many are expected. */
JSValue read_all(JSContext *context, int fd, size_t room, size_t most);

/* text.c: functions of `machine`. */
void add_text(JSContext *context, JSValueConst machine);
/* An ArrayBuffer that takes over memory of js_malloc. */
JSValue new_owner(JSContext *context, uint8_t *bytes, size_t size);
/* An ArrayBuffer of zeros, whose memory is at `*bytes`. */
JSValue new_bytes(JSContext *context, size_t size, uint8_t **bytes);
/* Takes over an ArrayBuffer and gives a Buffer of it. */
JSValue as_node_buffer(JSContext *context, JSValue array_buffer);
/* Text of bytes in an encoding of Text in src/engine/machine.ts. */
JSValue text_in(JSContext *context, const uint8_t *bytes, size_t size, int encoding);
/* Text of bytes, with U+FFFD for what is not UTF-8. */
JSValue new_lossy_text(JSContext *context, const uint8_t *bytes, size_t size);
/* Returns whether bytes are UTF-8 as JavaScript writes it: no surrogates, nothing longer than
 * needed. */
int is_utf8(const char *text, size_t size);
/* The bytes of a typed array, for as long as nothing else runs; NULL with an exception pending. */
const uint8_t *view_of(JSContext *context, JSValueConst value, size_t *size);

/* files.c, loop.c, system.c: `machine.files`, `machine.loop`, `machine.system`. */
void add_files(JSContext *context, JSValueConst machine);
void add_loop(JSContext *context, JSValueConst machine);
void add_system(JSContext *context, JSValueConst machine);
/* The command line of this process, which `machine.system` gives to TypeScript. */
void set_arguments(int argc, char **argv);

/* crash.c: makes a crash of this process a line on stderr and exit status 125, and in the calling
 * thread an overflow of its stack, too. */
void catch_crashes(void);

/* main.c: runs the jobs that resolved promises have queued. Below 0 where one has failed. */
int run_jobs(void);
/* napi.c: the exports of the addon that is linked in. */
JSValue load_addon(JSContext *context);

/* host.c: a word of the command line; undefined where it is not UTF-8. */
JSValue new_argument(JSContext *context, const char *word);

#endif
