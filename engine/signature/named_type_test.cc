#include "engine/signature/named_type.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {
namespace {

using Kind = Type::Kind;

Json Parsed(const std::string& text) { return ParseJson(text, {.max_depth = 1000}).value(); }

absl::StatusOr<std::shared_ptr<const TypeTable>> Create(const std::string& name, const std::string& schema) {
  return TypeTable::Create({{name, Parsed(schema)}});
}

std::shared_ptr<const NamedType> Read(const std::string& schema) {
  const auto table = Create("T", schema);
  EXPECT_TRUE(table.ok()) << table.status();
  return table.ok() ? (*table)->Find("T") : nullptr;
}

// The type of a model's only field.
Type FieldType(const std::string& schema) {
  const auto type = Read(R"({"type": "object", "properties": {"f": )" + schema + "}}");
  return type == nullptr ? Type() : type->fields.at(0).type;
}

TEST(TypeTable, ReadsPydanticsModels) {
  const auto table = Create("Person", R"({
    "$defs": {
      "Colour": {"enum": ["red", "green"], "title": "Colour", "type": "string", "description": "A choice."},
      "Address": {"properties": {"street": {"title": "Street", "type": "string"}}, "required": ["street"],
                  "title": "Address", "type": "object"}},
    "additionalProperties": false, "description": "Somebody.",
    "properties": {
      "name": {"description": "As people say it.", "minLength": 1, "title": "Name", "type": "string"},
      "age": {"anyOf": [{"exclusiveMinimum": 0, "type": "integer"}, {"type": "null"}], "default": null, "title": "Age"},
      "home": {"$ref": "#/$defs/Address"},
      "colour": {"$ref": "#/$defs/Colour", "default": "red"},
      "friends": {"items": {"$ref": "#/$defs/Person"}, "title": "Friends", "type": "array"}},
    "required": ["name", "home"], "title": "Person", "type": "object"})");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ((*table)->types().size(), 3U);
  const auto person = (*table)->Find("Person");
  ASSERT_NE(person, nullptr);
  EXPECT_EQ(person->kind, Kind::kModel);
  EXPECT_EQ(person->extra, NamedType::Extra::kForbid);
  EXPECT_EQ(person->description, "Somebody.");
  EXPECT_FALSE(person->schema->contains("$defs"));
  ASSERT_EQ(person->fields.size(), 5U);
  const ModelField& name = person->fields[0];
  EXPECT_TRUE(name.required);
  EXPECT_EQ(name.description, "As people say it.");
  EXPECT_EQ(name.type.constraints->min_length, 1U);
  const ModelField& age = person->fields[1];
  EXPECT_FALSE(age.required);
  EXPECT_TRUE(age.default_value->is_null());
  EXPECT_EQ(age.type.ToString(), "Union[int, NoneType]");
  EXPECT_EQ(age.type.arguments[0].constraints->exclusive_minimum, 0);
  EXPECT_EQ(person->fields[2].type.kind, Kind::kModel);
  EXPECT_EQ(person->fields[2].type.ToString(), "Address");
  EXPECT_EQ(*person->fields[3].default_value, "red");
  EXPECT_EQ(person->fields[3].type.kind, Kind::kEnum);
  EXPECT_EQ(person->fields[4].type.arguments[0].named.get(), person.get());
  EXPECT_EQ(person->references.size(), 3U);
  const auto colour = (*table)->Find("Colour");
  ASSERT_EQ(colour->members.size(), 2U);
  EXPECT_EQ(*colour->members[1].value, "green");
  EXPECT_EQ((*table)->Find("Nobody"), nullptr);
}

TEST(TypeTable, TypesKeepTheTableAlive) {
  std::shared_ptr<const TypeTable> table =
      Create("Node",
             R"({"$defs": {"Node": {"properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}],
                         "default": null}}, "title": "Node", "type": "object"}}, "$ref": "#/$defs/Node"})")
          .value();
  const Type type = ParseType("list[Node]", table).value();
  table.reset();
  const NamedType* node = type.arguments[0].named.get();
  EXPECT_EQ(type.ToString(), "list[Node]");
  EXPECT_EQ(node->fields[0].type.arguments[0].named.get(), node);
}

