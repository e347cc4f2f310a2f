/* Root's part of a launch, which the native command has not: root's starts are Node's. Called by
 * supervisor/launch.c, in place of supervisor/privileged.c. */
#include <errno.h>

#include "../supervisor/supervisor.h"

int wb_grant(const struct wb_run *run, const struct wb_request *request,
             struct wb_failure *failure) {
  (void)run, (void)request;
  return wb_fail(failure, WB_STEP_IDENTITY, EPERM, NULL);
}

int wb_is_real_root(void) {
  return 1;
}
