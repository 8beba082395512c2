#include "engine/adapter/typed_value.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "engine/adapter/custom_type.h"
#include "engine/adapter/python_time.h"
#include "engine/json/escape.h"
#include "engine/json/python_format.h"
#include "engine/json/tolerant_json.h"
#include "engine/signature/decimal.h"
#include "engine/signature/named_type.h"
#include "engine/signature/uuid.h"

namespace dspex {

namespace {

using Kind = Type::Kind;

const Type& AnyType() {
  static const Type any = [] {
    Type type;
    type.kind = Kind::kAny;
    return type;
  }();
  return any;
}

// Whether every key is a field of the model and every required field is there.
bool FitsModel(const NamedType& model, const Json& value) {
  const auto is_field = [&model](absl::string_view key) {
    return std::any_of(model.fields.begin(), model.fields.end(),
                       [key](const ModelField& field) { return field.name == key; });
  };
  for (const auto& [key, member] : value.items()) {
    if (model.extra != NamedType::Extra::kAllow && !is_field(key)) return false;
  }
  return std::all_of(model.fields.begin(), model.fields.end(),
                     [&value](const ModelField& field) { return !field.required || value.contains(field.name); });
}

bool Fits(const Type& type, const Json& value) {
  switch (type.kind) {
    case Kind::kStr:
    case Kind::kReasoning:
    case Kind::kCode:
      return value.is_string();
    case Kind::kInt:
      return value.is_number_integer();
    case Kind::kFloat:
      return value.is_number();
    case Kind::kBool:
      return value.is_boolean();
    case Kind::kNone:
      return value.is_null();
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kSet:
    case Kind::kFrozenSet:
      return value.is_array();
    case Kind::kDict:
      return value.is_object();
    case Kind::kModel:
      return value.is_object() && type.named != nullptr && FitsModel(*type.named, value);
    case Kind::kTool:
      return IsTool(value);
    case Kind::kToolCalls:
      return IsToolCalls(value);
    case Kind::kImage:
    case Kind::kAudio:
    case Kind::kFile:
    case Kind::kDocument:
    case Kind::kCitations:
      return BlocksOf(type.kind, value).has_value();
    case Kind::kHistory:
      return value.is_object() && value.contains("messages");
    case Kind::kEnum:
      return type.named != nullptr &&
             std::any_of(type.named->members.begin(), type.named->members.end(),
                         [&value](const EnumMember& member) { return *member.value == value; });
    case Kind::kDate:
    case Kind::kTime:
    case Kind::kDatetime:
    case Kind::kTimedelta:
      return value.is_string() && PythonTimeStr(type.kind, value.get_ref<const std::string&>()).has_value();
    case Kind::kDecimal:
    case Kind::kUuid:
      return value.is_string();
    default:
      return false;
  }
}

bool IsLiteral(const Type::LiteralValue& literal, const Json& value) {
  if (std::holds_alternative<std::monostate>(literal)) return value.is_null();
  if (const auto* truth = std::get_if<bool>(&literal)) return value.is_boolean() && value.get<bool>() == *truth;
  if (const auto* number = std::get_if<std::int64_t>(&literal)) {
    return value.is_number_integer() && value.get<std::int64_t>() == *number;
  }
  return value.is_string() && value.get_ref<const std::string&>() == std::get<std::string>(literal);
}

// Whether a value is one of the type down to its leaves.
bool FitsThroughout(const Type& type, const Json& value) {
  switch (type.kind) {
    case Kind::kAny:
      return true;
    case Kind::kUnion:
      return std::any_of(type.arguments.begin(), type.arguments.end(),
                         [&value](const Type& alternative) { return FitsThroughout(alternative, value); });
    case Kind::kLiteral:
      return std::any_of(type.literals.begin(), type.literals.end(),
                         [&value](const Type::LiteralValue& literal) { return IsLiteral(literal, value); });
    case Kind::kUuid:
      return value.is_string() && ReadUuid(value.get_ref<const std::string&>()).has_value();
    case Kind::kDecimal:
      return value.is_string() && ReadDecimal(value.get_ref<const std::string&>()).has_value();
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kSet:
    case Kind::kFrozenSet: {
      const bool counted = type.kind == Kind::kTuple && !type.variadic && !type.arguments.empty();
      if (!value.is_array() || (counted && value.size() != type.arguments.size())) return false;
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (!FitsThroughout(ElementType(type, i), value[i])) return false;
      }
      return true;
    }
    case Kind::kDict:
    case Kind::kModel: {
      if (!Fits(type, value)) return false;
      const auto& members = value.get_ref<const Json::object_t&>();
      return std::all_of(members.begin(), members.end(), [&type](const auto& member) {
        return FitsThroughout(MemberType(type, member.first), member.second);
      });
    }
    default:
      return Fits(type, value);
  }
}

absl::string_view TextOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? absl::string_view(found->get_ref<const std::string&>())
                                                     : absl::string_view();
}

