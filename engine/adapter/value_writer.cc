#include "engine/adapter/value_writer.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/adapter/custom_type.h"
#include "engine/adapter/typed_value.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/escape.h"
#include "engine/json/python_format.h"
#include "engine/json/python_repr.h"
#include "engine/signature/named_type.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

// The text of one item of a list under a str.
void AppendQuoted(std::string& out, absl::string_view item) {
  constexpr absl::string_view kOpen = "«";
  constexpr absl::string_view kClose = "»";
  const auto has = [item](absl::string_view part) { return item.find(part) != absl::string_view::npos; };
  if (!has("\n") && !has(kOpen) && !has(kClose)) {
    absl::StrAppend(&out, kOpen, item, kClose);
    return;
  }
  absl::StrAppend(&out, "«««\n    ", absl::StrReplaceAll(item, {{"\n", "\n    "}}), "\n»»»");
}

// Whether the item is one that Python's `in` can be asked of and that then prints; a list or dict prints as its repr.
bool IsPrintableItem(const Json& item) {
  if (item.is_string()) return true;
  if (!item.is_structured()) return false;
  // DSPy takes a container that has one of these for a text with line breaks, and fails.
  const auto unlucky = [](absl::string_view text) { return text == "\n" || text == "«" || text == "»"; };
  if (item.is_array()) {
    for (const Json& element : item) {
      if (element.is_string() && unlucky(element.get_ref<const std::string&>())) return false;
    }
    return true;
  }
  for (const auto& [key, value] : item.items()) {
    if (unlucky(key)) return false;
  }
  return true;
}

absl::Status AppendNumbered(std::string& out, const Field& field, const Json& list) {
  if (list.empty()) {
    out += "N/A";
    return absl::OkStatus();
  }
  std::size_t index = 0;
  for (const Json& item : list) {
    if (!IsPrintableItem(item)) {
      return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidValue,
                   absl::StrCat("The list for the field '", field.name, "' of type str has an item [", index,
                                "] that is no text. Give texts, or declare the field as a list."))
          .With("field", field.name)
          .With("type", "str");
    }
    if (list.size() > 1) absl::StrAppend(&out, index > 0 ? "\n" : "", "[", index + 1, "] ");
    if (item.is_string()) {
      AppendQuoted(out, item.get_ref<const std::string&>());
    } else {
      absl::StrAppend(&out, "«", PythonRepr(item), "»");
    }
    ++index;
  }
  return absl::OkStatus();
}

// Writes the JSON text of a value by its type. `in_model`: within a model, whose floats have no null for a NaN.
class JsonTextWriter {
 public:
  JsonTextWriter(const Phrasebook& book, Content& out) : book_(book), out_(out) {}

  void Write(const Type& declared, const Json& value, bool in_model) {
    const Type& type = *AlternativeOf(declared, value);
    if (type.kind == Kind::kTool && IsTool(value)) {
      AppendJsonString(out_.text(), ToolText(book_, value));
    } else if (std::optional<Json> blocks = BlocksOf(type.kind, value)) {
      out_.AddBlocks(*std::move(blocks), true);
    } else if (value.is_number_float() && in_model && type.kind == Kind::kFloat &&
               !std::isfinite(value.get<double>())) {
      const auto number = value.get<double>();
      out_.text() += std::isnan(number) ? "NaN" : number < 0 ? "-Infinity" : "Infinity";
    } else if (value.is_array() && !value.empty() && !type.arguments.empty()) {
      WriteArray(type, value, in_model);
    } else if (value.is_object() && !value.empty() && (type.kind == Kind::kDict || type.kind == Kind::kModel)) {
      WriteObject(type, value, in_model);
    } else {
      AppendPythonJson(out_.text(), value);
    }
  }

 private:
  void WriteArray(const Type& type, const Json& value, bool in_model) {
    absl::string_view separator = "[";
    std::size_t index = 0;
    for (const Json& element : value) {
      absl::StrAppend(&out_.text(), separator);
      Write(ElementType(type, index++), element, in_model);
      separator = ", ";
    }
    out_.text() += ']';
  }

  void WriteObject(const Type& type, const Json& value, bool in_model) {
    absl::string_view separator = "{";
    for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
      absl::StrAppend(&out_.text(), separator);
      AppendJsonString(out_.text(), key);
      out_.text() += ": ";
      Write(MemberType(type, key), member, in_model || type.kind == Kind::kModel);
      separator = ", ";
    }
    out_.text() += '}';
  }

  const Phrasebook& book_;
  Content& out_;
};

