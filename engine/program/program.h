#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/phrasebooks.h"
#include "engine/base/context.h"
#include "engine/json/json.h"
#include "engine/lm/language_model.h"
#include "engine/module/module.h"

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
  /// What `call` sets stands in for the modules' own sampling settings.
  Task<Prediction> Forward(RequestContext context, Json inputs, const Sampling& call) const;

  struct Rendered {
    std::string module;
    std::string lm;
    lm::RenderedRequest request;
  };
  /// The requests that need no answer of another one first.
  absl::StatusOr<std::vector<Rendered>> Render(Json inputs, const Sampling& call) const;

  /// Reads a completion of the module named (empty: the only one). INVALID_ARGUMENT names the modules if none has that
  /// id.
  absl::StatusOr<Prediction> Parse(absl::string_view module, absl::string_view completion) const;

  /// The names of its inputs and outputs, in order.
  std::vector<std::string> InputNames() const;
  std::vector<std::string> OutputNames() const;

  /// The program's limit on one Forward; infinite if it has none.
  Clock::duration timeout() const { return timeout_; }

 private:
  Program(std::unique_ptr<const Module> module, Clock::duration timeout)
      : module_(std::move(module)), timeout_(timeout) {}

  Task<Prediction> ForwardTraced(RequestContext context, Json inputs, const Sampling& call) const;

  // The only module, until programs of several run.
  const std::unique_ptr<const Module> module_;
  const Clock::duration timeout_;
};

}  // namespace dspex
