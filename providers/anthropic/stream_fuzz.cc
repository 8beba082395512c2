// An event stream from a hostile provider: an error, or a completion of valid UTF-8 that equals its deltas joined.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "providers/anthropic/stream_decoder.h"
#include "providers/wire/sse.h"

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

// All events up to the first that is refused.
std::vector<dspex::lm::Delta> Feed(const std::string& body, dspex::wire::StreamDecoder& decoder) {
  dspex::wire::SseParser parser;
  std::vector<dspex::wire::SseEvent> events;
  std::vector<dspex::lm::Delta> deltas;
  if (!parser.Put(body, events).ok()) return deltas;
  parser.End(events);
  for (const dspex::wire::SseEvent& event : events) {
    if (decoder.complete() || !decoder.Put(event, deltas).ok()) break;
  }
  return deltas;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const dspex::wire::ErrorSource source{"anthropic", "claude", "key1"};
  const auto decoder = dspex::anthropic::NewStreamDecoder(source, {});
  const auto deltas = Feed(std::string(reinterpret_cast<const char*>(data), size), *decoder);
  const dspex::lm::Response response = decoder->Take();
  const dspex::lm::Completion& completion = response.completions.front();
  std::string text;
  std::string reasoning;
  std::vector<std::string> arguments(completion.tool_calls.size());
  for (const dspex::lm::Delta& delta : deltas) {
    if (const auto* piece = std::get_if<dspex::lm::TextDelta>(&delta)) text += piece->text;
    if (const auto* piece = std::get_if<dspex::lm::ReasoningDelta>(&delta)) reasoning += piece->text;
    if (const auto* piece = std::get_if<dspex::lm::ToolCallDelta>(&delta)) {
      arguments.at(static_cast<std::size_t>(piece->index)) += piece->arguments;
    }
  }
  Check(text == completion.text && simdjson::validate_utf8(text));
  Check(reasoning == completion.reasoning.value_or("") && simdjson::validate_utf8(reasoning));
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    Check(arguments[i] == completion.tool_calls[i].arguments && simdjson::validate_utf8(arguments[i]));
  }
  for (const auto& part : completion.reasoning_parts) Check(simdjson::validate_utf8(part.json));
  return 0;
}
