#include "engine/metric/make_metric.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "dspex/v1/metric.pb.h"
#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/module/fake_language_model.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace dspex {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class MakeMetricTest : public ::testing::Test {
 protected:
  MakeMetricTest() {
    program_.set_lm("fake/program");
    program_.add_modules()->set_id("qa");
    environment_.program = &program_;
    environment_.outputs = {"reasoning", "answer"};
    environment_.judges.language_models = &models_;
    environment_.judge_lm = "fake/model";
  }

  absl::StatusOr<std::shared_ptr<const Metric>> Make(const std::string& text) {
    v1::Metric definition;
    if (!google::protobuf::TextFormat::ParseFromString(text, &definition)) return absl::UnknownError("no proto");
    return MakeMetric(definition, environment_);
  }

  absl::StatusOr<Score> Evaluate(const std::string& text, Json example, Json outputs,
                                 const ModuleTrace* trace = nullptr) {
    const auto metric = Make(text);
    if (!metric.ok()) return metric.status();
    const Example whole{"1", std::move(example)};
    Prediction prediction;
    prediction.outputs = std::move(outputs);
    RequestRecord record;
    return RunTask((*metric)->Evaluate(RequestContext(record, kNoDeadline), Scored{whole, prediction, trace}));
  }

  double ValueOf(const std::string& text, Json example, Json outputs) {
    const auto score = Evaluate(text, std::move(example), std::move(outputs));
    EXPECT_TRUE(score.ok()) << score.status();
    return score.ok() ? score->value : -1;
  }

  // The path of a definition's error.
  std::string PathOf(const std::string& text) {
    const auto metric = Make(text);
    if (metric.ok()) return "no error";
    const google::rpc::Status status = ToRpcStatus(metric.status());
    google::rpc::BadRequest bad;
    for (const auto& detail : status.details()) {
      if (detail.UnpackTo(&bad) && !bad.field_violations().empty()) return bad.field_violations(0).field();
    }
    return absl::StrCat("no path: ", metric.status().message());
  }

  v1::Program program_;
  FakeLanguageModels models_;
  MetricEnvironment environment_;
};

TEST_F(MakeMetricTest, ExactMatch) {
  EXPECT_EQ(ValueOf("exact_match {}", {{"answer", "The Eiffel Tower!"}}, {{"answer", "eiffel tower"}}), 1);
  EXPECT_EQ(ValueOf("exact_match {}", {{"answer", {"Rome", "Paris"}}}, {{"answer", "paris"}}), 1);
  EXPECT_EQ(ValueOf("exact_match { fraction: 0.5 }", {{"answer", "a b c"}}, {{"answer", "c b x"}}), 1);
  EXPECT_EQ(ValueOf("exact_match { fraction: 0.9 }", {{"answer", "p b c"}}, {{"answer", "c b x"}}), 0);
  const auto score = Evaluate("exact_match {}", {{"answer", {"Rome", "Paris"}}}, {{"answer", "Oslo"}});
  EXPECT_EQ(score->feedback, "'answer' should be \"Rome\" or one of 1 more");
}

TEST_F(MakeMetricTest, FieldsAreFoundOrNamed) {
  environment_.outputs = {"reasoning", "city"};
  EXPECT_EQ(ValueOf("exact_match {}", {{"city", "Rome"}}, {{"city", "rome"}}), 1);
  EXPECT_EQ(ValueOf("exact_match { expected: 'gold' }", {{"gold", "Rome"}}, {{"city", "rome"}}), 1);
  EXPECT_EQ(PathOf("exact_match { field: 'town' }"), "exact_match.field");
  environment_.outputs = {"city", "country"};
  EXPECT_EQ(PathOf("f1 {}"), "f1.field");
  EXPECT_EQ(PathOf("json_equality { fields: ['city', 'x'] }"), "json_equality.fields[1]");
  EXPECT_EQ(PathOf("passage_match {}"), "passage_match.field");
}

