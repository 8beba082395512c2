#include "providers/openai/responses_stream_decoder.h"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/openai/responses_decode.h"
#include "providers/wire/stream_testing.h"

namespace dspex::openai {
namespace {

struct Stream : wire::TestStream {
  Stream() : TestStream(NewResponsesStreamDecoder) {}
};

// The same response as a stream and whole.
TEST(ResponsesStreamTest, GivesWhatTheWholeResponseGives) {
  Stream stream;
  stream.PutAll(
      {R"({"type":"response.created","response":{"model":"gpt-x","status":"in_progress"}})",
       R"({"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[]}})",
       R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"fi"})",
       R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"rst"})",
       R"({"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"then"})",
       R"({"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[
           {"type":"summary_text","text":"first"},{"type":"summary_text","text":"then"}]}})",
       R"({"type":"response.output_item.added","output_index":1,"item":{"type":"message","content":[]}})",
       R"({"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"one ",
           "logprobs":[{"token":"one ","logprob":-1,"top_logprobs":[{"token":"a","logprob":-2}]}]})",
       R"({"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"two","logprobs":[{"token":"two","logprob":-3}]})",
       R"({"type":"response.output_text.done","output_index":1,"content_index":0,"text":"one two",
           "logprobs":[{"token":"one ","logprob":-1,"top_logprobs":[{"token":"a","logprob":-2}]},{"token":"two","logprob":-3}]})",
       R"({"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","call_id":"c1","name":"f"}})",
       R"({"type":"response.output_item.added","output_index":3,"item":{"type":"function_call","call_id":"c2","name":"g"}})",
       R"({"type":"response.function_call_arguments.delta","output_index":2,"delta":"{\"a\":"})",
       R"({"type":"response.function_call_arguments.delta","output_index":2,"delta":"1}"})",
       R"({"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","arguments":"{\"a\":1}"}})",
       R"({"type":"response.output_item.done","output_index":3,"item":{"type":"function_call","arguments":"{}"}})"});
  EXPECT_FALSE(stream.decoder->finished());
  stream.PutAll({R"({"type":"response.completed","response":{"status":"completed","model":"gpt-x",
    "usage":{"input_tokens":5,"output_tokens":9}}})",
                 "[DONE]"});
  EXPECT_TRUE(stream.decoder->finished());
  EXPECT_TRUE(stream.decoder->complete());
  const auto whole = DecodeResponse(R"({"status":"completed","output":[
    {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"first"},{"type":"summary_text","text":"then"}]},
    {"type":"message","content":[{"type":"output_text","text":"one two","logprobs":[
      {"token":"one ","logprob":-1,"top_logprobs":[{"token":"a","logprob":-2}]},{"token":"two","logprob":-3}]}]},
    {"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
    {"type":"function_call","call_id":"c2","name":"g","arguments":"{}"}]})");
  ASSERT_TRUE(whole.ok()) << whole.status();
  const lm::Completion& expected = whole->completions[0];
  const lm::Response response = stream.decoder->Take();
  const lm::Completion& completion = response.completions[0];
  EXPECT_EQ(response.model, "gpt-x");
  EXPECT_EQ(response.usage.input_tokens, 5);
  EXPECT_EQ(response.usage.output_tokens, 9);
  EXPECT_EQ(response.usage.lm_calls, 1);
  EXPECT_EQ(completion.text, expected.text);
  EXPECT_EQ(stream.text, expected.text);
  EXPECT_EQ(expected.logprobs.size(), 2u);
  EXPECT_EQ(completion.logprobs, expected.logprobs);
  EXPECT_EQ(completion.reasoning, expected.reasoning);
  EXPECT_EQ(stream.reasoning, expected.reasoning);
  EXPECT_EQ(completion.finish_reason, expected.finish_reason);
  ASSERT_EQ(completion.reasoning_parts.size(), 1u);
  EXPECT_EQ(completion.reasoning_parts[0].json, expected.reasoning_parts[0].json);
  ASSERT_EQ(completion.tool_calls.size(), 2u);
  ASSERT_EQ(stream.calls.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    for (const lm::ToolCallPart& call : {completion.tool_calls[i], stream.calls[i]}) {
      EXPECT_EQ(call.id, expected.tool_calls[i].id);
      EXPECT_EQ(call.name, expected.tool_calls[i].name);
      EXPECT_EQ(call.arguments, expected.tool_calls[i].arguments);
    }
  }
}

TEST(ResponsesStreamTest, EndsOtherThanWell) {
  const auto reason_of = [](std::vector<std::string> events) {
    Stream stream;
    stream.PutAll(events);
    EXPECT_TRUE(stream.decoder->finished());
    return stream.decoder->Take().completions[0].finish_reason;
  };
  EXPECT_EQ(reason_of({R"({"type":"response.incomplete","response":{"status":"incomplete",
    "incomplete_details":{"reason":"max_output_tokens"}}})"}),
            lm::FinishReason::kLength);
  EXPECT_EQ(reason_of({R"({"type":"response.refusal.delta","delta":"No"})",
                       R"({"type":"response.completed","response":{"status":"completed"}})"}),
            lm::FinishReason::kRefusal);
}

TEST(ResponsesStreamTest, ErrorsWithinTheStream) {
  const auto error_of = [](const std::string& event) {
    Stream stream;
    stream.headers.Append("x-request-id", "req_1");
    stream.decoder = NewResponsesStreamDecoder(stream.source, stream.headers);
    return stream.Put(event);
  };
  const absl::Status failed =
      error_of(R"({"type":"response.failed","response":{"error":{"code":"server_error","message":"oh secret-key"}}})");
  EXPECT_EQ(ErrorReason(failed), reason::kProviderOverloaded);
  EXPECT_EQ(ErrorMetadata(failed, "provider_request_id"), "req_1");
  EXPECT_NE(failed.message().find("oh ***"), absl::string_view::npos) << failed;
  EXPECT_EQ(ErrorReason(error_of(R"({"type":"error","code":"rate_limit_exceeded","message":""})")),
            reason::kProviderRateLimited);
  EXPECT_EQ(ErrorReason(error_of(R"({"type":"error","error":{"code":"invalid_prompt"}})")),
            reason::kProviderInvalidRequest);
  EXPECT_EQ(ErrorReason(error_of(R"({"type":"error","code":"context_length_exceeded"})")), reason::kContextWindow);
  EXPECT_EQ(ErrorReason(error_of(R"({"type":"response.failed","response":{}})")), reason::kProviderOverloaded);
}

TEST(ResponsesStreamTest, WhatIsNoEventIsAnError) {
  for (const char* event :
       {"", "{", "[]", R"({"type":"response.output_item.added"})", R"({"type":"response.output_item.done"})",
        R"({"type":"response.output_item.added","item":{"type":"function_call"}})",
        R"({"type":"response.output_text.delta"})", R"({"type":"response.output_text.delta","delta":1})",
        R"({"type":"response.reasoning_text.delta","delta":1})",
        R"({"type":"response.function_call_arguments.delta","output_index":7,"delta":"a"})"}) {
    Stream stream;
    EXPECT_EQ(ErrorReason(stream.Put(event)), reason::kProviderMalformed) << event;
  }
}

TEST(ResponsesStreamTest, UnknownEventsSayNothing) {
  Stream stream;
  stream.PutAll({"{}", R"({"type":"response.new_event","x":1})", R"({"type":"response.completed"})",
                 R"({"type":"response.output_item.added","item":{"type":"web_search_call"}})"});
  EXPECT_FALSE(stream.decoder->finished());
}

}  // namespace
}  // namespace dspex::openai
