#include "engine/program/program.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/base/proto_duration.h"
#include "engine/base/reasons.h"
#include "engine/module/module_trace.h"
#include "engine/program/build_module.h"
#include "engine/program/validate.h"

namespace dspex {

namespace {

Clock::duration ReadTimeout(const v1::Program& program) {
  if (!program.has_timeout()) return Clock::duration::max();
  return ReadDuration(program.timeout());
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Program>> Program::Create(const v1::Program& definition,
                                                               const ProgramEnvironment& environment) {
  if (absl::Status status = ValidateProgram(definition); !status.ok()) return status;
  absl::StatusOr<std::shared_ptr<const Phrasebook>> phrasebook = FindPhrasebook(definition, environment);
  if (!phrasebook.ok()) return phrasebook.status();
  absl::StatusOr<std::unique_ptr<const Module>> module =
      BuildModule(definition.modules(0), definition, *std::move(phrasebook), environment);
  if (!module.ok()) return WithFieldPrefix(module.status(), "modules[0]");
  return std::shared_ptr<const Program>(new Program(*std::move(module), ReadTimeout(definition)));
}

namespace {

std::vector<std::string> NamesOf(const std::vector<Field>& fields) {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const Field& field : fields) names.push_back(field.name);
  return names;
}

}  // namespace

std::vector<std::string> Program::InputNames() const { return NamesOf(module_->signature().inputs()); }

std::vector<std::string> Program::OutputNames() const { return NamesOf(module_->signature().outputs()); }

Task<Prediction> Program::Forward(RequestContext context, Json inputs, const Sampling& call) const {
  // Where nothing is to be noted of the module, a coroutine less is paid for.
  if (!context.record().keep_trace && context.record().calls == nullptr)
    return module_->Forward(context, std::move(inputs), call);
  return ForwardTraced(context, std::move(inputs), call);
}

Task<Prediction> Program::ForwardTraced(RequestContext context, Json inputs, const Sampling& call) const {
  const RequestContext child = context.Child(module_->id());
  ModuleTrace* const calls = context.record().calls;
  ModuleCall noted;
  if (calls != nullptr) noted.inputs = inputs;
  absl::StatusOr<Prediction> prediction = co_await module_->Forward(child, std::move(inputs), call);
  child.EndNode();
  if (calls != nullptr && prediction.ok()) {
    noted.outputs = prediction->outputs;
    calls->calls.push_back(std::move(noted));
  }
  co_return prediction;
}

absl::StatusOr<std::vector<Program::Rendered>> Program::Render(Json inputs, const Sampling& call) const {
  absl::StatusOr<lm::RenderedRequest> request = module_->Render(std::move(inputs), call);
  if (!request.ok()) return request.status();
  std::vector<Rendered> rendered;
  rendered.push_back({module_->id(), module_->lm_name(), *std::move(request)});
  return rendered;
}

absl::StatusOr<Prediction> Program::Parse(absl::string_view module, absl::string_view completion) const {
  if (!module.empty() && module != module_->id()) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidRequest,
                 absl::StrCat("The program has no module '", module, "'. Name one that it has: ", module_->id(), "."))
        .With("module", module)
        .With("modules", module_->id())
        .Violation("module", "names no module of the program");
  }
  return module_->Parse(completion);
}

}  // namespace dspex
