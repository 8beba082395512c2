#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "providers/wire/exchange.h"

namespace dspex::wire {

/// For tests of decoders: a stream's events put into one, and what its deltas give when they are joined.
struct TestStream {
  explicit TestStream(decltype(Dialect::new_stream_decoder) make, ErrorSource from = {"openai", "gpt", "secret-key"})
      : source(from), decoder(make(source, headers)) {}

  absl::Status Put(std::string data) {
    std::vector<lm::Delta> deltas;
    absl::Status status = decoder->Put({"", std::move(data)}, deltas);
    for (const lm::Delta& delta : deltas) Join(delta);
    return status;
  }

  void PutAll(const std::vector<std::string>& events) {
    for (const std::string& event : events) {
      const absl::Status status = Put(event);
      EXPECT_TRUE(status.ok()) << event << status;
    }
  }

  void Join(const lm::Delta& delta) {
    if (const auto* piece = std::get_if<lm::TextDelta>(&delta)) text += piece->text;
    if (const auto* piece = std::get_if<lm::ReasoningDelta>(&delta)) reasoning += piece->text;
    const auto* piece = std::get_if<lm::ToolCallDelta>(&delta);
    if (piece == nullptr) return;
    calls.resize(std::max(calls.size(), static_cast<std::size_t>(piece->index) + 1));
    lm::ToolCallPart& call = calls[static_cast<std::size_t>(piece->index)];
    call.id += piece->id;
    call.name += piece->name;
    call.arguments += piece->arguments;
  }

  ErrorSource source;
  http::Headers headers;
  std::unique_ptr<StreamDecoder> decoder;
  std::string text;
  std::string reasoning;
  std::vector<lm::ToolCallPart> calls;
};

}  // namespace dspex::wire
