#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/module/fake_language_model.h"
#include "engine/module/module_trace.h"
#include "engine/program/program.h"
#include "google/rpc/error_details.pb.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::string_view kModules =
    "lm: 'fake/model' modules { id: 'find' predict { signature: 'question -> query' } } "
    "modules { id: 'answer' predict { signature: 'query, question -> answer, n: int' } } ";
constexpr absl::string_view kFirst = "steps { id: 's1' module: 'find' inputs { key: 'question' value: 'ask' } } ";
constexpr absl::string_view kSecond =
    "steps { id: 's2' module: 'answer' inputs { key: 'query' value: 's1.query' } inputs { key: 'question' value: 'ask' "
    "} } ";
constexpr absl::string_view kOutputs = "outputs { key: 'z' value: 's2.answer' } outputs { key: 'a' value: 's2.n' } ";

std::string ViolationPath(const absl::Status& status) {
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  google::rpc::BadRequest detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return "none";
  return detail.field_violations().empty() ? "none" : detail.field_violations(0).field();
}

class GraphTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<const Program>> Create(const std::string& text) {
    v1::Program program;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &program)) << text;
    return Program::Create(program, environment_);
  }

  std::shared_ptr<const Program> TwoHop() {
    auto program = Create(absl::StrCat(kModules, kFirst, kSecond, kOutputs));
    EXPECT_TRUE(program.ok()) << program.status();
    return *std::move(program);
  }

  absl::StatusOr<Prediction> Forward(const Program& program, Json inputs) {
    return RunTask(program.Forward(RequestContext(record_, kNoDeadline), std::move(inputs), unchanged_));
  }

  void ExpectInvalid(const std::string& text, const std::string& path, const std::string& said) {
    SCOPED_TRACE(text);
    const absl::Status status = Create(text).status();
    EXPECT_EQ(ErrorReason(status), "INVALID_PROGRAM") << status;
    EXPECT_EQ(ViolationPath(status), path);
    EXPECT_THAT(std::string(status.message()), HasSubstr(said));
  }

  FakeLanguageModels models_;
  ProgramEnvironment environment_{.language_models = &models_, .default_lm = ""};
  RequestRecord record_;
  const Sampling unchanged_;
};

TEST_F(GraphTest, RunsStepsInTheOrderOfTheirNeeds) {
  // The definition's order does not matter.
  const auto program = Create(absl::StrCat(kModules, kSecond, kFirst, kOutputs));
  ASSERT_TRUE(program.ok()) << program.status();
  ModuleTrace trace;
  record_.calls = &trace;
  record_.keep_trace = true;
  models_.model->Answer("[[ ## query ## ]]\nsky");
  models_.model->Answer("[[ ## answer ## ]]\nblue\n[[ ## n ## ]]\n4");
  const auto prediction = Forward(**program, Json{{"ask", "why?"}});
  ASSERT_TRUE(prediction.ok()) << prediction.status();
  EXPECT_EQ(prediction->outputs.dump(), R"({"a":4,"z":"blue"})");
  ASSERT_EQ(trace.calls.size(), 2u);
  EXPECT_EQ(trace.calls[0].module, 0u);
  EXPECT_EQ(trace.calls[0].inputs.dump(), R"({"question":"why?"})");
  EXPECT_EQ(trace.calls[1].module, 1u);
  EXPECT_EQ(trace.calls[1].inputs.dump(), R"({"query":"sky","question":"why?"})");
  EXPECT_EQ(trace.calls[1].outputs.dump(), R"({"answer":"blue","n":4})");
  ASSERT_EQ(record_.trace.size(), 4u);
  EXPECT_EQ(record_.trace[0].name, "s1");
  EXPECT_EQ(record_.trace[2].name, "s2");
  EXPECT_EQ(record_.trace[3].parent, 2);
  EXPECT_THAT((*program)->InputNames(), ElementsAre("ask"));
  EXPECT_THAT((*program)->OutputNames(), ElementsAre("a", "z"));
}

