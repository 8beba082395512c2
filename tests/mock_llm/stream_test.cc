#include "tests/mock_llm/stream.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/mock_llm/mock_test.h"
#include "tests/mock_llm/test_client.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::SizeIs;

// Streams of chat completions; those of the other faces are cut and framed by the same code.
class StreamTest : public MockLlmTest {
 protected:
  static std::string StreamBody(const json& more = json::object()) {
    json body = json::parse(Body("hello"));
    body["stream"] = true;
    body.update(more);
    return body.dump();
  }

  ClientResponse AskStream(const json& more = json::object()) {
    return TestClient(port_).Call("POST", "/v1/chat/completions", StreamBody(more));
  }

  static std::vector<std::string> Events(const std::string& body) {
    std::vector<std::string> events;
    for (absl::string_view line : absl::StrSplit(body, '\n')) {
      if (absl::ConsumePrefix(&line, "data: ")) events.emplace_back(absl::StripSuffix(line, "\r"));
    }
    return events;
  }

  static std::vector<std::string> Contents(const std::string& body, const std::string& name = "content") {
    std::vector<std::string> contents;
    for (const std::string& event : Events(body)) {
      const json chunk = json::parse(event, nullptr, false);
      if (!chunk.is_object() || !chunk.contains("choices") || chunk["choices"].empty()) continue;
      const json& delta = chunk["choices"][0]["delta"];
      const std::string text = delta.contains(name) && delta[name].is_string() ? delta[name].get<std::string>() : "";
      if (!text.empty()) contents.push_back(text);
    }
    return contents;
  }
};

