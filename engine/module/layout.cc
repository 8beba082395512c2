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

std::vector<std::string> ReasoningFields(const std::vector<Field>& outputs) {
  std::vector<std::string> names;
  for (const Field& field : outputs) {
    if (field.type.kind == Type::Kind::kReasoning) names.push_back(field.name);
  }
  return names;
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

// Whether the values are those of the fields as they stand; a second step may ask in another order.
bool HasAllInOrder(const Json& values, const std::vector<Field>& fields) {
  const auto& members = values.get_ref<const Json::object_t&>();
  return std::equal(members.begin(), members.end(), fields.begin(), fields.end(),
                    [](const auto& member, const Field& field) { return member.first == field.name; });
}

absl::Status NoCompletion() {
  return Error(absl::StatusCode::kDataLoss, reason::kCompletionUnparsable,
               "The language model answered with an empty completion. Try again, or use another model.")
      .With("problem", "no_completion");
}

}  // namespace

Layout::Layout(Signature signature, Signature asked, std::shared_ptr<const BoundAdapter> adapter, bool reusable)
    : signature_(std::move(signature)),
      asked_(std::move(asked)),
      adapter_(std::move(adapter)),
      prefix_(std::make_shared<const lm::Prefix>(adapter_->prefix(), reusable)) {}

absl::StatusOr<std::unique_ptr<const Layout>> Layout::Create(Settings settings) {
  Signature asked = settings.signature;
  std::string tools;
  const std::string calls =
      FindField(asked.outputs(), [](const Type& type) { return type.kind == Type::Kind::kToolCalls; });
  if (settings.adapter.native_function_calling && !calls.empty()) {
    tools = FindField(asked.inputs(), IsTools);
    if (tools.empty()) return NoTools(calls);
    if (settings.capabilities.tools) {
      asked = asked.Delete(calls).Delete(tools);
    } else {
      tools.clear();
    }
  }
  const std::vector<std::string> reasoning = ReasoningFields(asked.outputs());
  // OpenAI's chat completions do not return the reasoning of the gpt-5 family.
  const bool reasons =
      settings.capabilities.reasoning && !reasoning.empty() && !absl::StrContains(settings.lm_name, "gpt-5");
  if (reasons) {
    for (const std::string& name : reasoning) asked = asked.Delete(name);
  }
  absl::StatusOr<std::shared_ptr<const BoundAdapter>> adapter =
      BindAdapter(settings.adapter, settings.phrasebook, asked, settings.demos);
  if (!adapter.ok()) return adapter.status();
  // Its constructor is private.
  std::unique_ptr<Layout> layout(
      new Layout(std::move(settings.signature), std::move(asked), *std::move(adapter), settings.reusable));
  layout->format_ = FormatFor(settings.adapter, *settings.phrasebook, layout->signature_,
                              Overridden(settings.capabilities, settings.format));
  layout->tools_input_ = std::move(tools);
  layout->tool_calls_output_ = calls;
  layout->reasons_ = reasons;
  return layout;
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

std::string Layout::ReasoningField() const { return reasons_ ? ReasoningFields(signature_.outputs()).front() : ""; }

bool Layout::TakesCalls(const lm::Completion& completion) const {
  return !tool_calls_output_.empty() && !completion.tool_calls.empty();
}

bool Layout::ReadsText(const lm::Completion& completion) const {
  return !completion.text.empty() && !(TakesCalls(completion) && asked_.outputs().empty());
}

absl::StatusOr<Json> Layout::Read(const lm::Completion& completion) const {
  return Complete(completion, ReadsText(completion) ? adapter_->Parse(completion.text) : Json::object());
}

absl::StatusOr<Json> Layout::Complete(const lm::Completion& completion, absl::StatusOr<Json> parsed) const {
  const bool calls = TakesCalls(completion);
  if (completion.text.empty() && !calls) return NoCompletion();
  if (!parsed.ok()) {
    if (!calls || ErrorReason(parsed.status()) != reason::kCompletionUnparsable) return parsed;
    parsed = Json::object();
  }
  if (!calls && !completion.reasoning.has_value() && HasAllInOrder(*parsed, signature_.outputs())) return parsed;
  return WithGivenApart(*parsed, completion);
}

// What is neither in the text nor given apart is the field's default, or null.
Json Layout::WithGivenApart(const Json& parsed, const lm::Completion& completion) const {
  Json::object_t values;
  values.reserve(signature_.outputs().size());
  for (const Field& field : signature_.outputs()) {
    Json value;
    if (const auto found = parsed.find(field.name); found != parsed.end()) {
      value = *found;
    } else if (field.default_value != nullptr) {
      value = *field.default_value;
    }
    if (field.name == tool_calls_output_ && TakesCalls(completion)) value = ToolCallsValue(completion.tool_calls);
    if (completion.reasoning.has_value() && field.type.kind == Type::Kind::kReasoning) value = *completion.reasoning;
    values.emplace_back(field.name, std::move(value));
  }
  return Json(std::move(values));
}

}  // namespace dspex
