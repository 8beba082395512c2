#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/phrasebooks.h"
#include "engine/base/context.h"
#include "engine/json/json.h"
#include "engine/lm/language_model.h"
#include "engine/module/module.h"
#include "engine/program/graph.h"

namespace dspex {

namespace v1 {
class Program;
}

/// What the surroundings add to a program's definition.
struct ProgramEnvironment {
  /// Outlives the program.
  lm::LanguageModels* language_models = nullptr;
  /// Outlives the program's creation; null if there are none.
  const Phrasebooks* phrasebooks = nullptr;
  /// "provider/model" for modules and programs that name none; may be empty.
  std::string default_lm;
  /// Whether several requests will use the program, so that encoding its prefixes once pays.
  bool reusable = true;
};

/// An immutable, validated program, ready to run; held as shared_ptr<const Program> for one request. Thread-safe.
class Program {
 public:
  /// Validates the definition and builds its modules. INVALID_ARGUMENT (INVALID_PROGRAM, INVALID_SIGNATURE, ...) with a
  /// BadRequest violation that has the path of the field ("modules[0].predict.signature"); UNIMPLEMENTED / UNSUPPORTED,
  /// metadata `feature`, for what the API describes and this server does not run yet. That a language model is not
  /// configured is no error here but of Forward and Render: a program may be created before its provider.
  static absl::StatusOr<std::shared_ptr<const Program>> Create(const v1::Program& definition,
                                                               const ProgramEnvironment& environment);

  /// Runs the program. Returns its outputs. Ends by the context's deadline, which the caller narrows by timeout(). The
  /// program, the context's record and `call` must outlive the returned task.
  /// What `call` sets stands in for the modules' own sampling settings. Steps start as soon as those whose outputs they
  /// take have ended, side by side; when one fails the others are cancelled, and its error has the metadata `step`. The
  /// calls of modules that went well are noted in the record's `calls`.
  Task<Prediction> Forward(RequestContext context, Json inputs, const Sampling& call) const;

  struct Rendered {
    /// Empty for a program without steps.
    std::string step;
    std::string module;
    std::string lm;
    lm::RenderedRequest request;
  };
  /// By a step's id, what its language model answered.
  using Completions = std::map<std::string, std::string>;
  /// The requests that need no answer but those given. Errors as Forward's; INVALID_REQUEST for a completion of a step
  /// that there is none of.
  absl::StatusOr<std::vector<Rendered>> Render(Json inputs, const Sampling& call,
                                               const Completions& completions = {}) const;

  /// Reads a completion of the module named (empty: the only one). INVALID_ARGUMENT names the modules if none has that
  /// id.
  absl::StatusOr<Prediction> Parse(absl::string_view module, absl::string_view completion) const;

  /// The names of its inputs and outputs: of a program without steps in its signature's order; otherwise inputs in the
  /// order in which steps first take them, outputs by name.
  std::vector<std::string> InputNames() const;
  std::vector<std::string> OutputNames() const;

  /// The program's limit on one Forward; infinite if it has none.
  Clock::duration timeout() const { return timeout_; }

 private:
  using Modules = std::vector<std::unique_ptr<const Module>>;

  Program(Modules modules, std::unique_ptr<const Graph> graph, Clock::duration timeout)
      : modules_(std::move(modules)), graph_(std::move(graph)), timeout_(timeout) {}

  const Module& only() const { return *modules_.front(); }
  Task<Prediction> ForwardNoted(RequestContext context, Json inputs, const Sampling& call) const;

  // In the definition's order.
  const Modules modules_;
  // Null for one module without steps.
  const std::unique_ptr<const Graph> graph_;
  const Clock::duration timeout_;
};

}  // namespace dspex
