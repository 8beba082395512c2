// Any text is a signature or an error with a position; a signature's own text reads as an equal one, and its outputs
// have schemas.

#include "engine/signature/signature.h"

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "engine/signature/json_schema.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto signature = dspex::Signature::FromString(text, text);
  if (!signature.ok()) {
    if (dspex::ErrorMetadata(signature.status(), "position").empty()) std::abort();
    if (dspex::ErrorMetadata(signature.status(), "token").empty()) std::abort();
    return 0;
  }
  const auto again = dspex::Signature::FromString(signature->ToString());
  if (!again.ok() || again->ToString() != signature->ToString()) std::abort();
  for (std::size_t i = 0; i < signature->outputs().size(); ++i) {
    if (!(again->outputs()[i].type == signature->outputs()[i].type)) std::abort();
    dspex::JsonSchema(signature->outputs()[i].type);
  }
  dspex::OutputSchema(*signature, true);
  return 0;
}
