/*
 * A pipe that the payload has the other end of, with a thread between it and this program.
 *
 * The kernel holds the lock of a pipe while it copies to or from it, and for as long as a splice(2)
 * from a socket, or into one, waits: for ever, if the payload wants it. Each call on the other end
 * waits for that lock as well, O_NONBLOCK or not, and no signal ends the wait (fs/pipe.c,
 * fs/splice.c). So no other thread touches the pipe: it has a socket, which has no such lock.
 */
#ifndef WASBOX_PUMP_H
#define WASBOX_PUMP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wb_pump;

/*
 * Makes a pipe and begins the thread. `given`: the payload's end. `own`: the socket in place of the
 * other one, of which only that direction is used; closing it closes the pipe. `pump`: where not
 * NULL, to be released. Returns 0 or an errno; both descriptors are the caller's and close at
 * execve(2).
 */
int wb_pump_begin(int is_input, int *own, int *given, struct wb_pump **pump);

#define WB_PUMP_ALL INT64_MAX

/*
 * Returns how many bytes were written to the pipe until now, all of which come from the socket;
 * WB_PUMP_ALL where no process can write any more, so that its end comes as well; -1 where the
 * thread does not say at once. To be called again then: its answer is that to the first call.
 */
int64_t wb_pump_written(struct wb_pump *pump, int own);

void wb_pump_release(struct wb_pump *pump);

#ifdef __cplusplus
}
#endif
#endif
