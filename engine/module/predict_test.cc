#include "engine/module/predict.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/module/fake_language_model.h"

namespace dspex {
namespace {

using ::testing::HasSubstr;

class PredictTest : public ::testing::Test {
 protected:
  void Make(absl::string_view signature, std::vector<Json> demos = {}) {
    Make(Signature::FromString(signature).value(), std::move(demos));
  }

  void Make(Signature signature, std::vector<Json> demos = {}) {
    absl::StatusOr<std::unique_ptr<const Module>> made = MakePredict({
        .id = "qa",
        .signature = std::move(signature),
        .demos = std::move(demos),
        .sampling = sampling_,
        .language_model = {"fake/model", language_model_},
        .adapter = {.kind = kind_, .native_function_calling = native_},
        .format = format_,
        .json_fallback = json_fallback_,
        .extraction = extraction_,
        .extraction_sampling = extraction_sampling_,
        .enforced = enforced_,
        .majority_field = majority_field_,
    });
    ASSERT_TRUE(made.ok()) << made.status();
    predict_ = *std::move(made);
  }

  absl::StatusOr<Prediction> Ask(Json inputs, const Sampling& call = {}) {
    return RunTask(predict_->Forward(RequestContext(record_, deadline_), std::move(inputs), call));
  }

  absl::StatusOr<Json> Forward(Json inputs) {
    const absl::StatusOr<Prediction> prediction = Ask(std::move(inputs));
    if (!prediction.ok()) return prediction.status();
    return prediction->outputs;
  }

  // A completion in the layout of chat.
  void AnswerSection(const std::string& name, const std::string& value) {
    model_->Answer(absl::StrCat("[[ ## ", name, " ## ]]\n", value));
  }

