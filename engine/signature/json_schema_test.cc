#include "engine/signature/json_schema.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "engine/json/python_format.h"
#include "engine/signature/named_type.h"

namespace dspex {
namespace {

std::string SchemaOf(const char* type) { return PythonJsonDumps(TypeFirst(JsonSchema(ParseType(type).value()))); }

TEST(JsonSchemaTest, DescribesEveryKindOfType) {
  EXPECT_EQ(SchemaOf("str"), R"({"type": "string"})");
  EXPECT_EQ(SchemaOf("int"), R"({"type": "integer"})");
  EXPECT_EQ(SchemaOf("float"), R"({"type": "number"})");
  EXPECT_EQ(SchemaOf("bool"), R"({"type": "boolean"})");
  EXPECT_EQ(SchemaOf("list"), R"({"type": "array", "items": {}})");
  EXPECT_EQ(SchemaOf("list[int]"), R"({"type": "array", "items": {"type": "integer"}})");
  EXPECT_EQ(SchemaOf("dict"), R"({"type": "object", "additionalProperties": true})");
  EXPECT_EQ(SchemaOf("dict[str, list[bool]]"),
            R"({"type": "object", "additionalProperties": {"type": "array", "items": {"type": "boolean"}}})");
  EXPECT_EQ(SchemaOf("Optional[float]"), R"({"anyOf": [{"type": "number"}, {"type": "null"}]})");
  EXPECT_EQ(SchemaOf("int | str"), R"({"anyOf": [{"type": "integer"}, {"type": "string"}]})");
}

TEST(JsonSchemaTest, LiteralsNameTheirTypeIfItIsOne) {
  EXPECT_EQ(SchemaOf("list[Literal['a', 'é']]"),
            R"({"type": "array", "items": {"type": "string", "enum": ["a", "é"]}})");
  EXPECT_EQ(SchemaOf("Literal[1, 2]"), R"({"type": "integer", "enum": [1, 2]})");
  EXPECT_EQ(SchemaOf("Literal['x', 1, None, True]"), R"({"enum": ["x", 1, null, true]})");
  EXPECT_EQ(SchemaOf("Literal['only']"), R"({"type": "string", "const": "only"})");
}

std::string SchemaOf(const char* type, const std::shared_ptr<const TypeTable>& types,
                     const BuiltinSchemas& builtin = nullptr) {
  return PythonJsonDumps(JsonSchema(ParseType(type, types).value(), builtin));
}

TEST(JsonSchemaTest, DescribesWhatJsonHasNoTypeFor) {
  EXPECT_EQ(SchemaOf("datetime.datetime"), R"({"type": "string", "format": "date-time"})");
  EXPECT_EQ(SchemaOf("datetime.timedelta"), R"({"type": "string", "format": "duration"})");
  EXPECT_EQ(SchemaOf("bytes"), R"({"type": "string", "format": "binary"})");
  EXPECT_EQ(SchemaOf("decimal.Decimal | None"),
            R"({"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]})");
  EXPECT_EQ(SchemaOf("set[int]"), R"({"type": "array", "items": {"type": "integer"}, "uniqueItems": true})");
  EXPECT_EQ(SchemaOf("tuple"), R"({"type": "array", "items": {}})");
  EXPECT_EQ(SchemaOf("tuple[()]"), R"({"type": "array", "maxItems": 0, "minItems": 0})");
  EXPECT_EQ(
      SchemaOf("tuple[int, None]"),
      R"({"type": "array", "maxItems": 2, "minItems": 2, "prefixItems": [{"type": "integer"}, {"type": "null"}]})");
  EXPECT_EQ(SchemaOf("dict[Literal['a', 'b'], Any]"),
            R"({"type": "object", "additionalProperties": true, "propertyNames": {"enum": ["a", "b"]}})");
  EXPECT_EQ(SchemaOf("dict[datetime.date, int]"),
            R"({"type": "object", "additionalProperties": {"type": "integer"}, "propertyNames": {"format": "date"}})");
}

