#include "engine/program/validate.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

constexpr std::size_t kMaxProgramBytes = std::size_t{4} << 20;
constexpr int kMaxDemos = 1000;
constexpr int kMaxModules = 64;
constexpr int kMaxSteps = 256;
constexpr int kMaxOutputs = 256;
constexpr int kMaxStops = 4;
constexpr std::size_t kMaxStopBytes = 256;
constexpr int kMaxCompletions = 64;
constexpr int kMaxTopLogprobs = 20;
constexpr std::size_t kMaxEffortBytes = 64;
constexpr std::size_t kMaxIdLength = 63;
constexpr std::size_t kMaxLmLength = 256;
constexpr std::int64_t kMaxTimeoutSeconds = 24 * 60 * 60;

absl::Status Unsupported(absl::string_view feature, absl::string_view path, absl::string_view problem) {
  return Error(absl::StatusCode::kUnimplemented, reason::kUnsupported, absl::StrCat(path, ": ", problem))
      .With("feature", feature)
      .Violation(path, problem);
}

bool IsId(absl::string_view id) {
  return !id.empty() && id.size() <= kMaxIdLength && absl::ascii_islower(static_cast<unsigned char>(id[0])) &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_' || c == '-';
         });
}

absl::Status ValidateLm(absl::string_view lm, absl::string_view path) {
  if (lm.empty()) return absl::OkStatus();
  const std::size_t slash = lm.find('/');
  const bool printable = std::all_of(lm.begin(), lm.end(), [](unsigned char c) { return absl::ascii_isgraph(c); });
  if (slash == absl::string_view::npos || slash == 0 || slash + 1 == lm.size() || !printable ||
      lm.size() > kMaxLmLength) {
    return InvalidField(path, "is not of the form provider/model. Write for example openai/gpt-4o-mini.");
  }
  return absl::OkStatus();
}

absl::Status ValidateRange(bool given, double value, double low, double high, absl::string_view path) {
  if (!given || (value >= low && value <= high)) return absl::OkStatus();
  return InvalidField(path, absl::StrCat("is ", value, ". Give a number from ", low, " to ", high, "."));
}

absl::Status ValidatePredictor(const v1::Predictor& predictor, absl::string_view path) {
  if (predictor.signature_form_case() == v1::Predictor::SIGNATURE_FORM_NOT_SET) {
    return InvalidField(absl::StrCat(path, ".signature"),
                        "is missing. Say what the module takes and gives, for example: question -> answer");
  }
  if (predictor.demos_size() > kMaxDemos) {
    return InvalidField(absl::StrCat(path, ".demos"),
                        absl::StrCat("has ", predictor.demos_size(), " demos. Give at most ", kMaxDemos, "."));
  }
  return ValidateOptions(predictor.options(), absl::StrCat(path, ".options"));
}

absl::Status ValidateKind(const v1::Module& module, absl::string_view path) {
  if (module.kind_case() == v1::Module::KIND_NOT_SET) {
    return InvalidField(path, "does not say what it does. Set predict, with a signature.");
  }
  if (module.has_chain_of_thought()) {
    return ValidatePredictor(module.chain_of_thought(), absl::StrCat(path, ".chain_of_thought"));
  }
  if (!module.has_predict()) {
    const std::string& kind = v1::Module::descriptor()->FindFieldByNumber(module.kind_case())->name();
    return Unsupported(
        kind, absl::StrCat(path, ".", kind),
        absl::StrCat("this server does not run modules of the kind ", kind, " yet. Use predict or chain_of_thought."));
  }
  return ValidatePredictor(module.predict(), absl::StrCat(path, ".predict"));
}