TEST_F(GraphTest, NotesTheCallOfAProgramOfOneModule) {
  const auto program = Create("lm: 'fake/model' modules { id: 'm' predict { signature: 'q -> a: int' } }");
  ASSERT_TRUE(program.ok()) << program.status();
  ModuleTrace trace;
  record_.calls = &trace;
  models_.model->Answer("[[ ## a ## ]]\n4");
  ASSERT_TRUE(Forward(**program, Json{{"q", "?"}}).ok());
  ASSERT_EQ(trace.calls.size(), 1u);
  EXPECT_EQ(trace.calls[0].outputs.dump(), R"({"a":4})");
}

TEST_F(GraphTest, ChecksInputsBeforeAnythingIsSent) {
  const auto program = TwoHop();
  const std::pair<Json, const char*> cases[] = {
      {Json{{"ask", 5}}, "INVALID_VALUE"},
      {Json::object(), "MISSING_INPUT"},
      {Json{{"ask", "?"}, {"asks", "?"}}, "UNKNOWN_FIELD"},
      {Json::array(), "INVALID_REQUEST"},
  };
  for (const auto& [inputs, reason] : cases) {
    const absl::Status status = Forward(*program, inputs).status();
    EXPECT_EQ(ErrorReason(status), reason) << status;
    EXPECT_EQ(ErrorReason(program->Render(inputs, {}).status()), reason);
  }
  EXPECT_EQ(ErrorMetadata(Forward(*program, Json{{"ask", 5}}).status(), "field"), "ask");
  EXPECT_EQ(ViolationPath(Forward(*program, Json{{"ask", 5}}).status()), "ask");
  EXPECT_TRUE(models_.model->requests.empty());
}

