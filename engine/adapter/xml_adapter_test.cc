#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

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
  return Types(
      {{"Item", R"({"type": "object", "title": "Item", "properties": {"name": {"type": "string", "title": "Name"},
                 "parts": {"type": "array", "items": {"type": "integer"}, "title": "Parts"}},
                 "required": ["name", "parts"]})"},
       {"Tree", R"({"type": "object", "title": "Tree", "properties": {"v": {"type": "integer", "title": "V"},
                 "kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}, "title": "Kids"}},
                 "required": ["v", "kids"]})"}});
}

absl::StatusOr<Json> Parse(absl::string_view signature, absl::string_view completion) {
  return Bind(AdapterKind::kXml, Sig(signature, "", Declared()))->Parse(completion);
}

TEST(XmlAdapterFormatTest, ElementsInAndOut) {
  const auto adapter =
      Bind(AdapterKind::kXml, Sig("q, l: list[int] -> a, i: Item, t: Tree | None, m: dict[str, Any]", "", Declared()),
           {{{"q", "<&"},
             {"l", {1}},
             {"a", "x < y & z"},
             {"i", {{"name", "n<"}, {"parts", {1, 2}}}},
             {"t", nullptr},
             {"m", {{"a b", nullptr}, {"c-d", Json::array()}, {"e\"", true}}}}});
  const std::string& system = TextOf(adapter->prefix()[0]);
  EXPECT_THAT(system, HasSubstr("\n<q>\n<q>\n</q>\n\n<l>\n<l>\n</l>\n\n"));
  EXPECT_THAT(system, HasSubstr("\n<a>\n&lt;a>\n</a>\n\n<i><name>...</name><parts><item>...</item></parts></i>\n\n"
                                "<t><v>...</v><kids><item>...</item></kids></t>\n\n<m>...</m>\n\n"));
  EXPECT_EQ(TextOf(adapter->prefix()[1]).substr(0, 60),
            "Part of an example; only the sections shown count.\n\n<q>\n<&\n<");
  EXPECT_EQ(TextOf(adapter->prefix()[2]),
            "<a>\nx &lt; y &amp; z\n</a>\n\n<i><name>n&lt;</name><parts><item>1</item><item>2</item></parts></i>\n\n"
            "<t>\nNone\n</t>\n\n<m><entry key=\"a b\" /><c-d /><entry key='e\"'>True</entry></m>");
  EXPECT_EQ(
      TurnText(*adapter, {{"q", "x"}}),
      "<q>\nx\n</q>\n\nReply with the XML elements `<a>`, then `<i>`, then `<t>`, then `<m>`. Nest them like this: "
      "<i><name>...</name><parts><item>...</item></parts></i> <t><v>...</v><kids><item>...</item></kids></t> "
      "<m>...</m>");
}

TEST(XmlAdapterParseTest, TypesDirectTheReading) {
  EXPECT_EQ(Parse("q -> a, n: int, l: list[int]", "<a>\nt &amp; u\n</a>talk<n>5</n><l><item>1</item><item>2</item></l>")
                .value()
                .dump(),
            R"({"a":"t & u","n":5,"l":[1,2]})");
  EXPECT_EQ(Parse("q -> i: Item", "<i><name>x</name><parts>1</parts><parts>2</parts></i>").value().dump(),
            R"({"i":{"name":"x","parts":[1,2]}})");
  EXPECT_EQ(Parse("q -> t: Tree", "<t><v>1</v><kids><item><v>2</v><kids/></item></kids></t>").value().dump(),
            R"({"t":{"v":1,"kids":[{"v":2,"kids":[]}]}})");
  EXPECT_EQ(Parse("q -> l: list[str]", "<l>[\"a\", \"b\"]</l>").value().dump(), R"({"l":["a","b"]})");
  EXPECT_EQ(Parse("q -> m: dict[str, int]", "<m><x>1</x><entry key='y z'>2</entry></m>").value().dump(),
            R"({"m":{"x":1,"y z":2}})");
  EXPECT_EQ(Parse("q -> o: Optional[list[int]]", "<o> </o>").value().dump(), R"({"o":null})");
  EXPECT_EQ(Parse("q -> a", "<a>one <b>two</b> three<br/></a>").value().dump(),
            R"({"a":"one <b>two</b> three<br />"})");
}

TEST(XmlAdapterParseTest, ErrorsSayWhatIsWrong) {
  EXPECT_EQ(ErrorMetadata(Parse("q -> a", "<a>x & y</a>").status(), "problem"), "malformed");
  EXPECT_EQ(ErrorMetadata(Parse("q -> a, b", "<a>x</a>").status(), "field"), "b");
  const absl::Status invalid = Parse("q -> n: int", "<n>many</n>").status();
  EXPECT_EQ(ErrorMetadata(invalid, "problem"), "invalid");
  EXPECT_EQ(ErrorMetadata(invalid, "type"), "int");
}

TEST(XmlAdapterParseTest, HostileTextsEndInTime) {
  const auto adapter = Bind(AdapterKind::kXml, Sig("q -> t: Tree, m: dict[str, Any]", "", Declared()));
  std::string deep = "<t>";
  for (int i = 0; i < 90; ++i) deep += "<kids>";
  for (int i = 0; i < 90; ++i) deep += "</kids>";
  std::string wide = "<m>";
  for (int i = 0; i < 100'000; ++i) wide += "<k" + std::to_string(i % 5000) + ">1</k" + std::to_string(i % 5000) + ">";
  for (const std::string& text : {deep + "</t>", wide + "</m>", std::string(10'000'000, '<')}) {
    const auto fields = adapter->Parse(text);
    if (!fields.ok()) EXPECT_EQ(ErrorReason(fields.status()), "COMPLETION_UNPARSABLE");
  }
}

}  // namespace
}  // namespace dspex
