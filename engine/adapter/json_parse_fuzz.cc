#include <cstddef>
#include <cstdint>

#include "engine/adapter/parse_fuzz.h"

// Whatever a model says, the JSON adapter's Parse ends, and gives every output, in order and in valid UTF-8, or an
// error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto target = dspex::ParseFuzzTarget(dspex::AdapterKind::kJson);
  return target.Run(data, size);
}
