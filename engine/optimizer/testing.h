#pragma once

#include <absl/strings/str_cat.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/job.pb.h"
#include "dspex/v1/program.pb.h"
#include "engine/module/fake_language_model.h"
#include "engine/optimizer/optimizer.h"

namespace dspex {

/// Examples {"q": "q0", "a": "a0"}, {"q": "q1", ...}, ... with the id of their q.
class NumberedExamples final : public Examples {
 public:
  explicit NumberedExamples(int size) : size_(size) {}

  std::int64_t size() const override { return size_; }
  const std::vector<std::string>& input_keys() const override { return input_keys_; }
  Task<Example> Get(std::int64_t index) const override {
    const std::string id = absl::StrCat("q", index);
    co_return Example{id, {{"q", id}, {"a", absl::StrCat("a", index)}}};
  }

 private:
  const int size_;
  const std::vector<std::string> input_keys_ = {"q"};
};

/// Keeps what it was asked and answers each example by a function; by default each scores 1, and every module answers
/// "a" with the example's number.
class ScriptedEvaluator final : public CandidateEvaluator {
 public:
  using Script = std::function<absl::StatusOr<ExampleOutcome>(const CandidateRun& run, ExampleOutcome outcome)>;

  explicit ScriptedEvaluator(Script script = nullptr) : script_(std::move(script)) {}

  Task<std::vector<ExampleOutcome>> EvaluateCandidate(RequestContext /*context*/, const CandidateRun& run) override {
    runs.push_back(run);
    std::vector<ExampleOutcome> outcomes;
    for (std::int64_t index = 0; index < run.examples->size(); ++index) {
      if (run.indices.has_value() && run.indices->front() != index) continue;
      ExampleOutcome outcome{.index = index, .score = 1};
      outcome.outputs = {{"a", absl::StrCat("t", index)}};
      for (std::size_t module = 0; module < run.parameters.size(); ++module) {
        outcome.trace.calls.push_back({module, {{"q", absl::StrCat("q", index)}}, outcome.outputs});
      }
      absl::StatusOr<ExampleOutcome> scripted = script_ ? script_(run, std::move(outcome)) : std::move(outcome);
      if (!scripted.ok()) co_return scripted.status();
      outcomes.push_back(*std::move(scripted));
    }
    co_return outcomes;
  }

  std::vector<CandidateRun> runs;

 private:
  const Script script_;
};

/// Keeps what it was asked and gives what a function says.
class ScriptedProposer final : public Proposer {
 public:
  using Script = std::function<absl::StatusOr<std::vector<Json>>(const std::string& lane)>;

  explicit ScriptedProposer(Script script) : script_(std::move(script)) {}

  Task<std::vector<Json>> Propose(RequestContext /*context*/, const std::string& lane, const v1::Predictor& predictor,
                                  Json inputs) override {
    lanes.push_back(lane);
    predictors.push_back(predictor);
    asked.push_back(std::move(inputs));
    co_return script_(lane);
  }

  std::vector<std::string> lanes;
  std::vector<v1::Predictor> predictors;
  std::vector<Json> asked;

 private:
  const Script script_;
};

class KeepingObserver final : public OptimizerObserver {
 public:
  void OnPhase(absl::string_view phase) override { phases.emplace_back(phase); }
  void OnCandidate(const TriedCandidate& candidate) override {
    candidates.push_back(absl::StrCat(candidate.number, " ", candidate.origin, candidate.score ? " scored" : ""));
  }
  void OnDecision(absl::string_view example_id, int candidate, absl::string_view verdict,
                  absl::string_view why) override {
    decisions.push_back(absl::StrCat(candidate, " ", example_id, " ", verdict, ": ", why));
  }

  std::vector<std::string> phases;
  std::vector<std::string> candidates;
  std::vector<std::string> decisions;
};

/// A program of Predicts "q -> a".
inline v1::Program ProgramOf(const std::vector<std::string>& modules) {
  v1::Program program;
  program.set_phrasebook("phrasebooks/dspy");
  for (const std::string& id : modules) {
    v1::Module& module = *program.add_modules();
    module.set_id(id);
    module.mutable_predict()->set_signature("q -> a");
  }
  return program;
}

/// Runs the spec's optimizer on the ports to its end.
inline absl::StatusOr<OptimizerResult> Optimize(const v1::CompileSpec& spec, OptimizerPorts ports) {
  const absl::StatusOr<std::unique_ptr<Optimizer>> optimizer = MakeOptimizer(spec);
  if (!optimizer.ok()) return optimizer.status();
  KeepingObserver observer;
  if (ports.observer == nullptr) ports.observer = &observer;
  RequestRecord record;
  return RunTask((*optimizer)->Run(RequestContext(record, kNoDeadline), ports));
}

/// The q of each demo of a module, with a * where the program made it itself.
inline std::vector<std::string> DemosOf(const ProgramParameters& parameters, std::size_t module = 0) {
  std::vector<std::string> demos;
  for (const Json& demo : parameters.at(module).demos) {
    demos.push_back(demo.at("q").get<std::string>() + (demo.contains("augmented") ? "*" : ""));
  }
  return demos;
}

}  // namespace dspex
