// Reads JSON lines and prints, for each, what the engine understood: the other half is a reader of its own in Python
// (test_roundtrip.py). A kind of line is named by the key it has; a new kind is one function and one row in kKinds.

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/adapter/adapter.h"
#include "engine/base/error.h"
#include "engine/json/json.h"
#include "engine/json/python_format.h"
#include "engine/signature/coerce.h"
#include "engine/signature/signature.h"
#include "engine/signature/type.h"

namespace dspex {
namespace {

Json Fields(const std::vector<Field>& fields) {
  Json result = Json::array();
  for (const Field& field : fields) {
    result.push_back({{"name", field.name}, {"type", field.type.ToNotation()}, {"shown", field.type.ToString()}});
  }
  return result;
}

// {"signature": text} -> its fields.
absl::StatusOr<Json> ReadSignature(const Json& line) {
  const absl::StatusOr<Signature> signature =
      Signature::FromString(line.at("signature").get<std::string>(), line.value("instructions", ""));
  if (!signature.ok()) return signature.status();
  return Json{{"inputs", Fields(signature->inputs())},
              {"outputs", Fields(signature->outputs())},
              {"text", signature->ToString()},
              {"instructions", signature->instructions()}};
}

// {"text": text, "type": type} -> the value of an output field.
absl::StatusOr<Json> ReadText(const Json& line) {
  absl::StatusOr<Type> type = ParseType(line.at("type").get<std::string>());
  if (!type.ok()) return type.status();
  return ParseFieldText(Field{"field", *std::move(type), ""}, line.at("text").get<std::string>());
}

// {"value": value, "type": type} -> the coerced value.
absl::StatusOr<Json> CoerceValue(const Json& line) {
  const absl::StatusOr<Type> type = ParseType(line.at("type").get<std::string>());
  if (!type.ok()) return type.status();
  return Coerce(*type, line.at("value"));
}

// {"format": value} -> what Python's json.dumps and str make of it.
absl::StatusOr<Json> Format(const Json& line) {
  const Json& value = line.at("format");
  return Json{{"dumps", PythonJsonDumps(value)}, {"str", PythonStr(value)}};
}

// {"completion": text, "signature": text} -> the output fields.
absl::StatusOr<Json> ReadCompletion(const Json& line) {
  const absl::StatusOr<Signature> signature = Signature::FromString(line.at("signature").get<std::string>());
  if (!signature.ok()) return signature.status();
  const auto adapter = BindAdapter({}, Phrasebook::BuiltIn(), *signature, {});
  if (!adapter.ok()) return adapter.status();
  return (*adapter)->Parse(line.at("completion").get<std::string>());
}

struct Kind {
  absl::string_view key;
  absl::StatusOr<Json> (*read)(const Json& line);
};

constexpr Kind kKinds[] = {
    {"completion", ReadCompletion}, {"signature", ReadSignature}, {"text", ReadText},
    {"value", CoerceValue},         {"format", Format},
};

Json Answer(const absl::StatusOr<Json>& result) {
  if (result.ok()) {
    // Not a number in JSON, but Python's reader takes it.
    if (result->is_number_float()) return Json{{"ok", nullptr}, {"float", PythonStr(*result)}};
    return Json{{"ok", *result}};
  }
  Json error{{"message", result.status().message()}, {"reason", ErrorReason(result.status())}};
  for (const char* key : {"position", "token", "path", "type", "field", "problem"}) {
    const std::string value = ErrorMetadata(result.status(), key);
    if (!value.empty()) error[key] = value;
  }
  return Json{{"error", error}};
}

absl::StatusOr<Json> AnswerLine(const std::string& text) {
  const absl::StatusOr<Json> line = ParseJson(text);
  if (!line.ok()) return line.status();
  for (const Kind& kind : kKinds) {
    if (line->contains(std::string(kind.key))) return kind.read(*line);
  }
  return absl::InvalidArgumentError("a line of an unknown kind");
}

}  // namespace
}  // namespace dspex

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) std::cout << dspex::Answer(dspex::AnswerLine(line)) << '\n';
}
