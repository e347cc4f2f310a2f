/* Threads of the program that the supervisor is part of: src/threads.cc, sys/thread.c. */
#ifndef WASBOX_THREAD_H
#define WASBOX_THREAD_H

#ifdef __cplusplus
extern "C" {
#endif

/* Runs `work(argument)` on another thread, with all signals blocked. Returns 0, or an errno where
 * there is none to be had now: then it is not run. */
int wb_thread_begin(void (*work)(void *), void *argument);

#ifdef __cplusplus
}
#endif
#endif
