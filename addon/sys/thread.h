/* The storage that the native command's own errno takes: thread.c. */
#ifndef WASBOX_SYS_THREAD_H
#define WASBOX_SYS_THREAD_H

/* Called before anything that may set errno. */
void begin_threads(void);

#endif
