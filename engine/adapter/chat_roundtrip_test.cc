// Random signatures and values, written as a completion in the chat layout, come back from Parse as they were.

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/adapter/adapter.h"
#include "engine/adapter/chat_sections.h"
#include "engine/adapter/python_text.h"
#include "engine/json/python_format.h"

namespace dspex {
namespace {

using Kind = Type::Kind;

constexpr int kCases = 10'000;

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  int Below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  bool OneIn(int n) { return Below(n) == 0; }
  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(Below(static_cast<int>(from.size())))];
  }

  std::string Name() {
    static const std::vector<std::string> parts = {"a", "Be", "_c", "d2", "question", "é", "ß", "名前", "x_y", "X"};
    std::string name = Pick(parts);
    while (OneIn(2)) name += Pick(parts);
    return name;
  }

  // A text as models give it: any characters, several lines, what looks like markers where it is none.
  std::string Text() {
    static const std::vector<std::string> parts = {"word",
                                                   " ",
                                                   "\n",
                                                   "\n\n",
                                                   "  ",
                                                   "\t",
                                                   "é",
                                                   "漢字",
                                                   "\xF0\x9F\x98\x80",
                                                   "\"",
                                                   "'",
                                                   "{",
                                                   "}",
                                                   "[",
                                                   "]",
                                                   "\\",
                                                   "\\n",
                                                   "[[ ## ",
                                                   " ## ]]",
                                                   "say [[ ## a ## ]]",
                                                   "#",
                                                   "123",
                                                   "4.5",
                                                   "None",
                                                   "null",
                                                   "true",
                                                   "```",
                                                   "\x01",
                                                   "\xC2\xA0",
                                                   "$",
                                                   "long text without anything special in it, as most of it is"};
    std::string text;
    for (int i = Below(12); i > 0; --i) text += Pick(parts);
    text = std::string(python_text::Strip(text));
    // A marker at the start of a line would begin another section.
    return ChatSections("\n" + text).Next().has_value() ? "replaced" : text;
  }

  Json Number() {
    std::uniform_real_distribution<double> mantissa(-1, 1);
    return std::ldexp(mantissa(random_), Below(200) - 100);
  }

  Type RandomType(int depth) {
    Type type;
    const int kinds = depth > 0 ? 8 : 5;
    switch (Below(kinds)) {
      case 0:
        break;
      case 1:
        type.kind = Kind::kInt;
        break;
      case 2:
        type.kind = Kind::kFloat;
        break;
      case 3:
        type.kind = Kind::kBool;
        break;
      case 4:
        type.kind = Kind::kLiteral;
        type.literals = {std::string("yes"), std::string("a, b"), std::string("it's"), std::string("ü \"q\" x")};
        if (OneIn(2)) type.literals.insert(type.literals.end(), {std::int64_t{7}, true, std::monostate()});
        break;
      case 5:
        type.kind = Kind::kList;
        if (!OneIn(5)) type.arguments = {RandomType(depth - 1)};
        break;
      case 6:
        type.kind = Kind::kDict;
        if (!OneIn(5)) type.arguments = {Type{}, RandomType(depth - 1)};
        break;
      default: {
        // Alternatives that no text could be taken for another of.
        type.kind = Kind::kUnion;
        Type first;
        do {
          first = RandomType(depth - 1);
        } while (first.kind == Kind::kUnion || first.AllowsNone());
        Type none;
        none.kind = Kind::kNone;
        type.arguments = {first, none};
        break;
      }
    }
    return type;
  }

  Json Value(const Type& type, bool top) {
    switch (type.kind) {
      case Kind::kStr:
        return Text();
      case Kind::kInt:
        return OneIn(3) ? static_cast<std::int64_t>(random_()) : static_cast<std::int64_t>(Below(2000)) - 1000;
      case Kind::kFloat:
        return OneIn(3) ? Json(static_cast<double>(Below(100))) : Number();
      case Kind::kBool:
        return OneIn(2);
      case Kind::kLiteral: {
        const Type::LiteralValue& literal = Pick(type.literals);
        if (const auto* text = std::get_if<std::string>(&literal)) return *text;
        if (const auto* number = std::get_if<std::int64_t>(&literal)) return *number;
        if (const auto* boolean = std::get_if<bool>(&literal)) return *boolean;
        return nullptr;
      }
      case Kind::kList: {
        Json list = Json::array();
        for (int i = Below(4); i > 0; --i)
          list.push_back(type.arguments.empty() ? Json(i) : Value(type.arguments[0], false));
        return list;
      }
      case Kind::kDict: {
        Json dict = Json::object();
        for (int i = Below(4); i > 0; --i)
          dict[Text()] = type.arguments.empty() ? Json(Text()) : Value(type.arguments[1], false);
        return dict;
      }
      case Kind::kUnion:
        // The text "None" is a str where the type has one, so there no text says null.
        if (OneIn(3) && !(top && type.arguments[0].kind == Kind::kStr)) return nullptr;
        return Value(type.arguments[0], top);
      default:
        return nullptr;
    }
  }

 private:
  std::mt19937_64 random_;
};

