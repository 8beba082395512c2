#include "providers/anthropic/stream_decoder.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/anthropic/decode.h"
#include "providers/wire/stream_testing.h"

namespace dspex::anthropic {
namespace {

struct Stream : wire::TestStream {
  Stream() : TestStream(NewStreamDecoder, {"anthropic", "claude", "secret-key"}) {}
};

constexpr char kStart[] = R"({"type":"message_start","message":{"id":"msg_1","model":"claude-x",
  "content":[],"usage":{"input_tokens":5,"cache_read_input_tokens":100,"cache_creation_input_tokens":0,
  "output_tokens":1}}})";

TEST(AnthropicStreamTest, TextComesInPieces) {
  Stream stream;
  stream.PutAll({kStart, R"({"type":"ping"})",
                 R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})",
                 R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"one "}})",
                 R"({"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{}}})",
                 R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"two"}})",
                 R"({"type":"content_block_stop","index":0})"});
  EXPECT_FALSE(stream.decoder->finished());
  stream.PutAll({R"({"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":9}})"});
  EXPECT_TRUE(stream.decoder->finished());
  EXPECT_FALSE(stream.decoder->complete());
  stream.PutAll({R"({"type":"message_stop"})"});
  EXPECT_TRUE(stream.decoder->complete());
  const lm::Response response = stream.decoder->Take();
  ASSERT_EQ(response.completions.size(), 1u);
  EXPECT_EQ(response.completions[0].text, "one two");
  EXPECT_EQ(stream.text, "one two");
  EXPECT_EQ(response.completions[0].finish_reason, lm::FinishReason::kLength);
  EXPECT_FALSE(response.completions[0].reasoning.has_value());
  EXPECT_EQ(response.model, "claude-x");
  EXPECT_EQ(response.usage.input_tokens, 105);
  EXPECT_EQ(response.usage.cached_input_tokens, 100);
  EXPECT_EQ(response.usage.output_tokens, 9);
  EXPECT_EQ(response.usage.lm_calls, 1);
}

// The same message as a stream and whole.
TEST(AnthropicStreamTest, GivesWhatTheWholeMessageGives) {
  Stream stream;
  stream.PutAll(
      {kStart, R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"fi\"r"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"st"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s1"}})",
       R"({"type":"content_block_stop","index":0})",
       R"({"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"QQ=="}})",
       R"({"type":"content_block_stop","index":1})",
       R"({"type":"content_block_start","index":2,"content_block":{"type":"text","text":"so"}})",
       R"({"type":"content_block_stop","index":2})",
       R"({"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t1","name":"f","input":{}}})",
       R"({"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"t2","name":"g","input":{}}})",
       R"({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}})",
       R"({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}})",
       R"({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"1}"}})",
       R"({"type":"content_block_stop","index":3})",
       R"({"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}})"});
  const auto whole = DecodeMessage(R"({"model":"claude-x","content":[
    {"type":"thinking","thinking":"fi\"rst","signature":"s1"},{"type":"redacted_thinking","data":"QQ=="},
    {"type":"text","text":"so"},{"type":"tool_use","id":"t1","name":"f","input":{"a":1}},
    {"type":"tool_use","id":"t2","name":"g","input":{}}],"stop_reason":"tool_use"})");
  ASSERT_TRUE(whole.ok()) << whole.status();
  const lm::Completion& expected = whole->completions[0];
  const lm::Response response = stream.decoder->Take();
  const lm::Completion& completion = response.completions[0];
  EXPECT_EQ(completion.text, expected.text);
  EXPECT_EQ(stream.text, expected.text);
  EXPECT_EQ(completion.reasoning, expected.reasoning);
  EXPECT_EQ(stream.reasoning, expected.reasoning);
  EXPECT_EQ(completion.finish_reason, expected.finish_reason);
  ASSERT_EQ(completion.reasoning_parts.size(), expected.reasoning_parts.size());
  for (std::size_t i = 0; i < expected.reasoning_parts.size(); ++i) {
    EXPECT_EQ(completion.reasoning_parts[i].json, expected.reasoning_parts[i].json);
  }
  ASSERT_EQ(completion.tool_calls.size(), expected.tool_calls.size());
  ASSERT_EQ(stream.calls.size(), expected.tool_calls.size());
  for (std::size_t i = 0; i < expected.tool_calls.size(); ++i) {
    for (const lm::ToolCallPart& call : {completion.tool_calls[i], stream.calls[i]}) {
      EXPECT_EQ(call.id, expected.tool_calls[i].id);
      EXPECT_EQ(call.name, expected.tool_calls[i].name);
      EXPECT_EQ(call.arguments, expected.tool_calls[i].arguments);
    }
  }
}

TEST(AnthropicStreamTest, ErrorsWithinTheStream) {
  const auto error_of = [](const std::string& type, const std::string& message) {
    Stream stream;
    stream.headers.Append("request-id", "req_1");
    stream.decoder = NewStreamDecoder(stream.source, stream.headers);
    stream.PutAll({kStart});
    return stream.Put(R"({"type":"error","error":{"type":")" + type + R"(","message":")" + message + R"("}})");
  };
  const absl::Status overloaded = error_of("overloaded_error", "Overloaded");
  EXPECT_EQ(ErrorReason(overloaded), reason::kProviderOverloaded);
  EXPECT_EQ(ErrorMetadata(overloaded, "http_status"), "529");
  EXPECT_EQ(ErrorMetadata(overloaded, "provider_request_id"), "req_1");
  EXPECT_EQ(ErrorReason(error_of("rate_limit_error", "")), reason::kProviderRateLimited);
  EXPECT_EQ(ErrorReason(error_of("api_error", "")), reason::kProviderOverloaded);
  EXPECT_EQ(ErrorReason(error_of("unheard_of", "")), reason::kProviderOverloaded);
  EXPECT_EQ(ErrorReason(error_of("authentication_error", "")), reason::kProviderAuth);
  EXPECT_EQ(ErrorReason(error_of("invalid_request_error", "prompt is too long")), reason::kContextWindow);
}

TEST(AnthropicStreamTest, WhatIsNoEventIsAnError) {
  for (const char* event :
       {"", "{", "[]", R"({"type":"content_block_start"})", R"({"type":"content_block_start","index":0})",
        R"({"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t"}})",
        R"({"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":"a"}})",
        R"({"type":"content_block_delta","index":0})",
        R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":1}})"}) {
    Stream stream;
    stream.PutAll({kStart, R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})"});
    const absl::Status status = stream.Put(event);
    EXPECT_EQ(ErrorReason(status), reason::kProviderMalformed) << event << status;
  }
}

TEST(AnthropicStreamTest, BlocksAreBounded) {
  Stream stream;
  absl::Status status;
  for (int i = 0; i < 1001 && status.ok(); ++i) {
    status = stream.Put(R"({"type":"content_block_start","index":)" + std::to_string(i) +
                        R"(,"content_block":{"type":"text","text":""}})");
  }
  EXPECT_EQ(ErrorReason(status), reason::kProviderMalformed);
}

TEST(AnthropicStreamTest, UnknownEventsSayNothing) {
  Stream stream;
  stream.PutAll(
      {kStart, "{}", R"({"type":"content_block_stop","index":3})", R"({"type":"content_block_stop"})",
       R"({"type":"new_event","x":1})", R"({"type":"message_delta","delta":{}})",
       R"({"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"x"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}})"});
  EXPECT_FALSE(stream.decoder->finished());
  EXPECT_TRUE(stream.calls.empty());
}

}  // namespace
}  // namespace dspex::anthropic
