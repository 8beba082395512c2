#include "engine/program/program.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "dspex/v1/program.pb.h"
#include "engine/adapter/adapter.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/module/predict.h"
#include "engine/program/struct_json.h"
#include "engine/program/validate.h"

namespace dspex {

namespace {

absl::StatusOr<Signature> ReadSignature(const v1::Predictor& predictor) {
  const bool text = predictor.has_signature();
  absl::StatusOr<Signature> signature =
      text ? Signature::FromString(predictor.signature(), predictor.instructions())
           : Signature::FromProto(predictor.structured_signature(), predictor.instructions());
  if (!signature.ok()) return WithFieldPrefix(signature.status(), text ? "signature" : "structured_signature");
  return signature;
}

absl::StatusOr<Json> ReadDemo(const v1::Example& example, const Signature& signature) {
  const bool text = example.has_fields_json();
  absl::StatusOr<Json> demo = text ? ParseJson(example.fields_json()) : JsonFromStruct(example.fields());
  if (demo.ok()) demo = CoerceDemo(signature, *std::move(demo));
  if (demo.ok()) return demo;
  std::string path = text ? "fields_json" : "fields";
  // Within a JSON text there are no paths of the request's fields.
  if (const std::string field = ErrorMetadata(demo.status(), "field"); !text && !field.empty()) {
    absl::StrAppend(&path, ".", field);
  }
  return WithFieldPrefix(demo.status(), path);
}

lm::Options ReadOptions(const v1::LmOptions& proto) {
  lm::Options options;
  if (proto.has_temperature()) options.temperature = proto.temperature();
  if (proto.has_top_p()) options.top_p = proto.top_p();
  if (proto.has_max_tokens()) options.max_tokens = proto.max_tokens();
  options.stop.assign(proto.stop().begin(), proto.stop().end());
  if (proto.has_seed()) options.seed = proto.seed();
  if (proto.has_frequency_penalty()) options.frequency_penalty = proto.frequency_penalty();
  if (proto.has_presence_penalty()) options.presence_penalty = proto.presence_penalty();
  return options;
}

absl::StatusOr<std::shared_ptr<lm::LanguageModel>> FindLanguageModel(const std::string& name,
                                                                     const ProgramEnvironment& environment) {
  if (name.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kNoLanguageModel,
                 "Neither the module nor the program names a language model, and the server has no default. Set lm to "
                 "\"provider/model\", or start the server with one.");
  }
  return environment.language_models->Find(name);
}

absl::StatusOr<std::unique_ptr<const Module>> BuildPredict(const v1::Module& module, const std::string& program_lm,
                                                           const ProgramEnvironment& environment) {
  const v1::Predictor& predictor = module.predict();
  absl::StatusOr<Signature> signature = ReadSignature(predictor);
  if (!signature.ok()) return signature.status();
  std::vector<Json> demos;
  demos.reserve(static_cast<std::size_t>(predictor.demos_size()));
  for (const v1::Example& example : predictor.demos()) {
    absl::StatusOr<Json> demo = ReadDemo(example, *signature);
    if (!demo.ok()) return WithFieldPrefix(demo.status(), absl::StrCat("demos[", demos.size(), "]"));
    demos.push_back(*std::move(demo));
  }
  const std::string& own_or_program = module.lm().empty() ? program_lm : module.lm();
  const std::string& lm_name = own_or_program.empty() ? environment.default_lm : own_or_program;
  return MakePredict({
      .id = module.id(),
      .signature = *std::move(signature),
      .demos = std::move(demos),
      .options = ReadOptions(predictor.options()),
      .lm_name = lm_name,
      .language_model = FindLanguageModel(lm_name, environment),
      .adapter = MakeChatAdapter(),
      .reusable = environment.reusable,
  });
}

Clock::duration ReadTimeout(const v1::Program& program) {
  if (!program.has_timeout()) return Clock::duration::max();
  return std::chrono::seconds(program.timeout().seconds()) + std::chrono::nanoseconds(program.timeout().nanos());
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Program>> Program::Create(const v1::Program& definition,
                                                               const ProgramEnvironment& environment) {
  if (absl::Status status = ValidateProgram(definition); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<const Module>> module =
      BuildPredict(definition.modules(0), definition.lm(), environment);
  if (!module.ok()) return WithFieldPrefix(module.status(), "modules[0].predict");
  return std::shared_ptr<const Program>(new Program(*std::move(module), ReadTimeout(definition)));
}

Task<Json> Program::Forward(RequestContext context, Json inputs) const {
  const RequestContext child = context.Child(module_->id());
  absl::StatusOr<Json> outputs = co_await module_->Forward(child, std::move(inputs));
  child.EndNode();
  co_return outputs;
}

absl::StatusOr<std::vector<Program::Rendered>> Program::Render(Json inputs) const {
  absl::StatusOr<lm::RenderedRequest> request = module_->Render(std::move(inputs));
  if (!request.ok()) return request.status();
  std::vector<Rendered> rendered;
  rendered.push_back({module_->id(), module_->lm_name(), *std::move(request)});
  return rendered;
}

absl::StatusOr<Json> Program::Parse(absl::string_view module, absl::string_view completion) const {
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
