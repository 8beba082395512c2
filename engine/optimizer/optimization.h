#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/task.h"
#include "engine/optimizer/optimizer.h"

namespace dspex {

/// What all optimizers take of a CompileSpec.
struct CommonSettings {
  /// Ids of modules that stay as they are.
  std::vector<std::string> frozen;
  /// How many failures end the making of a candidate; negative: none do.
  int max_errors = 10;
};

/// One run of an optimizer: what it starts from and the candidates so far. For one executor.
class Optimization {
 public:
  /// The ports outlive it. Errors as Optimizer::Run's.
  static absl::StatusOr<Optimization> Start(const OptimizerPorts& ports, const CommonSettings& settings);

  const OptimizerPorts& ports() const { return *ports_; }
  int max_errors() const { return max_errors_; }
  const ProgramParameters& student() const { return student_; }
  const ProgramParameters& teacher() const { return teacher_; }
  /// The modules that are not frozen, in their order.
  const std::vector<std::size_t>& learnable() const { return learnable_; }
  bool is_learnable(std::size_t module) const;

  /// The student without its demos, frozen modules apart: what DSPy's reset_copy leaves.
  ProgramParameters ResetStudent() const;

  /// The number of the candidate that comes next.
  int next_candidate() const { return static_cast<int>(candidates_.size()); }
  /// Keeps a candidate; returns its number.
  int Add(std::string origin, ProgramParameters parameters);
  /// Scores a candidate on the valset; returns its score.
  Task<double> Score(RequestContext context, int candidate);

  /// Whether the search ends with what there is: a budget was spent after a candidate was completely scored.
  bool EndsWith(const absl::Status& status) const;

  void Phase(absl::string_view phase) const { ports_->observer->OnPhase(phase); }
  void Decide(absl::string_view example_id, absl::string_view verdict, absl::string_view why) const;

  /// The first of the candidates with the highest score, the first one of all if none has one.
  std::size_t BestCandidate() const;
  /// The result; nothing may be asked of the run after it.
  OptimizerResult Finish(std::size_t best);

 private:
  explicit Optimization(const OptimizerPorts& ports) : ports_(&ports) {}

  const OptimizerPorts* ports_;
  int max_errors_ = 10;
  ProgramParameters student_;
  ProgramParameters teacher_;
  std::vector<std::size_t> learnable_;
  std::vector<TriedCandidate> candidates_;
};

/// All examples of a set of this size in its order: 0, 1, 2, ...
std::vector<std::int64_t> InOrder(std::int64_t size);

}  // namespace dspex
