// For the comparison of types with DSPy's: a line of JSON says what to read, a line comes back.
//
//   {"op": "type", "annotation": "list[Person]", "types": [{"name": "Person", "schema": {...}}], "builtin": {...}}
//   {"op": "signature", "signature": "a -> b: int", "instructions": "", "types": [...]}
//   {"op": "output_schema", "signature": "...", "defaults": {"b": 3}, "native_tool_calls": true, "types": [...]}
//
// "builtin" has the schemas of DSPy's own types by name. An answer has "error" where the text was refused.

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/json/json.h"
#include "engine/json/python_format.h"
#include "engine/signature/json_schema.h"
#include "engine/signature/named_type.h"
#include "engine/signature/signature.h"

namespace dspex {
namespace {

Json Refused(const absl::Status& status) { return Json{{"error", std::string(status.message())}}; }

absl::StatusOr<std::shared_ptr<const TypeTable>> Types(const Json& line) {
  std::vector<TypeTable::Declaration> declarations;
  if (const auto types = line.find("types"); types != line.end()) {
    for (const Json& type : *types) {
      declarations.emplace_back(type.at("name").get<std::string>(), type.at("schema"));
    }
  }
  return TypeTable::Create(std::move(declarations));
}

BuiltinSchemas Builtin(const Json& line) {
  const auto found = line.find("builtin");
  const Json* schemas = found == line.end() ? nullptr : &*found;
  return [schemas](const Type& type) -> const Json* {
    if (schemas == nullptr) return nullptr;
    const auto schema = schemas->find(type.kind == Type::Kind::kReasoning ? "Reasoning" : type.ToString());
    return schema == schemas->end() ? nullptr : &*schema;
  };
}

Json DescribeType(const Json& line, const std::shared_ptr<const TypeTable>& types) {
  const absl::StatusOr<Type> type = ParseType(line.at("annotation").get<std::string>(), types);
  if (!type.ok()) return Refused(type.status());
  const absl::StatusOr<Type> again = ParseType(type->ToNotation(), types);
  return Json{{"name", type->ToString()},
              {"schema", PythonJsonDumps(TypeFirst(JsonSchema(*type, Builtin(line))))},
              {"allows_none", type->AllowsNone()},
              {"round_trips", again.ok() && *again == *type}};
}

Json DescribeFields(const std::vector<Field>& fields) {
  Json described = Json::array();
  for (const Field& field : fields) {
    described.push_back({{"name", field.name},
                         {"type", field.type.ToString()},
                         {"prefix", field.prefix},
                         {"description", field.description},
                         {"untyped", field.untyped}});
  }
  return described;
}

Json DescribeSignature(const Json& line, const std::shared_ptr<const TypeTable>& types) {
  const absl::StatusOr<Signature> signature =
      Signature::FromString(line.at("signature").get<std::string>(), line.value("instructions", ""), types);
  if (!signature.ok()) return Refused(signature.status());
  const absl::StatusOr<Signature> again =
      Signature::FromString(signature->ToString(), signature->instructions(), types);
  const bool same = again.ok() && again->ToString() == signature->ToString();
  return Json{{"instructions", signature->instructions()},
              {"inputs", DescribeFields(signature->inputs())},
              {"outputs", DescribeFields(signature->outputs())},
              {"round_trips", same}};
}

Json DescribeOutputs(const Json& line, const std::shared_ptr<const TypeTable>& types) {
  absl::StatusOr<Signature> signature = Signature::FromString(line.at("signature").get<std::string>(), "", types);
  if (!signature.ok()) return Refused(signature.status());
  if (const auto defaults = line.find("defaults"); defaults != line.end()) {
    for (const auto& [name, value] : defaults->items()) {
      const Field* old = signature->FindOutput(name);
      if (old == nullptr) continue;
      Field field = *old;
      field.default_value = std::make_shared<const Json>(value);
      signature = signature->Replace(std::move(field));
    }
  }
  const std::optional<Json> schema = OutputSchema(*signature, line.value("native_tool_calls", true), Builtin(line));
  return Json{{"schema", schema.has_value() ? Json(PythonJsonDumps(*schema)) : Json(nullptr)}};
}

Json Answer(const std::string& text) {
  const absl::StatusOr<Json> line = ParseJson(text);
  if (!line.ok()) return Refused(line.status());
  const absl::StatusOr<std::shared_ptr<const TypeTable>> types = Types(*line);
  if (!types.ok()) return Refused(types.status());
  const std::string op = line->at("op").get<std::string>();
  if (op == "type") return DescribeType(*line, *types);
  if (op == "signature") return DescribeSignature(*line, *types);
  if (op == "output_schema") return DescribeOutputs(*line, *types);
  return Json{{"error", "unknown op"}};
}

}  // namespace
}  // namespace dspex

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << dspex::Answer(line).dump() << std::endl;
  }
  return 0;
}