ToolCall ReadToolCall(const Json& call) {
  const Json* holder = &call;
  if (const auto function = call.find("function"); function != call.end() && function->is_object()) holder = &*function;
  ToolCall result;
  result.id = std::string(TextOf(call, "id").empty() ? TextOf(call, "call_id") : TextOf(call, "id"));
  result.name = std::string(TextOf(*holder, "name").empty() ? TextOf(call, "name") : TextOf(*holder, "name"));
  auto arguments = holder == &call ? holder->find("args") : holder->end();
  if (arguments == holder->end()) arguments = holder->find("arguments");
  result.arguments = Json::object();
  if (arguments == holder->end()) return result;
  if (arguments->is_object()) result.arguments = *arguments;
  if (arguments->is_string()) {
    absl::StatusOr<Json> parsed = ParseTolerantJson(arguments->get_ref<const std::string&>());
    if (parsed.ok()) result.arguments = *std::move(parsed);
  }
  return result;
}

// A float as pydantic prints it: the shortest digits, an exponent ("1e-7", "1e+22") below 1e-5 and from 1e16 on.
void AppendPydanticFloat(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  const double size = std::fabs(value);
  char buffer[48];
  if (size != 0 && (size < 1e-5 || size >= 1e16)) {
    const auto result = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
    absl::string_view text(buffer, static_cast<std::size_t>(result.ptr - buffer));
    const std::size_t e = text.find('e');
    absl::StrAppend(&out, text.substr(0, e), "e");
    text.remove_prefix(e + 1);
    out.push_back(text.front());
    text.remove_prefix(1);
    while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
    absl::StrAppend(&out, text);
    return;
  }
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  const absl::string_view text(buffer, static_cast<std::size_t>(result.ptr - buffer));
  absl::StrAppend(&out, text, text.find('.') == absl::string_view::npos ? ".0" : "");
}

// Both indented forms, which differ in floats.
void AppendIndentedAs(std::string& out, const Json& value, int depth, bool pydantic) {
  if (!value.is_structured() || value.empty()) {
    if (pydantic && value.is_number_float()) {
      AppendPydanticFloat(out, value.get<double>());
    } else {
      AppendPythonJson(out, value);
    }
    return;
  }
  const std::string indent(static_cast<std::size_t>(2 * depth + 2), ' ');
  absl::string_view separator = value.is_object() ? "{\n" : "[\n";
  const auto begin = [&] {
    absl::StrAppend(&out, separator, indent);
    separator = ",\n";
  };
  if (value.is_object()) {
    for (const auto& [key, member] : value.get_ref<const Json::object_t&>()) {
      begin();
      AppendJsonString(out, key);
      out += ": ";
      AppendIndentedAs(out, member, depth + 1, pydantic);
    }
  } else {
    for (const Json& element : value) {
      begin();
      AppendIndentedAs(out, element, depth + 1, pydantic);
    }
  }
  absl::StrAppend(&out, "\n", indent.substr(2), value.is_object() ? "}" : "]");
}

}  // namespace

const Type* AlternativeOf(const Type& type, const Json& value) {
  if (type.kind != Kind::kUnion) return &type;
  // One alternative may take a value as far as its kind goes where another takes all of it.
  for (const auto fits : {&FitsThroughout, &Fits}) {
    const auto found = std::find_if(type.arguments.begin(), type.arguments.end(),
                                    [&](const Type& alternative) { return fits(alternative, value); });
    if (found != type.arguments.end()) return &*found;
  }
  return &type;
}

const Type& ElementType(const Type& type, std::size_t index) {
  switch (type.kind) {
    case Kind::kList:
    case Kind::kSet:
    case Kind::kFrozenSet:
      return type.arguments.empty() ? AnyType() : type.arguments.front();
    case Kind::kTuple:
      if (type.variadic && !type.arguments.empty()) return type.arguments.front();
      return index < type.arguments.size() ? type.arguments[index] : AnyType();
    default:
      return AnyType();
  }
}

const Type& MemberType(const Type& type, absl::string_view name) {
  if (type.kind == Kind::kDict) return type.arguments.size() < 2 ? AnyType() : type.arguments[1];
  if (type.kind != Kind::kModel || type.named == nullptr) return AnyType();
  const auto& fields = type.named->fields;
  const auto found =
      std::find_if(fields.begin(), fields.end(), [name](const ModelField& field) { return field.name == name; });
  return found == fields.end() ? AnyType() : found->type;
}

bool IsTool(const Json& value) {
  const auto found = value.is_object() ? value.find("name") : value.end();
  return found != value.end() && found->is_string();
}

bool IsToolCalls(const Json& value) {
  const auto found = value.is_object() ? value.find("tool_calls") : value.end();
  return found != value.end() && found->is_array() &&
         std::all_of(found->begin(), found->end(), [](const Json& call) { return call.is_object(); });
}

std::vector<ToolCall> ToolCallsOf(const Json& value) {
  std::vector<ToolCall> calls;
  if (!IsToolCalls(value)) return calls;
  for (const Json& call : value.at("tool_calls")) calls.push_back(ReadToolCall(call));
  return calls;
}

Json PlainToolCalls(const Json& value) {
  Json calls = Json::array();
  for (ToolCall& call : ToolCallsOf(value)) {
    calls.push_back({{"name", std::move(call.name)}, {"args", std::move(call.arguments)}});
  }
  Json plain = {{"tool_calls", std::move(calls)}};
  const auto results = value.find("tool_call_results");
  if (results != value.end() && !results->is_null()) plain["tool_call_results"] = *results;
  return plain;
}

void AppendPydanticJson(std::string& out, const Json& value, int depth) { AppendIndentedAs(out, value, depth, true); }

void AppendIndentedJson(std::string& out, const Json& value, int depth) { AppendIndentedAs(out, value, depth, false); }

}  // namespace dspex
