// Scripts of any kind end, within their limits, and say something that is UTF-8.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/json/utf8.h"
#include "engine/script/script_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const dspex::Json example{{"text", "some text, a b c"}, {"list", {1, nullptr, "x"}}, {"n", 2.5}};
  const dspex::ScriptLimits limits{.steps = 20'000, .memory = std::size_t{2} << 20, .block = std::size_t{256} << 10};
  const auto results =
      dspex::RunScript(std::string(reinterpret_cast<const char*>(data), size), {{"example", &example}}, limits);
  if (results.ok()) {
    for (const dspex::Json& result : *results) (void)result.dump();
    return 0;
  }
  const absl::string_view message = results.status().message();
  if (dspex::ValidUtf8Prefix(message) != message.size()) std::abort();
  if (results.status().code() != absl::StatusCode::kInvalidArgument) std::abort();
  return 0;
}
