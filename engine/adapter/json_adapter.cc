#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/field_wording.h"
#include "engine/adapter/parse_value.h"
#include "engine/adapter/python_text.h"
#include "engine/adapter/section_adapter.h"
#include "engine/adapter/typed_value.h"
#include "engine/json/tolerant_json.h"
#include "engine/json/utf8.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

// The completion's object: read tolerantly as a whole or, if that is no object, from its first balanced braces.
absl::StatusOr<Json> ReadObject(absl::string_view text) {
  absl::StatusOr<Json> object = ParseTolerantJson(text);
  if (object.ok() && object->is_object()) return object;
  if (const absl::string_view braces = FirstBalancedBraces(text); !braces.empty()) {
    object = ParseTolerantJson(braces);
    if (object.ok() && object->is_object()) return object;
  }
  return Malformed("has no JSON object");
}

}  // namespace

absl::string_view FirstBalancedBraces(absl::string_view text) {
  std::vector<std::size_t> open;
  std::size_t first = absl::string_view::npos;
  std::size_t end = 0;
  for (std::size_t i = text.find_first_of("{}"); i != absl::string_view::npos; i = text.find_first_of("{}", i + 1)) {
    if (text[i] == '{') {
      open.push_back(i);
    } else if (!open.empty()) {
      if (open.back() < first) {
        first = open.back();
        end = i + 1;
      }
      open.pop_back();
      // All that is still to come opens behind it.
      if (open.empty()) break;
    }
  }
  return first == absl::string_view::npos ? absl::string_view() : text.substr(first, end - first);
}

JsonObjectAdapter::JsonObjectAdapter(AdapterParts parts) : SectionAdapter(std::move(parts)) {
  std::vector<std::string> fields;
  for (const Field& field : signature().outputs()) {
    const std::string type = field.type.ToString();
    const Phrase& phrase = IsPlain(field.type, Kind::kToolCalls) ? book().json_reminder_tool_calls
                           : IsPlain(field.type, Kind::kStr)     ? book().json_reminder_field
                                                                 : book().json_reminder_typed_field;
    fields.push_back(phrase.Render({{"name", field.name}, {"type", type}}));
  }
  set_reminder(book().json_reminder.Render({{"fields", fields}}));
}

absl::StatusOr<std::string> JsonObjectAdapter::System() const {
  Json::object_t pattern;
  for (const Field& field : signature().outputs()) pattern.emplace_back(field.name, Placeholder(book(), field, true));
  std::string output_pattern;
  AppendIndentedJson(output_pattern, Json(std::move(pattern)), 0);
  return book().json_system.Render({{"input_fields", FieldList(book(), signature().inputs())},
                                    {"output_fields", FieldList(book(), signature().outputs())},
                                    {"input_pattern", Pattern(signature().inputs(), false)},
                                    {"output_pattern", output_pattern},
                                    {"instructions", InstructionLines(book(), signature())}});
}

absl::StatusOr<std::string> JsonObjectAdapter::Answer(const Fields& fields, const Json& values,
                                                      const std::string* missing) const {
  Json::object_t answer;
  answer.reserve(fields.size());
  for (const ValueWriter* writer : fields) {
    const std::string& name = writer->field().name;
    const Json* value = FindMember(values, name);
    if (value == nullptr) {
      answer.emplace_back(name, missing == nullptr ? Json() : Json(*missing));
    } else {
      answer.emplace_back(name, writer->ToPlain(*value));
    }
  }
  std::string text;
  AppendIndentedJson(text, Json(std::move(answer)), 0);
  return text;
}

absl::StatusOr<Json> JsonObjectAdapter::Parse(absl::string_view text) const {
  std::string valid;
  if (ValidUtf8Prefix(text) != text.size()) text = valid = python_text::ValidUtf8(text);
  absl::StatusOr<Json> object = ReadObject(text);
  if (!object.ok()) return object.status();
  const std::vector<Field>& fields = signature().outputs();
  std::vector<std::optional<Json>> values(fields.size());
  for (auto& [name, given] : object->get_ref<Json::object_t&>()) {
    const Field* field = signature().FindOutput(name);
    if (field == nullptr) continue;
    absl::StatusOr<Json> value = ReadOutputValue(*field, std::move(given));
    if (!value.ok()) return value.status();
    values[static_cast<std::size_t>(field - fields.data())] = *std::move(value);
  }
  return Complete(std::move(values));
}

std::unique_ptr<AdapterBase> MakeJsonAdapter(AdapterParts parts) {
  return std::make_unique<JsonObjectAdapter>(std::move(parts));
}

}  // namespace dspex
