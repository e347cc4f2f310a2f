// The threads that supervise. A sandbox dies with the thread that started it, so each run has one
// to itself for as long as it lives; afterwards the thread waits a while for the next run, because
// making one costs as much as a mount.
#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "threads.h"

namespace wasbox {
namespace {

struct Waiting {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> jobs;
  size_t idle = 0;
};

// Never destroyed: threads still wait here when the process ends.
Waiting &waiting() {
  static Waiting *const one = new Waiting;
  return *one;
}

constexpr std::chrono::seconds kPatience(5);

void Work(std::function<void()> job) {
  // Node's signal handlers run on other threads; the vfork child must not run them at all.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  Waiting &pool = waiting();
  for (;;) {
    job();
    job = nullptr;
    std::unique_lock<std::mutex> lock(pool.mutex);
    pool.idle++;
    const bool found = pool.changed.wait_for(lock, kPatience, [&] { return !pool.jobs.empty(); });
    pool.idle--;
    if (!found)
      return;
    job = std::move(pool.jobs.front());
    pool.jobs.pop_front();
  }
}

} // namespace

void OnThread(std::function<void()> job) {
  Waiting &pool = waiting();
  {
    std::lock_guard<std::mutex> lock(pool.mutex);
    // A thread that waits for each job that is queued already, and one more for this.
    if (pool.idle > pool.jobs.size()) {
      pool.jobs.push_back(std::move(job));
      pool.changed.notify_one();
      return;
    }
  }
  std::thread(Work, std::move(job)).detach();
}

} // namespace wasbox
