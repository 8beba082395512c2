// A response body from a hostile provider: an error or a response whose texts are valid UTF-8.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "providers/openai/decode.h"
#include "providers/wire/errors.h"

namespace {
void CheckText(const std::string& text) {
  if (!simdjson::validate_utf8(text)) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  const auto response = dspex::openai::DecodeChatCompletion(body);
  if (response.ok()) {
    if (response->completions.empty()) std::abort();
    CheckText(response->model);
    for (const auto& completion : response->completions) {
      CheckText(completion.text);
      for (const auto& call : completion.tool_calls) {
        CheckText(call.id);
        CheckText(call.name);
        CheckText(call.arguments);
      }
    }
  }
  CheckText(dspex::wire::ForDisplay(dspex::openai::DecodeError(body).message, "key1"));
  return 0;
}
