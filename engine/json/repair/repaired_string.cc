#include "engine/json/repair/repaired_string.h"

#include <utility>

#include "engine/json/utf8.h"

namespace dspex {

namespace {

constexpr std::size_t kSurrogateSize = 3;

bool IsSurrogate(char32_t code) { return code >= 0xD800 && code <= 0xDFFF; }

// The surrogate at `position`, 0 if there is none.
char32_t SurrogateAt(std::string_view text, std::size_t position) {
  if (position + kSurrogateSize > text.size() || text[position] != '\xED') return 0;
  const auto second = static_cast<unsigned char>(text[position + 1]);
  const auto third = static_cast<unsigned char>(text[position + 2]);
  return second < 0xA0 ? 0 : 0xD000u | (second & 0x3Fu) << 6 | (third & 0x3Fu);
}

}  // namespace

void JoinSurrogates(std::string& text) {
  constexpr char32_t kReplacement = 0xFFFD;
  std::string joined;
  joined.reserve(text.size());
  for (std::size_t position = 0; position < text.size();) {
    const char32_t first = SurrogateAt(text, position);
    if (first == 0) {
      joined.push_back(text[position++]);
      continue;
    }
    position += kSurrogateSize;
    const char32_t second = first < 0xDC00 ? SurrogateAt(text, position) : 0;
    if (second >= 0xDC00) {
      AppendUtf8(joined, 0x10000 + ((first & 0x3FF) << 10 | (second & 0x3FF)));
      position += kSurrogateSize;
    } else {
      AppendUtf8(joined, kReplacement);
    }
  }
  text = std::move(joined);
}

void RepairedString::Append(char32_t code) {
  AppendUtf8(utf8_, code);
  last_ = code;
  if (code == U'{') {
    ++open_braces_;
  } else if (code == U'}') {
    if (open_braces_ > 0) --open_braces_;
  } else if (code == U'[') {
    class_begin_ = utf8_.size();
  } else if (code == U']') {
    class_begin_ = 0;
  } else if (IsPythonSpace(code)) {
    space_end_ = utf8_.size();
  } else if (IsSurrogate(code)) {
    has_surrogates_ = true;
  }
}

void RepairedString::Append(std::u32string_view codes) {
  for (const char32_t code : codes) Append(code);
}

void RepairedString::ReplaceBackslash(char32_t code) {
  utf8_.pop_back();
  Append(code);
}

void RepairedString::ReplaceBackslash(std::size_t backslashes) { utf8_.append(backslashes - 1, '\\'); }

void RepairedString::TrimEnd() {
  while (!utf8_.empty()) {
    std::size_t begin = utf8_.size() - 1;
    while (begin > 0 && (static_cast<unsigned char>(utf8_[begin]) & 0xC0) == 0x80) --begin;
    if (!IsPythonSpace(DecodeUtf8(utf8_, begin).code)) return;
    utf8_.resize(begin);
  }
}

std::string RepairedString::Take(bool trims, bool trims_after_newline) {
  if (trims) TrimEnd();
  if (trims_after_newline && utf8_.ends_with('\n')) TrimEnd();
  if (has_surrogates_) JoinSurrogates(utf8_);
  return std::move(utf8_);
}

}  // namespace dspex
