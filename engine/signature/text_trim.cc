#include "engine/signature/text_trim.h"

#include "engine/json/utf8.h"

namespace dspex {

namespace {

bool IsWhiteSpace(char32_t code) { return IsPythonSpace(code) && (code < 0x1C || code > 0x1F); }

template <typename Predicate>
absl::string_view Strip(absl::string_view text, Predicate is_space) {
  while (!text.empty()) {
    const Utf8Char c = DecodeUtf8(text, 0);
    if (c.size == 0 || !is_space(c.code)) break;
    text.remove_prefix(c.size);
  }
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    const Utf8Char c = DecodeUtf8(text, last);
    if (last + c.size != text.size() || !is_space(c.code)) break;
    text.remove_suffix(text.size() - last);
  }
  return text;
}

}  // namespace

absl::string_view StripPythonSpace(absl::string_view text) { return Strip(text, IsPythonSpace); }

absl::string_view StripWhiteSpace(absl::string_view text) { return Strip(text, IsWhiteSpace); }

}  // namespace dspex
