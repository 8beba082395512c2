#include "engine/metric/passage_match.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "engine/json/utf8.h"
#include "engine/metric/find_text.h"
#include "engine/metric/normalize.h"

namespace dspex {

namespace {

enum class Kind { kNone, kWord, kSymbol };

Kind KindOfCharacter(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return Kind::kWord;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
      return Kind::kNone;
    default:
      return Kind::kSymbol;
  }
}

// A text's words, each with a line's end behind it, and one before the first: words side by side are then a substring.
// No word has a line's end within.
std::string WordLines(absl::string_view text) {
  const std::string normalized = NormalizeText(text);
  std::string lines = "\n";
  bool in_word = false;
  for (std::size_t at = 0; at < normalized.size();) {
    const Utf8Char c = DecodeUtf8(normalized, at);
    const std::size_t size = std::max<std::size_t>(c.size, 1);
    const Kind kind = KindOfCharacter(c.code);
    if (in_word && kind != Kind::kWord) lines.push_back('\n');
    in_word = kind == Kind::kWord;
    if (kind != Kind::kNone) lines.append(normalized, at, size);
    if (kind == Kind::kSymbol) lines.push_back('\n');
    at += size;
  }
  if (in_word) lines.push_back('\n');
  return lines;
}

}  // namespace

bool AnyPassageHasAnswer(const std::vector<absl::string_view>& passages,
                         const std::vector<absl::string_view>& answers) {
  std::vector<std::string> lines;
  lines.reserve(answers.size());
  for (const absl::string_view answer : answers) lines.push_back(WordLines(answer));
  return std::any_of(passages.begin(), passages.end(), [&lines](absl::string_view passage) {
    const std::string passage_lines = WordLines(passage);
    return std::any_of(lines.begin(), lines.end(),
                       [&passage_lines](const std::string& answer) { return HasText(passage_lines, answer); });
  });
}

}  // namespace dspex
