#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/mock_llm/mock_test.h"
#include "tests/mock_llm/script.h"
#include "tests/mock_llm/test_client.h"

namespace dspex::mock_llm {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(MockLlmTest, AnswersInTheShapeOfChatCompletions) {
  Script({{{"reply", {{"content", "Paris"}}}}});
  const ClientResponse response = Ask();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("content-type"), "application/json");
  EXPECT_THAT(response.headers.at("x-request-id"), StartsWith("req_"));
  const json body = json::parse(response.body);
  EXPECT_EQ(body["object"], "chat.completion");
  EXPECT_EQ(body["model"], "gpt-test");
  EXPECT_TRUE(body["id"].is_string() && body["created"].is_number_integer());
  EXPECT_EQ(body["choices"][0]["message"]["role"], "assistant");
  EXPECT_EQ(body["choices"][0]["message"]["content"], "Paris");
  EXPECT_EQ(body["choices"][0]["finish_reason"], "stop");
  const json& usage = body["usage"];
  EXPECT_GT(usage["prompt_tokens"], 0);
  EXPECT_EQ(usage["prompt_tokens"].get<int>() + usage["completion_tokens"].get<int>(), usage["total_tokens"]);
}

TEST_F(MockLlmTest, WithoutAScriptFillsTheFieldsThatTheLastMessageAsksFor) {
  EXPECT_EQ(Answer("[[ ## question ## ]]\nwhy?\n\n[[ ## context ## ]]\n\n\nAnswer with `[[ ## label ## ]]`, then "
                   "`[[ ## score ## ]]`, then `[[ ## completed ## ]]`."),
            "[[ ## label ## ]]\nmock\n\n[[ ## score ## ]]\nmock\n\n[[ ## completed ## ]]");
  EXPECT_EQ(Answer("no fields"), "mock");
}

TEST_F(MockLlmTest, OfALiteralTheFirstTextIsItsAnswer) {
  EXPECT_EQ(
      Answer("Reply with `[[ ## label ## ]]` (Literal['it', \"isn't\"]), `[[ ## other ## ]]` (Literal[\"isn't\"]), "
             "`[[ ## number ## ]]` (Literal[1, 2]), and close with `[[ ## completed ## ]]`."),
      "[[ ## label ## ]]\nit\n\n[[ ## other ## ]]\nisn't\n\n[[ ## number ## ]]\nmock\n\n[[ ## completed ## ]]");
}

TEST_F(MockLlmTest, TheFirstRuleThatMatchesAnswers) {
  Script({{{"match", {{"contains", "France"}}}, {"reply", {{"content", "contains"}}}},
          {{"match", {{"regex", "^cap\\w+ of"}}}, {"reply", {{"content", "regex"}}}},
          {{"match", {{"header", {{"Authorization", "Bearer k"}}}}}, {"reply", {{"content", "header"}}}},
          {{"match", {{"model", "other"}}}, {"reply", {{"content", "model"}}}},
          {{"reply", {{"content", "any"}}}}});
  EXPECT_EQ(Answer("the capital of France"), "contains");
  EXPECT_EQ(Answer("capital of Spain"), "regex");
  EXPECT_EQ(Answer("hello", "authorization: Bearer k\r\n"), "header");
  EXPECT_EQ(Answer("hello", "authorization: Bearer l\r\n"), "any");
}

TEST_F(MockLlmTest, RulesAreUsedUpAndContentsCycle) {
  Script({{{"reply", {{"contents", {"a", "b"}}}}, {"times", 3}}, {{"reply", {{"content", "later"}}}}});
  std::vector<std::string> answers;
  for (int i = 0; i < 4; ++i) answers.push_back(Answer());
  EXPECT_THAT(answers, ElementsAre("a", "b", "a", "later"));
}

TEST_F(MockLlmTest, TemplatesTakeFromTheRequest) {
  Script({{{"reply", {{"content", "{{n}} {{model}} <{{last_user}}>"}}}}});
  Ask();
  EXPECT_EQ(Answer("{{n}}"), "1 gpt-test <{{n}}>");
}

