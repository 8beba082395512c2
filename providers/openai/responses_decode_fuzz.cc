// A response body from a hostile provider: an error or a response whose texts are valid UTF-8.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "providers/openai/responses_decode.h"

namespace {
void CheckText(const std::string& text) {
  if (!simdjson::validate_utf8(text)) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  const auto response = dspex::openai::DecodeResponse(body);
  if (response.ok()) {
    if (response->completions.size() != 1) std::abort();
    const dspex::lm::Completion& completion = response->completions.front();
    CheckText(response->model);
    CheckText(completion.text);
    CheckText(completion.reasoning.value_or(""));
    for (const auto& call : completion.tool_calls) {
      CheckText(call.id);
      CheckText(call.name);
      CheckText(call.arguments);
    }
    for (const auto& part : completion.reasoning_parts) CheckText(part.json);
  }
  return 0;
}
