#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "engine/adapter/adapter.h"

// A phrasebook that is taken can be spoken; any other is an INVALID_ARGUMENT.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto book = dspex::Phrasebook::FromJson(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!book.ok()) {
    if (book.status().code() != absl::StatusCode::kInvalidArgument) std::abort();
    return 0;
  }
  static const auto signature =
      dspex::Signature::FromString("q: list[int] -> a, c: dspy.Code, t: dspy.ToolCalls").value();
  if (!dspex::BindAdapter({}, *book, signature, {}).ok()) std::abort();
  return 0;
}
