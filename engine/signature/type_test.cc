#include "engine/signature/type.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/base/error.h"
#include "engine/base/reasons.h"

namespace dspex {
namespace {

struct Case {
  const char* text;
  const char* shown;
};

TEST(ParseType, PrintsAsDspyDoes) {
  const Case cases[] = {
      {"str", "str"},
      {" int ", "int"},
      {"None", "NoneType"},
      {"NoneType", "NoneType"},
      {"Any", "Any"},
      {"list", "list"},
      {"List", "list"},
      {"typing.List[str]", "list[str]"},
      {"typing . Dict[str,int]", "dict[str, int]"},
      {"list[List]", "list[list[]]"},
      {"list[Tuple]", "list[tuple[]]"},
      {"list[int] | List[int]", "Union[list[int], list[int]]"},
      {"list[None]", "list[None]"},
      {"list[NoneType]", "list[NoneType]"},
      {"List[None]", "list[NoneType]"},
      {"dict[str, None]", "dict[str, None]"},
      {"list[None | int]", "list[Union[NoneType, int]]"},
      {"tuple", "tuple"},
      {"tuple[()]", "tuple[]"},
      {"tuple[int, ...]", "tuple[int, Ellipsis]"},
      {"tuple[int, ...,]", "tuple[int, Ellipsis]"},
      {"Tuple[int, str,]", "tuple[int, str]"},
      {"set[tuple[int, str]]", "set[tuple[int, str]]"},
      {"FrozenSet[bytes]", "frozenset[bytes]"},
      {"Text", "str"},
      {"datetime.datetime | datetime.date", "Union[datetime, date]"},
      {"list[datetime.time | datetime.timedelta]", "list[Union[time, timedelta]]"},
      {"dict[uuid.UUID, decimal.Decimal]", "dict[UUID, Decimal]"},
      {"dspy.Image", "Image"},
      {"dspy.adapters.types.image.Image", "Image"},
      {"list[dspy.Audio | dspy.File]", "list[Union[Audio, File]]"},
      {"dspy.experimental.Document", "Document"},
      {"dspy.Citations", "Citations"},
      {"dspy.History", "History"},
      {"list[dspy.Tool]", "list[Tool]"},
      {"dspy.ToolCalls | dspy.ToolCallResults", "Union[ToolCalls, ToolCallResults]"},
      {"Optional[dspy.Reasoning]", "Union[str, NoneType]"},
      {"dspy.Code", "Code"},
      {"dspy.Code[\"java\"]", "Code_java"},
      {"list[dspy.Code['c++']]", "list[Code_c++]"},
      {"Literal['a', Literal['b', typing.Literal['a', 2]]]", "Literal['a', 'b', 2]"},
      {"Union[Literal['a', 'b'], Literal['b', 'a']]", "Literal['a', 'b']"},
      {"Union[list[int | str], list[str | int]]", "list[Union[int, str]]"},
      {"list[int,]", "list[int]"},
      {"dict[str, list[int]]", "dict[str, list[int]]"},
      {"Optional[int]", "Union[int, NoneType]"},
      {"int | None", "Union[int, NoneType]"},
      {"None | int", "Union[NoneType, int]"},
      {"NoneType | int | None", "Union[int, NoneType]"},
      {"NoneType | None | int", "Union[int, NoneType]"},
      {"None | None | int", "Union[int, NoneType]"},
      {"int|None|str", "Union[int, NoneType, str]"},
      {"Optional[Union[int, str]]", "Union[int, str, NoneType]"},
      {"Union[int, Union[str, int], None]", "Union[int, str, NoneType]"},
      {"Union[int]", "int"},
      {"Optional[None]", "NoneType"},
      {"(int)", "int"},
      {"list[(int | None)] | str", "Union[list[Union[int, NoneType]], str]"},
      {"Literal['a', \"b\"]", "Literal['a', 'b']"},
      {"Literal['a' 'b']", "Literal['ab']"},
      {"Literal['a', 'a', 1, 1]", "Literal['a', 1]"},
      {"Literal[1, True, None, False, 0]", "Literal[1, True, None, False, 0]"},
      {"Literal[0x10, 1_000]", "Literal[16, 1000]"},
      {"Literal[\"it's\"]", "Literal[\"it's\"]"},
      {"Literal['say \"x\"']", "Literal['say \"x\"']"},
      {"Literal['it\\'s \"x\"']", "Literal['it\\'s \"x\"']"},
      {"Literal['a, b]', '->', '[']", "Literal['a, b]', '->', '[']"},
      {"Literal['\\u00e9\\x41', u'b', r'\\d']", "Literal['éA', 'b', '\\d']"},
      {"Literal['''a'b''']", "Literal[\"a'b\"]"},
      {"Optional[Literal['x']]", "Union[Literal['x'], NoneType]"},
      {"dict[Literal['a', 1], Any]", "dict[Literal['a', 1], Any]"},
      {"\xEF\xBC\xA9nt | str", nullptr},
      {"\xEF\xBD\x89nt", "int"},  // a wide "i": names are in NFKC
  };
  for (const Case& test : cases) {
    const auto type = ParseType(test.text);
    ASSERT_EQ(type.ok(), test.shown != nullptr) << test.text << ": " << type.status();
    if (!type.ok()) continue;
    EXPECT_EQ(type->ToString(), test.shown) << test.text;
    const auto again = ParseType(type->ToNotation());
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(*again, *type) << type->ToNotation();
  }
}

TEST(ParseType, NotationEscapesWhatToStringDoesNot) {
  const auto type = ParseType("Literal['a\\\\b\\n\\x00']");
  ASSERT_TRUE(type.ok()) << type.status();
  EXPECT_EQ(type->ToNotation(), "Literal['a\\\\b\\x0a\\x00']");
  EXPECT_EQ(*ParseType(type->ToNotation()), *type);
}

struct BadType {
  std::string text;
  std::string position;
  std::string token;
  const char* says;
};

TEST(ParseType, ErrorsNamePositionAndToken) {
  const BadType cases[] = {
      {"", "0", "end of text", "a type is expected"},
      {"foo", "0", "foo", "foo is not known"},
      {"list[foo]", "5", "foo", "foo is not known"},
      {"foo.bar", "0", "foo", "foo.bar is not known"},
      {"complex", "0", "complex", "complex is not supported"},
      {"list[bytearray]", "5", "bytearray", "bytearray is not supported"},
      {"Annotated[int, 'x']", "0", "Annotated", "Annotated is not supported"},
      {"typing.Sequence[int]", "0", "typing", "typing.Sequence is not supported"},
      {"Callable", "0", "Callable", "Callable is not supported"},
      {"datetime", "0", "datetime", "datetime is not known"},
      {"date", "0", "date", "date is not known"},
      {"decimal.date", "0", "decimal", "decimal.date is not known"},
      {"dspy.Example", "0", "dspy", "dspy.Example is not known"},
      {"dspy.x.Image", "0", "dspy", "dspy.x.Image is not known"},
      {"Image", "0", "Image", "Image is not known"},
      {"dspy.Code[java]", "10", "java", "the name of a language"},
      {"dspy.Code['']", "10", "''", "the name of a language"},
      {"dspy.Code['a', 'b']", "13", ",", "']' is expected"},
      {"tuple[]", "6", "]", "a type is expected"},
      {"tuple[...]", "6", "...", "the one type"},
      {"tuple[int, str, ...]", "16", "...", "the one type"},
      {"tuple[int, ..., str]", "11", "...", "the one type"},
      {"tuple[(), int]", "8", ",", "']' is expected"},
      {"list[...]", "5", "...", "a type is expected"},
      {"set[list[int]]", "4", "list", "elements of a set"},
      {"Literal[Literal]", "8", "Literal", "a Literal holds"},
      {"Literal[list[int]]", "8", "list", "a Literal holds"},
      {"typing.", "7", "end of text", "a name is expected"},
      {"list[", "5", "end of text", "a type is expected"},
      {"list[]", "5", "]", "a type is expected"},
      {"list[int", "8", "end of text", "',' or ']'"},
      {"list[int]]", "9", "]", "ends before this"},
      {"list[int, str]", "0", "list", "takes 1 argument"},
      {"dict[str]", "0", "dict", "takes 2 arguments"},
      {"Optional[int, str]", "0", "Optional", "takes 1 argument"},
      {"Optional", "0", "Optional", "needs arguments"},
      {"Literal", "0", "Literal", "needs arguments"},
      {"int[str]", "3", "[", "takes no arguments"},
      {"int |", "5", "end of text", "a type is expected"},
      {"| int", "0", "|", "a type is expected"},
      {"int int", "4", "int", "ends before this"},
      {"'int'", "0", "'int'", "not written in quotes"},
      {"()", "0", "(", "tuple"},
      {"(int, str)", "0", "(", "tuple"},
      {"(int", "4", "end of text", "')' is expected"},
      {"dict[list[int], str]", "5", "list", "cannot be keys"},
      {"Literal[]", "8", "]", "a Literal holds"},
      {"Literal[yes]", "8", "yes", "a Literal holds"},
      {"Literal['a'", "11", "end of text", "',' or ']'"},
      {"Literal['a", "8", "'a", "no closing quote"},
      {"Literal['\\x4']", "9", "\\x4']", "hexadecimal"},
      {"Literal['\\ud800']", "9", "\\ud800']", "not a character"},
      {"Literal[-1]", "8", "-", "no sign"},
      {"Literal[1.5]", "8", "1.5", "whole number"},
      {"Literal[9223372036854775808]", "8", "9223372036854775808", "whole number"},
      {"Literal[007]", "8", "007", "malformed"},
      {"Literal[b'a']", "8", "b", "a Literal holds"},
      {"int # x", "4", "#", "no meaning"},
      {"int\xff", "3", "byte", "UTF-8"},
      {"1nt", "0", "1nt", "malformed"},
      {"\u00b2x", "0", "\u00b2x", "no Python identifier"},
  };
  for (const BadType& test : cases) {
    const auto type = ParseType(test.text);
    ASSERT_FALSE(type.ok()) << test.text;
    EXPECT_EQ(type.status().code(), absl::StatusCode::kInvalidArgument) << test.text;
    EXPECT_EQ(ErrorReason(type.status()), reason::kInvalidSignature) << test.text;
    EXPECT_EQ(ErrorMetadata(type.status(), "position"), test.position) << test.text;
    EXPECT_EQ(ErrorMetadata(type.status(), "token"), test.token) << test.text;
    EXPECT_NE(type.status().message().find(test.says), absl::string_view::npos) << test.text << ": " << type.status();
  }
}

std::string Nested(int levels) {
  std::string text;
  for (int i = 0; i < levels; ++i) text += "list[";
  text += "int";
  return text + std::string(static_cast<std::size_t>(levels), ']');
}

TEST(ParseType, BoundsNestingLengthAndNumbers) {
  EXPECT_TRUE(ParseType(Nested(32)).ok());
  const auto deep = ParseType(Nested(33));
  EXPECT_EQ(ErrorMetadata(deep.status(), "position"), "164");
  EXPECT_FALSE(ParseType(std::string(60'000, '(')).ok());
  EXPECT_FALSE(ParseType(Nested(10'000)).ok());

  const auto long_text = ParseType(std::string(64 * 1024 + 1, ' '));
  EXPECT_EQ(ErrorMetadata(long_text.status(), "position"), "65536");

  std::string alternatives = "Union[int";
  std::string literals = "Literal[0";
  for (int i = 1; i <= 1000; ++i) {
    if (i <= 64) alternatives += ", Literal[" + std::to_string(i) + "]";
    literals += ", " + std::to_string(i);
  }
  EXPECT_FALSE(ParseType(alternatives + "]").ok());
  EXPECT_FALSE(ParseType(literals + "]").ok());
}

TEST(Type, AllowsNone) {
  for (const char* text : {"None", "Optional[int]", "str | None", "Union[int, Optional[str]]"}) {
    EXPECT_TRUE(ParseType(text)->AllowsNone()) << text;
  }
  // As in DSPy, the last two count only as they stand.
  for (const char* text : {"str", "list[None]", "int | str", "Literal['None']", "dict", "Any", "Literal['a', None]"}) {
    EXPECT_FALSE(ParseType(text)->AllowsNone()) << text;
  }
}

}  // namespace
}  // namespace dspex
