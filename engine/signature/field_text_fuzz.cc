// Text for a type, "type\ntext": what comes out, if anything does, is a value that can be written and read once more.

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/signature/coerce.h"
#include "engine/signature/named_type.h"

namespace {

const std::shared_ptr<const dspex::TypeTable>& Types() {
  static const auto& types =
      *new std::shared_ptr<const dspex::TypeTable>(*dspex::TypeTable::Create({{"Node", dspex::Json::parse(R"({
          "type": "object", "required": ["value"], "properties": {
            "value": {"type": "integer", "minimum": 0},
            "name": {"type": "string", "pattern": "^\\w+$", "default": "a"},
            "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"$ref": "#/$defs/Kind"}, {"type": "null"}], "default": null}},
          "$defs": {"Kind": {"enum": [1, "a", null, 2.5]}}})")}}));
  return types;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  if (line == absl::string_view::npos) return 0;
  const auto type = dspex::ParseType(input.substr(0, line), Types());
  if (!type.ok()) return 0;
  auto value = dspex::ParseFieldText(*type, input.substr(line + 1));
  if (!value.ok()) return 0;
  value->dump(-1, ' ', false, dspex::Json::error_handler_t::replace);
  dspex::CoerceGiven(*type, *value).IgnoreError();
  dspex::ParseFieldValue(*type, *std::move(value)).IgnoreError();
  return 0;
}
