#pragma once

#include <absl/strings/string_view.h>
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "engine/lm/language_model.h"
#include "providers/wire/exchange.h"
#include "providers/wire/sse.h"

/// What the fuzz targets of all dialects check.
namespace dspex::wire {

inline void Check(bool holds) {
  if (!holds) std::abort();
}

inline void CheckText(const std::string& text) { Check(simdjson::validate_utf8(text)); }

/// All that a response says is valid UTF-8.
inline void CheckTexts(const lm::Response& response) {
  CheckText(response.model);
  for (const lm::Completion& completion : response.completions) {
    CheckText(completion.text);
    CheckText(completion.reasoning.value_or(""));
    for (const lm::ToolCallPart& call : completion.tool_calls) {
      CheckText(call.id);
      CheckText(call.name);
      CheckText(call.arguments);
    }
    for (const lm::ReasoningPart& part : completion.reasoning_parts) CheckText(part.json);
  }
}

/// Puts a stream into a decoder, cut into pieces of a length that the first byte says, up to the first event that is
/// refused: what it gives then is one completion of valid UTF-8 that equals its deltas joined.
inline void CheckStream(StreamDecoder& decoder, const std::uint8_t* data, std::size_t size) {
  if (size == 0) return;
  const std::size_t step = data[0] % 64 + 1;
  const absl::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  SseParser parser;
  std::vector<SseEvent> events;
  for (std::size_t at = 0; at < body.size(); at += step) {
    if (!parser.Put(body.substr(at, step), events).ok()) return;
  }
  parser.End(events);
  std::vector<lm::Delta> deltas;
  for (const SseEvent& event : events) {
    if (decoder.complete() || !decoder.Put(event, deltas).ok()) break;
  }
  const lm::Response response = decoder.Take();
  CheckTexts(response);
  Check(response.completions.size() == 1);
  const lm::Completion& completion = response.completions.front();
  std::string text;
  std::string reasoning;
  std::vector<std::string> arguments(completion.tool_calls.size());
  for (const lm::Delta& delta : deltas) {
    if (const auto* piece = std::get_if<lm::TextDelta>(&delta)) text += piece->text;
    if (const auto* piece = std::get_if<lm::ReasoningDelta>(&delta)) reasoning += piece->text;
    if (const auto* piece = std::get_if<lm::ToolCallDelta>(&delta)) {
      arguments.at(static_cast<std::size_t>(piece->index)) += piece->arguments;
    }
  }
  Check(text == completion.text);
  Check(reasoning == completion.reasoning.value_or(""));
  for (std::size_t i = 0; i < arguments.size(); ++i) Check(arguments[i] == completion.tool_calls[i].arguments);
}

}  // namespace dspex::wire
