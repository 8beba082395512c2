// An event stream from a hostile provider, cut where the first byte says: whatever it gives is valid UTF-8, and the
// deltas joined are the completion.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "providers/openai/stream_decoder.h"

namespace {
void Check(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = data[0] % 64 + 1;
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const dspex::wire::ErrorSource source{"openai", "gpt", "key1"};
  const dspex::http::Headers headers;
  const auto decoder = dspex::openai::NewStreamDecoder(source, headers);
  dspex::wire::SseParser parser;
  std::vector<dspex::wire::SseEvent> events;
  for (std::size_t at = 0; at < text.size(); at += step) {
    if (!parser.Put(text.substr(at, step), events).ok()) return 0;
  }
  parser.End(events);
  std::string joined;
  std::vector<dspex::lm::Delta> deltas;
  for (const auto& event : events) {
    if (decoder->complete() || !decoder->Put(event, deltas).ok()) break;
  }
  for (const auto& delta : deltas) {
    if (const auto* part = std::get_if<dspex::lm::TextDelta>(&delta)) joined += part->text;
  }
  const dspex::lm::Response response = decoder->Take();
  Check(response.completions.size() == 1 && simdjson::validate_utf8(joined) && simdjson::validate_utf8(response.model));
  // The event that was refused may have given text before it was.
  Check(response.completions[0].text == joined);
  return 0;
}