TEST_F(MockLlmTest, RepliesCarryWhatTheScriptSays) {
  Script({{{"reply",
            {{"content", "x"},
             {"finish_reason", "length"},
             {"usage", {{"prompt_tokens", 7}}},
             {"headers", {{"X-Request-Id", "mine"}, {"x-more", "1"}}}}},
           {"times", 1}},
          {{"reply", {{"tool_calls", {{{"name", "f"}, {"arguments", {{"a", 1}}}}}}}}, {"times", 1}},
          {{"reply", {{"raw_body", "not json"}, {"status", 418}}}}});
  const ClientResponse first = Ask();
  EXPECT_EQ(first.headers.at("x-request-id"), "mine");
  EXPECT_EQ(first.headers.at("x-more"), "1");
  EXPECT_EQ(json::parse(first.body)["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(json::parse(first.body)["usage"], json({{"prompt_tokens", 7}}));
  const json tools = json::parse(Ask().body)["choices"][0];
  EXPECT_TRUE(tools["message"]["content"].is_null());
  EXPECT_EQ(tools["finish_reason"], "tool_calls");
  EXPECT_EQ(tools["message"]["tool_calls"][0]["function"], json({{"name", "f"}, {"arguments", "{\"a\":1}"}}));
  const ClientResponse raw = Ask();
  EXPECT_EQ(raw.status, 418);
  EXPECT_EQ(raw.body, "not json");
}

TEST_F(MockLlmTest, AnswersAsManyChoicesAsAskedFor) {
  Script({{{"reply", {{"contents", {"a", "b", "c"}}}}}});
  json body = json::parse(Body("hello"));
  body["n"] = 2;
  const json answer = json::parse(TestClient(port_).Call("POST", "/v1/chat/completions", body.dump()).body);
  ASSERT_EQ(answer["choices"].size(), 2);
  EXPECT_EQ(answer["choices"][1]["index"], 1);
  EXPECT_EQ(answer["choices"][1]["message"]["content"], "b");
}

TEST_F(MockLlmTest, RefusesWhatItDoesNotSpeak) {
  EXPECT_EQ(TestClient(port_).Call("POST", "/v1/chat/completions", "[1]").status, 400);
  json options = json::parse(Body("hello"));
  options["stream_options"] = {{"include_usage", true}};
  EXPECT_EQ(TestClient(port_).Call("POST", "/v1/chat/completions", options.dump()).status, 400) << "no stream";
  EXPECT_EQ(TestClient(port_).Call("GET", "/v1/chat/completions").status, 404);
  EXPECT_EQ(TestClient(port_).Call("POST", "/v1/other", Body("x")).status, 404);
  TestClient garbage(port_);
  garbage.Send("garbage\r\n\r\n");
  EXPECT_EQ(garbage.Receive().status, 400);
}

TEST_F(MockLlmTest, ABadScriptIsRefusedAndTheOldOneStays) {
  Script({{{"reply", {{"content", "old"}}}}});
  const auto refusal = [&](const std::string& script) {
    const ClientResponse response = TestClient(port_).Call("PUT", "/_mock/script", script);
    EXPECT_EQ(response.status, 400) << script;
    return response.body;
  };
  EXPECT_THAT(refusal(R"([{}, {"mtach": {}}])"), testing::AllOf(HasSubstr("Rule 1"), HasSubstr("mtach")));
  EXPECT_THAT(refusal(R"([{"fault": "explode"}])"), HasSubstr("explode"));
  EXPECT_THAT(refusal(R"([{"match": {"regex": "("}}])"), HasSubstr("regex"));
  EXPECT_THAT(refusal(R"([{"times": "one"}])"), HasSubstr("Rule 0"));
  EXPECT_THAT(refusal("{}"), HasSubstr("list"));
  EXPECT_EQ(Answer(), "old");
}

// Faults that are whole HTTP responses.
struct HttpFaultCase {
  const char* fault;
  int status;
  const char* code;
};

class HttpFaultTest : public MockLlmTest, public testing::WithParamInterface<HttpFaultCase> {};

TEST_P(HttpFaultTest, AnswersTheErrorOnceAndThenTheReply) {
  Script({{{"fault", GetParam().fault}, {"retry_after", "2"}, {"times", 1}}, {{"reply", {{"content", "fine"}}}}});
  TestClient client(port_);
  const ClientResponse response = client.Call("POST", "/v1/chat/completions", Body("hello"));
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(response.headers.at("retry-after"), "2");
  EXPECT_EQ(json::parse(response.body)["error"]["code"], GetParam().code);
  EXPECT_EQ(client.Call("POST", "/v1/chat/completions", Body("hello")).status, 200) << "on the same connection";
}

INSTANTIATE_TEST_SUITE_P(All, HttpFaultTest,
                         testing::Values(HttpFaultCase{"unauthorized", 401, "invalid_api_key"},
                                         HttpFaultCase{"rate_limited", 429, "rate_limit_exceeded"},
                                         HttpFaultCase{"insufficient_quota", 429, "insufficient_quota"},
                                         HttpFaultCase{"context_length_exceeded", 400, "context_length_exceeded"},
                                         HttpFaultCase{"server_error", 500, "server_error"},
                                         HttpFaultCase{"unavailable", 503, "overloaded"}),
                         [](const auto& info) { return std::string(info.param.fault); });

TEST_F(MockLlmTest, BrokenBodiesAreWholeResponses) {
  Script({{{"fault", "truncated_json"}, {"times", 1}},
          {{"fault", "malformed_json"}, {"times", 1}},
          {{"fault", "wrong_content_type"}, {"times", 1}}});
  TestClient client(port_);
  for (const char* fault : {"truncated_json", "malformed_json"}) {
    const ClientResponse response = client.Call("POST", "/v1/chat/completions", Body("hello"));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.error, "");
    EXPECT_FALSE(json::accept(response.body)) << fault << " " << response.body;
  }
  const ClientResponse page = client.Call("POST", "/v1/chat/completions", Body("hello"));
  EXPECT_EQ(page.headers.at("content-type"), "text/html");
  EXPECT_THAT(page.body, StartsWith("<!doctype html>"));
}

// Faults that close the connection: what the client sees, and whether it has got a part of the body.
struct CloseFaultCase {
  const char* fault;
  const char* error;
  bool in_body;
};

class CloseFaultTest : public MockLlmTest, public testing::WithParamInterface<CloseFaultCase> {};

TEST_P(CloseFaultTest, EndsTheConnectionThere) {
  Script({{{"fault", GetParam().fault}}});
  const ClientResponse response = Ask();
  EXPECT_EQ(response.error, GetParam().error);
  EXPECT_EQ(response.status, GetParam().in_body ? 200 : 0);
  Wait("closed", 1);
  const json connection = LastConnection();
  EXPECT_EQ(connection["closed_by"], "self");
  EXPECT_EQ(connection["in_flight_at_close"], 0);
  EXPECT_EQ(LastRequest()["outcome"], "closed_by_self");
}

INSTANTIATE_TEST_SUITE_P(All, CloseFaultTest,
                         testing::Values(CloseFaultCase{"close_without_response", "eof", false},
                                         CloseFaultCase{"reset_before_response", "reset", false},
                                         CloseFaultCase{"close_in_body", "eof", true},
                                         CloseFaultCase{"reset_in_body", "reset", true}),
                         [](const auto& info) { return std::string(info.param.fault); });

class WaitingFaultTest : public MockLlmTest, public testing::WithParamInterface<const char*> {};

TEST_P(WaitingFaultTest, HoldsTheConnectionAndSeesThePeerClose) {
  const std::string fault = GetParam();
  Script(fault == "latency" ? json{{{"latency", {{"fixed_ms", 60'000}}}}}
                            : json{{{"fault", fault}, {"drip_ms", 60'000}}});
  TestClient client(port_);
  client.Send(absl::StrCat("POST /v1/chat/completions HTTP/1.1\r\ncontent-length: ", Body("hello").size(), "\r\n\r\n",
                           Body("hello")));
  Wait("in_flight", 1);
  const ClientResponse response = client.Receive(/*patience_ms=*/50);
  EXPECT_EQ(response.error, "timeout");
  EXPECT_EQ(response.status, fault == "hang" || fault == "latency" ? 0 : 200) << "whether headers came";
  EXPECT_EQ(LastRequest()["outcome"], "in_flight");

  const double closed_at = std::chrono::duration<double>(steady_clock::now().time_since_epoch()).count();
  client.Close();
  Wait("in_flight", 0);
  const json connection = LastConnection();
  EXPECT_EQ(connection["closed_by"], "peer");
  EXPECT_EQ(connection["in_flight_at_close"], 0);
  EXPECT_GE(connection["in_flight_ms"], 50);
  EXPECT_GE(connection["closed"].get<double>(), closed_at) << "one clock for both";
  EXPECT_LT(connection["closed"].get<double>() - closed_at, 1.0) << "noticed when it happens, not at the end";
  EXPECT_EQ(LastRequest()["outcome"], "closed_by_peer");
}

INSTANTIATE_TEST_SUITE_P(All, WaitingFaultTest, testing::Values("hang", "hang_in_body", "slow_drip", "latency"),
                         [](const auto& info) { return std::string(info.param); });

TEST_F(MockLlmTest, SlowDripDeliversAllInTheEnd) {
  Script({{{"fault", "slow_drip"}, {"drip_ms", 1}, {"reply", {{"raw_body", "0123456789"}}}}});
  const auto start = steady_clock::now();
  EXPECT_EQ(Ask().body, "0123456789");
  EXPECT_GE(steady_clock::now() - start, milliseconds(9));
}

TEST_F(MockLlmTest, LatencyPassesBeforeTheAnswer) {
  Script({{{"latency", {{"fixed_ms", 30}}}}});
  const auto start = steady_clock::now();
  EXPECT_EQ(Ask().status, 200);
  EXPECT_GE(steady_clock::now() - start, milliseconds(30));
}

TEST_F(MockLlmTest, RandomLatencyRepeatsWithItsSeed) {
  const auto latencies = [](int seed) {
    const json rules = {{{"latency", {{"lognormal_ms", {{"median", 800}, {"sigma", 0.5}, {"seed", seed}}}}}}};
    auto script = Script::Parse(rules.dump(), Milliseconds(0));
    EXPECT_TRUE(script.ok()) << script.status();
    std::vector<double> values;
    const Headers headers;
    const std::string body = Body("x");
    for (int i = 0; i < 1001; ++i) values.push_back(script->AnswerTo({i, &headers, body}).latency.count());
    return values;
  };
  std::vector<double> first = latencies(1);
  EXPECT_EQ(first, latencies(1));
  EXPECT_NE(first, latencies(2));
  std::nth_element(first.begin(), first.begin() + 500, first.end());
  EXPECT_NEAR(first[500], 800, 100) << "the median of the sample";
}

TEST_F(MockLlmTest, RecordsWhatItReceived) {
  Ask("one", "X-Test: a\r\nx-test: b\r\n");
  TestClient kept(port_);
  kept.Call("POST", "/v1/chat/completions", Body("two"));
  kept.Call("POST", "/v1/chat/completions", "\xff not JSON");
  const json all = Control("GET", "/_mock/requests");
  EXPECT_EQ(all["next"], 3);
  const json& first = all["requests"][0];
  EXPECT_EQ(first["sequence"], 0);
  EXPECT_EQ(first["method"], "POST");
  EXPECT_EQ(first["target"], "/v1/chat/completions");
  EXPECT_EQ(first["headers"]["x-test"], "a, b");
  EXPECT_EQ(first["body"], Body("one"));
  EXPECT_EQ(first["outcome"], "answered");
  EXPECT_GE(first["ended"], first["time"]);
  EXPECT_EQ(all["requests"][1]["connection"], all["requests"][2]["connection"]);
  EXPECT_NE(all["requests"][0]["connection"], all["requests"][1]["connection"]);
  EXPECT_EQ(Control("GET", "/_mock/requests?from=2")["requests"].size(), 1);
}

TEST_F(MockLlmTest, CountsConnectionsWithoutThoseThatControlIt) {
  TestClient client(port_);
  Wait("open", 1);
  client.Call("POST", "/v1/chat/completions", Body("one"));
  client.Call("POST", "/v1/chat/completions", Body("two"));
  json now = Control("GET", "/_mock/connections");
  EXPECT_EQ(now["open"], 1);
  EXPECT_EQ(now["opened"], 1);
  EXPECT_EQ(now["connections"].size(), 1);
  EXPECT_EQ(now["connections"][0]["requests"], 2);
  EXPECT_TRUE(now["connections"][0]["closed"].is_null());
  client.Close();
  Wait("closed", 1);
  now = Control("GET", "/_mock/connections");
  EXPECT_EQ(now["open"], 0);
  EXPECT_TRUE(now["connections"][0]["in_flight_at_close"].is_null());
}

TEST_F(MockLlmTest, AWaitEndsAtItsTimeOut) {
  const json answer = Control("GET", "/_mock/wait?event=requests&count=1&timeout_ms=20");
  EXPECT_EQ(answer, json({{"reached", false}, {"value", 0}}));
  EXPECT_EQ(TestClient(port_).Call("GET", "/_mock/wait?event=rain&count=1").status, 400);
}

TEST_F(MockLlmTest, ResetForgetsAllAndCutsOffWhatIsInFlight) {
  Script({{{"match", {{"contains", "hang"}}}, {"fault", "hang"}}, {{"reply", {{"content", "scripted"}}}}});
  TestClient idle(port_);
  idle.Call("POST", "/v1/chat/completions", Body("hello"));
  TestClient hanging(port_);
  hanging.Send(absl::StrCat("POST /v1/chat/completions HTTP/1.1\r\ncontent-length: ", Body("hang").size(), "\r\n\r\n",
                            Body("hang")));
  Wait("in_flight", 1);
  Control("DELETE", "/_mock");
  EXPECT_EQ(hanging.Receive().error, "eof");
  const json now = Control("GET", "/_mock/connections");
  EXPECT_EQ(now["open"], 1);
  EXPECT_EQ(now["closed"], 0);
  EXPECT_EQ(now["in_flight"], 0);
  EXPECT_EQ(Control("GET", "/_mock/requests")["next"], 0);
  const ClientResponse after = idle.Call("POST", "/v1/chat/completions", Body("hello"));
  EXPECT_EQ(json::parse(after.body)["choices"][0]["message"]["content"], "mock") << "the script is gone";
  EXPECT_EQ(LastRequest()["sequence"], 0);
}

TEST_F(MockLlmTest, StartsWithOptionsAndReturnsToThem) {
  Stop();
  Start({.port = 0, .latency = Milliseconds(20), .script = R"([{"reply": {"content": "first"}}])", .record = false});
  const auto start = steady_clock::now();
  EXPECT_EQ(Answer(), "first");
  EXPECT_GE(steady_clock::now() - start, milliseconds(20));
  Script(json::array());
  EXPECT_EQ(Answer(), "mock");
  EXPECT_EQ(Control("GET", "/_mock/requests")["requests"], json::array());
  EXPECT_EQ(Control("GET", "/_mock/requests")["next"], 2);
  Control("DELETE", "/_mock");
  EXPECT_EQ(Answer(), "first");
}

TEST_F(MockLlmTest, ReadsRequestsHoweverTheyArrive) {
  const std::string body = Body("hello");
  const std::string request =
      absl::StrCat("POST /v1/chat/completions HTTP/1.1\r\ncontent-length: ", body.size(), "\r\n\r\n", body);
  TestClient client(port_);
  for (const char byte : request) client.Send(absl::string_view(&byte, 1));
  EXPECT_EQ(client.Receive().status, 200);
  client.Send(absl::StrCat(request, request));  // Two at once.
  EXPECT_EQ(client.Receive().status, 200);
  EXPECT_EQ(client.Receive().status, 200);
  const std::string large(3u << 20, 'x');
  EXPECT_EQ(client.Call("POST", "/v1/chat/completions", Body(large)).status, 200);
  EXPECT_EQ(client.Call("POST", "/v1/chat/completions", body, "Connection: close\r\n").status, 200);
  EXPECT_EQ(client.Receive().error, "eof");
  Wait("answered", 5);
}

TEST_F(MockLlmTest, RefusesHeadersWithoutEnd) {
  TestClient client(port_);
  client.Send("POST / HTTP/1.1\r\nx: ");
  client.Send(std::string(100'000, 'a'));
  const ClientResponse response = client.Receive();
  EXPECT_TRUE(response.status == 400 || response.error == "reset") << response.status << response.error;
}

TEST_F(MockLlmTest, HoldsManyConnections) {
  Script({{{"latency", {{"fixed_ms", 100}}}}});
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(std::make_unique<TestClient>(port_));
    clients.back()->Send(absl::StrCat("POST /v1/chat/completions HTTP/1.1\r\ncontent-length: ", Body("x").size(),
                                      "\r\n\r\n", Body("x")));
  }
  for (auto& client : clients) EXPECT_EQ(client->Receive().status, 200);
  Wait("answered", 300);
  Wait("open", 300);
}

}  // namespace
}  // namespace dspex::mock_llm
