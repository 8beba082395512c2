// A response body from a hostile provider: an error, or a response whose texts are valid UTF-8.
#include "providers/openai/decode.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "providers/wire/decoder_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  const auto response = dspex::openai::DecodeChatCompletion(body);
  if (response.ok()) {
    dspex::wire::Check(!response->completions.empty());
    dspex::wire::CheckTexts(*response);
  }
  dspex::wire::CheckText(dspex::wire::ForDisplay(dspex::openai::DecodeError(body).message, "key1"));
  return 0;
}
