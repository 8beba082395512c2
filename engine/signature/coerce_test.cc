#include "engine/signature/coerce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/signature/coerce_vectors.h"

namespace dspex {
namespace {

// The text tells ints from floats, and the order of keys.
std::string Text(const Json& value) { return value.dump(); }

TEST(Coerce, AgreesWithPydanticsLaxMode) {
  for (const CoerceVector& vector : kCoerceVectors) {
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