TEST(TypeTable, ReadsEveryKindOfField) {
  const std::pair<const char*, const char*> cases[] = {
      {"{}", "Any"},
      {"true", "Any"},
      {R"({"title": "X", "x-more": 3})", "Any"},
      {R"({"type": "string", "format": "date-time"})", "datetime"},
      {R"({"type": "string", "format": "date"})", "date"},
      {R"({"type": "string", "format": "time"})", "time"},
      {R"({"type": "string", "format": "duration"})", "timedelta"},
      {R"({"type": "string", "format": "uuid4"})", "UUID"},
      {R"({"type": "string", "format": "binary"})", "bytes"},
      {R"({"type": "string", "format": "email"})", "str"},
      {R"({"type": "null"})", "NoneType"},
      {R"({"type": ["string", "null"], "minLength": 2})", "Union[str, NoneType]"},
      {R"({"anyOf": [{"type": "integer"}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}]})", "Union[int, str]"},
      {R"({"allOf": [{"type": "boolean"}], "description": "d"})", "bool"},
      {R"({"const": "a", "type": "string"})", "Literal['a']"},
      {R"({"enum": ["a", 1, true, null]})", "Literal['a', 1, True, None]"},
      {R"({"type": "array"})", "list"},
      {R"({"items": {"type": "integer"}, "type": "array"})", "list[int]"},
      {R"({"items": {"type": "integer"}, "type": "array", "uniqueItems": true})", "set[int]"},
      {R"({"items": {"items": {"type": "array", "uniqueItems": true}, "type": "array"}, "type": "array",
          "uniqueItems": true})",
       "set[tuple[frozenset, Ellipsis]]"},
      {R"({"maxItems": 2, "minItems": 2, "prefixItems": [{"type": "integer"}, {}], "type": "array"})",
       "tuple[int, Any]"},
      {R"({"maxItems": 0, "minItems": 0, "type": "array"})", "tuple[]"},
      {R"({"type": "object"})", "dict"},
      {R"({"additionalProperties": true, "type": "object"})", "dict"},
      {R"({"additionalProperties": {"type": "integer"}, "type": "object"})", "dict[str, int]"},
      {R"({"additionalProperties": {"type": "integer"}, "propertyNames": {"enum": ["a", "b"]}, "type": "object"})",
       "dict[Literal['a', 'b'], int]"},
      {R"({"additionalProperties": true, "propertyNames": {"format": "date"}, "type": "object"})", "dict[date, Any]"},
      {R"({"anyOf": [{"type": "number"}, {"type": "string"}]})", "Union[float, str]"},
      {R"({"anyOf": [{"minimum": 0, "type": "number"}, {"type": "string", "pattern": "^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$"},
          {"type": "null"}]})",
       "Union[Decimal, NoneType]"},
      {R"({"anyOf": [{"type": "number"}, {"type": "string"}], "x-dspex-type": "decimal.Decimal"})", "Decimal"},
      {R"({"type": "array", "x-dspex-type": "frozenset[int] | None"})", "Union[frozenset[int], NoneType]"},
  };
  for (const auto& [schema, shown] : cases) EXPECT_EQ(FieldType(schema).ToString(), shown) << schema;
}

TEST(TypeTable, ReadsBounds) {
  const Type number =
      FieldType(R"({"type": "number", "minimum": 1, "maximum": 2.5, "multipleOf": 0.5, "minLength": 3})");
  EXPECT_EQ(number.constraints->minimum, 1);
  EXPECT_EQ(number.constraints->maximum, 2.5);
  EXPECT_EQ(number.constraints->multiple_of, 0.5);
  EXPECT_FALSE(number.constraints->min_length.has_value());
  const Type text = FieldType(R"({"type": "string", "pattern": "^\\d+[\\w-]$"})");
  EXPECT_EQ(text.constraints->pattern, "^\\d+[\\w-]$");
  EXPECT_TRUE(re2::RE2::PartialMatch("\u0663\u00e9", *text.constraints->regex));
  EXPECT_FALSE(re2::RE2::PartialMatch("x1", *text.constraints->regex));
  EXPECT_EQ(FieldType(R"({"type": "object", "maxProperties": 3})").constraints->max_length, 3U);
  EXPECT_EQ(FieldType(R"({"type": "array", "minItems": 1, "items": {}})").constraints->min_length, 1U);
  EXPECT_EQ(FieldType(R"({"type": "string"})").constraints, nullptr);
}

