#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "dspex/v1/program.pb.h"
#include "engine/optimizer/candidate_evaluator.h"
#include "engine/optimizer/optimizer.h"
#include "engine/program/program.h"
#include "tests/conformance/optimizers/scripted_model.h"

namespace dspex {

/// The examples of a case, with the numbers as ids.
class ListedExamples final : public Examples {
 public:
  ListedExamples(std::vector<Json> examples, std::vector<std::string> input_keys)
      : examples_(std::move(examples)), input_keys_(std::move(input_keys)) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(examples_.size()); }
  const std::vector<std::string>& input_keys() const override { return input_keys_; }
  Task<Example> Get(std::int64_t index) const override;

 private:
  const std::vector<Json> examples_;
  const std::vector<std::string> input_keys_;
};

/// How a case scores: {"kind": "match" or "graded", "field", "expected", "fail": probability}; as Metric in
/// scripted.py.
struct CaseMetric {
  absl::StatusOr<double> Score(const Json& example, const Json& outputs, bool traced) const;

  Json definition;
};

/// Runs the modules of a program in the order of its steps, one example after another, with the engine's modules before
/// the scripted model.
class ChainEvaluator final : public CandidateEvaluator {
 public:
  struct Setup {
    const v1::Program* student = nullptr;
    const v1::Program* teacher = nullptr;
    std::shared_ptr<const Phrasebook> phrasebook;
    CaseMetric metric;
    int max_errors = 10;
    lm::LanguageModels* models = nullptr;
  };

  explicit ChainEvaluator(Setup setup) : setup_(std::move(setup)) {}

  Task<std::vector<ExampleOutcome>> EvaluateCandidate(RequestContext context, const CandidateRun& run) override;

 private:
  Task<ExampleOutcome> RunOne(RequestContext context, const v1::Program& program, const CandidateRun& run,
                              std::int64_t index);

  const Setup setup_;
};

/// Runs a predictor before the scripted model.
class ChainProposer final : public Proposer {
 public:
  ChainProposer(std::shared_ptr<const Phrasebook> phrasebook, lm::LanguageModels* models)
      : phrasebook_(std::move(phrasebook)), models_(models) {}

  Task<std::vector<Json>> Propose(RequestContext context, const std::string& lane, const v1::Predictor& predictor,
                                  Json inputs) override;

 private:
  const std::shared_ptr<const Phrasebook> phrasebook_;
  lm::LanguageModels* models_;
};

}  // namespace dspex
