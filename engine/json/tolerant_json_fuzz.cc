// ParseTolerantJson reads JSON as ParseJson does, reads anything else without coming to harm, and what it has read is
// JSON that it reads again as the same.

#include "engine/json/tolerant_json.h"

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "engine/json/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = dspex::ParseTolerantJson(text);
  constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.substr(0, kByteOrderMark.size()) != kByteOrderMark) {
    const auto json = dspex::ParseJson(text);
    if (json.ok() && (!value.ok() || value->dump() != json->dump())) std::abort();
  }
  if (!value.ok()) return 0;
  const std::string written = value->dump();  // Aborts if a string is not UTF-8; NaN and infinities become null.
  const auto again = dspex::ParseTolerantJson(written);
  if (!again.ok() || again->dump() != written) std::abort();
  return 0;
}
