#include "engine/adapter/json_schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/json/python_format.h"

namespace dspex {
namespace {

std::string SchemaOf(const char* type) { return PythonJsonDumps(JsonSchema(ParseType(type).value())); }

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

}  // namespace
}  // namespace dspex
