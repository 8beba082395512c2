// For the comparison of values with pydantic's and DSPy's: a line of JSON says what to convert, a line comes back.
//
//   {"op": "coerce", "type": "list[Person]", "types": [{"name": "Person", "schema": {...}}], "value": [...]}
//   {"op": "parse_value", "type": "...", "types": [...], "value": ...}
//   {"op": "parse_text", "type": "...", "types": [...], "text": "..."}
//
// The answer is {"value": ...} or {"error": {"path", "type"}}; {"invalid": message} where the line itself is wrong.
// {"$float": "nan"} stands for what is no number in JSON.

#include <cmath>
#include <iostream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/json/json.h"
#include "engine/json/python_format.h"
#include "engine/signature/coerce.h"
#include "engine/signature/named_type.h"
#include "engine/signature/type.h"

namespace dspex {
namespace {

constexpr char kFloat[] = "$float";

void Decode(Json& value) {
  if (value.is_object() && value.size() == 1 && value.contains(kFloat)) {
    const std::string name = value[kFloat].get<std::string>();
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    value = name == "nan" ? std::numeric_limits<double>::quiet_NaN() : name == "inf" ? kInfinity : -kInfinity;
  } else if (value.is_structured()) {
    for (auto& item : value) Decode(item);
  }
}

void Encode(Json& value) {
  if (value.is_number_float() && !std::isfinite(value.get<double>())) {
    value = Json{{kFloat, PythonStr(value)}};
  } else if (value.is_structured()) {
    for (auto& item : value) Encode(item);
  }
}

absl::StatusOr<Type> ReadType(const Json& line) {
  std::vector<TypeTable::Declaration> declarations;
  if (const auto types = line.find("types"); types != line.end()) {
    for (const Json& type : *types) {
      declarations.emplace_back(type.at("name").get<std::string>(), type.at("schema"));
    }
  }
  const auto table = TypeTable::Create(std::move(declarations));
  if (!table.ok()) return table.status();
  return ParseType(line.at("type").get<std::string>(), *table);
}

absl::StatusOr<Json> Convert(const Type& type, Json line) {
  const std::string op = line.at("op").get<std::string>();
  if (op == "parse_text") return ParseFieldText(type, line.at("text").get<std::string>());
  Json value = std::move(line.at("value"));
  Decode(value);
  return op == "parse_value" ? ParseFieldValue(type, std::move(value)) : Coerce(type, std::move(value));
}

Json Answer(const std::string& text) {
  absl::StatusOr<Json> line = ParseJson(text);
  if (!line.ok()) return Json{{"invalid", std::string(line.status().message())}};
  const absl::StatusOr<Type> type = ReadType(*line);
  if (!type.ok()) return Json{{"invalid", std::string(type.status().message())}};
  absl::StatusOr<Json> value = Convert(*type, *std::move(line));
  if (!value.ok()) {
    return Json{{"error",
                 {{"reason", ErrorReason(value.status())},
                  {"path", ErrorMetadata(value.status(), "path")},
                  {"type", ErrorMetadata(value.status(), "type")}}}};
  }
  Encode(*value);
  return Json{{"value", *std::move(value)}};
}

}  // namespace
}  // namespace dspex

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::cout << dspex::Answer(line).dump(-1, ' ', false, dspex::Json::error_handler_t::replace) << '\n' << std::flush;
  }
}