TEST(TypeTable, MarkersSayWhatJsonSchemaCannot) {
  const auto type = Read(R"({"title": "A title", "x-dspex-name": "Caf\u00e9", "type": "object",
                             "required": ["al-ias"], "properties": {
                             "al-ias": {"title": "Al-Ias", "type": "string", "x-dspex-name": "my_name"},
                             "more": {"type": "array", "x-dspex-default": []}}})");
  EXPECT_EQ(type->shown, "Caf\u00e9");
  EXPECT_EQ(type->fields[0].name, "my_name");
  EXPECT_EQ(type->fields[0].alias, "al-ias");
  EXPECT_EQ(type->schema->dump(), R"({"title":"A title","type":"object","required":["al-ias"],"properties":)"
                                  R"({"al-ias":{"title":"Al-Ias","type":"string"},"more":{"type":"array"}}})");
  EXPECT_EQ(type->schema_by_name->dump(),
            R"({"title":"A title","type":"object","required":["my_name"],"properties":)"
            R"({"my_name":{"title":"My Name","type":"string"},"more":{"type":"array"}}})");
  EXPECT_EQ(type->fields[1].default_value->dump(), "[]");
  const auto choice = Read(R"({"enum": [1, 2.5], "x-enum-varnames": ["ONE", "MORE"]})");
  EXPECT_EQ(choice->members[1].name, "MORE");
  EXPECT_EQ(choice->schema->dump(), R"({"enum":[1,2.5]})");
}

TEST(TypeTable, ShowsTheClassThatPydanticNamed) {
  const auto shown = [](const char* name, const char* title) {
    return TypeTable::Create({{name, Json{{"title", title}, {"properties", Json::object()}}}})
        .value()
        ->Find(name)
        ->shown;
  };
  EXPECT_EQ(shown("Box_int_", "Box[int]"), "Box[int]");
  EXPECT_EQ(shown("app__models__Person", "Person"), "Person");
  EXPECT_EQ(shown("Gr__e", "Gr\u00f6\u00dfe"), "Gr\u00f6\u00dfe");
  EXPECT_EQ(shown("Person", "A person"), "Person");
}

TEST(TypeTable, NamesOfOtherTypes) {
  const auto table = Create("Names", R"({"items": {"$ref": "#/$defs/Name"}, "title": "Names", "type": "array",
                                          "$defs": {"Name": {"type": "string", "minLength": 1}}})");
  ASSERT_TRUE(table.ok()) << table.status();
  const Type type = ParseType("dict[str, Names]", *table).value();
  EXPECT_EQ(type.ToString(), "dict[str, Names]");
  const Type& names = type.arguments[1];
  EXPECT_EQ(names.kind, Kind::kList);
  EXPECT_EQ(names.named->name, "Names");
  EXPECT_EQ(names.arguments[0].kind, Kind::kStr);
  EXPECT_EQ(names.arguments[0].constraints->min_length, 1U);
  EXPECT_FALSE(ParseType("Maybe", Create("Maybe", R"({"type": ["string", "null"]})").value())->AllowsNone());

  const auto same = Create("Human", R"({"$ref": "#/$defs/Person",
                                        "$defs": {"Person": {"properties": {"a": {}}, "type": "object"}}})");
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_EQ((*same)->Find("Human")->fields.size(), 1U);
  EXPECT_EQ(ParseType("Human", *same)->kind, Kind::kModel);
}

TEST(TypeTable, ObjectsInPlace) {
  const auto type = Read(R"({"type": "object", "properties": {"home": {"type": "object", "required": ["street"],
                             "properties": {"street": {"type": "string"}}}}})");
  const NamedType& home = *type->fields[0].type.named;
  EXPECT_TRUE(home.in_place);
  EXPECT_EQ(home.fields[0].name, "street");
  EXPECT_TRUE(home.fields[0].required);
}

struct BadCase {
  std::string schema;
  const char* path;
  const char* says;
};

void ExpectRefused(const BadCase& test) {
  const auto table = Create("T", test.schema);
  ASSERT_FALSE(table.ok()) << test.schema;
  EXPECT_EQ(table.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(table.status()), reason::kInvalidSignature);
  EXPECT_EQ(ErrorMetadata(table.status(), "path"), test.path) << test.schema;
  EXPECT_NE(table.status().message().find(test.says), absl::string_view::npos) << table.status();
}

