#include "engine/module/predict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
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
    predict_ = MakePredict({
                               .id = "qa",
                               .signature = Signature::FromString(signature).value(),
                               .demos = std::move(demos),
                               .options = options_,
                               .lm_name = "fake/model",
                               .language_model = language_model_,
                               .adapter = MakeChatAdapter(),
                           })
                   .value();
  }

  absl::StatusOr<Json> Forward(Json inputs) {
    return RunTask(predict_->Forward(RequestContext(record_, deadline_), std::move(inputs)));
  }

  std::shared_ptr<FakeLanguageModel> model_ = std::make_shared<FakeLanguageModel>();
  absl::StatusOr<std::shared_ptr<lm::LanguageModel>> language_model_ = std::shared_ptr<lm::LanguageModel>(model_);
  lm::Options options_;
  RequestRecord record_;
  TimePoint deadline_ = kNoDeadline;
  std::unique_ptr<const Module> predict_;
};

TEST_F(PredictTest, AsksTheModelAndReadsItsAnswer) {
  options_.temperature = 0.5;
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

TEST_F(PredictTest, CountsUsageAndFillsTheTrace) {
  record_.keep_trace = true;
  Make("q -> a");
  model_->Answer("[[ ## a ## ]]\nx");
  ASSERT_TRUE(Forward(Json{{"q", "?"}}).ok());
  EXPECT_EQ(record_.usage.input_tokens, 11);
  EXPECT_EQ(record_.usage.output_tokens, 7);
  EXPECT_EQ(record_.usage.lm_calls, 1);
  ASSERT_EQ(record_.trace.size(), 1u);
  const TraceNode& node = record_.trace[0];
  EXPECT_EQ(node.name, "lm");
  EXPECT_EQ(node.parent, -1);
  EXPECT_EQ(node.model, "fake-2024");
  EXPECT_EQ(node.provider_request_id, "req-1");
  EXPECT_EQ(node.completion, "[[ ## a ## ]]\nx");
  EXPECT_EQ(node.usage.output_tokens, 7);
  EXPECT_GE(node.end, node.start);
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
  Make("q -> a");
  model_->Answer(absl::UnavailableError("no route"));
  EXPECT_EQ(Forward(Json{{"q", "?"}}).status(), absl::UnavailableError("no route"));
  EXPECT_EQ(record_.usage.lm_calls, 0);
}

TEST_F(PredictTest, CompletionThatDoesNotParseSaysHowItEnded) {
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
  // What was paid is counted all the same.
  EXPECT_EQ(record_.usage.lm_calls, 2);
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
  EXPECT_EQ(predict_->Render(Json{{"q", "?"}}).status(), language_model_.status());
  EXPECT_EQ(predict_->Parse("[[ ## a ## ]]\nx").value().dump(), R"({"a":"x"})");
}

TEST_F(PredictTest, RenderShowsWhatForwardWouldSend) {
  Make("q -> a", {{{"q", "demo"}, {"a", "shown"}}});
  const auto rendered = predict_->Render(Json{{"q", "live"}});
  ASSERT_TRUE(rendered.ok()) << rendered.status();
  EXPECT_THAT(rendered->body, HasSubstr("<user>\n[[ ## q ## ]]\ndemo\n<assistant>\n[[ ## a ## ]]\nshown\n"));
  EXPECT_THAT(rendered->body, HasSubstr("<user>\n[[ ## q ## ]]\nlive\n"));
  EXPECT_TRUE(model_->requests.empty());
  EXPECT_EQ(predict_->Render(Json::object()).status().code(), absl::StatusCode::kInvalidArgument);
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