absl::Status ValidateAdapter(const v1::Adapter& adapter, absl::string_view path) {
  if (!v1::AdapterKind_IsValid(adapter.kind())) {
    return InvalidField(absl::StrCat(path, ".kind"), "is unknown. Use ADAPTER_KIND_CHAT.");
  }
  if (!v1::ResponseFormat_IsValid(adapter.response_format())) {
    return InvalidField(absl::StrCat(path, ".response_format"), "is unknown. Leave it out.");
  }
  const std::string extraction = absl::StrCat(path, ".extraction_lm");
  if (adapter.kind() == v1::ADAPTER_KIND_TWO_STEP && adapter.extraction_lm().empty()) {
    return InvalidField(extraction, "is missing. Name the language model that extracts the fields.");
  }
  if (absl::Status status = ValidateLm(adapter.extraction_lm(), extraction); !status.ok()) return status;
  return ValidateOptions(adapter.extraction_options(), absl::StrCat(path, ".extraction_options"));
}

absl::Status ValidateModules(const v1::Program& program) {
  if (program.modules().empty()) return InvalidField("modules", "is empty. Give one module.");
  if (program.modules_size() > kMaxModules) {
    return InvalidField("modules",
                        absl::StrCat("has ", program.modules_size(), " modules. Give at most ", kMaxModules, "."));
  }
  absl::flat_hash_set<absl::string_view> ids;
  for (int i = 0; i < program.modules_size(); ++i) {
    const std::string path = absl::StrCat("modules[", i, "]");
    if (absl::Status status = ValidateModule(program.modules(i), path); !status.ok()) return status;
    if (!ids.insert(program.modules(i).id()).second) {
      return InvalidField(absl::StrCat(path, ".id"),
                          absl::StrCat("repeats '", program.modules(i).id(), "'. Give each module an id of its own."));
    }
  }
  return absl::OkStatus();
}

constexpr absl::string_view kIdForm =
    "is no id. Give a lower-case letter, then lower-case letters, digits, '_' or '-', at most 63.";