TEST(TypeTable, RefusesByNameAndPlace) {
  const BadCase cases[] = {
      {"3", "#", "a schema is expected"},
      {R"({"type": "what"})", "#/type", "not known"},
      {R"({"properties": {"a": {"type": 3}}})", "#/properties/a/type", "not known"},
      {R"({"properties": {"a": {"oneOf": [{}], "discriminator": {}}}})", "#/properties/a", "'oneOf' has no equal"},
      {R"({"properties": {"a": {"items": {"not": {}}}}})", "#/properties/a/items", "'not' has no equal"},
      {R"({"patternProperties": {"a": {}}})", "#", "'patternProperties' has no equal"},
      {R"({"properties": {"a": {"$defs": {}}}})", "#/properties/a", "'$defs' has no equal"},
      {R"({"properties": {"a": {"$ref": "#/$defs/B"}}})", "#/properties/a", "no type B is declared"},
      {R"({"properties": {"a": {"$ref": "other.json"}}})", "#/properties/a/$ref", "is written"},
      {R"({"properties": {"a": {"$ref": "#/$defs/T", "minimum": 3}}})", "#/properties/a", "beside another"},
      {R"({"properties": {"a": {"allOf": [{}, {}]}}})", "#/properties/a/allOf", "several schemas"},
      {R"({"properties": {"a": {"anyOf": []}}})", "#/properties/a/anyOf", "a list of schemas"},
      {R"({"properties": {"a": {"minimum": 3}}})", "#/properties/a", "says no type"},
      {R"({"properties": {"a": {"type": "integer", "minimum": "x"}}})", "#/properties/a/minimum", "a number"},
      {R"({"properties": {"a": {"type": "string", "maxLength": -1}}})", "#/properties/a/maxLength", "not negative"},
      {R"({"properties": {"a": {"type": "number", "multipleOf": 0}}})", "#/properties/a/multipleOf", "positive"},
      {R"j({"properties": {"a": {"type": "string", "pattern": "(?=a)"}}})j", "#/properties/a/pattern", "not taken"},
      {R"j({"properties": {"a": {"type": "string", "pattern": "(((a{1000}){1000}){1000})"}}})j",
       "#/properties/a/pattern", "not taken"},
      {R"({"properties": {"a": {"enum": [1.5]}}})", "#/properties/a/enum", "a choice is"},
      {R"({"properties": {"a": {"enum": []}}})", "#/properties/a/enum", "1 to 1000"},
      {R"({"enum": [[1]]})", "#/enum", "a choice is"},
      {R"({"enum": [1], "x-enum-varnames": []})", "#/x-enum-varnames", "for each value"},
      {R"({"properties": {"a": {"x-dspex-type": "lost"}}})", "#/properties/a/x-dspex-type", "lost is not known"},
      {R"({"properties": {}, "required": ["a"]})", "#/required", "no property"},
      {R"({"properties": {}, "required": [3]})", "#/required", "a list of names"},
      {R"({"properties": [], "type": "object"})", "#/properties", "an object"},
      {R"({"properties": {}, "type": "array"})", "#/type", "is an object"},
      {R"({"properties": {}, "additionalProperties": {"type": "string"}})", "#/additionalProperties", "one type"},
      {R"({"prefixItems": [{}], "items": {}, "type": "array"})", "#", "further elements"},
      {R"({"items": {"type": "object"}, "uniqueItems": true, "type": "array"})", "#", "elements of a set"},
      {R"({"type": "string", "format": "base64url"})", "#/format", "base64"},
      {R"({"properties": {"a": {"x-dspex-name": "b"}, "b": {}}})", "#/properties/b", "two fields"},
      {R"({"properties": {"a": {"$ref": "#/$defs/T"}}, "required": ["a"]})", "#", "without an end"},
      {R"({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}})", "#",
       "refers to itself"},
      {R"({"items": {"$ref": "#/$defs/T"}, "type": "array"})", "#/items", "refers to itself"},
  };
  for (const BadCase& test : cases) ExpectRefused(test);
  EXPECT_FALSE(Create("not a name", "{}").ok());
  EXPECT_FALSE(Create("class", "{}").ok());
  const auto twice = TypeTable::Create({{"A", Json{{"type", "string"}}}, {"A", Json{{"type", "integer"}}}});
  EXPECT_NE(twice.status().message().find("have this name"), absl::string_view::npos) << twice.status();
  EXPECT_TRUE(TypeTable::Create({{"A", Json{{"type", "string"}}}, {"A", Json{{"type", "string"}}}}).ok());
}

TEST(TypeTable, EndlessTypesNeedAWayOut) {
  const auto model = [](const char* field) {
    return absl::StrCat(R"({"properties": {"a": )", field, R"(}, "required": ["a"], "type": "object"})");
  };
  EXPECT_TRUE(Create("T", model(R"({"anyOf": [{"$ref": "#/$defs/T"}, {"type": "null"}]})")).ok());
  EXPECT_TRUE(Create("T", model(R"({"type": "array", "items": {"$ref": "#/$defs/T"}})")).ok());
  EXPECT_FALSE(Create("T", model(R"({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/T"}})")).ok());
  EXPECT_FALSE(Create("T", model(R"({"anyOf": [{"$ref": "#/$defs/T"}, {"$ref": "#/$defs/T"}]})")).ok());
}

std::string Repeated(int count, const std::string& begin, const std::string& middle, const std::string& end) {
  std::string text;
  for (int i = 0; i < count; ++i) text += begin;
  text += middle;
  for (int i = 0; i < count; ++i) text += end;
  return text;
}

TEST(TypeTable, BoundsHostileSchemas) {
  EXPECT_TRUE(Create("T", Repeated(60, R"({"type":"array","items":)", "{}", "}")).ok());
  EXPECT_FALSE(Create("T", Repeated(80, R"({"type":"array","items":)", "{}", "}")).ok());
  EXPECT_FALSE(Create("T", Repeated(300, R"({"type":"array","items":)", "{}", "}")).ok());

  // Names that stand for twice the next one each: 2^30 copies.
  Json definitions = Json::object();
  for (int i = 0; i < 30; ++i) {
    const Json next{{"$ref", absl::StrCat("#/$defs/A", i + 1)}};
    definitions[absl::StrCat("A", i)] = Json{{"type", "array"}, {"prefixItems", Json::array({next, next})}};
  }
  definitions["A30"] = Json{{"type", "string"}};
  const auto laughs = TypeTable::Create({{"T", Json{{"$ref", "#/$defs/A0"}, {"$defs", definitions}}}});
  EXPECT_NE(laughs.status().message().find("grow too large"), absl::string_view::npos) << laughs.status();

  // A long chain of models is no recursion.
  Json chain = Json::object();
  for (int i = 0; i < 900; ++i) {
    chain[absl::StrCat("M", i)] =
        Json{{"properties", {{"next", {{"$ref", absl::StrCat("#/$defs/M", (i + 1) % 900)}}}}}, {"type", "object"}};
  }
  EXPECT_TRUE(TypeTable::Create({{"M", Json{{"$ref", "#/$defs/M0"}, {"$defs", chain}}}}).ok());
  // A chain of names that stand for each other is.
  Json names = Json::object();
  for (int i = 0; i < 900; ++i) {
    names[absl::StrCat("N", i)] = Json{{"type", "array"}, {"items", {{"$ref", absl::StrCat("#/$defs/N", i + 1)}}}};
  }
  names["N900"] = Json::object();
  EXPECT_FALSE(TypeTable::Create({{"N", Json{{"$ref", "#/$defs/N0"}, {"$defs", names}}}}).ok());

  Json many = Json::object();
  for (int i = 0; i < 1001; ++i) many[absl::StrCat("f", i)] = Json::object();
  EXPECT_FALSE(TypeTable::Create({{"T", Json{{"properties", many}}}}).ok());
  Json values = Json::array();
  for (int i = 0; i < 1001; ++i) values.push_back(i);
  EXPECT_FALSE(TypeTable::Create({{"T", Json{{"enum", values}}}}).ok());
  const auto large = TypeTable::Create({{"T", Json{{"description", std::string(1 << 20, 'x')}}}});
  EXPECT_NE(large.status().message().find("bytes"), absl::string_view::npos) << large.status();
}

}  // namespace
}  // namespace dspex
