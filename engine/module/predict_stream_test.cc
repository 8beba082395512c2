// What a module tells of its answer while it comes.

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/module/event.h"
#include "engine/module/fake_language_model.h"
#include "engine/module/predict.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Events as a person reads them; pieces of a text that follow each other are one.
class Events final : public EventSink {
 public:
  StatusTask Emit(Event event) override {
    EXPECT_EQ(event.module, "qa");
    if (left == 0) co_return absl::CancelledError("gone");
    --left;
    std::visit([this](const auto& what) { Note(what); }, event.what);
    co_return absl::OkStatus();
  }

  std::vector<std::string> seen;
  // How many events it takes.
  int left = 1000;

 private:
  void Note(const FieldStarted& event) { seen.push_back(absl::StrCat(event.field, " starts")); }
  void Note(const FieldDelta& event) {
    const std::string head = absl::StrCat(event.field, " text ");
    if (seen.empty() || seen.back().compare(0, head.size(), head) != 0) seen.push_back(head);
    seen.back() += event.text;
  }
  void Note(const FieldPart& event) {
    seen.push_back(absl::StrCat(event.field, " part ", event.key, event.value.dump()));
  }
  void Note(const FieldCompleted& event) { seen.push_back(absl::StrCat(event.field, " is ", event.value.dump())); }
  void Note(const ToolCallDelta& event) {
    seen.push_back(absl::StrCat("tool ", event.index, " ", event.id, " ", event.name, event.arguments));
  }
  void Note(const StatusUpdate& event) {
    seen.push_back(event.kind == StatusUpdate::Kind::kCalling ? absl::StrCat("calls ", event.detail) : "falls back");
  }
  void Note(const Interrupted& event) { seen.push_back(absl::StrCat("interrupted ", event.outputs.dump())); }
};

class PredictStreamTest : public ::testing::Test {
 protected:
  absl::StatusOr<Json> Ask(absl::string_view signature, Json inputs = Json{{"q", "?"}}) {
    settings_.signature = Signature::FromString(signature).value();
    settings_.language_model = {"fake/model", std::shared_ptr<lm::LanguageModel>(model_)};
    const std::unique_ptr<const Module> predict = MakePredict(std::move(settings_)).value();
    RequestContext context(record_, kNoDeadline);
    context.set_events(&events_);
    absl::StatusOr<Prediction> prediction = RunTask(predict->Forward(context, std::move(inputs), {}));
    if (!prediction.ok()) return prediction.status();
    return std::move(prediction->outputs);
  }

  std::shared_ptr<FakeLanguageModel> model_ = std::make_shared<FakeLanguageModel>();
  PredictSettings settings_{.id = "qa",
                            .signature = Signature::FromString("q -> a").value(),
                            .demos = {},
                            .sampling = {},
                            .language_model = {}};
  RequestRecord record_;
  Events events_;
};

TEST_F(PredictStreamTest, TextsAsTheyComeAndTypedValues) {
  model_->Answer(
      "[[ ## a ## ]]\nlong\n  text \n\n[[ ## n ## ]]\n[1, 2]\n\n[[ ## b ## ]]\nlast\n\n[[ ## completed ## ]]");
  EXPECT_EQ(Ask("q -> a, n: list[float], b").value().dump(), R"({"a":"long\n  text","n":[1.0,2.0],"b":"last"})");
  EXPECT_THAT(events_.seen,
              ElementsAre("calls fake/model", "a starts", "a text long\n  text", R"(a is "long\n  text")", "n starts",
                          "n part 1.0", "n part 2.0", "n is [1.0,2.0]", "b starts", "b text last", R"(b is "last")"));
}

TEST_F(PredictStreamTest, AnAnswerThatNeedsMendingBeginsAgain) {
  settings_.adapter.kind = AdapterKind::kJson;
  model_->Answer(R"({"a": "say "hi" to me", "b": "x"})");
  const Json outputs = Ask("q -> a, b").value();
  EXPECT_EQ(outputs["b"], "x");
  ASSERT_THAT(events_.seen, ::testing::Contains("a starts").Times(2));
  EXPECT_THAT(events_.seen, ::testing::Contains(absl::StrCat("a is ", outputs["a"].dump())));
  EXPECT_THAT(events_.seen, ::testing::Contains(absl::StrCat("a text ", outputs["a"].get<std::string>())));
  EXPECT_EQ(events_.seen.back(), R"(b is "x")");
}

