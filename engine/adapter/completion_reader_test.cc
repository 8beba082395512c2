// Whatever the layout and wherever a completion is cut: what its reader tells is what Parse finds in the whole.

#include "engine/adapter/completion_reader.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/adapter/testing.h"
#include "engine/json/utf8.h"

namespace dspex {
namespace {

// What was told of one field.
struct Told {
  int starts = 0;
  std::string text;
  std::vector<std::string> parts;
  Json value;
  int ends = 0;
};

using ToldOf = std::map<std::string, Told>;

void Note(std::vector<FieldPiece>& pieces, ToldOf& told_of) {
  for (FieldPiece& piece : pieces) {
    Told& told = told_of[piece.field->name];
    if (std::holds_alternative<FieldBegan>(piece.what)) {
      ++told.starts;
      told.text.clear();
      told.parts.clear();
    } else if (auto* text = std::get_if<FieldText>(&piece.what)) {
      EXPECT_FALSE(text->text.empty());
      EXPECT_EQ(ValidUtf8Prefix(text->text), text->text.size());
      told.text += text->text;
    } else if (auto* element = std::get_if<FieldElement>(&piece.what)) {
      told.parts.push_back(absl::StrCat(element->key, element->key.empty() ? "" : "=", element->value.dump()));
    } else {
      told.value = std::get<FieldEnded>(piece.what).value;
      ++told.ends;
    }
  }
  pieces.clear();
}

// The next place between characters, `bytes` ahead or a little more.
std::size_t Cut(const std::string& text, std::size_t at, std::size_t bytes) {
  at = std::min(at + bytes, text.size());
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

ToldOf Read(const BoundAdapter& adapter, const std::string& completion, std::size_t bytes) {
  const std::unique_ptr<CompletionReader> reader = adapter.NewReader();
  ToldOf told_of;
  std::vector<FieldPiece> pieces;
  for (std::size_t at = 0; at < completion.size();) {
    const std::size_t end = Cut(completion, at, bytes);
    reader->Put(absl::string_view(completion).substr(at, end - at), pieces);
    Note(pieces, told_of);
    at = end;
  }
  return told_of;
}

class CompletionReaderTest : public testing::Test {
 protected:
  const Signature signature_ =
      testing_support::Sig("q -> answer: str, items: list[int], scores: dict[str, float], note");
};

TEST_F(CompletionReaderTest, Chat) {
  const auto adapter = testing_support::Bind(AdapterKind::kChat, signature_);
  const std::string completion =
      "Sure.\n[[ ## answer ## ]]  first  \r\nsecond [[ ## not ## ]]\n [[ ## x\n\nthird \n\n"
      "[[ ## items ## ]]\n[1, \"2\",\n 3]\n\n[[ ## scores ## ]]\n{\"a\": 1, \"b\": 0.5}\n"
      "[[ ## unknown ## ]]\nlost\n[[ ## answer ## ]]\ntwice\n[[ ## note ## ]]\nlast\n\n[[ ## completed ## ]]";
  const Json whole = adapter->Parse(completion).value();
  for (std::size_t bytes = 1; bytes < completion.size(); bytes = bytes * 3 / 2 + 1) {
    ToldOf told = Read(*adapter, completion, bytes);
    EXPECT_EQ(told["answer"].text, whole["answer"].get<std::string>()) << bytes;
    EXPECT_EQ(told["answer"].value, whole["answer"]) << bytes;
    EXPECT_EQ(told["note"].text, "last") << bytes;
    EXPECT_EQ(told["items"].parts, (std::vector<std::string>{"1", "2", "3"})) << bytes;
    EXPECT_EQ(told["items"].value, whole["items"]) << bytes;
    EXPECT_EQ(told["scores"].parts, (std::vector<std::string>{"a=1.0", "b=0.5"})) << bytes;
    for (const auto& [field, of] : told) {
      EXPECT_EQ(of.starts, 1) << field;
      EXPECT_EQ(of.ends, 1) << field;
    }
    EXPECT_EQ(told.size(), 4u);
  }
}

TEST_F(CompletionReaderTest, Json) {
  for (const AdapterKind kind : {AdapterKind::kJson, AdapterKind::kBaml}) {
    const auto adapter = testing_support::Bind(kind, signature_);
    const std::string completion = R"(```json
{"answer": "a \"q\" \u00e9\ud83d\ude00 \\n
line", "items": [1, 2 , [3]], "scores": {"a\n": 1, "b": {"}": "]"}}, "other": {"answer": "no"}, "note" : ""}
```)";
    for (std::size_t bytes = 1; bytes < completion.size(); bytes = bytes * 3 / 2 + 1) {
      ToldOf told = Read(*adapter, completion, bytes);
      EXPECT_EQ(told["answer"].text, "a \"q\" é😀 \\n\nline") << bytes;
      // What the field's type refuses is left to Parse.
      EXPECT_EQ(told["items"].parts, (std::vector<std::string>{"1", "2"})) << bytes;
      EXPECT_EQ(told["items"].ends, 0) << bytes;
      EXPECT_EQ(told["scores"].parts, (std::vector<std::string>{"a\n=1.0"})) << bytes;
      EXPECT_EQ(told["note"].value, "") << bytes;
      EXPECT_EQ(told["note"].starts, 1) << bytes;
    }
  }
}

TEST_F(CompletionReaderTest, Xml) {
  const auto adapter = testing_support::Bind(AdapterKind::kXml, testing_support::Sig("q -> answer: str, n: int, note"));
  const std::string completion =
      "<answer>\n a &lt;b&gt; &amp;amp; c \n d \n</answer>\n\n<n>\n7\n</n>\n<other>x</other>\n<note>é</note>";
  const Json whole = adapter->Parse(completion).value();
  for (std::size_t bytes = 1; bytes < completion.size(); bytes = bytes * 3 / 2 + 1) {
    ToldOf told = Read(*adapter, completion, bytes);
    EXPECT_EQ(told["answer"].text, whole["answer"].get<std::string>()) << bytes;
    EXPECT_EQ(told["note"].text, "é") << bytes;
    EXPECT_EQ(told.size(), 2u);
  }
}

// Texts of any characters, some of which look like markers, escapes or the ends of things.
std::string RandomText(std::mt19937_64& random) {
  static const std::vector<std::string> parts = {"word", " ",  "\n",        "\r\n",   "  ",     "\t",     "é",  "😀",
                                                 "\"",   "\\", "{",         "}",      "[[ ## ", " ## ]]", "[[", "<",
                                                 "&",    "a",  "completed", "\u2028", "\x1c",   ",",      ":",  "]"};
  std::string text;
  for (int left = std::uniform_int_distribution<int>(0, 12)(random); left > 0; --left) {
    text += parts[std::uniform_int_distribution<std::size_t>(0, parts.size() - 1)(random)];
  }
  return text;
}

TEST_F(CompletionReaderTest, RandomTextsInAllLayouts) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  const Signature signature = testing_support::Sig("q -> answer: str, note: str");
  for (const AdapterKind kind : {AdapterKind::kChat, AdapterKind::kJson, AdapterKind::kXml}) {
    const auto adapter = testing_support::Bind(kind, signature);
    for (int i = 0; i < 3000; ++i) {
      const std::string answer = RandomText(random);
      const std::string note = RandomText(random);
      const auto escaped = [](const std::string& text) {
        return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}});
      };
      const std::string completion =
          kind == AdapterKind::kChat ? absl::StrCat("[[ ## answer ## ]]\n", answer, "\n\n[[ ## note ## ]]\n", note,
                                                    "\n\n[[ ## completed ## ]]")
          : kind == AdapterKind::kJson
              ? Json{{"answer", answer}, {"note", note}}.dump()
              : absl::StrCat("<answer>", escaped(answer), "</answer>\n<note>", escaped(note), "</note>");
      const absl::StatusOr<Json> whole = adapter->Parse(completion);
      if (!whole.ok()) continue;
      const std::size_t bytes = std::uniform_int_distribution<std::size_t>(1, 9)(random);
      ToldOf told = Read(*adapter, completion, bytes);
      for (const char* field : {"answer", "note"}) {
        ASSERT_EQ(told[field].text, (*whole)[field].get<std::string>())
            << field << " of " << completion << " cut at " << bytes;
      }
    }
  }
}

}  // namespace
}  // namespace dspex
