#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "engine/adapter/adapter.h"
#include "engine/json/python_format.h"
#include "engine/signature/json_schema.h"

namespace dspex {

namespace {

using Format = lm::ResponseFormat;

}  // namespace

lm::ResponseFormat FormatFor(const AdapterOptions& options, const Phrasebook& phrasebook, const Signature& signature,
                             const lm::Capabilities& capabilities) {
  if (options.kind != AdapterKind::kJson && options.kind != AdapterKind::kBaml) return {};
  if (!capabilities.response_format) return {};
  const Format any_object{Format::Kind::kJsonObject, {}, nullptr};
  if (!capabilities.json_schema) return any_object;
  const std::optional<Json> schema =
      OutputSchema(signature, options.native_function_calling,
                   [&phrasebook](const Type& builtin) { return phrasebook.FindBuiltinSchema(builtin); });
  if (!schema.has_value()) return any_object;
  return {Format::Kind::kJsonSchema, std::string(kOutputSchemaName),
          std::make_shared<const std::string>(PythonJsonDumps(*schema))};
}

}  // namespace dspex
