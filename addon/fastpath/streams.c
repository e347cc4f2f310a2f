/*
 * Standard streams are given back blocking, as they were: a program may have changed that of a pipe
 * which others go on with, as of one command after another in a shell. Called by start.c; where it
 * is Node, addon/src/leave.cc does the same.
 */
#include <fcntl.h>

#include "fastpath.h"

#define STANDARD 3

static long before[STANDARD];

void note_streams(void) {
  for (int fd = 0; fd < STANDARD; fd++)
    before[fd] = sys3(__NR_fcntl, fd, F_GETFL, 0);
}

void give_back_streams(void) {
  for (int fd = 0; fd < STANDARD; fd++) {
    const long now = sys3(__NR_fcntl, fd, F_GETFL, 0);
    if (before[fd] >= 0 && now >= 0 && ((before[fd] ^ now) & O_NONBLOCK))
      sys3(__NR_fcntl, fd, F_SETFL, (now & ~O_NONBLOCK) | (before[fd] & O_NONBLOCK));
  }
}
