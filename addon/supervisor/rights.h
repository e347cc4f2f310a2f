/* Work that takes rights over the payload's files: rights.c. */
#ifndef WASBOX_RIGHTS_H
#define WASBOX_RIGHTS_H

/* Calls `function` in a child that has all capabilities in the user namespace to which the
 * sandbox's mount namespace `mounts` belongs, and that shares memory and descriptors with the
 * caller, which waits. Returns 0, or an errno where it was not called. */
int wb_with_rights(int mounts, void (*function)(void *), void *argument);

#endif