  std::shared_ptr<FakeLanguageModel> model_ = std::make_shared<FakeLanguageModel>();
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> language_model_ = std::shared_ptr<lm::LanguageModel>(model_);
  Sampling sampling_;
  AdapterKind kind_ = AdapterKind::kChat;
  bool native_ = false;
  Layout::Format format_ = Layout::Format::kByCapabilities;
  bool json_fallback_ = false;
  std::optional<NamedModel> extraction_;
  Sampling extraction_sampling_;
  bool enforced_ = true;
  std::string majority_field_;
  RequestRecord record_;
  TimePoint deadline_ = kNoDeadline;
  std::unique_ptr<const Module> predict_;
};

TEST_F(PredictTest, AsksTheModelAndReadsItsAnswer) {
  sampling_.options.temperature = 0.5;
  Make("question, n: int -> answer: float", {{{"question", "q?"}, {"n", 1}, {"answer", 2.5}}});
  model_->Answer("[[ ## answer ## ]]\n42\n\n[[ ## completed ## ]]");
  const auto outputs = Forward(Json{{"n", "7"}, {"question", "why?"}});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ(outputs->dump(), R"({"answer":42.0})");

  ASSERT_EQ(model_->requests.size(), 1u);
  const lm::Request& request = model_->requests[0];
  EXPECT_EQ(request.prefix->messages().size(), 3u);
  EXPECT_EQ(request.options->temperature, 0.5);
  ASSERT_EQ(request.turns.size(), 1u);
  EXPECT_EQ(request.turns[0].role, lm::Role::kUser);
  EXPECT_THAT(std::get<lm::TextPart>(request.turns[0].parts[0]).text,
              ::testing::StartsWith("[[ ## question ## ]]\nwhy?\n\n[[ ## n ## ]]\n7\n\n"));
}

TEST_F(PredictTest, RequestsShareOnePrefixAndItsId) {
  Make("q -> a");
  for (int i = 0; i < 2; ++i) model_->Answer("[[ ## a ## ]]\nx");
  for (const char* question : {"1", "2"}) ASSERT_TRUE(Forward(Json{{"q", question}}).ok());
  EXPECT_EQ(model_->requests[0].prefix, model_->requests[1].prefix);
  EXPECT_EQ(model_->requests[0].options, model_->requests[1].options);
  EXPECT_TRUE(model_->requests[0].prefix->reusable());
}

TEST_F(PredictTest, FillsTheTrace) {
  record_.keep_trace = true;
  Make("q -> a");
  model_->Answer("[[ ## a ## ]]\nx");
  ASSERT_TRUE(Forward(Json{{"q", "?"}}).ok());
  ASSERT_EQ(record_.trace.size(), 1u);
  const TraceNode& node = record_.trace[0];
  EXPECT_EQ(node.name, "lm");
  EXPECT_EQ(node.parent, -1);
  EXPECT_EQ(node.model, "fake-2024");
  EXPECT_EQ(node.provider_request_id, "req-1");
  EXPECT_EQ(node.completion, "[[ ## a ## ]]\nx");
  EXPECT_EQ(node.usage.input_tokens, 11);
  EXPECT_EQ(node.usage.output_tokens, 7);
  EXPECT_EQ(node.usage.lm_calls, 1);
  EXPECT_GE(node.end, node.start);
}

TEST_F(PredictTest, LogprobsAreOfTheChosenAnswer) {
  sampling_ = {.options = {.logprobs = true}, .n = 3};
  majority_field_ = "a";
  Make("q -> a");
  for (const auto& [text, logprob] : {std::pair("x", -1.0), std::pair("y", -2.0), std::pair("y", -3.0)}) {
    lm::Response response;
    response.completions.push_back({.text = absl::StrCat("[[ ## a ## ]]\n", text)});
    response.completions[0].logprobs = {{{text, logprob}}};
    model_->Answer(std::move(response));
  }
  const auto prediction = Ask(Json{{"q", "?"}});
  ASSERT_TRUE(prediction.ok()) << prediction.status();
  EXPECT_EQ(prediction->outputs["a"], "y");
  EXPECT_EQ(prediction->logprobs, (std::vector<lm::TokenLogprob>{{{"y", -2.0}}}));
  ASSERT_EQ(prediction->answers.size(), 3u);
  EXPECT_EQ(prediction->answers[2].logprobs, (std::vector<lm::TokenLogprob>{{{"y", -3.0}}}));
  EXPECT_TRUE(prediction->warnings.empty());
}

TEST_F(PredictTest, LogprobsThatAreMissingAreToldOf) {
  Make("q -> a");
  for (int i = 0; i < 2; ++i) AnswerSection("a", "x");
  const auto unasked = Ask(Json{{"q", "?"}});
  ASSERT_TRUE(unasked.ok());
  EXPECT_FALSE(unasked->logprobs.has_value());
  EXPECT_TRUE(unasked->warnings.empty());
  const auto asked = Ask(Json{{"q", "?"}}, {.options = {.logprobs = true}});
  ASSERT_TRUE(asked.ok());
  ASSERT_TRUE(asked->logprobs.has_value());
  EXPECT_TRUE(asked->logprobs->empty());
  EXPECT_THAT(asked->warnings, ::testing::ElementsAre(HasSubstr("no log probabilities")));
}

TEST_F(PredictTest, WithoutATraceThereIsNone) {
  Make("q -> a");
  model_->Answer("[[ ## a ## ]]\nx");
  ASSERT_TRUE(Forward(Json{{"q", "?"}}).ok());
  EXPECT_TRUE(record_.trace.empty());
}

TEST_F(PredictTest, RefusesWrongInputsBeforeItAsks) {
  Make("q, n: int -> a");
  EXPECT_EQ(ErrorReason(Forward(Json{{"q", "?"}}).status()), "MISSING_INPUT");
  EXPECT_EQ(ErrorReason(Forward(Json{{"q", "?"}, {"n", "many"}}).status()), "INVALID_VALUE");
  EXPECT_EQ(ErrorReason(Forward(Json{{"q", "?"}, {"n", 1}, {"m", 1}}).status()), "UNKNOWN_FIELD");
  EXPECT_TRUE(model_->requests.empty());
}

TEST_F(PredictTest, ModelsErrorIsTheResult) {
  record_.keep_trace = true;
  Make("q -> a");
  model_->Answer(absl::UnavailableError("no route"));
  EXPECT_EQ(Forward(Json{{"q", "?"}}).status(), absl::UnavailableError("no route"));
  ASSERT_EQ(record_.trace.size(), 1u);
  EXPECT_EQ(record_.trace[0].usage.lm_calls, 0);
}

TEST_F(PredictTest, CompletionsThatDidNotComeToTheirEndAreNoAnswers) {
  record_.keep_trace = true;
  Make("q -> a");
  for (const auto& [reason, expected] : std::initializer_list<std::pair<lm::FinishReason, const char*>>{
           {lm::FinishReason::kLength, "COMPLETION_TRUNCATED"},
           {lm::FinishReason::kContentFilter, "CONTENT_FILTERED"},
           {lm::FinishReason::kRefusal, "MODEL_REFUSED"}}) {
    model_->Answer("[[ ## a ## ]]\nfine", reason);
    EXPECT_EQ(ErrorReason(Forward(Json{{"q", "?"}}).status()), expected);
  }
  // What they consumed is told all the same.
  ASSERT_EQ(record_.trace.size(), 3u);
  for (const TraceNode& node : record_.trace) EXPECT_EQ(node.usage.lm_calls, 1);
}

TEST_F(PredictTest, InDspysWaysSuchACompletionIsTakenIfItCanBeReadAndTheTraceSaysSo) {
  enforced_ = false;
  Make("q -> a");
  record_.keep_trace = true;
  model_->Answer("[[ ## a ## ]]\nfine", lm::FinishReason::kLength);
  EXPECT_EQ(Forward(Json{{"q", "?"}}).value()["a"], "fine");
  EXPECT_EQ(record_.trace.back().reason, "finish_reason: length");
}

TEST_F(PredictTest, CompletionThatDoesNotParseSaysHowItEnded) {
  enforced_ = false;
  json_fallback_ = false;
  record_.keep_trace = true;
  Make("q -> a, b: int");
  model_->Answer("[[ ## a ## ]]\nlong talk", lm::FinishReason::kLength);
  const absl::Status cut = Forward(Json{{"q", "?"}}).status();
  EXPECT_EQ(ErrorReason(cut), "COMPLETION_UNPARSABLE");
  EXPECT_EQ(ErrorMetadata(cut, "field"), "b");
  EXPECT_EQ(ErrorMetadata(cut, "finish_reason"), "length");
  EXPECT_THAT(std::string(cut.message()), HasSubstr("raise max_tokens"));
  model_->Answer("", lm::FinishReason::kContentFilter);
  const absl::Status filtered = Forward(Json{{"q", "?"}}).status();
  EXPECT_EQ(ErrorMetadata(filtered, "finish_reason"), "content_filter");
  // What they consumed is told all the same.
  ASSERT_EQ(record_.trace.size(), 2u);
  for (const TraceNode& node : record_.trace) EXPECT_EQ(node.usage.lm_calls, 1);
}

TEST_F(PredictTest, AnswerWithoutACompletionIsUnparsable) {
  Make("q -> a");
  model_->Answer(lm::Response{});
  const absl::Status status = Forward(Json{{"q", "?"}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ErrorReason(status), "COMPLETION_UNPARSABLE");
  EXPECT_EQ(ErrorMetadata(status, "problem"), "no_completion");
}

TEST_F(PredictTest, PassedDeadlineEndsItBeforeTheModelIsAsked) {
  Make("q -> a");
  deadline_ = Clock::now() - std::chrono::seconds(1);
  const absl::Status status = Forward(Json{{"q", "?"}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ErrorReason(status), "DEADLINE_EXCEEDED");
  EXPECT_EQ(ErrorMetadata(status, "where"), "qa");
  EXPECT_TRUE(model_->requests.empty());
}

TEST_F(PredictTest, WithoutAModelOnlyParseWorks) {
  language_model_ = absl::FailedPreconditionError("no such provider");
  Make("q -> a");
  EXPECT_EQ(Forward(Json{{"q", "?"}}).status(), language_model_.status());
  EXPECT_EQ(predict_->Render(Json{{"q", "?"}}, {}).status(), language_model_.status());
  EXPECT_EQ(predict_->Parse("[[ ## a ## ]]\nx").value().outputs.dump(), R"({"a":"x"})");
}

TEST_F(PredictTest, RenderShowsWhatForwardWouldSend) {
  Make("q -> a", {{{"q", "demo"}, {"a", "shown"}}});
  const auto rendered = predict_->Render(Json{{"q", "live"}}, {});
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_THAT(rendered->body, HasSubstr("<user>\n[[ ## q ## ]]\ndemo\n<assistant>\n[[ ## a ## ]]\nshown\n"));
  EXPECT_THAT(rendered->body, HasSubstr("<user>\n[[ ## q ## ]]\nlive\n"));
  EXPECT_TRUE(model_->requests.empty());
  EXPECT_EQ(predict_->Render(Json::object(), {}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PredictTest, ACallsSettingsStandInForItsOwn) {
  sampling_.options.temperature = 0.5;
  sampling_.options.max_tokens = 9;
  Make("q -> a");
  AnswerSection("a", "x");
  ASSERT_TRUE(Ask(Json{{"q", "?"}}, {.options = {.temperature = 0.1, .rollout_id = 3}}).ok());
  EXPECT_EQ(model_->requests[0].options->temperature, 0.1);
  EXPECT_EQ(model_->requests[0].options->max_tokens, 9);
  EXPECT_EQ(model_->requests[0].options->rollout_id, 3);
}

TEST_F(PredictTest, SeveralCompletionsAreSeveralRequests) {
  sampling_.n = 3;
  record_.keep_trace = true;
  Make("q -> a");
  for (const char* answer : {"one", "two", "two"}) AnswerSection("a", answer);
  const auto prediction = Ask(Json{{"q", "?"}});
  ASSERT_TRUE(prediction.ok()) << prediction.status();
  EXPECT_EQ(prediction->outputs["a"], "one");
  ASSERT_EQ(prediction->answers.size(), 3u);
  EXPECT_EQ(prediction->answers[2].outputs["a"], "two");
  ASSERT_EQ(model_->requests.size(), 3u);
  for (const lm::Request& request : model_->requests) EXPECT_EQ(request.options->temperature, 0.7);
  // The trace has each, with what it consumed.
  ASSERT_EQ(record_.trace.size(), 3u);
  for (const TraceNode& node : record_.trace) EXPECT_EQ(node.usage.lm_calls, 1);
}

TEST_F(PredictTest, TheMajorityAnswers) {
  majority_field_ = "a";
  Make("q -> a");
  for (const char* answer : {"one", "Two.", "the two"}) AnswerSection("a", answer);
  const auto prediction = Ask(Json{{"q", "?"}}, {.n = 3});
  ASSERT_TRUE(prediction.ok()) << prediction.status();
  EXPECT_EQ(prediction->outputs["a"], "Two.");
}

TEST_F(PredictTest, OneFailureOfSeveralIsTheResult) {
  sampling_.n = 2;
  Make("q -> a");
  AnswerSection("a", "fine");
  model_->Answer(absl::UnavailableError("no route"));
  EXPECT_EQ(Forward(Json{{"q", "?"}}).status(), absl::UnavailableError("no route"));
}

TEST_F(PredictTest, WhatDoesNotParseIsAskedForOnceMoreAsJson) {
  json_fallback_ = true;
  format_ = Layout::Format::kJsonObject;
  record_.keep_trace = true;
  Make("q -> a, n: int");
  model_->Answer("nothing of use");
  model_->Answer(R"({"a": "x", "n": 7})");
  const auto outputs = Forward(Json{{"q", "?"}});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ(outputs->dump(), R"({"a":"x","n":7})");
  ASSERT_EQ(model_->requests.size(), 2u);
  EXPECT_EQ(model_->requests[0].options->response_format.kind, lm::ResponseFormat::Kind::kText);
  EXPECT_EQ(model_->requests[1].options->response_format.kind, lm::ResponseFormat::Kind::kJsonObject);
  // The trace tells of both, and why there was a second.
  ASSERT_EQ(record_.trace.size(), 3u);
  EXPECT_EQ(record_.trace[0].name, "lm");
  EXPECT_EQ(record_.trace[0].usage.lm_calls, 1);
  EXPECT_EQ(record_.trace[1].name, "json_fallback");
  EXPECT_THAT(record_.trace[1].reason, HasSubstr("'a'"));
  EXPECT_EQ(record_.trace[2].name, "lm");
  EXPECT_EQ(record_.trace[2].parent, 1);
  EXPECT_EQ(record_.trace[2].usage.lm_calls, 1);
  EXPECT_EQ(record_.trace[2].completion, R"({"a": "x", "n": 7})");
}

TEST_F(PredictTest, TheFallbackIsTheLastTry) {
  json_fallback_ = true;
  Make("q -> a");
  model_->Answer("nothing of use");
  model_->Answer("nor this");
  EXPECT_EQ(ErrorReason(Forward(Json{{"q", "?"}}).status()), "COMPLETION_UNPARSABLE");
  EXPECT_EQ(model_->requests.size(), 2u);
}

TEST_F(PredictTest, OnlyWhatDoesNotParseFallsBack) {
  json_fallback_ = true;
  Make("q -> a");
  model_->Answer(absl::UnavailableError("no route"));
  EXPECT_EQ(Forward(Json{{"q", "?"}}).status(), absl::UnavailableError("no route"));
  kind_ = AdapterKind::kJson;
  Make("q -> a");
  model_->Answer("no JSON");
  EXPECT_EQ(ErrorReason(Forward(Json{{"q", "?"}}).status()), "COMPLETION_UNPARSABLE");
  EXPECT_EQ(model_->requests.size(), 2u);
}

lm::Response Calling(std::string text, std::string arguments) {
  lm::Response response;
  response.completions.push_back({.text = std::move(text), .tool_calls = {{"c1", "f", std::move(arguments)}}});
  return response;
}

TEST_F(PredictTest, ToolCallsCountThoughTheirFieldWasAskedForAsText) {
  json_fallback_ = true;
  Make("q -> n: int, calls: dspy.ToolCalls");
  for (const char* text : {"", "no section"}) model_->Answer(Calling(text, R"({"x": 1})"));
  for (int i = 0; i < 2; ++i) {
    const auto outputs = Forward(Json{{"q", "?"}});
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    EXPECT_EQ(outputs->dump(), R"({"n":null,"calls":{"tool_calls":[{"name":"f","args":{"x":1}}]}})");
  }
  EXPECT_EQ(model_->requests.size(), 2u) << "nothing fell back";
}

TEST_F(PredictTest, ArgumentsOfToolCallsAreAnObject) {
  Make("q -> calls: dspy.ToolCalls");
  const std::pair<const char*, const char*> cases[] = {
      {"", "{}"}, {R"({"a": )", R"({"partial_json":"{\"a\": "})"}, {"[1]", R"({"value":[1]})"}};
  for (const auto& [sent, read] : cases) {
    model_->Answer(Calling("", sent));
    const auto outputs = Forward(Json{{"q", "?"}});
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    EXPECT_EQ((*outputs)["calls"]["tool_calls"][0]["args"].dump(), read);
  }
}

TEST_F(PredictTest, ReasoningThatIsGivenApartCounts) {
  Make("q -> thoughts: dspy.Reasoning, n: int");
  lm::Response response;
  response.completions.push_back({.text = "[[ ## thoughts ## ]]\nin the text\n[[ ## n ## ]]\n7", .reasoning = "apart"});
  model_->Answer(std::move(response));
  const auto outputs = Forward(Json{{"q", "?"}});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ(outputs->dump(), R"({"thoughts":"apart","n":7})");
}

TEST_F(PredictTest, TwoStepsAskTwoModels) {
  kind_ = AdapterKind::kTwoStep;
  const auto extractor = std::make_shared<FakeLanguageModel>();
  extraction_ = NamedModel{"fake/extractor", std::shared_ptr<lm::LanguageModel>(extractor)};
  record_.keep_trace = true;
  Make("q -> n: int");
  model_->Answer("It is seven, I should say.");
  extractor->Answer("[[ ## n ## ]]\n7");
  const auto outputs = Forward(Json{{"q", "?"}});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ(outputs->dump(), R"({"n":7})");
  ASSERT_EQ(extractor->requests.size(), 1u);
  EXPECT_THAT(std::get<lm::TextPart>(extractor->requests[0].turns[0].parts[0]).text,
              HasSubstr("It is seven, I should say."));
  EXPECT_EQ(record_.trace[1].name, "extraction");
}

TEST_F(PredictTest, TheExtractionHasSettingsOfItsOwn) {
  kind_ = AdapterKind::kTwoStep;
  const auto extractor = std::make_shared<FakeLanguageModel>();
  extraction_ = NamedModel{"fake/extractor", std::shared_ptr<lm::LanguageModel>(extractor)};
  extraction_sampling_.options.temperature = 0.25;
  Make("q -> n: int");
  model_->Answer("It is seven.");
  extractor->Answer("[[ ## n ## ]]\n7");
  ASSERT_TRUE(Forward(Json{{"q", "?"}}).ok());
  EXPECT_FALSE(model_->requests[0].options->temperature.has_value());
  EXPECT_EQ(extractor->requests[0].options->temperature, 0.25);
}

TEST_F(PredictTest, TwoStepsExtractOnlyFromAText) {
  kind_ = AdapterKind::kTwoStep;
  const auto extractor = std::make_shared<FakeLanguageModel>();
  extraction_ = NamedModel{"fake/extractor", std::shared_ptr<lm::LanguageModel>(extractor)};
  Make("q -> n: int, calls: dspy.ToolCalls");
  model_->Answer("");
  EXPECT_EQ(ErrorMetadata(Forward(Json{{"q", "?"}}).status(), "problem"), "no_completion");
  model_->Answer(Calling("", "{}"));
  EXPECT_EQ(Forward(Json{{"q", "?"}})->dump(), R"({"n":null,"calls":{"tool_calls":[{"name":"f","args":{}}]}})");
  model_->Answer("<<CUSTOM-TYPE-START-IDENTIFIER>>[]<<CUSTOM-TYPE-END-IDENTIFIER>>");
  EXPECT_EQ(ErrorReason(Forward(Json{{"q", "?"}}).status()), "COMPLETION_UNPARSABLE");
  EXPECT_TRUE(extractor->requests.empty());
  // Beside calls the text is read, and need not parse.
  model_->Answer(Calling("seven", "{}"));
  for (int i = 0; i < 2; ++i) extractor->Answer("no section");
  EXPECT_TRUE(Forward(Json{{"q", "?"}}).ok());
  EXPECT_EQ(extractor->requests.size(), 2u);
}

TEST_F(PredictTest, AsDspyDoesInputsAreTakenAsGiven) {
  enforced_ = false;
  Make("q, n: int -> a");
  AnswerSection("a", "x");
  const auto prediction = Ask(Json{{"n", "many"}, {"other", 1}});
  ASSERT_TRUE(prediction.ok()) << prediction.status();
  EXPECT_THAT(std::get<lm::TextPart>(model_->requests[0].turns[0].parts[0]).text, HasSubstr("many"));
  EXPECT_EQ(prediction->warnings.size(), 2u) << "one for the missing input, one for the unknown";
}

TEST_F(PredictTest, ConstraintsHoldWhereTheyAreEnforced) {
  Signature signature = Signature::FromString("n: int -> m: int").value();
  Field m = *signature.FindOutput("m");
  m.constraints.push_back({"le", std::make_shared<const Json>(5)});
  signature = signature.Replace(m);
  Make(signature);
  AnswerSection("m", "7");
  const absl::Status broken = Forward(Json{{"n", 1}}).status();
  EXPECT_EQ(ErrorReason(broken), "COMPLETION_UNPARSABLE");
  EXPECT_EQ(ErrorMetadata(broken, "problem"), "constraint");
  EXPECT_EQ(ErrorMetadata(broken, "rule"), "le");
  kind_ = AdapterKind::kTwoStep;
  extraction_ = NamedModel{"fake/model", language_model_};
  Make(signature);
  EXPECT_EQ(ErrorMetadata(predict_->Parse("[[ ## m ## ]]\n7").status(), "problem"), "constraint");
  kind_ = AdapterKind::kChat;
  enforced_ = false;
  Make(signature);
  AnswerSection("m", "7");
  EXPECT_TRUE(Forward(Json{{"n", 1}}).ok());
}

TEST_F(PredictTest, AMarkerOfDspysBlocksIsRefused) {
  Make("q -> a");
  const std::string marked = "<<CUSTOM-TYPE-START-IDENTIFIER>>[]<<CUSTOM-TYPE-END-IDENTIFIER>>";
  EXPECT_EQ(ErrorReason(Forward(Json{{"q", marked}}).status()), "INVALID_VALUE");
  EXPECT_TRUE(model_->requests.empty());
}

TEST(CoerceDemoTest, TakesFieldsInTheSignaturesOrderAndCoercesThem) {
  const Signature signature = Signature::FromString("q, n: int -> a: float, b: bool").value();
  EXPECT_EQ(CoerceDemo(signature, Json{{"a", 5}, {"n", "7"}, {"b", nullptr}})->dump(), R"({"n":7,"a":5.0,"b":null})");
}

TEST(CoerceDemoTest, RefusesWhatDoesNotBelong) {
  const Signature signature = Signature::FromString("q -> a: list[int]").value();
  const absl::Status unknown = CoerceDemo(signature, Json{{"q", "x"}, {"c", 1}}).status();
  EXPECT_EQ(ErrorReason(unknown), "UNKNOWN_FIELD");
  EXPECT_EQ(ErrorMetadata(unknown, "field"), "c");
  const absl::Status wrong = CoerceDemo(signature, Json{{"q", "x"}, {"a", {1, "no"}}}).status();
  EXPECT_EQ(ErrorReason(wrong), "INVALID_VALUE");
  EXPECT_EQ(ErrorMetadata(wrong, "field"), "a");
  EXPECT_EQ(ErrorReason(CoerceDemo(signature, Json::array()).status()), "INVALID_VALUE");
}

}  // namespace
}  // namespace dspex
