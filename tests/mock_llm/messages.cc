#include "tests/mock_llm/messages.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "tests/mock_llm/wording.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::ordered_json;

struct NamedFailure {
  absl::string_view fault;
  int status;
  absl::string_view type;
  absl::string_view message;  // Where clients read what happened from it.
};

constexpr std::array kFailures = {
    NamedFailure{"invalid_request", 400, "invalid_request_error", ""},
    NamedFailure{"context_length_exceeded", 400, "invalid_request_error",
                 "prompt is too long: 200001 tokens > 200000 maximum"},
    NamedFailure{"content_filter", 400, "invalid_request_error", "Output blocked by content filtering policy"},
    NamedFailure{"unauthorized", 401, "authentication_error", "invalid x-api-key"},
    NamedFailure{"insufficient_quota", 402, "billing_error", "Your credit balance is too low to access the API."},
    NamedFailure{"permission_denied", 403, "permission_error", ""},
    NamedFailure{"model_not_found", 404, "not_found_error", "model: mock"},
    NamedFailure{"rate_limited", 429, "rate_limit_error", ""},
    NamedFailure{"server_error", 500, "api_error", "Internal server error"},
    NamedFailure{"unavailable", 503, "api_error", ""},
    NamedFailure{"overloaded", 529, "overloaded_error", "Overloaded"},
};

std::string RequestId(int64_t sequence) { return absl::StrCat("req_mock_", sequence); }

std::string StopReason(const Completion& completion) {
  if (!completion.refusal.empty() || completion.finish_reason == "content_filter") return "refusal";
  if (completion.finish_reason == "stop") return "end_turn";
  if (completion.finish_reason == "length") return "max_tokens";
  if (completion.finish_reason == "tool_calls") return "tool_use";
  return completion.finish_reason;
}

ordered_json Usage(const ModelCall& call, const Completion& completion) {
  if (!completion.usage.empty()) return ordered_json::parse(completion.usage);
  const auto [input, output] = CountTokens(call, completion);
  return {{"input_tokens", input},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", 0},
          {"output_tokens", output}};
}

// A part of an answer, as it is opened, filled and whole.
struct Block {
  ordered_json opening;
  ordered_json whole;
  std::string delta;  // The type of its deltas.
  std::string key;    // Where they carry their piece.
  std::string text;   // What the pieces add up to.
};

Block TextBlock(absl::string_view text) {
  return {{{"type", "text"}, {"text", ""}},
          {{"type", "text"}, {"text", std::string(text)}},
          "text_delta",
          "text",
          std::string(text)};
}

Block ThinkingBlock(const std::string& text, int64_t sequence) {
  const std::string signature = absl::StrCat("c2lnbmVkIGJ5IG1vY2s", sequence, "==");
  return {{{"type", "thinking"}, {"thinking", ""}, {"signature", ""}},
          {{"type", "thinking"}, {"thinking", text}, {"signature", signature}},
          "thinking_delta",
          "thinking",
          text};
}

Block ToolBlock(const ToolCall& tool, size_t index) {
  ordered_json input = ordered_json::parse(tool.arguments, nullptr, /*allow_exceptions=*/false);
  if (!input.is_object()) input = ordered_json::object();
  Block block{{{"type", "tool_use"}, {"id", absl::StrCat("toolu_mock_", index)}, {"name", tool.name}},
              {},
              "input_json_delta",
              "partial_json",
              tool.arguments};
  block.whole = block.opening;
  block.opening["input"] = ordered_json::object();
  block.whole["input"] = std::move(input);
  return block;
}

std::vector<Block> Blocks(const Completion& completion, int64_t sequence) {
  std::vector<Block> blocks;
  if (!completion.reasoning.empty()) blocks.push_back(ThinkingBlock(completion.reasoning, sequence));
  const std::string text = completion.contents.front().value_or("");
  if (!text.empty()) blocks.push_back(TextBlock(text));
  if (!completion.refusal.empty()) blocks.push_back(TextBlock(completion.refusal));
  for (size_t i = 0; i < completion.tool_calls.size(); ++i) blocks.push_back(ToolBlock(completion.tool_calls[i], i));
  return blocks;
}

