#include "engine/adapter/python_text.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_split.h>
#include <utf8proc.h>

#include <algorithm>
#include <bit>
#include <optional>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "engine/json/utf8.h"

namespace dspex::python_text {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

// The first character; a byte that is not UTF-8 is one of no class.
Utf8Char First(absl::string_view text) {
  const Utf8Char first = DecodeUtf8(text, 0);
  return first.size > 0 ? first : Utf8Char{kReplacement, 1};
}

Utf8Char Last(absl::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && text.size() - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  const Utf8Char last = DecodeUtf8(text, begin);
  return last.size == text.size() - begin ? last : Utf8Char{kReplacement, 1};
}

bool IsLineBreak(char32_t code) {
  return (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 || code == 0x2028 ||
         code == 0x2029;
}

bool IsWord(char32_t code) {
  if (code < 0x80) return code == '_' || absl::ascii_isalnum(static_cast<unsigned char>(code));
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

// Whether a line break other than "\n" may begin with this byte.
bool MayBeginLineBreak(unsigned char byte) {
  return (byte >= 0x0B && byte <= 0x0D) || (byte >= 0x1C && byte <= 0x1E) || byte == 0xC2 || byte == 0xE2;
}

// The position of the first byte that may begin a line break other than "\n"; the text's size if there is none.
std::size_t FindLineBreakStart(absl::string_view text) {
  std::size_t position = 0;
#ifdef __SSE2__
  // Most texts are long and have none: sixteen bytes at a time.
  const auto within = [](__m128i bytes, char first, char last) {
    const __m128i offset = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(offset, _mm_min_epu8(offset, _mm_set1_epi8(static_cast<char>(last - first))));
  };
  const auto equal = [](__m128i bytes, char byte) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte)); };
  for (; position + 16 <= text.size(); position += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + position));
    const __m128i ascii = _mm_or_si128(within(bytes, 0x0B, 0x0D), within(bytes, 0x1C, 0x1E));
    const __m128i longer = _mm_or_si128(equal(bytes, '\xC2'), equal(bytes, '\xE2'));
    const int found = _mm_movemask_epi8(_mm_or_si128(ascii, longer));
    if (found != 0) return position + static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(found)));
  }
#endif
  while (position < text.size() && !MayBeginLineBreak(static_cast<unsigned char>(text[position]))) ++position;
  return position;
}

}  // namespace

absl::string_view StripRight(absl::string_view text) {
  while (!text.empty()) {
    const Utf8Char last = Last(text);
    if (!IsPythonSpace(last.code)) break;
    text.remove_suffix(last.size);
  }
  return text;
}

absl::string_view StripLeft(absl::string_view text) {
  while (!text.empty()) {
    const Utf8Char first = First(text);
    if (!IsPythonSpace(first.code)) break;
    text.remove_prefix(first.size);
  }
  return text;
}

absl::string_view Strip(absl::string_view text) { return StripRight(StripLeft(text)); }

std::size_t TrailingBlanks(absl::string_view text) {
  std::size_t length = 0;
  while (length < text.size()) {
    const Utf8Char last = Last(text.substr(0, text.size() - length));
    if (!IsPythonSpace(last.code) || IsLineBreak(last.code)) break;
    length += last.size;
  }
  return length;
}

bool EndsWithLineBreak(absl::string_view text) { return !text.empty() && IsLineBreak(Last(text).code); }

std::size_t LeadingWord(absl::string_view text) {
  std::size_t length = 0;
  while (length < text.size()) {
    const Utf8Char next = First(text.substr(length));
    if (!IsWord(next.code)) break;
    length += next.size;
  }
  return length;
}

std::size_t PrefixLength(absl::string_view text, std::size_t count) {
  std::size_t length = 0;
  while (count > 0 && length < text.size()) {
    length += First(text.substr(length)).size;
    --count;
  }
  return length;
}

std::size_t Length(absl::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); text.remove_prefix(First(text).size)) ++count;
  return count;
}

std::string ValidUtf8(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Char next = First(text);
    AppendUtf8(out, next.code);
    text.remove_prefix(next.size);
  }
  return out;
}

std::vector<std::string> SplitLines(absl::string_view text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t position = 0; position < text.size();) {
    const Utf8Char next = First(text.substr(position));
    const std::size_t end = position;
    position += next.size;
    if (!IsLineBreak(next.code)) continue;
    if (next.code == '\r' && position < text.size() && text[position] == '\n') ++position;
    lines.emplace_back(text.substr(begin, end - begin));
    begin = position;
  }
  if (begin < text.size()) lines.emplace_back(text.substr(begin));
  return lines;
}

std::string Dedent(absl::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  std::optional<absl::string_view> margin;
  for (absl::string_view& line : lines) {
    std::size_t indent = 0;
    while (indent < line.size() && is_blank(line[indent])) ++indent;
    if (indent == line.size()) {
      line = {};
      continue;
    }
    const absl::string_view blanks = line.substr(0, indent);
    if (!margin.has_value()) margin = blanks;
    std::size_t common = 0;
    while (common < std::min(margin->size(), blanks.size()) && (*margin)[common] == blanks[common]) ++common;
    margin = margin->substr(0, common);
  }
  const std::size_t cut = margin.value_or("").size();
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.push_back('\n');
    const absl::string_view line = lines[i].substr(std::min(cut, lines[i].size()));
    out.append(line.data(), line.size());
  }
  return out;
}

std::string NormalizeLines(absl::string_view text) {
  std::string repaired;
  if (ValidUtf8Prefix(text) != text.size()) text = repaired = ValidUtf8(text);
  std::string out;
  out.reserve(text.size());
  while (true) {
    const std::size_t found = FindLineBreakStart(text);
    out.append(text.data(), found);
    text.remove_prefix(found);
    if (text.empty()) return out;
    const Utf8Char next = First(text);
    if (IsLineBreak(next.code)) {
      out.push_back('\n');
      const bool crlf = next.code == '\r' && text.size() > 1 && text[1] == '\n';
      text.remove_prefix(crlf ? 2 : next.size);
    } else {
      out.append(text.data(), next.size);
      text.remove_prefix(next.size);
    }
  }
}

}  // namespace dspex::python_text
