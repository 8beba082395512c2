#include "engine/signature/coerce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/signature/coerce_type_vectors.h"
#include "engine/signature/coerce_vectors.h"
#include "engine/signature/named_type.h"

namespace dspex {
namespace {

// The text tells ints from floats, and the order of keys.
std::string Text(const Json& value) { return value.dump(); }

void Check(const CoerceVector& vector) {
  SCOPED_TRACE(std::string(vector.type) + " " + vector.value);
  const auto type = ParseType(vector.type);
  ASSERT_TRUE(type.ok()) << type.status();
  const auto value = Coerce(*type, Json::parse(vector.value));
  ASSERT_EQ(value.ok(), vector.expected != nullptr) << value.status();
  if (value.ok()) {
    EXPECT_EQ(Text(*value), Text(Json::parse(vector.expected)));
  } else {
    EXPECT_EQ(ErrorReason(value.status()), reason::kInvalidValue);
  }
}

TEST(Coerce, AgreesWithPydanticsLaxMode) {
  for (const CoerceVector& vector : kCoerceVectors) Check(vector);
  for (const CoerceVector& vector : kCoerceTypeVectors) Check(vector);
}

TEST(Coerce, NonFiniteFloatsComeFromText) {
  const Type type = *ParseType("float");
  EXPECT_TRUE(std::isnan(Coerce(type, "nan")->get<double>()));
  EXPECT_TRUE(std::isnan(Coerce(type, "-NaN")->get<double>()));
  for (const char* text : {"inf", "+Infinity", " INF ", "1e999"}) {
    EXPECT_EQ(Coerce(type, text)->get<double>(), HUGE_VAL) << text;
  }
  EXPECT_EQ(Coerce(type, "-infinity")->get<double>(), -HUGE_VAL);
  EXPECT_FALSE(Coerce(*ParseType("int"), "nan").ok());
  EXPECT_FALSE(Coerce(*ParseType("int"), HUGE_VAL).ok());
}

TEST(Coerce, AnIntBeyond64BitsIsAnErrorNotAnotherNumber) {
  const Type type = *ParseType("int");
  EXPECT_EQ(Coerce(type, "18446744073709551615")->get<std::uint64_t>(), UINT64_MAX);
  EXPECT_EQ(Coerce(type, "-9223372036854775808")->get<std::int64_t>(), INT64_MIN);
  for (const char* text : {"18446744073709551616", "-9223372036854775809", "99999999999999999999.0"}) {
    EXPECT_FALSE(Coerce(type, text).ok()) << text;
    EXPECT_FALSE(Coerce(type, Json::parse(text)).ok()) << text;
  }
}

TEST(Coerce, ErrorsNamePathAndType) {
  const auto nested = Coerce(*ParseType("dict[str, list[int]]"), Json::parse(R"({"a": [1], "b": [1, "2", "x"]})"));
  EXPECT_EQ(ErrorMetadata(nested.status(), "path"), ".b[2]");
  EXPECT_EQ(ErrorMetadata(nested.status(), "type"), "int");

  const auto top = Coerce(*ParseType("Optional[int]"), Json::parse("[1]"));
  EXPECT_EQ(ErrorMetadata(top.status(), "path"), "");
  EXPECT_EQ(ErrorMetadata(top.status(), "type"), "Union[int, NoneType]");

  const auto key = Coerce(*ParseType("dict[int, str]"), Json::parse(R"({"x": "a"})"));
  EXPECT_EQ(ErrorMetadata(key.status(), "path"), ".x");
}

// Types that a program declares: names and schemas, as JSON.
std::shared_ptr<const TypeTable> Declare(const char* declarations) {
  std::vector<TypeTable::Declaration> list;
  const Json json = Json::parse(declarations);
  for (const auto& [name, schema] : json.items()) list.emplace_back(name, schema);
  auto table = TypeTable::Create(list);
  EXPECT_TRUE(table.ok()) << table.status();
  return *std::move(table);
}

constexpr char kDeclarations[] = R"({
  "Node": {"type": "object", "required": ["value"], "properties": {
    "value": {"type": "integer", "minimum": 0}, "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}], "default": null}}},
  "Closed": {"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string", "pattern": "^\\d+$"}}},
  "Open": {"type": "object", "additionalProperties": true, "properties": {"a": {"type": "integer"}}, "required": ["a"]},
  "Alias": {"type": "object", "required": ["firstValue"], "properties": {
    "firstValue": {"type": "integer", "x-dspex-name": "first"}}},
  "Level": {"enum": [1, 2], "type": "integer"},
  "Size": {"enum": [1, 2], "type": "integer", "x-enum-base": "int"}
})";