TEST_F(PredictStreamTest, WhatHasNoFieldsYetFallsBackToJson) {
  model_->Answer("I would say blue.");
  model_->Answer(R"({"a": "blue"})");
  EXPECT_EQ(Ask("q -> a").value().dump(), R"({"a":"blue"})");
  EXPECT_THAT(events_.seen, ElementsAre("calls fake/model", "falls back", "calls fake/model", "a starts", "a text blue",
                                        R"(a is "blue")"));
}

TEST_F(PredictStreamTest, WhatWasToldOfIsNotTakenBack) {
  model_->Answer("[[ ## a ## ]]\nblue\n\n[[ ## n ## ]]\nmany");
  const absl::Status status = Ask("q -> a, n: int").status();
  EXPECT_EQ(ErrorReason(status), "COMPLETION_UNPARSABLE");
  EXPECT_EQ(model_->requests.size(), 1u);
  EXPECT_THAT(events_.seen, ElementsAre("calls fake/model", "a starts", "a text blue", R"(a is "blue")", "n starts",
                                        R"(interrupted {"a":"blue"})"));
}

TEST_F(PredictStreamTest, AStreamThatBreaksLeavesWhatThereWas) {
  model_->before_error.text = "[[ ## a ## ]]\nall that ca";
  model_->Answer(absl::UnavailableError("broke"));
  EXPECT_EQ(Ask("q -> a").status(), absl::UnavailableError("broke"));
  EXPECT_THAT(events_.seen,
              ElementsAre("calls fake/model", "a starts", "a text all that ca", R"(interrupted {"a":"all that ca"})"));
}

TEST_F(PredictStreamTest, AReceiverThatIsGoneEndsTheCall) {
  events_.left = 2;
  model_->Answer("[[ ## a ## ]]\nlong text");
  EXPECT_EQ(Ask("q -> a").status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(events_.seen, ElementsAre("calls fake/model", "a starts"));
}

TEST_F(PredictStreamTest, ToolCallsAsTheyCome) {
  lm::Response response;
  response.completions.push_back({.text = "", .tool_calls = {{"id1", "search", R"({"x": 1})"}}});
  model_->Answer(std::move(response));
  const auto outputs = Ask("q, tools: list[dspy.Tool] -> calls: dspy.ToolCalls",
                           Json{{"q", "?"}, {"tools", Json::array({Json{{"name", "search"}}})}});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  ASSERT_EQ(events_.seen.size(), 4u);
  EXPECT_EQ(events_.seen[1], R"(tool 0 id1 search{"x": 1})");
  EXPECT_EQ(events_.seen[3], absl::StrCat("calls is ", (*outputs)["calls"].dump()));
}

TEST_F(PredictStreamTest, TwoStepsTellOfTheSecond) {
  settings_.adapter.kind = AdapterKind::kTwoStep;
  settings_.extraction = NamedModel{"fake/model", std::shared_ptr<lm::LanguageModel>(model_)};
  model_->Answer("It is blue.");
  model_->Answer("[[ ## a ## ]]\nblue\n\n[[ ## completed ## ]]");
  EXPECT_EQ(Ask("q -> a").value().dump(), R"({"a":"blue"})");
  EXPECT_THAT(events_.seen,
              ElementsAre("calls fake/model", "calls fake/model", "a starts", "a text blue", R"(a is "blue")"));
}

TEST_F(PredictStreamTest, OfSeveralAnswersTheChosenOneIsToldOf) {
  settings_.sampling.n = 3;
  settings_.majority_field = "a";
  for (const char* answer : {"red", "blue", "blue"}) model_->Answer(absl::StrCat("[[ ## a ## ]]\n", answer));
  EXPECT_EQ(Ask("q -> a").value().dump(), R"({"a":"blue"})");
  EXPECT_THAT(events_.seen, ElementsAre("calls fake/model", "a starts", "a text blue", R"(a is "blue")"));
}

}  // namespace
}  // namespace dspex
