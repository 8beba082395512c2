// Any JSON is a declaration or an error with a path; a type that was read has a schema, and its fields can be walked.

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/json/json.h"
#include "engine/signature/json_schema.h"
#include "engine/signature/named_type.h"

namespace {

// Types end: names of other types are not followed.
std::size_t Parts(const dspex::Type& type) {
  std::size_t parts = 1;
  for (const dspex::Type& argument : type.arguments) parts += Parts(argument);
  return parts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = dspex::ParseJson({reinterpret_cast<const char*>(data), size}, {.max_depth = 300});
  if (!json.ok()) return 0;
  const auto table = dspex::TypeTable::Create({{"T", *json}});
  if (!table.ok()) {
    if (dspex::ErrorMetadata(table.status(), "path").empty()) std::abort();
    return 0;
  }
  for (const auto& named : (*table)->types()) {
    for (const dspex::ModelField& field : named->fields) {
      if (Parts(field.type) == 0) std::abort();
    }
  }
  const auto type = dspex::ParseType("dict[str, T] | T | None", *table);
  if (!type.ok()) std::abort();
  const dspex::Json schema = dspex::TypeFirst(dspex::JsonSchema(*type));
  if (!schema.is_object()) std::abort();
  const auto signature = dspex::Signature::FromString("-> a: list[T], b: T", "", *table);
  if (!signature.ok()) std::abort();
  dspex::OutputSchema(*signature, true);
  return 0;
}
