/* A child that shares memory with the caller, which waits: for what a thread of a process that has
 * others may not do, as joining a namespace or having a table of descriptors of its own. */
#ifndef WASBOX_VISIT_H
#define WASBOX_VISIT_H

/* Calls the function, which ends by _exit(2), in a child made with these CLONE_* beside VM and
 * VFORK. Returns 0 when it is gone, or an errno where there was none. */
int wb_run_in_namespaces(int (*function)(void *), void *argument, int flags);

#endif
