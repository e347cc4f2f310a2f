// The end of a run that createRun made and whose payload is gone.
#ifndef WASBOX_RUN_END_H
#define WASBOX_RUN_END_H

#include <string>

#include "../rundir/rundir.h"
#include "addon.h"

namespace wasbox {

  // Says what there is to know of it.
  struct RunEnd {
    std::string state, workdir, placed;
    wb_rundir made = {};

    // False, and a pending exception, where something is of the wrong kind.
    bool Read(const Napi::Value &state_path, const Napi::Value &run,
              const Napi::Value &workdir_path, const Napi::Value &placed_paths);
    // Reads the paths without the run, which does not exist yet.
    bool ReadPaths(const Napi::Value &state_path, const Napi::Value &workdir_path,
                   const Napi::Value &placed_paths);
  };

  // rundir.cc: ends the run if its layer is as it was made, whose lock is not the caller's any
  // more. Returns what RecycleRun is to be called with once the sandbox's mounts are gone; null
  // where the run is as it was.
  void *RetireUntouched(const RunEnd &end);
  // Makes its layer the next run's.
  void RecycleRun(void *retired);

} // namespace wasbox

#endif
