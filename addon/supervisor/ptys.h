/* Pseudo-terminals that the payload of Landlock isolation makes. */
#ifndef WASBOX_PTYS_H
#define WASBOX_PTYS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wb_pin;
struct statx;
struct wb_watch;

/* That a run has at a time: the machine has some thousand for all its users. pty(7) */
#define WB_PTYS_MAX 64

struct wb_pty {
  int terminal;    /* owned: the slave, opened with O_PATH, which keeps no terminal open */
  uint32_t number; /* as in /dev/pts */
  uint32_t mode;   /* that it was made with */
};

/* All zeros at the start. */
struct wb_ptys {
  uint32_t count;
  struct wb_pty all[WB_PTYS_MAX];
};

/* Returns whether the call is about a terminal that the payload may have, and is answered. Else
 * the kernel may go on with it. */
int wb_ptys_take(struct wb_ptys *ptys, const struct wb_watch *watch, struct wb_pin *caller);

/* Returns the terminal whose slave this descriptor leads to, and in `info` what statx(2) says of
 * it; NULL where the run has no such terminal. */
const struct wb_pty *wb_ptys_find(const struct wb_ptys *ptys, int file, struct statx *info);

/* Called when the run is over. */
void wb_ptys_close(struct wb_ptys *ptys);

#ifdef __cplusplus
}
#endif

#endif
