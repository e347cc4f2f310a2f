/* Work that takes rights over the payload's files: rights.c. */
#ifndef WASBOX_RIGHTS_H
#define WASBOX_RIGHTS_H

#include <stdint.h>

/* Calls `function` in a child that has all capabilities in the user namespace to which the
 * sandbox's mount namespace `mounts` belongs, and that shares memory and descriptors with the
 * caller, which waits. Returns 0, or an errno where it was not called. */
int wb_with_rights(int mounts, void (*function)(void *), void *argument);

/* Calls it in a child without a capability, and with these ids and no other group unless they are
 * 0. */
int wb_without_rights(uint32_t uid, uint32_t gid, void (*function)(void *), void *argument);

#endif
