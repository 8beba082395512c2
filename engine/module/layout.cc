#include "engine/module/layout.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/module/native_tools.h"

namespace dspex {

namespace {

bool IsTools(const Type& type) {
  return type.kind == Type::Kind::kTool ||
         (type.kind == Type::Kind::kList && !type.arguments.empty() && type.arguments[0].kind == Type::Kind::kTool);
}

template <typename Predicate>
std::string FindField(const std::vector<Field>& fields, Predicate predicate) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return predicate(field.type); });
  return found == fields.end() ? "" : found->name;
}

lm::Capabilities Overridden(lm::Capabilities capabilities, Layout::Format format) {
  if (format == Layout::Format::kByCapabilities) return capabilities;
  capabilities.response_format = format != Layout::Format::kNone;
  capabilities.json_schema = format == Layout::Format::kJsonSchema;
  return capabilities;
}

absl::Status NoTools(const std::string& output) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidProgram,
               absl::StrCat("The output '", output,
                            "' takes the model's tool calls, but the signature has no input of tools. Add an input of "
                            "type list[dspy.Tool], or switch native_function_calling off."))
      .With("field", output);
}

absl::Status NoCompletion() {
  return Error(absl::StatusCode::kDataLoss, reason::kCompletionUnparsable,
               "The language model answered with an empty completion. Try again, or use another model.")
      .With("problem", "no_completion");
}

}  // namespace

absl::StatusOr<std::unique_ptr<const Layout>> Layout::Create(const Settings& settings) {
  std::unique_ptr<Layout> layout(new Layout(settings.signature));  // Its constructor is private.
  if (absl::Status status = layout->LeaveToModel(settings); !status.ok()) return status;
  absl::StatusOr<std::shared_ptr<const BoundAdapter>> adapter =
      BindAdapter(settings.adapter, settings.phrasebook, layout->asked_, settings.demos);
  if (!adapter.ok()) return adapter.status();
  layout->adapter_ = *std::move(adapter);
  layout->prefix_ = std::make_shared<const lm::Prefix>(layout->adapter_->prefix(), settings.reusable);
  layout->format_ = FormatFor(settings.adapter, *settings.phrasebook, settings.signature,
                              Overridden(settings.capabilities, settings.format));
  return layout;
}

// Takes what the model does by itself out of what it is asked for.
absl::Status Layout::LeaveToModel(const Settings& settings) {
  tool_calls_output_ =
      FindField(asked_.outputs(), [](const Type& type) { return type.kind == Type::Kind::kToolCalls; });
  reasoning_output_ = FindField(asked_.outputs(), [](const Type& type) { return type.kind == Type::Kind::kReasoning; });
  if (settings.adapter.native_function_calling && !tool_calls_output_.empty()) {
    const std::string tools = FindField(asked_.inputs(), IsTools);
    if (tools.empty()) return NoTools(tool_calls_output_);
    if (settings.capabilities.tools) {
      asked_ = asked_.Delete(tool_calls_output_).Delete(tools);
      tools_input_ = tools;
    }
  }
  // OpenAI's chat completions do not return the reasoning of the gpt-5 family.
  reasons_ =
      !reasoning_output_.empty() && settings.capabilities.reasoning && !absl::StrContains(settings.lm_name, "gpt-5");
  if (reasons_) asked_ = asked_.Delete(reasoning_output_);
  return absl::OkStatus();
}

lm::Options Layout::WithOwn(lm::Options options) const {
  options.response_format = format_;
  if (reasons_ && !options.reasoning_effort.has_value()) options.reasoning_effort = "low";
  if (tools_input_.empty()) options.parallel_tool_calls.reset();
  return options;
}

absl::StatusOr<lm::Request> Layout::MakeRequest(const Json& inputs, std::shared_ptr<const lm::Options> options) const {
  absl::StatusOr<std::vector<lm::Message>> turns = adapter_->Turns(inputs);
  if (!turns.ok()) return turns.status();
  lm::Request request{.prefix = prefix_, .turns = *std::move(turns), .options = std::move(options)};
  if (tools_input_.empty()) return request;
  const auto tools = inputs.find(tools_input_);
  absl::StatusOr<std::vector<lm::ToolSpec>> specs = ToolSpecs(tools == inputs.end() ? Json::array() : *tools);
  if (!specs.ok()) return WithMetadata(specs.status(), "field", tools_input_);
  auto with_tools = std::make_shared<lm::Options>(*request.options);
  with_tools->tools = *std::move(specs);
  request.options = std::move(with_tools);
  return request;
}

absl::StatusOr<Json> Layout::Read(const lm::Completion& completion) const {
  return Complete(completion, completion.text.empty() ? Json::object() : adapter_->Parse(completion.text));
}

absl::StatusOr<Json> Layout::Complete(const lm::Completion& completion, absl::StatusOr<Json> parsed) const {
  const bool calls = !tool_calls_output_.empty() && !completion.tool_calls.empty();
  const bool reasoned = !reasoning_output_.empty() && completion.reasoning.has_value();
  if (completion.text.empty() && !calls) return NoCompletion();
  if (!parsed.ok()) {
    // Text beside tool calls is taken if it parses.
    if (!calls || ErrorReason(parsed.status()) != reason::kCompletionUnparsable) return parsed;
    parsed = Json::object();
  }
  if (!calls && !reasoned && asked_.outputs().size() == signature_.outputs().size()) return parsed;
  return WithModelsOwn(*parsed, completion);
}

// What the adapter did not ask for is the field's default, or null, unless the model gave it by itself.
Json Layout::WithModelsOwn(const Json& parsed, const lm::Completion& completion) const {
  Json::object_t values;
  values.reserve(signature_.outputs().size());
  for (const Field& field : signature_.outputs()) {
    Json value;
    if (const auto found = parsed.find(field.name); found != parsed.end()) {
      value = *found;
    } else if (field.default_value != nullptr) {
      value = *field.default_value;
    }
    if (field.name == tool_calls_output_ && !completion.tool_calls.empty()) {
      value = ToolCallsValue(completion.tool_calls);
    }
    if (field.name == reasoning_output_ && completion.reasoning.has_value()) value = *completion.reasoning;
    values.emplace_back(field.name, std::move(value));
  }
  return Json(std::move(values));
}

}  // namespace dspex