struct Case {
  std::string signature;
  Json values = Json::object();
  std::string completion;
};

Case MakeCase(Generator& random) {
  Case result;
  std::vector<std::pair<std::string, Type>> fields;
  for (int i = 1 + random.Below(5); i > 0; --i)
    fields.emplace_back(absl::StrCat(random.Name(), i), random.RandomType(2));
  result.signature = "input ->";
  std::vector<std::string> sections;
  for (const auto& [name, type] : fields) {
    absl::StrAppend(&result.signature, result.values.empty() ? " " : ", ", name, ": ", type.ToNotation());
    const Json value = random.Value(type, true);
    result.values[name] = value;
    if (value.is_null() && type.AllowsNone() && random.OneIn(2)) continue;  // It may be missing.
    std::string section;
    AppendMarker(section, name);
    const std::string text = PythonStr(value);
    const bool on_markers_line = text.find('\n') == std::string::npos && random.OneIn(4);
    absl::StrAppend(&section, on_markers_line ? " " : "\n", text);
    sections.push_back(section);
    if (random.OneIn(6)) sections.push_back("[[ ## input ## ]]\necho");
    if (random.OneIn(6)) sections.push_back(section.substr(0, section.find(" ## ]]") + 6) + "\na second time");
  }
  if (random.OneIn(4)) result.completion = random.Text() + "\n";
  for (const std::string& section : sections)
    absl::StrAppend(&result.completion, section, random.OneIn(3) ? "\n" : "\n\n");
  if (!random.OneIn(5)) absl::StrAppend(&result.completion, "[[ ## completed ## ]]\n", random.OneIn(5) ? "bye" : "");
  static const std::vector<std::string> breaks = {"\r\n", "\r", "\v", "\xE2\x80\xA8", "\xC2\x85"};
  if (random.OneIn(4)) result.completion = absl::StrReplaceAll(result.completion, {{"\n", random.Pick(breaks)}});
  return result;
}

TEST(ChatRoundTripTest, ParseGivesBackWhatTheCompletionSays) {
  const char* given = std::getenv("DSPEX_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 20240607;
  SCOPED_TRACE(absl::StrCat("DSPEX_TEST_SEED=", seed));
  Generator random(seed);
  for (int i = 0; i < kCases; ++i) {
    const Case test = MakeCase(random);
    const auto signature = Signature::FromString(test.signature);
    ASSERT_TRUE(signature.ok()) << test.signature << ": " << signature.status();
    const auto adapter = BindAdapter({}, Phrasebook::BuiltIn(), *signature, {}).value();
    const auto parsed = adapter->Parse(test.completion);
    ASSERT_TRUE(parsed.ok()) << "case " << i << ": " << parsed.status() << "\n"
                             << test.signature << "\n"
                             << test.completion;
    ASSERT_EQ(parsed->dump(), test.values.dump()) << "case " << i << "\n" << test.signature << "\n" << test.completion;
  }
}

}  // namespace
}  // namespace dspex
