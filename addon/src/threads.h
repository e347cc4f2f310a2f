#ifndef WASBOX_THREADS_H
#define WASBOX_THREADS_H

namespace wasbox {

  // Runs `job(argument)` at once on a thread that nothing else uses meanwhile, all signals blocked.
  // Returns 0, or an errno where no thread can be made: then it is not run.
  int OnThread(void (*job)(void *), void *argument);

} // namespace wasbox

#endif
