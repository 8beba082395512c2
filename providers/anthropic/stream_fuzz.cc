// An event stream from a hostile provider.
#include "providers/anthropic/stream_decoder.h"

#include <cstddef>
#include <cstdint>

#include "providers/wire/decoder_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const dspex::wire::ErrorSource source{"anthropic", "claude", "key1"};
  const auto decoder = dspex::anthropic::NewStreamDecoder(source, {});
  dspex::wire::CheckStream(*decoder, data, size);
  return 0;
}
