#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "engine/base/semaphore.h"
#include "engine/base/task_scope.h"
#include "server/job/job_environment.h"
#include "server/rpc/io_pool.h"

namespace dspex {

/// Runs the jobs of the store: claims them as they are queued, a few at a time, each on an I/O thread, and goes on with
/// those that a server which went away has left. Thread-safe.
class JobRunner {
 public:
  struct Options {
    int max_running = 2;
    /// How long a claim holds without being renewed.
    std::chrono::milliseconds lease = std::chrono::seconds(30);
    /// Who claims; for people.
    std::string owner = "dspex";
  };

  /// `io` outlives the runner.
  JobRunner(JobEnvironment environment, IoPool& io, Options options);
  /// Stop must have returned.
  ~JobRunner();

  void Start();

  /// Ends what runs and gives the jobs back. Blocks, until `deadline` at most; false if something still ran then. Jobs
  /// that it could not give back are taken up when the lease has run out, or by the next server that opens the store.
  bool Stop(TimePoint deadline);

 private:
  StatusTask ClaimJobs();
  StatusTask ForgetAnswers();
  StatusTask RunOne(ClaimedJob claimed, Semaphore::Permit place);

  const JobEnvironment environment_;
  IoPool& io_;
  const Options options_;
  Semaphore places_;
  TaskScope tasks_;
};

}  // namespace dspex
