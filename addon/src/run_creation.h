// Creates a run: in createRun, or on the supervising thread before it starts the sandbox.
#ifndef WASBOX_RUN_CREATION_H
#define WASBOX_RUN_CREATION_H

#include <string>
#include <vector>

#include "../rundir/rundir.h"
#include "addon.h"
#include "held_runs.h"

namespace wasbox {

  class RunCreation {
  public:
    // Reads the arguments of createRun. False, and a pending exception, if one is of the wrong
    // kind.
    bool Read(Napi::Env env, const std::vector<Napi::Value> &given);
    // Runs on any thread: calls nothing of Node. False if the run cannot be created: Result() says
    // why.
    bool Make();
    // Returns the created run, to be held.
    HeldRun Held() const;
    // Fills in what the run's end needs, except the paths.
    void Describe(wb_rundir * made) const;
    // Returns what createRun returns, or undefined and a pending exception.
    Napi::Value Result(Napi::Env env) const;

  private:
    std::string state_, record_;
    std::vector<std::string> trees_;
    uint64_t started_ms_ = 0;
    bool reuse_ = false, home_ = false, discard_ = false;
    wb_rundir run_ = {};
    int lock_ = -1, error_ = 0;
  };

  // createRun and createRunSoon.
  void RegisterRunCreation(Napi::Env env, Napi::Object exports);

} // namespace wasbox

#endif
