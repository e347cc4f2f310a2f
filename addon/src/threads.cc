// The threads that supervise. A sandbox dies with the thread that started it, so each run has one
// to itself for as long as it lives; afterwards the thread waits a while for the next run, because
// making one costs as much as a mount.
#include "threads.h"

#include "../supervisor/thread.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace wasbox {
namespace {

constexpr int kPatienceSeconds = 5;

struct Job {
  void (*run)(void *);
  void *argument;
};

// A thread that waits. It stands on its own stack: one that is given a job is taken out first.
//
// futex(2) instead of a condition variable: the addon's symbols have no version (libc_versions.cc),
// and glibc's oldest pthread_cond_init on x86-64 knows only CLOCK_REALTIME. A deadline of
// CLOCK_MONOTONIC has always passed on that clock, so each run would make a thread.
struct Waiting {
  int given; // the futex: 1 once there is a job
  Job job;
  Waiting *next;
};

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
Waiting *idle;

void Remove(const Waiting *one) {
  for (Waiting **at = &idle; *at; at = &(*at)->next)
    if (*at == one) {
      *at = one->next;
      return;
    }
}

// The next job, or false when none came for a while.
bool Wait(Job *job) {
  Waiting self = {};
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += kPatienceSeconds;
  pthread_mutex_lock(&mutex);
  self.next = idle;
  idle = &self;
  pthread_mutex_unlock(&mutex);
  while (__atomic_load_n(&self.given, __ATOMIC_ACQUIRE) == 0 &&
         (syscall(SYS_futex, &self.given, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, &end, nullptr,
                  FUTEX_BITSET_MATCH_ANY) == 0 ||
          errno != ETIMEDOUT))
    ;
  pthread_mutex_lock(&mutex);
  if (!self.given)
    Remove(&self);
  pthread_mutex_unlock(&mutex);
  *job = self.job;
  return self.given != 0;
}

void *Work(void *first) {
  Job *given = static_cast<Job *>(first);
  Job job = *given;
  delete given;
  do
    job.run(job.argument);
  while (Wait(&job));
  return nullptr;
}

} // namespace

int OnThread(void (*run)(void *), void *argument) {
  pthread_mutex_lock(&mutex);
  Waiting *one = idle;
  if (one) {
    idle = one->next;
    one->job = {run, argument};
    __atomic_store_n(&one->given, 1, __ATOMIC_RELEASE);
    // The thread is woken while the mutex is held: after that, it may be gone, and its stack with
    // it.
    syscall(SYS_futex, &one->given, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr, nullptr, 0);
  }
  pthread_mutex_unlock(&mutex);
  if (one)
    return 0;
  // Node's signal handlers run on other threads; the vfork child must not run them at all.
  sigset_t all, before;
  sigfillset(&all);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  Job *job = new Job{run, argument};
  pthread_sigmask(SIG_SETMASK, &all, &before); // inherited
  const int error = pthread_create(&thread, &attributes, Work, job);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error)
    delete job;
  return error;
}

} // namespace wasbox

extern "C" int wb_thread_begin(void (*work)(void *), void *argument) {
  return wasbox::OnThread(work, argument);
}