TEST_F(MakeMetricTest, WhatHasNoScoreFailsTyped) {
  const auto expect = [](const absl::StatusOr<Score>& score, const std::string& field, const std::string& said) {
    ASSERT_FALSE(score.ok());
    EXPECT_EQ(score.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ErrorReason(score.status()), reason::kMetricFailed);
    EXPECT_EQ(ErrorMetadata(score.status(), "field"), field);
    EXPECT_THAT(std::string(score.status().message()), HasSubstr(said));
  };
  expect(Evaluate("exact_match {}", {{"x", 1}}, {{"answer", "a"}}), "answer", "The example has no 'answer'");
  expect(Evaluate("exact_match {}", {{"answer", "a"}}, Json::object()), "answer", "The prediction has no 'answer'");
  expect(Evaluate("f1 {}", {{"answer", "a"}}, {{"answer", nullptr}}), "answer", "is null");
  expect(Evaluate("f1 {}", {{"answer", 5}}, {{"answer", "a"}}), "answer", "is a number");
  expect(Evaluate("f1 {}", {{"answer", Json::array()}}, {{"answer", "a"}}), "answer", "empty list");
  expect(Evaluate("numeric {}", {{"answer", "five"}}, {{"answer", 5}}), "answer", "no finite number");
  expect(Evaluate("json_equality {}", {{"q", 1}}, {{"answer", 5}}), "", "none of the program's outputs");
}

TEST_F(MakeMetricTest, F1) {
  EXPECT_DOUBLE_EQ(ValueOf("f1 {}", {{"answer", "Paris"}}, {{"answer", "Eiffel Tower is in Paris"}}), 1.0 / 3);
  EXPECT_EQ(ValueOf("f1 {}", {{"answer", ""}}, {{"answer", ""}}), 0);
  EXPECT_EQ(ValueOf("f1 {}", {{"answer", {"x", "b b c"}}}, {{"answer", "c b b"}}), 1);
}

TEST_F(MakeMetricTest, PassageMatch) {
  environment_.outputs = {"context"};
  const Json passages{{"context", {"The Eiffel Tower is in Paris.", "Rome"}}};
  EXPECT_EQ(ValueOf("passage_match {}", {{"answer", "Eiffel Tower"}}, passages), 1);
  EXPECT_EQ(ValueOf("passage_match {}", {{"answer", {"Oslo", "rome"}}}, passages), 1);
  EXPECT_EQ(ValueOf("passage_match {}", {{"answer", "Tower Eiffel"}}, passages), 0);
  EXPECT_EQ(ValueOf("passage_match {}", {{"answer", "owe"}}, passages), 0);
  EXPECT_EQ(ValueOf("passage_match {}", {{"answer", "!"}}, passages), 1);
  EXPECT_EQ(ValueOf("passage_match {}", {{"answer", "a"}}, {{"context", Json::array()}}), 0);
  EXPECT_EQ(ErrorMetadata(Evaluate("passage_match {}", {{"answer", "a"}}, {{"context", "a"}}).status(), "field"),
            "context");
}

TEST_F(MakeMetricTest, Contains) {
  EXPECT_EQ(ValueOf("contains {}", {{"answer", "STRASSE"}}, {{"answer", "In der Straße."}}), 1);
  EXPECT_EQ(ValueOf("contains { case_sensitive: true }", {{"answer", "Der"}}, {{"answer", "In der Straße."}}), 0);
  EXPECT_EQ(ValueOf("contains {}", {{"answer", {"in", "der"}}}, {{"answer", "In der Straße."}}), 1);
  EXPECT_EQ(ValueOf("contains {}", {{"answer", {"in", "die"}}}, {{"answer", "In der Straße."}}), 0);
}

