/* What the files of the engine share: QuickJS in the native command. */
#ifndef WASBOX_ENGINE_H
#define WASBOX_ENGINE_H

#include <quickjs/quickjs.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PATH_LIMIT 4096

/* arena.c: a runtime whose memory is the arena; NULL where its addresses are taken. */
JSRuntime *arena_runtime(void);
/* Writes the arena, with the program's function `start`, to the end of the executable `file`. 0 or
 * -1. */
int arena_save(JSContext *context, JSValue start, const char *file);
/* Maps what arena_save wrote to the end of this executable. 0, or -1 where there is nothing. */
int arena_restore(JSContext **context, JSValue *start);

/* core.c: the object `policyCore` of the global scope. */
void add_core(JSContext *context, JSValueConst global);
/* Before another program is executed: the policy core's process is not left to it. */
void end_core(void);

/* host.c: the object `machine` of the global scope. */
void add_host(JSContext *context, JSValueConst global);
/* Sets an element of an array; -1 with an exception pending, also where the value is one: one that
 * is missing would be one fewer to hide. */
int put(JSContext *context, JSValueConst array, uint32_t at, JSValue value);
/* A word of the command line; undefined where it is not UTF-8. */
JSValue new_argument(JSContext *context, const char *word);

#endif
