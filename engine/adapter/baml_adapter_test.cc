#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/adapter/baml_types.h"
#include "engine/adapter/testing.h"
#include "engine/base/error.h"

namespace dspex {
namespace {

using ::testing::HasSubstr;
using testing_support::Bind;
using testing_support::Sig;
using testing_support::TextOf;
using testing_support::TurnText;
using testing_support::Types;

std::shared_ptr<const TypeTable> Declared() {
  return Types({{"Address", R"({"type": "object", "title": "Address", "description": "Where it is.",
                 "properties": {"street": {"type": "string", "title": "Street", "description": "With number."},
                 "zip": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": null, "title": "Zip"}},
                 "required": ["street"]})"},
                {"Person", R"({"type": "object", "title": "Person", "description": "Somebody.\n\n  Indeed.",
                 "properties": {"home": {"$ref": "#/$defs/Address"},
                 "tags": {"type": "array", "items": {"type": "string"}, "title": "Tags"}},
                 "required": ["home", "tags"]})"},
                {"Two",
                 R"({"type": "object", "title": "Two",
                 "properties": {"a": {"$ref": "#/$defs/Address"}, "b": {"$ref": "#/$defs/Address"}},
                 "required": ["a", "b"]})"},
                {"Nothing", R"({"type": "object", "title": "Nothing", "properties": {}})"}});
}

std::string TypeText(const char* type) {
  const auto text = BamlType(*Phrasebook::BuiltIn(), ParseType(type, Declared()).value());
  return text.ok() ? *text : ErrorReason(text.status());
}

TEST(BamlTypeTest, Notation) {
  EXPECT_EQ(TypeText("str"), "string");
  EXPECT_EQ(TypeText("list[int]"), "int[]");
  EXPECT_EQ(TypeText("dict[str, list[float]]"), "dict[string, float[]]");
  EXPECT_EQ(TypeText("bool | None"), "boolean or null");
  EXPECT_EQ(TypeText("Literal['a', 1, True, None]"), "\"a\" or 1 or true or null");
  EXPECT_EQ(TypeText("int | str"), "int or string");
  EXPECT_EQ(TypeText("tuple[int, str]"), "tuple");
  EXPECT_EQ(TypeText("Any"), "Any");
  EXPECT_EQ(TypeText("Nothing"), "{\n  # nothing within\n}");
  EXPECT_EQ(TypeText("Person"),
            "# Somebody.\n# Indeed.\n{\n  # Where it is.\n  home:   {\n    # With number.\n    street: string,\n"
            "    zip: int or null,\n  },\n  tags: string[],\n}");
  EXPECT_EQ(TypeText("list[Address]"),
            "[\n  {\n    # With number.\n    street: string,\n    zip: int or null,\n  }\n]");
  EXPECT_EQ(TypeText("dspy.Reasoning"), "{\n  content: string,\n}");
  EXPECT_EQ(
      TypeText("dspy.ToolCalls"),
      "{\n  tool_calls: [\n    {\n      id: string or null,\n      name: string,\n      args: dict[string, Any],\n"
      "    }\n  ],\n  tool_call_results: Any or null,\n}");
}

TEST(BamlTypeTest, ATypeThatComesUpTwiceIsRefused) {
  EXPECT_EQ(TypeText("Two"), "INVALID_SIGNATURE");
  const auto bound =
      BindAdapter({AdapterKind::kBaml, true}, Phrasebook::BuiltIn(), Sig("q -> t: Two", "", Declared()), {});
  EXPECT_EQ(ErrorReason(bound.status()), "INVALID_SIGNATURE");
}

TEST(BamlAdapterTest, SystemShowsTypesAndModelsPrintIndented) {
  const auto adapter = Bind(AdapterKind::kBaml, Sig("q, a: Address -> p: Address", "Do it.", Declared()));
  EXPECT_THAT(TextOf(adapter->prefix()[0]), HasSubstr("[[ ## q ## ]]\n<q>\n\n[[ ## a ## ]]\n<a>\n\n"));
  EXPECT_THAT(TextOf(adapter->prefix()[0]), HasSubstr("p: # Where it is.\n{\n"));
  EXPECT_THAT(TurnText(*adapter, {{"q", "x"}, {"a", {{"street", "s"}, {"zip", nullptr}}}}),
              HasSubstr("]]\n{\n  \"street\": \"s\",\n  \"zip\": null\n}\n\n"));
  EXPECT_EQ(adapter->Parse(R"({"p": {"street": "x"}})").value().dump(), R"({"p":{"street":"x","zip":null}})");
}

}  // namespace
}  // namespace dspex
