#include "held_runs.h"

#include <unistd.h>

#include <mutex>
#include <vector>

namespace wasbox {
namespace {

struct Entry {
  HeldRun run;
  napi_env env;
  uint64_t use = 0;      // of a sandbox
  bool orphaned = false; // its environment has ended
};

std::mutex mutex;
// The list is never destroyed: threads that supervise go on while the process ends.
std::vector<Entry> &held = *new std::vector<Entry>();
uint64_t uses = 0;

} // namespace

void Settle(const HeldRun &held) {
  const int state = wb_state_open(held.state.c_str(), 0);
  wb_rundir run;
  const bool opened = wb_rundir_reopen(&run, state, held.id.c_str(), held.lock) == 0;
  run.mode = held.mode;
  run.workdir_ino = held.workdir_ino;
  // The files that the sandbox itself made in a home are not known here.
  const bool untouched = opened && !held.home && wb_rundir_untouched(&run, held.workdir.c_str());
  if (opened && (held.discard || untouched) && wb_rundir_retire(&run) == 0)
    wb_rundir_discard(&run, 0);
  wb_rundir_close(&run);
  if (state >= 0)
    close(state);
}

namespace {

void EnvironmentEnds(void *data) {
  std::vector<HeldRun> idle;
  {
    std::lock_guard<std::mutex> guard(mutex);
    for (size_t i = 0; i < held.size();) {
      Entry &entry = held[i];
      if (entry.env != data || entry.use != 0) {
        entry.orphaned = entry.orphaned || entry.env == data;
        i++;
        continue;
      }
      idle.push_back(entry.run);
      held[i] = held.back();
      held.pop_back();
    }
  }
  for (const HeldRun &run : idle)
    Settle(run);
}

Entry *Find(int lock) {
  for (Entry &entry : held)
    if (entry.run.lock == lock)
      return &entry;
  return nullptr;
}

void Forget(Entry *entry) {
  *entry = held.back();
  held.pop_back();
}

} // namespace

void Hold(napi_env env, const HeldRun &run) {
  std::lock_guard<std::mutex> guard(mutex);
  held.push_back({run, env});
}

bool LetGo(int lock) {
  std::lock_guard<std::mutex> guard(mutex);
  Entry *entry = Find(lock);
  if (entry)
    Forget(entry);
  return entry != nullptr;
}

uint64_t UseHeld(int lock) {
  std::lock_guard<std::mutex> guard(mutex);
  Entry *entry = Find(lock);
  if (!entry)
    return 0;
  entry->use = ++uses;
  return entry->use;
}

void ReleaseHeld(uint64_t use) {
  HeldRun run;
  {
    std::lock_guard<std::mutex> guard(mutex);
    Entry *entry = nullptr;
    for (Entry &one : held)
      if (one.use == use)
        entry = &one;
    if (!entry)
      return;
    entry->use = 0;
    if (!entry->orphaned)
      return;
    run = entry->run;
    Forget(entry);
  }
  Settle(run);
}

void RegisterHeldRuns(Napi::Env env) {
  napi_add_env_cleanup_hook(env, EnvironmentEnds, static_cast<napi_env>(env));
}

} // namespace wasbox
