#include "engine/dataset/example_schema.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dspex/v1/program.pb.h"
#include "engine/base/error.h"

namespace dspex {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ExampleSchema Schema(absl::string_view signature, ExampleSchema::Options options = {}) {
  return ExampleSchema::OfFields(Signature::FromString(signature).value(), std::move(options)).value();
}

std::string Checked(const ExampleSchema& schema, absl::string_view fields) {
  const absl::StatusOr<Json> checked = schema.Check(ParseJson(fields).value());
  if (checked.ok()) return checked->dump();
  return ErrorReason(checked.status()) + " " + ErrorMetadata(checked.status(), "field");
}

TEST(ExampleSchemaTest, CoercesFieldsAndKeepsTheirOrder) {
  const ExampleSchema schema = Schema("question: str, numbers: list[int] -> answer: float");
  EXPECT_THAT(schema.input_keys(), ElementsAre("question", "numbers"));
  EXPECT_EQ(Checked(schema, R"({"answer": 3, "numbers": [1, 2.0], "question": "?"})"),
            R"({"answer":3.0,"numbers":[1,2],"question":"?"})");
}

TEST(ExampleSchemaTest, ReadsTheTextsOfATable) {
  const ExampleSchema schema = Schema("q: str, n: int, l: list[int], b: bool -> a: Optional[float], c: int");
  EXPECT_EQ(Checked(schema, R"({"q": "5", "n": "5", "l": "[1, 2]", "b": "true", "a": "", "c": ""})"),
            R"({"q":"5","n":5,"l":[1,2],"b":true,"a":null})");
  EXPECT_EQ(Checked(schema, R"({"q": "", "n": "", "l": "[]", "b": "true"})"), "MISSING_INPUT n");
  EXPECT_EQ(Checked(schema, R"({"q": "", "n": "many", "l": "[]", "b": "true"})"), "INVALID_VALUE n");
  EXPECT_EQ(Checked(schema, R"({"q": "", "n": "1", "l": "[1, \"x\"]", "b": "true"})"), "INVALID_VALUE l");
}

TEST(ExampleSchemaTest, OutputsMayBeMissingOrNullInputsNot) {
  const ExampleSchema schema = Schema("q, hint: Optional[str] -> a, note: Optional[str]");
  EXPECT_EQ(Checked(schema, R"({"q": "?"})"), R"({"q":"?"})");
  EXPECT_EQ(Checked(schema, R"({"q": "?", "a": null, "note": null, "hint": null})"),
            R"({"q":"?","note":null,"hint":null})");
  EXPECT_EQ(Checked(schema, R"({"a": "!"})"), "MISSING_INPUT q");
  EXPECT_EQ(Checked(schema, R"({"q": null})"), "MISSING_INPUT q");
}

TEST(ExampleSchemaTest, NamesTheNearestField) {
  const ExampleSchema schema = Schema("question -> answer");
  const absl::Status unknown = schema.Check(Json{{"quesion", "?"}}).status();
  EXPECT_EQ(ErrorReason(unknown), "UNKNOWN_FIELD");
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("Did you mean question?"));
  EXPECT_EQ(Checked(schema, "[1]"), "INVALID_VALUE ");
  EXPECT_EQ(Checked(Schema("question -> answer", {.allow_other_fields = true}), R"({"question": "?", "source": [1]})"),
            R"({"question":"?","source":[1]})");
}

TEST(ExampleSchemaTest, InputKeysMayBeChosen) {
  const ExampleSchema schema = Schema("question, context -> answer", {.input_keys = {"question"}});
  EXPECT_EQ(Checked(schema, R"({"question": "?"})"), R"({"question":"?"})");
  const absl::Status unknown =
      ExampleSchema::OfFields(Signature::FromString("q -> a").value(), {.input_keys = {"b"}}).status();
  EXPECT_EQ(ErrorReason(unknown), "UNKNOWN_FIELD");
  const ExampleSchema any = ExampleSchema::OfAnyFields({.input_keys = {"text"}}).value();
  EXPECT_EQ(Checked(any, R"({"text": 1, "more": null})"), R"({"text":1,"more":null})");
  EXPECT_EQ(Checked(any, R"({"more": 1})"), "MISSING_INPUT text");
  EXPECT_EQ(ErrorReason(ExampleSchema::OfAnyFields({}).status()), "INVALID_REQUEST");
}

absl::StatusOr<Signature> Fields(const std::string& text) {
  v1::Program program;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &program)) << text;
  return FieldsOf(program);
}

TEST(FieldsOfTest, OneModuleHasTheProgramsFields) {
  EXPECT_EQ(Fields("modules { id: 'm' chain_of_thought { signature: 'q -> a: int' } }").value().ToString(),
            "q: str -> reasoning: str, a: int");
  const absl::Status unknown = Fields("modules { id: 'm' react { } }").status();
  EXPECT_EQ(ErrorReason(unknown), "UNSUPPORTED");
}

TEST(FieldsOfTest, OfSeveralModulesThoseThatComeFromOutsideAndGoThere) {
  const absl::StatusOr<Signature> fields = Fields(
      "modules { id: 'query' predict { signature: 'question, depth: int -> query' } } "
      "modules { id: 'answer' predict { signature: 'context: list[str], question -> answer: float' } } "
      "steps { id: 'one' module: 'query' inputs { key: 'question' value: 'asked' } "
      "inputs { key: 'depth' value: 'depth' } } "
      "steps { id: 'two' module: 'answer' inputs { key: 'context' value: 'one.query' } "
      "inputs { key: 'question' value: 'asked' } } "
      "outputs { key: 'result' value: 'two.answer' }");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_EQ(fields->ToString(), "asked: str, depth: int -> result: float");
}

}  // namespace
}  // namespace dspex
