// ParseJson agrees with the library on what is JSON, and what it reads is written and read again as the same.

#include "engine/json/json.h"

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/json/escape.h"
#include "engine/json/python_format.h"
#include "engine/json/python_literal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = dspex::ParseJson(text);
  if (size <= 100 && text.find('\0') == absl::string_view::npos) {  // Too short to pass a limit.
    const auto expected = dspex::Json::parse(text.begin(), text.end(), nullptr, false);
    if (expected.is_discarded() == json.ok()) std::abort();
    if (json.ok() && json->dump() != expected.dump()) std::abort();
  }
  if (json.ok()) {
    const auto again = dspex::ParseJson(json->dump());
    if (!again.ok() || *again != *json) std::abort();
    const auto python = dspex::ParseJson(dspex::PythonJsonDumps(*json));
    if (!python.ok() || *python != *json) std::abort();
  }
  const auto literal = dspex::ParsePythonLiteral(text);
  if (literal.has_value()) literal->dump();
  std::string escaped;
  dspex::AppendJsonString(escaped, text);
  if (!dspex::ParseJson(escaped).ok()) std::abort();
  return 0;
}