TEST_F(StreamTest, SendsRoleContentFinishReasonUsageAndDone) {
  Script({{{"reply", {{"content", "Paris, of course"}, {"finish_reason", "length"}}}}});
  const ClientResponse response = AskStream({{"stream_options", {{"include_usage", true}}}});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.error, "");
  EXPECT_EQ(response.headers.at("content-type"), "text/event-stream");
  EXPECT_EQ(response.headers.at("transfer-encoding"), "chunked");
  const std::vector<std::string> events = Events(response.body);
  ASSERT_THAT(events, SizeIs(8));
  const json role = json::parse(events[0]);
  EXPECT_EQ(role["object"], "chat.completion.chunk");
  EXPECT_EQ(role["model"], "gpt-test");
  EXPECT_EQ(role["choices"][0]["delta"], json({{"role", "assistant"}, {"content", ""}, {"refusal", nullptr}}));
  EXPECT_TRUE(role["choices"][0]["finish_reason"].is_null());
  EXPECT_TRUE(role["usage"].is_null());
  EXPECT_THAT(Contents(response.body), ElementsAre("Paris", ", of ", "cours", "e"));
  EXPECT_EQ(json::parse(events[5])["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(json::parse(events[6])["choices"], json::array());
  EXPECT_GT(json::parse(events[6])["usage"]["total_tokens"], 0);
  EXPECT_EQ(events[7], "[DONE]");
  EXPECT_EQ(LastRequest()["outcome"], "answered");
}

TEST_F(StreamTest, SendsToolCallsByIndexAndReasoningApart) {
  Script({{{"reply",
            {{"reasoning", "hmm"},
             {"tool_calls", {{{"name", "f"}, {"arguments", "{\"a\":10}"}}, {{"name", "g"}, {"arguments", "{}"}}}}}}}});
  const ClientResponse response = AskStream();
  EXPECT_THAT(Contents(response.body, "reasoning_content"), ElementsAre("hmm"));
  std::vector<std::string> seen;
  for (const std::string& event : Events(response.body)) {
    const json chunk = json::parse(event, nullptr, false);
    if (!chunk.is_object() || !chunk["choices"][0]["delta"].contains("tool_calls")) continue;
    const json call = chunk["choices"][0]["delta"]["tool_calls"][0];
    seen.push_back(absl::StrCat(call["index"].get<int>(), call.value("id", ""), call["function"].value("name", ""),
                                call["function"]["arguments"].get<std::string>()));
  }
  EXPECT_THAT(seen, ElementsAre("0call_mock_0f", "0{\"a\":", "010}", "1call_mock_1g", "1{}"));
  EXPECT_THAT(response.body, HasSubstr(R"("finish_reason":"tool_calls")"));
  const json unary = json::parse(Ask().body);
  EXPECT_EQ(unary["choices"][0]["message"]["reasoning_content"], "hmm");
}

TEST_F(StreamTest, SendsChoicesSideBySide) {
  Script({{{"reply", {{"contents", {"aaaaabbbbb", "c"}}}}}});
  std::string order;
  for (const std::string& event : Events(AskStream({{"n", 2}}).body)) {
    if (event != "[DONE]") absl::StrAppend(&order, json::parse(event)["choices"][0]["index"].get<int>());
  }
  EXPECT_EQ(order, "0101010");
}

TEST_F(StreamTest, CutsContentBetweenCharacters) {
  EXPECT_THAT(CutCharacters("aé日🙂b", 2), ElementsAre("aé", "日🙂", "b"));
  EXPECT_THAT(CutCharacters("", 2), ElementsAre());
  Script({{{"reply", {{"content", "日本🙂"}}}, {"chunk_chars", 1}}});
  EXPECT_THAT(Contents(AskStream().body), ElementsAre("日", "本", "🙂"));
}

TEST_F(StreamTest, CutsTheBodyWhereverItFalls) {
  Script({{{"reply", {{"content", "日本 in pieces"}}}, {"chunk_bytes", 7}}});
  const ClientResponse response = AskStream();
  ASSERT_GT(response.chunks.size(), 10);
  for (size_t i = 0; i + 1 < response.chunks.size(); ++i) EXPECT_THAT(response.chunks[i], SizeIs(7));
  EXPECT_EQ(absl::StrJoin(Contents(response.body), ""), "日本 in pieces");
}

TEST_F(StreamTest, WritesEventsAsLaxServersDo) {
  Script({{{"crlf", true}, {"keep_alives", true}, {"times", 1}},
          {{"no_done", true}, {"no_usage", true}, {"no_finish_reason", true}, {"times", 1}},
          {{"no_chunked", true}}});
  const std::string first = AskStream().body;
  EXPECT_THAT(first, EndsWith("data: [DONE]\r\n\r\n: keep-alive\r\n\r\n"));
  EXPECT_FALSE(absl::StrContains(absl::StrReplaceAll(first, {{"\r\n", ""}}), "\n"));
  const json usage = {{"stream_options", {{"include_usage", true}}}};
  const ClientResponse bare = AskStream(usage);
  EXPECT_THAT(Events(bare.body), SizeIs(2));
  EXPECT_THAT(bare.body, testing::Not(HasSubstr(R"("finish_reason":"stop")")));
  const ClientResponse unframed = AskStream(usage);
  EXPECT_EQ(unframed.headers.count("transfer-encoding"), 0);
  EXPECT_EQ(unframed.headers.at("connection"), "close");
  EXPECT_THAT(unframed.body, EndsWith("data: [DONE]\n\n"));
}

TEST_F(StreamTest, SendsWholeBodiesInChunksToo) {
  Script({{{"fault", "rate_limited"}, {"chunked", true}, {"chunk_bytes", 10}, {"times", 1}},
          {{"reply", {{"raw_body", ""}}}, {"chunked", true}, {"times", 1}},
          {{"chunked", true}, {"fault", "close_in_body"}}});
  const ClientResponse error = AskStream();
  EXPECT_EQ(error.status, 429);
  EXPECT_EQ(error.headers.count("content-length"), 0);
  EXPECT_THAT(error.chunks.front(), SizeIs(10));
  EXPECT_EQ(json::parse(error.body)["error"]["code"], "rate_limit_exceeded");
  const ClientResponse empty = Ask();
  EXPECT_EQ(empty.error, "");
  EXPECT_THAT(empty.chunks, SizeIs(0));
  const ClientResponse cut = Ask();
  EXPECT_EQ(cut.error, "eof");
  EXPECT_THAT(cut.chunks, SizeIs(1));
}

TEST_F(StreamTest, SendsLogprobsOfTheScript) {
  const json logprobs = {{"content", {{{"token", "a"}, {"logprob", -0.5}}}}};
  Script({{{"reply", {{"content", "0123456789"}, {"logprobs", logprobs}}}}});
  EXPECT_EQ(json::parse(Ask().body)["choices"][0]["logprobs"], logprobs);
  const std::vector<std::string> events = Events(AskStream().body);
  EXPECT_EQ(json::parse(events[1])["choices"][0]["logprobs"], logprobs);
  EXPECT_TRUE(json::parse(events[2])["choices"][0]["logprobs"].is_null());
}

TEST_F(StreamTest, PausesBetweenEvents) {
  Script({{{"reply", {{"content", "0123456789"}}}, {"chunk_interval_ms", 10}}});
  const auto start = steady_clock::now();
  EXPECT_THAT(AskStream().chunks, SizeIs(5));
  EXPECT_GE(steady_clock::now() - start, milliseconds(50));
}

TEST_F(StreamTest, HoldsAStreamUntilTheRelease) {
  Script({{{"reply", {{"content", "firstsecond"}}}, {"hold_after_events", 1}}});
  TestClient client(port_);
  client.Send(absl::StrCat("POST /v1/chat/completions HTTP/1.1\r\ncontent-length: ", StreamBody().size(), "\r\n\r\n",
                           StreamBody()));
  Wait("held", 1);
  const ClientResponse head = client.Receive(/*patience_ms=*/50);
  EXPECT_EQ(head.error, "timeout");
  EXPECT_THAT(Contents(head.body), ElementsAre("first"));
  EXPECT_EQ(Control("POST", "/_mock/release"), json({{"released", 1}}));
  Wait("held", 0);
  Wait("answered", 1);
  EXPECT_EQ(Control("POST", "/_mock/release"), json({{"released", 0}}));
}

TEST_F(StreamTest, BreaksInTheMiddleOfTheEvents) {
  Script({{{"reply", {{"content", "0123456789abcdefghij"}}}, {"fault", "error_in_stream"}, {"times", 1}},
          {{"reply", {{"content", "0123456789abcdefghij"}}}, {"fault", "malformed_event"}, {"times", 1}},
          {{"reply", {{"content", "0123456789abcdefghij"}}}, {"fault", "truncated_stream"}, {"times", 1}},
          {{"fault", "truncated_stream"}, {"fault_after_events", 0}, {"times", 1}},
          {{"fault", "unavailable"}}});
  const ClientResponse error = AskStream();
  EXPECT_EQ(error.error, "");
  EXPECT_THAT(Contents(error.body), ElementsAre("01234", "56789"));
  EXPECT_EQ(json::parse(Events(error.body).back())["error"]["code"], "server_error");
  const std::vector<std::string> malformed = Events(AskStream().body);
  ASSERT_THAT(malformed, SizeIs(7));
  for (size_t i = 0; i + 1 < malformed.size(); ++i) EXPECT_EQ(json::accept(malformed[i]), i != 3) << malformed[i];
  const ClientResponse truncated = AskStream();
  EXPECT_EQ(truncated.error, "");
  EXPECT_THAT(Events(truncated.body), SizeIs(3));
  EXPECT_THAT(Events(AskStream().body), SizeIs(1)) << "the role only";
  const ClientResponse unavailable = AskStream();
  EXPECT_EQ(unavailable.status, 503);
  EXPECT_EQ(json::parse(unavailable.body)["error"]["code"], "overloaded");
}

TEST_F(StreamTest, TellsWhenADeltaIsSent) {
  Script({{{"reply", {{"content", "The time is{{sent_ns}}."}}}, {"chunk_chars", 11}}});
  const auto now = [] { return std::chrono::nanoseconds(steady_clock::now().time_since_epoch()).count(); };
  const long long before = now();
  const std::vector<std::string> contents = Contents(AskStream().body);
  ASSERT_THAT(contents, ElementsAre("The time is", testing::_, "."));
  EXPECT_GE(std::stoll(contents[1]), before);
  EXPECT_LE(std::stoll(contents[1]), now());
}

struct CutCase {
  const char* fault;
  const char* error;
};

class StreamCutTest : public StreamTest, public testing::WithParamInterface<CutCase> {};

TEST_P(StreamCutTest, CutsTheBodyInTheMiddle) {
  Script({{{"reply", {{"content", "0123456789abcdefghij"}}}, {"fault", GetParam().fault}, {"drip_ms", 60'000}}});
  TestClient client(port_);
  client.Send(absl::StrCat("POST /v1/chat/completions HTTP/1.1\r\ncontent-length: ", StreamBody().size(), "\r\n\r\n",
                           StreamBody()));
  const ClientResponse response = client.Receive(/*patience_ms=*/200);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.error, GetParam().error);
  EXPECT_THAT(Contents(response.body), ElementsAre("01234", "56789"));
  client.Close();
  Wait("in_flight", 0);
  EXPECT_EQ(LastConnection()["closed_by"], std::string(GetParam().error) == "timeout" ? "peer" : "self");
}

INSTANTIATE_TEST_SUITE_P(All, StreamCutTest,
                         testing::Values(CutCase{"close_in_body", "eof"}, CutCase{"reset_in_body", "reset"},
                                         CutCase{"hang_in_body", "timeout"}, CutCase{"slow_drip", "timeout"}),
                         [](const auto& info) { return std::string(info.param.fault); });

TEST_F(StreamTest, SlowDripDeliversAllInTheEnd) {
  Script({{{"reply", {{"content", "01234"}}}, {"fault", "slow_drip"}, {"drip_ms", 0.01}}});
  const ClientResponse response = AskStream();
  EXPECT_EQ(response.error, "");
  EXPECT_THAT(response.chunks.back(), SizeIs(1));
  EXPECT_THAT(response.body, EndsWith("data: [DONE]\n\n"));
}

}  // namespace
}  // namespace dspex::mock_llm
