#include "engine/program/build_module.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/module/chain_of_thought.h"
#include "engine/module/predict.h"
#include "engine/program/predictor_signature.h"
#include "engine/program/struct_json.h"
#include "engine/program/validate.h"

namespace dspex {

namespace {

// A demo as its author gave it, or checked and coerced.
absl::StatusOr<Json> ReadDemo(const v1::Example& example, const Signature& signature, bool enforced) {
  const bool text = example.has_fields_json();
  absl::StatusOr<Json> demo = text ? ParseJson(example.fields_json()) : JsonFromStruct(example.fields());
  if (demo.ok() && (enforced || !demo->is_object())) demo = CoerceDemo(signature, *std::move(demo));
  if (demo.ok()) return demo;
  std::string path = text ? "fields_json" : "fields";
  // Within a JSON text there are no paths of the request's fields.
  if (const std::string field = ErrorMetadata(demo.status(), "field"); !text && !field.empty()) {
    absl::StrAppend(&path, ".", field);
  }
  return WithFieldPrefix(demo.status(), path);
}

absl::StatusOr<std::vector<Json>> ReadDemos(const v1::Predictor& predictor, const Signature& signature, bool enforced) {
  std::vector<Json> demos;
  demos.reserve(static_cast<std::size_t>(predictor.demos_size()));
  for (const v1::Example& example : predictor.demos()) {
    absl::StatusOr<Json> demo = ReadDemo(example, signature, enforced);
    if (!demo.ok()) return WithFieldPrefix(demo.status(), absl::StrCat("demos[", demos.size(), "]"));
    demos.push_back(*std::move(demo));
  }
  return demos;
}

NamedModel FindModel(const std::string& name, const ProgramEnvironment& environment) {
  if (!name.empty()) return {name, environment.language_models->Find(name)};
  return {"",
          Error(absl::StatusCode::kFailedPrecondition, reason::kNoLanguageModel,
                "Neither the module nor the program names a language model, and the server has no default. Set lm to "
                "\"provider/model\", or start the server with one.")};
}

AdapterKind ReadKind(v1::AdapterKind kind) {
  switch (kind) {
    case v1::ADAPTER_KIND_JSON:
      return AdapterKind::kJson;
    case v1::ADAPTER_KIND_XML:
      return AdapterKind::kXml;
    case v1::ADAPTER_KIND_BAML:
      return AdapterKind::kBaml;
    case v1::ADAPTER_KIND_TWO_STEP:
      return AdapterKind::kTwoStep;
    default:
      return AdapterKind::kChat;
  }
}

Layout::Format ReadFormat(v1::ResponseFormat format) {
  switch (format) {
    case v1::RESPONSE_FORMAT_NONE:
      return Layout::Format::kNone;
    case v1::RESPONSE_FORMAT_JSON_OBJECT:
      return Layout::Format::kJsonObject;
    case v1::RESPONSE_FORMAT_JSON_SCHEMA:
      return Layout::Format::kJsonSchema;
    default:
      return Layout::Format::kByCapabilities;
  }
}

void ReadAdapter(const v1::Adapter& adapter, const ProgramEnvironment& environment, PredictSettings& settings) {
  settings.adapter.kind = ReadKind(adapter.kind());
  const bool json = settings.adapter.kind == AdapterKind::kJson || settings.adapter.kind == AdapterKind::kBaml;
  settings.adapter.native_function_calling =
      adapter.has_native_function_calling() ? adapter.native_function_calling() : json;
  settings.format = ReadFormat(adapter.response_format());
  settings.json_fallback = !adapter.has_json_fallback() || adapter.json_fallback();
  if (adapter.has_parallel_tool_calls()) settings.sampling.options.parallel_tool_calls = adapter.parallel_tool_calls();
  if (settings.adapter.kind == AdapterKind::kTwoStep) {
    settings.extraction = FindModel(adapter.extraction_lm(), environment);
    settings.extraction_sampling = ReadSampling(adapter.extraction_options());
  }
}

absl::Status CheckMajorityField(const v1::Predictor& predictor, const Signature& signature) {
  if (predictor.majority_field().empty() || signature.FindOutput(predictor.majority_field()) != nullptr) {
    return absl::OkStatus();
  }
  return InvalidField("majority_field", "names no output of the signature. Give one of its outputs.");
}

absl::StatusOr<std::unique_ptr<const Module>> BuildPredictor(const v1::Module& module, const v1::Program& program,
                                                             std::shared_ptr<const Phrasebook> phrasebook,
                                                             const ProgramEnvironment& environment) {
  const bool reasons = module.has_chain_of_thought();
  const v1::Predictor& predictor = reasons ? module.chain_of_thought() : module.predict();
  absl::StatusOr<PredictorSignature> signature = ReadPredictorSignature(predictor, reasons);
  if (!signature.ok()) return signature.status();
  if (absl::Status status = CheckMajorityField(predictor, signature->extended); !status.ok()) return status;
  const bool enforced = IsEnforced(program);
  absl::StatusOr<std::vector<Json>> demos = ReadDemos(predictor, signature->extended, enforced);
  if (!demos.ok()) return demos.status();
  PredictSettings settings{.id = module.id(),
                           .signature = std::move(signature->extended),
                           .demos = *std::move(demos),
                           .sampling = ReadSampling(predictor.options()),
                           .language_model = FindModel(LmName(module, program, environment.default_lm), environment),
                           .phrasebook = std::move(phrasebook),
                           .enforced = enforced,
                           .majority_field = predictor.majority_field(),
                           .reusable = environment.reusable};
  ReadAdapter(module.has_adapter() ? module.adapter() : program.adapter(), environment, settings);
  return reasons ? MakeChainOfThought(std::move(settings)) : MakePredict(std::move(settings));
}

}  // namespace

bool IsEnforced(const v1::Program& program) {
  if (program.validation() == v1::VALIDATION_UNSPECIFIED) return program.phrasebook().empty();
  return program.validation() == v1::VALIDATION_ENFORCED;
}

const std::string& LmName(const v1::Module& module, const v1::Program& program, const std::string& default_lm) {
  if (!module.lm().empty()) return module.lm();
  return program.lm().empty() ? default_lm : program.lm();
}

Sampling ReadSampling(const v1::LmOptions& proto) {
  Sampling sampling;
  lm::Options& options = sampling.options;
  if (proto.has_temperature()) options.temperature = proto.temperature();
  if (proto.has_top_p()) options.top_p = proto.top_p();
  if (proto.has_max_tokens()) options.max_tokens = proto.max_tokens();
  options.stop.assign(proto.stop().begin(), proto.stop().end());
  if (proto.has_seed()) options.seed = proto.seed();
  if (proto.has_frequency_penalty()) options.frequency_penalty = proto.frequency_penalty();
  if (proto.has_presence_penalty()) options.presence_penalty = proto.presence_penalty();
  if (proto.has_reasoning_effort()) options.reasoning_effort = proto.reasoning_effort();
  if (proto.has_store()) options.store = proto.store();
  if (proto.has_logprobs()) options.logprobs = proto.logprobs();
  if (proto.has_top_logprobs()) options.top_logprobs = proto.top_logprobs();
  if (proto.has_rollout_id()) options.rollout_id = proto.rollout_id();
  if (proto.has_n()) sampling.n = proto.n();
  return sampling;
}

absl::StatusOr<std::shared_ptr<const Phrasebook>> FindPhrasebook(const v1::Program& program,
                                                                 const ProgramEnvironment& environment) {
  if (program.phrasebook().empty()) return Phrasebook::BuiltIn();
  if (environment.phrasebooks == nullptr) {
    return InvalidField("phrasebook", "cannot be looked up here. Leave it empty.");
  }
  absl::StatusOr<std::shared_ptr<const Phrasebook>> phrasebook = environment.phrasebooks->Find(program.phrasebook());
  if (!phrasebook.ok()) return WithFieldPrefix(phrasebook.status(), "phrasebook");
  return phrasebook;
}

absl::StatusOr<std::unique_ptr<const Module>> BuildModule(const v1::Module& module, const v1::Program& program,
                                                          std::shared_ptr<const Phrasebook> phrasebook,
                                                          const ProgramEnvironment& environment) {
  absl::StatusOr<std::unique_ptr<const Module>> built =
      BuildPredictor(module, program, std::move(phrasebook), environment);
  if (built.ok()) return built;
  return WithFieldPrefix(built.status(), module.has_chain_of_thought() ? "chain_of_thought" : "predict");
}

}  // namespace dspex
