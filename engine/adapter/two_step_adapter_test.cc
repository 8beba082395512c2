#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/adapter/python_value.h"
#include "engine/adapter/testing.h"

namespace dspex {
namespace {

using testing_support::Bind;
using testing_support::Sig;
using testing_support::TextOf;
using testing_support::TurnText;
using testing_support::Types;

TEST(TwoStepAdapterTest, AsksInFreeText) {
  const auto adapter = Bind(AdapterKind::kTwoStep, Sig("q, n: list[int] -> a, b: int", "Do it."),
                            {{{"q", "x"}, {"n", {1}}, {"a", "y"}, {"b", 2}}, {{"q", "x"}, {"b", 3}}});
  const auto& prefix = adapter->prefix();
  EXPECT_THAT(TextOf(prefix[0]), ::testing::EndsWith("The task: Do it."));
  EXPECT_EQ(TextOf(prefix[1]), "Part of an example; only the sections shown count.\n\nq: x");
  EXPECT_EQ(TextOf(prefix[2]), "b: 3");
  EXPECT_EQ(TextOf(prefix[3]), "q: x\n\nn: [1]");
  EXPECT_EQ(TextOf(prefix[4]), "a: y\n\nb: 2");
  EXPECT_EQ(TurnText(*adapter, {{"n", {"a'b"}}, {"q", nullptr}}), "q: None\n\nn: [\"a'b\"]");
  EXPECT_EQ(TurnText(*adapter, Json::object()), "");
}

TEST(TwoStepAdapterTest, ExtractsByAChat) {
  const Signature signature = Sig("q -> a, b: int", "Do it.");
  const Signature extraction = ExtractionSignature(*Phrasebook::BuiltIn(), signature);
  EXPECT_EQ(extraction.ToString(), "text: str -> a: str, b: int");
  EXPECT_EQ(extraction.instructions(), "Find `a`, `b` in the text and copy each as it stands there.");
  EXPECT_EQ(Bind(AdapterKind::kTwoStep, signature)->Parse("[[ ## a ## ]]\nx\n[[ ## b ## ]]\n3").value().dump(),
            R"({"a":"x","b":3})");
  const Signature named = ExtractionSignature(*Phrasebook::BuiltIn(), Sig("q -> a, text: int"));
  EXPECT_TRUE(named.inputs().empty());
  EXPECT_EQ(named.outputs()[0].name, "text");
  EXPECT_EQ(named.outputs()[1].name, "a");
}

TEST(PythonTextTest, PrintsWhatPythonHas) {
  const auto types =
      Types({{"P", R"({"type": "object", "title": "P", "properties": {"x": {"type": "string", "title": "X"},
      "at": {"type": "string", "format": "date-time", "title": "At"}}, "required": ["x", "at"]})"},
             {"C", R"({"enum": ["red"], "title": "C", "x-enum-varnames": ["RED"]})"}});
  const auto text = [&types](const char* type, const char* json) {
    return PythonText(*Phrasebook::BuiltIn(), Sig("q -> a"), ParseType(type, types).value(), Json::parse(json));
  };
  EXPECT_EQ(text("P", R"({"x": "a", "at": "2024-01-02T03:04:00Z"})"),
            "x='a' at=datetime.datetime(2024, 1, 2, 3, 4, tzinfo=TzInfo(0))");
  EXPECT_EQ(text("list[P]", R"([{"x": "a", "at": "2024-01-02T03:04:05.5+02:00"}])"),
            "[P(x='a', at=datetime.datetime(2024, 1, 2, 3, 4, 5, 500000, tzinfo=TzInfo(7200)))]");
  EXPECT_EQ(text("datetime.datetime", R"("2024-01-02T03:04:05Z")"), "2024-01-02 03:04:05+00:00");
  EXPECT_EQ(text("datetime.timedelta", R"("-P1DT2H")"), "-2 days, 22:00:00");
  EXPECT_EQ(text("C", R"("red")"), "C.RED");
  EXPECT_EQ(text("list[C]", R"(["red"])"), "[<C.RED: 'red'>]");
  EXPECT_EQ(text("tuple[int, ...]", "[1]"), "(1,)");
  EXPECT_EQ(text("set[int]", "[]"), "set()");
  EXPECT_EQ(text("list[decimal.Decimal]", R"(["1.5"])"), "[Decimal('1.5')]");
  // Of a union, the alternative that the whole value fits.
  EXPECT_EQ(text("list[uuid.UUID | Literal['yes']]", R"(["yes"])"), "['yes']");
  EXPECT_EQ(text("tuple[C, Literal[True]] | list[bool]", "[false, true]"), "[False, True]");
  EXPECT_EQ(text("tuple[C, Literal[True]] | list[bool]", R"(["red", true])"), "(<C.RED: 'red'>, True)");
  EXPECT_EQ(text("dict[int, str]", R"({"1": "x"})"), "{1: 'x'}");
  EXPECT_EQ(text("list[dspy.Image]", R"([{"url": "data:image/png;base64,QUJD"}])"),
            "[Image(url=data:image/png;base64,<IMAGE_BASE_64_ENCODED(4)>)]");
  EXPECT_EQ(text("dspy.experimental.Document", R"({"data": "abc", "title": null})"), "document of 3 characters");
}

}  // namespace
}  // namespace dspex
