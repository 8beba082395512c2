#include "engine/signature/signature.h"

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/signature/named_type.h"

namespace dspex {
namespace {

struct Case {
  const char* text;
  const char* canonical;
};

TEST(Signature, ReadsTheStringForm) {
  const Case cases[] = {
      {"question -> answer", "question: str -> answer: str"},
      {"question: str, numbers: list[int] -> answer: float, label: Literal['yes', 'no']",
       "question: str, numbers: list[int] -> answer: float, label: Literal['yes', 'no']"},
      {"a:int|None->b:dict[str,list[int]]", "a: Union[int, NoneType] -> b: dict[str, list[int]]"},
      {"-> answer", "-> answer: str"},
      {"a,b,->c,", "a: str, b: str -> c: str"},
      {"\n a\n , b\t->\r\n c ", "a: str, b: str -> c: str"},
      {"a: Literal['-\\x3e', ', ]'] -> b", "a: Literal['\\x2d>', ', ]'] -> b: str"},
      {"a: None, b: (None), c: None | None -> d: None = 1", "a: str, b: str, c: NoneType -> d: str"},
      {"a: int = 3, b = 'x, y - > z', c: list = [1, {'k': (2, 3)}] -> d: float = -1.5e3",
       "a: int, b: str, c: list -> d: float"},
      {"_a, match, type -> straße, 名前", "_a: str, match: str, type: str -> straße: str, 名前: str"},
      {"\xEF\xAC\x81le -> e\xCC\x81", "file: str -> \xC3\xA9: str"},  // NFKC, as Python has names
  };
  for (const Case& test : cases) {
    const auto signature = Signature::FromString(test.text);
    ASSERT_TRUE(signature.ok()) << test.text << ": " << signature.status();
    EXPECT_EQ(signature->ToString(), test.canonical);
  }
}

TEST(Signature, FindsFields) {
  const auto signature = Signature::FromString("a: int -> b");
  ASSERT_TRUE(signature.ok());
  EXPECT_EQ(signature->FindInput("a"), &signature->inputs()[0]);
  EXPECT_EQ(signature->FindInput("b"), nullptr);
  EXPECT_EQ(signature->FindOutput("b"), &signature->outputs()[0]);
  EXPECT_EQ(signature->inputs()[0].description, "${a}");
}

struct BadSignature {
  std::string text;
  std::string position;
  std::string token;
  const char* says;
};

TEST(Signature, ErrorsNamePositionAndToken) {
  const BadSignature cases[] = {
      {"", "0", "end of text", "no '->'"},
      {"a, b", "4", "end of text", "no '->'"},
      {"a -> b -> c", "7", "->", "second '->'"},
      {"a: Literal['->'] -> b", "17", "->", "second '->'"},
      {"a ->", "4", "end of text", "no output"},
      {"a - > b", "2", "-", "',' or '->'"},
      {"a b -> c", "2", "b", "',' or '->'"},
      {", -> c", "0", ",", "name is expected"},
      {"a,, b -> c", "2", ",", "name is expected"},
      {"a: -> c", "3", "->", "a type is expected"},
      {"a: list[int -> c", "12", "->", "',' or ']'"},
      {"a: list[in] -> c", "8", "in", "not known"},
      {"a, b: int, a -> c", "11", "a", "two fields"},
      {"a -> b, a", "8", "a", "two fields"},
      {"a -> b, b", "8", "b", "two fields"},
      {"\xEF\xAC\x81 -> fi", "7", "fi", "two fields"},
      {"class -> c", "0", "class", "keyword"},
      {"a -> None", "5", "None", "keyword"},
      {"*args -> c", "0", "*", "no meaning"},
      {"a, /, b -> c", "3", "/", "no meaning"},
      {"'a' -> c", "0", "'a'", "name is expected"},
      {"1 -> c", "0", "1", "name is expected"},
      {"a b -> $", "2", "b", "',' or '->'"},
      {"a = 1 -> c = $", "13", "$", "no meaning"},
      {"a = [1, $", "8", "$", "no meaning"},
      {"a = -> c", "4", "->", "default value"},
      {"a = 1, b -> c", "7", "b", "follows one that has one"},
      {"a = [1 -> c", "4", "[", "not closed"},
      {"a = 1] -> c", "5", "]", "no bracket is open"},
      {"a = (1] -> c", "6", "]", "no bracket is open"},
      {"a: Literal['x -> c", "11", "'x -> c", "no closing quote"},
      {"a\xff -> b", "1", "byte", "UTF-8"},
      {std::string("a\0 -> b", 7), "1", std::string(1, '\0'), "no meaning"},
  };
  for (const BadSignature& test : cases) {
    const auto signature = Signature::FromString(test.text);
    ASSERT_FALSE(signature.ok()) << test.text;
    EXPECT_EQ(signature.status().code(), absl::StatusCode::kInvalidArgument) << test.text;
    EXPECT_EQ(ErrorReason(signature.status()), reason::kInvalidSignature) << test.text;
    EXPECT_EQ(ErrorMetadata(signature.status(), "position"), test.position) << test.text;
    EXPECT_EQ(ErrorMetadata(signature.status(), "token"), test.token) << test.text;
    EXPECT_NE(signature.status().message().find(test.says), absl::string_view::npos) << signature.status();
  }
}

TEST(Signature, BoundsLengthAndFields) {
  std::string fields;
  for (int i = 0; i < 199; ++i) absl::StrAppend(&fields, "f", i, ", ");
  EXPECT_TRUE(Signature::FromString(fields + "-> out").ok());
  const auto many = Signature::FromString(fields + "-> out, more");
  EXPECT_EQ(ErrorMetadata(many.status(), "token"), "more");
  EXPECT_FALSE(Signature::FromString(std::string(70'000, 'a') + " -> b").ok());
  EXPECT_FALSE(Signature::FromString("a = " + std::string(60'000, '[') + " -> b").ok());
}

TEST(Signature, NormalizesInstructions) {
  const auto signature = Signature::FromString("a -> b", "\n  Answer.\n    Be brief.\n\n");
  EXPECT_EQ(signature->instructions(), "Answer.\n  Be brief.");
  EXPECT_EQ(Signature::FromString("a -> b")->instructions(), "");
}

TEST(Signature, DeclaredTypesStandBeforeOthers) {
  const auto types =
      TypeTable::Create({{"Person", Json{{"properties", Json::object()}}}, {"List", Json{{"enum", Json::array({1})}}}})
          .value();
  const auto signature = Signature::FromString("who: Person -> them: list[Person], l: List", "", types);
  ASSERT_TRUE(signature.ok()) << signature.status();
  EXPECT_EQ(signature->ToString(), "who: Person -> them: list[Person], l: List");
  EXPECT_EQ(signature->outputs()[1].type.kind, Type::Kind::kEnum);
  EXPECT_EQ(*Signature::FromString(signature->ToString(), "", types), *signature);
  EXPECT_FALSE(Signature::FromString("who: Person -> a").ok());
  EXPECT_FALSE(Signature::FromString("who: Person[int] -> a", "", types).ok());
}

TEST(Signature, FieldsHavePrefixAndDescription) {
  const auto signature = Signature::FromString("userName, n: int -> b");
  EXPECT_EQ(signature->inputs()[0].prefix, "User Name:");
  EXPECT_EQ(signature->inputs()[0].description, "${userName}");
  EXPECT_TRUE(signature->inputs()[0].untyped);
  EXPECT_FALSE(signature->inputs()[1].untyped);
}

using Names = std::vector<std::string>;

Names NamesOf(const std::vector<Field>& fields) {
  Names names;
  for (const Field& field : fields) names.push_back(field.name);
  return names;
}

TEST(Signature, DerivesAsDspyDoes) {
  const Signature base = Signature::FromString("q, c -> a, b").value();
  const Field reasoning = MakeField("reasoning", Type{.kind = Type::Kind::kReasoning});
  const Signature cot = base.Prepend(Signature::Side::kOutputs, reasoning);
  EXPECT_EQ(NamesOf(cot.outputs()), Names({"reasoning", "a", "b"}));
  EXPECT_EQ(cot.outputs()[0].prefix, "Reasoning:");
  // The default sentence stays the one of before.
  EXPECT_EQ(cot.default_outputs(), Names({"a", "b"}));
  EXPECT_EQ(cot.WithInstructions("").default_outputs(), Names({"reasoning", "a", "b"}));
  EXPECT_EQ(cot.WithInstructions("  Do it.").instructions(), "Do it.");
  EXPECT_EQ(NamesOf(base.Append(Signature::Side::kInputs, MakeField("d", Type())).inputs()), Names({"q", "c", "d"}));
  EXPECT_EQ(NamesOf(base.Insert(Signature::Side::kInputs, 1, MakeField("d", Type())).inputs()), Names({"q", "d", "c"}));
  // A name that is taken: the first place, the old field.
  const Signature twice = base.Prepend(Signature::Side::kOutputs, MakeField("b", Type{.kind = Type::Kind::kInt}));
  EXPECT_EQ(NamesOf(twice.outputs()), Names({"b", "a"}));
  EXPECT_EQ(twice.outputs()[0].type.kind, Type::Kind::kStr);
  const Signature moved = base.Append(Signature::Side::kOutputs, MakeField("q", Type{.kind = Type::Kind::kInt}));
  EXPECT_EQ(NamesOf(moved.inputs()), Names({"c"}));
  EXPECT_EQ(NamesOf(moved.outputs()), Names({"q", "a", "b"}));
  EXPECT_EQ(NamesOf(base.Delete("a").outputs()), Names({"b"}));
  EXPECT_EQ(base.Delete("nothing"), base);
  Field changed = *base.FindOutput("a");
  changed.description = "What it is";
  EXPECT_EQ(base.Replace(changed).FindOutput("a")->description, "What it is");
  EXPECT_FALSE(base.Replace(changed) == base);
}

TEST(Signature, FromFieldsChecksNames) {
  const Field a = MakeField("a", Type());
  EXPECT_EQ(Signature::FromFields({a}, {Field{.name = "b"}}, " x")->outputs()[0].prefix, "B:");
  EXPECT_TRUE(Signature::FromFields({a}, {}).ok());
  EXPECT_FALSE(Signature::FromFields({a}, {a}).ok());
  EXPECT_FALSE(Signature::FromFields({a}, {Field{.name = "1"}}).ok());
}

// Random signatures as a user may write them.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string Signature() {
    names_ = 0;
    const std::string inputs = Side(static_cast<int>(Below(5)));
    return absl::StrCat(inputs, Space(), "->", Space(), Side(1 + static_cast<int>(Below(4))));
  }

 private:
  std::string Side(int count) {
    std::string side;
    const bool defaults = Below(10) == 0;
    for (int i = 0; i < count; ++i) {
      if (i > 0) absl::StrAppend(&side, Space(), ",", Space());
      absl::StrAppend(&side, Pick({"x", "Field_", "é", "名", "_y"}), names_++);
      if (Below(4) > 0) absl::StrAppend(&side, Space(), ":", Space(), Type(0));
      if (defaults) absl::StrAppend(&side, " = ", Pick({"3", "'a, b'", "[1, (2, 3)]", "None", "-1.5"}));
    }
    return side;
  }

  std::string Type(int depth) {
    const std::size_t kind = Below(depth < 4 ? 10 : 5);
    if (kind < 4)
      return Pick({"str", "int", "float", "bool", "None", "Any", "list", "Dict", "typing.List", "NoneType"});
    if (kind == 4) return Literal();
    if (kind == 5) return absl::StrCat("dict[", Pick({"str", "int", "Any", "int | str"}), ",", Type(depth + 1), "]");
    if (kind == 6) return absl::StrCat("Optional[", Type(depth + 1), "]");
    if (kind == 7) return absl::StrCat("Union[", Type(depth + 1), ", ", Type(depth + 1), ",", Type(depth + 1), "]");
    if (kind == 8) return absl::StrCat(Type(depth + 1), Space(), "|", Space(), Type(depth + 1));
    return absl::StrCat("list[", Space(), Type(depth + 1), Space(), "]");
  }

  std::string Literal() {
    std::string literal = "Literal[";
    const std::size_t count = 1 + Below(4);
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) literal += ", ";
      literal += Below(3) == 0 ? Pick({"0", "17", "True", "False", "None"}) : Quoted();
    }
    return literal + "]";
  }

  std::string Quoted() {
    std::string text = "'";
    const std::size_t count = Below(5);
    for (std::size_t i = 0; i < count; ++i) {
      text += Pick(
          {"a", " ", "-\\x3e", ",", "]", "[", "\"", "\\'", "\\\\", "\\n", "\\x07", "\\u00e9", "漢", ":", "|", "\\q"});
    }
    return text + "'";
  }

  std::string Space() { return Pick({"", " ", "  ", "\n", "\t"}); }
  std::string Pick(std::vector<const char*> options) { return options[Below(options.size())]; }
  std::size_t Below(std::size_t bound) { return random_() % bound; }

  std::mt19937 random_;
  int names_ = 0;
};

TEST(Signature, TenThousandRandomOnesRoundTrip) {
  constexpr unsigned kSeed = 20240607;
  SCOPED_TRACE(kSeed);
  Generator generator(kSeed);
  for (int round = 0; round < 10'000; ++round) {
    const std::string text = generator.Signature();
    const auto first = Signature::FromString(text);
    ASSERT_TRUE(first.ok()) << text << ": " << first.status();
    const auto second = Signature::FromString(first->ToString());
    ASSERT_TRUE(second.ok()) << first->ToString() << ": " << second.status();
    ASSERT_EQ(second->ToString(), first->ToString());
    ASSERT_EQ(second->inputs().size(), first->inputs().size()) << text;
    ASSERT_EQ(second->outputs().size(), first->outputs().size()) << text;
    for (std::size_t i = 0; i < first->inputs().size(); ++i) {
      ASSERT_EQ(second->inputs()[i].name, first->inputs()[i].name) << text;
      ASSERT_EQ(second->inputs()[i].type, first->inputs()[i].type) << text;
    }
    for (std::size_t i = 0; i < first->outputs().size(); ++i) {
      ASSERT_EQ(second->outputs()[i].name, first->outputs()[i].name) << text;
      ASSERT_EQ(second->outputs()[i].type, first->outputs()[i].type) << text;
    }
  }
}

}  // namespace
}  // namespace dspex
