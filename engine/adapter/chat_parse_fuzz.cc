#include <absl/strings/string_view.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/adapter/adapter.h"
#include "engine/json/utf8.h"

namespace {

bool IsValid(const dspex::Json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return dspex::ValidUtf8Prefix(text) == text.size();
  }
  for (const dspex::Json& element : value) {
    if (value.is_structured() && !IsValid(element)) return false;
  }
  return true;
}

}  // namespace

// Whatever a model says, Parse ends, and gives every output, in order and in valid UTF-8, or an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto adapter = dspex::MakeChatAdapter();
  static const auto signature =
      dspex::Signature::FromString(
          "q -> a, b: Optional[int], c: list[str], d: Literal['x', 1, None], e: dict[str, float], f: bool | str")
          .value();
  const auto fields = adapter->Parse(signature, absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!fields.ok()) {
    if (fields.status().code() != absl::StatusCode::kDataLoss) std::abort();
    return 0;
  }
  if (fields->size() != signature.outputs().size()) std::abort();
  std::size_t i = 0;
  for (const auto& [name, value] : fields->items()) {
    if (name != signature.outputs()[i++].name || !IsValid(value)) std::abort();
  }
  return 0;
}
