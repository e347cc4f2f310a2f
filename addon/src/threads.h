#ifndef WASBOX_THREADS_H
#define WASBOX_THREADS_H

#include <functional>

namespace wasbox {

  // Runs `job` at once on a thread that nothing else uses meanwhile, all signals blocked. Throws
  // std::system_error where no thread can be made.
  void OnThread(std::function<void()> job);

} // namespace wasbox

#endif
