/* Processes beside this program that outlive it for a moment: keeper.c. */
#ifndef WASBOX_HELPER_H
#define WASBOX_HELPER_H

#include <stddef.h>

/* Begins a process that shares this program's memory: `work(memory)`, with its stack at the end of
 * `memory`, which comes from wb_pages_new and must stay until the process is gone. The process may
 * make raw system calls only: thread-local storage (errno) is that of the caller's thread. Returns
 * its number, or -1. */
int wb_helper_begin(int (*work)(void *), void *memory, size_t size);

/* Settles the process, which calls this first: gives it a name and a process group of its own,
 * or what kills a shell's job would kill it too; and closes all of its descriptors but two. */
void wb_helper_settle(const char *name, int one, int other);

/* Waits for its end. `options` of waitpid(2): WNOHANG, or 0. Returns whether it is gone. */
int wb_helper_await(int pid, int options);

#endif
