#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/module/module.h"
#include "engine/signature/signature.h"

namespace dspex {

namespace v1 {
class Program;
}

/// How the steps of a program are wired: checked, names resolved. Steps are numbered in the definition's order.
struct Graph {
  /// Where a value comes from: an input of the program, or an output of a step.
  struct Source {
    static constexpr std::size_t kProgram = static_cast<std::size_t>(-1);

    std::size_t step = kProgram;
    std::string name;

    bool is_program() const { return step == kProgram; }
  };
  /// What becomes an input of a step's module.
  struct Input {
    std::string field;
    Source source;
  };
  /// A call of a module.
  struct Step {
    std::string id;
    /// Its place in the program.
    std::size_t module = 0;
    /// In the order of the module's signature.
    std::vector<Input> inputs;
    /// The module's signature without the inputs that other steps give.
    Signature of_program;
    /// The steps whose outputs it takes, and those that take its own; each once.
    std::vector<std::size_t> needs;
    std::vector<std::size_t> feeds;
  };
  struct Output {
    std::string name;
    Source source;
  };

  std::vector<Step> steps;
  /// All steps, each behind those that it needs.
  std::vector<std::size_t> order;
  /// By name.
  std::vector<Output> outputs;
  /// What steps take from outside, in the order in which they first take it.
  std::vector<std::string> inputs;
  /// Of these, what a call may not leave out: some field that it becomes has neither a default nor None.
  std::vector<std::string> required;
};

/// Reads the steps and outputs of a program that ValidateProgram has passed; `modules` are its modules, built.
/// INVALID_ARGUMENT / INVALID_PROGRAM with the path of what names a module, a step or a field that there is none of
/// (the nearest name is in the message), of an input that a step lacks, and of a step that waits for itself (metadata
/// `cycle`, "a -> b -> a"). Modules that no step calls, and steps that nothing takes from, are allowed: DSPy's programs
/// have them.
absl::StatusOr<Graph> ReadGraph(const v1::Program& program, const std::vector<std::unique_ptr<const Module>>& modules);

}  // namespace dspex