TEST_F(GraphTest, AnErrorNamesItsStep) {
  const auto program = TwoHop();
  models_.model->Answer("[[ ## query ## ]]\nsky");
  models_.model->Answer(absl::UnavailableError("down"));
  ModuleTrace trace;
  record_.calls = &trace;
  EXPECT_EQ(Forward(*program, Json{{"ask", "?"}}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(trace.calls.size(), 1u);
}

TEST_F(GraphTest, AnAnswerThatDoesNotFitTheNextStepIsTheModelsFault) {
  const auto program = Create(
      "lm: 'fake/model' modules { id: 'a' predict { signature: 'q -> n' } } modules { id: 'b' predict { signature: 'n: "
      "int -> r' } } steps { id: 's1' module: 'a' inputs { key: 'q' value: 'q' } } steps { id: 's2' module: 'b' inputs "
      "{ key: 'n' value: 's1.n' } } outputs { key: 'r' value: 's2.r' }");
  ASSERT_TRUE(program.ok()) << program.status();
  models_.model->Answer("[[ ## n ## ]]\nmany");
  const absl::Status status = Forward(**program, Json{{"q", "?"}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(ErrorReason(status), "COMPLETION_UNPARSABLE");
  EXPECT_EQ(ErrorMetadata(status, "step"), "s2");
}

TEST_F(GraphTest, RendersWhatNeedsNoAnswerButThoseGiven) {
  const auto program = TwoHop();
  const auto first = program->Render(Json{{"ask", "why?"}}, {});
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->size(), 1u);
  EXPECT_EQ((*first)[0].step, "s1");
  const auto both = program->Render(Json{{"ask", "why?"}}, {}, {{"s1", "[[ ## query ## ]]\nsky"}});
  ASSERT_TRUE(both.ok()) << both.status();
  ASSERT_EQ(both->size(), 2u);
  EXPECT_EQ((*both)[1].module, "answer");
  EXPECT_THAT((*both)[1].request.body, HasSubstr("[[ ## query ## ]]\nsky\n\n[[ ## question ## ]]\nwhy?"));
  EXPECT_EQ(ErrorReason(program->Render(Json{{"ask", "?"}}, {}, {{"s9", ""}}).status()), "INVALID_REQUEST");
}

TEST_F(GraphTest, ParseNeedsTheModule) {
  const auto program = TwoHop();
  EXPECT_EQ(program->Parse("find", "[[ ## query ## ]]\nx").value().outputs.dump(), R"({"query":"x"})");
  for (const char* module : {"", "s1"}) {
    EXPECT_EQ(ErrorMetadata(program->Parse(module, "").status(), "modules"), "find, answer");
  }
}

TEST_F(GraphTest, ACycleIsNamed) {
  const std::string modules = "modules { id: 'm' predict { signature: 'x -> y' } } ";
  const auto step = [](absl::string_view id, absl::string_view from) {
    return absl::StrCat("steps { id: '", id, "' module: 'm' inputs { key: 'x' value: '", from, "' } } ");
  };
  const std::string outputs = "outputs { key: 'y' value: 'a.y' }";
  ExpectInvalid(modules + step("a", "b.y") + step("b", "a.y") + outputs, "steps[0].inputs", "a -> b -> a");
  ExpectInvalid(modules + step("s", "q") + step("a", "a.y") + outputs, "steps[1].inputs", "a -> a");
  const absl::Status status =
      Create(modules + step("a", "c.y") + step("b", "a.y") + step("c", "b.y") + outputs).status();
  EXPECT_EQ(ErrorMetadata(status, "cycle"), "a -> b -> c -> a");
}

TEST_F(GraphTest, WhatIsNotThereIsNamed) {
  const std::string head = absl::StrCat(kModules, kFirst);
  const auto second = [&head](absl::string_view query, absl::string_view module = "answer") {
    return absl::StrCat(head, "steps { id: 's2' module: '", module, "' inputs { key: 'query' value: '", query,
                        "' } inputs { key: 'question' value: 'ask' } } ", kOutputs);
  };
  ExpectInvalid(second("s1.query", "anser"), "steps[1].module", "Did you mean answer?");
  ExpectInvalid(second("s1.quary"), "steps[1].inputs.query", "Did you mean query?");
  ExpectInvalid(second("s3.query"), "steps[1].inputs.query", "no step 's3'");
  ExpectInvalid(second("no name"), "steps[1].inputs.query", "no name of an input");
  ExpectInvalid(second("s1.question"), "steps[1].inputs.query", "no output 'question'");
  ExpectInvalid(
      head + "steps { id: 's2' module: 'answer' inputs { key: 'query' value: 's1.query' } } " + std::string(kOutputs),
      "steps[1].inputs", "lacks 'question'");
  ExpectInvalid(head +
                    "steps { id: 's2' module: 'find' inputs { key: 'question' value: 'q' } inputs { key: 'queston' "
                    "value: 'q' } } outputs { key: 'q' value: 's2.query' }",
                "steps[1].inputs", "Did you mean question?");
  ExpectInvalid(absl::StrCat(head, kFirst, kOutputs), "steps[1].id", "repeats 's1'");
  ExpectInvalid(std::string(kModules), "steps", "is missing");
  ExpectInvalid(head, "outputs", "is missing");
  ExpectInvalid(head + "outputs { key: 'q' value: 's1.quer' }", "outputs.q", "Did you mean query?");
  ExpectInvalid(head + "outputs { key: 'q' value: 'ask' }", "outputs.q", "step.field");
  ExpectInvalid("modules { id: 'm' predict { signature: 'q -> a' } } outputs { key: 'a' value: 's.a' }", "outputs",
                "Leave it out");
}

TEST_F(GraphTest, AModuleThatNoStepCallsIsAllowed) {
  EXPECT_TRUE(Create(absl::StrCat(kModules, kFirst, "outputs { key: 'q' value: 's1.query' }")).ok());
}

}  // namespace
}  // namespace dspex