TEST(JsonSchemaTest, UnionsAreFlatWithNullLast) {
  EXPECT_EQ(SchemaOf("None | int"), R"({"anyOf": [{"type": "integer"}, {"type": "null"}]})");
  EXPECT_EQ(SchemaOf("list[int] | List[int]"), R"({"type": "array", "items": {"type": "integer"}})");
  EXPECT_EQ(SchemaOf("tuple | list | None"), R"({"anyOf": [{"type": "array", "items": {}}, {"type": "null"}]})");
  // Python holds 1 and True for equal: the last stands in the first's place.
  EXPECT_EQ(SchemaOf("Literal[1, 'a'] | int | Literal[True, 'a']"),
            R"({"anyOf": [{"enum": [true, "a"]}, {"type": "integer"}]})");
}

std::shared_ptr<const TypeTable> Table() {
  return TypeTable::Create({{"Node", ParseJson(R"({"$defs": {
      "Kind": {"enum": ["a"], "title": "Kind", "type": "string"},
      "Node": {"type": "object", "title": "Node", "required": ["z"], "properties": {
        "z": {"title": "Z", "type": "string"}, "kind": {"$ref": "#/$defs/Kind", "default": "a"},
        "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}], "default": null}}}},
      "$ref": "#/$defs/Node"})")
                                         .value()}})
      .value();
}

TEST(JsonSchemaTest, DeclaredTypesStandUnderDefs) {
  const auto types = Table();
  EXPECT_EQ(SchemaOf("Kind", types), R"({"enum": ["a"], "title": "Kind", "type": "string"})");
  EXPECT_EQ(SchemaOf("list[Kind]", types), R"({"$defs": {"Kind": {"enum": ["a"], "title": "Kind", "type": "string"}}, )"
                                           R"("items": {"$ref": "#/$defs/Kind"}, "type": "array"})");
  // Properties keep their order; a type that is used within itself stays a reference.
  EXPECT_EQ(SchemaOf("Node", types),
            R"({"$defs": {"Kind": {"enum": ["a"], "title": "Kind", "type": "string"}, "Node": {"properties": )"
            R"({"z": {"title": "Z", "type": "string"}, "kind": {"$ref": "#/$defs/Kind", "default": "a"}, )"
            R"("next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}], "default": null}}, )"
            R"("required": ["z"], "title": "Node", "type": "object"}}, "$ref": "#/$defs/Node"})");
}

