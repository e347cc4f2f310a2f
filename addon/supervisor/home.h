/* Reports what a run leaves in a private home in memory, which goes with it: the report names
 * it. */
#ifndef WASBOX_HOME_H
#define WASBOX_HOME_H

#include <stdint.h>

#include "../wire.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Room for paths, and how many files are counted at the most. */
#define WB_HOME_TEXT_MAX 8192
#define WB_HOME_FILES_MAX 10000

struct wb_home {
  uint32_t files; /* files, links and the like; those that the plan itself puts there left out */
  uint32_t used;  /* bytes of `text` */
  /* Paths relative to the home, a 0 byte after each; as many as there is room for. */
  char text[WB_HOME_TEXT_MAX];
};

/* Called when all processes are gone. `scratch` is the sandbox's private tmpfs (borrowed), or
 * -1. */
void wb_home_list(int scratch, const struct wb_plan *plan, struct wb_home *home);

#ifdef __cplusplus
}
#endif
#endif
