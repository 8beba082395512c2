#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/evaluate/pace.h"
#include "engine/metric/metric.h"
#include "engine/optimizer/candidate_evaluator.h"
#include "engine/program/program.h"

namespace dspex {

/// Asked when something is in the way that is nobody's fault. Confined to the run's executor.
class ObstacleGate {
 public:
  virtual ~ObstacleGate() = default;
  /// Waits until it is worth to try again. An error ends the run.
  virtual StatusTask Wait(absl::Status obstacle) = 0;
  /// A prediction went through.
  virtual void Passed() = 0;
};

/// What came of one example, as it is kept.
struct ExampleRecord {
  std::int64_t index = 0;
  std::string example_id;
  double score = 0;
  std::string feedback;
  /// Null where the prediction failed.
  Json outputs;
  absl::Status status;
  Usage usage;
  Clock::duration duration{};
};

/// What was scored, kept for the next time the job is run. Confined to the run's executor.
class ScoreLog {
 public:
  struct Past {
    std::int64_t index = 0;
    double score = 0;
    bool failed = false;
  };

  virtual ~ScoreLog() = default;
  /// What is known of a run.
  virtual Task<std::vector<Past>> Load(const CandidateRun& run) = 0;
  /// Returns when it is kept.
  virtual StatusTask Add(const CandidateRun& run, ExampleRecord record) = 0;
};

/// What became of the run's examples so far. Confined to the run's executor.
class EvaluationObserver {
 public:
  virtual ~EvaluationObserver() = default;
  /// `total` examples are about to be scored.
  virtual void OnRun(const CandidateRun& run, std::int64_t total) = 0;
  /// One of them was.
  virtual void OnScored(const CandidateRun& run, const ExampleOutcome& outcome) = 0;
};

/// Runs programs on examples for optimizers and Evaluate: several examples side by side, fewer where providers have no
/// more to give; stragglers end at their time-out; obstacles are waited for. All on the caller's executor, which is
/// single-threaded.
class Evaluator final : public CandidateEvaluator {
 public:
  struct Options {
    int concurrency = 8;
    Clock::duration example_timeout = std::chrono::minutes(2);
    double failure_score = 0;
    /// Negative: no number of failures ends a run.
    int max_errors = 10;
    /// Settings of every call in place of the program's own.
    Sampling call = {};
  };

  /// Builds the student's or the teacher's program with these parameters.
  using MakeProgram =
      std::function<absl::StatusOr<std::shared_ptr<const Program>>(bool teacher, const ProgramParameters&)>;

  struct Parts {
    MakeProgram make_program;
    std::shared_ptr<const Metric> metric;
    ObstacleGate* gate = nullptr;
    ScoreLog* log = nullptr;
    EvaluationObserver* observer = nullptr;
  };

  /// What `parts` refers to outlives the evaluator. Without a metric every prediction that is made scores 1, as where
  /// DSPy's optimizers have none.
  Evaluator(Options options, Parts parts)
      : options_(std::move(options)), parts_(std::move(parts)), pace_(options_.concurrency) {}

  Task<std::vector<ExampleOutcome>> EvaluateCandidate(RequestContext context, const CandidateRun& run) override;

 private:
  struct Run;
  struct Attempt;

  StatusTask Recall(Run& run);
  StatusTask Work(Run& run);
  StatusTask ScoreOne(Run& run, std::size_t place);
  Task<Attempt> Try(const Run& run, const Example& example, std::int64_t index);
  StatusTask TryOnce(const Run& run, const Example& example, std::int64_t index, Attempt& attempt);
  absl::Status Count(Run& run, const ExampleOutcome& outcome) const;

  const Options options_;
  const Parts parts_;
  Pace pace_;
  /// Predictions that went through, of all runs.
  std::int64_t passed_ = 0;
};

}  // namespace dspex