TEST(Coerce, DeclaredTypes) {
  struct Case {
    const char* type;
    const char* value;
    const char* expected;
    const char* path;
  };
  const Case cases[] = {
      {"Node", R"({"value": "1", "more": 2})", R"({"value":1,"next":null})", ""},
      {"Node", R"({"next": {"value": 2.0}, "value": 1})", R"({"value":1,"next":{"value":2,"next":null}})", ""},
      {"Node", R"({"value": 1, "next": {"value": -1}})", nullptr, ".next.value"},
      {"Node", R"({})", nullptr, ".value"},
      {"Node", R"([])", nullptr, ""},
      {"Closed", R"({"a": "١2"})", R"({"a":"١2"})", ""},
      {"Closed", R"({"a": "x"})", nullptr, ".a"},
      {"Closed", R"({"b": 1})", nullptr, ".b"},
      {"Open", R"({"b": [1], "a": 1})", R"({"a":1,"b":[1]})", ""},
      {"Alias", R"({"firstValue": 1})", R"({"first":1})", ""},
      {"Alias", R"({"first": 1})", nullptr, ".firstValue"},
      {"Level", "1.0", "1", ""},
      {"Level", R"("1")", nullptr, ""},
      {"Size", R"("1")", "1", ""},
      // The alternative that takes most fields.
      {"Union[Open, Node]", R"({"a": 1, "value": 1, "next": null})", R"({"value":1,"next":null})", ""},
      {"Union[Open, Node, int]", R"({"a": 1, "value": 1})", R"({"a":1,"value":1})", ""},
      {"list[Optional[Node]]", R"([null, {"value": "x"}])", nullptr, "[1].value"},
  };
  const auto types = Declare(kDeclarations);
  for (const Case& test : cases) {
    SCOPED_TRACE(std::string(test.type) + " " + test.value);
    const auto type = ParseType(test.type, types);
    ASSERT_TRUE(type.ok()) << type.status();
    const auto value = Coerce(*type, Json::parse(test.value));
    ASSERT_EQ(value.ok(), test.expected != nullptr) << value.status();
    if (value.ok()) {
      EXPECT_EQ(Text(*value), test.expected);
    } else {
      EXPECT_EQ(ErrorMetadata(value.status(), "path"), test.path);
    }
  }
}

TEST(Coerce, AUserMayGiveWhatWasWritten) {
  const auto types = Declare(kDeclarations);
  EXPECT_EQ(Text(*CoerceGiven(*ParseType("Alias", types), Json{{"first", 1}})), R"({"first":1})");
  EXPECT_EQ(Text(*CoerceGiven(*ParseType("dspy.Image"), "http://x.org")), R"({"url":"http://x.org"})");
  EXPECT_FALSE(CoerceGiven(*ParseType("dspy.Image"), "/etc/passwd").ok());
  EXPECT_EQ(Text(*CoerceGiven(*ParseType("dspy.Tool"), Json{{"name", "f"}})), R"({"name":"f","desc":null,"args":{}})");
}

// Both alternatives have each other below: without a bound that is two to the power of the depth.
TEST(Coerce, RecursiveUnionsAreBounded) {
  const auto types = Declare(R"({
    "A": {"type": "object", "properties": {"n": {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]}}},
    "B": {"type": "object", "properties": {"n": {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]}}}
  })");
  Json value = "x";
  for (int i = 0; i < 90; ++i) value = Json{{"n", std::move(value)}};
  EXPECT_FALSE(Coerce(*ParseType("A", types), std::move(value)).ok());
}

// Each level asks each alternative for three ranks; that must not multiply with the depth.
TEST(Coerce, NestedUnionsAreNotExponential) {
  std::string type = "int";
  Json value = "x";
  for (int i = 0; i < 15; ++i) {
    type = "Union[list[" + type + "], dict[str, int], None]";
    value = Json::array({value});
  }
  EXPECT_FALSE(Coerce(*ParseType(type), value).ok());
}

Signature Make(const char* text) { return *Signature::FromString(text); }

TEST(CoerceInputs, ChecksAndOrders) {
  const Signature signature = Make("question, n: int, extra: Optional[str], tags: list[str] -> answer");
  const auto all = CoerceInputs(signature, Json::parse(R"({"question":"q","n":"5","extra":null,"tags":["a"]})"));
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(Text(*all), R"({"question":"q","n":5,"extra":null,"tags":["a"]})");
  const auto other_order = CoerceInputs(signature, Json::parse(R"({"tags":[],"n":5.0,"question":"q"})"));
  ASSERT_TRUE(other_order.ok()) << other_order.status();
  EXPECT_EQ(Text(*other_order), R"({"question":"q","n":5,"tags":[]})");
  EXPECT_EQ(Text(*CoerceInputs(Make("-> answer"), Json::object())), "{}");
}

