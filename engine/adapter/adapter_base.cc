#include "engine/adapter/adapter_base.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/adapter/field_wording.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

bool HasAny(const Json& demo, const std::vector<Field>& fields) {
  return std::any_of(fields.begin(), fields.end(),
                     [&demo](const Field& field) { return FindMember(demo, field.name) != nullptr; });
}

bool HasAll(const Json& demo, const std::vector<Field>& fields) {
  return std::all_of(fields.begin(), fields.end(), [&demo](const Field& field) {
    const Json* value = FindMember(demo, field.name);
    return value != nullptr && !value->is_null();
  });
}

const Field* FindOfKind(const std::vector<Field>& fields, Kind kind) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [kind](const Field& field) { return IsPlain(field.type, kind); });
  return found == fields.end() ? nullptr : &*found;
}

absl::Status Missing(const Field& field) {
  return Error(absl::StatusCode::kDataLoss, reason::kCompletionUnparsable,
               absl::StrCat("The completion does not give the output field '", field.name,
                            "'. Give the module demos, or use a more capable model."))
      .With("field", field.name)
      .With("problem", "missing");
}

// What stands for an output that nothing gave.
std::optional<Json> Fallback(const Field& field) {
  if (field.default_value != nullptr) return *field.default_value;
  if (field.type.AllowsNone()) return Json();
  return std::nullopt;
}

}  // namespace

const Json* FindMember(const Json& values, absl::string_view name) {
  for (const auto& [key, value] : values.get_ref<const Json::object_t&>()) {
    if (key == name) return &value;
  }
  return nullptr;
}

absl::Status Malformed(absl::string_view problem) {
  return Error(absl::StatusCode::kDataLoss, reason::kCompletionUnparsable,
               absl::StrCat("The completion ", problem, ". Give the module demos, or use a more capable model."))
      .With("problem", "malformed");
}

absl::Status Invalid(const Field& field, const absl::Status& cause) {
  const std::string type = field.type.ToString();
  const std::string path = ErrorMetadata(cause, "path");
  Error error(absl::StatusCode::kDataLoss, reason::kCompletionUnparsable,
              absl::StrCat("The completion's text for the output field '", field.name, path, "' does not fit the type ",
                           type, ". Describe the field, give the module demos, or use a more capable model."));
  error.With("field", field.name).With("problem", "invalid").With("type", type);
  if (!path.empty()) error.With("path", path);
  return error;
}

AdapterBase::AdapterBase(AdapterParts parts, bool tells_history) : parts_(std::move(parts)) {
  const Signature& signature = parts_.signature;
  writers_.reserve(signature.inputs().size() + signature.outputs().size());
  const Field* history = tells_history ? FindOfKind(signature.inputs(), Kind::kHistory) : nullptr;
  if (history != nullptr) history_ = history->name;
  for (const Field& field : signature.inputs()) {
    writers_.emplace_back(book(), field);
    inputs_.push_back(&writers_.back());
    if (&field != history) live_inputs_.push_back(&writers_.back());
  }
  for (const Field& field : signature.outputs()) {
    writers_.emplace_back(book(), field);
    outputs_.push_back(&writers_.back());
  }
}

absl::Status AdapterBase::RenderPrefix(const std::vector<Json>& demos) {
  absl::StatusOr<std::string> system = System();
  if (!system.ok()) return system.status();
  prefix_.reserve(1 + 2 * demos.size());
  prefix_.push_back(lm::Message::Text(lm::Role::kSystem, *std::move(system)));
  const std::vector<Field>& inputs = signature().inputs();
  const std::vector<Field>& outputs = signature().outputs();
  for (const bool complete : {false, true}) {
    for (const Json& demo : demos) {
      if (complete != (HasAll(demo, inputs) && HasAll(demo, outputs))) continue;
      if (!complete && !(HasAny(demo, inputs) && HasAny(demo, outputs))) continue;
      if (absl::Status status = AppendDemo(demo, complete); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status AdapterBase::AppendDemo(const Json& demo, bool complete) {
  Content question(Content::Blocks::kMarked);
  if (!complete) book().demo_incomplete.AppendTo(question.text(), {});
  if (absl::Status status = AppendInputs(inputs_, demo, question); !status.ok()) return status;
  prefix_.push_back(std::move(question).Finish(lm::Role::kUser, expands_markers()));
  const std::string missing = book().demo_missing_value.Render({});
  absl::StatusOr<std::string> answer = Answer(outputs_, demo, &missing);
  if (!answer.ok()) return answer.status();
  prefix_.push_back(lm::Message::Text(lm::Role::kAssistant, *std::move(answer)));
  return absl::OkStatus();
}

absl::StatusOr<lm::Message> AdapterBase::Question(const Json& values, bool asks) const {
  Content content(live_blocks());
  std::size_t size = reminder_.size() + 64;
  for (const auto& [name, value] : values.get_ref<const Json::object_t&>()) {
    size += name.size() + 32 + (value.is_string() ? value.get_ref<const std::string&>().size() : 0);
  }
  content.text().reserve(size);
  if (absl::Status status = AppendInputs(live_inputs_, values, content); !status.ok()) return status;
  if (asks && !reminder_.empty()) {
    content.Separate();
    content.text() += reminder_;
  }
  const bool expand = expands_markers() && live_blocks() == Content::Blocks::kMarked;
  return std::move(content).Finish(lm::Role::kUser, expand);
}

absl::StatusOr<std::vector<lm::Message>> AdapterBase::Turns(const Json& inputs) const {
  std::vector<lm::Message> turns;
  if (!history_.empty()) {
    if (absl::Status status = AppendHistory(inputs, turns); !status.ok()) return status;
  }
  absl::StatusOr<lm::Message> question = Question(inputs, true);
  if (!question.ok()) return question.status();
  const auto* text = question->parts.size() == 1 ? std::get_if<lm::TextPart>(&question->parts.front()) : nullptr;
  if (text == nullptr || !text->text.empty() || asks_for_nothing()) turns.push_back(*std::move(question));
  return turns;
}

absl::StatusOr<Json> AdapterBase::Complete(std::vector<std::optional<Json>> values) const {
  const std::vector<Field>& fields = signature().outputs();
  Json::object_t result;
  result.reserve(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    std::optional<Json> value = values[i].has_value() ? std::move(values[i]) : Fallback(fields[i]);
    if (!value.has_value()) return Missing(fields[i]);
    result.emplace_back(fields[i].name, *std::move(value));
  }
  return Json(std::move(result));
}

}  // namespace dspex
