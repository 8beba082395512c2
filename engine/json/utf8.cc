#include "engine/json/utf8.h"

#include <absl/strings/str_cat.h>

#include <simdjson.h>

namespace dspex {

namespace {

bool IsContinuation(absl::string_view text, std::size_t position) {
  return position < text.size() && (static_cast<unsigned char>(text[position]) & 0xC0) == 0x80;
}

char32_t Bits(absl::string_view text, std::size_t position) {
  return static_cast<unsigned char>(text[position]) & 0x3F;
}

}  // namespace

Utf8Char DecodeLongUtf8(absl::string_view text, std::size_t position) {
  const auto first = static_cast<unsigned char>(text[position]);
  if (first < 0xC2 || first > 0xF4 || !IsContinuation(text, position + 1)) return {};
  if (first < 0xE0) return {(first & 0x1Fu) << 6 | Bits(text, position + 1), 2};
  if (!IsContinuation(text, position + 2)) return {};
  if (first < 0xF0) {
    const char32_t code = (first & 0x0Fu) << 12 | Bits(text, position + 1) << 6 | Bits(text, position + 2);
    if (code < 0x800 || (code >= 0xD800 && code <= 0xDFFF)) return {};
    return {code, 3};
  }
  if (!IsContinuation(text, position + 3)) return {};
  const char32_t code =
      (first & 0x07u) << 18 | Bits(text, position + 1) << 12 | Bits(text, position + 2) << 6 | Bits(text, position + 3);
  if (code < 0x10000 || code > 0x10FFFF) return {};
  return {code, 4};
}

std::size_t ValidUtf8Prefix(absl::string_view text) {
  // Most texts are valid; a short one is not worth the call.
  constexpr std::size_t kLong = 64;
  if (text.size() >= kLong && simdjson::validate_utf8(text.data(), text.size())) return text.size();
  std::size_t position = 0;
  while (position < text.size()) {
    const std::size_t size = DecodeUtf8(text, position).size;
    if (size == 0) break;
    position += size;
  }
  return position;
}

void AppendUtf8(std::string& out, char32_t code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
    return;
  }
  if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code >> 6));
  } else {
    if (code < 0x10000) {
      out.push_back(static_cast<char>(0xE0 | code >> 12));
    } else {
      out.push_back(static_cast<char>(0xF0 | code >> 18));
      out.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
    }
    out.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
  }
  out.push_back(static_cast<char>(0x80 | (code & 0x3F)));
}

bool IsPythonSpace(char32_t code) {
  return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F ||
         code == 0x205F || code == 0x3000;
}

std::string Shorten(absl::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  std::size_t end = max_bytes;
  while (end > 0 && IsContinuation(text, end)) --end;
  return absl::StrCat(text.substr(0, end), "...");
}

}  // namespace dspex
