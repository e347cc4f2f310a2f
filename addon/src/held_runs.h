// The runs whose locks JavaScript holds, so that they are ended where its environment ends first,
// as that of a worker thread that is terminated: the process goes on, and would hold the locks.
#ifndef WASBOX_HELD_RUNS_H
#define WASBOX_HELD_RUNS_H

#include <napi.h>

#include <string>

#include "../rundir/rundir.h"

namespace wasbox {

  struct HeldRun {
    std::string state, workdir, id;
    int lock = -1;
    uint32_t mode = 0;
    uint64_t workdir_ino = 0;
    bool home = false;    // it has a layer of the home, too
    bool discard = false; // its changes are to be dropped
  };

  // A run that this environment holds from now on. Also from other threads.
  void Hold(napi_env env, const HeldRun &run);
  // Another owner closes the lock. False where it was not held.
  bool LetGo(int lock);
  // A sandbox writes to its layer: nothing is ended before it is released. Returns what to release
  // it by, as another run may have the same lock by then; 0 where it was not held.
  uint64_t UseHeld(int lock);
  // The sandbox is gone; where the environment is, too, the run is ended here.
  void ReleaseHeld(uint64_t use);

  // Finishes a run whose result no one will ask for. One with changes to keep is left with a
  // free lock: as after a kill, the next look at the runs saves it.
  void Settle(const HeldRun &held);

  void RegisterHeldRuns(Napi::Env env);

} // namespace wasbox

#endif
