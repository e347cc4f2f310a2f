/* Tells which processes of a /proc belong to a run. */
#ifndef WASBOX_MEMBERS_H
#define WASBOX_MEMBERS_H

#include <stdint.h>

#define WB_MEMBERS_MAX 8192

/* Large: not for the stack. */
struct wb_members {
  uint32_t warden; /* the run's, as numbered in /proc; 0: all that /proc shows, where init is 1 */
  uint32_t count;  /* processes that were seen */
  struct wb_member {
    uint32_t number, parent;
    uint32_t belongs;
  } seen[WB_MEMBERS_MAX];
};

/* Looks for the warden's descendants, which stay its own whatever ends between: it is a subreaper,
 * as init is, its child. */
void wb_members_find(struct wb_members *members, int proc);

/* Returns whether the name of an entry of /proc is a process of the run, init included. */
int wb_members_has(const struct wb_members *members, const char *name);

/* Returns whether it is init, or the warden. */
int wb_members_is_init(const struct wb_members *members, const char *name);

#endif
