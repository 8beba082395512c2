#include "engine/optimizer/parameters.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"
#include "engine/optimizer/candidate_evaluator.h"

namespace dspex {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::SizeIs;

// A string signature with demos of both forms, and a structured one that reasons.
v1::Program Program() {
  v1::Program program;
  program.set_phrasebook("phrasebooks/dspy");
  v1::Module& first = *program.add_modules();
  first.set_id("first");
  first.mutable_predict()->set_signature("question, count: int -> query");
  first.mutable_predict()->set_instructions("Ask.\n    Well.");
  first.mutable_predict()->add_demos()->set_fields_json(R"({"augmented": true, "query": "x", "count": 1.0})");
  auto& fields = *first.mutable_predict()->add_demos()->mutable_fields()->mutable_fields();
  fields["query"].set_string_value("y");
  fields["count"].set_number_value(2);
  v1::Module& second = *program.add_modules();
  second.set_id("second");
  v1::Signature& signature = *second.mutable_chain_of_thought()->mutable_structured_signature();
  signature.set_instructions("Answer.");
  signature.add_inputs()->set_name("query");
  signature.add_outputs()->set_name("answer");
  signature.mutable_outputs(0)->set_prefix("So:");
  return program;
}

ProgramParameters Read(const v1::Program& program) {
  absl::StatusOr<ProgramParameters> parameters = ReadParameters(program);
  EXPECT_TRUE(parameters.ok()) << parameters.status();
  return parameters.ok() ? *parameters : ProgramParameters();
}

TEST(ParametersTest, AreRead) {
  const ProgramParameters parameters = Read(Program());
  ASSERT_THAT(parameters, SizeIs(2));
  EXPECT_EQ(parameters[0].module, "first");
  EXPECT_EQ(parameters[0].instructions, "Ask.\nWell.");
  EXPECT_EQ(parameters[0].prefix, "Query:");
  ASSERT_THAT(parameters[0].demos, SizeIs(2));
  EXPECT_EQ(parameters[0].demos[0].dump(), R"({"augmented":true,"query":"x","count":1.0})");
  EXPECT_EQ(parameters[0].demos[1].dump(), R"({"count":2,"query":"y"})");
  EXPECT_EQ(parameters[1].instructions, "Answer.");
  EXPECT_EQ(parameters[1].prefix, "So:");
}

TEST(ParametersTest, WhatIsTheSameStaysUntouched) {
  v1::Program program = Program();
  ASSERT_TRUE(WriteParameters(Read(program), program).ok());
  EXPECT_TRUE(MessageDifferencer::Equals(program, Program()));
}

TEST(ParametersTest, WhatIsWrittenIsRead) {
  v1::Program program = Program();
  ProgramParameters parameters = Read(program);
  parameters[0].instructions = "Search.";
  parameters[0].prefix = "Search for:";
  parameters[0].demos = {{{"augmented", true}, {"question", "q"}, {"query", "ü"}, {"source", nullptr}, {"rate", 1e-5}}};
  parameters[1].instructions = "";
  parameters[1].prefix = "Answer:";
  ASSERT_TRUE(WriteParameters(parameters, program).ok());
  EXPECT_EQ(Read(program), parameters);
  // As DSPy's own writer spells it.
  EXPECT_EQ(program.modules(0).predict().demos(0).fields_json(),
            R"({"augmented":true,"question":"q","query":"ü","source":null,"rate":0.00001})");
  EXPECT_EQ(program.modules(0).predict().structured_signature().inputs(1).type(), "int");
  EXPECT_EQ(program.modules(1).chain_of_thought().structured_signature().outputs(0).prefix(), "");
}

TEST(ParametersTest, EnforcedProgramsTakeTheirOwnFieldsOnly) {
  v1::Program program = Program();
  program.clear_phrasebook();
  ProgramParameters parameters = Read(program);
  parameters[1].demos = {{{"question", "q"}, {"query", "x"}, {"answer", "a"}, {"augmented", true}},
                         {{"query", "x"}, {"source", "web"}},
                         {{"query", nullptr}, {"answer", "a"}}};
  ASSERT_TRUE(WriteParameters(parameters, program).ok());
  EXPECT_THAT(Read(program)[1].demos, ElementsAre(Json({{"query", "x"}, {"answer", "a"}, {"augmented", true}})));
}

TEST(ParametersTest, OtherModulesAreRefused) {
  v1::Program program = Program();
  ProgramParameters parameters = Read(program);
  parameters[1].module = "third";
  EXPECT_EQ(ErrorReason(WriteParameters(parameters, program)), "INVALID_REQUEST");
  parameters.pop_back();
  EXPECT_EQ(ErrorReason(WriteParameters(parameters, program)), "INVALID_REQUEST");
  program.mutable_modules(0)->mutable_predict()->add_demos()->set_fields_json("{");
  EXPECT_EQ(ErrorReason(ReadParameters(program).status()), "INVALID_JSON");
}

double Percent(const std::vector<double>& scores) {
  std::vector<ExampleOutcome> outcomes;
  for (const double score : scores) outcomes.push_back({.score = score});
  return PercentScore(outcomes);
}

TEST(PercentScoreTest, RoundsAsPythonDoes) {
  EXPECT_EQ(Percent({1, 0, 0}), 33.33);
  EXPECT_EQ(Percent({1, 0, 1}), 66.67);
  EXPECT_EQ(Percent({0.02675}), 2.67);
  EXPECT_EQ(Percent({0.33335}), 33.34);
  EXPECT_EQ(Percent({0.01005}), 1.0);
  EXPECT_EQ(Percent({-0.5, 0.25}), -12.5);
  EXPECT_EQ(Percent({1e306}), 1e308);
}

}  // namespace
}  // namespace dspex