TEST(JsonSchemaTest, DspysOwnTypesComeFromThePhrasebook) {
  const Json image{{"title", "Image"},
                   {"type", "object"},
                   {"properties", {{"url", {{"$ref", "#/$defs/Url"}}}}},
                   {"$defs", {{"Url", {{"type", "string"}}}}}};
  const BuiltinSchemas builtin = [&image](const Type& type) {
    return type.kind == Type::Kind::kImage ? &image : nullptr;
  };
  EXPECT_EQ(SchemaOf("dspy.Image", nullptr, builtin),
            R"({"$defs": {"Url": {"type": "string"}}, "properties": {"url": {"$ref": "#/$defs/Url"}}, )"
            R"("title": "Image", "type": "object"})");
  EXPECT_EQ(SchemaOf("list[dspy.Image] | dspy.History", nullptr, builtin),
            R"({"$defs": {"History": {"type": "object"}, "Image": {"properties": {"url": {"$ref": "#/$defs/Url"}}, )"
            R"("title": "Image", "type": "object"}, "Url": {"type": "string"}}, )"
            R"("anyOf": [{"items": {"$ref": "#/$defs/Image"}, "type": "array"}, {"$ref": "#/$defs/History"}]})");
  EXPECT_EQ(SchemaOf("list[dspy.Code['c++']]", nullptr),
            R"({"$defs": {"Code_c__": {"properties": {"code": {"title": "Code", "type": "string"}}, )"
            R"("required": ["code"], "title": "Code_c++", "type": "object"}}, )"
            R"("items": {"$ref": "#/$defs/Code_c__"}, "type": "array"})");
}

std::string OutputsOf(const char* text, const Json& defaults = Json::object(), bool native = true) {
  Signature signature = Signature::FromString(text, "", Table()).value();
  for (const auto& [name, value] : defaults.items()) {
    Field field = *signature.FindOutput(name);
    field.default_value = std::make_shared<const Json>(value);
    signature = signature.Replace(std::move(field));
  }
  const std::optional<Json> schema = OutputSchema(signature, native);
  return schema.has_value() ? PythonJsonDumps(*schema) : "none";
}

TEST(OutputSchemaTest, IsClosedAndRequiresAll) {
  EXPECT_EQ(OutputsOf("q -> foo_bar: str, n: int"),
            R"({"additionalProperties": false, "properties": {"foo_bar": {"title": "Foo Bar", "type": "string"}, )"
            R"("n": {"title": "N", "type": "integer"}}, "required": ["foo_bar", "n"], )"
            R"("title": "DSPyProgramOutputs", "type": "object"})");
  EXPECT_EQ(OutputsOf("q -> a: list[dict[str, int]]"),
            R"({"additionalProperties": false, "properties": {"a": {"items": {"additionalProperties": false, )"
            R"("type": "object", "properties": {}, "required": []}, "title": "A", "type": "array"}}, )"
            R"("required": ["a"], "title": "DSPyProgramOutputs", "type": "object"})");
}

TEST(OutputSchemaTest, DefaultsStayExceptNull) {
  EXPECT_EQ(OutputsOf("q -> a: int, b: str | None", {{"a", 3}, {"b", nullptr}}),
            R"({"additionalProperties": false, "properties": {"a": {"default": 3, "title": "A", "type": "integer"}, )"
            R"("b": {"anyOf": [{"type": "string"}, {"type": "null"}], "title": "B"}}, )"
            R"("title": "DSPyProgramOutputs", "type": "object", "required": ["a", "b"]})");
}

TEST(OutputSchemaTest, ReferencesWithMoreAreWrittenOut) {
  EXPECT_EQ(OutputsOf("q -> k: Kind | None, l: Kind", {{"l", "a"}}),
            R"({"$defs": {"Kind": {"enum": ["a"], "title": "Kind", "type": "string"}}, "additionalProperties": false, )"
            R"("properties": {"k": {"anyOf": [{"$ref": "#/$defs/Kind"}, {"type": "null"}]}, )"
            R"("l": {"enum": ["a"], "title": "Kind", "type": "string", "default": "a"}}, "required": ["k", "l"], )"
            R"("title": "DSPyProgramOutputs", "type": "object"})");
}

TEST(OutputSchemaTest, SomeOutputsHaveNone) {
  EXPECT_EQ(OutputsOf("q -> a: dict[str, int]"), "none");
  EXPECT_NE(OutputsOf("q -> a: dict"), "none");
  EXPECT_NE(OutputsOf("q -> a: dict[str, int] | None"), "none");
  EXPECT_EQ(OutputsOf("q -> a: list[dspy.Tool]"), "none");
  EXPECT_EQ(OutputsOf("q -> a: dspy.Tool | int, b: dspy.Tool | str"), "none");
  EXPECT_NE(OutputsOf("q -> a: dspy.Tool | int | str"), "none");
  EXPECT_EQ(OutputsOf("q -> a: dspy.ToolCalls", Json::object(), false), "none");
  EXPECT_EQ(OutputsOf("q -> a: dspy.ToolCalls, b"),
            R"({"additionalProperties": false, "properties": {"b": {"title": "B", "type": "string"}}, )"
            R"("required": ["b"], "title": "DSPyProgramOutputs", "type": "object"})");
}

TEST(OutputSchemaTest, EndsWhereReferencesDoNot) {
  Json definitions = Json::object();
  for (int i = 0; i < 30; ++i) {
    const Json next{{"$ref", "#/$defs/M" + std::to_string(i + 1)}, {"description", "More."}};
    definitions["M" + std::to_string(i)] = Json{{"type", "object"}, {"properties", {{"a", next}, {"b", next}}}};
  }
  definitions["M30"] = Json{{"type", "object"}, {"properties", Json::object()}};
  const auto types = TypeTable::Create({{"M", Json{{"$ref", "#/$defs/M0"}, {"$defs", definitions}}}}).value();
  EXPECT_EQ(OutputSchema(Signature::FromString("q -> a: list[M0]", "", types).value(), true), std::nullopt);
}

}  // namespace
}  // namespace dspex
