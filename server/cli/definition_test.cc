#include "server/cli/definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace dspex::cli {
namespace {

using ::testing::HasSubstr;

TEST(DefinitionFromJson, TakesTheRequestOrTheProgramAlone) {
  const auto request = DefinitionFromJson(
      R"({"program_id": "qa", "program": {"lm": "o/m", "modules": [{"id": "a", "predict": {"signature": "q -> a"}}]}})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->program_id(), "qa");
  EXPECT_EQ(request->program().modules(0).predict().signature(), "q -> a");

  const auto program = DefinitionFromJson(R"({"modules": [{"id": "a", "predict": {"signature": "q -> a"}}]})");
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(program->program_id(), "");
  EXPECT_EQ(program->program().modules(0).id(), "a");
}

TEST(DefinitionFromJson, RefusesOtherTextsWithoutCrashing) {
  for (const std::string& text : {std::string("{"), std::string("[]"), std::string(R"({"modulez": []})"),
                                  std::string(R"({"program": {"lm": 3}, "x": 1})"), std::string(200'000, '[')}) {
    const auto request = DefinitionFromJson(text);
    EXPECT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument) << text.substr(0, 40);
    EXPECT_FALSE(request.status().message().empty());
  }
  EXPECT_THAT(std::string(DefinitionFromJson(R"({"modulez": []})").status().message()), HasSubstr("modulez"));
}

TEST(AddDemos, ReadsALineEachAndNamesTheWrongOne) {
  v1::Predictor predictor;
  ASSERT_TRUE(AddDemos("{\"q\": \"1\"}\n\n  {\"q\": 2}\r\n", predictor).ok());
  ASSERT_EQ(predictor.demos_size(), 2);
  EXPECT_EQ(predictor.demos(1).fields_json(), "{\"q\": 2}");
  EXPECT_EQ(AddDemos("{}\n[1]\n", predictor).message(), "line 2 is no JSON object");
}

TEST(Summary, NamesTheKindAndTheSignature) {
  v1::Module module;
  EXPECT_EQ(Summary(module), "");
  module.mutable_predict()->set_signature("q -> a");
  EXPECT_EQ(Summary(module), "predict: q -> a");
  auto& signature = *module.mutable_chain_of_thought()->mutable_structured_signature();
  signature.add_inputs()->set_name("q");
  auto& output = *signature.add_outputs();
  output.set_name("a");
  output.set_type("int");
  EXPECT_EQ(Summary(module), "chain_of_thought: q -> a: int");
  module.mutable_python();
  EXPECT_EQ(Summary(module), "python");
}

}  // namespace
}  // namespace dspex::cli
