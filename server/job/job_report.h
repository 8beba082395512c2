#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/strings/string_view.h>

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "engine/base/waiter.h"
#include "engine/evaluate/evaluator.h"
#include "engine/optimizer/optimizer.h"
#include "server/job/job_budgets.h"
#include "server/job/job_store.h"

namespace dspex {

/// Tells the store how a running job gets on: gathers what happens and writes it down a few times a second. What is
/// told again by a job that was taken up again is told under the same ordinals, so that the store drops it. Confined to
/// the job's executor.
class JobReport final : public OptimizerObserver, public EvaluationObserver {
 public:
  /// `store` and `budgets` outlive this. `candidates` is how many are to come, 0 if that is not known.
  JobReport(JobStore& store, JobClaim claim, const JobBudgets& budgets, asio::any_io_executor executor)
      : store_(store), claim_(std::move(claim)), budgets_(budgets), executor_(std::move(executor)) {}

  /// How many predictions and candidates there will be, as far as is known before.
  void Expect(std::int64_t predictions, int candidates);

  void OnPhase(absl::string_view phase) override;
  void OnCandidate(const TriedCandidate& candidate) override;
  void OnDecision(absl::string_view example_id, int candidate, absl::string_view verdict,
                  absl::string_view why) override;
  void OnRun(const CandidateRun& run, std::int64_t total) override;
  void OnScored(const CandidateRun& run, const ExampleOutcome& outcome) override;

  /// The job waits for an obstacle, or with OK goes on.
  void OnGate(const absl::Status& obstacle);

  /// Writes what there is, until Stop. An error is the store's, and ends the job's run; a full disk is waited for.
  StatusTask Run();
  void Stop();

  /// What was not written yet, for the write that ends the job.
  JobUpdate TakeRest();

 private:
  void Changed();
  StatusTask Pause();
  JobUpdate Take();
  void PutBack(JobUpdate update);
  void Finish(v1::JobProgress& progress) const;

  JobStore& store_;
  const JobClaim claim_;
  const JobBudgets& budgets_;
  const asio::any_io_executor executor_;

  JobUpdate pending_;
  bool changed_ = false;
  bool stopped_ = false;
  bool pausing_ = false;
  std::shared_ptr<Waiter> waiter_;
  std::int64_t ordinal_ = 0;
  v1::JobProgress progress_;
  std::int64_t expected_predictions_ = 0;
  TimePoint told_ = TimePoint::min();
  const TimePoint began_ = Clock::now();
  /// Of the run of examples that is under way.
  double score_sum_ = 0;
  std::int64_t score_count_ = 0;
  /// Predictions that were scored in this run of the job, not recalled.
  std::int64_t fresh_ = 0;
  absl::flat_hash_map<int, std::int64_t> scored_;
};

}  // namespace dspex