// The key that pydantic writes for a model's field, where it goes by aliases.
std::string AliasOf(const Type& type, const std::string& name) {
  if (type.kind != Kind::kModel || type.named == nullptr) return name;
  for (const ModelField& field : type.named->fields) {
    if (field.name == name && !field.alias.empty()) return field.alias;
  }
  return name;
}

Json Plain(const Phrasebook& book, const Type& declared, const Json& value, bool by_alias) {
  const Type& type = *AlternativeOf(declared, value);
  if (type.kind == Kind::kTool && IsTool(value)) return ToolText(book, value);
  if (std::optional<Json> blocks = BlocksOf(type.kind, value)) return MarkedText(*blocks);
  if (value.is_array() && !type.arguments.empty()) {
    Json plain = Json::array();
    std::size_t index = 0;
    for (const Json& element : value) plain.push_back(Plain(book, ElementType(type, index++), element, by_alias));
    return plain;
  }
  if (value.is_object() && (type.kind == Kind::kDict || type.kind == Kind::kModel)) {
    Json::object_t plain;
    plain.reserve(value.size());
    for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
      plain.emplace_back(by_alias ? AliasOf(type, key) : key, Plain(book, MemberType(type, key), member, by_alias));
    }
    return Json(std::move(plain));
  }
  return value;
}

}  // namespace

std::string ToolText(const Phrasebook& book, const Json& tool) {
  const auto text = [&tool](const char* name) {
    const auto found = tool.find(name);
    return found == tool.end() ? std::string() : PythonStr(*found);
  };
  const auto args = tool.find("args");
  const std::string arguments = args == tool.end() ? "{}" : PythonRepr(*args);
  const auto desc = tool.find("desc");
  const std::string description = desc == tool.end() || desc->is_null() ? "" : text("desc");
  if (description.empty()) return book.tool_no_description.Render({{"name", text("name")}, {"arguments", arguments}});
  // DSPy replaces line breaks in the description's whole clause, which has none of its own.
  return book.tool.Render({{"name", text("name")},
                           {"description", absl::StrReplaceAll(description, {{"\n", "  "}})},
                           {"arguments", arguments}});
}

ValueWriter::ValueWriter(const Phrasebook& book, const Field& field)
    : book_(&book), field_(&field), special_(PrintsSpecially(field.type)) {}

absl::Status ValueWriter::AppendTo(Content& out, const Json& value) const {
  const Type& declared = field_->type;
  if (value.is_array() && declared.kind == Kind::kStr && declared.named == nullptr) {
    return AppendNumbered(out.text(), *field_, value);
  }
  if (!special_ || !value.is_structured()) {
    AppendPythonStr(out.text(), value);
    return absl::OkStatus();
  }
  const Type& type = *AlternativeOf(declared, value);
  if (type.kind == Kind::kTool && IsTool(value)) {
    out.text() += ToolText(*book_, value);
  } else if (std::optional<Json> blocks = BlocksOf(type.kind, value)) {
    out.AddBlocks(*std::move(blocks), false);
  } else {
    JsonTextWriter(*book_, out).Write(type, value, false);
  }
  return absl::OkStatus();
}

bool ValueWriter::IsModel(const Json& value) const {
  const Type& type = *AlternativeOf(field_->type, value);
  switch (type.kind) {
    case Kind::kModel:
    case Kind::kHistory:
    case Kind::kToolCallResults:
      return value.is_object();
    case Kind::kTool:
      return IsTool(value);
    case Kind::kToolCalls:
      return IsToolCalls(value);
    case Kind::kReasoning:
    case Kind::kCode:
      return value.is_string();
    default:
      return BlocksOf(type.kind, value).has_value();
  }
}

void ValueWriter::AppendIndented(Content& out, const Json& value) const {
  const Type& type = *AlternativeOf(field_->type, value);
  if (std::optional<Json> blocks = BlocksOf(type.kind, value)) {
    out.AddBlocks(*std::move(blocks), true);
    return;
  }
  // Blocks further inside are texts to pydantic; they become blocks again where the message is split.
  AppendPydanticJson(out.text(), Plain(*book_, type, value, true), 0);
}

Json ValueWriter::ToPlain(const Json& value) const {
  return special_ ? Plain(*book_, field_->type, value, false) : value;
}

}  // namespace dspex
