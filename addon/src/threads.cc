// The threads that supervise. A sandbox dies with the thread that started it, so each run has one
// to itself for as long as it lives; afterwards the thread waits a while for the next run, because
// making one costs as much as a mount.
#include "threads.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

namespace wasbox {
namespace {

constexpr int kPatienceSeconds = 5;

struct Job {
  void (*run)(void *);
  void *argument;
};

// A thread that waits. It stands on its own stack: one that is given a job is taken out first.
struct Waiting {
  pthread_cond_t changed;
  Job job;
  bool given;
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
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&self.changed, &attributes);
  pthread_condattr_destroy(&attributes);
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += kPatienceSeconds;
  pthread_mutex_lock(&mutex);
  self.next = idle;
  idle = &self;
  while (!self.given && pthread_cond_timedwait(&self.changed, &mutex, &end) != ETIMEDOUT)
    ;
  if (!self.given)
    Remove(&self);
  pthread_mutex_unlock(&mutex);
  pthread_cond_destroy(&self.changed);
  *job = self.job;
  return self.given;
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
    one->given = true;
    pthread_cond_signal(&one->changed);
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
