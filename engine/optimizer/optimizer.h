#pragma once

#include <absl/strings/string_view.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/adapter/phrasebook.h"
#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/dataset/examples.h"
#include "engine/optimizer/candidate_evaluator.h"
#include "engine/optimizer/parameters.h"

namespace dspex {

namespace v1 {
class CompileSpec;
class Predictor;
class Program;
}  // namespace v1

/// A program that an optimizer tried.
struct TriedCandidate {
  /// From 0, in the order in which the optimizer made them.
  int number = 0;
  /// How it came about: "zero-shot", "labels", "bootstrap seed 3".
  std::string origin;
  ProgramParameters parameters;
  /// As DSPy's Evaluate would give it; unset until it is completely scored.
  std::optional<double> score = std::nullopt;
};

/// Hears how an optimizer gets on. Calls come from the optimizer's executor, in the same order each time a job is run.
class OptimizerObserver {
 public:
  virtual ~OptimizerObserver() = default;
  /// What begins now: "candidate 3 of 19: bootstrap".
  virtual void OnPhase(absl::string_view phase) = 0;
  /// A candidate was made, or scored.
  virtual void OnCandidate(const TriedCandidate& candidate) = 0;
  /// Why an example became a demo ("demo"), or did not ("not a demo"); `candidate` is the one in the making. With an
  /// empty id, why a candidate is the result ("chosen").
  virtual void OnDecision(absl::string_view example_id, int candidate, absl::string_view verdict,
                          absl::string_view why) = 0;
};

/// Writes instructions: runs a signature on the model for prompts.
class Proposer {
 public:
  virtual ~Proposer() = default;
  /// The outputs of all completions of one Predict. `lane` as in CandidateRun. References outlive the task.
  virtual Task<std::vector<Json>> Propose(RequestContext context, const std::string& lane,
                                          const v1::Predictor& predictor, Json inputs) = 0;
};

/// What an optimizer works with. All of it outlives the run.
struct OptimizerPorts {
  CandidateEvaluator* evaluator = nullptr;
  /// Only COPRO asks it.
  Proposer* proposer = nullptr;
  OptimizerObserver* observer = nullptr;
  const Examples* trainset = nullptr;
  /// Null: the trainset.
  const Examples* valset = nullptr;
  /// The student, a valid program, as it was before.
  const v1::Program* student = nullptr;
  /// Null: the student. Otherwise a program with the student's modules, of the same fields.
  const v1::Program* teacher = nullptr;
  /// The wording of the student's prompts.
  const Phrasebook* phrasebook = Phrasebook::BuiltIn().get();
};

struct OptimizerResult {
  /// In the order of their numbers.
  std::vector<TriedCandidate> candidates;
  /// The place of the best one.
  std::size_t best = 0;
  /// Whether a candidate reached the score at which the search was to stop.
  bool stopped_at_score = false;
  /// Whether a budget was spent before the search had ended.
  bool stopped_by_budget = false;
};

/// Makes a program better by what it learns from examples. Deterministic: the same spec, examples, and answers of its
/// ports make the same calls of them in the same order, which is how a job that was killed goes on. Immutable and
/// thread-safe.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// INVALID_ARGUMENT / INVALID_REQUEST if there are no examples, if the spec freezes all modules or one that is not
  /// there, or if the teacher has other modules. FAILED_PRECONDITION / TOO_MANY_FAILURES if the teacher or its metric
  /// failed for max_errors examples of a candidate. Errors of the ports as they are, but where BUDGET_SPENT comes after
  /// a candidate was completely scored, the best one so far is the result.
  virtual Task<OptimizerResult> Run(RequestContext context, const OptimizerPorts& ports) const = 0;
};

/// The optimizer of a spec. INVALID_ARGUMENT / INVALID_REQUEST with the violation of the spec's field.
absl::StatusOr<std::unique_ptr<Optimizer>> MakeOptimizer(const v1::CompileSpec& spec);

}  // namespace dspex
