/* Messages over a UNIX socket that keeps them apart, with descriptors: unix(7), SCM_RIGHTS. */
#ifndef WASBOX_MESSAGE_H
#define WASBOX_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most descriptors of one message: SCM_MAX_FD. */
#define WB_MESSAGE_FDS_MAX 253

/* Sends a message, with `count` descriptors. `flags`: 0 waits for room, MSG_DONTWAIT does not.
 * Returns 0 or an errno. */
int wb_message_send(int socket, const void *bytes, size_t size, const int *fds, uint32_t count,
                    int flags);

/* Takes one that is there; does not wait. Fills in `count` descriptors (O_CLOEXEC), -1 for each
 * that did not come. With one more than there is room for in this process's table, `*lost` is 1.
 * Returns the message's length, or -1 with errno. */
ssize_t wb_message_take(int socket, void *bytes, size_t size, int *fds, uint32_t count, int *lost);

#ifdef __cplusplus
}
#endif
#endif