TEST_F(MakeMetricTest, ComparisonsOfLongTextsAreLinear) {
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += "x ";
  EXPECT_EQ(ValueOf("contains {}", {{"answer", text.substr(0, 300'000) + "y"}}, {{"answer", text}}), 0);
  EXPECT_EQ(ValueOf("f1 {}", {{"answer", text}}, {{"answer", text}}), 1);
  environment_.outputs = {"context"};
  EXPECT_EQ(ValueOf("passage_match {}", {{"answer", text.substr(0, 300'000) + "y"}}, {{"context", {text}}}), 0);
}

TEST_F(MakeMetricTest, Numeric) {
  EXPECT_EQ(ValueOf("numeric {}", {{"answer", 5}}, {{"answer", " 5.0 "}}), 1);
  EXPECT_EQ(ValueOf("numeric {}", {{"answer", 5}}, {{"answer", "5 apples"}}), 0);
  EXPECT_EQ(ValueOf("numeric {}", {{"answer", 5}}, {{"answer", "nan"}}), 0);
  EXPECT_EQ(ValueOf("numeric {}", {{"answer", 5}}, {{"answer", true}}), 0);
  EXPECT_EQ(ValueOf("numeric { absolute_tolerance: 0.1 }", {{"answer", 5}}, {{"answer", 5.05}}), 1);
  EXPECT_EQ(ValueOf("numeric { relative_tolerance: 0.01 }", {{"answer", -200}}, {{"answer", -201.9}}), 1);
  EXPECT_EQ(ValueOf("numeric { relative_tolerance: 0.01 }", {{"answer", -200}}, {{"answer", -202.1}}), 0);
  EXPECT_EQ(ValueOf("numeric {}", {{"answer", 9007199254740993}}, {{"answer", 9007199254740992}}), 0);
  EXPECT_EQ(PathOf("numeric { absolute_tolerance: -1 }"), "numeric.absolute_tolerance");
  EXPECT_EQ(PathOf("numeric { relative_tolerance: nan }"), "numeric.relative_tolerance");
}

TEST_F(MakeMetricTest, JsonEquality) {
  environment_.outputs = {"answer", "more"};
  const Json value{{"a", 5}, {"b", {1, nullptr}}};
  const Json same{{"b", {1.0, nullptr}}, {"a", 5.0}};
  EXPECT_EQ(ValueOf("json_equality {}", {{"answer", value}}, {{"answer", same}, {"more", 1}}), 1);
  EXPECT_EQ(ValueOf("json_equality {}", {{"answer", {1, 2}}}, {{"answer", {2, 1}}}), 0);
  EXPECT_EQ(ValueOf("json_equality {}", {{"answer", "5"}}, {{"answer", 5}}), 0);
  EXPECT_EQ(ValueOf("json_equality {}", {{"answer", -1}}, {{"answer", 18446744073709551615U}}), 0);
  const auto score = Evaluate("json_equality {}", {{"answer", 1}, {"more", 2}}, {{"answer", 1}, {"more", 3}});
  EXPECT_EQ(score->value, 0);
  EXPECT_EQ(score->feedback, "not as expected: more");
  EXPECT_FALSE(Evaluate("json_equality { fields: 'more' }", {{"answer", 1}}, {{"answer", 1}, {"more", 3}}).ok());
}

TEST_F(MakeMetricTest, WeightsAndThresholds) {
  const std::string parts =
      "weighted { metrics { metric { f1 {} } weight: 3 name: 'words' } metrics { metric { exact_match {} } } }";
  const Json example{{"answer", "Paris"}};
  const Json outputs{{"answer", "Eiffel Tower is in Paris"}};
  const auto score = Evaluate(parts, example, outputs);
  ASSERT_TRUE(score.ok()) << score.status();
  EXPECT_DOUBLE_EQ(score->value, 0.25);
  EXPECT_THAT(score->feedback, StartsWith("words 0.333333: 'answer' should be"));
  EXPECT_THAT(score->feedback, HasSubstr("\nexact_match 0: "));
  EXPECT_EQ(ValueOf(parts + " threshold: 0.25", example, outputs), 1);
  EXPECT_EQ(ValueOf(parts + " threshold: 0.26", example, outputs), 0);
  EXPECT_EQ(ValueOf("f1 {} threshold: 0.3", example, outputs), 1);

  EXPECT_EQ(PathOf("weighted {}"), "weighted.metrics");
  EXPECT_EQ(PathOf("weighted { metrics { metric { f1 {} } weight: -1 } }"), "weighted.metrics[0].weight");
  EXPECT_EQ(PathOf("weighted { metrics { metric { f1 {} } } metrics { metric { lua { script: 'return (' } } } }"),
            "weighted.metrics[1].metric.lua.script");
  EXPECT_EQ(PathOf("f1 {} threshold: nan"), "threshold");
  EXPECT_EQ(PathOf(""), "exact_match");
  std::string deep = "f1 {}";
  for (int i = 0; i < 9; ++i) deep = "weighted { metrics { metric { " + deep + " } } }";
  EXPECT_THAT(PathOf(deep), testing::EndsWith("weighted.metrics"));
  std::string many;
  for (int i = 0; i < 64; ++i) many += "metrics { metric { f1 {} } } ";
  EXPECT_FALSE(Make("weighted { " + many + "}").ok());
}

TEST_F(MakeMetricTest, Judge) {
  models_.model->Answer("[[ ## score ## ]]\n0.75\n\n[[ ## feedback ## ]]\nNearly.\n\n[[ ## completed ## ]]");
  const std::string judge =
      "judge { module { predict { signature: 'question, example_answer, answer -> score: float, feedback' } } }";
  const auto score = Evaluate(judge, {{"question", "Where?"}, {"answer", "Rome"}}, {{"answer", "Roma"}});
  ASSERT_TRUE(score.ok()) << score.status();
  EXPECT_EQ(score->value, 0.75);
  EXPECT_EQ(score->feedback, "Nearly.");
  ASSERT_EQ(models_.model->requests.size(), 1U);
  EXPECT_THAT(std::get<lm::TextPart>(models_.model->requests[0].turns[0].parts[0]).text,
              StartsWith("[[ ## question ## ]]\nWhere?\n\n[[ ## example_answer ## ]]\nRome\n\n"
                         "[[ ## answer ## ]]\nRoma\n\n"));
}

TEST_F(MakeMetricTest, JudgesScoresAreNumbers) {
  const std::string judge = "judge { module { predict { signature: 'answer -> score: float' } } }";
  models_.model->Answer("[[ ## score ## ]]\nnan\n\n[[ ## completed ## ]]");
  const auto score = Evaluate(judge, Json::object(), {{"answer", "Roma"}});
  EXPECT_EQ(ErrorReason(score.status()), reason::kMetricFailed) << score.status();
  EXPECT_EQ(ErrorMetadata(score.status(), "score"), "NaN");
  models_.model->Answer("[[ ## ok ## ]]\nTrue\n\n[[ ## completed ## ]]");
  EXPECT_EQ(ValueOf("judge { score: 'ok' module { predict { signature: 'answer -> ok: bool' } } }", Json::object(),
                    {{"answer", "Roma"}}),
            1);
  // Errors of the model stay what they are.
  models_.model->Answer(absl::StatusOr<lm::Response>(
      Error(absl::StatusCode::kResourceExhausted, reason::kProviderRateLimited, "Too many.")));
  EXPECT_EQ(ErrorReason(Evaluate(judge, Json::object(), {{"answer", "Roma"}}).status()), reason::kProviderRateLimited);
}

TEST_F(MakeMetricTest, JudgesAreChecked) {
  EXPECT_EQ(PathOf("judge {}"), "judge.module");
  EXPECT_EQ(PathOf("judge { module { predict { signature: 'a ->' } } }"), "judge.module.predict.signature");
  EXPECT_EQ(PathOf("judge { module { predict { signature: 'a' } } }"), "judge.module.predict.signature");
  EXPECT_EQ(PathOf("judge { module { predict { signature: 'a -> score' } } }"), "judge.score");
  EXPECT_EQ(PathOf("judge { module { predict { signature: 'prediction_x -> score: float' } } }"), "judge.module");
  EXPECT_EQ(PathOf("judge { feedback: 'why' module { predict { signature: 'a -> score: float' } } }"),
            "judge.feedback");
}

TEST_F(MakeMetricTest, SemanticF1) {
  environment_.outputs = {"response"};
  const Json example{{"question", "Where?"}, {"response", "Rome"}};
  const Json outputs{{"response", "Roma"}};
  const char* completion =
      "[[ ## reasoning ## ]]\nThe same.\n\n[[ ## recall ## ]]\n0.5\n\n[[ ## precision ## ]]\n1.5\n\n"
      "[[ ## completed ## ]]";
  models_.model->Answer(completion);
  const auto score = Evaluate("semantic_f1 {}", example, outputs);
  ASSERT_TRUE(score.ok()) << score.status();
  EXPECT_EQ(score->value, 2 * (1.0 * 0.5) / 1.5);
  EXPECT_EQ(score->feedback, "The same.");
  EXPECT_THAT(std::get<lm::TextPart>(models_.model->requests[0].prefix->messages()[0].parts[0]).text,
              HasSubstr("`recall` (float): share of the true answer"));

  const ModuleTrace trace;
  models_.model->Answer(completion);
  EXPECT_EQ(Evaluate("semantic_f1 {}", example, outputs, &trace)->value, 1);
  models_.model->Answer(completion);
  EXPECT_EQ(Evaluate("semantic_f1 { threshold: 0.7 }", example, outputs, &trace)->value, 0);

  models_.model->Answer(
      "[[ ## reasoning ## ]]\n-\n\n[[ ## ground_truth_key_ideas ## ]]\n-\n\n[[ ## system_response_key_ideas ## "
      "]]\n-\n\n"
      "[[ ## discussion ## ]]\n-\n\n[[ ## recall ## ]]\n0\n\n[[ ## precision ## ]]\n0\n\n[[ ## completed ## ]]");
  EXPECT_EQ(ValueOf("semantic_f1 { decompositional: true }", example, outputs), 0);
}

TEST_F(MakeMetricTest, Lua) {
  const auto lua = [](const std::string& script) {
    v1::Metric metric;
    metric.mutable_lua()->set_script(script);
    std::string text;
    google::protobuf::TextFormat::PrintToString(metric, &text);
    return text;
  };
  const Json example{{"answer", {"The Rome", "Roma"}}};
  const Json outputs{{"answer", "rome!"}};
  EXPECT_EQ(ValueOf(lua("EM(prediction.answer, example.answer)"), example, outputs), 1);
  EXPECT_EQ(ValueOf(lua("F1(prediction.answer, 'rome x')"), example, outputs), 2.0 / 3);
  EXPECT_EQ(ValueOf(lua("#normalize_text(prediction.answer)"), example, outputs), 4);
  const auto score = Evaluate(lua("return 0.5, 'half ' .. prediction.answer"), example, outputs);
  EXPECT_EQ(score->value, 0.5);
  EXPECT_EQ(score->feedback, "half rome!");

  ModuleTrace trace;
  trace.calls.push_back({0, {{"question", "Where?"}}, {{"answer", "rome!"}}});
  EXPECT_EQ(
      Evaluate(lua("trace ~= nil and trace[1].module == 'qa' and #trace[1].inputs.question"), example, outputs, &trace)
          ->value,
      6);
  EXPECT_EQ(ValueOf(lua("trace == nil"), example, outputs), 1);

  const auto failure = [&](const std::string& script) {
    const auto result = Evaluate(lua(script), example, outputs);
    EXPECT_EQ(ErrorReason(result.status()), reason::kMetricFailed) << script;
    return std::string(result.status().message());
  };
  EXPECT_THAT(failure("0/0"), HasSubstr("The score is NaN"));
  EXPECT_THAT(failure("math.huge"), HasSubstr("The score is infinite"));
  EXPECT_THAT(failure("'1'"), HasSubstr("The script's score is a text"));
  EXPECT_THAT(failure("local x"), HasSubstr("score is nil"));
  EXPECT_THAT(failure("1, {}"), HasSubstr("feedback is a list"));
  EXPECT_THAT(failure("\nreturn prediction.answers.x"), HasSubstr("script:2: attempt to index a nil value"));
  EXPECT_THAT(failure("while true do end"), HasSubstr("more than 10000000 steps"));
  EXPECT_EQ(ErrorMetadata(Evaluate(lua("\n\nerror('x')"), example, outputs).status(), "line"), "3");
  EXPECT_EQ(PathOf("lua {}"), "lua.script");
}

}  // namespace
}  // namespace dspex
