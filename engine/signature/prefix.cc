#include "engine/signature/prefix.h"

#include <absl/strings/ascii.h>
#include <utf8proc.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "engine/json/utf8.h"

namespace dspex {

namespace {

using Characters = std::u32string;

Characters Decode(absl::string_view text) {
  Characters characters;
  characters.reserve(text.size());
  for (std::size_t position = 0; position < text.size();) {
    const Utf8Char c = DecodeUtf8(text, position);
    if (c.size == 0) break;  // No identifier.
    characters.push_back(c.code);
    position += c.size;
  }
  return characters;
}

std::string Encode(const Characters& characters) {
  std::string text;
  text.reserve(characters.size());
  for (const char32_t c : characters) AppendUtf8(text, c);
  return text;
}

// Characters of identifiers whose title case is several (Unicode's SpecialCasing).
struct SpecialTitle {
  char32_t from;
  char32_t to[3];
};
constexpr SpecialTitle kSpecialTitles[] = {
    {0x00DF, {0x0053, 0x0073}},         {0x01F0, {0x004A, 0x030C}},         {0x0390, {0x0399, 0x0308, 0x0301}},
    {0x03B0, {0x03A5, 0x0308, 0x0301}}, {0x1E96, {0x0048, 0x0331}},         {0x1E97, {0x0054, 0x0308}},
    {0x1E98, {0x0057, 0x030A}},         {0x1E99, {0x0059, 0x030A}},         {0x1F50, {0x03A5, 0x0313}},
    {0x1F52, {0x03A5, 0x0313, 0x0300}}, {0x1F54, {0x03A5, 0x0313, 0x0301}}, {0x1F56, {0x03A5, 0x0313, 0x0342}},
    {0x1FB2, {0x1FBA, 0x0345}},         {0x1FB4, {0x0386, 0x0345}},         {0x1FB6, {0x0391, 0x0342}},
    {0x1FB7, {0x0391, 0x0342, 0x0345}}, {0x1FC2, {0x1FCA, 0x0345}},         {0x1FC4, {0x0389, 0x0345}},
    {0x1FC6, {0x0397, 0x0342}},         {0x1FC7, {0x0397, 0x0342, 0x0345}}, {0x1FD2, {0x0399, 0x0308, 0x0300}},
    {0x1FD6, {0x0399, 0x0342}},         {0x1FD7, {0x0399, 0x0308, 0x0342}}, {0x1FE2, {0x03A5, 0x0308, 0x0300}},
    {0x1FE4, {0x03A1, 0x0313}},         {0x1FE6, {0x03A5, 0x0342}},         {0x1FE7, {0x03A5, 0x0308, 0x0342}},
    {0x1FF2, {0x1FFA, 0x0345}},         {0x1FF4, {0x038F, 0x0345}},         {0x1FF6, {0x03A9, 0x0342}},
    {0x1FF7, {0x03A9, 0x0342, 0x0345}},
};

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kCapitalIWithDot = 0x130;
constexpr char32_t kDotAbove = 0x307;

utf8proc_category_t Category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool IsUpper(char32_t c) { return Category(c) == UTF8PROC_CATEGORY_LU; }

bool IsLower(char32_t c) {
  // Beside the letters, those of Unicode's Other_Lowercase that identifiers may have.
  constexpr char32_t kOther[] = {0x2C0, 0x2C1, 0x345, 0x1D2F, 0x1D3B, 0x1D4E, 0x10780};
  return Category(c) == UTF8PROC_CATEGORY_LL || std::find(std::begin(kOther), std::end(kOther), c) != std::end(kOther);
}

bool IsCased(char32_t c) { return IsUpper(c) || IsLower(c) || Category(c) == UTF8PROC_CATEGORY_LT; }

bool IsCaseIgnorable(char32_t c) {
  const utf8proc_category_t category = Category(c);
  return c == 0xB7 || category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_LM;
}

void AppendTitle(Characters& out, char32_t c) {
  const auto* special = std::find_if(std::begin(kSpecialTitles), std::end(kSpecialTitles),
                                     [c](const SpecialTitle& title) { return title.from == c; });
  if (special == std::end(kSpecialTitles)) {
    out.push_back(static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
    return;
  }
  for (const char32_t to : special->to) {
    if (to != 0) out.push_back(to);
  }
}

// Whether the sigma at `position` ends a word: a letter before it, none behind it.
bool IsFinalSigma(const Characters& text, std::size_t position) {
  std::size_t before = position;
  while (before > 0 && IsCaseIgnorable(text[before - 1])) --before;
  if (before == 0 || !IsCased(text[before - 1])) return false;
  std::size_t behind = position + 1;
  while (behind < text.size() && IsCaseIgnorable(text[behind])) ++behind;
  return behind == text.size() || !IsCased(text[behind]);
}

void AppendLower(Characters& out, const Characters& text, std::size_t position) {
  const char32_t c = text[position];
  if (c == kCapitalIWithDot) {
    out.push_back(U'i');
    out.push_back(kDotAbove);
  } else if (c == kCapitalSigma && IsFinalSigma(text, position)) {
    out.push_back(kFinalSigma);
  } else {
    out.push_back(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

bool IsAsciiUpper(char32_t c) { return c >= U'A' && c <= U'Z'; }
bool IsAsciiLower(char32_t c) { return c >= U'a' && c <= U'z'; }
bool IsAsciiAlpha(char32_t c) { return IsAsciiUpper(c) || IsAsciiLower(c); }
bool IsAsciiLowerOrDigit(char32_t c) { return IsAsciiLower(c) || (c >= U'0' && c <= U'9'); }
bool IsDigit(char32_t c) { return Category(c) == UTF8PROC_CATEGORY_ND; }

// An underscore between two characters that fit. As a regular expression finds matches: none begins within another.
template <typename First, typename Second>
Characters Divide(const Characters& text, First first, Second second) {
  Characters out;
  out.reserve(text.size() + 8);
  for (std::size_t i = 0; i < text.size(); ++i) {
    out.push_back(text[i]);
    if (i + 1 < text.size() && first(text[i]) && second(text[i + 1])) {
      out.push_back(U'_');
      out.push_back(text[++i]);
    }
  }
  return out;
}

// An underscore before each capital that small letters follow, unless the text (or what was matched) ends there.
Characters DivideWords(const Characters& text) {
  Characters out;
  out.reserve(text.size() + 8);
  for (std::size_t i = 0; i < text.size();) {
    out.push_back(text[i]);
    if (i + 2 >= text.size() || !IsAsciiUpper(text[i + 1]) || !IsAsciiLower(text[i + 2])) {
      ++i;
      continue;
    }
    out.push_back(U'_');
    out.push_back(text[i + 1]);
    for (i += 2; i < text.size() && IsAsciiLower(text[i]); ++i) out.push_back(text[i]);
  }
  return out;
}

// Python's str.isupper.
bool AllUpper(const Characters& word) {
  return std::any_of(word.begin(), word.end(), IsUpper) &&
         std::none_of(word.begin(), word.end(), [](char32_t c) { return IsCased(c) && !IsUpper(c); });
}

void AppendCapitalized(Characters& out, const Characters& word) {
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (i == 0) {
      AppendTitle(out, word[0]);
    } else {
      AppendLower(out, word, i);
    }
  }
}

}  // namespace

std::string InferPrefix(absl::string_view name) {
  Characters text = DivideWords(Decode(name));
  text = Divide(text, IsAsciiLowerOrDigit, IsAsciiUpper);
  text = Divide(text, IsAsciiAlpha, IsDigit);
  text = Divide(text, IsDigit, IsAsciiAlpha);
  Characters out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(U'_', begin), text.size());
    const Characters word = text.substr(begin, end - begin);
    if (begin > 0) out.push_back(U' ');
    if (AllUpper(word)) {
      out += word;
    } else {
      AppendCapitalized(out, word);
    }
    begin = end + 1;
  }
  out.push_back(U':');
  return Encode(out);
}

std::string InferTitle(absl::string_view name) {
  const Characters text = Decode(name);
  Characters out;
  bool within_word = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (within_word) {
      AppendLower(out, text, i);
    } else {
      AppendTitle(out, text[i]);
    }
    within_word = IsCased(text[i]);
  }
  std::replace(out.begin(), out.end(), U'_', U' ');
  return std::string(absl::StripAsciiWhitespace(Encode(out)));
}

}  // namespace dspex
