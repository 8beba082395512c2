#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "engine/adapter/adapter.h"
#include "engine/adapter/chat_sections.h"
#include "engine/adapter/json_schema.h"
#include "engine/adapter/python_text.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/python_format.h"
#include "engine/signature/coerce.h"

namespace dspex {

namespace {

void AppendSection(std::string& out, absl::string_view name, absl::string_view text) {
  if (!out.empty()) out.append("\n\n");
  AppendMarker(out, name);
  out.push_back('\n');
  out.append(text.data(), text.size());
}

void AppendValueSection(std::string& out, absl::string_view name, const Json& value) {
  AppendSection(out, name, "");
  AppendPythonStr(out, value);
}

lm::Message Turn(lm::Role role, std::string text) {
  const absl::string_view stripped = python_text::Strip(text);
  if (stripped.size() != text.size()) text = std::string(stripped);
  return lm::Message::Text(role, std::move(text));
}

bool Has(const Json& demo, const Field& field) { return demo.contains(field.name); }

bool HasAny(const Json& demo, const std::vector<Field>& fields) {
  return std::any_of(fields.begin(), fields.end(), [&demo](const Field& field) { return Has(demo, field); });
}

bool HasAll(const Json& demo, const std::vector<Field>& fields) {
  return std::all_of(fields.begin(), fields.end(), [&demo](const Field& field) {
    const auto found = demo.find(field.name);
    return found != demo.end() && !found->is_null();
  });
}

absl::Status Missing(const Field& field) {
  return Error(absl::StatusCode::kDataLoss, reason::kCompletionUnparsable,
               absl::StrCat("The completion has no section for the output field '", field.name,
                            "'. Give the module demos, or use a more capable model."))
      .With("field", field.name)
      .With("problem", "missing");
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

class ChatAdapter final : public Adapter {
 public:
  explicit ChatAdapter(std::shared_ptr<const Phrasebook> phrasebook) : book_(std::move(phrasebook)) {}

  absl::StatusOr<std::vector<lm::Message>> FormatPrefix(const Signature& signature,
                                                        const std::vector<Json>& demos) const override {
    std::vector<lm::Message> messages;
    messages.push_back(Turn(lm::Role::kSystem, SystemText(signature)));
    for (const bool complete : {false, true}) {
      for (const Json& demo : demos) {
        if (complete != (HasAll(demo, signature.inputs()) && HasAll(demo, signature.outputs()))) continue;
        if (!complete && !(HasAny(demo, signature.inputs()) && HasAny(demo, signature.outputs()))) continue;
        messages.push_back(Turn(lm::Role::kUser, DemoQuestion(signature, demo, complete)));
        // This one keeps the line break at its end.
        messages.push_back(lm::Message::Text(lm::Role::kAssistant, DemoAnswer(signature, demo)));
      }
    }
    return messages;
  }

  lm::Message FormatTurn(const Signature& signature, const Json& inputs) const override {
    std::string text;
    std::size_t size = 256;
    for (const auto& [name, value] : inputs.get_ref<const Json::object_t&>()) {
      size += name.size() + 32 + (value.is_string() ? value.get_ref<const std::string&>().size() : 0);
    }
    text.reserve(size);
    for (const auto& [name, value] : inputs.get_ref<const Json::object_t&>()) AppendValueSection(text, name, value);
    if (!text.empty()) text.append("\n\n");
    AppendReminder(text, signature);
    return Turn(lm::Role::kUser, std::move(text));
  }

  absl::StatusOr<Json> Parse(const Signature& signature, absl::string_view completion) const override {
    const std::vector<Field>& outputs = signature.outputs();
    std::vector<std::optional<absl::string_view>> contents(outputs.size());
    std::size_t missing = outputs.size();
    ChatSections sections(completion);
    for (auto section = sections.Next(); section.has_value() && missing > 0; section = sections.Next()) {
      const Field* field = signature.FindOutput(section->name);
      if (field == nullptr) continue;
      auto& content = contents[static_cast<std::size_t>(field - outputs.data())];
      if (content.has_value()) continue;
      content = section->content;
      --missing;
    }
    Json::object_t values;
    values.reserve(outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const Field& field = outputs[i];
      if (!contents[i].has_value()) {
        if (!field.type.AllowsNone()) return Missing(field);
        values.emplace_back(field.name, nullptr);
        continue;
      }
      absl::StatusOr<Json> value = ParseFieldText(field, SectionText(*contents[i]));
      if (!value.ok()) return Invalid(field, value.status());
      values.emplace_back(field.name, *std::move(value));
    }
    return Json(std::move(values));
  }

 private:
  std::string SystemText(const Signature& signature) const {
    std::string pattern;
    for (const Field& field : signature.inputs()) AppendSection(pattern, field.name, Placeholder(field, ""));
    for (const Field& field : signature.outputs()) AppendSection(pattern, field.name, Placeholder(field, Note(field)));
    AppendSection(pattern, kCompletedSection, "");
    pattern.pop_back();
    const std::string instructions =
        signature.instructions().empty() ? DefaultInstructions(signature) : signature.instructions();
    return book_->system.Render({{"input_fields", Describe(signature.inputs())},
                                 {"output_fields", Describe(signature.outputs())},
                                 {"pattern", pattern},
                                 {"instructions", std::vector<std::string>(absl::StrSplit(instructions, '\n'))}});
  }

  std::vector<std::string> Describe(const std::vector<Field>& fields) const {
    std::vector<std::string> lines;
    for (const Field& field : fields) {
      const bool described = field.description != absl::StrCat("${", field.name, "}");
      lines.push_back((described ? book_->described_field : book_->field)
                          .Render({{"index", absl::StrCat(lines.size() + 1)},
                                   {"name", field.name},
                                   {"type", field.type.ToString()},
                                   {"description", field.description}}));
    }
    return lines;
  }

  std::string DefaultInstructions(const Signature& signature) const {
    const auto names = [this](const std::vector<Field>& fields) {
      std::vector<std::string> result;
      for (const Field& field : fields) result.push_back(book_->name.Render({{"name", field.name}}));
      return result;
    };
    return book_->instructions.Render({{"inputs", names(signature.inputs())}, {"outputs", names(signature.outputs())}});
  }

  std::string Placeholder(const Field& field, const std::string& note) const {
    return book_->placeholder.Render({{"name", field.name}, {"note", note}});
  }

  // What the text of an output must look like.
  std::string Note(const Field& field) const {
    const std::string type = field.type.ToString();
    switch (field.type.kind) {
      case Type::Kind::kStr:
        return "";
      case Type::Kind::kBool:
        return book_->note_bool.Render({{"type", type}});
      case Type::Kind::kInt:
        return book_->note_int.Render({{"type", type}});
      case Type::Kind::kFloat:
        return book_->note_float.Render({{"type", type}});
      case Type::Kind::kLiteral: {
        std::vector<std::string> values;
        for (const Type::LiteralValue& literal : field.type.literals) values.push_back(LiteralText(literal));
        return book_->note_literal.Render({{"type", type}, {"values", values}});
      }
      default:
        return book_->note_schema.Render({{"type", type}, {"schema", PythonJsonDumps(JsonSchema(field.type))}});
    }
  }

  static std::string LiteralText(const Type::LiteralValue& literal) {
    std::string text;
    std::visit(
        [&text](const auto& value) {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
            AppendPythonStr(text, Json());
          } else {
            AppendPythonStr(text, Json(value));
          }
        },
        literal);
    return text;
  }

  std::string DemoQuestion(const Signature& signature, const Json& demo, bool complete) const {
    std::string sections;
    for (const Field& field : signature.inputs()) {
      if (const auto found = demo.find(field.name); found != demo.end())
        AppendValueSection(sections, field.name, *found);
    }
    return complete ? sections : absl::StrCat(book_->demo_incomplete.Render({}), "\n\n", sections);
  }

  std::string DemoAnswer(const Signature& signature, const Json& demo) const {
    std::string sections;
    for (const Field& field : signature.outputs()) {
      if (const auto found = demo.find(field.name); found != demo.end()) {
        AppendValueSection(sections, field.name, *found);
      } else {
        AppendSection(sections, field.name, book_->demo_missing_value.Render({}));
      }
    }
    std::string text(python_text::Strip(sections));
    AppendSection(text, kCompletedSection, "");
    return text;
  }

  void AppendReminder(std::string& out, const Signature& signature) const {
    std::vector<std::string> fields;
    fields.reserve(signature.outputs().size());
    std::string marker;
    for (const Field& field : signature.outputs()) {
      marker.clear();
      AppendMarker(marker, field.name);
      fields.push_back(field.type.kind == Type::Kind::kStr
                           ? book_->reminder_field.Render({{"marker", marker}})
                           : book_->reminder_typed_field.Render({{"marker", marker}, {"type", field.type.ToString()}}));
    }
    marker.clear();
    AppendMarker(marker, kCompletedSection);
    book_->reminder.AppendTo(out, {{"fields", fields}, {"end", marker}});
  }

  std::shared_ptr<const Phrasebook> book_;
};

}  // namespace

std::shared_ptr<const Adapter> MakeChatAdapter(std::shared_ptr<const Phrasebook> phrasebook) {
  return std::make_shared<ChatAdapter>(std::move(phrasebook));
}

}  // namespace dspex
