// Text for a type, "type\ntext": a value that is coerced to itself, or an error.

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "engine/signature/coerce.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  if (line == absl::string_view::npos) return 0;
  auto type = dspex::ParseType(input.substr(0, line));
  if (!type.ok()) return 0;
  const dspex::Field field{"field", *std::move(type), ""};
  const auto value = dspex::ParseFieldText(field, input.substr(line + 1));
  if (!value.ok()) return 0;
  const auto again = dspex::Coerce(field.type, *value);
  if (!again.ok()) std::abort();
  const auto replace = dspex::Json::error_handler_t::replace;
  if (again->dump(-1, ' ', false, replace) != value->dump(-1, ' ', false, replace)) std::abort();
  return 0;
}