ordered_json Message(const ModelCall& call, int64_t sequence) {
  return {{"id", absl::StrCat("msg_mock_", sequence)},
          {"type", "message"},
          {"role", "assistant"},
          {"model", call.model},
          {"content", ordered_json::array()},
          {"stop_reason", nullptr},
          {"stop_sequence", nullptr}};
}

Event Named(ordered_json data, bool content = false) {
  std::string name = data["type"].get<std::string>();
  return {std::move(name), Dump(data), content};
}

Event Start(const ModelCall& call, int64_t sequence, const Completion& completion) {
  ordered_json message = Message(call, sequence);
  if (!completion.no_usage) {
    message["usage"] = Usage(call, completion);
    message["usage"]["output_tokens"] = 1;  // What is known before the answer.
  }
  return Named({{"type", "message_start"}, {"message", std::move(message)}});
}

void AddBlock(const Block& block, size_t index, const StreamShape& shape, std::vector<Event>& events) {
  const auto add_delta = [&](ordered_json delta, bool content) {
    events.push_back(Named({{"type", "content_block_delta"}, {"index", index}, {"delta", std::move(delta)}}, content));
  };
  events.push_back(Named({{"type", "content_block_start"}, {"index", index}, {"content_block", block.opening}}));
  if (index == 0) events.push_back(Named({{"type", "ping"}}));
  if (block.delta == "input_json_delta") add_delta({{"type", block.delta}, {block.key, ""}}, false);
  for (absl::string_view piece : CutCharacters(block.text, shape.chunk_chars)) {
    add_delta({{"type", block.delta}, {block.key, std::string(piece)}}, true);
  }
  if (block.whole.contains("signature")) {
    add_delta({{"type", "signature_delta"}, {"signature", block.whole["signature"]}}, false);
  }
  events.push_back(Named({{"type", "content_block_stop"}, {"index", index}}));
}

}  // namespace

std::string MessagesDialect::Write(const ModelCall& call, int64_t sequence, const Completion& completion) const {
  ordered_json message = Message(call, sequence);
  for (Block& block : Blocks(completion, sequence)) message["content"].push_back(std::move(block.whole));
  message["stop_reason"] = StopReason(completion);
  if (!completion.no_usage) message["usage"] = Usage(call, completion);
  return Dump(message);
}

std::vector<Event> MessagesDialect::Stream(const ModelCall& call, int64_t sequence, const Completion& completion,
                                           const StreamShape& shape) const {
  std::vector<Event> events = {Start(call, sequence, completion)};
  const std::vector<Block> blocks = Blocks(completion, sequence);
  for (size_t i = 0; i < blocks.size(); ++i) AddBlock(blocks[i], i, shape, events);
  if (!shape.no_finish_reason) {
    ordered_json delta = {{"type", "message_delta"},
                          {"delta", {{"stop_reason", StopReason(completion)}, {"stop_sequence", nullptr}}}};
    if (!completion.no_usage) delta["usage"] = Usage(call, completion);
    events.push_back(Named(std::move(delta)));
  }
  if (!shape.no_done) events.push_back(Named({{"type", "message_stop"}}));
  return events;
}

std::optional<Failure> MessagesDialect::FailureOf(absl::string_view fault) const {
  const auto* const found =
      std::find_if(kFailures.begin(), kFailures.end(), [&](const auto& entry) { return entry.fault == fault; });
  if (found == kFailures.end()) return std::nullopt;
  return Failure{found->status, std::string(found->type), "", std::string(found->message)};
}

std::string MessagesDialect::WriteError(const Failure& failure, absl::string_view message, int64_t sequence) const {
  return Dump({{"type", "error"},
               {"error", {{"type", failure.type}, {"message", std::string(message)}}},
               {"request_id", RequestId(sequence)}});
}

Event MessagesDialect::ErrorEvent(int64_t sequence, size_t /*position*/) const {
  const Failure failure = *FailureOf("overloaded");
  return {"error", WriteError(failure, failure.message, sequence), false};
}

}  // namespace dspex::mock_llm