absl::Status ValidateSteps(const v1::Program& program) {
  if (program.steps_size() > kMaxSteps) {
    return InvalidField("steps", absl::StrCat("has ", program.steps_size(), " steps. Give at most ", kMaxSteps, "."));
  }
  if (program.outputs_size() > kMaxOutputs) {
    return InvalidField("outputs",
                        absl::StrCat("has ", program.outputs_size(), " outputs. Give at most ", kMaxOutputs, "."));
  }
  if (program.steps().empty()) {
    if (program.modules_size() > 1) {
      return InvalidField("steps", "is missing. Say how the modules are called, a step for each call.");
    }
    if (program.outputs().empty()) return absl::OkStatus();
    return InvalidField("outputs", "has outputs of steps, and there are none. Leave it out: one module needs none.");
  }
  absl::flat_hash_set<absl::string_view> ids;
  for (int i = 0; i < program.steps_size(); ++i) {
    const std::string path = absl::StrCat("steps[", i, "].id");
    if (!IsId(program.steps(i).id())) return InvalidField(path, kIdForm);
    if (!ids.insert(program.steps(i).id()).second) {
      return InvalidField(path,
                          absl::StrCat("repeats '", program.steps(i).id(), "'. Give each step an id of its own."));
    }
  }
  if (program.outputs().empty()) {
    return InvalidField("outputs", "is missing. Give the program's outputs by name, each as step.field.");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status InvalidField(absl::string_view path, absl::string_view problem) {
  const absl::string_view subject = path.empty() ? "The program" : path;
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidProgram, absl::StrCat(subject, " ", problem))
      .Violation(path, problem);
}

absl::Status ValidateOptions(const v1::LmOptions& options, absl::string_view path) {
  const auto at = [path](absl::string_view name) { return absl::StrCat(path, ".", name); };
  absl::Status status = ValidateRange(options.has_temperature(), options.temperature(), 0, 2, at("temperature"));
  status.Update(ValidateRange(options.has_top_p(), options.top_p(), 0, 1, at("top_p")));
  if (status.ok() && options.has_top_p() && options.top_p() == 0) {
    status = InvalidField(at("top_p"), "is 0. Give a number above 0, to 1.");
  }
  if (status.ok() && options.has_max_tokens() && options.max_tokens() <= 0) {
    status = InvalidField(at("max_tokens"), absl::StrCat("is ", options.max_tokens(), ". Give a number above 0."));
  }
  status.Update(
      ValidateRange(options.has_frequency_penalty(), options.frequency_penalty(), -2, 2, at("frequency_penalty")));
  status.Update(
      ValidateRange(options.has_presence_penalty(), options.presence_penalty(), -2, 2, at("presence_penalty")));
  if (!status.ok()) return status;
  if (options.stop_size() > kMaxStops) {
    return InvalidField(at("stop"), absl::StrCat("has ", options.stop_size(), " texts. Give at most ", kMaxStops, "."));
  }
  if (options.has_n() && (options.n() < 1 || options.n() > kMaxCompletions)) {
    return InvalidField(at("n"), absl::StrCat("is ", options.n(), ". Give 1 to ", kMaxCompletions, "."));
  }
  if (options.has_top_logprobs() && (options.top_logprobs() < 0 || options.top_logprobs() > kMaxTopLogprobs)) {
    return InvalidField(at("top_logprobs"),
                        absl::StrCat("is ", options.top_logprobs(), ". Give 0 to ", kMaxTopLogprobs, "."));
  }
  if (options.has_top_logprobs() && !options.logprobs()) {
    return InvalidField(at("top_logprobs"), "is set and logprobs is not true. Set logprobs, too.");
  }
  if (options.reasoning_effort().size() > kMaxEffortBytes) {
    return InvalidField(at("reasoning_effort"), absl::StrCat("is longer than ", kMaxEffortBytes, " bytes."));
  }
  for (int i = 0; i < options.stop_size(); ++i) {
    if (options.stop(i).empty() || options.stop(i).size() > kMaxStopBytes) {
      return InvalidField(at(absl::StrCat("stop[", i, "]")),
                          absl::StrCat("is empty or too long. Give 1 to ", kMaxStopBytes, " bytes."));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateModule(const v1::Module& module, absl::string_view path) {
  if (!IsId(module.id())) {
    return InvalidField(absl::StrCat(path, ".id"), kIdForm);
  }
  if (absl::Status status = ValidateLm(module.lm(), absl::StrCat(path, ".lm")); !status.ok()) return status;
  switch (module.execution_backend()) {
    case v1::EXECUTION_BACKEND_UNSPECIFIED:
    case v1::EXECUTION_BACKEND_NATIVE:
      break;
    case v1::EXECUTION_BACKEND_PYTHON:
      return Unsupported("EXECUTION_BACKEND_PYTHON", absl::StrCat(path, ".execution_backend"),
                         "this server has no Python workers yet. Use EXECUTION_BACKEND_NATIVE.");
    default:
      return InvalidField(absl::StrCat(path, ".execution_backend"), "is unknown. Use EXECUTION_BACKEND_NATIVE.");
  }
  if (absl::Status status = ValidateAdapter(module.adapter(), absl::StrCat(path, ".adapter")); !status.ok()) {
    return status;
  }
  return ValidateKind(module, path);
}

absl::Status ValidateProgram(const v1::Program& program) {
  if (program.ByteSizeLong() > kMaxProgramBytes) {
    return InvalidField("", absl::StrCat("has more than ", kMaxProgramBytes, " bytes. Give fewer or shorter demos."));
  }
  if (absl::Status status = ValidateLm(program.lm(), "lm"); !status.ok()) return status;
  if (absl::Status status = ValidateAdapter(program.adapter(), "adapter"); !status.ok()) return status;
  if (!v1::Validation_IsValid(program.validation())) {
    return InvalidField("validation", "is unknown. Use VALIDATION_ENFORCED.");
  }
  if (absl::Status status = ValidateModules(program); !status.ok()) return status;
  if (absl::Status status = ValidateSteps(program); !status.ok()) return status;
  if (program.has_timeout()) {
    const auto& timeout = program.timeout();
    if (timeout.seconds() < 0 || timeout.nanos() < 0 || timeout.nanos() >= 1'000'000'000 ||
        (timeout.seconds() == 0 && timeout.nanos() == 0) || timeout.seconds() > kMaxTimeoutSeconds) {
      return InvalidField("timeout", "is no useful time. Give more than 0 s and at most a day.");
    }
  }
  return absl::OkStatus();
}

}  // namespace dspex