TEST(TakeInputs, OfAUnionTheAlternativeThatHasTheModel) {
  const auto types = Declare(
      R"({"P": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer", "default": 1}},
                                    "required": ["x"]}})");
  const Signature signature = Signature::FromString("v: list[P] | list[str] | str -> a", "", types).value();
  const auto taken = [&](const char* inputs) {
    std::vector<std::string> warnings;
    return TakeInputs(signature, Json::parse(inputs), warnings).value().dump();
  };
  EXPECT_EQ(taken(R"({"v": [{"x": 7}]})"), R"({"v":[{"x":7,"y":1}]})");
  EXPECT_EQ(taken(R"({"v": ["x"]})"), R"({"v":["x"]})");
  EXPECT_EQ(taken(R"({"v": [{"z": 7}]})"), R"({"v":[{"z":7}]})");
}

TEST(TakeInputs, LeavesValuesAsTheyAre) {
  const Signature signature =
      Make("n: int, image: dspy.Image, images: list[dspy.Image], note: Optional[str], d -> answer");
  std::vector<std::string> warnings;
  const auto taken = TakeInputs(
      signature, Json::parse(R"({"x": 1, "images": [{"url": "data:y"}], "image": {"url": " http://x "}, "n": "five"})"),
      warnings);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(Text(*taken), R"({"n":"five","image":{"url":"http://x"},"images":[{"url":"data:y"}]})");
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_NE(warnings[0].find("no input x"), std::string::npos);
  EXPECT_NE(warnings[1].find("input d is missing"), std::string::npos);

  const auto bad = TakeInputs(signature, Json::parse(R"({"images": [{"url": "/etc/passwd"}]})"), warnings);
  EXPECT_EQ(ErrorReason(bad.status()), reason::kInvalidValue);
  EXPECT_EQ(ErrorMetadata(bad.status(), "path"), "[0]");
  EXPECT_EQ(ErrorReason(TakeInputs(signature, Json::array(), warnings).status()), reason::kInvalidRequest);
}

TEST(CoerceInputs, MissingInput) {
  const auto inputs = CoerceInputs(Make("question, n: int -> answer"), Json::parse(R"({"question":"q"})"));
  EXPECT_EQ(inputs.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(inputs.status()), reason::kMissingInput);
  EXPECT_EQ(ErrorMetadata(inputs.status(), "field"), "n");
}

TEST(CoerceInputs, UnknownField) {
  const Signature signature = Make("question, context -> answer");
  const auto inputs = CoerceInputs(signature, Json::parse(R"({"question":"q","contxt":"c"})"));
  EXPECT_EQ(ErrorReason(inputs.status()), reason::kUnknownField);
  EXPECT_EQ(ErrorMetadata(inputs.status(), "field"), "contxt");
  EXPECT_NE(inputs.status().message().find("Did you mean context?"), absl::string_view::npos) << inputs.status();

  const auto far = CoerceInputs(signature, Json::parse(R"({"zzz":1,"question":"q","context":"c"})"));
  EXPECT_EQ(far.status().message().find("mean"), absl::string_view::npos) << far.status();
  const auto output = CoerceInputs(signature, Json::parse(R"({"question":"q","context":"c","answer":"a"})"));
  EXPECT_NE(output.status().message().find("output"), absl::string_view::npos) << output.status();
  const auto huge = CoerceInputs(signature, Json{{std::string(100'000, 'x'), 1}});
  EXPECT_LT(huge.status().message().size(), 300u);
}

TEST(CoerceInputs, InvalidValue) {
  const auto inputs =
      CoerceInputs(Make("question, n: list[int] -> answer"), Json::parse(R"({"question":"q","n":[1,"x"]})"));
  EXPECT_EQ(ErrorReason(inputs.status()), reason::kInvalidValue);
  EXPECT_EQ(ErrorMetadata(inputs.status(), "field"), "n");
  EXPECT_EQ(ErrorMetadata(inputs.status(), "path"), "[1]");
  EXPECT_EQ(ErrorMetadata(inputs.status(), "type"), "int");
  EXPECT_EQ(ErrorReason(CoerceInputs(Make("a -> b"), Json::parse(R"({"a":5})")).status()), reason::kInvalidValue);
  EXPECT_EQ(ErrorReason(CoerceInputs(Make("a -> b"), Json::array()).status()), reason::kInvalidRequest);
}

}  // namespace
}  // namespace dspex
