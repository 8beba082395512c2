#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/dataset/examples.h"
#include "engine/metric/metric.h"
#include "engine/module/module_trace.h"
#include "engine/module/sampling.h"
#include "engine/optimizer/parameters.h"

namespace dspex {

/// A run of a program with some parameters on some examples.
struct CandidateRun {
  /// Unique among the runs of a job and the same each time the job is run: names the run in the job's journal.
  std::string lane;
  /// Whether the teacher's program runs, with the teacher's models; otherwise the student's.
  bool teacher = false;
  ProgramParameters parameters;
  const Examples* examples = nullptr;
  /// Which of them; nullopt: all.
  std::optional<std::vector<std::int64_t>> indices = std::nullopt;
  /// Whether outcomes have outputs and traces, and the metric sees the trace, as while demonstrations are bootstrapped.
  bool capture_traces = false;
  /// Settings of every call in place of the program's own.
  Sampling call = {};
  /// The number of the candidate whose score this is; -1 if it is none's.
  int candidate = -1;
  /// Which of several times this is, from 0.
  int repeat = 0;
};

/// The lane of the run that scores a candidate on the valset.
inline std::string ScoreLane(int candidate) { return "score " + std::to_string(candidate); }

/// What came of one example.
struct ExampleOutcome {
  std::int64_t index = 0;
  /// The failure score where `status` is an error.
  double score = 0;
  /// Why the prediction or its metric failed.
  absl::Status status = {};
  /// With capture_traces. `outputs` is null if it is the prediction that failed, an object if it is the metric.
  Json outputs = {};
  ModuleTrace trace = {};
};

/// What optimizers see of running programs. Thread-safe.
class CandidateEvaluator {
 public:
  virtual ~CandidateEvaluator() = default;

  /// Runs the program on the examples, several side by side, and scores what it answers; outcomes in the order asked
  /// for. Failures of single examples are in the outcomes. An error ends the job, or this run of it: BUDGET_SPENT,
  /// TOO_MANY_FAILURES (max_errors examples failed), CANCELLED, what is wrong with the parameters. `run` outlives the
  /// task.
  virtual Task<std::vector<ExampleOutcome>> EvaluateCandidate(RequestContext context, const CandidateRun& run) = 0;
};

/// 100 times the mean, rounded to two places as Python's round does: the score of DSPy's Evaluate. `scores` is not
/// empty.
double PercentScore(const std::vector<ExampleOutcome>& outcomes);

}  // namespace dspex
